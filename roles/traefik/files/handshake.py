"""Ask each public address of the server and tell which certificate it serves.

Usage: handshake.py OPTIONS HOSTS   (a JSON object; host names, separated by commas)
Options: `address` and `port` of the server; `ca`, a PEM file of CAs to trust besides the system's, where it exists.
`any_issuer`: every certificate will do but the one that Traefik makes for itself. `pair`: the file that names the
certificate which must be served. `warn_days`: fewer days left than that are told; `due`: the seconds before its end at
which a certificate is renewed, and `interval`, those between two tries: one that is overdue is told. `plain`: there is
no TLS, and a host must have a route.
Prints a line per host, and one that begins with "degraded:" where something will go wrong soon. Exits with 1 and a line
per fault when an address fails.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
import time
from datetime import timezone
from pathlib import Path

options = {"ca": "", "any_issuer": False, "pair": "", "warn_days": 0, "due": 0, "interval": 0, "plain": False}
options.update(json.loads(sys.argv[1]))
ADDRESS = (options["address"], int(options["port"]))
# Older releases of Ansible hand numbers over as text.
WARN_DAYS, DUE, INTERVAL = (int(options[name]) for name in ("warn_days", "due", "interval"))
DAY = 86400


def connect(context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(ADDRESS, timeout=10), server_hostname=host)


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def served(host: str) -> str:
    """What is known of a certificate that cannot be trusted."""
    from cryptography import x509

    with connect(unverified(), host) as secure:
        certificate = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    # Older releases of cryptography know only the naive time.
    ends = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after.replace(tzinfo=timezone.utc)
    left = (ends.timestamp() - time.time()) / DAY
    return f"served is one by {certificate.issuer.rfc4514_string()}, {left:.1f} days left"


def expected() -> bytes:
    """The certificate that must be served, in DER form."""
    entry = json.loads(Path(options["pair"]).read_text())["tls"]["certificates"][0]
    pem = (Path(options["pair"]).parent / Path(entry["certFile"]).name).read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(pem[pem.index(begin) : pem.index(end) + len(end)])


def delay(begins: float, ends: float) -> float:
    """Seconds since a certificate should have been renewed."""
    due = max(begins, ends - DUE)
    return time.time() - due - 2 * INTERVAL - 60


def shake(host: str) -> list[str]:
    """The lines on a host. Raises OSError where the certificate is not for it or not trusted."""
    if options["any_issuer"]:
        with connect(unverified(), host) as secure:
            if b"TRAEFIK DEFAULT CERT" in (secure.getpeercert(binary_form=True) or b""):
                raise OSError("there is no certificate yet")
        return [f"{host}: there is a certificate"]
    context = ssl.create_default_context()
    if options["ca"] and Path(options["ca"]).exists():
        context.load_verify_locations(options["ca"])
    try:
        with connect(context, host) as secure:
            peer, der = secure.getpeercert() or {}, secure.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError as error:
        raise OSError(f"{error.verify_message}; {served(host)}") from error
    if options["pair"] and der != expected():
        raise OSError("another certificate is served than the one that should be")
    issuer = ", ".join(value for part in peer.get("issuer", ()) for _unused, value in part)
    names = ", ".join(value for kind, value in peer.get("subjectAltName", ()) if kind == "DNS")
    begins, ends = (ssl.cert_time_to_seconds(str(peer[key])) for key in ("notBefore", "notAfter"))
    left = (ends - time.time()) / DAY
    lines = [f"{host}: issued by {issuer} for {names}, {left:.1f} days left (until {peer['notAfter']})"]
    if DUE and delay(begins, ends) > 0:
        lines.append(
            f"degraded: {host} serves its old certificate, {left:.1f} days left; it should have been renewed"
            f" {delay(begins, ends) / DAY:.1f} days ago. The log of Traefik's container tells what the ACME server said"
        )
    elif left < WARN_DAYS:
        lines.append(f"degraded: the certificate of {host} ends in {left:.1f} days. Provide another one")
    return lines


def ask(host: str) -> list[str]:
    """The line on a host without TLS. Traefik itself answers 404 where no route is."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=10)
    connection.request("GET", "/", headers={"Host": host})
    status = connection.getresponse().status
    connection.close()
    if status == http.client.NOT_FOUND:
        raise OSError("there is no route yet")
    return [f"{host}: answers {status} over plain HTTP; TLS ends before it"]


faults = []
for name in sys.argv[2].split(","):
    try:
        print("\n".join(ask(name) if options["plain"] else shake(name)))
    except (OSError, http.client.HTTPException) as error:
        faults.append(f"{name} at {options['address']}:{options['port']}: {error}")
if faults:
    sys.exit("\n".join(faults))
