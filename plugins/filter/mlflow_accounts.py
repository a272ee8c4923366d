# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.mlflow_accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

DOCUMENTATION = r"""
name: mlflow_accounts
short_description: Write the variables of MLflow's accounts as the module mlflow_users takes them
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Joins accounts, what they may do and the passwords that were made for them.
options:
  _input:
    description: Accounts, as in the variable C(mlflow_users).
    type: list
    elements: dict
    required: true
  permissions:
    description: What they may do besides, as in the variable C(mlflow_permissions).
    type: list
    elements: dict
    required: true
  secrets:
    description: Holds, as C(mlflow_user_<name>), the password of each account that is given none.
    type: dict
    required: true
  exclusive:
    description: Whether what an account was granted otherwise is to be taken back.
    type: bool
    default: false
positional: permissions, secrets, exclusive
"""

EXAMPLES = r"""
- name: Show the accounts
  ansible.builtin.debug:
    msg: "{{ mlflow_users | opengeoai.modelhub.mlflow_accounts(mlflow_permissions, modelhub_secrets) }}"
"""

RETURN = r"""
_value:
  description: Accounts in the form of the option O(opengeoai.modelhub.mlflow_users#module:users).
  type: list
  elements: dict
  sample: [{name: ada, state: present, password: something-long, update_password: always, admin: false}]
"""

# What MLflow keeps permissions of by itself; runs and traces follow their experiment, versions their model.
DEFAULT_TYPES = ("experiment", "registered_model", "prompt", "scorer")


def mlflow_accounts(
    users: Sequence[Mapping[str, Any]],
    permissions: Sequence[Mapping[str, Any]],
    secrets: Mapping[str, str],
    exclusive: bool = False,
) -> list[dict[str, Any]]:
    """Return the option users of the module mlflow_users."""
    return [_account(user, permissions, secrets, exclusive) for user in users]


def _account(
    user: Mapping[str, Any], permissions: Sequence[Mapping[str, Any]], secrets: Mapping[str, str], exclusive: bool
) -> dict[str, Any]:
    name = user["name"]
    if user.get("state") == "absent":
        return {"name": name, "state": "absent"}
    everywhere = user.get("default_permission")
    granted = [
        {"resource_type": kind, "resource_id": "*", "permission": everywhere} for kind in DEFAULT_TYPES if everywhere
    ]
    given = user.get("password")
    return {
        "name": name,
        "state": "present",
        "password": given or secrets[f"mlflow_user_{name}"],
        # A password that was made here is the first one; its owner may choose another.
        "update_password": user.get("update_password") or ("always" if given else "on_create"),
        "admin": boolean(user.get("admin") or False),
        "permissions": granted
        + [{key: one[key] for key in one if key != "user"} for one in permissions if one["user"] == name],
        "exclusive_permissions": exclusive,
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mlflow_accounts": mlflow_accounts}
