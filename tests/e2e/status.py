"""Wait until a path answers with a status, within the seconds in which a change of configuration must be seen.

Usage: status.py CA_FILE SERVER HOST PATH STATUS [USER:PASSWORD]
SERVER is asked for HOST, whether or not a resolver knows that name. The certificate must chain to the CA.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import sys
import time

SECONDS = 10


class Connection(http.client.HTTPSConnection):
    """To one server, whatever name is asked for."""

    def __init__(self, ca_file: str, server: str, host: str) -> None:
        # The certificate's names are tls.py's to check.
        context = ssl.create_default_context(cafile=ca_file)
        context.check_hostname = False
        super().__init__(host, timeout=60, context=context)
        self._server = server
        self._tls = context

    def connect(self) -> None:
        raw = socket.create_connection((self._server, 443), self.timeout)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)


def status(connection: Connection, path: str, login: str) -> int:
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def main() -> None:
    ca_file, server, host, path, wanted, *login = sys.argv[1:]
    started = time.monotonic()
    while True:
        connection = Connection(ca_file, server, host)
        found = status(connection, path, "".join(login))
        connection.close()
        seconds = time.monotonic() - started
        if found == int(wanted):
            print(f"https://{host}{path} answers {found} after {seconds:.1f} s")
            return
        if seconds > SECONDS:
            raise SystemExit(f"https://{host}{path} answers {found} and not {wanted}, even after {SECONDS} s")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
