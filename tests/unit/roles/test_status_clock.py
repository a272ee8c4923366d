# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The age of a bundle is the same on controllers of every time zone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

REPORT = Path(__file__).parents[3] / "roles/status/vars/main/report.yml"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_now_is_the_time_since_1970(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = DataLoader()
    variables = loader.load_from_file(str(REPORT), trusted_as_template=True)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        now = Templar(loader, variables=variables).template(variables["__status_backup"]["now"])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert float(now) == pytest.approx(time.time(), abs=600)
