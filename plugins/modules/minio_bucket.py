#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minio_bucket
version_added: 0.1.0
short_description: Manage a bucket of an S3 server
description:
  - Creates a bucket, switches its versioning, or removes it.
  - Works with every server that speaks the S3 API with Signature Version 4 and path-style addresses,
    for example MinIO, Silo, SeaweedFS, Ceph or AWS S3.
  - The connection is opened from the host that the module runs on.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.actiongroup_modelhub
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - boto3 >= 1.20 (Debian and Ubuntu package C(python3-boto3))
options:
  name:
    description:
      - Name of the bucket.
      - Must follow the S3 naming rules,
        U(https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
        They are checked before anything is contacted.
    type: str
    required: true
  state:
    description:
      - V(present) creates the bucket when it is missing.
      - V(absent) removes it. A bucket that is not empty is only removed with O(force=true).
    type: str
    choices: [present, absent]
    default: present
  versioning:
    description:
      - V(true) enables versioning.
      - V(false) suspends it where it is enabled; old versions are kept.
        A bucket that never had versioning is left as it is.
      - When unset, the versioning of an existing bucket is not touched and a new bucket has none.
      - V(true) fails on a server that does not implement versioning; V(false) gives a warning there.
    type: bool
  force:
    description:
      - With O(state=absent), delete all objects and all their versions together with the bucket.
        This cannot be undone.
    type: bool
    default: false
  endpoint_url:
    description:
      - Address of the S3 API as V(http://host[:port]) or V(https://host[:port]), without path and without credentials.
      - It is the API's address, not the one of the server's web console.
    type: str
    required: true
  access_key:
    description:
      - Access key to sign requests with.
      - It needs the right s3:ListBucket on the bucket, and s3:CreateBucket, s3:GetBucketVersioning,
        s3:PutBucketVersioning, s3:DeleteBucket, s3:ListBucketVersions, s3:DeleteObject and
        s3:DeleteObjectVersion for what is asked of the module.
    type: str
    required: true
  secret_key:
    description:
      - Secret key that belongs to O(access_key).
    type: str
    required: true
  server_address:
    description:
      - Address to connect to in place of the host in O(endpoint_url), for a name that the target does not know, such as
        that of a container. The server is still asked, and its certificate looked at, by that name.
    type: str
  ca_file:
    description:
      - Path, on the target, of a PEM file with the certificate authorities to trust.
      - When unset, the ones that boto3 trusts on the target.
      - Not used with O(validate_certs=false).
    type: path
  validate_certs:
    description:
      - Whether to verify the server's TLS certificate. Disable this for tests only.
    type: bool
    default: true
  region:
    description:
      - Region to sign requests with and to create the bucket in.
    type: str
    default: us-east-1
  timeout_seconds:
    description:
      - Seconds to wait for a connection, and for an answer, in each of at most three attempts.
        A whole number from V(1) to V(3600).
    type: int
    default: 30
notes:
  - A bucket that exists but answers C(AccessDenied) makes the module fail; it never tries to create it.
  - Some servers answer C(AccessDenied) for a missing bucket too when the credentials may not list it.
seealso:
  - module: opengeoai.modelhub.mlflow_schema_info
"""

EXAMPLES = r"""
---
- name: Make sure that the artifact bucket exists
  opengeoai.modelhub.minio_bucket:
    name: mlflow-artifacts
    endpoint_url: https://minio-api.example.org
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"

- name: Keep old versions of artifacts, with a private certificate authority
  opengeoai.modelhub.minio_bucket:
    name: mlflow-artifacts
    versioning: true
    endpoint_url: https://minio-api.example.org
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"
    ca_file: /opt/modelhub/tls/ca.crt

- name: Remove a bucket and everything in it
  opengeoai.modelhub.minio_bucket:
    name: old-artifacts
    state: absent
    force: true
    endpoint_url: http://127.0.0.1:9000
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"
"""

RETURN = r"""
bucket:
  description: The bucket as it is after the module ran, or would be after it in check mode.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the bucket.
      type: str
      returned: always
      sample: mlflow-artifacts
    endpoint_url:
      description: Address of the S3 API.
      type: str
      returned: always
      sample: https://minio-api.example.org
    state:
      description: V(present) or V(absent).
      type: str
      returned: always
      sample: present
    versioning:
      description:
        - V(enabled), V(suspended) or V(disabled), the last for a bucket that never had versioning.
        - V(unsupported) when the server does not implement it.
        - V(unknown) when the credentials may not ask.
        - V(null) when the bucket is absent.
      type: str
      returned: always
      sample: enabled
diff:
  description: State and versioning of the bucket before and after.
  returned: success
  type: dict
  sample: {before: {state: absent}, after: {state: present, versioning: disabled}}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import BucketParams, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import connect


def argument_spec() -> dict[str, t.Any]:
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "versioning": {"type": "bool"},
        "force": {"type": "bool", "default": False},
        "endpoint_url": {"type": "str", "required": True},
        "access_key": {"type": "str", "required": True, "no_log": False},
        "secret_key": {"type": "str", "required": True, "no_log": True},
        "server_address": {"type": "str"},
        "ca_file": {"type": "path"},
        "validate_certs": {"type": "bool", "default": True},
        "region": {"type": "str", "default": "us-east-1"},
        "timeout_seconds": {"type": "int", "default": 30},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.no_log_values.update(url_secrets(module.params["endpoint_url"]))
    try:
        params = BucketParams.from_module(module.params)
        result = run(params, connect(params), module.check_mode)
    except MissingLibrary as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.traceback)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
