"""Shake hands by TLS for each host name and tell who signed the certificate that is served.

Arguments: address and port of the server; a PEM file of CAs to trust besides the system's, used where it exists, or -
to accept every certificate but the one that Traefik makes for itself; host names, separated by commas.
Prints a line per host. Exits with 1 and a line per fault when one fails.
"""

import socket
import ssl
import sys
from pathlib import Path

address, port, ca_file, hosts = sys.argv[1:]


def shake(host: str) -> str:
    """Return the line on a host; raise OSError where the certificate is not for it or not trusted."""
    context = ssl.create_default_context()
    if ca_file == "-":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif Path(ca_file).exists():
        context.load_verify_locations(ca_file)
    plain = socket.create_connection((address, int(port)), timeout=10)
    with context.wrap_socket(plain, server_hostname=host) as secure:
        if ca_file == "-":
            if b"TRAEFIK DEFAULT CERT" in (secure.getpeercert(binary_form=True) or b""):
                raise OSError("there is no certificate yet")
            return host + ": there is a certificate"
        peer = secure.getpeercert() or {}
    issuer = ", ".join(value for part in peer.get("issuer", ()) for _unused, value in part)
    return f"{host}: issued by {issuer}, valid until {peer.get('notAfter')}"


faults = []
for name in hosts.split(","):
    try:
        print(shake(name))
    except OSError as error:
        faults.append(f"{name} at {address}:{port}: {error}")
if faults:
    sys.exit("\n".join(faults))
