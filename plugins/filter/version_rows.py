# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.version_rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._versions import open_holes, told

DOCUMENTATION = r"""
name: version_rows
short_description: Hold versions against the releases that closed known holes
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Returns lines in the form of RV(opengeoai.modelhub.stack_security_info#module:rows).
  - A product whose program told no version fails, for nothing is known of it.
options:
  _input:
    description: What the program of each product said of its version, by the product's name.
    type: dict
    required: true
  products:
    description: >-
      Products with C(name), the C(pattern) of the version in what is said, with one group, and C(holes), the id of each
      hole and the release that closed it. Those of which nothing was asked are left out.
    type: list
    elements: dict
    required: true
positional: products
"""

EXAMPLES = r"""
- name: Show what is known of the proxy
  ansible.builtin.debug:
    msg: "{{ {'Traefik': 'Version: 3.7.2'} | opengeoai.modelhub.version_rows(products) }}"
  vars:
    products:
      - name: Traefik
        pattern: 'Version: +([0-9.]+)'
        holes: {CVE-2026-71326: 3.7.10}
"""

RETURN = r"""
_value:
  description: A line for each product that was asked.
  type: list
  elements: dict
"""


def version_rows(answers: Mapping[str, str], products: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hold versions against the releases in which holes were closed.

    answers: what each product's program said of its version. products: name, pattern of the version in the answer, and
    holes, the id of each hole and the release that closed it.
    """
    rows = []
    for product in products:
        name = product["name"]
        if name not in answers:
            continue
        version = told(answers[name], product["pattern"])
        if not version:
            fault = f"its program did not tell its version, but: {answers[name][:100]}"
            rows.append({"check": "versions", "where": name, "passed": False, "said": fault})
            continue
        open_ones = [f"{hole} (closed in {closed})" for hole, closed in open_holes(version, product["holes"]).items()]
        said = f"{version} has {', '.join(open_ones)}" if open_ones else version
        rows.append({"check": "versions", "where": name, "passed": not open_ones, "said": said})
    return rows


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"version_rows": version_rows}
