# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a bucket should be, what it is, and the steps between. Nothing here touches the network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    StorageError,
    StorageForbidden,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import (
    access_key,
    bucket,
    integer,
    issued_secret,
    origin,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require, require_file

# A bucket whose versioning was never on is "disabled"; S3 cannot return to that, only to "suspended".
# "unsupported" and "unknown" (no right to ask) are answers of the server too.
ENABLED, SUSPENDED, DISABLED, UNSUPPORTED, UNKNOWN = "enabled", "suspended", "disabled", "unsupported", "unknown"

RULES: dict[str, dict[str, t.Any]] = {
    "name": {"rule": bucket, "example": "mlflow-artifacts"},
    "endpoint_url": {"rule": origin, "example": "https://minio-api.example.org"},
    "access_key": {"rule": access_key, "min_length": 1},
    "secret_key": {"rule": issued_secret},
    "timeout_seconds": {"rule": integer, "min": 1, "max": 3600},
}


@dataclass(frozen=True)
class BucketParams:
    name: str
    state: str
    versioning: bool | None
    force: bool
    endpoint_url: str
    access_key: str
    secret_key: str
    server_address: str | None
    ca_file: str | None
    validate_certs: bool
    region: str
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> BucketParams:
        """Refuse bad values before any connection is opened."""
        require(params, RULES, filled=("region",))
        require_file("ca_file", params["ca_file"])
        return cls(**{field.name: params[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class Bucket:
    """A bucket that exists."""

    versioning: str


class BucketClient(t.Protocol):
    def describe(self, name: str) -> Bucket | None:
        """The bucket, or None when there is none of that name."""

    def is_empty(self, name: str) -> bool:
        """Whether the bucket holds no object, no old version and no delete marker."""

    def create(self, name: str) -> None:
        """Make the bucket."""

    def set_versioning(self, name: str, enabled: bool) -> None:
        """Enable or suspend its versioning."""

    def delete_objects(self, name: str) -> None:
        """Delete all objects with all their versions."""

    def delete(self, name: str) -> None:
        """Remove the bucket, which is empty."""


@dataclass(frozen=True)
class Plan:
    before: dict[str, str]
    after: dict[str, str]
    create: bool = False
    set_versioning: bool | None = None
    delete_objects: bool = False
    delete: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def apply(self, name: str, client: BucketClient) -> None:
        if self.create:
            client.create(name)
        if self.set_versioning is not None:
            client.set_versioning(name, self.set_versioning)
        if self.delete_objects:
            client.delete_objects(name)
        if self.delete:
            client.delete(name)


ABSENT = {"state": "absent"}


def present(versioning: str) -> dict[str, str]:
    return {"state": "present", "versioning": versioning}


def plan_present(params: BucketParams, found: Bucket | None) -> Plan:
    if found is None:
        enable = params.versioning or None
        return Plan(ABSENT, present(ENABLED if enable else DISABLED), create=True, set_versioning=enable)
    before = present(found.versioning)
    if params.versioning is None:
        return Plan(before, before)
    if found.versioning == UNKNOWN:
        raise StorageForbidden(
            f'read the versioning of bucket "{params.name}": the credentials may not. '
            "Grant s3:GetBucketVersioning and s3:PutBucketVersioning, or leave versioning unset."
        )
    if found.versioning == UNSUPPORTED:
        if params.versioning:
            raise StorageUnsupported(
                f'enable the versioning of bucket "{params.name}": this S3 server does not implement versioning. '
                "Leave versioning unset, or use a server that has it."
            )
        warning = "This S3 server does not implement versioning, so there is none to suspend."
        return Plan(before, before, warnings=(warning,))
    if params.versioning == (found.versioning == ENABLED):
        return Plan(before, before)
    after = present(ENABLED if params.versioning else SUSPENDED)
    return Plan(before, after, set_versioning=params.versioning)


def plan_absent(params: BucketParams, found: Bucket | None, empty: bool) -> Plan:
    if found is None:
        return Plan(ABSENT, ABSENT)
    if not empty and not params.force:
        raise StorageError(
            f'delete bucket "{params.name}": it still holds objects or old versions of objects. '
            "Set force to true to delete them with it; this cannot be undone."
        )
    return Plan(present(found.versioning), ABSENT, delete_objects=not empty, delete=True)


def plan_bucket(params: BucketParams, found: Bucket | None, empty: bool) -> Plan:
    if params.state == "present":
        return plan_present(params, found)
    return plan_absent(params, found, empty)


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
        "bucket": {"name": params.name, "endpoint_url": params.endpoint_url, "versioning": None, **plan.after},
        "warnings": list(plan.warnings),
    }
