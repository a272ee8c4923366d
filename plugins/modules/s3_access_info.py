#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_access_info
version_added: 0.1.0
short_description: Tell what credentials may do at an S3 store
description:
  - Finds out by doing it whether credentials may list, read, write, upload in parts, give up such an upload, and delete
    in a bucket, and whether they may do more than that, which is to list other buckets, to read one, or to create one.
  - What it writes are a few bytes under names of its own, which it removes before it ends. A bucket that it could
    create is empty, and removed at once. What a killed run has left is removed by one that comes an hour later.
  - Works with any server that speaks S3, and asks for nothing that other servers than AWS do not have.
  - Never fails on what it finds, a missing bucket and missing rights included. It fails when the server does not
    answer, or does not take the credentials.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._s3
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
attributes:
  check_mode:
    support: full
    details:
      - In check mode nothing is written, so that only the rights to list and to read are told, and RV(complete) is
        V(false).
options:
  name:
    description:
      - Name of the bucket that the credentials are for.
    type: str
    required: true
    aliases: [bucket]
  prefix:
    description:
      - What the names of the objects begin with that are written, letters, digits and C(. _ -) with a slash at the end.
    type: str
    default: .modelhub-check/
  other_buckets:
    description:
      - Names of other buckets, of which the first three that there are are tried. Buckets that the credentials can list
        are known without.
    type: list
    elements: str
    default: []
notes:
  - In a bucket with versions, what is written is only removed for good by who may delete versions. Others leave old
    versions of a few bytes behind, which RV(left) names.
  - Some servers, such as MinIO and SeaweedFS, answer a list of buckets with those that may be seen. That counts as
    listing other buckets when there are any in it.
seealso:
  - module: opengeoai.modelhub.minio_bucket
  - module: opengeoai.modelhub.minio_user
"""

EXAMPLES = r"""
---
- name: Find out what the keys of MLflow may do
  opengeoai.modelhub.s3_access_info:
    name: mlflow
    endpoint_url: https://minio-api.example.org
    access_key: mlflow
    secret_key: "{{ vault_s3_secret_key }}"
  register: found

- name: Require what MLflow needs, and no more
  ansible.builtin.assert:
    that:
      - found.exists
      - found.missing + found.untold + found.excess == []
    fail_msg: "missing {{ found.missing }}, too much {{ found.excess }}: {{ found.said }}"
"""

RETURN = r"""
exists:
  description: Whether there is such a bucket. Where there is none, all rights are V(null).
  returned: success
  type: bool
  sample: true
complete:
  description: Whether all was tried, which is not in check mode.
  returned: success
  type: bool
  sample: true
inside:
  description: What the credentials may do in the bucket. V(null) where that could not be told.
  returned: success
  type: dict
  sample: {list: true, read: true, write: true, multipart: true, abort: true, delete: false}
outside:
  description: What they may do beside it. V(null) where that could not be told.
  returned: success
  type: dict
  sample: {list_buckets: false, create_bucket: false, read_bucket: false}
missing:
  description: Rights that the server refused in the bucket, in the words of S3's policies.
  returned: success
  type: list
  elements: str
  sample: ["s3:DeleteObject"]
untold:
  description:
    - Rights in the bucket that could not be tried, or whose trial failed for another reason than that it is refused.
      None in check mode.
  returned: success
  type: list
  elements: str
  sample: []
excess:
  description: Rights beside the bucket.
  returned: success
  type: list
  elements: str
  sample: ["s3:ListAllMyBuckets"]
said:
  description: By the keys of RV(inside) and RV(outside), what was said where something did not succeed.
  returned: success
  type: dict
  sample: {delete: "delete an object of bucket \"mlflow\": AccessDenied"}
other_buckets:
  description: Names of other buckets that the credentials can list.
  returned: success
  type: list
  elements: str
  sample: []
left:
  description: What was written and could not be removed.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets
from ansible_collections.opengeoai.modelhub.plugins.module_utils._rights import RightsParams, RightsReader
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import s3_api
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC


def argument_spec() -> dict[str, t.Any]:
    return {
        **STORE_SPEC,
        "name": {"type": "str", "required": True, "aliases": ["bucket"]},
        "prefix": {"type": "str", "default": ".modelhub-check/"},
        "other_buckets": {"type": "list", "elements": "str", "default": []},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.no_log_values.update(url_secrets(module.params["endpoint_url"]))
    try:
        params = RightsParams.from_module(module.params)
        reader = RightsReader(params, s3_api(params.store), write=not module.check_mode)
        result = reader.read(datetime.now(timezone.utc))
    except MissingLibrary as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.traceback)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
