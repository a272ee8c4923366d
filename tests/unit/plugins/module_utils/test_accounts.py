# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._accounts import (
    Account,
    Grants,
    Resource,
    Server,
    User,
    accounts_from_options,
    run,
    run_all,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, TrackingError

SERVER: dict[str, t.Any] = {
    "tracking_uri": "https://mlflow.example.org",
    "login_user": "admin",
    "login_password": "something",
    "server_address": None,
    "ca_file": None,
    "validate_certs": True,
    "timeout_seconds": 30,
}
ADA: dict[str, t.Any] = {
    "name": "ada",
    "state": "present",
    "password": None,
    "update_password": "always",
    "admin": None,
    "permissions": None,
    "exclusive_permissions": False,
}
OLD, NEW = "an-old-password", "a-new-password"
CHURN, MODELS = ("experiment", "7"), ("registered_model", "*")


def account(**changes: t.Any) -> Account:
    return Account.from_options({**ADA, **changes}, "admin")


def permission(resource: Resource, name: str) -> dict[str, str | None]:
    return {"resource_type": resource[0], "resource_id": resource[1], "experiment": None, "permission": name}


class FakeMlflow:
    """Accounts in memory, with one called admin, and what was done to them."""

    def __init__(self, admin: bool | None = None, grants: Grants | None = None) -> None:
        """admin: whether there is an account ada, with the old password, and an administrator."""
        self.users: dict[str, list[t.Any]] = {"admin": [OLD, True, {}]}
        if admin is not None:
            self.users["ada"] = [OLD, admin, dict(grants or {})]
        self.calls: list[str] = []

    def names(self) -> list[str]:
        return list(self.users)

    def describe(self, name: str) -> User | None:
        return User(self.users[name][1], dict(self.users[name][2])) if name in self.users else None

    def logs_in(self, name: str, password: str) -> bool:
        return bool(self.users[name][0] == password)

    def experiment_id(self, name: str) -> str:
        if name != "churn":
            raise TrackingError(f'look at experiment "{name}"')
        return "7"

    def create(self, name: str, password: str) -> None:
        self.calls.append("create")
        self.users[name] = [password, False, {}]

    def set_password(self, name: str, password: str) -> None:
        self.calls.append("password")
        self.users[name][0] = password

    def set_admin(self, name: str, admin: bool) -> None:
        self.calls.append("admin")
        self.users[name][1] = admin

    def revoke(self, name: str, resource: Resource) -> None:
        self.calls.append("revoke")
        del self.users[name][2][resource]

    def grant(self, name: str, resource: Resource, permission: str) -> None:
        assert resource not in self.users[name][2]
        self.calls.append("grant")
        self.users[name][2][resource] = permission

    def delete(self, name: str) -> None:
        self.calls.append("delete")
        del self.users[name]


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
    predicted = run(account(**wanted), untouched, True)
    result = run(account(**wanted), server, False)
    assert server.calls == calls
    assert untouched.calls == []
    assert predicted == result
    assert result["changed"] == bool(calls)
    repeated = run(account(**wanted), server, False)
    assert not repeated["changed"]
    assert repeated["user"] == result["user"]
    assert repeated["diff"]["before"] == repeated["diff"]["after"]
    assert NEW not in str(result) and OLD not in str(result)


def by_name(name: str) -> dict[str, str | None]:
    return {"resource_type": "experiment", "resource_id": None, "experiment": name, "permission": "EDIT"}


def test_an_experiment_may_be_given_by_name() -> None:
    server = FakeMlflow(False)
    run(account(permissions=[by_name("churn")]), server, False)
    assert server.users["ada"][2] == {CHURN: "EDIT"}


def test_a_new_account_needs_a_password() -> None:
    with pytest.raises(TrackingError, match=r'create user "ada".*Set password'):
        run(account(), FakeMlflow(), False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "name"),
        ({"name": "a:b"}, "colon"),
        ({"password": "short"}, "12 characters"),
        ({"name": "admin", "state": "absent"}, "cannot remove itself"),
        ({"permissions": [{**by_name("churn"), "resource_type": "registered_model"}]}, "resource_id"),
    ],
)
def test_bad_options_of_an_account_are_refused(changes: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        account(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracking_uri": "mlflow.example.org"}, "tracking_uri"),
        ({"login_user": "a:b"}, "colon"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"ca_file": "/nonexistent"}, "ca_file"),
    ],
)
def test_bad_options_of_the_server_are_refused(changes: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        Server.from_module({**SERVER, **changes})


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ([ADA, {**ADA, "name": "bob", "password": "short"}], r'users, item 2 \("bob"\): password is shorter'),
        ([ADA, ADA], 'names "ada" twice'),
    ],
)
def test_bad_accounts_of_a_list_are_named(users: list[dict[str, t.Any]], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        accounts_from_options(users, "admin")


def test_all_accounts_are_predicted_and_brought_about_once() -> None:
    server, untouched = FakeMlflow(False, {CHURN: "READ"}), FakeMlflow(False, {CHURN: "READ"})
    server.users["eve"] = untouched.users["eve"] = [OLD, True, {}]
    wanted = [account(permissions=[by_name("churn")]), account(name="bob", password=NEW)]
    predicted = run_all(wanted, True, "admin", untouched, True)
    result = run_all(wanted, True, "admin", server, False)
    assert predicted == result
    assert untouched.calls == []
    assert server.calls == ["revoke", "grant", "create", "delete"]
    assert sorted(server.users) == ["ada", "admin", "bob"]
    assert sorted(result["diff"]["after"]) == ["ada", "bob", "eve"]
    assert [user["name"] for user in result["users"]] == ["ada", "bob", "eve"]
    assert NEW not in str(result)
    repeated = run_all(wanted, True, "admin", server, False)
    assert (repeated["changed"], repeated["diff"]) == (False, {"before": {}, "after": {}})


def test_others_stay_unless_the_list_is_exclusive() -> None:
    server = FakeMlflow(False)
    assert not run_all([], False, "admin", server, False)["changed"]
    assert run_all([], True, "admin", server, False)["changed"]
    assert list(server.users) == ["admin"]


def test_what_cannot_be_done_for_one_is_done_for_none() -> None:
    server = FakeMlflow()
    wanted = [account(password=NEW), account(name="bob", password=NEW, permissions=[by_name("none")])]
    with pytest.raises(TrackingError, match='experiment "none"'):
        run_all(wanted, True, "admin", server, False)
    assert server.calls == []
