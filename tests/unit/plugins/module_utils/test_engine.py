# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket
import stat
import threading
import time
import typing as t
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _engine
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import (
    STACK_LABEL,
    EngineDenied,
    EngineError,
    UnixEngine,
    look_at_engine,
    socket_gid,
)

CONTAINER: dict[str, t.Any] = {
    "Id": "c1",
    "Names": ["/web/database", "/postgres"],
    "Image": "postgres:17",
    "ImageID": "sha256:1",
    "State": "running",
    "Status": "Up 5 minutes",
    "Labels": {STACK_LABEL: "modelhub"},
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 443, "PublicPort": 8443, "Type": "tcp"},
        {"PrivatePort": 9000, "Type": "tcp"},
    ],
    "NetworkSettings": {"Networks": {"edge": {}, "backend": {"IPAddress": "172.20.0.3"}}},
    "Mounts": [
        {"Type": "volume", "Name": "data", "Source": ""},
        {"Type": "bind", "Source": "/srv/b"},
        {"Type": "tmpfs", "Destination": "/tmp"},
    ],
}
NETWORK: dict[str, t.Any] = {
    "Id": "n1",
    "Name": "backend",
    "Labels": {},
    "Internal": True,
    "Driver": "bridge",
    "IPAM": {"Config": [{"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"}]},
}
IMAGE: dict[str, t.Any] = {
    "Id": "sha256:1",
    "RepoTags": ["postgres:17.6", "postgres:17"],
    "RepoDigests": ["postgres@sha256:2"],
    "Labels": {"org.opencontainers.image.version": "17"},
    "Created": 1767225600,
}
ANSWERS: dict[str, t.Any] = {
    "version": {"Version": "26.1.5", "ApiVersion": "1.45"},
    "containers": [CONTAINER],
    "networks": [NETWORK],
    "images": [IMAGE],
}
PATHS = {
    "/version": "version",
    "/v1.45/containers/json?all=1": "containers",
    "/v1.45/networks": "networks",
    "/v1.45/images/json": "images",
}


class FakeEngine:
    """Gives ANSWERS with some changed; one that is an exception is raised."""

    def __init__(self, changes: dict[str, t.Any]) -> None:
        self.answers = {**ANSWERS, **changes}

    def get(self, path: str) -> t.Any:
        answer = self.answers[PATHS[path]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def look(**changes: t.Any) -> dict[str, t.Any]:
    return look_at_engine(FakeEngine(changes))


def test_a_whole_engine() -> None:
    assert look() == {
        "version": "26.1.5",
        "api_version": "1.45",
        "error": "",
        "denied": False,
        "containers": [
            {
                "name": "postgres",
                "id": "c1",
                "image": "postgres:17",
                "image_id": "sha256:1",
                "state": "running",
                "status": "Up 5 minutes",
                "labels": {STACK_LABEL: "modelhub"},
                "stack": "modelhub",
                "ports": [{"ip": "0.0.0.0", "host": 8443, "container": 443, "protocol": "tcp"}],
                "networks": ["backend", "edge"],
                "addresses": {"backend": "172.20.0.3", "edge": ""},
                "mounts": ["/srv/b", "data"],
            }
        ],
        "networks": [
            {
                "name": "backend",
                "id": "n1",
                "labels": {},
                "stack": "",
                "internal": True,
                "driver": "bridge",
                "subnets": ["172.20.0.0/16"],
            }
        ],
        "images": [
            {
                "id": "sha256:1",
                "tags": ["postgres:17", "postgres:17.6"],
                "digests": ["postgres@sha256:2"],
                "labels": {"org.opencontainers.image.version": "17"},
                "created": 1767225600,
            }
        ],
    }


def test_what_an_engine_leaves_out_or_says_as_null() -> None:
    bare = dict.fromkeys(("Labels", "Ports", "NetworkSettings", "Mounts", "Names"))
    found = look(
        containers=[{**CONTAINER, **bare}],
        networks=[{**NETWORK, "Labels": None, "IPAM": {"Config": None}}],
        images=[{**IMAGE, "RepoTags": ["<none>:<none>"], "RepoDigests": None, "Labels": None}],
    )
    container = found["containers"][0]
    assert [container[name] for name in ("name", "labels", "ports", "networks", "mounts")] == ["", {}, [], [], []]
    assert found["networks"][0]["subnets"] == []
    assert [found["images"][0][name] for name in ("tags", "digests", "labels")] == [[], [], {}]


def test_lists_are_sorted() -> None:
    found = look(containers=[CONTAINER, {**CONTAINER, "Names": ["/minio"]}])
    assert [one["name"] for one in found["containers"]] == ["minio", "postgres"]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": EngineError("hangs")},
        {"images": EngineError("hangs")},
        {"version": ["unexpected"]},
        {"version": {"message": "unexpected"}},
        {"containers": {"message": "unexpected"}},
        {"networks": None},
    ],
)
def test_half_an_answer_is_none(changes: dict[str, t.Any]) -> None:
    found = look(**changes)
    assert found.pop("error")
    assert not any(found.values())


def test_denied_is_told_apart() -> None:
    assert look(version=EngineDenied("no"))["denied"] is True


def test_an_engine_that_is_not_asked() -> None:
    assert not any(look_at_engine(None).values())


@contextmanager
def listening(path: Path, answer: t.Callable[[socket.socket], object] | None, backlog: int = 8) -> t.Iterator[str]:
    """A server on a Unix socket; without `answer` it never accepts."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(backlog)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _address = server.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        answer(connection)

        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield str(path)
        server.shutdown(socket.SHUT_RDWR)


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_real_socket(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(http("200 OK", json.dumps({"Version": "26.1.5"}).encode()))

    with listening(tmp_path / "s", lambda connection: (asked.append(b""), answer(connection))) as path:
        assert UnixEngine(path, 5).get("/version") == {"Version": "26.1.5"}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (http("500 Oh", b'{"message":"database is locked"}\n'), 'status 500, {"message":"database is locked"}'),
        (http("200 OK", b"<html>"), "the answer is no JSON"),
        (b"SSH-2.0-OpenSSH\r\n", "gave no answer: SSH-2.0-OpenSSH. Is this Docker's socket?"),
        (b"", "gave no answer"),
    ],
)
def test_what_is_no_engine(answer: bytes, says: str, tmp_path: Path) -> None:
    with listening(tmp_path / "s", lambda connection: connection.sendall(answer)) as path, pytest.raises(
        EngineError
    ) as error:
        UnixEngine(path, 5).get("/version")
    assert says in str(error.value)
    assert path in str(error.value)


def drip(connection: socket.socket, start: bytes) -> None:
    connection.sendall(start)
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _connection: time.sleep(3),
        lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\n"),
        lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
    ],
    ids=["silent", "slow head", "slow body"],
)
def test_all_answers_together_have_one_deadline(answer: t.Callable[[socket.socket], object], tmp_path: Path) -> None:
    began = time.monotonic()
    with listening(tmp_path / "s", answer) as path:
        engine = UnixEngine(path, 1)
        for _again in range(2):
            with pytest.raises(EngineError, match="did not answer within 1 seconds"):
                engine.get("/version")
    assert time.monotonic() - began < 2.5


def test_a_socket_that_takes_no_more(tmp_path: Path) -> None:
    with listening(tmp_path / "s", None, backlog=0) as path, socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(path)
        with pytest.raises(EngineError, match="did not answer within 1 seconds"):
            UnixEngine(path, 1).get("/version")


def test_a_socket_that_takes_one_more_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "RETRY_SECONDS", 0.01)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(str(tmp_path / "s"))
        server.listen(0)
        waiting.connect(str(tmp_path / "s"))

        def serve() -> None:
            time.sleep(0.2)
            server.accept()[0].close()
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(http("200 OK", b"{}"))

        threading.Thread(target=serve, daemon=True).start()
        assert UnixEngine(str(tmp_path / "s"), 5).get("/version") == {}


def test_no_socket(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"There is no socket .*/nothing"):
        UnixEngine(str(tmp_path / "nothing"), 5).get("/version")
    assert socket_gid(str(tmp_path / "nothing")) is None


def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    with pytest.raises(EngineError, match=r"Nothing listens on .*Start Docker"):
        UnixEngine(str(path), 5).get("/version")
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert socket_gid(str(path)) == path.stat().st_gid


def test_a_socket_that_may_not_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_connection: _engine.UnixConnection) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_engine.UnixConnection, "connect", refuse)
    with pytest.raises(EngineDenied, match=r"This user may not open /run/docker.sock.*become: true"):
        UnixEngine("/run/docker.sock", 5).get("/version")
