#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_status_info
version_added: 0.1.0
short_description: Tell how the containers of a stack are, and how full its file systems
description:
  - Tells of each container of a stack, running or not, its state, health, restarts and processes that were killed for
    want of memory, and of each file system under its data, its configuration and the engine's own files what is free.
  - M(opengeoai.modelhub.stack_info) tells what is there, of others too; this module tells how what is the stack's does.
  - Talks to the engine over its Unix socket with Python's standard library alone.
  - Never fails on what it finds, a stack without containers included. It fails when the engine does not answer.
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
      - Directory of the stack on the host. Where there is none, nothing is told of its file system.
    type: path
    required: true
  services:
    description:
      - Aliases by which the containers of the stack are told apart.
    type: list
    elements: str
    default: [traefik, postgres, minio, mlflow, docker-proxy]
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
  - Needs root's rights, or those of the group that owns the socket.
seealso:
  - module: opengeoai.modelhub.stack_info
  - module: opengeoai.modelhub.stack_security_info
"""

EXAMPLES = r"""
---
- name: Look at the stack
  opengeoai.modelhub.stack_status_info:
    stack: modelhub
    base_dir: /opt/modelhub
  register: found

- name: Require that all of it runs
  ansible.builtin.assert:
    that: found.containers | rejectattr('state', 'equalto', 'running') | length == 0
"""

RETURN = r"""
engine:
  description: Version of the engine.
  returned: success
  type: str
  sample: 28.5.2
containers:
  description: The containers of the stack, sorted by name. Empty when it has none.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
      returned: always
      sample: mlflow
    service:
      description: The one of O(services) that it is, or its name.
      type: str
      returned: always
      sample: mlflow
    state:
      description: V(created), V(running), V(paused), V(restarting), V(exited), V(removing) or V(dead).
      type: str
      returned: always
      sample: running
    health:
      description: V(starting), V(healthy) or V(unhealthy); V(none) where nothing checks it.
      type: str
      returned: always
      sample: healthy
    exit_code:
      description: With what it ended, V(null) while it runs.
      type: int
      returned: always
      sample: 137
    seconds:
      description: For how many seconds it has run, or has not. V(null) when it never ran.
      type: int
      returned: always
      sample: 86400
    restarts:
      description: How often the engine started it again after it had ended by itself, since somebody last started it.
      type: int
      returned: always
      sample: 0
    out_of_memory:
      description: Whether it ended for want of memory.
      type: bool
      returned: always
      sample: false
    out_of_memory_kills:
      description:
        - How many of its processes were killed for want of memory since it was started, also where it ran on.
        - V(null) when it does not run, or the kernel tells nobody.
      type: int
      returned: always
      sample: 0
    memory_limit_bytes:
      description: The memory that it may use, in bytes. V(null) without a limit.
      type: int
      returned: always
      sample: 1073741824
    image:
      description: The image as it was given when the container was created.
      type: str
      returned: always
      sample: docker.io/library/postgres:17.6-trixie
    version:
      description: The tag of the image, or its digest where it has no tag.
      type: str
      returned: always
      sample: 17.6-trixie
file_systems:
  description:
    - The file systems of what containers of the stack write to, of O(base_dir) and of the engine's directory.
      Sorted by mount point.
  returned: success
  type: list
  elements: dict
  contains:
    mount:
      description: Where it is mounted.
      type: str
      returned: always
      sample: /
    paths:
      description: What of the stack and the engine lies on it.
      type: list
      elements: str
      returned: always
      sample: [/opt/modelhub, /opt/modelhub/postgres/data, /var/lib/docker]
    free_bytes:
      description: Bytes that others than root can still write.
      type: int
      returned: always
      sample: 53687091200
    total_bytes:
      description: Bytes that others than root could write if it were empty.
      type: int
      returned: always
      sample: 107374182400
    free_percent:
      description: Share of the bytes that is free, in percent. V(null) for one without a size.
      type: float
      returned: always
      sample: 50.0
    free_files_percent:
      description: Share of the files that can still be made, in percent. V(null) where they are not counted.
      type: float
      returned: always
      sample: 97.2
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import UnixEngine
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._status import StatusParams, look


def argument_spec() -> dict[str, t.Any]:
    return {
        "stack": {"type": "str", "required": True},
        "base_dir": {"type": "path", "required": True},
        "services": {
            "type": "list",
            "elements": "str",
            "default": ["traefik", "postgres", "minio", "mlflow", "docker-proxy"],
        },
        "socket": {"type": "path", "default": "/var/run/docker.sock"},
        "timeout_seconds": {"type": "int", "default": 60},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        params = StatusParams.from_module(module.params)
        result = look(params, UnixEngine(params.socket, params.timeout_seconds))
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
