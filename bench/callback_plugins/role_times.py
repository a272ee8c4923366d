# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell where the time of a playbook run goes: seconds and tasks that reached the host, by role."""

from __future__ import annotations

import json
import os
import time
import typing as t
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: role_times
type: aggregate
short_description: Record the seconds of a run by role
description:
  - Writes a dictionary of roles, each with its seconds and the number of its tasks that reached the host, to the file
    E(ROLE_TIMES_PATH).
requirements: [enabled through E(ANSIBLE_CALLBACKS_ENABLED)]
"""

# What happens on the controller alone.
LOCAL = ("assert", "debug", "fail", "include_role", "include_tasks", "meta", "set_fact", "validate_argument_spec")


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "role_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._roles: dict[str, dict[str, float]] = {}
        self._role = ""
        self._since = time.monotonic()

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002 (Ansible's)
        self._close()
        self._role = task._role.get_name().rpartition(".")[2] if task._role else "play"

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task = result._task
        if task.action.rpartition(".")[2] not in LOCAL and not task.delegate_to:
            self._entry()["tasks"] += 1

    def v2_playbook_on_stats(self, stats: t.Any) -> None:  # noqa: ARG002 (Ansible's)
        self._close()
        Path(os.environ["ROLE_TIMES_PATH"]).write_text(json.dumps(self._roles), encoding="utf-8")

    def _entry(self) -> dict[str, float]:
        return self._roles.setdefault(self._role, {"seconds": 0.0, "tasks": 0})

    def _close(self) -> None:
        now = time.monotonic()
        if self._role:
            self._entry()["seconds"] += now - self._since
        self._since = now
