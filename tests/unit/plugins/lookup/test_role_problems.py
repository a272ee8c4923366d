# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's judge says everything at once, and nothing twice, whatever state the variables are in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.opengeoai.modelhub.plugins.lookup import role_problems

SPECS: dict[str, dict[str, Any]] = {
    "common": {
        "modelhub_domain": {"type": "str", "required": True},
        "modelhub_base_dir": {"type": "path", "default": "/opt/modelhub"},
        "modelhub_http_port": {"type": "int", "default": 80},
        "modelhub_db_password": {"type": "str", "no_log": True},
    },
    "postgres": {
        "postgres_enabled": {"type": "bool", "default": True},
        "postgres_data_dir": {"type": "path"},
        "postgres_name": {"type": "str", "default": "postgres"},
        "postgres_extra_env": {"type": "dict", "default": {}},
    },
}
GOOD: dict[str, Any] = {
    "modelhub_domain": "ml.example.org",
    "modelhub_base_dir": "/opt/modelhub",
    "modelhub_http_port": 80,
    "postgres_enabled": True,
    "__postgres_dir": "{{ modelhub_base_dir }}/postgres",
    "postgres_data_dir": "{{ __postgres_dir }}/data",
    "postgres_name": "postgres",
    "postgres_extra_env": {},
    "__common_checks": [
        {"name": "modelhub_domain", "value": "{{ modelhub_domain }}", "rule": "hostname", "example": "ml.example.org"},
        {"name": "modelhub_base_dir", "value": "{{ modelhub_base_dir }}", "rule": "path"},
        {"name": "modelhub_http_port", "value": "{{ modelhub_http_port }}", "rule": "port"},
        {
            "name": "modelhub_db_password",
            "value": "{{ modelhub_db_password | default('') }}",
            "rule": "secret",
            "optional": True,
        },
    ],
    "__postgres_checks": [
        {"name": "postgres_data_dir", "value": "{{ postgres_data_dir }}", "rule": "path", "always": True},
        {
            "name": "postgres_name",
            "value": "{{ postgres_name }}",
            "rule": "own_container",
            "found": "{{ __postgres_containers }}",
            "stack": "modelhub",
        },
        {"name": "postgres_extra_env", "value": "{{ postgres_extra_env }}", "rule": "env"},
        {"rule": "finding", "value": "{{ 'It is 80.' if modelhub_http_port | int == 80 else '' }}", "when": False},
    ],
    "__postgres_containers": "{{ modelhub_found.containers }}",
}


def trusted(value: Any) -> Any:
    """As inventory and role files are read."""
    if isinstance(value, dict):
        return {key: trusted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return trust_as_template(value) if isinstance(value, str) else value


def problems(*roles: str, **variables: Any) -> list[str]:
    values = {key: trusted(value) for key, value in {**GOOD, **variables}.items() if value is not ...}
    return lookup(values).run(list(roles or SPECS), values)


def lookup(values: dict[str, Any]) -> Any:
    return role_problems.LookupModule(loader=DataLoader(), templar=Templar(DataLoader(), variables=values))


@pytest.fixture(autouse=True)
def small_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_problems, "role_options", SPECS.__getitem__)


def test_good_variables_pass() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("variables", "messages"),
    [
        ({"modelhub_domain": ""}, [r"^modelhub_domain is required.*e\.g\. modelhub_domain: ml\.example\.org"]),
        ({"modelhub_domain": ...}, [r"^modelhub_domain is required"]),
        ({"modelhub_domain": ["a.b"]}, [r"^modelhub_domain is a list, but must be text"]),
        ({"modelhub_http_port": "x"}, [r'^modelhub_http_port is "x", but must be a port number from 1 to 65535']),
        (
            {"modelhub_base_dir": "{{ nosuch }}"},
            [r"^modelhub_base_dir cannot be resolved: 'nosuch' is undefined\. Give"],
        ),
        ({"modelhub_base_dir": "{{ x + }}"}, [r"^modelhub_base_dir cannot be resolved: Syntax error in template"]),
        ({"modelhub_base_dir": "relative"}, [r'^modelhub_base_dir is "relative", but must be an absolute path']),
        ({"modelhub_base_dir": {"a": 1}}, [r"^modelhub_base_dir is a dictionary, but must be text"]),
        ({"postgres_enabled": "{{ nosuch }}"}, [r"^postgres_enabled cannot be resolved"]),
        ({"postgres_enabled": "maybe"}, [r"^postgres_enabled is \"maybe\", but must be true or false"]),
        (
            {"postgres_data_dir": "{{ modelhub_base_dir }}", "modelhub_base_dir": "{{ postgres_data_dir }}"},
            [r"^modelhub_base_dir cannot be resolved: .*[Rr]ecursi", r"^postgres_data_dir cannot be resolved"],
        ),
        (
            {"modelhub_domain": "a_b", "postgres_data_dir": "/etc", "postgres_extra_env": {"A": True, "B": [1]}},
            [
                r"^modelhub_domain .*label",
                r"^postgres_data_dir .*/etc",
                r"_env gives A a value",
                r"_env gives B a value",
            ],
        ),
    ],
)
def test_each_cause_is_said_once_and_what_follows_is_not(variables: dict[str, Any], messages: list[str]) -> None:
    found = problems(**variables)
    assert len(found) == len(messages), found
    for message, pattern in zip(found, messages):
        assert re.search(pattern, message), found


def test_a_secret_is_not_shown_by_a_broken_template() -> None:
    found = problems(modelhub_db_password="{{ 'Xk3-secret-9v' | nosuchfilter }}")
    assert len(found) == 1 and "modelhub_db_password cannot be resolved" in found[0] and "Xk3" not in found[0]
    named = problems(modelhub_db_password="{{ vault_db_password }}")
    assert "'vault_db_password' is undefined" in named[0]


def test_a_role_that_is_switched_off_keeps_only_what_always_holds() -> None:
    bad = {"postgres_data_dir": "/etc", "postgres_extra_env": {"A": True}}
    assert len(problems(**bad)) == 2
    assert [message.split()[0] for message in problems(**bad, postgres_enabled="no")] == ["postgres_data_dir"]


def test_what_asks_for_the_look_waits_for_it() -> None:
    found = {"containers": [{"name": "postgres", "image": "x", "stack": "", "labels": {}, "ports": []}]}
    assert problems() == []
    assert re.search("^postgres_name is .*takes letters", problems(postgres_name="a b")[0])
    assert re.search("^postgres_name is .*no ModelHub stack", problems(modelhub_found=found)[0])


def test_what_an_earlier_play_has_found_does_not_count_before_this_one_looks() -> None:
    values = {key: trusted(value) for key, value in {**GOOD, "modelhub_found": {"containers": {}}}.items()}
    checks = [{"name": "postgres_data_dir", "value": "{{ modelhub_found.paths['/data'] }}", "rule": "finding"}]
    values["__postgres_checks"] = trusted(checks)
    assert re.search("^postgres_data_dir cannot be resolved", lookup(values).run(list(SPECS), values)[0])
    assert lookup(values).run(list(SPECS), values, look="before") == []


def test_after_the_look_only_what_waited_for_it_is_judged() -> None:
    found = {"containers": [{"name": "postgres", "image": "x", "stack": "", "labels": {}, "ports": []}]}
    bad = {**GOOD, "modelhub_found": found, "postgres_data_dir": "/etc", "modelhub_domain": ""}
    values = {key: trusted(value) for key, value in bad.items()}
    before = lookup(values).run(list(SPECS), values, look="before")
    after = lookup(values).run(list(SPECS), values, look="after")
    assert [message.split()[0] for message in before] == ["modelhub_domain", "postgres_data_dir"]
    assert [message.split()[0] for message in after] == ["postgres_name"]
    values["postgres_enabled"] = False
    assert lookup(values).run(list(SPECS), values, look="after") == []


def test_a_check_with_a_condition() -> None:
    checks = [{"rule": "finding", "value": "It rains. Wait", "when": "{{ modelhub_http_port == 80 }}"}]
    assert problems(__postgres_checks=checks) == ["It rains. Wait"]
    assert problems(__postgres_checks=checks, modelhub_http_port=81) == []


def test_a_check_that_cannot_be_resolved_is_a_message() -> None:
    checks = [{"rule": "finding", "value": "{{ nosuch }}"}]
    assert "the check finding cannot be resolved: 'nosuch' is undefined" in problems(__postgres_checks=checks)[0]


def test_a_wrong_check_is_an_error() -> None:
    with pytest.raises(AnsibleError, match="unknown rule 'prot'"):
        problems(__postgres_checks=[{"name": "postgres_name", "rule": "prot"}])
