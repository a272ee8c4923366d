#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_security_info
version_added: 0.1.0
short_description: Tell how well a stack that runs is guarded on its server
description:
  - Holds each container of a stack against the container checks of the CIS Docker Benchmark (chapters 4 and 5), tries
    which container reaches which, and looks for secrets in plain sight and for files and directories that are open.
  - Talks to the engine over its Unix socket, and reads files and processes of the host, all with Python's standard
    library alone. C(nsenter) opens connections as seen from a container, because images have no tools for it.
  - Never fails on what it finds. It fails when it cannot look, for a check that was not made proves nothing.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
options:
  stack:
    description:
      - Name of the stack. Its containers carry it in their label C(org.opengeoai.modelhub.stack).
    type: str
    required: true
  base_dir:
    description:
      - Directory of the stack on the host.
    type: path
    required: true
  secrets_dir:
    description:
      - Directory with a file for each secret of the stack.
    type: path
    required: true
  reach:
    description:
      - Ports on which a service must reach another, by the names of both. Nothing else may be reached.
      - A service is called as the others call its container, which is one of O(services).
    type: dict
    required: true
  services:
    description:
      - Aliases by which the containers of the stack are told apart.
    type: list
    elements: str
    default: [traefik, postgres, minio, mlflow, docker-proxy]
  expected:
    description:
      - Services of which a container must run.
    type: list
    elements: str
    default: []
  accounts:
    description:
      - Whether the service asks who is there. Without accounts no address of it may be public.
    type: bool
    default: true
  hostname:
    description:
      - Public host name, whose addresses count as well where a resolver knows them.
    type: str
    default: ""
  addresses:
    description:
      - Addresses of the host, which count where a port is published on all of them.
    type: list
    elements: str
    default: []
  inside:
    description:
      - Services that must have no way out of their networks.
    type: list
    elements: str
    default: [postgres]
  socket:
    description:
      - Path of the engine's Unix socket.
    type: path
    default: /var/run/docker.sock
  timeout_seconds:
    description:
      - Seconds that all answers of the engine may take together. A whole number from V(1) to V(3600).
    type: int
    default: 60
notes:
  - Needs root's rights, and C(nsenter) of util-linux.
seealso:
  - module: opengeoai.modelhub.stack_info
  - name: CIS Docker Benchmark
    description: The checks whose numbers are told.
    link: https://www.cisecurity.org/benchmark/docker
"""

EXAMPLES = r"""
---
- name: Look at how the stack is guarded
  opengeoai.modelhub.stack_security_info:
    stack: modelhub
    base_dir: /opt/modelhub
    secrets_dir: /opt/modelhub/secrets
    reach:
      traefik: {mlflow: [5000]}
      mlflow: {postgres: [5432]}
  register: guarded

- name: Require that every check passes
  ansible.builtin.assert:
    that: guarded.rows | rejectattr('passed') | length == 0
"""

RETURN = r"""
rows:
  description: A line for each check at each place.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: What was checked, with the number of the CIS Docker Benchmark where it has one.
      type: str
      returned: always
      sample: 5.13 read-only root
    where:
      description: The container, path, process or pair of services.
      type: str
      returned: always
      sample: traefik
    passed:
      description: Whether the check passes.
      type: bool
      returned: always
    said:
      description: Why it does not, or what was seen.
      type: str
      returned: always
      sample: its root file system can be written to
containers:
  description: Name of the container by service.
  returned: success
  type: dict
  sample: {mlflow: mlflow, postgres: postgres}
ports:
  description: Ports of the server that may not answer others, unless they are published on purpose. Sorted.
  returned: success
  type: list
  elements: int
  sample: [22, 80, 443, 2375, 5432]
engine:
  description: Version of the engine.
  returned: success
  type: str
  sample: 28.5.2
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import UnixEngine
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._guard import GuardParams, look


def argument_spec() -> dict[str, t.Any]:
    return {
        "stack": {"type": "str", "required": True},
        "base_dir": {"type": "path", "required": True},
        "secrets_dir": {"type": "path", "required": True},
        "reach": {"type": "dict", "required": True},
        "services": {
            "type": "list",
            "elements": "str",
            "default": ["traefik", "postgres", "minio", "mlflow", "docker-proxy"],
        },
        "expected": {"type": "list", "elements": "str", "default": []},
        "accounts": {"type": "bool", "default": True},
        "hostname": {"type": "str", "default": ""},
        "addresses": {"type": "list", "elements": "str", "default": []},
        "inside": {"type": "list", "elements": "str", "default": ["postgres"]},
        "socket": {"type": "path", "default": "/var/run/docker.sock"},
        "timeout_seconds": {"type": "int", "default": 60},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        params = GuardParams.from_module(module.params)
        result = look(params, UnixEngine(params.socket, params.timeout_seconds))
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
