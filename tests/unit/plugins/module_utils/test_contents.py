# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._contents import (
    BucketReader,
    ContentsParams,
    age,
    count_objects,
    count_versions,
    first_uploads,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, StorageError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import boto_errors
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
OPTIONS: dict[str, t.Any] = {
    **{name: spec.get("default") for name, spec in STORE_SPEC.items()},
    "endpoint_url": "http://s3.example.org",
    "name": "mlflow",
    "max_objects": 100,
    "max_uploads": 100,
}


def error(code: str) -> Exception:
    return boto_errors.ClientError({"Error": {"Code": code, "Message": "said"}}, "operation")


class NoSuchUpload(Exception):
    """As boto3 makes it of the server's code."""


class FakeApi:
    """Answers by method: pages of a listing, one answer, or an error to raise."""

    exceptions = type("Exceptions", (), {"NoSuchUpload": NoSuchUpload})

    def __init__(self, **answers: t.Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get_paginator(self, method: str) -> FakePaginator:
        return FakePaginator(self, method)

    def answer(self, method: str) -> t.Any:
        self.asked.append(method)
        found = self.answers.get(method, [])
        if isinstance(found, Exception):
            raise found
        return found

    def list_objects_v2(self, **_options: t.Any) -> t.Any:
        found = self.answer("look")
        return found or {"Name": "mlflow", "ResponseMetadata": {"HTTPHeaders": {"server": "MinIO"}}}

    def get_bucket_versioning(self, **_options: t.Any) -> t.Any:
        return self.answer("versioning") or {}


class FakePaginator:
    def __init__(self, api: FakeApi, method: str) -> None:
        self.api, self.method = api, method

    def paginate(self, **_options: t.Any) -> t.Any:
        return iter(self.api.answer(self.method))


def read(api: FakeApi) -> dict[str, t.Any]:
    return BucketReader(ContentsParams.from_module(OPTIONS), api).read(NOW)


def objects(*sizes: int) -> dict[str, t.Any]:
    return {"Contents": [{"Size": size} for size in sizes]}


def versions(*latest: bool, markers: int = 0) -> dict[str, t.Any]:
    return {"Versions": [{"Size": 10, "IsLatest": one} for one in latest], "DeleteMarkers": [{}] * markers}


def endless() -> t.Iterator[dict[str, t.Any]]:
    while True:
        yield objects(1, 1)


@pytest.mark.parametrize(
    ("pages", "most", "told"),
    [
        ([], 1, (0, 0, True)),
        ([{}], 1, (0, 0, True)),
        ([objects(1, 2), objects(3)], 3, (3, 6, True)),
        ([objects(1, 2), objects(3)], 2, (2, 3, False)),
        (endless(), 5, (5, 5, False)),
    ],
)
def test_objects_are_counted_up_to_a_bound(pages: t.Any, most: int, told: tuple[int, int, bool]) -> None:
    tally = count_objects(pages, most)
    assert (tally.count, tally.size, tally.complete) == told


@pytest.mark.parametrize(
    ("pages", "most", "told"),
    [
        ([versions(True, False, markers=1), versions(False)], 4, (1, 2, 1, True)),
        ([versions(True, False, markers=1), versions(False)], 3, (1, 1, 1, False)),
        ([versions(True, True)], 1, (1, 0, 0, False)),
    ],
)
def test_versions_are_counted_up_to_a_bound(pages: t.Any, most: int, told: tuple[int, int, int, bool]) -> None:
    current, old, markers = count_versions(pages, most)
    assert (current.count, old.count, markers, current.complete) == told
    assert old.complete == current.complete
    assert (current.size, old.size) == (10 * current.count, 10 * old.count)


def test_uploads_are_counted_up_to_a_bound() -> None:
    pages = [{"Uploads": [{"Key": "a"}, {"Key": "b"}]}, {}]
    assert first_uploads(pages, 2) == ([{"Key": "a"}, {"Key": "b"}], True)
    assert first_uploads(pages, 1) == ([{"Key": "a"}], False)


def test_age() -> None:
    assert age([NOW - timedelta(seconds=5), NOW - timedelta(days=1)], NOW) == 86400
    assert age([NOW + timedelta(days=1)], NOW) == 0
    assert age([], NOW) is None


def test_a_bucket_with_versions_is_listed_once() -> None:
    api = FakeApi(versioning={"Status": "Suspended"}, list_object_versions=[versions(True, False, markers=2)])
    told = read(api)
    assert told["versioning"] == "suspended"
    assert told["objects"] == {"count": 1, "bytes": 10, "complete": True}
    assert told["old_versions"] == {"count": 1, "bytes": 10, "complete": True}
    assert (told["delete_markers"], told["server"]) == (2, "MinIO")
    assert told["incomplete_uploads"] == {"count": 0, "bytes": 0, "complete": True, "oldest_seconds": None}
    assert api.asked == ["look", "versioning", "list_object_versions", "list_multipart_uploads"]


def test_a_bucket_without_versions_has_none() -> None:
    api = FakeApi(list_objects_v2=[objects(1)])
    told = read(api)
    assert told["old_versions"] == {"count": 0, "bytes": 0, "complete": True}
    assert told["objects"]["count"] == 1
    assert "list_object_versions" not in api.asked


@pytest.mark.parametrize("code", ["AccessDenied", "NotImplemented"])
def test_what_the_server_does_not_tell_is_unknown(code: str) -> None:
    told = read(FakeApi(versioning=error(code), list_multipart_uploads=error(code), list_objects_v2=[objects(1)]))
    unknown = [told[name] for name in ("versioning", "old_versions", "delete_markers", "incomplete_uploads")]
    assert unknown == [None] * 4
    assert told["objects"]["count"] == 1
    hidden = read(
        FakeApi(versioning={"Status": "Enabled"}, list_object_versions=error(code), list_objects_v2=[objects(1)])
    )
    assert (hidden["versioning"], hidden["objects"]["count"], hidden["old_versions"]) == ("enabled", 1, None)


def test_the_parts_of_uploads_are_their_size() -> None:
    upload = {"Key": "a", "UploadId": "1", "Initiated": NOW - timedelta(hours=1)}
    parts = [{"Parts": [{"Size": 5}, {"Size": 6}]}, {}]
    told = read(FakeApi(list_multipart_uploads=[{"Uploads": [upload]}], list_parts=parts))["incomplete_uploads"]
    assert told == {"count": 1, "bytes": 11, "complete": True, "oldest_seconds": 3600}
    ended = read(FakeApi(list_multipart_uploads=[{"Uploads": [upload]}], list_parts=NoSuchUpload()))
    assert ended["incomplete_uploads"]["bytes"] == 0


def test_a_missing_bucket_is_no_error() -> None:
    told = read(FakeApi(look=error("NoSuchBucket")))
    assert told.pop("exists") is False
    assert set(told.values()) == {None}


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"look": error("AccessDenied")}, 'look at bucket "mlflow": the credentials may not do this'),
        ({"look": {"Name": None}}, "does not speak S3"),
        ({"list_objects_v2": error("SlowDown")}, 'list the objects of bucket "mlflow": the S3 server is overloaded'),
        ({"list_multipart_uploads": error("InternalError")}, "list the incomplete uploads of"),
    ],
)
def test_a_server_that_does_not_answer_is_an_error(answers: dict[str, t.Any], says: str) -> None:
    with pytest.raises(StorageError, match=says):
        read(FakeApi(**answers))


@pytest.mark.parametrize("name", ["max_objects", "max_uploads"])
def test_bounds_are_bounded(name: str) -> None:
    with pytest.raises(InvalidOption, match=f"{name} is 0"):
        ContentsParams.from_module({**OPTIONS, name: 0})
