# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import Bucket, BucketParams, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    InvalidOption,
    StorageError,
    StorageForbidden,
    StorageUnsupported,
)

GOOD: dict[str, t.Any] = {
    "name": "artifacts",
    "state": "present",
    "versioning": None,
    "force": False,
    "endpoint_url": "https://s3.example.org",
    "access_key": "someone",
    "secret_key": "something",
    "server_address": None,
    "ca_file": None,
    "validate_certs": True,
    "region": "us-east-1",
    "timeout_seconds": 30,
}


def params(**changes: t.Any) -> BucketParams:
    return BucketParams.from_module({**GOOD, **changes})


class FakeS3:
    """Buckets in memory: name -> [versioning, objects]."""

    def __init__(self, versioning: str | None = None, objects: int = 0) -> None:
        self.buckets: dict[str, t.Any] = {"artifacts": [versioning, objects]} if versioning else {}
        self.calls: list[str] = []

    def describe(self, name: str) -> Bucket | None:
        return Bucket(self.buckets[name][0]) if name in self.buckets else None

    def is_empty(self, name: str) -> bool:
        return not self.buckets[name][1]

    def create(self, name: str) -> None:
        self.calls.append("create")
        self.buckets[name] = ["disabled", 0]

    def set_versioning(self, name: str, enabled: bool) -> None:
        self.calls.append("versioning")
        self.buckets[name][0] = "enabled" if enabled else "suspended"

    def delete_objects(self, name: str) -> None:
        self.calls.append("delete_objects")
        self.buckets[name][1] = 0

    def delete(self, name: str) -> None:
        self.calls.append("delete")
        assert self.is_empty(name)
        del self.buckets[name]


@pytest.mark.parametrize(
    ("found", "objects", "wanted", "calls", "after"),
    [
        pytest.param(None, 0, {}, ["create"], "disabled", id="create"),
        pytest.param(None, 0, {"versioning": True}, ["create", "versioning"], "enabled", id="create versioned"),
        pytest.param(None, 0, {"versioning": False}, ["create"], "disabled", id="create unversioned"),
        pytest.param("disabled", 0, {}, [], "disabled", id="F22 exists"),
        pytest.param("enabled", 0, {}, [], "enabled", id="unset keeps enabled"),
        pytest.param("suspended", 0, {}, [], "suspended", id="unset keeps suspended"),
        pytest.param("unsupported", 0, {}, [], "unsupported", id="unset accepts unsupported"),
        pytest.param("unknown", 0, {}, [], "unknown", id="unset accepts unknown"),
        pytest.param("disabled", 5, {"versioning": True}, ["versioning"], "enabled", id="enable"),
        pytest.param("suspended", 0, {"versioning": True}, ["versioning"], "enabled", id="enable again"),
        pytest.param("enabled", 0, {"versioning": True}, [], "enabled", id="already enabled"),
        pytest.param("enabled", 0, {"versioning": False}, ["versioning"], "suspended", id="suspend"),
        pytest.param("disabled", 0, {"versioning": False}, [], "disabled", id="never enabled"),
        pytest.param("suspended", 0, {"versioning": False}, [], "suspended", id="already suspended"),
        pytest.param(None, 0, {"state": "absent"}, [], None, id="already absent"),
        pytest.param("enabled", 0, {"state": "absent"}, ["delete"], None, id="remove empty"),
        pytest.param("disabled", 0, {"state": "absent", "force": True}, ["delete"], None, id="force on empty"),
        pytest.param(
            "disabled", 3, {"state": "absent", "force": True}, ["delete_objects", "delete"], None, id="remove all"
        ),
    ],
)
def test_run(found: str | None, objects: int, wanted: dict[str, t.Any], calls: list[str], after: str | None) -> None:
    wanted_params, client = params(**wanted), FakeS3(found, objects)

    predicted = run(wanted_params, client, check_mode=True)
    assert client.calls == []

    applied = run(wanted_params, client, check_mode=False)
    assert applied == predicted
    assert client.calls == calls
    assert applied["changed"] == bool(calls)
    assert applied["bucket"]["versioning"] == after
    assert applied["bucket"]["state"] == ("present" if after else "absent")
    assert (client.buckets["artifacts"][0] if after else client.buckets.get("artifacts")) == after
    assert (applied["diff"]["before"] != applied["diff"]["after"]) == bool(calls)

    again = run(wanted_params, client, check_mode=False)
    assert not again["changed"]
    assert client.calls == calls


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("found", "objects", "wanted", "error", "says"),
    [
        ("disabled", 1, {"state": "absent"}, StorageError, "still holds objects.*Set force to true"),
        ("unsupported", 0, {"versioning": True}, StorageUnsupported, "does not implement versioning.*Leave .* unset"),
        ("unknown", 0, {"versioning": True}, StorageForbidden, "Grant s3:GetBucketVersioning"),
        ("unknown", 0, {"versioning": False}, StorageForbidden, "Grant s3:GetBucketVersioning"),
    ],
)
def test_run_refuses(
    found: str, objects: int, wanted: dict[str, t.Any], error: type[Exception], says: str, check_mode: bool
) -> None:
    client = FakeS3(found, objects)
    with pytest.raises(error, match=says):
        run(params(**wanted), client, check_mode)
    assert client.calls == []


def test_versioning_off_where_there_is_none_gives_a_warning() -> None:
    result = run(params(versioning=False), FakeS3("unsupported"), check_mode=False)
    assert not result["changed"]
    assert "does not implement versioning" in result["warnings"][0]


@pytest.mark.parametrize("name", ["ML", "a", "My_Bucket", "192.168.0.1", "xn--artifacts", "b" * 64, "", "a..b", "-ab"])
def test_b20_bucket_names(name: str) -> None:
    with pytest.raises(InvalidOption, match=r"^name is .*(mlflow-artifacts)\.$"):
        params(name=name)


@pytest.mark.parametrize("name", ["mlflow-artifacts", "abc", "a.b.c", "1-2", "b" * 63])
def test_good_bucket_names(name: str) -> None:
    assert params(name=name).name == name


@pytest.mark.parametrize(
    "url",
    [
        "ftp://s3.example.org",
        "s3.example.org",
        "https://s3.example.org/path",
        "https://s3.example.org:99999",
        "https://",
        "",
    ],
)
def test_b45_bad_endpoint(url: str) -> None:
    with pytest.raises(InvalidOption, match=r"^endpoint_url is "):
        params(endpoint_url=url)


def test_b45_credentials_in_the_endpoint_are_not_repeated() -> None:
    with pytest.raises(InvalidOption, match="must not carry a user or password") as caught:
        params(endpoint_url="https://me:hidden%21@s3.example.org")
    assert not re.search("//me|hidden", str(caught.value))


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_b46_timeouts(seconds: int) -> None:
    with pytest.raises(InvalidOption, match=r"timeout_seconds is .*from 1 to 3600"):
        params(timeout_seconds=seconds)


def test_an_empty_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidOption, match="secret_key is required"):
        params(secret_key="")
    with pytest.raises(InvalidOption, match="secret_key") as caught:
        params(secret_key="ends in space ")
    assert "ends in" not in str(caught.value)


def test_a_missing_ca_file_is_named() -> None:
    with pytest.raises(InvalidOption, match=r'ca_file is "/nonexistent/ca.crt".*Copy it'):
        params(ca_file="/nonexistent/ca.crt")
