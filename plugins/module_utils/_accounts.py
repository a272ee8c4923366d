# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What accounts of MLflow should be, what they are, and the steps between. Nothing here touches the network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, TrackingError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer, issued_secret, origin
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require, require_file

# mlflow.utils.validation refuses shorter ones.
MIN_PASSWORD_LENGTH = 12

RULES: dict[str, dict[str, t.Any]] = {
    "tracking_uri": {"rule": origin, "example": "https://mlflow.example.org"},
    "login_password": {"rule": issued_secret},
    "timeout_seconds": {"rule": integer, "min": 1, "max": 3600},
}

# What can be granted, and how (mlflow.server.auth.permissions of 3.17).
RESOURCE_TYPES = [
    *("experiment", "registered_model", "prompt", "scorer", "run", "trace", "assessment", "logged_model"),
    *("registered_model_version", "prompt_version", "scorer_version", "gateway_secret", "gateway_endpoint"),
    *("gateway_model_definition", "mcp_server", "mcp_server_version", "review_queue"),
]
PERMISSIONS = ["READ", "USE", "EDIT", "MANAGE", "DENY"]

ACCOUNT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "password": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    "admin": {"type": "bool"},
    "permissions": {
        "type": "list",
        "elements": "dict",
        "options": {
            "resource_type": {"type": "str", "choices": RESOURCE_TYPES, "required": True},
            "resource_id": {"type": "str"},
            "experiment": {"type": "str"},
            "permission": {"type": "str", "choices": PERMISSIONS, "required": True},
        },
        "mutually_exclusive": [("resource_id", "experiment")],
        "required_one_of": [("resource_id", "experiment")],
    },
    "exclusive_permissions": {"type": "bool", "default": False},
}
SERVER_SPEC: dict[str, t.Any] = {
    "tracking_uri": {"type": "str", "required": True},
    "login_user": {"type": "str", "required": True},
    "login_password": {"type": "str", "required": True, "no_log": True},
    "server_address": {"type": "str"},
    "ca_file": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "int", "default": 30},
}

# A grant's resource: its type, and its id as MLflow knows it, or "*" for all of the type.
Resource = tuple[str, str]
Grants = dict[Resource, str]


@dataclass(frozen=True)
class Server:
    """Where the accounts are, and who manages them."""

    tracking_uri: str
    login_user: str
    login_password: str
    server_address: str | None
    ca_file: str | None
    validate_certs: bool
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> Server:
        """Refuse bad values before any connection is opened."""
        require(params, RULES, filled=("login_user",))
        _refuse_colon("login_user", params["login_user"])
        require_file("ca_file", params["ca_file"])
        return cls(**{field.name: params[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class Account:
    """What an account should be; None is for whatever it is."""

    name: str
    state: str = "present"
    password: str | None = None
    update_password: str = "always"
    admin: bool | None = None
    permissions: list[dict[str, str]] | None = None
    exclusive_permissions: bool = False

    @classmethod
    def from_options(cls, options: dict[str, t.Any], login_user: str) -> Account:
        """Refuse bad values before any connection is opened."""
        require(options, {}, filled=("name",))
        _refuse_colon("name", options["name"])
        if options["state"] == "absent" and options["name"] == login_user:
            raise InvalidOption("name is login_user, which cannot remove itself. Log in as another administrator.")
        for one in options["permissions"] or []:
            if one["experiment"] and one["resource_type"] != "experiment":
                kind = one["resource_type"]
                raise InvalidOption(f'permissions gives a {kind} by "experiment". Give its resource_id.')
        if options["password"] is not None and len(options["password"]) < MIN_PASSWORD_LENGTH:
            raise InvalidOption(f"password is shorter than {MIN_PASSWORD_LENGTH} characters, which MLflow refuses.")
        return cls(**{field.name: options[field.name] for field in fields(cls)})


def accounts_from_options(users: list[dict[str, t.Any]], login_user: str) -> list[Account]:
    """Refuse bad values of several accounts, naming whose they are."""
    accounts: dict[str, Account] = {}
    for place, options in enumerate(users, 1):
        try:
            account = Account.from_options(options, login_user)
        except InvalidOption as exc:
            raise InvalidOption(f'users, item {place} ("{options["name"]}"): {exc}') from exc
        if account.name in accounts:
            raise InvalidOption(f'users names "{account.name}" twice. Give all of an account in one item.')
        accounts[account.name] = account
    return list(accounts.values())


def _refuse_colon(option: str, name: str) -> None:
    # Basic authentication sends name:password.
    if ":" in name:
        raise InvalidOption(f'{option} is "{name}", which contains a colon. Choose a name without.')


@dataclass(frozen=True)
class User:
    """An account that exists. grants: what was given to the account itself, not by a role."""

    admin: bool
    grants: Grants


class UserClient(t.Protocol):
    def names(self) -> list[str]:
        """The names of all accounts."""

    def describe(self, name: str) -> User | None:
        """The account, or None when there is none of that name."""

    def logs_in(self, name: str, password: str) -> bool:
        """Whether the account has this password."""

    def experiment_id(self, name: str) -> str:
        """The id of an experiment."""

    def create(self, name: str, password: str) -> None:
        """Make an account without rights of its own."""

    def set_password(self, name: str, password: str) -> None:
        """Give it another password."""

    def set_admin(self, name: str, admin: bool) -> None:
        """Make it an administrator, or no longer."""

    def revoke(self, name: str, resource: Resource) -> None:
        """Take one grant back."""

    def grant(self, name: str, resource: Resource, permission: str) -> None:
        """Give it a permission on what it has no grant for."""

    def delete(self, name: str) -> None:
        """Remove the account and its grants."""


@dataclass(frozen=True)
class Plan:
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    create: bool = False
    password: str | None = None
    admin: bool | None = None
    revoke: tuple[Resource, ...] = ()
    grant: tuple[tuple[Resource, str], ...] = ()
    delete: bool = False

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def apply(self, name: str, client: UserClient) -> None:
        if self.create:
            client.create(name, self.password or "")
        elif self.password is not None:
            client.set_password(name, self.password)
        if self.admin is not None:
            client.set_admin(name, self.admin)
        for resource in self.revoke:
            client.revoke(name, resource)
        for resource, permission in self.grant:
            client.grant(name, resource, permission)
        if self.delete:
            client.delete(name)


ABSENT: dict[str, t.Any] = {"state": "absent"}
# No password is ever shown.
OTHER_PASSWORD, GIVEN_PASSWORD = "another", "as given"


def shown(user: User) -> dict[str, t.Any]:
    """An account as the module returns it."""
    permissions = [
        {"resource_type": kind, "resource_id": identity, "permission": permission}
        for (kind, identity), permission in sorted(user.grants.items())
    ]
    return {"state": "present", "admin": user.admin, "permissions": permissions}


def plan_account(account: Account, found: User | None, wanted: Grants | None, password_fits: bool) -> Plan:
    """Return what is to be done.

    wanted: the grants that were asked for, None for whatever there is. password_fits: the account has the one given.
    """
    if account.state == "absent":
        return Plan(shown(found), ABSENT, delete=True) if found else Plan(ABSENT, ABSENT)
    if found is None and account.password is None:
        raise TrackingError(f'create user "{account.name}": it does not exist, and password is not set. Set password.')
    had = found.grants if found else {}
    kept = {} if account.exclusive_permissions and wanted is not None else had
    user = User(
        admin=account.admin if account.admin is not None else bool(found and found.admin),
        grants={**kept, **(wanted or {})},
    )
    before, after = shown(found) if found else ABSENT, shown(user)
    if found and not password_fits:
        before, after = {**before, "password": OTHER_PASSWORD}, {**after, "password": GIVEN_PASSWORD}
    changed = [resource for resource, permission in had.items() if user.grants.get(resource) != permission]
    return Plan(
        before=before,
        after=after,
        create=found is None,
        password=None if found and password_fits else account.password,
        admin=user.admin if user.admin != bool(found and found.admin) else None,
        revoke=tuple(sorted(changed)),
        grant=tuple(sorted(item for item in user.grants.items() if had.get(item[0]) != item[1])),
    )


def wanted_grants(permissions: list[dict[str, str]] | None, client: UserClient) -> Grants | None:
    """Return the grants of the option; an experiment may be given by its name."""
    if permissions is None:
        return None
    grants: Grants = {}
    for one in permissions:
        identity = one["resource_id"] or client.experiment_id(one["experiment"])
        grants[(one["resource_type"], identity)] = one["permission"]
    return grants


def plan_for(account: Account, client: UserClient) -> Plan:
    """Look at the account, and return what is to be done."""
    found = client.describe(account.name)
    ask = account.password is not None and found is not None and account.update_password == "always"
    return plan_account(
        account,
        found,
        wanted_grants(account.permissions, client) if account.state == "present" else None,
        not ask or client.logs_in(account.name, account.password or ""),
    )


def user_of(name: str, plan: Plan) -> dict[str, t.Any]:
    """An account with its name, as it is after the plan."""
    return {"name": name, **{key: value for key, value in plan.after.items() if key != "password"}}


def run(account: Account, client: UserClient, check_mode: bool) -> dict[str, t.Any]:
    plan = plan_for(account, client)
    if plan.changed and not check_mode:
        plan.apply(account.name, client)
    diff = {"before": plan.before, "after": plan.after}
    return {"changed": plan.changed, "diff": diff, "user": user_of(account.name, plan)}


def run_all(
    accounts: list[Account], exclusive: bool, login_user: str, client: UserClient, check_mode: bool
) -> dict[str, t.Any]:
    """All is looked at before anything is changed, so that what cannot be done changes nothing.

    exclusive: accounts that are not given are removed, but for the one that logs in.
    """
    kept = {login_user, *(account.name for account in accounts)}
    leaving = [Account(name, "absent") for name in sorted(client.names()) if name not in kept] if exclusive else []
    plans = {account.name: plan_for(account, client) for account in accounts + leaving}
    changes = {name: plan for name, plan in plans.items() if plan.changed}
    if not check_mode:
        for name, plan in changes.items():
            plan.apply(name, client)
    return {
        "changed": bool(changes),
        "diff": {
            "before": {name: plan.before for name, plan in changes.items()},
            "after": {name: plan.after for name, plan in changes.items()},
        },
        "users": [user_of(name, plan) for name, plan in plans.items()],
    }
