#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
version_added: 0.1.0
short_description: Tell what a host holds before a stack is deployed on it
description:
  - Tells in one round trip what is needed to judge whether a stack can be deployed on a host, the Docker engine with
    its containers, networks and images, Python libraries, files and directories, who listens on ports, routes, and what
    names resolve to.
  - Talks to the engine over its Unix socket with Python's standard library alone. So it works before any library or
    client is installed, which M(community.docker.docker_host_info) does not, and it tells which of them are missing.
  - M(ansible.builtin.stat), M(ansible.builtin.slurp) and M(ansible.builtin.wait_for) tell parts of it, each with a
    round trip of its own for each path and port.
  - Never fails on what it finds. It fails when an option has an impossible value.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
options:
  engine:
    description:
      - Whether to ask the engine. With V(false) all that it would tell is empty, RV(engine.error) too.
    type: bool
    default: true
  socket:
    description:
      - Path of the engine's Unix socket.
    type: path
    default: /var/run/docker.sock
  timeout_seconds:
    description:
      - Seconds that all answers of the engine may take together. A whole number from V(1) to V(3600).
      - An engine that does not answer in time counts as one that does not answer; see RV(engine.error).
    type: int
    default: 20
  libraries:
    description:
      - Python modules to import, by the interpreter that this module runs with.
    type: list
    elements: str
    default: []
  paths:
    description:
      - Absolute paths of files and directories to describe.
      - The text of a regular file is part of the answer. Use C(no_log) when one holds a secret.
    type: list
    elements: path
    default: []
  ports:
    description:
      - TCP ports to tell the listeners of.
    type: list
    elements: int
    default: []
  names:
    description:
      - Host names to resolve as programs on the host do, by its files and its resolvers.
    type: list
    elements: str
    default: []
notes:
  - Without root's rights the answer may have gaps, which RV(engine.denied), the type V(unknown) in RV(paths) and an
    empty name in RV(listeners) stand for.
seealso:
  - module: opengeoai.modelhub.host_files
  - module: community.docker.docker_host_info
"""

EXAMPLES = r"""
---
- name: Look at the host
  opengeoai.modelhub.stack_info:
    libraries: [docker, requests]
    paths: [/opt/modelhub]
    ports: [80, 443]
  register: found

- name: Refuse a host whose engine does not answer
  ansible.builtin.assert:
    that: found.engine.version != ''
    fail_msg: "{{ found.engine.error }}"

- name: Refuse to take the ports of somebody else
  ansible.builtin.assert:
    that: found.listeners | length == 0
    fail_msg: "{{ found.listeners }}"

- name: Read the secrets that are already there
  opengeoai.modelhub.stack_info:
    engine: false
    paths:
      - /opt/modelhub/secrets/postgres_password
  no_log: true
  register: stored
"""

RETURN = r"""
engine:
  description: The Docker engine.
  returned: success
  type: dict
  contains:
    version:
      description: Its version, empty when the engine was not asked or did not answer everything.
      type: str
      returned: always
      sample: 26.1.5
    api_version:
      description: The newest version of its API, empty together with RV(engine.version).
      type: str
      returned: always
      sample: "1.45"
    error:
      description: Why the engine did not answer, and what to do. Empty when it answered or was not asked.
      type: str
      returned: always
      sample: Nothing listens on /var/run/docker.sock. Start Docker.
    installed:
      description: Whether the program C(dockerd) or a systemd unit C(docker.service) is there, running or not.
      type: bool
      returned: always
    denied:
      description: Whether the user may not open the socket.
      type: bool
      returned: always
    socket_gid:
      description: Number of the group that owns the socket, V(null) when there is none.
      type: int
      returned: always
      sample: 998
  sample:
    version: 26.1.5
    api_version: "1.45"
    error: ""
    installed: true
    denied: false
    socket_gid: 998
python:
  description: The Python interpreter that the module ran with.
  returned: success
  type: dict
  contains:
    executable:
      description: Path of the interpreter.
      type: str
      returned: always
      sample: /usr/bin/python3
    version:
      description: Version of the interpreter.
      type: str
      returned: always
      sample: 3.11.2
    missing:
      description: Those of O(libraries) that cannot be imported, in their order.
      type: list
      elements: str
      returned: always
      sample: [requests]
    errors:
      description: Reason for each name in RV(python.missing).
      type: dict
      returned: always
      sample: {requests: No module named 'requests'}
containers:
  description: All containers, also stopped ones, sorted by name. Empty when RV(engine.version) is.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name, without a leading slash.
      type: str
      returned: always
      sample: postgres
    id:
      description: ID.
      type: str
      returned: always
    image:
      description: The image as it was given when the container was created.
      type: str
      returned: always
      sample: docker.io/library/postgres:17.6-trixie
    image_id:
      description: ID of the image.
      type: str
      returned: always
    state:
      description: V(created), V(running), V(paused), V(restarting), V(exited), V(removing) or V(dead).
      type: str
      returned: always
      sample: running
    status:
      description: The state in words.
      type: str
      returned: always
      sample: Up 5 minutes (healthy)
    labels:
      description: Labels.
      type: dict
      returned: always
    ports:
      description: Published ports. A container that does not run has none.
      type: list
      elements: dict
      returned: always
      sample: [{ip: 0.0.0.0, host: 443, container: 443, protocol: tcp}]
    networks:
      description: Names of its networks.
      type: list
      elements: str
      returned: always
      sample: [modelhub-backend]
    addresses:
      description: Its address in each of its networks. Empty while it does not run.
      type: dict
      returned: always
      sample: {modelhub-backend: 172.19.0.3}
    stack:
      description: The stack that it belongs to, by its label C(org.opengeoai.modelhub.stack). Empty without that label.
      type: str
      returned: always
      sample: modelhub
    mounts:
      description: What is mounted from the host. Paths, or the names of volumes where the engine gives no path.
      type: list
      elements: str
      returned: always
      sample: [/opt/modelhub/postgres/data]
networks:
  description: All networks, sorted by name. Empty when RV(engine.version) is.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
      returned: always
      sample: modelhub-backend
    id:
      description: ID.
      type: str
      returned: always
    labels:
      description: Labels.
      type: dict
      returned: always
    stack:
      description: The stack that it belongs to, by its label C(org.opengeoai.modelhub.stack). Empty without that label.
      type: str
      returned: always
      sample: modelhub
    internal:
      description: Whether it has no way out.
      type: bool
      returned: always
    driver:
      description: Driver.
      type: str
      returned: always
      sample: bridge
    subnets:
      description: Its subnets.
      type: list
      elements: str
      returned: always
      sample: [172.18.0.0/16]
images:
  description: All images, sorted by ID. Empty when RV(engine.version) is.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: ID.
      type: str
      returned: always
    tags:
      description: Names with tags.
      type: list
      elements: str
      returned: always
      sample: ["postgres:17.6-trixie"]
    digests:
      description: Names with digests of the registries that it was pulled from or pushed to.
      type: list
      elements: str
      returned: always
    labels:
      description: Labels.
      type: dict
      returned: always
    created:
      description: When it was built, in seconds since 1970.
      type: int
      returned: always
      sample: 1767225600
paths:
  description: >-
    For each of O(paths), a dictionary. Links are not followed.
    V(type) is V(absent), V(file), V(directory), V(link), V(other), or V(unknown) where the user may not look.
    V(uid), V(gid), V(mode) and V(size) are V(null) for V(absent) and V(unknown).
    V(empty) tells of directories whether they hold nothing.
    V(content) is the text of regular files of at most 64 KiB that are UTF-8.
    Both are V(null) for everything else and where the user may not read.
  returned: success
  type: dict
  sample:
    /opt/modelhub: {type: directory, uid: 0, gid: 0, mode: "0755", size: 4096, empty: false, content: null}
listeners:
  description: >-
    For each of O(ports) that somebody listens on, a dictionary with V(process), the name, and V(pid), the number of
    the process. They are empty and V(null) when the user may not see them.
  returned: success
  type: dict
  sample: {"443": {process: nginx, pid: 1234}}
routes:
  description: IPv4 networks of the kernel's main routing table, but for the default route.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network, as address/length.
      type: str
      returned: always
      sample: 10.8.0.0/24
    interface:
      description: The interface that leads there.
      type: str
      returned: always
      sample: tun0
addresses:
  description: For each of O(names), its IPv4 and IPv6 addresses. Empty when it does not resolve.
  returned: success
  type: dict
  sample: {mlflow.example.org: [192.0.2.10]}
"""

import platform
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import (
    EngineApi,
    UnixEngine,
    look_at_engine,
    socket_gid,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._host import (
    describe_path,
    engine_is_installed,
    library_errors,
    listeners,
    resolve_all,
    routes,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require


def argument_spec() -> dict[str, t.Any]:
    return {
        "engine": {"type": "bool", "default": True},
        "socket": {"type": "path", "default": "/var/run/docker.sock"},
        "timeout_seconds": {"type": "int", "default": 20},
        "libraries": {"type": "list", "elements": "str", "default": []},
        "paths": {"type": "list", "elements": "path", "default": []},
        "ports": {"type": "list", "elements": "int", "default": []},
        "names": {"type": "list", "elements": "str", "default": []},
    }


def connect(params: dict[str, t.Any]) -> EngineApi | None:
    require(params, {"timeout_seconds": {"rule": integer, "min": 1, "max": 3600}})
    for path in [params["socket"], *params["paths"]]:
        if not path.startswith("/"):
            raise InvalidOption(f'"{path}" in socket or paths is no absolute path. Start it with a slash.')
    return UnixEngine(params["socket"], params["timeout_seconds"]) if params["engine"] else None


def look(params: dict[str, t.Any], api: EngineApi | None) -> dict[str, t.Any]:
    answers = look_at_engine(api)
    errors = library_errors(params["libraries"])
    return {
        "engine": {
            "version": answers["version"],
            "api_version": answers["api_version"],
            "error": answers["error"],
            "installed": engine_is_installed(),
            "denied": answers["denied"],
            "socket_gid": socket_gid(params["socket"]),
        },
        "python": {
            "executable": sys.executable,
            "version": platform.python_version(),
            "missing": list(errors),
            "errors": errors,
        },
        "containers": answers["containers"],
        "networks": answers["networks"],
        "images": answers["images"],
        "paths": {path: describe_path(path) for path in params["paths"]},
        "listeners": listeners(params["ports"]),
        "routes": routes(),
        "addresses": resolve_all(params["names"]),
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = look(module.params, connect(module.params))
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
