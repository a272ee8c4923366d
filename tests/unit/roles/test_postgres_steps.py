# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does with the data of another major version, by what earlier runs have left, wherever they were killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).parents[3] / "roles/postgres/vars/main"
DATA = "/opt/modelhub/postgres/data"
NOTED = json.dumps({"major": "17", "image": "sha256:17"})


def look(expression: str, wanted: str, *, word: bool = True, **found: str) -> Any:
    """Evaluate with the role's variables; of data, new data and note, only what is found is there."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for name in ("data.yml", "major.yml"):
        variables |= loader.load_from_file(str(ROLE / name), trusted_as_template=True)
    files = {
        f"{DATA}/PG_VERSION": found.get("data", ""),
        f"{DATA}.upgrade/data/PG_VERSION": found.get("new", ""),
        f"{DATA}.upgrade/loaded": found.get("loaded", ""),
        "/opt/modelhub/postgres/state/initialised": found.get("initialised", "-"),
        "/opt/modelhub/postgres/state/initialising": "",
        f"{DATA}.17": found.get("old", ""),
    }
    variables |= {
        "modelhub_found": {
            "paths": {path: {"type": "file" if text else "absent", "content": text} for path, text in files.items()}
        },
        "modelhub_container_images": {"postgres": found.get("image", "sha256:17")},
        "modelhub_db_host": "postgres",
        "modelhub_postgres_socket_dir": "/opt/modelhub/postgres/run",
        "postgres_base_dir": "/opt/modelhub/postgres",
        "postgres_data_dir": DATA,
        "postgres_container_name": "postgres",
        "postgres_version": f"{wanted}.4-trixie",
        "postgres_upgrade": word,
        "ansible_facts": {"mounts": [{"mount": found.get("mount", "/")}]},
    }
    return Templar(loader, variables=variables).template(trust_as_template(expression))


@pytest.mark.parametrize(
    ("wanted", "found", "step"),
    [
        ("17", {"data": "17"}, ""),
        ("17", {}, ""),
        ("18", {"data": "17\n"}, "load"),
        # Killed after the load, before the exchange
        ("18", {"data": "17", "new": "18", "loaded": NOTED}, "load"),
        # Killed within the exchange
        ("18", {"new": "18\n", "loaded": NOTED, "old": "17"}, "exchange"),
        # Somebody has thought better of it
        ("17", {"new": "18", "loaded": NOTED, "old": "17"}, "back"),
        # Killed on the way back
        ("18", {"loaded": NOTED, "old": "17"}, "back"),
        # Exchanged
        ("18", {"data": "18", "loaded": NOTED, "old": "17"}, ""),
        ("17", {"data": "18"}, ""),
    ],
)
def test_steps(wanted: str, found: dict[str, str], step: str) -> None:
    assert look("{{ __postgres_step }}", wanted, **found) == step


@pytest.mark.parametrize(
    ("wanted", "found", "exchanged"),
    [
        ("18", {"data": "17"}, False),
        ("18", {"data": "17", "new": "18", "loaded": NOTED}, False),
        ("18", {"data": "18", "loaded": NOTED}, True),
        ("18", {"loaded": NOTED}, True),
        ("18", {"data": "18"}, False),
        # Back, and what there was of the new one is not removed yet
        ("17", {"data": "17", "loaded": NOTED}, False),
    ],
)
def test_what_is_not_proved_yet_can_be_undone(wanted: str, found: dict[str, str], exchanged: bool) -> None:
    assert look("{{ __postgres_exchanged | bool }}", wanted, **found) is exchanged
    assert look("{{ __postgres_old.image }}", wanted, **found) == "sha256:17"


@pytest.mark.parametrize(
    ("wanted", "word", "found", "says"),
    [
        ("17", True, {"data": "17"}, ""),
        ("18", True, {"data": "17"}, ""),
        ("18", True, {"new": "18", "loaded": NOTED, "old": "17"}, ""),
        ("17", False, {"new": "18", "loaded": NOTED, "old": "17"}, ""),
        ("18", False, {"data": "17"}, "release of 17, or postgres_upgrade to true to let this run move the data"),
        ("17", True, {"data": "18"}, "Set postgres_version to a release of 18. An older release cannot read them"),
        ("18", True, {"data": "17", "image": ""}, "Deploy once with postgres_version set to a release of 17"),
        ("18", True, {"data": "17", "mount": DATA}, "is a mount point, which cannot be renamed"),
        ("18", True, {"data": "17", "old": "17"}, f"{DATA}.17 is there already"),
        ("18", True, {}, "is empty, but"),
        ("17", False, {"data": "17", "initialised": ""}, "holds a PostgreSQL cluster that this role did not make"),
    ],
)
def test_refusals(wanted: str, word: bool, found: dict[str, str], says: str) -> None:
    said = look("{{ __postgres_refusal }}", wanted, word=word, **found)
    assert says in said
    assert bool(says) == bool(said)
