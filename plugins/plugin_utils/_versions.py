# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as programs tell them, and the holes that later ones closed."""

from __future__ import annotations

import re
from collections.abc import Mapping


def told(answer: str, pattern: str) -> str:
    """The version in what a program said, or an empty text; the pattern has one group."""
    found = re.search(pattern, answer, re.MULTILINE)
    return found[1] if found else ""


def open_holes(version: str, holes: Mapping[str, str]) -> dict[str, str]:
    """Those of the holes, the id of each and the release that closed it, that are open in a version."""
    return {hole: closed for hole, closed in sorted(holes.items()) if numbers(version) < numbers(closed)}


def numbers(version: str) -> list[int]:
    """What versions are compared by."""
    return [int(number) for number in re.findall(r"\d+", version)]
