"""Watch who has signed the certificate of a host, several times a second, until a file appears.

Usage: issuers.py HOST STOP_FILE ROOT_FILE [ROOT_FILE ...]
Prints one JSON line: the changes seen, as a list of root files' names, or what is wrong with a certificate that none of
the roots has signed. While nobody listens, as when a container is replaced, there is nothing to see; nor for a moment
after, when Traefik answers with a certificate of its own before it has read its configuration.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from pathlib import Path

PAUSE_SECONDS = 0.3
LONGEST_SECONDS = 900
# Of Traefik's start on a busy machine
STARTING_SECONDS = 10


def issuer(host: str, roots: list[str]) -> str:
    problem = ""
    for root in roots:
        context = ssl.create_default_context(cafile=root)
        try:
            plain = socket.create_connection((host, 443), timeout=60)
            with context.wrap_socket(plain, server_hostname=host):
                return Path(root).name
        except ssl.SSLCertVerificationError as error:
            problem = error.verify_message
        except OSError:
            return ""
    return problem


def main() -> None:
    host, stop_file, *roots = sys.argv[1:]
    names = [Path(root).name for root in roots]
    seen: list[str] = []
    since = 0.0
    end = time.monotonic() + LONGEST_SECONDS
    while not Path(stop_file).exists() and time.monotonic() < end:
        now = issuer(host, roots)
        if now and seen[-1:] != [now]:
            if seen and seen[-1] not in names and time.monotonic() - since < STARTING_SECONDS:
                seen.pop()
            since = time.monotonic()
            if seen[-1:] != [now]:
                seen.append(now)
        time.sleep(PAUSE_SECONDS)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
