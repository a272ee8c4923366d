# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._addresses import (
    AddressParams,
    certificate,
    look,
    name_of,
    reason,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption

ROOT = Path(__file__).parents[4]
HOST = "mlflow.modelhub.test"
OPTIONS: dict[str, t.Any] = {
    "hosts": [HOST],
    "address": "127.0.0.1",
    "port": 1,
    "tls": True,
    "ca_content": "",
    "timeout_seconds": 10,
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Only the right name is known here."""
        self.send_response(401 if self.headers["Host"] == HOST else 404)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([sys.executable, ROOT / "tests/e2e/certificates.py", folder, "modelhub.test"], check=True)
    return folder


@pytest.fixture
def serve(made: Path) -> t.Iterator[t.Callable[[str], int]]:
    servers: list[ThreadingHTTPServer] = []

    def start(name: str) -> int:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        if name:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(made / f"{name}.pem", made / "good.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(**changes: t.Any) -> list[dict[str, t.Any]]:
    return look(AddressParams.from_module({**OPTIONS, **changes}))


def test_what_answers_is_told_with_its_certificate(serve: t.Callable[[str], int], made: Path) -> None:
    port, ca = serve("good"), (made / "ca.pem").read_text()
    told, other = ask(port=port, ca_content=ca, hosts=[HOST, "other.example.org"])
    assert (told["host"], told["status"], told["error"]) == (HOST, 401, "")
    assert told["certificate"]["issuer"] == "Test intermediate CA"
    assert 0 < told["certificate"]["days_left"] <= told["certificate"]["days_valid"]
    # A name that the certificate does not have
    assert (other["status"], other["certificate"]) == (None, None)
    assert "does not verify: Hostname mismatch" in other["error"]


@pytest.mark.parametrize(
    ("name", "trusted", "says"), [("good", "", "does not verify"), ("expired", "ca.pem", "expired")]
)
def test_certificates_are_verified(
    name: str, trusted: str, says: str, serve: t.Callable[[str], int], made: Path
) -> None:
    ca = (made / trusted).read_text() if trusted else ""
    (told,) = ask(port=serve(name), ca_content=ca)
    assert told["status"] is None
    assert says in told["error"]


def test_without_tls(serve: t.Callable[[str], int]) -> None:
    port = serve("")
    told, other = ask(port=port, tls=False, hosts=[HOST, "other.example.org"])
    assert (told["status"], told["certificate"], other["status"]) == (401, None, 404)
    assert ask(port=port)[0]["error"]


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (told,) = ask(port=free.getsockname()[1])
    assert told == {"host": HOST, "status": None, "error": "Connection refused", "certificate": None}


def test_a_server_that_is_silent_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (told,) = ask(port=silent.getsockname()[1], timeout_seconds=1)
    assert told["error"] == "it did not answer in time"


def test_days_and_names() -> None:
    found = {"notBefore": "Jan  1 00:00:00 2026 GMT", "notAfter": "Apr  1 00:00:00 2026 GMT", "issuer": ()}
    now = ssl.cert_time_to_seconds("Mar  1 12:00:00 2026 GMT")
    assert certificate(found, now) == {"issuer": "", "days_left": 30.5, "days_valid": 90.0}
    assert name_of(((("organizationName", "Somebody"),), (("commonName", "R11"),))) == "R11"
    assert name_of(((("organizationName", "Somebody"),),)) == "Somebody"
    assert reason(socket.gaierror(-2, "Name or service not known")) == "its name does not resolve here"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"port": 0}, "port is 0"),
        ({"timeout_seconds": 0}, "timeout_seconds is 0"),
        ({"ca_content": "nothing"}, "ca_content holds no certificates"),
    ],
)
def test_bad_options(options: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        ask(**options)
