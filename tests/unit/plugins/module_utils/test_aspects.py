# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._aspects import (
    ASPECTS,
    NEW,
    identified,
    normal_policy,
    read_rule,
    wanted_rules,
)

NOTHING: dict[str, t.Any] = {
    "expiration_days": None,
    "expired_delete_markers": None,
    "noncurrent_expiration_days": None,
    "abort_upload_days": None,
}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        pytest.param({"Filter": {}, "Expiration": {"Days": 3}}, {"prefix": "", "expiration_days": 3}, id="for all"),
        pytest.param(
            {"Prefix": "x/", "Expiration": {"Days": 3}}, {"prefix": "x/", "expiration_days": 3}, id="old form"
        ),
        pytest.param(
            {
                "Filter": {"Prefix": ""},
                "Expiration": {"ExpiredObjectDeleteMarker": False},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 4},
            },
            {"noncurrent_expiration_days": 4},
            id="defaults written out",
        ),
        pytest.param(
            {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 1}},
            {"expiration_days": 1, "other": {"Filter": {"Tag": {"Key": "a", "Value": "b"}}}},
            id="by tag",
        ),
        pytest.param(
            {"Filter": {}, "Expiration": {"Date": datetime.datetime(2030, 1, 2, tzinfo=datetime.timezone.utc)}},
            {"other": {"Expiration": {"Date": "2030-01-02 00:00:00+00:00"}}},
            id="on a day",
        ),
        pytest.param(
            {"Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 4, "NewerNoncurrentVersions": 2}},
            {
                "noncurrent_expiration_days": 4,
                "other": {"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 2}},
            },
            id="keeps some",
        ),
    ],
)
def test_what_a_lifecycle_rule_says(rule: dict[str, t.Any], says: dict[str, t.Any]) -> None:
    before = json.dumps(rule, default=str)
    found = read_rule({"ID": "a", "Status": "Enabled", **rule})
    assert found == {"id": "a", "prefix": "", "enabled": True, **NOTHING, **says}
    assert json.dumps(rule, default=str) == before


@pytest.mark.parametrize("aspect", ["lifecycle_rules", "cors_rules", "tags", "encryption", "policy", "versioning"])
def test_what_is_written_is_read(aspect: str) -> None:
    values: dict[str, t.Any] = {
        "lifecycle_rules": identified(
            wanted_rules(
                [
                    {"id": None, "prefix": None, "enabled": True, **NOTHING, "abort_upload_days": 7},
                    {"id": "b", "prefix": "x/", "enabled": False, **NOTHING, "expiration_days": 7},
                ]
            ),
            [],
        ),
        "cors_rules": [
            {
                "allowed_origins": ["*"],
                "allowed_methods": ["GET"],
                "allowed_headers": [],
                "expose_headers": ["ETag"],
                "max_age_seconds": 5,
            }
        ],
        "tags": {"a": "1", "b": ""},
        "encryption": {"algorithm": "aws:kms", "kms_key_id": "k"},
        "policy": normal_policy(
            {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
        ),
        "versioning": "suspended",
    }
    kind = ASPECTS[aspect]
    written: dict[str, t.Any] = kind.write(values[aspect])
    # Some are put within what they are called when they are read, others are read as the whole.
    (inner,) = written.values()
    for answer in (written, inner):
        if isinstance(answer, dict) and kind.read(answer) == values[aspect]:
            return
    raise AssertionError(f"{written} is not read as {values[aspect]}")


def test_a_bucket_without_anything() -> None:
    assert NEW == {
        "versioning": "disabled",
        "object_lock": False,
        "lifecycle_rules": [],
        "cors_rules": [],
        "tags": {},
        "encryption": {},
        "policy": {},
    }


def test_ids_are_adopted_but_never_twice() -> None:
    abort = {"id": "", "prefix": "", "enabled": True, **NOTHING, "abort_upload_days": 7}
    expire = {"id": "mine", "prefix": "", "enabled": True, **NOTHING, "expiration_days": 7}
    assert [rule["id"] for rule in identified([abort], [{**abort, "id": "theirs"}])] == ["theirs"]
    names = [rule["id"] for rule in identified([abort, expire], [{**abort, "id": "mine"}])]
    assert len(set(names)) == 2
    assert names == [rule["id"] for rule in identified([expire, abort], [])]


STATEMENT: dict[str, t.Any] = {
    "Effect": "Allow",
    "Principal": {"AWS": ["*"]},
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": ["arn:aws:s3:::b/*"],
}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Action": ["s3:PutObject", "s3:GetObject", "s3:PutObject"]}, True),
        ({"Resource": "arn:aws:s3:::b/*"}, True),
        ({"Sid": "", "Condition": {}}, True),
        ({"Action": "s3:GetObject"}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
    ],
)
def test_policies_that_mean_the_same(other: dict[str, t.Any], same: bool) -> None:
    first = {"Version": "2012-10-17", "Statement": [STATEMENT]}
    second = {"Statement": {**STATEMENT, **other}, "Version": "2012-10-17", "Id": ""}
    assert (normal_policy(first) == normal_policy(second)) is same


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            {"Condition": {"Bool": {"aws:SecureTransport": False}}},
            {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
        ),
        (
            {"Condition": {"NumericLessThan": {"s3:max-keys": 5}}},
            {"Condition": {"NumericLessThan": {"s3:max-keys": "5"}}},
        ),
        ({"Principal": {"AWS": "123456789012"}}, {"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}),
    ],
)
def test_values_that_mean_the_same(first: dict[str, t.Any], second: dict[str, t.Any]) -> None:
    policies = [normal_policy({"Statement": [STATEMENT, {**STATEMENT, **one}]}) for one in (first, second)]
    assert policies[0] == policies[1]
    assert policies[0] == normal_policy({"Statement": policies[0]["Statement"][::-1]})
