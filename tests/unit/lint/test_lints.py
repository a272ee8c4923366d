# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each lint accepts a small good tree, and each of its laws can be broken."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

LINTS = Path(__file__).parents[2] / "lint"


def lint(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"lint_{name}", LINTS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spec_of(**options: str) -> str:
    lines = [f"      {name}: {option}" for name, option in options.items()]
    return "\n".join(["argument_specs:", "  main:", "    short_description: x", "    options:", *lines, ""])


TASK_FILES = ("container", "install", "next", "uninstall", "validate", "verify")
SERVICE = {f"roles/mlflow/tasks/{name}.yml": "---\n[]\n" for name in TASK_FILES}
GOOD: dict[str, str] = {
    **SERVICE,
    "roles/common/README.md": "# common\n",
    "roles/common/meta/main.yml": "dependencies: []\n",
    "roles/common/meta/argument_specs.yml": spec_of(
        modelhub_domain="{type: str, required: true, description: Domain}",
        modelhub_db_password="{type: str, no_log: true, description: Password}",
    ),
    "roles/common/defaults/main.yml": 'modelhub_domain: ""\n# modelhub_db_password: ""\n',
    "roles/common/tasks/main.yml": (
        "- when: modelhub_domain | default('') == '' or mlflow_ready | bool\n"
        "  ansible.builtin.debug: {msg: \"{{ modelhub_db_password | default('') }}\"}\n"
    ),
    "roles/common/vars/main/checks.yml": (
        "__common_checks:\n"
        "  - {name: modelhub_domain, rule: hostname}\n"
        "  - rule: together\n    value: {modelhub_db_password: x}\n"
    ),
    "roles/mlflow/README.md": "# mlflow\n\n## Variables\n`mlflow_image`\n\n## Outputs\n- `mlflow_ready`: whether\n",
    "roles/mlflow/meta/main.yml": "dependencies: []\n",
    "roles/mlflow/meta/argument_specs.yml": spec_of(
        mlflow_image="{type: str, default: a:1, description: Image}",
        mlflow_level="{type: str, choices: [a, b], default: a, description: Level}",
        mlflow_note="{type: list, elements: str, default: [], description: Any}",
        mlflow_workers="{type: int, description: Number}",
    ),
    "roles/mlflow/defaults/main.yml": (
        'mlflow_image: a:1\nmlflow_level: a\nmlflow_note: []\nmlflow_workers: "{{ ansible_facts.cpus }}"\n'
    ),
    "roles/mlflow/tasks/main.yml": (
        "- ansible.builtin.debug:\n    msg: '{{ mlflow_image ~ mlflow_level ~ mlflow_note }}'\n"
    ),
    "roles/mlflow/templates/env.j2": "{{ modelhub_domain }} {{ 'common_text' }} {{ mlflow_workers }} common_text\n",
    "roles/mlflow/vars/main/checks.yml": "__mlflow_checks:\n  - {name: mlflow_image, rule: image}\n",
    "plugins/modules/one.py": "def main() -> None:\n    pass\n",
    "playbooks/site.yml": "- hosts: all\n",
    "tests/lint/free_texts.yml": "mlflow_note: for people\n",
}
ROLE = "roles/mlflow/"

# lint, file, its content (None: there is no such file), what the lint must say
BROKEN: list[tuple[str, str, str | None, str]] = [
    ("readers", f"{ROLE}tasks/install.yml", "- when: common_other | bool\n", r"install\.yml reads common_other, which"),
    ("readers", f"{ROLE}templates/x.conf.j2", "{% if __common_x %}1{% endif %}", r"reads __common_x"),
    ("readers", f"{ROLE}vars/main/a.yml", 'a: ["{{ x.y | default(common_z) }}"]', r"reads common_z"),
    (
        "readers",
        f"{ROLE}defaults/main.yml",
        "a: \"{{ modelhub_domain | default('x') }}\"",
        r"gives modelhub_domain a default",
    ),
    (
        "readers",
        "playbooks/tasks/a.yml",
        "- assert:\n    that: [mlflow_image == 'x']\n",
        r"playbooks/tasks/a\.yml reads mlflow_image",
    ),
    ("readers", "roles/common/tasks/main.yml", "- until: __mlflow_ready\n", r"reads __mlflow_ready, which"),
    (
        "readers",
        f"{ROLE}README.md",
        "# mlflow\n`mlflow_ready`\n## Outputs\nnothing\n",
        r"common/tasks/main\.yml reads mlflow_ready",
    ),
    (
        "readers",
        f"{ROLE}tasks/install.yml",
        "- block:\n    - ansible.builtin.set_fact: {__mlflow_checks: []}\n",
        r"tasks/install\.yml keeps a result as __mlflow_checks, which is a variable of the role",
    ),
    ("readers", f"{ROLE}tasks/a.yml", "- command: x\n  register: __mlflow_checks\n", r"tasks/a\.yml keeps a result"),
    ("free_texts", f"{ROLE}vars/main/checks.yml", "__mlflow_checks: []\n", r"^mlflow_image is free text, but no rule"),
    (
        "free_texts",
        f"{ROLE}vars/main/checks.yml",
        "__mlflow_checks:\n  - {name: mlflow_image, rule: finding}\n",
        r"^mlflow_image is free text",
    ),
    ("free_texts", "roles/common/vars/main/checks.yml", None, r"^modelhub_domain is free text"),
    ("free_texts", "tests/lint/free_texts.yml", "{}\n", r"^mlflow_note is free text"),
    ("free_texts", "tests/lint/free_texts.yml", "mlflow_note:\n", r"mlflow_note has no reason"),
    (
        "free_texts",
        "tests/lint/free_texts.yml",
        "mlflow_note: x\nmlflow_level: x\n",
        r"mlflow_level is no free text any more",
    ),
    ("layout", "roles/common/README.md", None, r"^roles/common/README\.md is missing"),
    ("layout", f"{ROLE}tasks/verify.yml", None, r"^roles/mlflow/tasks/verify\.yml is missing"),
    ("layout", f"{ROLE}tasks/next.yml", None, r"^roles/mlflow/tasks/next\.yml is missing"),
    ("layout", f"{ROLE}vars/main/checks.yml", None, r"^roles/mlflow/vars/main has no files"),
    ("layout", f"{ROLE}vars/main.yml", "x: 1\n", r"belongs into files of vars/main"),
    (
        "layout",
        f"{ROLE}tasks/verify.yml",
        "- name: Verify\n  ansible.builtin.import_tasks: container.yml\n",
        r"verify\.yml imports container\.yml, which must be .\{\{ role_path \}\}/tasks/container\.yml",
    ),
    (
        "layout",
        f"{ROLE}vars/main/other.yml",
        "__mlflow_checks: []\n",
        r"__mlflow_checks stands in .*checks\.yml and .*other",
    ),
    ("layout", f"{ROLE}tasks/main.yml", "#\n" * 41, r"has 41 lines, but may have 40"),
    ("layout", "plugins/modules/one.py", "x = 1\n", r"one\.py has no main"),
    ("layout", "plugins/modules/one.py", "def main():\n" + "    x = 1\n" * 25, r"main\(\) of one\.py has 26 lines"),
    ("argument_specs", f"{ROLE}meta/argument_specs.yml", None, r"^mlflow: meta/argument_specs\.yml is missing"),
    ("argument_specs", f"{ROLE}defaults/main.yml", "mlflow_image: a:2\n", r"says 'a:1'"),
    ("argument_specs", f"{ROLE}defaults/main.yml", "mlflow_image: a:1\n", r"mlflow_level is an option, but is not in"),
    (
        "argument_specs",
        f"{ROLE}defaults/main.yml",
        "mlflow_other: 1\n",
        r"mlflow_other is in the defaults, but is no option",
    ),
    ("argument_specs", f"{ROLE}tasks/main.yml", "[]\n", r"mlflow_level is an option, but nothing reads"),
    (
        "argument_specs",
        "roles/common/defaults/main.yml",
        'modelhub_domain: "x"\n',
        r"modelhub_domain has the default 'x'",
    ),
    (
        "argument_specs",
        "roles/common/meta/argument_specs.yml",
        spec_of(modelhub_domain="{type: str, required: true}", modelhub_mlflow_kek="{type: str, description: x}"),
        r"modelhub_domain has no description\n(.*\n)*.*modelhub_mlflow_kek looks like a secret",
    ),
    (
        "argument_specs",
        f"{ROLE}meta/argument_specs.yml",
        spec_of(modelhub_x="{type: int, default: a, description: x}", mlflow_level="{choices: [a], default: b}"),
        r"modelhub_x is of type int, but its default is 'a'\n(.*\n)*.*none of its choices\n(.*\n)*.*begin with mlflow_",
    ),
]


def plant(root: Path, files: dict[str, str | None]) -> Path:
    for name, text in files.items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return root


@pytest.mark.parametrize("name", ["argument_specs", "free_texts", "layout", "readers"])
def test_a_good_tree_passes(name: str, tmp_path: Path) -> None:
    assert lint(name).problems(plant(tmp_path, dict(GOOD))) == []


@pytest.mark.parametrize(("name", "path", "text", "message"), BROKEN)
def test_each_law_can_be_broken(name: str, path: str, text: str | None, message: str, tmp_path: Path) -> None:
    found = lint(name).problems(plant(tmp_path, {**GOOD, path: text}))
    assert re.search(message, "\n".join(found), re.MULTILINE), found


@pytest.mark.parametrize("name", ["argument_specs", "free_texts", "layout", "readers"])
def test_an_empty_tree_is_no_success(name: str, tmp_path: Path) -> None:
    assert lint(name).problems(plant(tmp_path, {"tests/lint/free_texts.yml": "{}\n"}))
