# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for a Docker engine inside a target: answers what a file holds, and writes down what it was asked.

Usage: engine.py ANSWERS CALLS [PORT]   (JSON; file to append to; TCP port to listen on beside)
"""

from __future__ import annotations

import json
import os
import re
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

SOCKET = "/run/docker.sock"


class Handler(BaseHTTPRequestHandler):
    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        self.close_connection = True
        if self.raw_requestline and self.parse_request():
            # The prefix is the version of the API.
            path = re.sub(r"^/v[0-9.]+", "", self.path)
            with Path(sys.argv[2]).open("a") as calls:
                calls.write(f"{self.command} {path}\n")
            self.answer(json.loads(Path(sys.argv[1]).read_text()).get(path))

    def answer(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


class Engine(socketserver.ThreadingUnixStreamServer):
    request_queue_size = 64
    daemon_threads = True


def main() -> None:
    busy = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[3:]]
    # Root's alone from its first moment on
    os.umask(0o177)
    with Engine(SOCKET, Handler) as engine:
        engine.serve_forever()
    del busy


if __name__ == "__main__":
    main()
