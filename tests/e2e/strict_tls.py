"""Check what the entry point answers besides its certificate.

Usage: strict_tls.py CA_FILE SERVER HOST [HOST ...]
HTTP/2 is offered and spoken, TLS 1.1 is not; who asks for another name, or for none, gets no certificate; every host
tells browsers to stay with HTTPS; a header of 128 KiB is refused.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import sys

TIMEOUT_SECONDS = 60
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS_FRAME = 4
# What the server says, not that it hangs up.
REFUSALS = ("TLSV1_UNRECOGNIZED_NAME", "TLSV1_ALERT_PROTOCOL_VERSION")


def connect(context: ssl.SSLContext, server: str, name: str | None) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection((server, 443), TIMEOUT_SECONDS), server_hostname=name)


def is_refused(server: str, name: str | None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if newest < ssl.TLSVersion.TLSv1_2:
        # The client's own library would not try it otherwise.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = newest
    context.maximum_version = newest
    try:
        connect(context, server, name).close()
    except ssl.SSLError as error:
        return error.reason in REFUSALS
    return False


def speaks_http2(context: ssl.SSLContext, server: str, host: str) -> bool:
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(context, server, host) as secure:
        if secure.selected_alpn_protocol() != "h2":
            return False
        secure.sendall(HTTP2_PREFACE)
        frame = secure.recv(9)
    return frame[3] == SETTINGS_FRAME


def main() -> None:
    ca_file, server, *hosts = sys.argv[1:]
    faults = []
    for host in hosts:
        if not speaks_http2(ssl.create_default_context(cafile=ca_file), server, host):
            faults.append(f"{host} does not speak HTTP/2")
        connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=ca_file), timeout=60)
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        if answer.getheader("Strict-Transport-Security") != "max-age=31536000":
            faults.append(f"{host} answers {answer.status} with {answer.getheaders()}, without HSTS")
        connection.request("GET", "/health", headers={"X-Large": "x" * 128 * 1024})
        status = connection.getresponse().status
        if status != http.client.REQUEST_HEADER_FIELDS_TOO_LARGE:
            faults.append(f"{host} answers a header of 128 KiB with {status}")
        connection.close()
        if not is_refused(server, host, ssl.TLSVersion.TLSv1_1):
            faults.append(f"{host} speaks TLS 1.1, or does not say why it does not")
    faults += [
        f"the name {name} gets a certificate" for name in ("other.example.org", None) if not is_refused(server, name)
    ]
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(hosts)} hosts speak HTTP/2 over TLS 1.2 or later, with HSTS; other names are refused")


if __name__ == "__main__":
    main()
