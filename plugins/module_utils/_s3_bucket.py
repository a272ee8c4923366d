# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The client behind BucketClient, over boto3."""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress

from ansible_collections.opengeoai.modelhub.plugins.module_utils._aspects import ASPECTS
from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import (
    UNKNOWN,
    UNSUPPORTED,
    Bucket,
    BucketParams,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    StorageError,
    StorageForbidden,
    StorageMissing,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import (
    error_code,
    first_page,
    operation,
    s3_api,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

# Seconds to wait for a change to be seen: a server of many machines may answer with the old value for a while.
PAUSES = (0, 0.2, 1, 2, 4)
# What some servers answer to a question of S3 that they do not know.
NOT_UNDERSTOOD = ("InvalidRequest", "InvalidArgument", "UnsupportedOperation", "OperationNotSupported")


class QuotaClient(t.Protocol):
    def quota(self, name: str) -> t.Any:
        """The bucket's quota in bytes, 0 for none, or UNKNOWN."""

    def set_quota(self, name: str, quota: int) -> None:
        """Give it another one, or none with 0."""


class S3BucketClient:
    """BucketClient over boto3; quota is where there is a client of MinIO's admin API."""

    def __init__(self, store: Store, api: t.Any, quota: QuotaClient | None = None) -> None:
        self._store = store
        self._api = api
        self._quota = quota

    def describe(self, name: str) -> Bucket | None:
        try:
            first_page(self._api, self._store, name)
        except StorageMissing:
            if self._quota:
                # Where it cannot be set, the bucket shall not be made either.
                self._quota.quota(name)
            return None
        except StorageForbidden as exc:
            raise StorageForbidden(
                f'bucket "{name}" exists but the credentials cannot access it. '
                f"Grant access_key the rights on it, or choose another bucket name ({exc})"
            ) from exc
        aspects = {aspect: self._look(name, aspect) for aspect in ASPECTS}
        return Bucket({**aspects, "quota": self._quota.quota(name)} if self._quota else aspects)

    def is_empty(self, name: str) -> bool:
        with self._operation("list the objects of", name):
            if self._api.list_objects_v2(Bucket=name, MaxKeys=1).get("Contents"):
                return False
        try:
            with self._operation("list the object versions of", name):
                page = self._api.list_object_versions(Bucket=name, MaxKeys=1)
        except StorageUnsupported:
            return True
        return not page.get("Versions") and not page.get("DeleteMarkers")

    def create(self, name: str, object_lock: bool) -> None:
        extra: dict[str, t.Any] = {"ObjectLockEnabledForBucket": True} if object_lock else {}
        # S3 wants the default region left out.
        if self._store.region != "us-east-1":
            extra["CreateBucketConfiguration"] = {"LocationConstraint": self._store.region}
        # Somebody else with these credentials may have been faster.
        with self._operation("create", name), suppress(self._api.exceptions.BucketAlreadyOwnedByYou):
            self._api.create_bucket(Bucket=name, **extra)
        if object_lock:
            self._confirm(name, "object_lock", True)

    def change(self, name: str, aspect: str, value: t.Any) -> None:
        if aspect == "quota" and self._quota:
            self._quota.set_quota(name, value)
            return
        kind = ASPECTS[aspect]
        if not value and kind.delete:
            with self._operation(f"remove the {aspect} of", name):
                self._call(name, kind.delete, kind.absent)
        else:
            with self._operation(f"set the {aspect} of", name):
                self._call(name, kind.put, **kind.write(value))
        self._confirm(name, aspect, value)

    def _confirm(self, name: str, aspect: str, value: t.Any) -> None:
        """Refuse a server that takes what it does not implement, and keeps something else."""
        found = None
        for pause in PAUSES:
            time.sleep(pause)
            found = self._look(name, aspect)
            if found in (value, UNKNOWN):
                return
        raise StorageUnsupported(
            f'set the {aspect} of bucket "{name}": the server took it, but keeps {found!r} instead of {value!r}, '
            f"so it does not implement all of it. Ask for what it keeps, or leave {aspect} unset."
        )

    def delete_objects(self, name: str) -> None:
        # Versions first: deleting a versioned object by its key alone would only add a delete marker.
        with suppress(StorageUnsupported), self._operation("delete the object versions of", name):
            for page in self._api.get_paginator("list_object_versions").paginate(Bucket=name):
                versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
                self._delete_batch(name, [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions])
        with self._operation("delete the objects of", name):
            for page in self._api.get_paginator("list_objects_v2").paginate(Bucket=name):
                self._delete_batch(name, [{"Key": found["Key"]} for found in page.get("Contents", [])])

    def delete(self, name: str) -> None:
        with self._operation("delete", name):
            self._api.delete_bucket(Bucket=name)

    def _look(self, name: str, aspect: str) -> t.Any:
        kind = ASPECTS[aspect]
        try:
            with self._operation(f"read the {aspect} of", name):
                try:
                    return kind.read(self._call(name, kind.get, kind.absent))
                except self._api.exceptions.ClientError as exc:
                    if error_code(exc) not in NOT_UNDERSTOOD:
                        raise
                    return UNSUPPORTED
        except StorageUnsupported:
            return UNSUPPORTED
        except StorageForbidden:
            return UNKNOWN

    def _call(self, name: str, method: str, absent: t.Sequence[str] = (), **arguments: t.Any) -> dict[str, t.Any]:
        """Return the answer, an empty one where the server says that there is none."""
        try:
            return dict(getattr(self._api, method)(Bucket=name, **arguments) or {})
        except self._api.exceptions.ClientError as exc:
            if error_code(exc) not in absent:
                raise
            return {}

    def _delete_batch(self, name: str, objects: list[dict[str, str]]) -> None:
        if not objects:
            return
        errors = self._api.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True}).get("Errors")
        if errors:
            first = errors[0]
            raise StorageError(
                f'delete the objects of bucket "{name}": {len(errors)} were refused, '
                f"the first is {first.get('Key')} ({first.get('Code')}: {first.get('Message')})."
            )

    def _operation(self, verb: str, name: str) -> t.ContextManager[None]:
        return operation(self._store, f'{verb} bucket "{name}"', name)


def quota_client(store: Store) -> QuotaClient:
    # Its library takes as long to load as boto3, and is hardly ever asked for.
    from ansible_collections.opengeoai.modelhub.plugins.module_utils._admin import MinioAdminClient

    return MinioAdminClient(store)


def connect(params: BucketParams) -> S3BucketClient:
    quota = quota_client(params.store) if "quota" in params.wanted else None
    return S3BucketClient(params.store, s3_api(params.store), quota)
