# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With its folder in PYTHONPATH, boto3 signs as on a host whose clock is 20 minutes late."""

from __future__ import annotations

import datetime

from botocore import compat

now = compat.get_current_datetime
compat.get_current_datetime = lambda *args, **kwargs: now(*args, **kwargs) - datetime.timedelta(minutes=20)
