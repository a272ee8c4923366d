# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give credentials to whoever asks, as a cloud does to its machines: credentials.py ENVIRONMENT_FILE PORT_FILE

The file holds MINIO_ROOT_USER and MINIO_ROOT_PASSWORD.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

given = dict(line.split("=", 1) for line in Path(sys.argv[1]).read_text().splitlines())
answer = {
    "AccessKeyId": given["MINIO_ROOT_USER"],
    "SecretAccessKey": given["MINIO_ROOT_PASSWORD"],
    # It would be sent along, and the store has issued none.
    "Token": "",
    "Expiration": "2099-01-01T00:00:00Z",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


server = HTTPServer(("127.0.0.1", 0), Handler)
Path(sys.argv[2]).write_text(str(server.server_port))
server.serve_forever()
