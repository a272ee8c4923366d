# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What an account of MLflow should be, what it is, and the steps between. Nothing here touches the network."""

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
    *("gateway_model_definition", "workspace"),
]
PERMISSIONS = ["READ", "USE", "EDIT", "MANAGE", "DENY"]

# A grant's resource: its type, and its id as MLflow knows it, or "*" for all of the type.
Resource = tuple[str, str]
Grants = dict[Resource, str]


@dataclass(frozen=True)
class UserParams:
    name: str
    state: str
    password: str | None
    update_password: str
    admin: bool | None
    permissions: list[dict[str, str]] | None
    exclusive_permissions: bool
    tracking_uri: str
    login_user: str
    login_password: str
    ca_file: str | None
    validate_certs: bool
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> UserParams:
        """Refuse bad values before any connection is opened."""
        require(params, RULES, filled=("name", "login_user"))
        for option in ("name", "login_user"):
            # Basic authentication sends name:password.
            if ":" in params[option]:
                raise InvalidOption(f'{option} is "{params[option]}", which contains a colon. Choose a name without.')
        if params["state"] == "absent" and params["name"] == params["login_user"]:
            raise InvalidOption("name is login_user, which cannot remove itself. Log in as another administrator.")
        for one in params["permissions"] or []:
            if one["experiment"] and one["resource_type"] != "experiment":
                kind = one["resource_type"]
                raise InvalidOption(f'permissions gives a {kind} by "experiment". Give its resource_id.')
        if params["password"] is not None and len(params["password"]) < MIN_PASSWORD_LENGTH:
            raise InvalidOption(f"password is shorter than {MIN_PASSWORD_LENGTH} characters, which MLflow refuses.")
        require_file("ca_file", params["ca_file"])
        return cls(**{field.name: params[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class User:
    """An account that exists. grants: what was given to the account itself, not by a role."""

    admin: bool
    grants: Grants


class UserClient(t.Protocol):
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


def plan_user(params: UserParams, found: User | None, wanted: Grants | None, password_fits: bool) -> Plan:
    """Return what is to be done.

    wanted: the grants that were asked for, None for whatever there is. password_fits: the account has the one given.
    """
    if params.state == "absent":
        return Plan(shown(found), ABSENT, delete=True) if found else Plan(ABSENT, ABSENT)
    if found is None and params.password is None:
        raise TrackingError(f'create user "{params.name}": it does not exist, and password is not set. Set password.')
    had = found.grants if found else {}
    kept = {} if params.exclusive_permissions and wanted is not None else had
    user = User(
        admin=params.admin if params.admin is not None else bool(found and found.admin),
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
        password=None if found and password_fits else params.password,
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


def run(params: UserParams, client: UserClient, check_mode: bool) -> dict[str, t.Any]:
    found = client.describe(params.name)
    ask = params.password is not None and found is not None and params.update_password == "always"
    plan = plan_user(
        params,
        found,
        wanted_grants(params.permissions, client) if params.state == "present" else None,
        not ask or client.logs_in(params.name, params.password or ""),
    )
    if plan.changed and not check_mode:
        plan.apply(params.name, client)
    user = {"name": params.name, **{key: value for key, value in plan.after.items() if key != "password"}}
    return {"changed": plan.changed, "diff": {"before": plan.before, "after": plan.after}, "user": user}
