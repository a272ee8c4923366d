# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Append one JSON line per playbook run, so that verify can judge a run by its statistics and by what it said."""

from __future__ import annotations

import json
import os
import time
import typing as t
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: run_record
type: notification
short_description: Record every playbook run
description:
  - Appends the playbook's name, mode, seconds and statistics per host to the file E(RUN_RECORD_PATH), with the messages
    of its tasks and the names of those that changed something or failed.
  - While the playbook runs, writes a line for each task that starts, and for each result of a host, to the file
    E(RUN_RECORD_STEPS), if that is set.
requirements: [enabled through E(ANSIBLE_CALLBACKS_ENABLED)]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "run_record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self._started = time.monotonic()
        self._playbook = Path(playbook._file_name).stem
        self._said: dict[str, list[dict[str, str]]] = {"messages": [], "changed": [], "failed": []}

    def v2_playbook_on_task_start(self, task: t.Any, **_unused: t.Any) -> None:
        self._step("start", task.get_name())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._step("changed" if result._result.get("changed") else "ok", result._host.get_name())
        if result._task.action in ("debug", "ansible.builtin.debug"):
            self._note("messages", result)
        elif result._result.get("changed"):
            self._note("changed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._step("skipped", result._host.get_name())

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._step("failed", result._host.get_name())
        if not ignore_errors:
            self._note("failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._note("failed", result)

    def _step(self, what: str, name: str) -> None:
        path = os.environ.get("RUN_RECORD_STEPS")
        if path:
            with Path(path).open("a", encoding="utf-8") as out:
                out.write(f"{time.monotonic() - self._started:.2f} {what} {name}\n")

    def _note(self, kind: str, result: t.Any) -> None:
        message = "" if result._task.no_log else str(result._result.get("msg", ""))
        self._said[kind].append({"host": result._host.get_name(), "task": result._task.get_name(), "message": message})

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        record = {
            "playbook": self._playbook,
            "check": bool(context.CLIARGS.get("check")),
            "seconds": round(time.monotonic() - self._started, 1),
            "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)},
            **self._said,
        }
        path = Path(os.environ["RUN_RECORD_PATH"])
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
