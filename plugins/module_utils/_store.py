# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Where the S3 server is and who asks it: the options that all modules for S3 share. No network, no library."""

from __future__ import annotations

import tempfile
import typing as t
from dataclasses import dataclass, fields
from functools import lru_cache

from ansible_collections.opengeoai.modelhub.plugins.module_utils._connection import trusting
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import (
    access_key,
    integer,
    issued_secret,
    origin,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require, require_file

# doc_fragments/_s3.py says the same in words.
STORE_SPEC: dict[str, t.Any] = {
    "endpoint_url": {"type": "str", "required": True},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
    "server_address": {"type": "str"},
    "ca_file": {"type": "path"},
    "ca_content": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "region": {"type": "str", "default": "us-east-1"},
    "addressing_style": {"type": "str", "choices": ["path", "virtual", "auto"], "default": "path"},
    "timeout_seconds": {"type": "int", "default": 30},
    "retries": {"type": "int", "default": 2},
    "total_timeout_seconds": {"type": "int", "default": 120},
}

RULES: dict[str, dict[str, t.Any]] = {
    "endpoint_url": {"rule": origin, "example": "https://minio-api.example.org"},
    "timeout_seconds": {"rule": integer, "min": 1, "max": 3600},
    "retries": {"rule": integer, "min": 0, "max": 20},
    "total_timeout_seconds": {"rule": integer, "min": 1, "max": 86400},
}
# They may be left out, but not be empty.
CREDENTIALS: dict[str, dict[str, t.Any]] = {
    "access_key": {"rule": access_key, "min_length": 1},
    "secret_key": {"rule": issued_secret},
    "session_token": {"rule": issued_secret},
}


@dataclass(frozen=True)
class Store:
    endpoint_url: str
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    server_address: str | None
    ca_file: str | None
    ca_content: str | None
    validate_certs: bool
    region: str
    addressing_style: str
    timeout_seconds: int
    retries: int
    total_timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> Store:
        """Refuse bad values before any connection is opened."""
        given = {name: rule for name, rule in CREDENTIALS.items() if params[name] is not None}
        require(params, {**RULES, **given}, filled=("region",))
        if ("access_key" in given) != ("secret_key" in given):
            raise InvalidOption(
                "access_key and secret_key belong together, but only one of them is set. "
                "Set both, or neither to use the credentials that boto3 finds on the target."
            )
        if "session_token" in given and "access_key" not in given:
            raise InvalidOption("session_token belongs to access_key and secret_key. Set them too, or leave it out.")
        require_file("ca_file", params["ca_file"])
        if params["ca_content"]:
            trusting(params["ca_content"])
        return cls(**{field.name: params[field.name] for field in fields(cls)})

    @property
    def authorities(self) -> str | None:
        """Path of the file with the authorities to trust, None for those that the library trusts."""
        return kept_file(self.ca_content).name if self.ca_content else self.ca_file


@lru_cache(maxsize=None)
def kept_file(content: str) -> t.IO[str]:
    """A file of that content; it is gone with the process."""
    file = tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="utf-8")  # noqa: SIM115 (libraries read it again)
    file.write(content)
    file.flush()
    return file
