# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.status_report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._verdicts import GOOD, judge, table, worst

DOCUMENTATION = r"""
name: status_report
short_description: Say of each part of a deployed stack whether it is good, degraded or bad
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Takes what the role P(opengeoai.modelhub.status#role) has found of a stack.
options:
  _input:
    description:
      - >-
        C(stack) and C(host), their names; C(engine_error), why the engine does not answer; C(expected), the services
        that must have a container; C(containers) and C(file_systems) as M(opengeoai.modelhub.stack_status_info) returns
        them; C(addresses) as M(opengeoai.modelhub.public_address_info) does.
      - >-
        C(store), a dictionary with C(endpoint), C(bucket), C(program), what the program says of its version, and
        C(answer) of M(opengeoai.modelhub.minio_bucket_info); C(database), a dictionary with C(where), C(name) and
        C(answer) of M(community.postgresql.postgresql_query); C(backup), a dictionary with C(target), C(now), seconds
        since 1970, C(last), the C(name) of the last bundle and when it was C(finished), and C(restoring), the name of
        one whose restore was begun and has not ended, or an empty text. Empty for what was not looked at.
    type: dict
    required: true
  limits:
    description: >-
      C(restart_hours), C(upload_days), C(backup_hours), C(certificate_days), and C(free_degraded_percent),
      C(free_bad_percent), C(connections_degraded_percent) and C(connections_bad_percent), as the variables of the role
      say.
    type: dict
    required: true
positional: limits
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ found | opengeoai.modelhub.status_report(limits) }}"
"""

RETURN = r"""
_value:
  description: >-
    C(document), with C(stack), C(host), C(verdict) (V(good), V(degraded) or V(bad)) and C(rows), the lines with
    C(check), C(where), C(verdict), C(said) and C(values); C(table), the lines to read; C(problems), a sentence for each
    line that is not good.
  type: dict
"""


def status_report(found: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdicts, for programs and to read."""
    try:
        rows = judge(found, {name: int(value) for name, value in limits.items()})
    except (KeyError, TypeError, ValueError) as exc:
        raise AnsibleFilterError(f"status_report: what was found has an unknown form: {exc!r}") from exc
    verdict = worst(one["verdict"] for one in rows)
    return {
        "document": {"stack": found["stack"], "host": found["host"], "verdict": verdict, "rows": rows},
        "table": [*table(rows), f"The stack {found['stack']} is {verdict}."],
        "problems": [f"{r['verdict']}: {r['check']} {r['where']}: {r['said']}" for r in rows if r["verdict"] != GOOD],
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"status_report": status_report}
