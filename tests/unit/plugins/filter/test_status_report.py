# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit tests of the filter status_report and the judgements behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.filter.status_report import status_report
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._verdicts import engine_of, size, span, worst

ROOT = Path(__file__).parents[4]
DEFAULTS = yaml.safe_load((ROOT / "roles/status/defaults/main.yml").read_text())
LIMITS = {
    name: DEFAULTS[f"status_{name}"]
    for name in (
        "restart_hours",
        "upload_days",
        "backup_hours",
        "certificate_days",
        "free_degraded_percent",
        "free_bad_percent",
        "connections_degraded_percent",
        "connections_bad_percent",
    )
}
HOUR, DAY = 3600, 86400
CONTAINER: dict[str, Any] = {
    "name": "mlflow",
    "service": "mlflow",
    "state": "running",
    "health": "healthy",
    "exit_code": None,
    "seconds": 3 * DAY,
    "restarts": 0,
    "out_of_memory": False,
    "out_of_memory_kills": 0,
    "memory_limit_bytes": 10**9,
    "image": "modelhub.local/mlflow:v3.17.2",
    "version": "v3.17.2",
}
UPLOADS = {"count": 2, "bytes": 5000, "complete": True, "oldest_seconds": 100}
BUCKET: dict[str, Any] = {
    "exists": True,
    "server": "MinIO",
    "versioning": "enabled",
    "objects": {"count": 1, "bytes": 1, "complete": True},
    "old_versions": {"count": 2, "bytes": 3_500_000, "complete": True},
    "delete_markers": 1,
    "incomplete_uploads": UPLOADS,
}
STORE: dict[str, Any] = {"endpoint": "minio", "bucket": "mlflow", "program": "SeaweedFS 4.30", "answer": BUCKET}
TOLD = {"version": "17.10", "bytes": 12_000_000, "connections": 10, "most": 97}
DATABASE: dict[str, Any] = {"where": "/run", "name": "mlflow", "answer": {"query_result": [TOLD]}}
FILES: dict[str, Any] = {
    "mount": "/",
    "paths": ["/opt/modelhub"],
    "free_bytes": 5 * 10**10,
    "total_bytes": 10**11,
    "free_percent": 50.0,
    "free_files_percent": 90.0,
}
CERTIFICATE = {"issuer": "R11", "days_left": 60.4, "days_valid": 90.0}
ADDRESS: dict[str, Any] = {"host": "mlflow.example.org", "status": 401, "error": "", "certificate": CERTIFICATE}
FOUND: dict[str, Any] = {
    "stack": "modelhub",
    "host": "server",
    "engine_error": "",
    "expected": ["mlflow"],
    "containers": [CONTAINER],
    "file_systems": [FILES],
    "store": STORE,
    "database": DATABASE,
    "backup": {
        "target": "offsite:bundles",
        "now": 1.8e9,
        "last": {"name": "20270115T070000Z", "finished": 1.8e9 - 2 * HOUR},
        "restoring": "",
    },
    "addresses": [ADDRESS],
}


def report(**changes: Any) -> dict[str, Any]:
    return status_report({**FOUND, **changes}, LIMITS)


def judged(check: str, **changes: Any) -> tuple[str, str]:
    """Verdict and words of the one line of a check."""
    (found,) = (one for one in report(**changes)["document"]["rows"] if one["check"] == check)
    return found["verdict"], found["said"]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ({}, ("degraded", "no bundle was made yet")),
        ({"name": "a", "finished": 1.8e9 - 29 * HOUR}, ("good", "a, made 1 day ago")),
        ({"name": "a", "finished": 1.8e9 - 31 * HOUR}, ("degraded", "none was made for 30 hours; a, made 1 day ago")),
        # Of a server whose clock is ahead
        ({"name": "a", "finished": 1.8e9 + 5}, ("good", "a, made 0 seconds ago")),
    ],
)
def test_the_age_of_the_last_bundle(last: dict[str, Any], told: tuple[str, str]) -> None:
    assert judged("backup", backup={**FOUND["backup"], "last": last}) == told


@pytest.mark.parametrize("last", [{}, FOUND["backup"]["last"]])
def test_a_restore_that_has_not_ended_stops_backups(last: dict[str, Any]) -> None:
    verdict, said = judged("backup", backup={**FOUND["backup"], "last": last, "restoring": "20270114T070000Z"})
    assert verdict == "degraded"
    assert said.startswith("the restore of 20270114T070000Z was begun and is not complete")


def test_a_stack_without_backups() -> None:
    assert "backup" not in {one["check"] for one in report(backup={})["document"]["rows"]}


def test_a_stack_that_is_well() -> None:
    told = report()
    assert told["document"]["verdict"] == "good"
    assert told["problems"] == []
    assert [one["check"] for one in told["document"]["rows"]] == [
        "container",
        "object store",
        "objects",
        "old versions",
        "incomplete uploads",
        "database",
        "connections",
        "backup",
        "file system",
        "address",
        "certificate",
    ]
    assert told["table"][0].split() == ["verdict", "check", "where", "what"]
    assert told["table"][-1] == "The stack modelhub is good."
    assert json.loads(json.dumps(told["document"])) == told["document"]
    values = {one["check"]: one["values"] for one in told["document"]["rows"]}
    assert values["container"]["restarts"] == 0
    assert values["old versions"]["bytes"] == 3_500_000
    assert values["object store"] == {"engine": "SeaweedFS", "version": "4.30"}
    assert values["connections"] == {"used": 10, "most": 97, "percent": 10.3}


@pytest.mark.parametrize(
    ("changes", "verdict", "says"),
    [
        ({}, "good", "running for 3 days, healthy; modelhub.local/mlflow:v3.17.2"),
        ({"health": "none"}, "good", "running for 3 days; "),
        ({"health": "unhealthy"}, "bad", "it is unhealthy"),
        ({"health": "starting"}, "degraded", "still starting"),
        ({"state": "exited", "exit_code": 137, "seconds": 61}, "bad", "not run: exited for 1 minute, exit code 137"),
        ({"state": "created", "seconds": None}, "bad", "it does not run: created"),
        ({"state": "paused"}, "bad", "it does not run: paused"),
        ({"restarts": 2, "seconds": 2 * HOUR}, "degraded", "it was restarted 2 times, the last 2 hours ago"),
        ({"restarts": 1, "seconds": 24 * HOUR - 1}, "degraded", "1 time, "),
        ({"restarts": 2, "seconds": 24 * HOUR}, "good", "running"),
        ({"out_of_memory_kills": 3}, "degraded", "want of memory: 3 since its start, with a limit of 1.0 GB"),
        ({"out_of_memory_kills": None}, "good", "running"),
        ({"out_of_memory": True, "out_of_memory_kills": None}, "degraded", "memory: 1"),
        ({"state": "restarting", "restarts": 9, "seconds": 1}, "bad", "9 times"),
    ],
)
def test_containers(changes: dict[str, Any], verdict: str, says: str) -> None:
    found = judged("container", containers=[{**CONTAINER, **changes}])
    assert found[0] == verdict
    assert says in found[1]


def test_a_service_without_a_container_is_bad() -> None:
    told = report(expected=["mlflow", "postgres"])
    assert told["document"]["verdict"] == "bad"
    assert told["problems"] == ["bad: container postgres: it has no container"]


@pytest.mark.parametrize(
    ("changes", "check", "verdict", "says"),
    [
        ({"objects": {"count": 7, "bytes": 1500, "complete": False}}, "objects", "good", "at least 7 objects, 1.5 kB"),
        ({}, "objects", "good", "1 object, 1 B"),
        ({}, "old versions", "good", "2 versions, 3.5 MB, 1 delete marker"),
        ({"old_versions": None, "delete_markers": None}, "old versions", "good", "does not tell"),
        ({"incomplete_uploads": None}, "incomplete uploads", "good", "does not tell"),
        ({}, "incomplete uploads", "good", "2 uploads, 5.0 kB, the oldest begun 1 minute ago"),
        (
            {"incomplete_uploads": {**UPLOADS, "oldest_seconds": 7 * DAY}},
            "incomplete uploads",
            "degraded",
            "7 days ago or earlier",
        ),
        ({"incomplete_uploads": {**UPLOADS, "oldest_seconds": 7 * DAY - 1}}, "incomplete uploads", "good", "6 days"),
        ({"incomplete_uploads": {**UPLOADS, "oldest_seconds": None}}, "incomplete uploads", "good", "2 uploads"),
        ({"exists": False}, "object store", "bad", "it has no bucket mlflow"),
    ],
)
def test_the_store(changes: dict[str, Any], check: str, verdict: str, says: str) -> None:
    found = judged(check, store={**STORE, "answer": {**BUCKET, **changes}})
    assert found[0] == verdict
    assert says in found[1]


@pytest.mark.parametrize(("part", "check"), [("store", "object store"), ("database", "database")])
def test_what_does_not_answer_is_bad(part: str, check: str) -> None:
    answer = {"msg": "connect:\n  it is refused"}
    assert judged(check, **{part: {**FOUND[part], "answer": answer}}) == ("bad", "connect: it is refused")
    assert judged(check, **{part: {**FOUND[part], "answer": {}}}) == ("bad", "it could not be asked")


@pytest.mark.parametrize(
    ("said", "server", "engine"),
    [
        ("SeaweedFS 4.30 under MinIO's container contract", "", ("SeaweedFS", "4.30")),
        (
            "minio version RELEASE.2026-10-26T00-00-00Z (x)",
            "MinIO",
            ("MinIO or its fork", "RELEASE.2026-10-26T00-00-00Z"),
        ),
        ("", "SeaweedFS Volume/8000GB 4.30", ("SeaweedFS Volume", "4.30")),
        ("", "AmazonS3", ("AmazonS3", "")),
        ("", "", ("", "")),
    ],
)
def test_engines(said: str, server: str, engine: tuple[str, str]) -> None:
    assert engine_of(said, server) == engine


@pytest.mark.parametrize(("server", "says"), [("nginx", "it calls itself nginx"), ("", "it does not tell its name")])
def test_stores_elsewhere(server: str, says: str) -> None:
    store = {**STORE, "program": "", "answer": {**BUCKET, "server": server}}
    assert judged("object store", store=store) == ("good", says)


@pytest.mark.parametrize(("used", "verdict"), [(79, "good"), (80, "degraded"), (94, "degraded"), (95, "bad")])
def test_connections(used: int, verdict: str) -> None:
    answer = {"query_result": [{**TOLD, "connections": used, "most": 100}]}
    assert judged("connections", database={**DATABASE, "answer": answer})[0] == verdict


@pytest.mark.parametrize(
    ("space", "files", "verdict"),
    [
        (15.0, 50.0, "good"),
        (14.9, 50.0, "degraded"),
        (5.0, None, "degraded"),
        (4.9, 50.0, "bad"),
        (50.0, 1.0, "bad"),
        (None, None, "good"),
    ],
)
def test_file_systems(space: float | None, files: float | None, verdict: str) -> None:
    changed = {**FILES, "free_percent": space, "free_files_percent": files}
    assert judged("file system", file_systems=[changed])[0] == verdict


@pytest.mark.parametrize(
    ("changes", "verdict", "says"),
    [
        ({}, "good", "it answers 401"),
        ({"status": 404}, "bad", "it answers 404: nothing is behind it"),
        ({"status": 502}, "bad", "502"),
        ({"status": None, "error": "Connection refused", "certificate": None}, "bad", "Connection refused"),
    ],
)
def test_addresses(changes: dict[str, Any], verdict: str, says: str) -> None:
    found = judged("address", addresses=[{**ADDRESS, **changes}])
    assert found[0] == verdict
    assert says in found[1]


@pytest.mark.parametrize(
    ("left", "valid", "verdict"),
    [(14.0, 90.0, "good"), (13.9, 90.0, "degraded"), (1.1, 6.0, "good"), (0.9, 6.0, "degraded")],
)
def test_certificates(left: float, valid: float, verdict: str) -> None:
    certificate = {"issuer": "R11", "days_left": left, "days_valid": valid}
    assert judged("certificate", addresses=[{**ADDRESS, "certificate": certificate}])[0] == verdict


def test_without_tls_there_is_no_certificate() -> None:
    rows = report(addresses=[{**ADDRESS, "certificate": None}])["document"]["rows"]
    assert "certificate" not in {one["check"] for one in rows}


def test_what_is_not_deployed_is_told_plainly() -> None:
    told = report(containers=[], store={}, database={}, file_systems=[], addresses=[])
    assert told["problems"] == ["bad: stack modelhub: nothing of the stack modelhub is deployed on server"]
    assert report(engine_error="Start Docker.")["problems"] == ["bad: engine modelhub: Start Docker."]


def test_parts_that_are_elsewhere_are_left_out() -> None:
    told = report(store={}, database={}, backup={})["document"]
    assert told["verdict"] == "good"
    assert {one["check"] for one in told["rows"]} == {"container", "file system", "address", "certificate"}


def test_the_worst_comes_first() -> None:
    told = report(containers=[CONTAINER, {**CONTAINER, "name": "minio", "state": "dead"}])
    assert told["table"][1].split()[:3] == ["bad", "container", "minio"]
    assert worst([]) == "good"
    assert worst(["good", "degraded"]) == "degraded"


def test_what_is_not_understood_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="unknown form"):
        status_report({"stack": "modelhub"}, LIMITS)
    with pytest.raises(AnsibleFilterError, match="unknown form"):
        status_report(FOUND, {})


def test_words() -> None:
    assert [size(one) for one in (0, 999, 1500, 150_000, 5 * 10**16)] == ["0 B", "999 B", "1.5 kB", "150 kB", "50.0 PB"]
    assert [span(one) for one in (0, 1, 61, 2 * HOUR, 3 * DAY)] == [
        "0 seconds",
        "1 second",
        "1 minute",
        "2 hours",
        "3 days",
    ]
