# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run takes over, by what earlier runs have left, wherever they were killed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).parents[3] / "roles/backup/vars/main"
SPEC = importlib.util.spec_from_file_location("old_stack", ROLE.parents[1] / "files/old_stack.py")
assert SPEC and SPEC.loader
old_stack = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(old_stack)
NAMES = {name: name for name in ("traefik", "postgres", "minio", "mlflow")}
MARKER = "/opt/modelhub/backup/state/adopting"
BUNDLE = "20270131T023000Z"
# Others' containers by name and state
IN_USE = dict.fromkeys(NAMES, "running")
SERVER_STOPPED = {**IN_USE, "mlflow": "exited"}
STOPPED = dict.fromkeys(NAMES, "exited")
HALF_ASIDE = {"adopted-traefik": "exited", "adopted-postgres": "exited", "minio": "exited", "mlflow": "exited"}
ASIDE = {f"adopted-{name}": "exited" for name in NAMES}


def look(expression: str, others: dict[str, str], *, marker: str = "", own: tuple[str, ...] = (), **more: Any) -> Any:
    """Evaluate with the role's variables for adoption."""
    loader = DataLoader()
    found = [(name, state, "") for name, state in others.items()] + [(name, "running", "modelhub") for name in own]
    containers = [
        {"name": name, "state": state, "stack": stack, "image": "x", "networks": ["infra"]}
        for name, state, stack in found
    ]
    variables = {
        **loader.load_from_file(str(ROLE / "adopt.yml"), trusted_as_template=True),
        "backup_adopt_containers": NAMES,
        "__backup_state_dir": "/opt/modelhub/backup/state",
        "__backup_there": [],
        "backup_force": False,
        "modelhub_s3_bucket": "mlflow",
        "modelhub_own_containers": list(own),
        "modelhub_found": {"containers": containers, "paths": {MARKER: {"content": marker or None}}},
        **more,
    }
    return Templar(loader, variables=variables).template(trust_as_template(expression))


@pytest.mark.parametrize(
    ("others", "marker", "own", "used", "already", "restores"),
    [
        (IN_USE, "", (), True, False, True),
        # Killed after the old server was stopped, before its bundle was complete
        (SERVER_STOPPED, "", (), True, False, True),
        # Killed after that
        (SERVER_STOPPED, f"{BUNDLE}\n", (), False, False, True),
        # Somebody has started it again since, and used it
        (IN_USE, f"{BUNDLE}\n", (), True, False, True),
        (STOPPED, BUNDLE, (), False, False, True),
        (HALF_ASIDE, BUNDLE, (), False, False, True),
        (ASIDE, BUNDLE, (), False, False, True),
        # Killed within the restore
        (ASIDE, BUNDLE, ("postgres",), False, False, True),
        # Killed after the restore
        (ASIDE, "restored\n", tuple(NAMES), False, False, False),
        # Complete
        (ASIDE, "", tuple(NAMES), False, True, False),
        # Given back, and looked at again
        (IN_USE, "", (), True, False, True),
        # There never was one
        ({}, "", (), True, False, True),
        ({}, "", tuple(NAMES), True, False, True),
    ],
)
def test_what_is_to_do(
    others: dict[str, str], marker: str, own: tuple[str, ...], used: bool, already: bool, restores: bool
) -> None:
    assert look("{{ __backup_old_used }}", others, marker=marker, own=own) is used
    assert look("{{ __backup_adopted_already }}", others, marker=marker, own=own) is already
    assert look("{{ __backup_adopt_unrestored }}", others, marker=marker, own=own) is restores


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--artifacts-destination", "s3://mlflow/artifacts"], "keeps artifacts at s3://mlflow/artifacts"),
        (
            ["--artifacts-destination=s3://mlflow/", "--registry-store-uri=sqlite:///r.db"],
            "registered models are elsewhere",
        ),
    ],
)
def test_a_server_whose_data_would_not_be_found_again_is_refused(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://minio:9000")
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "postgresql://m@db/m")
    with pytest.raises(old_stack.NotForUs, match=words):
        old_stack.require_one_database(arguments)
        old_stack.store_of(arguments)
    assert old_stack.store_of(["--artifacts-destination=s3://mlflow/"])["bucket"] == "mlflow"


def test_what_does_not_run_is_started_before_what_needs_it() -> None:
    assert look("{{ __backup_old_stopped }}", STOPPED) == ["postgres", "minio", "mlflow", "traefik"]
    assert look("{{ __backup_old_stopped }}", SERVER_STOPPED) == ["mlflow"]


def test_the_copy_joins_the_networks_of_the_old_server() -> None:
    assert look("{{ __backup_old_networks }}", IN_USE) == [{"name": "infra", "aliases": None}]


@pytest.mark.parametrize(
    ("old", "there", "words"),
    [
        ({"problem": "its data are in files"}, [], ["its data are in files"]),
        ({"store": {"bucket": "mlflow"}}, [], []),
        ({"store": {"bucket": "other"}}, [], ["Set modelhub_s3_bucket to other"]),
        ({"store": {"bucket": "mlflow"}}, ["/opt/modelhub/minio/data"], ["/opt/modelhub/minio/data hold data already"]),
        ({"store": {"bucket": "other"}}, ["/data"], ["to other", "/data hold data already"]),
    ],
)
def test_what_cannot_be_taken_over(old: dict[str, Any], there: list[str], words: list[str]) -> None:
    found = look("{{ __backup_adopt_problems }}", IN_USE, __backup_old=old, __backup_there=there)
    assert len(found) == len(words)
    assert all(wanted in problem for wanted, problem in zip(words, found, strict=True)), found


@pytest.mark.parametrize("missing", sorted(NAMES))
def test_each_container_is_named(missing: str) -> None:
    names = {name: name for name in NAMES if name != missing}
    assert "Give it the names" in look("{{ __backup_adopt_names_problem }}", {}, backup_adopt_containers=names)
    assert look("{{ __backup_adopt_names_problem }}", {}) == ""
