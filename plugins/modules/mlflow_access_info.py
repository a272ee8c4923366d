#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_access_info
version_added: 0.1.0
short_description: Tell what an MLflow server lets strangers and accounts without rights do
description:
  - Tries every route of an MLflow server over HTTPS, without a login and as an account without rights, and looks for
    things of an administrator in the answers. Everything is read as the administrator first, for a call that shows
    nothing to him proves nothing.
  - Calls without a login carry no content, and those that change something name the things of O(ids) only. A server
    that refuses them, as it should, is not changed.
  - Tries too which ports of the server answer, and whether calls by another host name or from another site are refused.
  - Runs where clients are, which with C(delegate_to=localhost) is the controller.
  - Never fails on what it finds. It fails when the server does not answer.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
options:
  url:
    description:
      - Public address of the server as V(https://host[:port]).
    type: str
    required: true
  address:
    description:
      - Address to connect to, whatever a resolver says of the host in O(url).
    type: str
    required: true
  port:
    description:
      - Port to connect to.
    type: int
    default: 443
  ca_content:
    description:
      - Certificates of authorities to trust, as PEM text. Empty for the ones of the system.
    type: str
    default: ""
  routes:
    description:
      - Routes of the server.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Path, with parameters as Flask or FastAPI write them.
        type: str
        required: true
      methods:
        description:
          - Methods that the route has.
        type: list
        elements: str
        required: true
  open_routes:
    description:
      - Patterns of the paths that may answer anybody.
    type: list
    elements: str
    default: []
  shared_routes:
    description:
      - Patterns of the paths that answer all accounts alike.
    type: list
    elements: str
    default: []
  proofs:
    description:
      - Patterns of calls, as V(GET /path), of which each must show the administrator what is his.
    type: list
    elements: str
    default: []
  login_user:
    description:
      - Administrator.
    type: str
    required: true
  login_password:
    description:
      - Password of O(login_user).
    type: str
    required: true
  user:
    description:
      - Account without rights to the things of O(ids).
    type: str
    required: true
  password:
    description:
      - Password of O(user).
    type: str
    required: true
  marker:
    description:
      - Text that stands in all things of O(ids) and in none of the ids.
    type: str
    required: true
  ids:
    description:
      - What an administrator has made, by the names C(experiment_id), C(run_id), C(name) and C(version) of a registered
        model, C(trace_id), C(path) of an artifact in the run, C(model_path) of it in the model, and C(artifact_path) of
        it in the store.
    type: dict
    required: true
  ports:
    description:
      - Ports of the server to try.
    type: list
    elements: int
    default: []
  open_ports:
    description:
      - Those of O(ports) that may answer.
    type: list
    elements: int
    default: []
  timeout_seconds:
    description:
      - Seconds to wait for a connection and for each answer. A whole number from V(1) to V(3600).
    type: int
    default: 60
seealso:
  - module: opengeoai.modelhub.stack_security_info
"""

EXAMPLES = r"""
---
- name: Try what strangers may do
  opengeoai.modelhub.mlflow_access_info:
    url: https://mlflow.example.org
    address: 192.0.2.10
    routes:
      - {path: /api/2.0/mlflow/runs/get, methods: [GET]}
    proofs: ["GET /api/2.0/mlflow/runs/get"]
    login_user: admin
    login_password: "{{ mlflow_admin_password }}"
    user: probe
    password: "{{ probe_password }}"
    marker: marker-1f2e
    ids:
      experiment_id: "7"
      run_id: 8d2f
      name: probe
      version: "1"
      trace_id: tr-1
      path: text.txt
      model_path: text.txt
      artifact_path: 7/8d2f/artifacts/text.txt
  delegate_to: localhost
"""

RETURN = r"""
rows:
  description: A line for each fault, and for each check that found none.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: What was checked.
      type: str
      returned: always
      sample: without a login
    where:
      description: The call, or how many there were.
      type: str
      returned: always
      sample: GET /graphql
    passed:
      description: Whether the check passes.
      type: bool
      returned: always
    said:
      description: Why it does not, or what was seen.
      type: str
      returned: always
      sample: it answers 200 without a login
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._access import AccessParams, HttpsServer, look
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets


def argument_spec() -> dict[str, t.Any]:
    return {
        "url": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "default": 443},
        "ca_content": {"type": "str", "default": ""},
        "routes": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "path": {"type": "str", "required": True},
                "methods": {"type": "list", "elements": "str", "required": True},
            },
        },
        "open_routes": {"type": "list", "elements": "str", "default": []},
        "proofs": {"type": "list", "elements": "str", "default": []},
        "login_user": {"type": "str", "required": True},
        "login_password": {"type": "str", "required": True, "no_log": True},
        "user": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "marker": {"type": "str", "required": True},
        "ids": {"type": "dict", "required": True},
        "shared_routes": {"type": "list", "elements": "str", "default": []},
        "ports": {"type": "list", "elements": "int", "default": []},
        "open_ports": {"type": "list", "elements": "int", "default": []},
        "timeout_seconds": {"type": "int", "default": 60},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.no_log_values.update(url_secrets(module.params["url"]))
    try:
        params = AccessParams.from_module(module.params)
        rows = look(params, HttpsServer(params))
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, rows=rows)


if __name__ == "__main__":
    main()
