"""Check HTTPS as a client sees it: plain HTTP is redirected, every served certificate chains to the given CA.

Usage: tls.py CA_FILE HOST [HOST ...]
"""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import time

TIMEOUT_SECONDS = 120


def check_redirect(host: str) -> None:
    connection = http.client.HTTPConnection(host, 80, timeout=TIMEOUT_SECONDS)
    connection.request("GET", "/some/path?x=1")
    answer = connection.getresponse()
    location = answer.getheader("Location") or ""
    if answer.status not in (301, 308) or location != f"https://{host}/some/path?x=1":
        raise SystemExit(f"http://{host}/: expected a permanent redirect to https, saw {answer.status} to {location!r}")


def check_certificate(ca_file: str, host: str) -> str:
    context = ssl.create_default_context(cafile=ca_file)
    try:
        raw = socket.create_connection((host, 443), TIMEOUT_SECONDS)
        with context.wrap_socket(raw, server_hostname=host) as tls:
            certificate = tls.getpeercert() or {}
            protocol = tls.version()
    except ssl.SSLError as exc:
        raise SystemExit(f"https://{host}/: the served certificate does not chain to {ca_file}: {exc}") from exc
    seconds_left = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
    issuer = dict(pair for part in certificate["issuer"] for pair in part)  # type: ignore[misc, union-attr]
    return f"{protocol}, issuer {issuer.get('commonName')}, {seconds_left / 86400:.0f} days left"


def main() -> None:
    ca_file, *hosts = sys.argv[1:]
    for host in hosts:
        check_redirect(host)
        print(f"{host}: {check_certificate(ca_file, host)}")


if __name__ == "__main__":
    main()
