# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a bucket holds, counted page by page with an end. Only reads."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    StorageForbidden,
    StorageMissing,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import bucket, integer
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import first_page, operation
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

Answer = t.Dict[str, t.Any]
Pages = t.Iterable[Answer]
RULES: dict[str, dict[str, t.Any]] = {
    "name": {"rule": bucket, "example": "mlflow"},
    "max_objects": {"rule": integer, "min": 1, "max": 1_000_000_000},
    "max_uploads": {"rule": integer, "min": 1, "max": 100_000},
}


@dataclass(frozen=True)
class ContentsParams:
    name: str
    max_objects: int
    max_uploads: int
    store: Store

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> ContentsParams:
        require(params, RULES)
        return cls(params["name"], params["max_objects"], params["max_uploads"], Store.from_module(params))


@dataclass
class Tally:
    """complete: whether all were counted."""

    count: int = 0
    size: int = 0
    complete: bool = True

    def add(self, size: int) -> None:
        self.count += 1
        self.size += size

    def told(self) -> Answer:
        return {"count": self.count, "bytes": self.size, "complete": self.complete}


def count_objects(pages: Pages, most: int) -> Tally:
    """Of pages of list_objects_v2."""
    tally = Tally()
    for page in pages:
        for found in page.get("Contents", []):
            if tally.count >= most:
                tally.complete = False
                return tally
            tally.add(found["Size"])
    return tally


def count_versions(pages: Pages, most: int) -> tuple[Tally, Tally, int]:
    """Current objects, old versions and delete markers, of pages of list_object_versions. most: of all together."""
    current, old, markers = Tally(), Tally(), 0
    for page in pages:
        for found in page.get("Versions", []):
            if current.count + old.count + markers >= most:
                current.complete = old.complete = False
                return current, old, markers
            (current if found["IsLatest"] else old).add(found["Size"])
        # A page of a thousand more is no harm, and an end in the middle of it of no use.
        markers += len(page.get("DeleteMarkers", []))
    return current, old, markers


def first_uploads(pages: Pages, most: int) -> tuple[list[Answer], bool]:
    """The first uploads, and whether these are all."""
    found: list[Answer] = []
    for page in pages:
        found += page.get("Uploads", [])
        if len(found) > most:
            return found[:most], False
    return found, True


def age(moments: t.Iterable[datetime], now: datetime) -> int | None:
    """Seconds since the first of them, None without one."""
    oldest = min(moments, default=None)
    return None if oldest is None else max(0, int((now - oldest).total_seconds()))


class BucketReader:
    """Over boto3's client."""

    def __init__(self, params: ContentsParams, api: t.Any) -> None:
        self._params = params
        self._api = api

    def read(self, now: datetime) -> Answer:
        nothing: Answer = {"exists": False, "server": None, "versioning": None, "objects": None}
        nothing.update(old_versions=None, delete_markers=None, incomplete_uploads=None)
        try:
            answer = first_page(self._api, self._params.store, self._params.name)
        except StorageMissing:
            return nothing
        server = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("server", "")
        versioning = self._versioning()
        return {
            **nothing,
            "exists": True,
            "server": server,
            "versioning": versioning,
            **self._contents(versioning),
            "incomplete_uploads": self._uploads(now),
        }

    def _versioning(self) -> str | None:
        with suppress(StorageForbidden, StorageUnsupported), self._operation("read the versioning of"):
            status = self._api.get_bucket_versioning(Bucket=self._params.name).get("Status") or "disabled"
            return str(status).lower()
        return None

    def _contents(self, versioning: str | None) -> Answer:
        # One listing tells all: each of them takes a request for every thousand objects.
        if versioning in ("enabled", "suspended"):
            with suppress(StorageForbidden, StorageUnsupported), self._operation("list the object versions of"):
                pages = self._pages("list_object_versions")
                current, old, markers = count_versions(pages, self._params.max_objects)
                return {"objects": current.told(), "old_versions": old.told(), "delete_markers": markers}
        with self._operation("list the objects of"):
            objects = count_objects(self._pages("list_objects_v2"), self._params.max_objects)
        if versioning == "disabled":
            return {"objects": objects.told(), "old_versions": Tally().told(), "delete_markers": 0}
        return {"objects": objects.told()}

    def _uploads(self, now: datetime) -> Answer | None:
        with suppress(StorageForbidden, StorageUnsupported), self._operation("list the incomplete uploads of"):
            uploads, complete = first_uploads(self._pages("list_multipart_uploads"), self._params.max_uploads)
            sizes = [self._size(upload) for upload in uploads]
            oldest = age((upload["Initiated"] for upload in uploads if upload.get("Initiated")), now)
            return {"count": len(uploads), "bytes": sum(sizes), "complete": complete, "oldest_seconds": oldest}
        return None

    def _size(self, upload: Answer) -> int:
        """Of the parts that were uploaded so far; 0 of an upload that has ended meanwhile."""
        try:
            pages = self._pages("list_parts", Key=upload["Key"], UploadId=upload["UploadId"])
            return sum(part["Size"] for page in pages for part in page.get("Parts", []))
        except self._api.exceptions.NoSuchUpload:
            return 0

    def _pages(self, method: str, **options: t.Any) -> Pages:
        pages: Pages = self._api.get_paginator(method).paginate(Bucket=self._params.name, **options)
        return pages

    def _operation(self, verb: str) -> t.ContextManager[None]:
        return operation(self._params.store, f'{verb} bucket "{self._params.name}"', self._params.name)
