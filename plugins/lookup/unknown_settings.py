# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup opengeoai.modelhub.unknown_settings."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_settings
short_description: Warn of variables that look like the collection's and that nothing reads
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Looks at all variables of the host whose names begin with C(modelhub_) or with the name of a role of this
    collection, finds those that no role knows, and prints a warning with the nearest name that one does.
  - Private names, which begin with an underscore, and registered results are left alone.
options: {}
"""

EXAMPLES = r"""
- name: Warn of variables that nothing reads
  ansible.builtin.debug:
    msg: "{{ query('opengeoai.modelhub.unknown_settings') }}"
    verbosity: 1
"""

RETURN = r"""
_raw:
  description: The warnings. Call it by C(query), which always returns a list.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._roles import unknown_names


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no types
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if terms:
            raise AnsibleLookupError("opengeoai.modelhub.unknown_settings takes no terms")
        warnings = [_warning(name, nearest) for name, nearest in unknown_names(variables or {}).items()]
        for warning in warnings:
            Display().warning(warning)
        return warnings


def _warning(name: str, nearest: str) -> str:
    advice = f"Did you mean {nearest}?" if nearest else "Remove it, unless something else reads it."
    return f"{name} is set, but no role of opengeoai.modelhub knows it. {advice}"
