# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._aspects import NEW
from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import Bucket, BucketParams, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    InvalidOption,
    StorageError,
    StorageForbidden,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC

GOOD: dict[str, t.Any] = {
    "name": "artifacts",
    "state": "present",
    "versioning": None,
    "object_lock": None,
    "lifecycle_rules": None,
    "cors_rules": None,
    "tags": None,
    "encryption": None,
    "quota": None,
    "policy": None,
    "force": False,
    **{name: spec.get("default") for name, spec in STORE_SPEC.items()},
    "endpoint_url": "https://s3.example.org",
    "access_key": "someone",
    "secret_key": "something",
}


def params(**changes: t.Any) -> BucketParams:
    return BucketParams.from_module({**GOOD, **changes})


class FakeS3:
    """A bucket in memory, or none: its aspects, and how many objects it holds."""

    def __init__(self, aspects: dict[str, t.Any] | None, objects: int = 0) -> None:
        self.aspects = aspects
        self.objects = objects
        self.calls: list[str] = []

    def describe(self, _name: str) -> Bucket | None:
        return None if self.aspects is None else Bucket(dict(self.aspects))

    def is_empty(self, _name: str) -> bool:
        return not self.objects

    def create(self, _name: str, object_lock: bool) -> None:
        self.calls.append("create")
        self.aspects = dict(NEW)
        if object_lock:
            self.aspects.update(object_lock=True, versioning="enabled")

    def change(self, _name: str, aspect: str, value: t.Any) -> None:
        assert self.aspects is not None
        self.calls.append(aspect)
        self.aspects[aspect] = value

    def delete_objects(self, _name: str) -> None:
        self.calls.append("delete_objects")
        self.objects = 0

    def delete(self, _name: str) -> None:
        self.calls.append("delete")
        assert not self.objects
        self.aspects = None


def fake(versioning: str | None, objects: int = 0) -> FakeS3:
    return FakeS3(None if versioning is None else {**NEW, "versioning": versioning}, objects)


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
    wanted_params, client = params(**wanted), fake(found, objects)

    predicted = run(wanted_params, client, check_mode=True)
    assert client.calls == []

    applied = run(wanted_params, client, check_mode=False)
    assert applied == predicted
    assert client.calls == calls
    assert applied["changed"] == bool(calls)
    assert applied["bucket"]["versioning"] == after
    assert applied["bucket"]["state"] == ("present" if after else "absent")
    assert (client.aspects["versioning"] if client.aspects else None) == after
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
    client = fake(found, objects)
    with pytest.raises(error, match=says):
        run(params(**wanted), client, check_mode)
    assert client.calls == []


def test_versioning_off_where_there_is_none_gives_a_warning() -> None:
    result = run(params(versioning=False), fake("unsupported"), check_mode=False)
    assert not result["changed"]
    assert "does not implement versioning" in result["warnings"][0]


RULE: dict[str, t.Any] = {
    "id": None,
    "prefix": None,
    "enabled": True,
    "expiration_days": None,
    "expired_delete_markers": False,
    "noncurrent_expiration_days": None,
    "abort_upload_days": None,
}
ABORT = {**RULE, "abort_upload_days": 7}
ABORTED = {**RULE, "id": "by-hand", "prefix": "", "expired_delete_markers": None, "abort_upload_days": 7}
CORS: dict[str, t.Any] = {
    "allowed_origins": ["https://a.example.org"],
    "allowed_methods": ["PUT", "GET"],
    "allowed_headers": [],
    "expose_headers": [],
    "max_age_seconds": None,
}
SORTED_CORS = {**CORS, "allowed_methods": ["GET", "PUT"]}
LOCKED = {"object_lock": True, "versioning": "enabled"}
POLICY: dict[str, t.Any] = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::artifacts/*",
    },
}
NORMAL_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::artifacts/*"],
        }
    ],
}


@pytest.mark.parametrize(
    ("found", "wanted", "calls", "after"),
    [
        pytest.param(None, {"object_lock": True}, ["create"], LOCKED, id="lock"),
        pytest.param(
            None,
            {"object_lock": False, "versioning": True},
            ["create", "versioning"],
            {"object_lock": False},
            id="no lock",
        ),
        pytest.param(
            {"object_lock": True, "versioning": "enabled"}, {"object_lock": True}, [], {}, id="locked already"
        ),
        pytest.param({}, {"tags": {"b": 1, "a": True}}, ["tags"], {"tags": {"a": "true", "b": "1"}}, id="tags"),
        pytest.param({"tags": {"a": "true"}}, {"tags": {"a": True}}, [], {"tags": {"a": "true"}}, id="same tags"),
        pytest.param({"tags": {"a": "1"}}, {"tags": {}}, ["tags"], {"tags": {}}, id="no tags any more"),
        pytest.param({"tags": {"a": "1"}}, {"versioning": False}, [], {"tags": {"a": "1"}}, id="unset keeps tags"),
        pytest.param({"lifecycle_rules": [ABORTED]}, {"lifecycle_rules": [ABORT]}, [], {}, id="same but for its id"),
        pytest.param(
            {"lifecycle_rules": [ABORTED]},
            {"lifecycle_rules": [{**ABORT, "id": "mine"}]},
            ["lifecycle_rules"],
            {"lifecycle_rules": [{**ABORTED, "id": "mine"}]},
            id="rule by an id of its own",
        ),
        pytest.param(
            {"lifecycle_rules": [{**ABORTED, "other": {"Transitions": [{"Days": 1}]}}]},
            {"lifecycle_rules": [{**ABORT, "id": "by-hand"}]},
            ["lifecycle_rules"],
            {"lifecycle_rules": [ABORTED]},
            id="a rule that does more is another",
        ),
        pytest.param({"lifecycle_rules": [ABORTED]}, {"lifecycle_rules": []}, ["lifecycle_rules"], {}, id="no rules"),
        pytest.param(
            {},
            {"cors_rules": [CORS]},
            ["cors_rules"],
            {"cors_rules": [SORTED_CORS]},
            id="cors",
        ),
        pytest.param({"cors_rules": [SORTED_CORS]}, {"cors_rules": [CORS]}, [], {}, id="same"),
        pytest.param(
            {},
            {"encryption": {"algorithm": "AES256", "kms_key_id": None}},
            ["encryption"],
            {"encryption": {"algorithm": "AES256"}},
            id="encrypt",
        ),
        pytest.param(
            {"encryption": {"algorithm": "AES256"}},
            {"encryption": {"algorithm": None, "kms_key_id": None}},
            ["encryption"],
            {"encryption": {}},
            id="no encryption",
        ),
        pytest.param({}, {"policy": json.dumps(POLICY)}, ["policy"], {"policy": NORMAL_POLICY}, id="policy"),
        pytest.param({"policy": NORMAL_POLICY}, {"policy": json.dumps(POLICY)}, [], {}, id="same policy"),
        pytest.param({"policy": NORMAL_POLICY}, {"policy": "{}"}, ["policy"], {"policy": {}}, id="no policy"),
        pytest.param({"quota": 0}, {"quota": 5}, ["quota"], {"quota": 5}, id="quota"),
        pytest.param({"quota": 5}, {"quota": 5}, [], {"quota": 5}, id="same quota"),
        pytest.param(None, {"quota": 5}, ["create", "quota"], {"quota": 5}, id="create with quota"),
        pytest.param({"tags": "unsupported"}, {"tags": {}}, [], {}, id="none of what there is not"),
        pytest.param({"policy": "unknown"}, {"tags": {}}, [], {}, id="unknown is no matter when not asked for"),
        pytest.param(
            {},
            {"policy": json.dumps(POLICY), "tags": {"a": "1"}, "versioning": True},
            ["versioning", "tags", "policy"],
            {"versioning": "enabled"},
            id="the policy comes last",
        ),
    ],
)
def test_aspects(
    found: dict[str, t.Any] | None, wanted: dict[str, t.Any], calls: list[str], after: dict[str, t.Any]
) -> None:
    wanted_params, client = params(**wanted), FakeS3(None if found is None else {**NEW, **found})
    predicted = run(wanted_params, client, check_mode=True)
    assert client.calls == []
    applied = run(wanted_params, client, check_mode=False)
    assert applied == predicted
    assert client.calls == calls
    assert applied["changed"] == bool(calls)
    assert client.aspects is not None
    assert after.items() <= client.aspects.items()
    assert applied["diff"]["after"] == {"state": "present", **client.aspects}
    told = {name: value for name, value in after.items() if value not in ("unsupported", "unknown")}
    assert told.items() <= applied["bucket"].items()
    again = run(wanted_params, client, check_mode=False)
    assert not again["changed"]
    assert again["diff"]["before"] == applied["diff"]["after"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("found", "wanted", "says"),
    [
        ({}, {"object_lock": True}, "object_lock.* to true: that is decided when a bucket is created"),
        ({"object_lock": True}, {"object_lock": False}, "object_lock.* to false: that is decided when"),
        (LOCKED, {"versioning": False}, "object lock, which needs versioning"),
        (
            {"cors_rules": "unsupported"},
            {"cors_rules": [CORS]},
            "does not implement cors_rules. Leave",
        ),
        ({"policy": "unknown"}, {"policy": "{}"}, "Grant s3:GetBucketPolicy and"),
        ({"object_lock": "unsupported"}, {"object_lock": True}, "does not implement object_lock"),
    ],
)
def test_aspects_refused(found: dict[str, t.Any], wanted: dict[str, t.Any], says: str, check_mode: bool) -> None:
    client = FakeS3({**NEW, **found})
    with pytest.raises(StorageError, match=says):
        run(params(**wanted), client, check_mode)
    assert client.calls == []


def test_what_cannot_be_told_is_named() -> None:
    bucket = run(params(), FakeS3({**NEW, "tags": "unsupported", "policy": "unknown"}), check_mode=False)["bucket"]
    assert (bucket["tags"], bucket["policy"], bucket["cors_rules"]) == (None, None, [])
    assert (bucket["unsupported"], bucket["unknown"]) == (["tags"], ["policy"])


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"lifecycle_rules": [RULE]}, "lifecycle_rules, item 1 does nothing. Set one of expiration_days,"),
        ({"lifecycle_rules": [{**RULE, "expiration_days": 0}]}, "expiration_days is 0, but must be"),
        ({"lifecycle_rules": [ABORT, ABORT]}, "item 2 is there twice"),
        ({"lifecycle_rules": [{**ABORT, "id": "a"}, {**ABORT, "id": "a", "prefix": "b"}]}, "item 2 is there twice"),
        ({"lifecycle_rules": [{**ABORT, "id": "a" * 256}]}, "id is 256 characters long"),
        (
            {"lifecycle_rules": [{**RULE, "expiration_days": 1, "expired_delete_markers": True}]},
            "has both expiration_days and expired_delete_markers",
        ),
        ({"cors_rules": [{**CORS, "allowed_origins": []}]}, "cors_rules, item 1: allowed_origins is empty"),
        ({"cors_rules": [{**CORS, "allowed_origins": ["https://*.*"]}]}, 'has more than one "\\*"'),
        ({"cors_rules": [{**CORS, "max_age_seconds": -1}]}, "max_age_seconds is less than 0"),
        ({"tags": {"": "x"}}, "names of 1 to 128 characters"),
        ({"tags": {"a": "x" * 257}}, "values of at most 256"),
        ({"tags": {"a": [1]}}, 'the value of "a" is no text'),
        ({"tags": {"aws:a": "1"}}, "which S3 reserves"),
        ({"tags": {f"t{number}": "" for number in range(51)}}, "tags has 51 tags"),
        ({"encryption": {"algorithm": "AES256", "kms_key_id": "k"}}, "which only algorithm aws:kms uses"),
        ({"policy": "{"}, "policy is no JSON"),
        ({"policy": "[]"}, 'it has no "Statement"'),
        ({"policy": '{"Version": "2012-10-17"}'}, 'it has no "Statement"'),
        ({"policy": '{"Statement": [{"Effect": "Perhaps"}]}'}, '"Effect": "Allow" or "Deny"'),
        ({"quota": -1}, "quota is -1"),
        ({"object_lock": True, "versioning": False}, "object_lock needs versioning"),
        ({"secret_key": None}, "belong together, but only one"),
        ({"access_key": None}, "belong together, but only one"),
        ({"access_key": None, "secret_key": None, "session_token": "t"}, "session_token belongs to"),
        ({"access_key": ""}, "access_key is required"),
        ({"retries": -1}, "retries is -1"),
        ({"total_timeout_seconds": 0}, "total_timeout_seconds is 0"),
        ({"region": " "}, "region is required"),
    ],
)
def test_bad_options(wanted: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        params(**wanted)


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
        "https://s3.example.org/",
        "https://s3.example.org:99999",
        "https://",
        "",
    ],
)
def test_b22_b45_bad_endpoint(url: str) -> None:
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
