#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_users
version_added: 0.1.0
short_description: Manage the accounts of an MLflow server
description:
  - Creates accounts of MLflow's basic authentication, changes their passwords, rights and permissions, or removes them.
  - Does for many accounts what M(opengeoai.modelhub.mlflow_user) does for one. All of them are looked at before the
    first is changed.
  - Uses the REST API of an MLflow server 3.13 or newer that runs with C(--app-name basic-auth).
  - The connection is opened from the host that the module runs on.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.actiongroup_modelhub
  - opengeoai.modelhub._tracking
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - A password is never part of it. RV(diff) tells that another one is set.
  idempotent:
    support: full
options:
  users:
    description:
      - The accounts, each of another name.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the account, without a colon.
        type: str
        required: true
      state:
        description:
          - V(present) creates the account when it is missing.
          - V(absent) removes it together with what was granted to it. Runs and models that it made stay.
        type: str
        choices: [present, absent]
        default: present
      password:
        description:
          - Password of the account, of 12 characters or more.
          - Needed to create it. When unset, the password of an account that exists is left alone.
        type: str
      update_password:
        description:
          - V(always) sets O(users[].password) when the account has another one, for which the module tries to log in
            with it.
          - V(on_create) sets it for a new account only.
        type: str
        choices: [always, on_create]
        default: always
      admin:
        description:
          - Whether the account is an administrator, who may do everything.
          - When unset, an account that exists is left as it is and a new one is none.
        type: bool
      permissions:
        description:
          - What the account may do. Everything else follows C(default_permission) of the server.
          - When unset, the permissions of the account are left alone.
        type: list
        elements: dict
        suboptions:
          resource_type:
            description:
              - Kind of what is granted.
              - Of a C(run) and other parts of an experiment or a model the only
                O(users[].permissions[].resource_id) is V(*).
            type: str
            choices:
              - experiment
              - registered_model
              - prompt
              - scorer
              - run
              - trace
              - assessment
              - logged_model
              - registered_model_version
              - prompt_version
              - scorer_version
              - gateway_secret
              - gateway_endpoint
              - gateway_model_definition
              - mcp_server
              - mcp_server_version
              - review_queue
            required: true
          resource_id:
            description:
              - Id of the experiment, name of the model, and so on, or V(*) for all of the kind.
            type: str
          experiment:
            description:
              - Name of an experiment, in place of its id. It must exist.
            type: str
          permission:
            description:
              - V(READ) sees it, V(USE) also uses it, V(EDIT) also changes it, V(MANAGE) also deletes and grants it.
              - V(DENY) keeps the account away from it, whatever else it was given.
            type: str
            choices: [READ, USE, EDIT, MANAGE, DENY]
            required: true
      exclusive_permissions:
        description:
          - Whether to take back what was granted to the account and is not in O(users[].permissions). Roles of the
            account stay.
        type: bool
        default: false
  exclusive:
    description:
      - Whether to remove every account that is not in O(users), but for that of O(login_user).
    type: bool
    default: false
seealso:
  - module: opengeoai.modelhub.mlflow_user
"""

EXAMPLES = r"""
---
- name: Have these accounts and no others
  opengeoai.modelhub.mlflow_users:
    users:
      - name: ada
        password: "{{ ada_password }}"
        permissions:
          - {resource_type: experiment, experiment: churn, permission: EDIT}
        exclusive_permissions: true
      - {name: grace, password: "{{ grace_password }}", update_password: on_create, admin: true}
    exclusive: true
    tracking_uri: https://mlflow.example.org
    login_user: admin
    login_password: "{{ mlflow_admin_password }}"
"""

RETURN = r"""
users:
  description: The accounts as they are after the module ran, or would be after it in check mode, and those it removed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the account.
      type: str
      returned: always
      sample: ada
    state:
      description: V(present) or V(absent).
      type: str
      returned: always
      sample: present
    admin:
      description: Whether it is an administrator.
      type: bool
      returned: when RV(users[].state) is V(present)
      sample: false
    permissions:
      description: What was granted to the account itself, in the form of O(users[].permissions), sorted.
      type: list
      elements: dict
      returned: when RV(users[].state) is V(present)
      sample: [{resource_type: experiment, resource_id: "7", permission: EDIT}]
diff:
  description:
    - Before and after of the accounts that change, by name. C(password) is V(another) and V(as given) where it is set,
      else missing.
  returned: success
  type: dict
  sample: {before: {ada: {state: absent}}, after: {ada: {state: present, admin: false, permissions: []}}}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._accounts import (
    ACCOUNT_SPEC,
    SERVER_SPEC,
    Server,
    accounts_from_options,
    run_all,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets
from ansible_collections.opengeoai.modelhub.plugins.module_utils._tracking import RestUserClient

SPEC = {
    "users": {"type": "list", "elements": "dict", "required": True, "options": ACCOUNT_SPEC},
    "exclusive": {"type": "bool", "default": False},
    **SERVER_SPEC,
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.no_log_values.update(url_secrets(module.params["tracking_uri"]))
    exclusive = module.params["exclusive"]
    try:
        server = Server.from_module(module.params)
        accounts = accounts_from_options(module.params["users"], server.login_user)
        result = run_all(accounts, exclusive, server.login_user, RestUserClient(server), module.check_mode)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
