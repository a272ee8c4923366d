# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._accounts import (
    Grants,
    Resource,
    User,
    UserParams,
    run,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, TrackingError

GOOD: dict[str, t.Any] = {
    "name": "ada",
    "state": "present",
    "password": None,
    "update_password": "always",
    "admin": None,
    "permissions": None,
    "exclusive_permissions": False,
    "tracking_uri": "https://mlflow.example.org",
    "login_user": "admin",
    "login_password": "something",
    "ca_file": None,
    "validate_certs": True,
    "timeout_seconds": 30,
}
OLD, NEW = "an-old-password", "a-new-password"
CHURN, MODELS = ("experiment", "7"), ("registered_model", "*")


def params(**changes: t.Any) -> UserParams:
    return UserParams.from_module({**GOOD, **changes})


def permission(resource: Resource, name: str) -> dict[str, str | None]:
    return {"resource_type": resource[0], "resource_id": resource[1], "experiment": None, "permission": name}


class FakeMlflow:
    """One account in memory, and what was done to it."""

    def __init__(self, admin: bool | None = None, grants: Grants | None = None) -> None:
        self.user = None if admin is None else [OLD, admin, dict(grants or {})]
        self.calls: list[str] = []

    def describe(self, name: str) -> User | None:
        assert name == "ada"
        return User(self.user[1], dict(self.user[2])) if self.user else None

    def logs_in(self, _name: str, password: str) -> bool:
        assert self.user
        return bool(self.user[0] == password)

    def experiment_id(self, name: str) -> str:
        return {"churn": "7"}[name]

    def create(self, _name: str, password: str) -> None:
        self.calls.append("create")
        self.user = [password, False, {}]

    def set_password(self, _name: str, password: str) -> None:
        assert self.user
        self.calls.append("password")
        self.user[0] = password

    def set_admin(self, _name: str, admin: bool) -> None:
        assert self.user
        self.calls.append("admin")
        self.user[1] = admin

    def revoke(self, _name: str, resource: Resource) -> None:
        assert self.user
        self.calls.append("revoke")
        del self.user[2][resource]

    def grant(self, _name: str, resource: Resource, permission: str) -> None:
        assert self.user and resource not in self.user[2]
        self.calls.append("grant")
        self.user[2][resource] = permission

    def delete(self, _name: str) -> None:
        self.calls.append("delete")
        self.user = None


@pytest.mark.parametrize(
    ("admin", "grants", "wanted", "calls"),
    [
        pytest.param(None, {}, {"password": NEW}, ["create"], id="create"),
        pytest.param(None, {}, {"password": NEW, "admin": True}, ["create", "admin"], id="create administrator"),
        pytest.param(
            None,
            {},
            {"password": NEW, "permissions": [permission(CHURN, "READ")]},
            ["create", "grant"],
            id="create, grant",
        ),
        pytest.param(None, {}, {"password": NEW, "update_password": "on_create"}, ["create"], id="on_create creates"),
        pytest.param(False, {}, {"password": NEW, "update_password": "on_create"}, [], id="on_create leaves alone"),
        pytest.param(False, {}, {"password": NEW}, ["password"], id="another password"),
        pytest.param(False, {}, {"password": OLD}, [], id="the same password"),
        pytest.param(True, {CHURN: "READ"}, {}, [], id="unset leaves alone"),
        pytest.param(True, {}, {"admin": False}, ["admin"], id="no administrator any more"),
        pytest.param(False, {CHURN: "READ"}, {"permissions": [permission(CHURN, "READ")]}, [], id="the same grant"),
        pytest.param(
            False,
            {CHURN: "READ"},
            {"permissions": [permission(CHURN, "EDIT")]},
            ["revoke", "grant"],
            id="another grant",
        ),
        pytest.param(
            False, {CHURN: "READ"}, {"permissions": [permission(MODELS, "READ")]}, ["grant"], id="one more grant"
        ),
        pytest.param(False, {CHURN: "READ"}, {"permissions": []}, [], id="no grant is no order to revoke"),
        pytest.param(
            False,
            {CHURN: "READ", MODELS: "READ"},
            {"permissions": [permission(CHURN, "READ")], "exclusive_permissions": True},
            ["revoke"],
            id="exclusive",
        ),
        pytest.param(False, {CHURN: "READ"}, {"exclusive_permissions": True}, [], id="exclusive without permissions"),
        pytest.param(False, {CHURN: "READ"}, {"state": "absent"}, ["delete"], id="remove"),
        pytest.param(None, {}, {"state": "absent"}, [], id="already absent"),
        pytest.param(
            None, {}, {"state": "absent", "permissions": [permission(CHURN, "READ")]}, [], id="absent asks nothing"
        ),
    ],
)
def test_run_does_what_is_missing_and_predicts_it(
    admin: bool | None, grants: Grants, wanted: dict[str, t.Any], calls: list[str]
) -> None:
    server, untouched = FakeMlflow(admin, grants), FakeMlflow(admin, grants)
    predicted = run(params(**wanted), untouched, True)
    result = run(params(**wanted), server, False)
    assert server.calls == calls
    assert untouched.calls == []
    assert predicted == result
    assert result["changed"] == bool(calls)
    repeated = run(params(**wanted), server, False)
    assert not repeated["changed"]
    assert repeated["user"] == result["user"]
    assert repeated["diff"]["before"] == repeated["diff"]["after"]
    assert NEW not in str(result) and OLD not in str(result)


def test_an_experiment_may_be_given_by_name() -> None:
    by_name = {"resource_type": "experiment", "resource_id": None, "experiment": "churn", "permission": "EDIT"}
    server = FakeMlflow(False)
    run(params(permissions=[by_name]), server, False)
    assert server.user and server.user[2] == {CHURN: "EDIT"}


def test_a_new_account_needs_a_password() -> None:
    with pytest.raises(TrackingError, match=r'create user "ada".*Set password'):
        run(params(), FakeMlflow(), False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracking_uri": "mlflow.example.org"}, "tracking_uri"),
        ({"name": " "}, "name"),
        ({"name": "a:b"}, "colon"),
        ({"login_user": "a:b"}, "colon"),
        ({"password": "short"}, "12 characters"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"ca_file": "/nonexistent"}, "ca_file"),
        ({"name": "admin", "state": "absent"}, "cannot remove itself"),
        ({"permissions": [{**permission(MODELS, "READ"), "resource_id": None, "experiment": "churn"}]}, "resource_id"),
    ],
)
def test_bad_options_are_refused(changes: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        params(**changes)
