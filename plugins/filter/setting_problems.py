# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.setting_problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

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
      - Every value but those of the rules V(args), V(distinct), V(env), V(finding), V(minimum_version) and V(together)
        must be set, unless O(_input[].optional=true).
      - A value that Ansible Vault did not decrypt, or that still contains a template, breaks every rule.
      - The rules V(address), V(bucket), V(buckets), V(host), V(hostname), V(htpasswd), V(image), V(leads_here),
        V(network), V(origin), V(path), V(text) and V(url) take a list too and look at each item.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the variable, for the message. Rules V(distinct), V(finding) and V(together) do without.
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
          address: IP address to listen on.
          args: >-
            List of command line arguments. Option C(managed), the flags that the role sets, as a list or as a
            dictionary of flags and the variable to use instead, or the reason.
          bucket: Name of an S3 bucket.
          buckets: Name of an S3 bucket, or a dictionary of name and options of the module minio_bucket.
          certificate: >-
            File of the controller with the certificate of a server and those that lead from it to a CA. Options
            C(content), what is in it, C(hosts), the names it must be for, C(ca_content), CAs that one of them must have
            signed it, and C(min_days) (0), the days that must be left.
          certificate_key: >-
            File of the controller with a private key. Options C(content), what is in it, and C(certificate_content),
            the certificate that it must belong to.
          directory: >-
            Path at which the host has a directory or nothing. Option C(found), the paths that
            M(opengeoai.modelhub.stack_info) described.
          distinct: Dictionary of names and ports that must differ.
          email: E-mail address on a host with a dot.
          env: >-
            Dictionary of environment variables. Options C(managed), the names that the role sets, as a list or as a
            dictionary of names and the variable to use instead, and C(secrets), a dictionary of names that must not
            be given here and the variable to use instead.
          finding: A sentence to pass on, or nothing.
          free_port: >-
            Port that nobody else has on the host. Options C(containers) and C(listeners) as
            M(opengeoai.modelhub.stack_info) returns them, and C(own), the name of the container that may have it.
          grants: Permissions as in the variable C(mlflow_permissions). Option C(users), the accounts there are.
          host: Host name, also of one label, or IP address. With option C(socket=true) a directory too.
          hostname: >-
            DNS name in lower case. Options C(allow_single_label) (V(false)), C(allow_wildcard) (V(false)) and
            C(max_length) (253).
          htpasswd: User and hash as C(htpasswd) prints them.
          image: Docker image with a tag other than V(latest) or with a digest.
          integer: Whole number, also as text. Options C(min) and C(max).
          minimum_version: >-
            Version that was found. Options C(minimum) and C(what), the name of the program.
          network: IP address, or a network of addresses as address/length.
          leads_here: >-
            Name that resolves on the host, and to it where the host has a public address. Options C(addresses) as
            M(opengeoai.modelhub.stack_info) tells them, and C(own), the host's addresses.
          one_domain: >-
            Domain that no other stack on the engine has. Options C(found), the containers, and C(stack).
          origin: V(scheme://host[:port]), of http or https.
          own_container: >-
            Name of a container that is not somebody else's. Options C(found), the containers, and C(stack), the name
            of the stack.
          own_directory: >-
            Base directory of no other stack. Options C(found), the paths, and C(stack).
          own_network: >-
            Name of a network that is not somebody else's. Options C(found), the networks, and C(stack).
          own_subnet: >-
            IPv4 subnet for a network of this stack. It has it already, or nobody else on the host does. Options
            C(network), its name, C(networks) and C(routes) as M(opengeoai.modelhub.stack_info) describes them.
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
          text: Text that option C(pattern), a regular expression, matches as a whole; C(want) says in words what it is.
          together: Dictionary of names and values, either all set or none.
          url: URL without credentials. Option C(schemes) (V([https])).
          users: Accounts as in the variable C(mlflow_users). Option C(admin), the name of the administrator.
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
        value: "{{ modelhub_domain }}"
        rule: hostname
        example: ml.example.org
      - name: mlflow_workers
        value: "{{ mlflow_workers }}"
        rule: integer
        min: 1
        max: 64
      - name: modelhub_db_password
        value: "{{ modelhub_db_password | default('') }}"
        rule: secret
        optional: true
        differs_from:
          modelhub_db_user: "{{ modelhub_db_user }}"
      - rule: together
        value:
          modelhub_s3_access_key: "{{ modelhub_s3_access_key }}"
          modelhub_s3_secret_key: "{{ modelhub_s3_secret_key | default('') }}"
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
    # Not above: Ansible reads the files of all filters, in each process, to find one.
    from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _settings

    try:
        return _settings.setting_problems(checks)
    except _settings.SettingsError as error:
        raise AnsibleFilterError(f"opengeoai.modelhub.setting_problems: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"setting_problems": setting_problems}
