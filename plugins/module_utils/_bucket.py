# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a bucket should be, what it is, and the steps between. Nothing here touches the network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.opengeoai.modelhub.plugins.module_utils._aspects import (
    ENABLED,
    NEW,
    SUSPENDED,
    identified,
    wanted_cors,
    wanted_encryption,
    wanted_policy,
    wanted_rules,
    wanted_tags,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    InvalidOption,
    StorageError,
    StorageForbidden,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import bucket
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

# Answers of the server in place of an aspect: it has none such, or the credentials have no right to ask.
UNSUPPORTED, UNKNOWN = "unsupported", "unknown"

RULES: dict[str, dict[str, t.Any]] = {"name": {"rule": bucket, "example": "mlflow-artifacts"}}

# Options of aspects -> what makes a value of it that compares.
WANTED: dict[str, t.Callable[[t.Any], t.Any]] = {
    "versioning": bool,
    "object_lock": bool,
    "lifecycle_rules": wanted_rules,
    "cors_rules": wanted_cors,
    "tags": wanted_tags,
    "encryption": wanted_encryption,
    "quota": int,
    "policy": wanted_policy,
}

# What the credentials need beside s3:ListBucket to look at an aspect, and to change it.
RIGHTS = {
    "versioning": ("s3:GetBucketVersioning", "s3:PutBucketVersioning"),
    "object_lock": ("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"),
    "lifecycle_rules": ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    "cors_rules": ("s3:GetBucketCORS", "s3:PutBucketCORS"),
    "tags": ("s3:GetBucketTagging", "s3:PutBucketTagging"),
    "encryption": ("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
    "quota": ("admin:GetBucketQuota", "admin:SetBucketQuota"),
    "policy": ("s3:GetBucketPolicy", "s3:PutBucketPolicy and s3:DeleteBucketPolicy"),
}

_ACTIONS = {name: {"type": "int"} for name in ("expiration_days", "noncurrent_expiration_days", "abort_upload_days")}
_NAMES = {"type": "list", "elements": "str"}
BUCKET_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "versioning": {"type": "bool"},
    "object_lock": {"type": "bool"},
    "lifecycle_rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "id": {"type": "str"},
            "prefix": {"type": "str"},
            "enabled": {"type": "bool", "default": True},
            "expired_delete_markers": {"type": "bool", "default": False},
            **_ACTIONS,
        },
    },
    "cors_rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "allowed_origins": {**_NAMES, "required": True},
            "allowed_methods": {**_NAMES, "choices": ["GET", "PUT", "POST", "DELETE", "HEAD"], "required": True},
            "allowed_headers": {**_NAMES, "default": []},
            "expose_headers": {**_NAMES, "default": []},
            "max_age_seconds": {"type": "int"},
        },
    },
    "tags": {"type": "dict"},
    "encryption": {
        "type": "dict",
        "options": {
            "algorithm": {"type": "str", "choices": ["AES256", "aws:kms"]},
            # The name of a key, not the key.
            "kms_key_id": {"type": "str", "no_log": False},
        },
    },
    "quota": {"type": "bytes"},
    "policy": {"type": "json"},
    "force": {"type": "bool", "default": False},
}


def wanted_aspects(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the aspects that are asked for, in the form in which they compare, and refuse what none can be."""
    wanted = {name: make(params[name]) for name, make in WANTED.items() if params[name] is not None}
    if wanted.get("quota", 0) < 0:
        raise InvalidOption(f"quota is {wanted['quota']}, but must be at least 0. Set it to 0 for none.")
    if wanted.get("object_lock") and wanted.get("versioning") is False:
        raise InvalidOption("object_lock needs versioning, which is false. Set versioning to true, or leave it unset.")
    return wanted


@dataclass(frozen=True)
class BucketParams:
    """wanted: the aspects that were asked for, in the form in which they compare."""

    name: str
    state: str
    force: bool
    wanted: dict[str, t.Any]
    store: Store

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> BucketParams:
        """Refuse bad values before any connection is opened."""
        require(params, RULES)
        store = Store.from_module(params)
        wanted = wanted_aspects(params)
        return cls(params["name"], params["state"], params["force"], wanted, store)


@dataclass(frozen=True)
class Bucket:
    """A bucket that exists, with its aspects, or UNSUPPORTED or UNKNOWN in place of one."""

    aspects: dict[str, t.Any]


class BucketClient(t.Protocol):
    def describe(self, name: str) -> Bucket | None:
        """The bucket, or None when there is none of that name."""

    def is_empty(self, name: str) -> bool:
        """Whether the bucket holds no object, no old version and no delete marker."""

    def create(self, name: str, object_lock: bool) -> None:
        """Make the bucket."""

    def change(self, name: str, aspect: str, value: t.Any) -> None:
        """Give the bucket another value of an aspect, or none where it is empty."""

    def delete_objects(self, name: str) -> None:
        """Delete all objects with all their versions."""

    def delete(self, name: str) -> None:
        """Remove the bucket, which is empty."""


@dataclass(frozen=True)
class Plan:
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    create: bool = False
    changes: dict[str, t.Any] = field(default_factory=dict)
    delete_objects: bool = False
    delete: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def apply(self, name: str, client: BucketClient) -> None:
        if self.create:
            client.create(name, self.after["object_lock"])
        for aspect, value in self.changes.items():
            client.change(name, aspect, value)
        if self.delete_objects:
            client.delete_objects(name)
        if self.delete:
            client.delete(name)


ABSENT: dict[str, t.Any] = {"state": "absent"}


def present(aspects: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"state": "present", **aspects}


def target(aspect: str, wanted: t.Any, found: t.Any) -> t.Any:
    """What the aspect is to be, in the form in which it is found."""
    if aspect == "versioning":
        return ENABLED if wanted else (SUSPENDED if found == ENABLED else found)
    return identified(wanted, found) if aspect == "lifecycle_rules" else wanted


def refuse(params: BucketParams, aspect: str, wanted: t.Any, found: dict[str, t.Any], exists: bool) -> None:
    """Refuse what cannot be brought about, whoever asks or whatever is asked."""
    operation, had = f'set the {aspect} of bucket "{params.name}"', found[aspect]
    if had == UNKNOWN:
        raise StorageForbidden(
            f"{operation}: the credentials may not look at what there is. "
            f"Grant {' and '.join(RIGHTS[aspect])}, or leave {aspect} unset."
        )
    if had == UNSUPPORTED and wanted:
        raise StorageUnsupported(
            f"{operation}: this S3 server does not implement {aspect}. "
            f"Leave {aspect} unset, or use a server that has it."
        )
    if aspect == "object_lock" and exists and had not in (wanted, UNSUPPORTED):
        raise StorageError(
            f"{operation} to {str(wanted).lower()}: that is decided when a bucket is created, and this one exists. "
            "Leave object_lock unset, or copy its objects to a new bucket."
        )
    if aspect == "versioning" and not wanted and found["object_lock"] is True:
        raise StorageError(
            f"{operation} to false: the bucket has object lock, which needs versioning. Leave versioning unset."
        )


def plan_present(params: BucketParams, found: Bucket | None) -> Plan:
    # Of a new bucket object lock is told with its creation, and brings versioning along.
    locked = {"object_lock": True, "versioning": ENABLED} if params.wanted.get("object_lock") else {}
    start = found.aspects if found else {**NEW, **locked, **({"quota": 0} if "quota" in params.wanted else {})}
    changes: dict[str, t.Any] = {}
    warnings: list[str] = []
    for aspect, wanted in params.wanted.items():
        refuse(params, aspect, wanted, start, found is not None)
        if start[aspect] == UNSUPPORTED:
            warnings.append(f"This S3 server does not implement {aspect}, so there is none to remove.")
            continue
        value = target(aspect, wanted, start[aspect])
        if value != start[aspect]:
            changes[aspect] = value
    before = present(found.aspects) if found else ABSENT
    return Plan(before, present({**start, **changes}), found is None, changes, warnings=tuple(warnings))


def plan_absent(params: BucketParams, found: Bucket | None, empty: bool) -> Plan:
    if found is None:
        return Plan(ABSENT, ABSENT)
    if not empty and not params.force:
        raise StorageError(
            f'delete bucket "{params.name}": it still holds objects or old versions of objects. '
            "Set force to true to delete them with it; this cannot be undone."
        )
    return Plan(present(found.aspects), ABSENT, delete_objects=not empty, delete=True)


def plan_bucket(params: BucketParams, found: Bucket | None, empty: bool) -> Plan:
    if params.state == "present":
        return plan_present(params, found)
    return plan_absent(params, found, empty)


def shown(params: BucketParams, after: dict[str, t.Any]) -> dict[str, t.Any]:
    """A bucket as the module returns it: an aspect that cannot be told is null, and named beside."""
    aspects = {**dict.fromkeys(NEW), **after}
    told = {name: None if value in (UNSUPPORTED, UNKNOWN) else value for name, value in aspects.items()}
    return {
        "name": params.name,
        "endpoint_url": params.store.endpoint_url,
        **told,
        "versioning": aspects["versioning"],
        **{why: sorted(name for name, value in aspects.items() if value == why) for why in (UNSUPPORTED, UNKNOWN)},
    }


def run(params: BucketParams, client: BucketClient, check_mode: bool) -> dict[str, t.Any]:
    found = client.describe(params.name)
    # Only a removal needs to know, and only then are the rights to look there.
    empty = params.state == "present" or found is None or client.is_empty(params.name)
    plan = plan_bucket(params, found, empty)
    if plan.changed and not check_mode:
        plan.apply(params.name, client)
    return {
        "changed": plan.changed,
        "diff": {"before": plan.before, "after": plan.after},
        "bucket": shown(params, plan.after),
        "warnings": list(plan.warnings),
    }
