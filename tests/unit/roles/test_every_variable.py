# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is wrong with one public variable alone, the roles' judges refuse it by one sentence that names it.

The roles' real defaults, variables and checks, without a host: what asks for the look at the host waits for it.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.opengeoai.modelhub.plugins.lookup import role_problems

ROOT = Path(__file__).parents[3]
# The order of the playbook
ROLES = ("common", "docker", "images", "traefik", "postgres", "minio", "mlflow", "backup")
# Of the controller and the host
GIVEN: dict[str, Any] = {
    "ansible_facts": {"memtotal_mb": 4096, "processor_vcpus": 2, "python_version": "3.11.2", "pkg_mgr": "apt"},
    "ansible_version": {"full": "2.19.0"},
    "inventory_hostname": "server",
    "playbook_dir": "/srv/playbooks",
    "modelhub_domain": "ml.example.org",
    "modelhub_tls_mode": "internal",
}


def wrong_values() -> Any:
    path = ROOT / "tests/integration/bad_input/wrong_values.py"
    spec = importlib.util.spec_from_file_location("wrong_values", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRONG = wrong_values()
SPECS = {role: role_problems.role_options(role) for role in ROLES}
TEXTS = {role: "".join(path.read_text() for path in (ROOT / "roles" / role).glob("[dv]*/**/*.yml")) for role in ROLES}


@pytest.fixture(scope="module")
def variables() -> dict[str, Any]:
    loader = DataLoader()
    found: dict[str, Any] = {}
    for pattern in ("defaults/main.yml", "vars/main/*.yml"):
        for role in ROLES:
            for path in sorted((ROOT / "roles" / role).glob(pattern)):
                found.update(loader.load_from_file(str(path), trusted_as_template=True) or {})
    return {**found, **GIVEN}


@pytest.fixture(autouse=True)
def specifications_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_problems, "role_options", SPECS.__getitem__)


def problems(variables: dict[str, Any], name: str = "") -> list[str]:
    """What the roles that read a variable say, and common, which derives others from it; without a name all roles."""
    roles = [role for role in ROLES if role == "common" or name in TEXTS[role]]
    loader = DataLoader()
    return role_problems.LookupModule(loader=loader, templar=Templar(loader, variables=variables)).run(roles, variables)


def test_good_variables_pass(variables: dict[str, Any]) -> None:
    assert problems(variables) == []


@pytest.mark.parametrize("wrong", [pytest.param(one, id=f"{one.kind}-{one.name}") for one in WRONG.wrong_values()])
def test_one_wrong_variable_is_named_once(wrong: Any, variables: dict[str, Any]) -> None:
    value = trust_as_template(wrong.value) if isinstance(wrong.value, str) else wrong.value
    found = problems({**variables, **WRONG.CONTEXTS.get(wrong.name, {}), wrong.name: value}, wrong.name)
    assert len(found) == 1, found
    assert re.search(wrong.says, found[0]), found
