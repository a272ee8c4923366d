# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.setting_problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _settings

DOCUMENTATION = r"""
name: setting_problems
short_description: Tell what is wrong with the values of variables
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Checks values against rules and returns one message for each value that breaks its rule.
  - Each message names the variable, its value and the remedy. The value of a secret is never part of a message.
  - The roles of this collection call it before they change anything on the host.
options:
  _input:
    description:
      - The checks.
      - An empty text or null counts as not set.
      - Every value but those of the rules V(args), V(distinct), V(env), V(minimum_version), V(together) and
        V(untemplated) must be set, unless O(_input[].optional=true).
      - A value that Ansible Vault did not decrypt, or that still contains a template, breaks every rule.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the variable, for the message. Rules V(distinct) and V(together) do without.
        type: str
      value:
        description:
          - Value of the variable.
          - Rules V(distinct) and V(together) take a dictionary of variable names and their values.
        type: raw
      rule:
        description: The rule.
        type: str
        required: true
        choices:
          access_key: S3 access key or MinIO user. Option C(min_length) (3).
          args: >-
            List of command line arguments. Option C(managed), the flags that the role sets, as a list or as a
            dictionary of flags and the variable to use instead, or the reason.
          bucket: Name of an S3 bucket, or a list of names.
          choice: One of the list C(choices).
          distinct: Dictionary of names and ports that must differ.
          email: E-mail address on a host with a dot.
          env: >-
            Dictionary of environment variables. Options C(managed), the names that the role sets, as a list or as a
            dictionary of names and the variable to use instead, and C(secrets), a dictionary of names that must not
            be given here and the variable to use instead.
          hostname: >-
            DNS name in lower case. Options C(allow_single_label) (V(false)), C(allow_wildcard) (V(false)) and
            C(max_length) (253).
          image: Docker image with a tag other than V(latest) or with a digest.
          integer: Whole number, also as text. Options C(min) and C(max).
          minimum_version: >-
            Version that was found. Options C(minimum) and C(what), the name of the program.
          path: >-
            Absolute path outside the directories of the system, fit for a Docker mount. With option
            C(anywhere=true), for files that are only read, inside them too.
          port: Whole number from 1 to 65535, also as text.
          s3_endpoint: >-
            V(scheme://host[:port]). With option C(needs_ca=true) an https endpoint also needs option C(ca_file);
            C(ca_variable) (V(modelhub_ca_file)) is the variable to name when it is empty.
          secret: >-
            Password or key. Options C(min_length) (12), C(differs_from), a dictionary of variable names and
            values that the secret must not equal, and C(allow_weak) (V(false)) for secrets that somebody else issued.
          together: Dictionary of names and values, either all set or none.
          untemplated: Any value that holds no unresolved template and no vault text.
          url_https: URL that starts with V(https://) and carries no credentials.
          version: >-
            Full release number such as V(v3.17.2). Option C(floor) is a dictionary of C(version), the oldest that is
            accepted, C(reason) and C(override), the variable that switches C(allowed_below_floor) on.
      optional:
        description: Whether the variable may be left unset.
        type: bool
        default: false
      secret:
        description: Whether to keep the value out of messages. Always so for rule V(secret).
        type: bool
        default: false
      example:
        description: A good value, to end the message with.
        type: str
"""

EXAMPLES = r"""
- name: Refuse settings that cannot work
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('\n') }}"
  vars:
    problems: "{{ checks | opengeoai.modelhub.setting_problems }}"
    checks:
      - name: modelhub_domain
        value: "{{ modelhub_domain | default('') }}"
        rule: hostname
        example: ml.example.org
      - name: mlflow_workers
        value: "{{ mlflow_workers }}"
        rule: integer
        min: 1
        max: 64
      - name: postgres_password
        value: "{{ postgres_password | default('') }}"
        rule: secret
        optional: true
        differs_from:
          postgres_user: "{{ postgres_user }}"
      - rule: together
        value:
          minio_root_user: "{{ minio_root_user | default('') }}"
          minio_root_password: "{{ minio_root_password | default('') }}"
"""

RETURN = r"""
_value:
  description: The messages, empty when all values are good.
  type: list
  elements: str
  sample:
    - mlflow_workers is 200, but must be a whole number from 1 to 64. Set mlflow_workers to a whole number from 1 to 64
"""


def setting_problems(checks: Any) -> list[str]:
    try:
        return _settings.setting_problems(checks)
    except _settings.SettingsError as error:
        raise AnsibleFilterError(f"opengeoai.modelhub.setting_problems: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"setting_problems": setting_problems}
