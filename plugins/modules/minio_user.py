#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minio_user
version_added: 0.1.0
short_description: Manage a user or service account of a MinIO store
description:
  - Creates a user or a service account, changes its secret, its policy and whether it is let in, or removes it.
  - Uses the admin API of MinIO and its forks, such as Silo. Any other S3 server is an error, SeaweedFS among them.
    Make the account with its own tools there, and use the keys that these give.
  - The connection is opened from the host that the module runs on.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.actiongroup_modelhub
  - opengeoai.modelhub._s3
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - A secret is never part of it. RV(diff) tells that another one is set.
  idempotent:
    support: full
requirements:
  - minio >= 7.2 from PyPI
options:
  name:
    description:
      - Access key of the account, of 3 characters or more.
    type: str
    required: true
  state:
    description:
      - V(present) creates the account when it is missing.
      - V(absent) removes it, and the policy that O(buckets) or O(policy) made for it. Objects stay.
    type: str
    choices: [present, absent]
    default: present
  service_account:
    description:
      - V(true) for further keys of the account that O(access_key) is of, which may do no more than it.
      - V(false) for a user of its own.
    type: bool
    default: false
  secret:
    description:
      - Secret key of the account, of 8 characters or more.
      - Needed to create it. When unset, the secret of an account that exists is left alone.
    type: str
  update_secret:
    description:
      - V(always) sets O(secret) when the account has another one, which is found out by trying it at the S3 API.
        That of an account that is kept out cannot be tried, and is set when it is let in again.
      - V(on_create) sets it for a new account only.
    type: str
    choices: [always, on_create]
    default: always
  enabled:
    description:
      - Whether the account is let in.
      - When unset, an account that exists is left as it is and a new one is let in.
    type: bool
  buckets:
    description:
      - Names of buckets, in which the account may list, read, write and delete objects, and do nothing else.
      - V([]) takes its policy from it. When this and O(policy) are unset, its policies are left alone.
      - Mutually exclusive with O(policy).
    type: list
    elements: str
  policy:
    description:
      - What the account may do, as a dictionary or in JSON, in place of O(buckets).
      - The policy of a user is kept by the user's name, and takes the place of all that were attached to it.
      - V({}) takes it from a user. A service account without one may do what the account may that it belongs to;
        taking it from one that exists is an error.
    type: json
notes:
  - The credentials must be those of an administrator, or for a service account those of any account.
seealso:
  - module: opengeoai.modelhub.minio_bucket
"""

EXAMPLES = r"""
---
- name: Make a user for the buckets of MLflow
  opengeoai.modelhub.minio_user:
    name: mlflow
    secret: "{{ mlflow_s3_secret }}"
    buckets: [mlflow-artifacts]
    endpoint_url: https://minio-api.example.org
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"

- name: Make keys that may only read
  opengeoai.modelhub.minio_user:
    name: reader
    service_account: true
    secret: "{{ reader_secret }}"
    policy:
      Version: "2012-10-17"
      Statement:
        - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::mlflow-artifacts/*"}
    endpoint_url: https://minio-api.example.org
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"

- name: Keep a user out
  opengeoai.modelhub.minio_user:
    name: mlflow
    enabled: false
    endpoint_url: http://127.0.0.1:9000
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"

- name: Remove a user
  opengeoai.modelhub.minio_user:
    name: mlflow
    state: absent
    endpoint_url: http://127.0.0.1:9000
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"
"""

RETURN = r"""
user:
  description: The account as it is after the module ran, or would be after it in check mode.
  returned: success
  type: dict
  contains:
    name:
      description: Its access key.
      type: str
      returned: always
      sample: mlflow
    service_account:
      description: Whether it is a service account.
      type: bool
      returned: always
      sample: false
    state:
      description: V(present) or V(absent).
      type: str
      returned: always
      sample: present
    enabled:
      description: Whether it is let in.
      type: bool
      returned: when RV(user.state) is V(present)
      sample: true
    policies:
      description: Names of the policies that are attached to a user.
      type: list
      elements: str
      returned: when RV(user.state) is V(present)
      sample: [mlflow]
    policy:
      description: What its own policy says, with lists in place of single texts, sorted; empty for none.
      type: dict
      returned: when RV(user.state) is V(present)
      sample: {}
diff:
  description: The account before and after. C(secret) is there where it is set, without telling it.
  returned: success
  type: dict
  sample: {before: {state: absent}, after: {state: present, enabled: true, policies: [], policy: {}}}
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._admin_keys import connect
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._keys import KEYS_RULES, KEYS_SPEC, Keys, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC


def main() -> None:
    module = AnsibleModule(argument_spec={**KEYS_SPEC, **STORE_SPEC}, supports_check_mode=True, **KEYS_RULES)
    module.no_log_values.update(url_secrets(module.params["endpoint_url"]))
    try:
        keys = Keys.from_module(module.params)
        result = run(keys, connect(keys), module.check_mode)
    except MissingLibrary as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.traceback)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
