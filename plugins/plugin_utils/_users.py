# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Rules for accounts of MLflow and what they may do, as roles take them. Types and choices are the specification's."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.opengeoai.modelhub.plugins.module_utils._accounts import RESOURCE_TYPES
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import Setting
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._rules import secret

Entry = t.Mapping[str, t.Any]
# It is part of the name of a file as well.
NAME = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,199}", re.ASCII)
# Of a part of something else, MLflow takes permissions on all of the kind only.
WHOLE_TYPES = {"run", "trace", "assessment", "logged_model", "review_queue"}
WHOLE_TYPES |= {kind for kind in RESOURCE_TYPES if kind.endswith("_version")}


def users(setting: Setting, *, admin: str = "") -> list[str]:
    """Accounts besides the administrator's, each of a name of its own."""
    if not _is_list_of_entries(setting.value, "name"):
        return setting.bad("must be a list of dictionaries with a name each", "such a list")
    problems = []
    seen: set[str] = set()
    for place, entry in enumerate(setting.value):
        name = Setting(f"{setting.name}[{place}].name", entry["name"], setting.secret)
        if not isinstance(name.value, str) or not NAME.fullmatch(name.value):
            problems += name.bad("must be of letters, digits and . _ @ + -", "such a name")
        elif name.value == admin:
            problems += name.bad(
                "that is the administrator's",
                remedy="Set modelhub_mlflow_admin_password for the password, and leave it out here",
            )
        elif name.value in seen:
            problems += name.bad("that account is in the list already", remedy="Give all of an account in one entry")
        else:
            seen.add(name.value)
        password = Setting(f"{setting.name}[{place}].password", entry.get("password"), secret=True)
        if password.value is not None:
            problems += secret(password, differs_from={f"{setting.name}[{place}].name": entry["name"]})
    return problems


def grants(setting: Setting, *, users: t.Sequence[Entry] = ()) -> list[str]:
    """Permissions of accounts that are declared, on things that MLflow knows permissions of."""
    if not _is_list_of_entries(setting.value, "user", "resource_type"):
        return setting.bad("must be a list of dictionaries with user and resource_type each", "such a list")
    declared = {user["name"] for user in users if user.get("state") != "absent"}
    return [
        problem
        for place, entry in enumerate(setting.value)
        for problem in _grant(f"{setting.name}[{place}]", entry, declared)
    ]


def _is_list_of_entries(value: object, *keys: str) -> bool:
    if isinstance(value, str) or not isinstance(value, t.Sequence):
        return False
    return all(isinstance(entry, t.Mapping) and set(keys) <= set(entry) for entry in value)


def _grant(at: str, entry: Entry, declared: set[str]) -> list[str]:
    problems = []
    user, kind = Setting(f"{at}.user", entry["user"]), Setting(f"{at}.resource_type", entry["resource_type"])
    if user.value not in declared:
        problems += user.bad("there is no such account in mlflow_users", "the name of one")
    if kind.value not in RESOURCE_TYPES:
        return problems + kind.bad("MLflow knows no permissions of that", f"one of {', '.join(RESOURCE_TYPES)}")
    identity, experiment = entry.get("resource_id"), entry.get("experiment")
    if (identity is None) == (experiment is None):
        one = "both resource_id and experiment" if identity is not None else "neither resource_id nor experiment"
        problems.append(f"{at} has {one}, but must have one of them. Set either")
    elif experiment is not None and kind.value != "experiment":
        problems += kind.bad("it goes by the name of an experiment", remedy=f"Set {at}.resource_id in its place")
    elif kind.value in WHOLE_TYPES and identity != "*":
        problems += Setting(f"{at}.resource_id", identity).bad(f"of a {kind.value} it can only be *", '"*"')
    return problems
