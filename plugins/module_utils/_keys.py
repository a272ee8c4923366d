# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What an account of an S3 store should be, what it is, and the steps between. Nothing here touches the network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.opengeoai.modelhub.plugins.module_utils._aspects import normal_policy, wanted_policy
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, StorageError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import access_key, bucket, issued_secret
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

# MinIO refuses shorter ones.
MIN_NAME_LENGTH, MIN_SECRET_LENGTH = 3, 8
# Policies that MinIO brings along: what is kept by the name of an account must be the account's.
BUILT_IN_POLICIES = ("consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly")

KEYS_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "service_account": {"type": "bool", "default": False},
    "secret": {"type": "str", "no_log": True},
    "update_secret": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    "enabled": {"type": "bool"},
    "buckets": {"type": "list", "elements": "str"},
    "policy": {"type": "json"},
}
KEYS_RULES: dict[str, t.Any] = {"mutually_exclusive": [("buckets", "policy")]}


def policy_for(buckets: list[str]) -> dict[str, t.Any]:
    """The least that a client needs to keep objects in buckets, as MLflow does."""
    statements = [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            "Resource": [f"arn:aws:s3:::{name}" for name in buckets],
        },
        {
            "Effect": "Allow",
            "Action": [
                *("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
                *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
            ],
            "Resource": [f"arn:aws:s3:::{name}/*" for name in buckets],
        },
    ]
    return normal_policy({"Version": "2012-10-17", "Statement": statements}) if buckets else {}


@dataclass(frozen=True)
class Keys:
    """What an account should be; None is for whatever it is."""

    name: str
    store: Store
    state: str = "present"
    service_account: bool = False
    secret: str | None = None
    update_secret: str = "always"
    enabled: bool | None = None
    policy: dict[str, t.Any] | None = None

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> Keys:
        """Refuse bad values before any connection is opened."""
        rules: dict[str, dict[str, t.Any]] = {"name": {"rule": access_key, "min_length": MIN_NAME_LENGTH}}
        if params["secret"] is not None:
            rules["secret"] = {"rule": issued_secret}
        if params["buckets"]:
            rules["buckets"] = {"rule": bucket, "example": "[mlflow-artifacts]"}
        for one in params["buckets"] or [None]:
            require({**params, "buckets": one}, rules)
        store = Store.from_module(params)
        if params["secret"] is not None and len(params["secret"]) < MIN_SECRET_LENGTH:
            raise InvalidOption(f"secret is shorter than {MIN_SECRET_LENGTH} characters, which MinIO refuses.")
        name, gone = params["name"], params["state"] == "absent"
        if name == store.access_key and (gone or params["enabled"] is False):
            raise InvalidOption("name is access_key, which would lock itself out. Use the keys of another account.")
        policy = wanted_policy(params["policy"]) if params["policy"] is not None else None
        if params["buckets"] is not None:
            policy = policy_for(params["buckets"])
        if policy is not None and not params["service_account"] and name in BUILT_IN_POLICIES:
            raise InvalidOption(
                f'name is "{name}", and the policy of an account is kept by its name, which is that of a policy of '
                "MinIO's own. Choose another name."
            )
        more = {key: params[key] for key in ("state", "service_account", "secret", "update_secret", "enabled")}
        return cls(name, store, policy=policy, **more)


@dataclass(frozen=True)
class Account:
    """An account that exists.

    policies: the names of those that are attached to it. policy: what it says, of its own; empty for none.
    """

    enabled: bool
    policies: tuple[str, ...]
    policy: dict[str, t.Any]


class KeysClient(t.Protocol):
    def describe(self, name: str) -> Account | None:
        """The account, or None when there is none of that name."""

    def kept_policy(self, name: str) -> dict[str, t.Any]:
        """The policy that the store keeps by this name, whoever it is attached to; empty for none."""

    def fits(self, name: str, secret: str) -> bool:
        """Whether this is the secret of the account, which is enabled."""

    def create(self, name: str, secret: str, policy: dict[str, t.Any]) -> None:
        """Make an account that may do what its policy says from its first moment on."""

    def set_policy(self, name: str, policy: dict[str, t.Any]) -> None:
        """Let this be its only policy, or leave it none where it is empty."""

    def set_secret(self, name: str, secret: str) -> None:
        """Give it another secret."""

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Let it in, or keep it out."""

    def delete(self, name: str, own_policy: bool) -> None:
        """Remove the account, and the policy that is kept by its name."""


@dataclass(frozen=True)
class Plan:
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    create: bool = False
    policy: dict[str, t.Any] | None = None
    secret: str | None = None
    enabled: bool | None = None
    delete: bool = False
    own_policy: bool = False

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def apply(self, name: str, client: KeysClient) -> None:
        if self.create:
            client.create(name, self.secret or "", self.policy or {})
        else:
            if self.policy is not None:
                client.set_policy(name, self.policy)
            if self.secret is not None:
                client.set_secret(name, self.secret)
        # After the secret, which some servers enable an account with.
        if self.enabled is not None:
            client.set_enabled(name, self.enabled)
        if self.delete:
            client.delete(name, self.own_policy)


ABSENT: dict[str, t.Any] = {"state": "absent"}
# No secret is ever shown.
OTHER_SECRET, UNKNOWN_SECRET, GIVEN_SECRET = "another", "unknown", "as given"


def shown(account: Account) -> dict[str, t.Any]:
    return {
        "state": "present",
        "enabled": account.enabled,
        "policies": sorted(account.policies),
        "policy": account.policy,
    }


def plan_policy(keys: Keys, found: Account | None, kept: dict[str, t.Any]) -> tuple[tuple[str, ...], dict[str, t.Any]]:
    """Return the names of the policies that the account is to have, and what its own says."""
    attached, had = (found.policies, found.policy) if found else ((), {})
    if keys.policy is None:
        return attached, had
    if keys.service_account:
        if had and not keys.policy:
            raise StorageError(
                f'remove the policy of service account "{keys.name}": MinIO\'s client cannot. '
                "Remove the account and make it again without one."
            )
        return attached, keys.policy
    if keys.policy and kept not in ({}, keys.policy) and keys.name not in attached:
        raise StorageError(
            f'set the policy of user "{keys.name}": there is another policy of this name, which is not attached to the '
            "user, so it may be somebody else's. Choose another name, or remove that policy."
        )
    return ((keys.name,) if keys.policy else ()), keys.policy


def plan_keys(keys: Keys, found: Account | None, kept: dict[str, t.Any], fits: bool | None) -> Plan:
    """Return what is to be done.

    kept: the policy that the store keeps by the name of the account. fits: whether the secret is the one given, None
    where that is neither known nor to be changed.
    """
    if keys.state == "absent":
        own = found is not None and keys.name in found.policies
        return Plan(shown(found), ABSENT, delete=True, own_policy=own) if found else Plan(ABSENT, ABSENT)
    if found is None and keys.secret is None:
        raise StorageError(f'create account "{keys.name}": it does not exist, and secret is not set. Set secret.')
    policies, policy = plan_policy(keys, found, kept)
    enabled = keys.enabled if keys.enabled is not None else (found.enabled if found else True)
    account = Account(enabled, policies, policy)
    before, after = shown(found) if found else ABSENT, shown(account)
    secret = keys.secret if found is None else None
    if found and keys.secret is not None and keys.update_secret == "always":
        # Whether a secret fits cannot be asked of an account that is kept out.
        unknown = not found.enabled and enabled
        if fits is False or unknown:
            secret = keys.secret
            before = {**before, "secret": UNKNOWN_SECRET if unknown else OTHER_SECRET}
            after = {**after, "secret": GIVEN_SECRET}
    return Plan(
        before,
        after,
        create=found is None,
        policy=policy if found is None or account != Account(enabled, found.policies, found.policy) else None,
        secret=secret,
        enabled=enabled if enabled != (found.enabled if found else True) else None,
    )


def run(keys: Keys, client: KeysClient, check_mode: bool) -> dict[str, t.Any]:
    found = client.describe(keys.name)
    # One that is attached has been told already.
    attached = found is not None and keys.name in found.policies
    kept = client.kept_policy(keys.name) if keys.policy and keys.state == "present" and not attached else {}
    ask = keys.state == "present" and keys.secret is not None and keys.update_secret == "always"
    fits = client.fits(keys.name, keys.secret) if ask and keys.secret and found and found.enabled else None
    plan = plan_keys(keys, found, kept, fits)
    if plan.changed and not check_mode:
        plan.apply(keys.name, client)
    told = {key: value for key, value in plan.after.items() if key != "secret"}
    return {
        "changed": plan.changed,
        "diff": {"before": plan.before, "after": plan.after},
        "user": {"name": keys.name, "service_account": keys.service_account, **told},
    }
