# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How the modules that manage MLflow reach it; SERVER_SPEC of module_utils/_accounts.py is the same in code."""

    DOCUMENTATION = r"""
options:
  tracking_uri:
    description:
      - Address of the MLflow server as V(http://host[:port]) or V(https://host[:port]), without path and credentials.
    type: str
    required: true
  login_user:
    description:
      - Administrator to log in as.
    type: str
    required: true
  login_password:
    description:
      - Password of O(login_user).
    type: str
    required: true
  server_address:
    description:
      - Address to connect to in place of the host in O(tracking_uri), for a name that the target does not know, such as
        that of a container. The server is still asked, and its certificate looked at, by that name.
    type: str
  ca_file:
    description:
      - Path, on the target, of a PEM file with the certificate authorities to trust.
      - When unset, the ones of the target's system.
      - Not used with O(validate_certs=false).
    type: path
  validate_certs:
    description:
      - Whether to verify the server's TLS certificate. Disable this for tests only.
    type: bool
    default: true
  timeout_seconds:
    description:
      - Seconds to wait for a connection and for each answer. A whole number from V(1) to V(3600).
    type: int
    default: 30
notes:
  - A server with C(auth_cache_ttl_seconds) takes an old password for so long after another one was set.
  - The account that O(login_user) names cannot remove itself.
seealso:
  - name: Permissions of MLflow
    description: What each of them allows.
    link: https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/
"""
