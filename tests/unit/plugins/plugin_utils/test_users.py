# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of the rules for accounts of MLflow."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._settings import check_problems

ADA = {"name": "ada", "password": "Ue7-rather-long"}
GRANT = {"user": "ada", "resource_type": "experiment", "experiment": "churn", "permission": "EDIT"}


def told(rule: str, value: t.Any, **options: t.Any) -> list[str]:
    return check_problems({"name": "mlflow_list", "rule": rule, "value": value, **options})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "a:b"}, r'mlflow_list\[1\]\.name is "a:b", but must be of letters'),
        ({"name": "../ada"}, r"must be of letters"),
        ({"name": ""}, r"must be of letters"),
        ({"name": 5}, r"must be of letters"),
        ({"name": "root"}, r'is "root", but that is the administrator\'s.* Set modelhub_mlflow_admin_password'),
        (ADA, r'is "ada", but that account is in the list already'),
        ({"name": "bob", "password": "hush"}, r"\[1\]\.password is \(not shown\), but is shorter than 12"),
        (
            {"name": "bob-the-builder", "password": "bob-the-builder"},
            r"\(not shown\), but equals mlflow_list\[1\]\.name",
        ),
    ],
)
def test_a_wrong_account_is_named(entry: dict[str, t.Any], message: str) -> None:
    problems = told("users", [ADA, entry], admin="root")
    assert len(problems) == 1
    assert re.search(message, problems[0])
    assert "hush" not in problems[0]


@pytest.mark.parametrize("rule", ["users", "grants"])
@pytest.mark.parametrize("value", ["ada", 5, {"name": "ada"}, ["ada"], [{}]])
def test_anything_but_a_list_of_entries_is_refused(rule: str, value: t.Any) -> None:
    problems = told(rule, value)
    assert len(problems) == 1
    assert "must be a list of dictionaries" in problems[0]


def test_good_accounts() -> None:
    entries = [ADA, {"name": "grace@example.org"}, {"name": "bob", "state": "absent"}]
    assert told("users", entries, admin="root") == []
    assert told("users", [], admin="root") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"user": "eve"}, r'mlflow_list\[0\]\.user is "eve", but there is no such account in mlflow_users'),
        ({"user": "bob"}, r"no such account"),
        ({"resource_type": "model"}, r"MLflow knows no permissions of that\. Set .* to one of experiment, "),
        ({"resource_id": "7"}, r"both resource_id and experiment"),
        ({"experiment": None}, r"neither resource_id nor experiment"),
        ({"resource_type": "prompt"}, r"it goes by the name of an experiment"),
        ({"resource_type": "run", "experiment": None, "resource_id": "7"}, r"of a run it can only be \*"),
    ],
)
def test_a_wrong_permission_is_named(changes: dict[str, t.Any], message: str) -> None:
    problems = told("grants", [{**GRANT, **changes}], users=[ADA, {"name": "bob", "state": "absent"}])
    assert len(problems) == 1
    assert re.search(message, problems[0])


def test_good_permissions() -> None:
    whole = {"user": "ada", "resource_type": "prompt_version", "resource_id": "*", "permission": "READ"}
    assert told("grants", [GRANT, whole], users=[ADA]) == []
