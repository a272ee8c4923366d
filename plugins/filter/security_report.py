# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.security_report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: security_report
short_description: Say of each line of a security check whether it passes, is waived, or fails
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Takes lines as the modules M(opengeoai.modelhub.stack_security_info) and M(opengeoai.modelhub.mlflow_access_info)
    return them, and waivers with their reasons.
options:
  _input:
    description: Lines with C(check), C(where), C(passed) and C(said).
    type: list
    elements: dict
    required: true
  waivers:
    description: >-
      What is allowed to fail. A waiver names C(check), C(where) and C(said) by patterns, the last two of which may be
      left out, and C(reason).
    type: list
    elements: dict
    required: true
positional: waivers
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ report.table }}"
  vars:
    report: "{{ guarded.rows | opengeoai.modelhub.security_report(waivers) }}"
"""

RETURN = r"""
_value:
  description: >-
    C(rows), the lines with C(check), C(where), C(result) (V(pass), V(waived) or V(FAIL)) and C(reason); C(table), the
    same to read, in which places of one result share a line; C(failed), a sentence for each line that fails.
  type: dict
"""

PASS = "pass"
WAIVED = "waived"
FAIL = "FAIL"
ORDER = (FAIL, WAIVED, PASS)
COLUMNS = ("check", "where", "result", "reason")
# Characters of the places of a line; those that go beyond are counted.
WIDTH = 60


def waiver_of(row: Mapping[str, Any], waivers: Iterable[Mapping[str, Any]]) -> str:
    """The reason of the first waiver that fits, empty without one."""
    for waiver in waivers:
        if all(fnmatch(str(row[key]), str(waiver.get(key, "*"))) for key in ("check", "where", "said")):
            return str(waiver["reason"])
    return ""


def judged(row: Mapping[str, Any], waivers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    result, reason = (PASS, row["said"]) if row["passed"] else (FAIL, row["said"])
    if result == FAIL:
        waived = waiver_of(row, waivers)
        if waived:
            result, reason = WAIVED, f"{row['said']}: {waived}"
    return {"check": str(row["check"]), "where": str(row["where"]), "result": result, "reason": str(reason)}


def grouped(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows that differ in their places alone are one."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        places.setdefault((row["check"], row["result"], row["reason"]), []).append(row["where"])
    return [
        {"check": check, "where": named(found), "result": result, "reason": reason}
        for (check, result, reason), found in places.items()
    ]


def named(places: Sequence[str]) -> str:
    """The first places, as far as they fit, and how many more there are."""
    fitting = next((n for n in range(len(places), 1, -1) if len(", ".join(places[:n])) <= WIDTH), 1)
    rest = len(places) - fitting
    return ", ".join(places[:fitting]) + (f" and {rest} more" if rest else "")


def table(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Lines of text, what fails first."""
    lines = [dict(zip(COLUMNS, COLUMNS)), *sorted(grouped(rows), key=lambda row: ORDER.index(row["result"]))]
    widths = [max(len(line[column]) for line in lines) for column in COLUMNS[:-1]]
    cells = [[*(line[column].ljust(width) for column, width in zip(COLUMNS, widths)), line["reason"]] for line in lines]
    return ["  ".join(one).rstrip() for one in cells]


def security_report(rows: Sequence[Mapping[str, Any]], waivers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the rows with their results, as they are and as a table."""
    for waiver in waivers:
        if not waiver.get("check") or not str(waiver.get("reason", "")).strip():
            raise AnsibleFilterError(f"security_report: the waiver {dict(waiver)} needs a check and a reason")
    results = [judged(row, waivers) for row in rows]
    return {
        "rows": results,
        "table": table(results),
        "failed": [f"{row['check']}, {row['where']}: {row['reason']}" for row in results if row["result"] == FAIL],
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"security_report": security_report}
