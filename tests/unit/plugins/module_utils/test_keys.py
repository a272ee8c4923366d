# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._keys import Keys, policy_for
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC

GOOD: dict[str, t.Any] = {
    "name": "mlflow",
    "state": "present",
    "service_account": False,
    "secret": None,
    "update_secret": "always",
    "enabled": None,
    "buckets": None,
    "policy": None,
    **{name: spec.get("default") for name, spec in STORE_SPEC.items()},
    "endpoint_url": "https://s3.example.org",
    "access_key": "someone",
    "secret_key": "something",
}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "ab"}, "name is .*at least 3 characters"),
        ({"name": "a,b"}, "name is .*contains"),
        ({"secret": "short"}, "secret is shorter than 8 characters"),
        ({"secret": " "}, "secret is required"),
        ({"buckets": ["good", "My_Bucket"]}, "buckets is .*My_Bucket"),
        ({"name": "readwrite", "buckets": ["good"]}, "a policy of MinIO's own"),
        ({"name": "someone", "state": "absent"}, "would lock itself out"),
        ({"name": "someone", "enabled": False}, "would lock itself out"),
        ({"policy": "nonsense"}, "policy is no JSON"),
        ({"endpoint_url": "s3.example.org"}, "endpoint_url is"),
        ({"access_key": None}, "belong together"),
    ],
)
def test_bad_options(options: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        Keys.from_module({**GOOD, **options})


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        ({}, None),
        ({"buckets": []}, {}),
        ({"policy": "{}"}, {}),
        ({"buckets": ["b2x", "b1x"]}, policy_for(["b1x", "b2x"])),
        ({"policy": json.dumps(policy_for(["b1x"]))}, policy_for(["b1x"])),
        ({"name": "readwrite"}, None),
    ],
)
def test_what_is_wanted(options: dict[str, t.Any], policy: dict[str, t.Any] | None) -> None:
    assert Keys.from_module({**GOOD, **options}).policy == policy


def test_the_least_policy_gives_nothing_beside_the_buckets() -> None:
    for statement in policy_for(["b1x"])["Statement"]:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        assert set(statement["Resource"]) <= {"arn:aws:s3:::b1x", "arn:aws:s3:::b1x/*"}
