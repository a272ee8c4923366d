# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Append one JSON line per playbook run, so that verify can judge a run by its statistics."""

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
description: Appends the playbook's name, mode, seconds and statistics per host to the file E(RUN_RECORD_PATH).
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

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        record = {
            "playbook": self._playbook,
            "check": bool(context.CLIARGS.get("check")),
            "seconds": round(time.monotonic() - self._started, 1),
            "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)},
        }
        path = Path(os.environ["RUN_RECORD_PATH"])
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
