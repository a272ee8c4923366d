#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minio_bucket_info
version_added: 0.1.0
short_description: Tell how much a bucket of an S3 store holds
description:
  - Counts the objects of a bucket, their old versions, and the uploads that were begun and not completed, with sizes.
  - Counts by listing, which takes a request for every thousand objects. O(max_objects) is where it ends.
  - Works with any server that speaks S3, MinIO, its forks and others.
  - Never fails on what it finds, a missing bucket included. It fails when the server does not answer, or not to these
    credentials.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._s3
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
options:
  name:
    description:
      - Name of the bucket.
    type: str
    required: true
    aliases: [bucket]
  max_objects:
    description:
      - Objects to count at most, with their old versions and delete markers. A whole number from V(1) to V(1000000000).
      - Of a bucket that holds more, the numbers are the least that it holds, and C(complete) tells so.
    type: int
    default: 1000000
  max_uploads:
    description:
      - Incomplete uploads to count at most, each of which takes a request for its size.
        A whole number from V(1) to V(100000).
    type: int
    default: 1000
notes:
  - Releases of MinIO from before 2025 list incomplete uploads only to those who name the object, and seem to have none.
  - Where the bucket has no versions but its server keeps some for other reasons, these are not counted.
seealso:
  - module: opengeoai.modelhub.minio_bucket
"""

EXAMPLES = r"""
---
- name: Look at how much the bucket holds
  opengeoai.modelhub.minio_bucket_info:
    name: mlflow
    endpoint_url: https://minio-api.example.org
    access_key: mlflow
    secret_key: "{{ vault_s3_secret_key }}"
  register: found

- name: Require that no upload was left behind a week ago
  ansible.builtin.assert:
    that: (found.incomplete_uploads.oldest_seconds or 0) < 7 * 86400
"""

RETURN = r"""
exists:
  description: Whether there is such a bucket. Where there is none, all else is V(null).
  returned: success
  type: bool
  sample: true
server:
  description: How the server calls itself, empty when it does not.
  returned: success
  type: str
  sample: MinIO
versioning:
  description: V(enabled), V(suspended) or V(disabled). V(null) where the server does not tell.
  returned: success
  type: str
  sample: enabled
objects:
  description: The objects, without their old versions.
  returned: success
  type: dict
  contains: &tally
    count:
      description: How many there are.
      type: int
      returned: always
      sample: 1234
    bytes:
      description: Their size.
      type: int
      returned: always
      sample: 5368709120
    complete:
      description: Whether these are all. If not, there are at least so many.
      type: bool
      returned: always
      sample: true
old_versions:
  description: Versions of objects that were replaced or deleted since. V(null) where the server does not tell.
  returned: success
  type: dict
  contains: *tally
delete_markers:
  description: Marks of deleted objects whose versions are kept. V(null) where the server does not tell.
  returned: success
  type: int
  sample: 0
incomplete_uploads:
  description: Uploads that were begun and neither completed nor aborted. V(null) where the server does not tell.
  returned: success
  type: dict
  contains:
    count:
      description: How many there are.
      type: int
      returned: always
      sample: 2
    bytes:
      description: Size of the parts that are there.
      type: int
      returned: always
      sample: 10485760
    complete:
      description: Whether these are all. If not, there are at least so many, and an older one may be among the others.
      type: bool
      returned: always
      sample: true
    oldest_seconds:
      description: For how many seconds the oldest of them has been there. V(null) without one, or where nobody tells.
      type: int
      returned: always
      sample: 3600
"""

import typing as t
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._contents import BucketReader, ContentsParams
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import url_secrets
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import s3_api
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC


def argument_spec() -> dict[str, t.Any]:
    return {
        **STORE_SPEC,
        "name": {"type": "str", "required": True, "aliases": ["bucket"]},
        "max_objects": {"type": "int", "default": 1_000_000},
        "max_uploads": {"type": "int", "default": 1000},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.no_log_values.update(url_secrets(module.params["endpoint_url"]))
    try:
        params = ContentsParams.from_module(module.params)
        result = BucketReader(params, s3_api(params.store)).read(datetime.now(timezone.utc))
    except MissingLibrary as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.traceback)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
