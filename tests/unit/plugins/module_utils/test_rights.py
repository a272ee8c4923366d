# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, StorageError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._rights import RightsParams, RightsReader
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import boto_errors
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
OPTIONS: dict[str, t.Any] = {
    **{name: spec.get("default") for name, spec in STORE_SPEC.items()},
    "endpoint_url": "http://s3.example.org",
    "name": "mlflow",
    "prefix": ".modelhub-check/",
    "other_buckets": [],
}
NOTHING_BESIDE = {"list_buckets": False, "create_bucket": False, "read_bucket": False}
ALL_INSIDE = dict.fromkeys(("list", "read", "write", "multipart", "abort", "delete"), True)
# As a server does that is asked with keys limited to the bucket.
LIMITED = ("list_buckets", "create_bucket", "other list_objects_v2", "other get_object")


class NoSuchKey(boto_errors.ClientError):
    """As boto3 makes it of the server's code."""


def error(code: str) -> Exception:
    kind = NoSuchKey if code == "NoSuchKey" else boto_errors.ClientError
    return kind({"Error": {"Code": code, "Message": "said"}}, "operation")


class FakeStore:
    """A store in memory; refuses: methods that are answered AccessDenied, those of other buckets after "other "."""

    exceptions = type(
        "Exceptions",
        (),
        {"NoSuchKey": NoSuchKey, "ClientError": boto_errors.ClientError, "BucketAlreadyOwnedByYou": KeyError},
    )

    def __init__(self, *refuses: str, versions: bool = False, **errors: str) -> None:
        self.refuses = refuses
        self.errors = errors
        self.versions = versions
        self.buckets: dict[str, dict[str, bytes]] = {"mlflow": {"run/model": b"model"}}
        self.uploads: set[str] = set()
        self.markers: set[str] = set()
        self.asked: list[str] = []

    def ask(self, method: str, bucket: str = "mlflow") -> dict[str, bytes]:
        self.asked.append(method)
        if method in self.errors:
            raise error(self.errors[method])
        if (method if bucket == "mlflow" else f"other {method}") in self.refuses:
            raise error("AccessDenied")
        if bucket not in self.buckets:
            raise error("NoSuchBucket")
        return self.buckets[bucket]

    def list_objects_v2(self, Bucket: str, Prefix: str = "", **_more: t.Any) -> t.Any:
        objects = self.ask("list_objects_v2", Bucket)
        found = [{"Key": key, "LastModified": NOW - timedelta(hours=2)} for key in objects if key.startswith(Prefix)]
        return {"Name": Bucket, "Contents": found}

    def get_object(self, Bucket: str, Key: str) -> t.Any:
        objects = self.ask("get_object", Bucket)
        if Key not in objects:
            raise error("NoSuchKey")
        return {"Body": io.BytesIO(objects[Key])}

    def put_object(self, Key: str, Body: bytes, **_where: str) -> t.Any:
        self.ask("put_object")[Key] = Body
        return {"VersionId": Key} if self.versions else {}

    def delete_object(self, Key: str, VersionId: str = "", **_where: str) -> t.Any:
        self.ask("delete_version" if VersionId else "delete_object").pop(Key, None)
        if VersionId:
            self.markers.discard(VersionId)
        elif self.versions:
            self.markers.add(Key)
            return {"VersionId": Key}
        return {}

    def create_multipart_upload(self, Key: str, **_where: str) -> t.Any:
        self.ask("create_multipart_upload")
        self.uploads.add(Key)
        return {"UploadId": Key}

    def upload_part(self, **_part: t.Any) -> t.Any:
        self.ask("upload_part")
        return {"ETag": "tag"}

    def abort_multipart_upload(self, UploadId: str, **_where: str) -> t.Any:
        self.ask("abort_multipart_upload")
        self.uploads.discard(UploadId)
        return {}

    def complete_multipart_upload(self, Key: str, UploadId: str, **_more: t.Any) -> t.Any:
        self.ask("complete_multipart_upload")[Key] = b"part"
        self.uploads.discard(UploadId)
        return {"VersionId": Key} if self.versions else {}

    def list_buckets(self) -> t.Any:
        self.ask("list_buckets")
        return {"Buckets": [{"Name": name} for name in self.buckets]}

    def create_bucket(self, Bucket: str) -> t.Any:
        self.ask("create_bucket")
        self.buckets[Bucket] = {}
        return {}

    def delete_bucket(self, Bucket: str) -> t.Any:
        self.ask("delete_bucket")
        del self.buckets[Bucket]
        return {}


def read(store: FakeStore, write: bool = True, **options: t.Any) -> dict[str, t.Any]:
    before = {name: dict(objects) for name, objects in store.buckets.items()}
    found = RightsReader(RightsParams.from_module({**OPTIONS, **options}), store, write).read(NOW)
    assert store.buckets == before or found["left"], "what was written is still there, and nobody tells"
    return found


def test_who_may_do_what_is_needed_and_no_more() -> None:
    store = FakeStore(*LIMITED)
    found = read(store, other_buckets=["mlflow"])
    assert (found["inside"], found["outside"]) == (ALL_INSIDE, NOTHING_BESIDE)
    assert (found["missing"], found["untold"], found["excess"], found["left"]) == ([], [], [], [])
    assert found["exists"]
    assert found["complete"]
    assert not store.uploads


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        ("list_objects_v2", ["s3:ListBucket"]),
        ("get_object", ["s3:GetObject"]),
        ("put_object", ["s3:PutObject"]),
        ("create_multipart_upload", ["s3:PutObject for uploads in parts"]),
        ("upload_part", ["s3:PutObject for uploads in parts"]),
        ("complete_multipart_upload", ["s3:PutObject for uploads in parts"]),
        ("abort_multipart_upload", ["s3:AbortMultipartUpload"]),
        ("delete_object", ["s3:DeleteObject"]),
    ],
)
def test_the_right_that_is_missing_is_named_and_nothing_is_left(refused: str, missing: list[str]) -> None:
    store = FakeStore(*LIMITED, refused)
    found = read(store)
    assert found["missing"] == missing
    assert found["left"] == []
    assert not store.uploads
    assert "AccessDenied" in " ".join(found["said"].values())


def test_what_could_not_be_removed_is_not_written() -> None:
    store = FakeStore(*LIMITED, "delete_object")
    found = read(store)
    assert "put_object" not in store.asked
    assert found["untold"] == ["s3:PutObject"]
    assert "could not be removed" in found["said"]["write"]


def test_uploads_that_can_be_neither_given_up_nor_completed_are_told() -> None:
    found = read(FakeStore(*LIMITED, "abort_multipart_upload", "complete_multipart_upload"))
    assert [one.rsplit("-", 1)[1] for one in found["left"]] == ["parts"]


def test_all_that_is_too_much_is_named() -> None:
    store = FakeStore()
    store.buckets["backup"] = {}
    found = read(store)
    read_others = "s3:ListBucket or s3:GetObject in other buckets"
    assert found["excess"] == ["s3:ListAllMyBuckets", "s3:CreateBucket", read_others]
    assert found["other_buckets"] == ["backup"]


def test_a_bucket_that_was_made_and_cannot_be_removed_is_told() -> None:
    found = read(FakeStore("list_buckets", "delete_bucket"))
    assert found["left"][0].startswith('bucket "modelhub-check-')


def test_other_buckets_that_are_known_are_tried_without_a_list() -> None:
    store = FakeStore("list_buckets", "create_bucket", "other list_objects_v2")
    store.buckets["backup"] = {}
    found = read(store, other_buckets=["gone", "backup"])
    assert found["outside"] == {**NOTHING_BESIDE, "read_bucket": True}


@pytest.mark.parametrize("others", [["gone", "backup"], ["backup", "gone"]])
def test_a_bucket_that_is_gone_hides_no_refusal(others: list[str]) -> None:
    store = FakeStore(*LIMITED)
    store.buckets["backup"] = {}
    assert read(store, other_buckets=others)["outside"]["read_bucket"] is False


def test_a_list_of_what_may_be_seen_is_no_list_of_others() -> None:
    found = read(FakeStore("create_bucket", "other list_objects_v2", "other get_object"))
    assert found["outside"]["list_buckets"] is False


def test_nothing_is_written_in_check_mode() -> None:
    store = FakeStore(*LIMITED)
    found = read(store, write=False)
    assert set(store.asked) == {"list_objects_v2", "get_object", "list_buckets"}
    assert not found["complete"]
    assert found["inside"] == {**dict.fromkeys(ALL_INSIDE), "list": True, "read": True}
    assert found["untold"] == []


def test_who_may_not_list_is_not_told_what_is_not_there() -> None:
    found = read(FakeStore(*LIMITED, "list_objects_v2", "get_object"), write=False)
    assert (found["missing"], found["inside"]["read"]) == (["s3:ListBucket"], None)


def test_a_bucket_of_somebody_else_is_told_by_all_rights_that_are_missing() -> None:
    refused = ("list_objects_v2", "get_object", "put_object", "create_multipart_upload", "delete_object")
    found = read(FakeStore(*LIMITED, *refused))
    assert found["exists"]
    assert not any(found["inside"].values())


def test_a_bucket_that_is_missing_is_a_finding() -> None:
    found = read(FakeStore(), name="nowhere")
    assert not found["exists"]
    assert not found["missing"]


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"])
def test_f25_keys_that_are_refused_as_such_are_a_failure(code: str) -> None:
    with pytest.raises(StorageError, match=code):
        read(FakeStore(list_objects_v2=code))


def test_a_store_that_is_full_is_told_and_is_no_right_that_is_missing() -> None:
    found = read(FakeStore(*LIMITED, put_object="XMinioStorageFull"))
    assert (found["missing"], found["untold"]) == ([], ["s3:PutObject"])
    assert "XMinioStorageFull" in found["said"]["write"]


def test_what_is_read_back_must_be_what_was_written() -> None:
    store = FakeStore(*LIMITED)
    store.get_object = lambda **_key: {"Body": io.BytesIO(b"other")}  # type: ignore[method-assign]
    found = read(store)
    assert found["untold"] == ["s3:GetObject"]


def test_what_a_killed_run_left_is_removed() -> None:
    store = FakeStore(*LIMITED)
    store.buckets["mlflow"][".modelhub-check/old-object"] = b"left"
    RightsReader(RightsParams.from_module(OPTIONS), store, write=True).read(NOW)
    assert list(store.buckets["mlflow"]) == ["run/model"]


@pytest.mark.parametrize(("refuses", "left"), [((), 0), (("delete_version",), 3)])
def test_versions_are_removed_where_that_is_allowed(refuses: tuple[str, ...], left: int) -> None:
    store = FakeStore(*LIMITED, *refuses, versions=True)
    found = read(store)
    assert found["inside"] == ALL_INSIDE
    assert len(store.markers) == len(found["left"]) == left


@pytest.mark.parametrize("prefix", ["", "check", "/", "a b/", "../x/"])
def test_the_prefix_is_one_folder(prefix: str) -> None:
    with pytest.raises(InvalidOption, match="prefix is"):
        RightsParams.from_module({**OPTIONS, "prefix": prefix})
