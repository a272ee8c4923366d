# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import service_of
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._guard import (
    GuardError,
    GuardParams,
    account_row,
    look,
    owner,
    public_addresses,
    run_rows,
)

PARAMS: dict[str, t.Any] = {
    "stack": "modelhub",
    "base_dir": "/opt/modelhub",
    "secrets_dir": "/opt/modelhub/secrets",
    "reach": {"mlflow": {"postgres": ["5432"]}},
    "services": ["mlflow"],
    "expected": [],
    "accounts": True,
    "hostname": "",
    "addresses": [],
    "inside": [],
    "socket": "/var/run/docker.sock",
    "timeout_seconds": 5,
}


@pytest.mark.parametrize(
    ("bound", "own", "named", "public"),
    [
        (["127.0.0.1"], ["203.0.114.5"], ["203.0.114.5"], []),
        (["0.0.0.0"], ["10.0.0.2", "fe80::1%eth0"], [], []),
        (["0.0.0.0"], ["10.0.0.2", "203.0.114.5"], [], ["203.0.114.5"]),
        # Behind a router that translates
        (["10.0.0.2"], ["10.0.0.2"], ["203.0.114.5"], ["203.0.114.5"]),
        (["10.0.0.2"], ["203.0.114.5"], [], []),
        ([""], ["2a00::5"], [], ["2a00::5"]),
    ],
)
def test_public_addresses(bound: list[str], own: list[str], named: list[str], public: list[str]) -> None:
    assert public_addresses(bound, own, named) == public


@pytest.mark.parametrize(
    ("accounts", "addresses", "passed"),
    [(True, ["203.0.114.5"], True), (False, ["10.0.0.2"], True), (False, ["203.0.114.5"], False)],
)
def test_no_accounts_on_a_public_address_is_a_finding(accounts: bool, addresses: list[str], passed: bool) -> None:
    """R24."""
    params = GuardParams.from_module({**PARAMS, "accounts": accounts, "addresses": addresses})
    assert account_row(params, ["0.0.0.0"])["passed"] is passed


def test_services_are_known_by_their_aliases() -> None:
    inspect = {"Name": "/other", "NetworkSettings": {"Networks": {"edge": {"Aliases": ["x", "mlflow"]}, "b": {}}}}
    assert service_of(inspect, ["traefik", "mlflow"]) == "mlflow"
    assert service_of(inspect, ["traefik"]) == "other"


def test_what_does_not_run_is_a_finding() -> None:
    assert [row["passed"] for row in run_rows([], {"mlflow"}, ["mlflow"])] == [True]
    assert [row["where"] for row in run_rows(["traefik"], {"mlflow"}, ["mlflow", "postgres"])] == [
        "traefik",
        "postgres",
    ]


def test_owner() -> None:
    assert (owner("1001:1001"), owner("0"), owner("postgres")) == (1001, 0, -1)


class NoStack:
    def get(self, path: str) -> t.Any:
        if path.endswith(("/version", "/info")):
            return {"ApiVersion": "1.45"}
        return [{"Id": "1", "Labels": {"org.opengeoai.modelhub.stack": "other"}}]


def test_a_host_without_the_stack_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(json.dumps("a secret"))
    params = GuardParams.from_module({**PARAMS, "secrets_dir": str(tmp_path)})
    with pytest.raises(GuardError, match='no container of the stack "modelhub"'):
        look(params, NoStack())


@pytest.mark.parametrize(
    "wrong", [{"timeout_seconds": 0}, {"base_dir": "opt"}, {"reach": {"mlflow": [1]}}, {"reach": {"a": {"b": ["x"]}}}]
)
def test_bad_options_are_refused(wrong: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidOption):
        GuardParams.from_module({**PARAMS, **wrong})
