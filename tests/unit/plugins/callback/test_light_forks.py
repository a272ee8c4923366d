# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fork of a run finds done already when the callback is enabled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
FILTERS = sorted(file.stem for file in (ROOT / "plugins/filter").glob("*.py"))
# In a process of its own: the hook stays as long as the process.
FORK = """
import gc, json, os, sys
from ansible.plugins.loader import callback_loader, init_plugin_loader
init_plugin_loader()
if sys.argv[1] == "enabled":
    assert callback_loader.get("opengeoai.modelhub.light_forks")
reading, writing = os.pipe()
if os.fork() == 0:
    loaded = [name.rsplit(".", 1)[1] for name in sys.modules if ".opengeoai.modelhub.plugins.filter." in name]
    os.write(writing, json.dumps({"frozen": gc.get_freeze_count(), "filters": sorted(loaded)}).encode())
    os._exit(0)
os.wait()
print(os.read(reading, 65536).decode())
"""


def fork(callback: str) -> dict[str, object]:
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    command = [sys.executable, "-c", FORK, callback]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_a_fork_inherits_frozen_objects_and_all_filters() -> None:
    found = fork("enabled")
    assert found["frozen"] > 10_000  # type: ignore[operator]
    assert found["filters"] == FILTERS


def test_without_the_callback_it_does_not() -> None:
    assert fork("absent") == {"frozen": 0, "filters": []}
