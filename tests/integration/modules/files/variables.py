# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what environment files and NAME=VALUE arguments hold as JSON, for ansible-playbook's --extra-vars."""

from __future__ import annotations

import json
import sys
from pathlib import Path

variables = {}
for argument in sys.argv[1:]:
    for line in [argument] if "=" in argument else Path(argument).read_text().splitlines():
        name, dummy, value = line.partition("=")
        # Marked as unsafe, so that no character of a password is taken for a template.
        variables[name.lower()] = {"__ansible_unsafe": value}
json.dump(variables, sys.stdout)
