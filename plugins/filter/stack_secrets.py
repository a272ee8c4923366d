# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.stack_secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _secrets

DOCUMENTATION = r"""
name: stack_secrets
short_description: Choose the value of each secret of a stack
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Chooses, for each secret, the value that was given, or else the one that is stored, or else a new one.
  - The lookup P(ansible.builtin.password#lookup) keeps what it makes in files of the controller. This filter keeps
    nothing, so that secrets can stay on the server that they belong to.
  - Each call makes other values where it makes any. Keep the result, for example with M(ansible.builtin.set_fact).
positional: stored, given
options:
  _input:
    description:
      - Name of each secret and what a new one is made of, a dictionary with C(length) and C(characters).
      - C(length) is its number of characters, at least 16.
      - C(characters) is V(alphanumeric), the default, V(hex), or V(fernet) for a key of 32 bytes in URL-safe Base64,
        whose length is always 44.
      - A value that is given or stored is taken as it is.
    type: dict
    required: true
  stored:
    description:
      - Text that is stored for each name. Missing, null and empty mean that there is none.
      - Newlines at its end are no part of the secret.
    type: dict
    required: true
  given:
    description:
      - Text that the user gave for each name. Missing, null and empty mean that there is none.
    type: dict
    required: true
seealso:
  - module: opengeoai.modelhub.stack_info
  - module: opengeoai.modelhub.host_files
"""

EXAMPLES = r"""
- name: Keep the password of the server, or make one
  ansible.builtin.set_fact:
    stack: "{{ specs | opengeoai.modelhub.stack_secrets(stored, given) }}"
  no_log: true
  vars:
    specs:
      postgres_password:
        length: 32
      encryption_key:
        characters: fernet
    stored:
      postgres_password: "{{ found.paths['/opt/modelhub/secrets/postgres_password'].content }}"
    given:
      postgres_password: "{{ postgres_password | default('') }}"
"""

RETURN = r"""
_value:
  description: The value of each secret in the input, all of them text.
  type: dict
  sample: {postgres_password: 2p3YH0hVYdFDAZvxkHyDxwI1ZpYkM0hq}
"""


def stack_secrets(specs: Any, stored: Any, given: Any) -> dict[str, str]:
    for name, value in (("the input", specs), ("stored", stored), ("given", given)):
        if not isinstance(value, dict):
            raise AnsibleFilterError(f"opengeoai.modelhub.stack_secrets: {name} must be a dictionary")
    try:
        return _secrets.stack_secrets(specs, stored, given)
    except _secrets.SecretsError as error:
        raise AnsibleFilterError(f"opengeoai.modelhub.stack_secrets: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"stack_secrets": stack_secrets}
