#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: public_address_info
version_added: 0.1.0
short_description: Tell what answers at host names, and how long its certificates are valid
description:
  - Asks each host name for C(/) and tells the status of the answer, and the certificate that came with it.
  - M(ansible.builtin.uri) asks one address, by the name that is resolved, and tells nothing of the certificate;
    M(community.crypto.get_certificate) needs a library on the host and does not verify.
  - Needs Python's standard library alone, and uses no proxy.
  - Never fails on what it finds.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
options:
  hosts:
    description:
      - Host names to ask for.
    type: list
    elements: str
    required: true
  address:
    description:
      - Address to connect to. Empty for those that the names resolve to.
    type: str
    default: ""
  port:
    description:
      - Port to connect to, from V(1) to V(65535).
    type: int
    default: 443
  tls:
    description:
      - Whether to speak TLS. V(false) for a server behind a proxy that does.
    type: bool
    default: true
  ca_content:
    description:
      - Certificates of authorities to trust besides those of the system, as PEM text.
    type: str
    default: ""
  timeout_seconds:
    description:
      - Seconds to wait for the connection, and for the answer. A whole number from V(1) to V(3600).
    type: int
    default: 20
seealso:
  - module: ansible.builtin.uri
  - module: community.crypto.get_certificate
"""

EXAMPLES = r"""
---
- name: Ask the public addresses
  opengeoai.modelhub.public_address_info:
    hosts: [mlflow.example.org, minio-api.example.org]
    address: 127.0.0.1
  register: found

- name: Require certificates that are valid for two weeks
  ansible.builtin.assert:
    that: found.addresses | map(attribute='certificate.days_left') | min > 14
"""

RETURN = r"""
addresses:
  description: One for each of O(hosts), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The host name.
      type: str
      returned: always
      sample: mlflow.example.org
    status:
      description: Status of the answer. V(null) when there was none.
      type: int
      returned: always
      sample: 200
    error:
      description: Why there was no answer, also because the certificate does not verify. Empty when there was one.
      type: str
      returned: always
      sample: Connection refused
    certificate:
      description: The certificate. V(null) without O(tls), and for one that does not verify.
      type: dict
      returned: always
      contains:
        issuer:
          description: Common name of who signed it, or the name of the organization.
          type: str
          returned: always
          sample: R11
        days_left:
          description: Days until it ends.
          type: float
          returned: always
          sample: 61.25
        days_valid:
          description: Days from its first moment to its last.
          type: float
          returned: always
          sample: 90.0
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._addresses import AddressParams, look
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError


def argument_spec() -> dict[str, t.Any]:
    return {
        "hosts": {"type": "list", "elements": "str", "required": True},
        "address": {"type": "str", "default": ""},
        "port": {"type": "int", "default": 443},
        "tls": {"type": "bool", "default": True},
        "ca_content": {"type": "str", "default": ""},
        "timeout_seconds": {"type": "int", "default": 20},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        addresses = look(AddressParams.from_module(module.params))
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(addresses=addresses)


if __name__ == "__main__":
    main()
