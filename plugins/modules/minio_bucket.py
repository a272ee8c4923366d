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
  - Creates a bucket, changes what it is like, or removes it.
  - Works with every server that speaks the S3 API with Signature Version 4,
    for example MinIO, Silo, SeaweedFS, Ceph or AWS S3.
  - An option that is left unset leaves what it is about alone; an empty list or dictionary removes it.
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
    details:
      - Whether a server takes a value is only known once it was asked to. What it takes and does not keep is an error.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - minio >= 7.2 from PyPI, for O(quota) only
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
  object_lock:
    description:
      - Whether objects can be locked, so that nobody deletes them for a while. V(true) enables versioning, too.
      - That is decided when the bucket is created. Of a bucket that exists and is otherwise, it is an error.
    type: bool
  lifecycle_rules:
    description:
      - What the server removes by itself, all rules of the bucket. V([]) removes them.
      - The server must carry them out. Some keep them and need another of their programs to do so.
    type: list
    elements: dict
    suboptions:
      id:
        description:
          - Name of the rule, of at most 255 characters.
          - When unset, that of a rule of the bucket which says the same, else one is made from what the rule says.
        type: str
      prefix:
        description:
          - How the names of objects begin that the rule is about. When unset, it is about all.
        type: str
      enabled:
        description:
          - Whether the rule is in force.
        type: bool
        default: true
      expiration_days:
        description:
          - Days after which an object is removed. In a bucket with versioning it becomes an old version.
        type: int
      expired_delete_markers:
        description:
          - Whether to remove the mark of a deleted object once no version of it is left.
          - Not together with O(lifecycle_rules[].expiration_days) in one rule.
        type: bool
        default: false
      noncurrent_expiration_days:
        description:
          - Days after which an old version of an object is removed.
        type: int
      abort_upload_days:
        description:
          - Days after which an upload in parts that was not completed is thrown away.
          - MinIO and Silo do so by themselves after a day, and refuse such a rule.
        type: int
  cors_rules:
    description:
      - Which web pages of other addresses browsers let use the bucket, all rules in their order; the first that fits
        counts. V([]) removes them.
    type: list
    elements: dict
    suboptions:
      allowed_origins:
        description:
          - Addresses of pages, such as V(https://mlflow.example.org), with at most one V(*) in each.
        type: list
        elements: str
        required: true
      allowed_methods:
        description:
          - Methods of HTTP.
        type: list
        elements: str
        choices: [GET, PUT, POST, DELETE, HEAD]
        required: true
      allowed_headers:
        description:
          - Headers that requests may carry, or V(*).
        type: list
        elements: str
        default: []
      expose_headers:
        description:
          - Headers of answers that pages may read.
        type: list
        elements: str
        default: []
      max_age_seconds:
        description:
          - Seconds that a browser may remember the answer.
        type: int
  tags:
    description:
      - All tags of the bucket, at most 50. Numbers and booleans are taken as text. V({}) removes them.
    type: dict
  encryption:
    description:
      - How the server encrypts objects that come without a wish of their own. V({}) removes it,
        which AWS S3, where everything is encrypted, does not keep, so that it is an error there.
    type: dict
    suboptions:
      algorithm:
        description:
          - V(AES256) with the server's own key, V(aws:kms) with one of its key management.
        type: str
        choices: [AES256, aws:kms]
      kms_key_id:
        description:
          - Name of the key, for V(aws:kms) only. When unset, the server's default.
        type: str
  quota:
    description:
      - How much the bucket may hold, in bytes or with a unit such as V(50G) or V(1T). V(0) removes it.
      - By the admin API of MinIO and Silo; any other server is an error.
    type: bytes
  policy:
    description:
      - Who may do what with the bucket, as a dictionary or in JSON. V({}) removes it.
      - Two policies that mean the same are the same, in whatever order and form.
    type: json
  force:
    description:
      - With O(state=absent), delete all objects and all their versions together with the bucket.
        This cannot be undone.
    type: bool
    default: false
notes:
  - A bucket that exists but answers C(AccessDenied) makes the module fail; it never tries to create it.
  - Some servers answer C(AccessDenied) for a missing bucket too when the credentials may not list it.
  - The credentials need s3:ListBucket, and for what is asked of the module s3:CreateBucket, s3:DeleteBucket,
    s3:ListBucketVersions, s3:DeleteObject, s3:DeleteObjectVersion, and the Get and Put of an option's aspect.
seealso:
  - module: opengeoai.modelhub.minio_user
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

- name: Clean up by itself, with the credentials of the machine's role
  opengeoai.modelhub.minio_bucket:
    name: mlflow-artifacts
    versioning: true
    lifecycle_rules:
      - {id: old-versions, noncurrent_expiration_days: 30}
      - {id: deleted, expired_delete_markers: true}
      - {id: uploads, abort_upload_days: 7}
      - {id: scratch, prefix: scratch/, expiration_days: 14}
    tags: {team: geo}
    encryption: {algorithm: AES256}
    endpoint_url: https://s3.eu-central-1.amazonaws.com
    region: eu-central-1

- name: Let a web page and everybody read, up to 50 GB, on MinIO
  opengeoai.modelhub.minio_bucket:
    name: public-maps
    quota: 50G
    cors_rules:
      - {allowed_origins: ["https://maps.example.org"], allowed_methods: [GET, HEAD]}
    policy:
      Version: "2012-10-17"
      Statement:
        - {Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::public-maps/*"}
    endpoint_url: https://minio-api.example.org
    access_key: "{{ minio_root_user }}"
    secret_key: "{{ minio_root_password }}"

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
    object_lock:
      description: Whether objects can be locked. Like all that follows, V(null) where it cannot be told.
      type: bool
      returned: always
      sample: false
    lifecycle_rules:
      description:
        - The rules in the form of O(lifecycle_rules), sorted by their ids.
        - What no option can say is in C(other) of a rule, in the words of S3.
      type: list
      elements: dict
      returned: always
      sample:
        - id: uploads
          prefix: ""
          enabled: true
          expiration_days: null
          expired_delete_markers: null
          noncurrent_expiration_days: null
          abort_upload_days: 7
    cors_rules:
      description: The rules in the form of O(cors_rules).
      type: list
      elements: dict
      returned: always
      sample: []
    tags:
      description: The tags.
      type: dict
      returned: always
      sample: {team: geo}
    encryption:
      description: The encryption in the form of O(encryption), empty for none.
      type: dict
      returned: always
      sample: {algorithm: AES256}
    quota:
      description: The quota in bytes, V(0) for none.
      type: int
      returned: when O(quota) is set
      sample: 53687091200
    policy:
      description: The policy, with lists in place of single texts, sorted; empty for none.
      type: dict
      returned: always
      sample: {}
    unsupported:
      description: What the server does not implement.
      type: list
      elements: str
      returned: always
      sample: []
    unknown:
      description: What the credentials may not look at.
      type: list
      elements: str
      returned: always
      sample: [policy]
diff:
  description: The bucket before and after.
  returned: success
  type: dict
  sample: {before: {state: absent}, after: {state: present, versioning: disabled}}
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import BUCKET_SPEC, BucketParams, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3_bucket import connect
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC


def main() -> None:
    module = AnsibleModule(argument_spec={**BUCKET_SPEC, **STORE_SPEC}, supports_check_mode=True)
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
