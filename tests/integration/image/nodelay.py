"""Check that the MLflow server sets TCP_NODELAY on the connections that it accepts.

Runs as root in the server's process and network namespaces. Opens a connection, takes a copy of the server's end out of
its process (pidfd_getfd, Linux 5.6) and asks the kernel for the option.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import socket
import sys
from pathlib import Path

PIDFD_GETFD = 438
LIBC = ctypes.CDLL(None, use_errno=True)


def sockets(pid: int) -> list[socket.socket]:
    """Return copies of a process's TCP sockets."""
    process = os.pidfd_open(pid)
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        if not os.readlink(entry).startswith("socket:"):
            continue
        copy = LIBC.syscall(PIDFD_GETFD, process, int(entry.name), 0)
        if copy < 0:
            sys.exit(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
        found.append(socket.socket(fileno=copy))
    return [one for one in found if one.family in (socket.AF_INET, socket.AF_INET6) and one.type == socket.SOCK_STREAM]


def main() -> None:
    connection = http.client.HTTPConnection("127.0.0.1", 5000)
    connection.request("GET", "/health")
    connection.getresponse().read()
    ours = connection.sock.getsockname()
    for pid in (
        int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()
    ):
        for end in sockets(pid):
            try:
                peer = end.getpeername()
            except OSError:
                continue  # it listens
            if peer == ours and end.getsockname()[1] == 5000:
                sys.exit(None if end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) else "TCP_NODELAY is not set")
    sys.exit("no process has the server's end of the connection")


if __name__ == "__main__":
    main()
