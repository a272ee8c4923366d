# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""B47: a misspelt variable is noticed, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._roles import References, known_names, unknown_names

SPEC = """
argument_specs:
  main:
    options:
      mlflow_workers: {type: int}
      modelhub_base_dir: {type: path}
"""


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    for name, text in {
        "roles/mlflow/meta/argument_specs.yml": SPEC,
        "roles/mlflow/vars/main/addresses.yml": "---\nmodelhub_url: x\n__mlflow_private:\n  mlflow_inner: 1\n",
        "roles/mlflow/tasks/main.yml": (
            "- name: Look\n  register: modelhub_found\n"
            "- ansible.builtin.set_fact:\n    modelhub_secrets: {}\n"
            "- name: Ask\n  block:\n    - register: __mlflow_answer\n"
        ),
        "playbooks/site.yml": "- hosts: all\n  vars: {modelhub_judged_together: true}\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_names_of_options_outputs_results_and_playbooks_are_known(collection: Path) -> None:
    assert {"mlflow_workers", "modelhub_base_dir", "modelhub_url", "modelhub_found", "modelhub_secrets"} <= known_names(
        collection
    )
    assert "mlflow_inner" not in known_names(collection)


def test_b47_misspelt_names_get_the_nearest(collection: Path) -> None:
    variables = {
        "mlflow_worker": 4,
        "modelhub_basedir": "/opt",
        "mlflow_zzzzzz": 1,
        "mlflow_workers": 2,
        "modelhub_url": "y",
        "modelhub_judged_together": True,
        "mlflow_result": {"changed": False, "msg": "registered by a play"},
        "__mlflow_private": 1,
        "traefik_other": 1,
        "ansible_mlflow_x": 1,
    }
    assert unknown_names(variables, collection) == {
        "mlflow_worker": "mlflow_workers",
        "mlflow_zzzzzz": "",
        "modelhub_basedir": "modelhub_base_dir",
    }


def test_references_follow_templates_through_variables_and_stop() -> None:
    references = References(
        {
            "a": "{{ b.c }}/x",
            "b": {"c": ["{% if d %}1{% endif %}"]},
            "d": "plain e",
            "e": {"f": "{{ d }}", "g": "{{ a }}"},
            "loop": "{{ loop2 }}",
            "loop2": "{{ loop }}",
            "vars": {"a": "{{ secret }}"},
        }
    )
    assert {"a", "b.c", "d"} <= references.of("{{ a }}")
    assert "e" not in references.of("{{ a }}")
    assert references.of("{{ loop }}") == {"loop", "loop2"}
    assert references.of("{{ e.f }}") == {"e.f", "d"} and "a" in references.of("{{ e }}")
    assert references.of("{{ e.keys() }}") == {"e.keys"}
    assert "secret" not in references.of({"x": ["{{ vars }}"]})
    assert references.of("a") == set()
