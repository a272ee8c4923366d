# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What credentials may do in a bucket and beside it, found out by doing it. What is written is removed again."""

from __future__ import annotations

import re
import secrets
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    InvalidOption,
    StorageError,
    StorageForbidden,
    StorageMissing,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import bucket
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import first_page, operation
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3_bucket import S3BucketClient
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

Answer = t.Dict[str, t.Any]
RULES: dict[str, dict[str, t.Any]] = {"name": {"rule": bucket, "example": "mlflow"}}

# What is tried in the bucket -> the right that it takes, in the words of S3's policies.
INSIDE = {
    "list": "s3:ListBucket",
    "read": "s3:GetObject",
    "write": "s3:PutObject",
    "multipart": "s3:PutObject for uploads in parts",
    "abort": "s3:AbortMultipartUpload",
    "delete": "s3:DeleteObject",
}
# The same of what lies outside of it.
OUTSIDE = {
    "list_buckets": "s3:ListAllMyBuckets",
    "create_bucket": "s3:CreateBucket",
    "read_bucket": "s3:ListBucket or s3:GetObject in other buckets",
}
# Of other buckets so many are tried.
MOST_OTHERS = 3
# What a run left behind that was killed is older than any run that goes on.
STALE = timedelta(hours=1)


@dataclass(frozen=True)
class RightsParams:
    name: str
    prefix: str
    other_buckets: list[str]
    store: Store

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> RightsParams:
        require(params, RULES)
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}/", params["prefix"]):
            raise InvalidOption(
                f'prefix is "{params["prefix"]}", but must be letters, digits, dots, hyphens and underscores, '
                "and a slash at the end."
            )
        return cls(params["name"], params["prefix"], params["other_buckets"], Store.from_module(params))


@dataclass
class Found:
    """may: whether each was allowed, None where that could not be told. said: why not, in the server's words.

    left: what was written and could not be removed.
    """

    exists: bool = True
    may: dict[str, bool | None] = field(default_factory=lambda: dict.fromkeys([*INSIDE, *OUTSIDE]))
    said: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def told(self, wrote: bool) -> Answer:
        return {
            "exists": self.exists,
            "complete": wrote,
            "inside": {name: self.may[name] for name in INSIDE},
            "outside": {name: self.may[name] for name in OUTSIDE},
            "missing": [right for name, right in INSIDE.items() if self.may[name] is False],
            "untold": [right for name, right in INSIDE.items() if self.exists and wrote and self.may[name] is None],
            "excess": [right for name, right in OUTSIDE.items() if self.may[name]],
            "said": self.said,
            "other_buckets": self.others,
            "left": self.left,
        }


class RightsReader:
    """Over boto3's client. write: whether anything may be written to find out."""

    def __init__(self, params: RightsParams, api: t.Any, write: bool) -> None:
        self._params = params
        self._api = api
        self._write = write
        self._token = secrets.token_hex(8)
        self._made = f"modelhub-check-{self._token}"
        self._etag = ""
        self._found = Found()

    def read(self, now: datetime) -> Answer:
        """Raise what concerns the connection or the credentials as such; all else is a finding."""
        try:
            self._first_look()
        except StorageMissing:
            self._found.exists = False
            return self._found.told(self._write)
        if self._write:
            self._remove_stale(now)
            self._try_writing()
        else:
            self._try_get()
        self._try_outside()
        return self._found.told(self._write)

    def _first_look(self) -> None:
        try:
            first_page(self._api, self._params.store, self._params.name)
        except StorageForbidden as exc:
            self._note("list", False, exc)
        else:
            self._found.may["list"] = True

    def _try_writing(self) -> None:
        # Of what is not there, so that nothing is written which could not be removed.
        gone = self._key("gone")
        if self._try("delete", "delete an object of", lambda: self._delete_nothing(gone)):
            kept = self._key("object")
            body = self._token.encode()
            answer = self._try("write", "write an object to", lambda: self._api.put_object(**kept, Body=body))
            if answer is not None:
                try:
                    self._try("read", "read an object of", lambda: self._require_body(kept, body))
                finally:
                    self._clean(kept, answer)
        elif self._found.may["delete"] is False:
            self._found.said["write"] = "it was not tried, because what is written could not be removed"
        if self._found.may["read"] is None and "read" not in self._found.said:
            self._try_get()
        self._try_parts()

    def _try_get(self) -> None:
        """By an object that is not there, which is told to those only who may read and list."""
        absent = self._key("absent")
        self._try("read", "read an object of", lambda: self._look_for(absent))
        if not self._found.may["list"] and self._found.may["read"] is False:
            self._found.may["read"] = None

    def _try_parts(self) -> None:
        """An upload in parts that is given up, and one that is not."""
        key = self._key("parts")
        upload = self._try("multipart", "upload parts to", lambda: self._begin(key))
        if upload is None:
            return
        if self._try("abort", "give up an upload to", lambda: self._give_up(key, upload)):
            if not self._found.may["delete"]:
                return
            upload = self._try("multipart", "upload parts to", lambda: self._begin(key))
        if upload is None:
            return
        # One that cannot be given up is completed as well: an object can be seen, and removed.
        answer = self._try("multipart", "complete an upload to", lambda: self._complete(key, upload))
        if answer is None:
            self._clean_upload(key, upload)
        else:
            self._clean(key, answer)

    def _try_outside(self) -> None:
        names = self._try("list_buckets", "list all buckets beside", self._list_buckets)
        self._found.others = [name for name in names or [] if name != self._params.name]
        if names is not None:
            # Some servers answer everybody, with what may be seen.
            self._found.may["list_buckets"] = bool(self._found.others)
        if self._write and self._try("create_bucket", "create a bucket beside", self._create_bucket):
            self._delete_bucket()
        self._try_reading()

    def _try_reading(self) -> None:
        names = dict.fromkeys([*self._params.other_buckets, *self._found.others])
        others = [name for name in names if name != self._params.name][:MOST_OTHERS]
        told = set()
        for name in others or [self._made]:
            self._try("read_bucket", f'look into bucket "{name}" beside', partial(self._look_into, name))
            told.add(self._found.may["read_bucket"])
        # One is enough, and one that is gone meanwhile tells nothing.
        self._found.may["read_bucket"] = True in told or (False if False in told else None)

    # What is asked of the server

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self._params.name, "Key": f"{self._params.prefix}{self._token}-{name}"}

    def _look_for(self, key: dict[str, str]) -> bool:
        with suppress(self._api.exceptions.NoSuchKey):
            self._api.get_object(**key)
        return True

    def _require_body(self, key: dict[str, str], body: bytes) -> bool:
        if self._api.get_object(**key)["Body"].read() != body:
            raise StorageError("what was written is not what is read back.")
        return True

    def _begin(self, key: dict[str, str]) -> dict[str, str]:
        upload = {"UploadId": str(self._api.create_multipart_upload(**key)["UploadId"])}
        try:
            part = self._api.upload_part(**key, **upload, PartNumber=1, Body=self._token.encode())
        except Exception:
            self._clean_upload(key, upload)
            raise
        self._etag = str(part["ETag"])
        return upload

    def _complete(self, key: dict[str, str], upload: dict[str, str]) -> t.Any:
        parts = {"Parts": [{"PartNumber": 1, "ETag": self._etag}]}
        return self._api.complete_multipart_upload(**key, **upload, MultipartUpload=parts)

    def _give_up(self, key: dict[str, str], upload: dict[str, str]) -> bool:
        self._api.abort_multipart_upload(**key, **upload)
        return True

    def _create_bucket(self) -> bool:
        S3BucketClient(self._params.store, self._api).create(self._made, False)
        return True

    def _list_buckets(self) -> list[str]:
        return [str(one["Name"]) for one in self._api.list_buckets().get("Buckets", [])]

    def _look_into(self, name: str) -> bool:
        try:
            self._api.list_objects_v2(Bucket=name, MaxKeys=1)
        except self._api.exceptions.ClientError as exc:
            if exc.response["Error"]["Code"] not in ("AccessDenied", "403"):
                raise
            self._look_for({"Bucket": name, "Key": f"{self._token}-absent"})
        return True

    # What is removed again

    def _delete_nothing(self, key: dict[str, str]) -> bool:
        marker = self._api.delete_object(**key).get("VersionId")
        if marker and not self._delete({**key, "VersionId": marker}):
            self._found.left.append(f"the mark of {key['Key']}")
        return True

    def _clean(self, key: dict[str, str], answer: Answer) -> None:
        """Remove an object, of a bucket with versions for good, where that is allowed. answer: to what wrote it."""
        version = answer.get("VersionId")
        if version and self._delete({**key, "VersionId": version}):
            return
        if not self._delete(key) or version:
            self._found.left.append(key["Key"])

    def _delete(self, place: dict[str, str]) -> bool:
        try:
            with self._operation("delete an object of"):
                self._api.delete_object(**place)
        except StorageError:
            return False
        return True

    def _clean_upload(self, key: dict[str, str], upload: dict[str, str]) -> None:
        try:
            with self._operation("give up an upload to"):
                self._give_up(key, upload)
        except StorageError:
            self._found.left.append(f"an upload of {key['Key']}")

    def _delete_bucket(self) -> None:
        try:
            S3BucketClient(self._params.store, self._api).delete(self._made)
        except StorageError:
            self._found.left.append(f'bucket "{self._made}"')

    def _remove_stale(self, now: datetime) -> None:
        """What runs left behind that were killed."""
        if not self._found.may["list"]:
            return
        try:
            with self._operation("list the objects of"):
                page = self._api.list_objects_v2(Bucket=self._params.name, Prefix=self._params.prefix)
        except StorageError:
            return
        for one in page.get("Contents", []):
            if now - one["LastModified"] > STALE:
                self._clean({"Bucket": self._params.name, "Key": str(one["Key"])}, {})

    # What comes of it

    def _try(self, name: str, verb: str, call: t.Callable[[], t.Any]) -> t.Any:
        """Return the call's answer, None where it was refused or failed, which is noted."""
        try:
            with self._operation(verb):
                answer = call()
        except StorageForbidden as exc:
            self._note(name, False, exc)
        except StorageError as exc:
            self._note(name, None, exc)
        else:
            self._found.may[name] = True
            return answer
        return None

    def _note(self, name: str, may: bool | None, why: StorageError) -> None:
        self._found.may[name] = may
        self._found.said[name] = str(why)

    def _operation(self, verb: str) -> t.ContextManager[None]:
        return operation(self._params.store, f'{verb} bucket "{self._params.name}"', self._params.name)
