# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What answers at host names, and with which certificate. Standard library alone; only reads."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

from ansible_collections.opengeoai.modelhub.plugins.module_utils._connection import trusting
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer, port
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require

DAY_SECONDS = 86400
AT_ONCE = 8
RULES: dict[str, dict[str, t.Any]] = {
    "port": {"rule": port},
    "timeout_seconds": {"rule": integer, "min": 1, "max": 3600},
}
# As getpeercert() tells it: pairs in tuples in a tuple.
Name = t.Tuple[t.Tuple[t.Tuple[str, str], ...], ...]


@dataclass(frozen=True)
class AddressParams:
    hosts: list[str]
    address: str
    port: int
    tls: bool
    ca_content: str
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> AddressParams:
        require(params, RULES)
        if params["ca_content"]:
            trusting(params["ca_content"])
        return cls(**{one.name: params[one.name] for one in fields(cls)})


def name_of(issuer: Name) -> str:
    """The common name of an issuer, or the name of its organization."""
    parts = {key: value for pairs in issuer for key, value in pairs}
    return parts.get("commonName") or parts.get("organizationName") or ""


def certificate(found: dict[str, t.Any], now: float) -> dict[str, t.Any]:
    """What is told of a certificate that was verified."""
    begin, end = (ssl.cert_time_to_seconds(found[key]) for key in ("notBefore", "notAfter"))
    return {
        "issuer": name_of(found.get("issuer", ())),
        "days_left": round((end - now) / DAY_SECONDS, 2),
        "days_valid": round((end - begin) / DAY_SECONDS, 2),
    }


def reason(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate does not verify: {exc.verify_message}"
    if isinstance(exc, socket.timeout):
        return "it did not answer in time"
    if isinstance(exc, socket.gaierror):
        return "its name does not resolve here"
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__


def ask(host: str, params: AddressParams, context: ssl.SSLContext | None) -> dict[str, t.Any]:
    """One element of RV(addresses)."""
    told: dict[str, t.Any] = {"host": host, "status": None, "error": "", "certificate": None}
    try:
        with socket.create_connection((params.address or host, params.port), params.timeout_seconds) as plain:
            connection = http.client.HTTPConnection(host, params.port)
            connection.sock = plain
            if context:
                secured = context.wrap_socket(plain, server_hostname=host)
                connection.sock = secured
                told["certificate"] = certificate(secured.getpeercert() or {}, time.time())
            connection.request("GET", "/", headers={"Host": host})
            told["status"] = connection.getresponse().status
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as exc:
        told["error"] = reason(exc)
    return told


def look(params: AddressParams) -> list[dict[str, t.Any]]:
    context = trusting(params.ca_content) if params.tls else None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda host: ask(host, params, context), params.hosts))
