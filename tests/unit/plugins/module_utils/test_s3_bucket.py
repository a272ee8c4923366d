# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
import threading
import types
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _s3, _s3_bucket
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import StorageError, StorageUnsupported
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import s3_api
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3_bucket import S3BucketClient
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC, Store

ERROR = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{0}</Code><Message>said</Message></Error>"


class FakeServer(ThreadingHTTPServer):
    """Answers from a table of (method, part of the URL) -> (status, body), the first that fits; 200 for all else."""

    def __init__(self, answers: dict[tuple[str, str], tuple[int, str]]) -> None:
        self.answers = answers
        self.requests: list[tuple[str, str, str]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def store(self, **changes: t.Any) -> Store:
        options: dict[str, t.Any] = {
            **{name: spec.get("default") for name, spec in STORE_SPEC.items()},
            "endpoint_url": f"http://127.0.0.1:{self.server_address[1]}",
            "access_key": "someone",
            "secret_key": secrets.token_hex(12),
            "timeout_seconds": 5,
            "retries": 0,
            "total_timeout_seconds": 60,
        }
        return Store(**{**options, **changes})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        fake = t.cast("FakeServer", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fake.requests.append((self.command, self.path, body))
        wanted = (
            (s, b) for (method, part), (s, b) in fake.answers.items() if method == self.command and part in self.path
        )
        status, text = next(wanted, (200, ""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_DELETE = answer

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


@pytest.fixture
def serve() -> t.Iterator[t.Callable[..., FakeServer]]:
    servers: list[FakeServer] = []

    def start(answers: dict[tuple[str, str], tuple[int, str]]) -> FakeServer:
        servers.append(FakeServer(answers))
        threading.Thread(target=servers[-1].serve_forever, args=[0.05], daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def client(server: FakeServer, **options: t.Any) -> S3BucketClient:
    store = server.store(**options)
    return S3BucketClient(store, s3_api(store))


def test_what_a_server_takes_and_does_not_keep_is_an_error(
    serve: t.Callable[..., FakeServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_bucket, "PAUSES", (0, 0))
    server = serve({("GET", "?tagging"): (404, ERROR.format("NoSuchTagSet"))})
    with pytest.raises(StorageUnsupported, match=r'the server took it, but keeps \{\} instead of .*"?a"?'):
        client(server).change("b1x", "tags", {"a": "1"})
    assert [method for method, _path, _body in server.requests] == ["PUT", "GET", "GET"]


@pytest.mark.parametrize(
    ("status", "code", "value"),
    [
        (404, "NoSuchTagSet", {}),
        (501, "NotImplemented", "unsupported"),
        (405, "MethodNotAllowed", "unsupported"),
        (400, "InvalidArgument", "unsupported"),
        (403, "AccessDenied", "unknown"),
    ],
)
def test_what_there_is_not_and_what_cannot_be_told(
    serve: t.Callable[..., FakeServer], status: int, code: str, value: t.Any
) -> None:
    listing = "<ListBucketResult><Name>b1x</Name></ListBucketResult>"
    server = serve(
        {
            ("GET", "list-type=2"): (200, listing),
            ("GET", "?tagging"): (status, ERROR.format(code)),
            ("GET", "?object-lock"): (404, ERROR.format("ObjectLockConfigurationNotFoundError")),
            ("GET", "?lifecycle"): (404, ERROR.format("NoSuchLifecycleConfiguration")),
            ("GET", "?cors"): (404, ERROR.format("NoSuchCORSConfiguration")),
            ("GET", "?encryption"): (404, ERROR.format("ServerSideEncryptionConfigurationNotFoundError")),
            ("GET", "?policy"): (404, ERROR.format("NoSuchBucketPolicy")),
        }
    )
    found = client(server).describe("b1x")
    assert found is not None
    assert found.aspects["tags"] == value
    assert found.aspects["policy"] == {}
    # One for the bucket and one for each aspect.
    assert len(server.requests) == 8


def test_requests_are_repeated(serve: t.Callable[..., FakeServer]) -> None:
    server = serve({("GET", "/b1x"): (503, ERROR.format("ServiceUnavailable"))})
    with pytest.raises(StorageError, match=r"is not ready. Wait until it is healthy"):
        client(server, retries=1).describe("b1x")
    assert len(server.requests) == 2


def test_requests_are_not_repeated_forever(serve: t.Callable[..., FakeServer], monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the module only: the server has a clock, too.
    monkeypatch.setattr(_s3, "time", types.SimpleNamespace(monotonic=clock().__next__))
    server = serve({("GET", "/b1x"): (503, ERROR.format("ServiceUnavailable"))})
    with pytest.raises(StorageError, match=r"repeated for more than 60 seconds.*raise total_timeout_seconds"):
        client(server, retries=20).describe("b1x")
    # At 25 and 50 seconds, and no more at 75
    assert len(server.requests) == 2


def clock() -> t.Iterator[float]:
    """A clock that goes 25 seconds further each time that somebody looks at it."""
    now = 0.0
    while True:
        yield now
        now += 25
