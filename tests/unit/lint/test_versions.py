# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of versions accepts a small good tree, and each of its laws can be broken."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("lint_versions", ROOT / "tests/lint/versions.py")
assert SPEC and SPEC.loader
versions = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(versions)

RENOVATE = json.loads((ROOT / "renovate.json").read_text())
SHA = "0123456789abcdef" * 2 + "01234567"
VERSIONS = (
    "---\nmodelhub_versions:\n  traefik: v3.9.1\n  postgres: 17.30-trixie\n  silo: RELEASE.2030-01-02T00-00-00Z\n"
    "  mlflow: v3.20.1\n  haproxy: 3.2.40-trixie\n"
)
README = (
    "ansible-core 2.18 or later, Python 3.11 and MLflow `3.20`, which upgrades MLflow 3.1.1.\n\n"
    "| variable | default |\n|---|---|\n| `mlflow_version` | `v3.20.1` | release |\n"
)
IMAGE = (
    "`docker pull ghcr.io/opengeoai/modelhub/mlflow:v3.20.1`\n"
    "| `v3.20.1`, `3.20.1` | that release |\n\nPostgreSQL 17, a version such as v3.20.1.\n"
)
CI = """
jobs:
  cores:
    strategy: {matrix: {include: [{core: "2.18"}, {core: "2.19"}, {core: "2.21"}]}}
  stack:
    strategy:
      matrix:
        include:
          - requirements: requirements/lowest.txt
          - requirements: requirements.txt
          - requirements: requirements/newest.txt
"""
GOOD: dict[str, str] = {
    "renovate.json": json.dumps({"customManagers": RENOVATE["customManagers"]}),
    "roles/common/vars/main/versions.yml": VERSIONS,
    "roles/mlflow/meta/main.yml": 'galaxy_info:\n  min_ansible_version: "2.18"\n',
    "roles/docker/vars/main/engine.yml": '---\n__docker_minimum_ansible: "2.18"\n__docker_minimum_python: "3.8"\n',
    "dockerfile.mlflow": (
        "# docker build --build-arg MLFLOW_VERSION=v3.20.1 .\n# or as of old\nARG MLFLOW_VERSION=v3.20.1\n"
        "ARG BOTO3_VERSION=1.44.5\nARG PSYCOPG2_VERSION=2.9.13\nARG ALLOW_VULNERABLE_VERSION=\n"
    ),
    "images/minio/Dockerfile": "ARG BASE_IMAGE=a\nARG SEAWEEDFS_VERSION=4.48\nFROM a\nARG SEAWEEDFS_VERSION\n",
    "tests/lint/action_pins.yml": f"---\nactions/checkout: {{commit: {SHA}, version: v7.0.0}}\n",
    "bin/test": "  local actionlint_version=v1.7.12\n",
    "bin/lib/venv.sh": "not (3, 11) <= sys.version_info[:2] <= (3, 13)\n",
    "bench/reference/dockerfile.mlflow": "ARG BASE_IMAGE=ghcr.io/mlflow/mlflow:v3.20.1\n",
    "README.md": README,
    "docs/image.md": IMAGE,
    "plugins/a.py": "sample = 'docker.io/library/postgres:17'\n",
    "meta/runtime.yml": 'requires_ansible: ">=2.18.0"\n',
    "galaxy.yml": 'dependencies:\n  community.docker: ">=4.0.0,<6.0.0"\n',
    "requirements.yml": 'collections:\n  - name: community.docker\n    version: ">=4.0.0,<6.0.0"\n',
    "requirements.txt": "ansible-core==2.19.14\n",
    "requirements/lowest.txt": "ansible-core==2.18.19\n",
    "requirements/newest.txt": "ansible-core==2.21.5\n",
    ".github/workflows/ci.yml": CI,
}
# file, its content, what the lint must say
BROKEN: list[tuple[str, str, str]] = [
    # One place, found once
    ("roles/common/vars/main/versions.yml", VERSIONS + "  redis: 8.0.0\n", r"0 patterns find `  redis: 8\.0\.0` of"),
    ("roles/common/vars/main/versions.yml", VERSIONS + "  redis: 8.0.0\n", r"does not know redis"),
    ("bin/test", "  other_version=v1.0.0\n", r"nothing is found by actionlint_version="),
    ("bin/test", "  other_version=v1.0.0\n", r"0 patterns find `other_version=v1\.0\.0` of bin/test"),
    ("bin/test", "\n", r"bin/test holds no version"),
    (
        "images/minio/Dockerfile",
        "\nARG SEAWEEDFS_VERSION=4.48\nARG WEED_VERSION=1\n",
        r"`ARG WEED_VERSION=1` of images/min",
    ),
    ("tests/lint/action_pins.yml", f"---\na/b: {{commit: {SHA[:-1]}, version: v7}}\n", r"0 patterns find `a/b: "),
    # Repeated
    ("dockerfile.mlflow", GOOD["dockerfile.mlflow"].replace("N=v3.20.1\nARG", "N=v3.20.0\nARG"), r"mlflow is 3\.20\.0"),
    ("README.md", README.replace("v3.20.1", "v3.19.0"), r"README\.md: mlflow is 3\.19\.0, but v3\.20\.1 elsewhere"),
    ("docs/image.md", IMAGE.replace(":v3.20.1", ":v3.19.0"), r"docs/image\.md: mlflow is 3\.19\.0"),
    ("bench/reference/dockerfile.mlflow", "FROM ghcr.io/mlflow/mlflow:v3.1.1\n", r"mlflow is 3\.1\.1"),
    # Written where it should be read
    ("bin/up", "image=docker.io/library/postgres:17\n", r"bin/up: docker\.io/library/postgres:17 is not the version"),
    ("tests/integration/a", "v=${V:-17.30-trixie}\n", r"integration/a: 17\.30 is written here, too"),
    ("roles/mlflow/defaults/main.yml", "mlflow_version: v3.20.1\n", r"main\.yml: 3\.20\.1 is written here"),
    ("docs/image.md", IMAGE + "Traefik v3.9.1\n", r"docs/image\.md: 3\.9\.1 is written here, too"),
    ("docs/other.md", "Silo of 2030-01-02T00-00-00Z\n", r"2030-01-02T00-00-00Z is written here, too"),
    # Told
    ("docs/other.md", "It runs PostgreSQL 14.\n", r"docs/other\.md: PostgreSQL 14 is not one of 17\.30, 15, 16, 18"),
    ("CONTRIBUTING.md", "MLflow v2.1\n", r"CONTRIBUTING\.md: MLflow 2\.1 is not one of 3\.20\.1, 3\.1\.1"),
    ("README.md", README.replace("2.18", "2.17"), r"README\.md: ansible-core 2\.17 is not one of 2\.18"),
    ("roles/mlflow/README.md", "Python 3.9 or later\n", r"Python 3\.9 is not one of 3\.11, 3\.13, 3\.8"),
    # Cores
    ("roles/mlflow/meta/main.yml", "galaxy_info: {min_ansible_version: '2.17'}\n", r"the lowest ansible-core is 2\.17"),
    ("requirements/lowest.txt", "ansible-core==2.19.1\n", r"lowest\.txt: the lowest ansible-core is 2\.19, but 2\.18"),
    ("requirements/newest.txt", "ansible-core==2.22.0\n", r"must do so from 2\.18 to 2\.22"),
    (".github/workflows/ci.yml", CI.replace(', {core: "2.19"}', ""), r"the job cores tests 2\.18, 2\.21"),
    (
        ".github/workflows/ci.yml",
        CI.replace("          - requirements: requirements.txt\n", ""),
        r"the job stack deploys",
    ),
    ("requirements.yml", "collections: []\n", r"requirements\.yml does not ask for the collections"),
]


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_good_tree_passes(tmp_path: Path) -> None:
    assert versions.problems(plant(tmp_path, GOOD)) == []


@pytest.mark.parametrize(("path", "text", "message"), BROKEN)
def test_each_law_can_be_broken(path: str, text: str, message: str, tmp_path: Path) -> None:
    found = versions.problems(plant(tmp_path, {**GOOD, path: text}))
    assert re.search(message, "\n".join(found)), found


def test_a_line_that_two_managers_find_is_a_problem(tmp_path: Path) -> None:
    twice = {"customManagers": [*RENOVATE["customManagers"], RENOVATE["customManagers"][0]]}
    found = versions.problems(plant(tmp_path, {**GOOD, "renovate.json": json.dumps(twice)}))
    assert any("2 patterns find `  traefik: v3.9.1`" in problem for problem in found), found


def test_a_pattern_that_renovate_cannot_run_is_a_problem(tmp_path: Path) -> None:
    managers: list[dict[str, Any]] = json.loads(json.dumps(RENOVATE["customManagers"]))
    managers[0]["matchStrings"] = ["(?<!x)traefik: (?<currentValue>\\S+)"]
    found = versions.problems(plant(tmp_path, {**GOOD, "renovate.json": json.dumps({"customManagers": managers})}))
    assert any("RE2 cannot do" in problem for problem in found), found


def test_every_action_pin_is_found_with_its_commit() -> None:
    """Renovate's own manager changes the workflows; a pin that it leaves behind would stop them."""
    text = (ROOT / "tests/lint/action_pins.yml").read_text()
    manager = next(one for one in RENOVATE["customManagers"] if "action_pins" in one["managerFilePatterns"][0])
    pattern = manager["matchStrings"][0].replace("(?<", "(?P<")
    assert len(re.findall(pattern, text)) == text.count("commit:") > 0


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt", "requirements/lowest.txt"])
def test_requirements_are_files_of_the_manager_of_pip(name: str) -> None:
    # The first is Renovate's default.
    default = r"(^|/)[\w-]*requirements([-._]\w+)?\.(txt|pip)$"
    added = [pattern.strip("/") for pattern in RENOVATE["pip_requirements"]["managerFilePatterns"]]
    assert sum(bool(re.search(pattern, name)) for pattern in (default, *added)) == 1


def test_what_silo_calls_a_version_is_one() -> None:
    manager = next(one for one in RENOVATE["customManagers"] if one.get("depNameTemplate") == "pgsty/silo")
    scheme = re.compile(manager["versioningTemplate"].removeprefix("regex:").replace("(?<", "(?P<"))
    found = scheme.match("RELEASE.2026-10-26T00-00-00Z")
    assert found and found.groupdict() == {
        "major": "2026",
        "minor": "10",
        "patch": "26",
        "build": "00",
        "revision": "00",
    }
    assert not scheme.match("RELEASE.2026-10-26T00-00-00Z-cpuv1")
