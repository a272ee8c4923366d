# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of the filter mlflow_accounts."""

from __future__ import annotations

from ansible_collections.opengeoai.modelhub.plugins.filter.mlflow_accounts import mlflow_accounts

SECRETS = {"mlflow_user_ada": "made-for-ada", "mlflow_user_bob": "made-for-bob"}
CHURN = {"resource_type": "experiment", "experiment": "churn", "permission": "MANAGE"}


def test_a_password_that_is_made_is_the_first_one_and_a_given_one_is_kept() -> None:
    ada, eve, bob = mlflow_accounts(
        [{"name": "ada"}, {"name": "eve", "password": "given-to-eve"}, {"name": "bob", "update_password": "always"}],
        [],
        SECRETS,
    )
    assert (ada["password"], ada["update_password"]) == ("made-for-ada", "on_create")
    assert (eve["password"], eve["update_password"]) == ("given-to-eve", "always")
    assert (bob["password"], bob["update_password"]) == ("made-for-bob", "always")
    assert (ada["admin"], ada["permissions"], ada["exclusive_permissions"]) == (False, [], False)


def test_permissions_go_to_the_account_they_name() -> None:
    ada, bob = mlflow_accounts(
        [{"name": "ada", "admin": "yes"}, {"name": "bob", "default_permission": "EDIT"}],
        [{"user": "ada", **CHURN}],
        SECRETS,
        True,
    )
    assert (ada["admin"], ada["permissions"], ada["exclusive_permissions"]) == (True, [CHURN], True)
    assert bob["permissions"] == [
        {"resource_type": kind, "resource_id": "*", "permission": "EDIT"}
        for kind in ("experiment", "registered_model", "prompt", "scorer")
    ]


def test_an_account_that_leaves_needs_no_password() -> None:
    assert mlflow_accounts([{"name": "eve", "state": "absent"}], [], {}) == [{"name": "eve", "state": "absent"}]
