# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit tests of the filters for security and versions, and of the data of the role that uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.filter.security_report import security_report
from ansible_collections.opengeoai.modelhub.plugins.filter.version_changes import version_changes
from ansible_collections.opengeoai.modelhub.plugins.filter.version_rows import version_rows
from ansible_collections.opengeoai.modelhub.plugins.module_utils._benchmark import CHECKS, engine_rows, row
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._versions import numbers

ROOT = Path(__file__).parents[4]
VARIABLES = ROOT / "roles/security/vars/main"
WAIVERS = [{"check": "5.15 *", "where": "traefik", "said": "*unless-stopped", "reason": "by choice"}]


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((VARIABLES / name).read_text()))


def test_results() -> None:
    rows = [
        row("5.15 bounded restarts", "traefik", "its policy is unless-stopped"),
        row("5.15 bounded restarts", "mlflow", "its policy is unless-stopped"),
        row("5.15 bounded restarts", "minio", "its policy is no"),
        row("5.11 memory limit", "traefik"),
    ]
    report = security_report(rows, WAIVERS)
    assert [one["result"] for one in report["rows"]] == ["waived", "FAIL", "FAIL", "pass"]
    assert report["rows"][0]["reason"] == "its policy is unless-stopped: by choice"
    assert report["failed"] == [
        "5.15 bounded restarts, mlflow: its policy is unless-stopped",
        "5.15 bounded restarts, minio: its policy is no",
    ]


def test_the_table_tells_what_fails_first_and_groups_places() -> None:
    rows = [*(row("a", f"/opt/place{n}") for n in range(7)), row("b", "here", "wrong")]
    lines = security_report(rows, [])["table"]
    assert [line.split()[0] for line in lines] == ["check", "b", "a"]
    assert "/opt/place2, /opt/place3 and 3 more" in lines[2]


@pytest.mark.parametrize("waiver", [{"check": "a"}, {"check": "a", "reason": " "}, {"reason": "b"}])
def test_a_waiver_needs_check_and_reason(waiver: dict[str, str]) -> None:
    with pytest.raises(AnsibleFilterError):
        security_report([], [waiver])


PRODUCTS = [{"name": "Traefik", "pattern": "^Version: +v?([0-9.]+)", "holes": {"CVE-1": "3.7.9", "CVE-2": "3.7.10"}}]


@pytest.mark.parametrize(
    ("answer", "passed", "said"),
    [
        ("Version:      3.7.15", True, "3.7.15"),
        ("Version: 3.7.9", False, "3.7.9 has CVE-2 (closed in 3.7.10)"),
        ("command not found", False, "its program did not tell its version, but: command not found"),
        ("", False, "its program did not tell its version, but: "),
    ],
)
def test_versions(answer: str, passed: bool, said: str) -> None:
    (found,) = version_rows({"Traefik": answer}, PRODUCTS)
    assert (found["passed"], found["said"]) == (passed, said)


def test_what_was_not_asked_is_left_out() -> None:
    assert version_rows({}, PRODUCTS) == []


@pytest.mark.parametrize(
    ("before", "now", "lines"),
    [
        ("Version: 3.7.8", "Version: 3.7.15", ["Traefik  3.7.8 -> 3.7.15  closes CVE-1, CVE-2"]),
        ("Version: 3.7.9", "Version: 3.7.15", ["Traefik  3.7.9 -> 3.7.15  closes CVE-2"]),
        ("Version: 3.7.15", "Version: 3.7.8", ["Traefik  3.7.15 -> 3.7.8"]),
        ("Version: 3.7.8", "Version: 3.7.8", ["Traefik  3.7.8, as before"]),
        ("", "Version: 3.7.8", ["Traefik  none -> 3.7.8"]),
        ("Version: 3.7.8", "", ["Traefik  3.7.8 -> none"]),
        ("command not found", "", []),
    ],
)
def test_changes(before: str, now: str, lines: list[str]) -> None:
    assert version_changes({"Traefik": now}, {"Traefik": before}, PRODUCTS) == lines


def test_changes_of_products_that_are_not_there() -> None:
    assert version_changes({}, {}, PRODUCTS) == []


def test_the_role_s_waivers_name_checks_that_there_are() -> None:
    names = {name for name, _check in CHECKS} | {one["check"] for one in engine_rows({})}
    names |= {"versions", "data closed to others", "names of accounts", "who reaches whom"}
    assert {one["check"] for one in read("waivers.yml")["__security_own_waivers"]} <= names


def test_each_hole_has_an_id_and_a_release() -> None:
    products = read("versions.yml")["__security_products"]
    holes = {hole: closed for product in products for hole, closed in product["holes"].items()}
    assert holes
    assert all(re.fullmatch(r"CVE-\d{4}-\d{4,}|GHSA(-[a-z0-9]{4}){3}", hole) for hole in holes), holes
    assert all(numbers(str(closed)) for closed in holes.values())
    assert all(isinstance(closed, str) for closed in holes.values()), "a number loses its last zero"


def test_the_floor_of_mlflow_is_that_of_its_image() -> None:
    products = {one["name"]: one["holes"] for one in read("versions.yml")["__security_products"]}
    floor = json.loads((ROOT / "images/mlflow-server/floor.json").read_text())
    assert max(products["MLflow"].values(), key=numbers) == str(floor.get("version", floor)).lstrip("v")
