# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates are rendered by Ansible's own lookup, with all variables and without a copy of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
TEMPLATE = """\
# {{ ansible_managed }}
{{ template_path | basename }} {{ name }} {{ more | default('-') }}
{% for one in found.paths %}
{{ one }}{% endfor %}

"""
# Ansible's loader of plugins stays for as long as the process.
RENDER = """
import json, sys
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar, trust_as_template
init_plugin_loader()
role, term, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
class Found(dict):
    copies = 0
    def __deepcopy__(self, memo):
        Found.copies += 1
        return self
variables = {"name": trust_as_template("{{ stack }}-a"), "stack": "s", "found": Found(paths=["/a", "/b"]),
             "ansible_managed": "by us", "ansible_search_path": [role]}
for name in ("ansible.builtin.template", "opengeoai.modelhub.light_template"):
    before = Found.copies
    lookup = lookup_loader.get(name, loader=DataLoader(), templar=Templar(DataLoader(), variables=variables))
    try:
        said = lookup.run([term], variables, **options)
    except AnsibleError as error:
        said = [str(error)]
    print(json.dumps([said, Found.copies - before]))
"""


def rendered(role: Path, term: str, **options: Any) -> tuple[list[Any], list[Any]]:
    """What Ansible's lookup says, and this one: the texts, and how often a variable was copied."""
    (role / "templates").mkdir()
    (role / "templates/a.j2").write_text(TEMPLATE)
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    command = [sys.executable, "-c", RENDER, str(role), term, json.dumps(options)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    ansibles, light = map(json.loads, done.stdout.splitlines())
    return ansibles, light


@pytest.mark.parametrize("options", [{}, {"template_vars": {"more": "m"}}, {"trim_blocks": False}])
def test_gives_what_ansible_gives_and_copies_nothing(tmp_path: Path, options: dict[str, Any]) -> None:
    (expected, copied), (found, copies) = rendered(tmp_path, "a.j2", **options)
    assert found == expected and "a.j2 s-a" in found[0] and "/b" in found[0]
    assert (copied, copies) == (1, 0)


def test_a_template_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (expected, _copied), (found, _copies) = rendered(tmp_path, "b.j2")
    assert found == expected and "b.j2 could not be found" in found[0]
