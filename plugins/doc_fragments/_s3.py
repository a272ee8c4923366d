# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How the modules for S3 reach the server; STORE_SPEC of module_utils/_store.py is the same in code."""

    DOCUMENTATION = r"""
requirements:
  - boto3 >= 1.20 (Debian and Ubuntu package C(python3-boto3))
options:
  endpoint_url:
    description:
      - Address of the S3 API as V(http://host[:port]) or V(https://host[:port]), without path and without credentials.
      - It is the API's address, not the one of the server's web console.
    type: str
    required: true
  access_key:
    description:
      - Access key to sign requests with.
      - When this and O(secret_key) are unset, the credentials that boto3 finds on the target,
        for example in C(AWS_ACCESS_KEY_ID), in C(~/.aws/credentials) or of the machine's role in a cloud.
    type: str
  secret_key:
    description:
      - Secret key that belongs to O(access_key).
    type: str
  session_token:
    description:
      - Session token that belongs to O(access_key), where both are temporary.
    type: str
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
  ca_content:
    description:
      - Certificates of the authorities to trust, as PEM text. It takes the place of O(ca_file).
    type: str
  validate_certs:
    description:
      - Whether to verify the server's TLS certificate. Disable this for tests only.
    type: bool
    default: true
  region:
    description:
      - Region to sign requests with and to create buckets in.
    type: str
    default: us-east-1
  addressing_style:
    description:
      - V(path) asks for C(endpoint_url/bucket), V(virtual) for C(bucket.host), which needs a name in DNS
        and in the certificate for every bucket, and V(auto) leaves it to boto3.
    type: str
    choices: [path, virtual, auto]
    default: path
  timeout_seconds:
    description:
      - Seconds to wait for a connection, and for an answer, in each attempt. A whole number from V(1) to V(3600).
    type: int
    default: 30
  retries:
    description:
      - How often a request is repeated that was not answered, or with an error that may pass.
        A whole number from V(0) to V(20).
    type: int
    default: 2
  total_timeout_seconds:
    description:
      - Seconds after which a request is not repeated any more, however many O(retries) are left.
        A whole number from V(1) to V(86400).
    type: int
    default: 120
"""
