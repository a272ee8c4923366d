# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.version_changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._versions import open_holes, told

DOCUMENTATION = r"""
name: version_changes
short_description: Tell what an upgrade has changed
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Returns a line for each product whose program told its version before or tells it now, with both and with the known
    holes that the newer one has closed.
options:
  _input:
    description: What the program of each product says of its version now, by the product's name.
    type: dict
    required: true
  before:
    description: What it said before.
    type: dict
    required: true
  products:
    description: As those of P(opengeoai.modelhub.version_rows#filter).
    type: list
    elements: dict
    required: true
positional: before, products
seealso:
  - plugin: opengeoai.modelhub.version_rows
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what has changed
  ansible.builtin.debug:
    msg: "{{ now | opengeoai.modelhub.version_changes(before, products) }}"
  vars:
    before: {Traefik: 'Version: 3.7.2'}
    now: {Traefik: 'Version: 3.7.15'}
    products:
      - name: Traefik
        pattern: 'Version: +([0-9.]+)'
        holes: {CVE-2026-71326: 3.7.10}
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample: ["Traefik  3.7.2 -> 3.7.15  closes CVE-2026-71326"]
"""


def version_changes(
    answers: Mapping[str, str], before: Mapping[str, str], products: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Compare what programs say of their versions with what they said before.

    answers, before: what each product's program says and said. products: name, pattern of the version in the answer,
    and holes, the id of each hole and the release that closed it. A product that was or is not there has "none" as its
    version.
    """
    width = max((len(product["name"]) for product in products), default=0)
    lines = []
    for product in products:
        name, holes = product["name"], product["holes"]
        old = told(before.get(name, ""), product["pattern"])
        new = told(answers.get(name, ""), product["pattern"])
        if not old and not new:
            continue
        closed = set(open_holes(old, holes)) - set(open_holes(new, holes)) if old and new else set()
        step = f"{old}, as before" if old == new else f"{old or 'none'} -> {new or 'none'}"
        lines.append(f"{name:{width}}  {step}" + (f"  closes {', '.join(sorted(closed))}" if closed else ""))
    return lines


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"version_changes": version_changes}
