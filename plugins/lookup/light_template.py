# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup opengeoai.modelhub.light_template."""

from __future__ import annotations

DOCUMENTATION = r"""
name: light_template
short_description: Render templates as ansible.builtin.template does, without a copy of all variables
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Has P(ansible.builtin.template#lookup) render the templates, so it finds them at the same places, takes the same
    options and gives the same text.
  - That one makes a deep copy of every variable of the host for each template, what the roles have found on it
    included, which takes longer than all the rest of a small template. Here the variables themselves are handed over;
    templates of these roles only read them.
options:
  _terms:
    description: Paths of templates, relative to the C(templates) directory of the role.
    required: true
    type: list
    elements: str
notes:
  - Further options are those of P(ansible.builtin.template#lookup).
seealso:
  - plugin: ansible.builtin.template
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Put the content of a file together with others
  opengeoai.modelhub.host_files:
    entries:
      - path: /opt/modelhub/traefik/traefik.yml
        content: "{{ lookup('opengeoai.modelhub.light_template', 'traefik.yml.j2') }}"
"""

RETURN = r"""
_raw:
  description: The text of each template.
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase


class _Uncopied(dict[str, t.Any]):
    """Variables of which a deep copy is a shallow one: who renders adds names to it, and changes no value."""

    def __deepcopy__(self, _memo: object) -> dict[str, t.Any]:
        return dict(self)


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no types
    def run(self, terms: list[t.Any], variables: t.Mapping[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        renderer = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        return list(renderer.run(terms, variables=_Uncopied(variables or {}), **kwargs))
