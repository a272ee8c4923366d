# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _host

# Two listeners, 0.0.0.0:443 and 127.0.0.1:5432, and a connection that is established.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1111 1 0 100 0 0 10 0
   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 2222 1 0 100 0 0 10 0
   2: 0100007F:0050 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 3333 1 0 20 4 30 10 -1
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4444 1 0 100 0
"""


def describe(path: Path | str) -> dict[str, t.Any]:
    return _host.describe_path(str(path))


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Grüße\n")
    path.chmod(0o640)
    assert describe(path) == {
        "type": "file",
        "uid": os.getuid(),
        "gid": path.stat().st_gid,
        "mode": "0640",
        "size": 8,
        "empty": None,
        "content": "Grüße\n",
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"x" * _host.MAX_CONTENT_BYTES, "x" * _host.MAX_CONTENT_BYTES),
        (b"x" * (_host.MAX_CONTENT_BYTES + 1), None),
        (b"\xff\xfe", None),
    ],
    ids=["empty", "longest", "too long", "not UTF-8"],
)
def test_content(content: bytes, text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert describe(path)["content"] == text
    assert describe(path)["size"] == len(content)


def test_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    path.mkdir()
    path.chmod(0o2750)
    assert {name: describe(path)[name] for name in ("type", "mode", "empty", "content")} == {
        "type": "directory",
        "mode": "2750",
        "empty": True,
        "content": None,
    }
    (path / "something").touch()
    assert describe(path)["empty"] is False


def test_a_link_is_not_followed_with_a_slash_either(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to("/nowhere")
    assert describe(tmp_path / "link")["type"] == "link"
    assert describe(f"{tmp_path}/link/")["type"] == "link"
    assert describe(tmp_path / "dangling")["type"] == "link"
    assert describe("/")["type"] == "directory"


def test_other_things(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))
    assert describe(tmp_path / "pipe")["type"] == "other"
    assert describe(tmp_path / "pipe")["content"] is None
    assert describe("/dev/null")["type"] == "other"


def test_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "nothing", tmp_path / "no/thing", tmp_path / "file/below"):
        found = describe(path)
        assert found.pop("type") == "absent"
        assert set(found.values()) == {None}


def test_where_nobody_may_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "file").write_text("text")
    with monkeypatch.context() as patched:
        patched.setattr(_host.os, "open", refuse)
        patched.setattr(_host.os, "scandir", refuse)
        assert describe(tmp_path / "file")["content"] is None
        assert describe(tmp_path)["empty"] is None
    with monkeypatch.context() as patched:
        patched.setattr(_host.os, "lstat", refuse)
        assert describe(tmp_path / "file")["type"] == "unknown"
    assert describe("/null\0byte")["type"] == "unknown"


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))
    (tmp_path / "link").symlink_to("/etc/hostname")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match=r"no regular file|symbolic links"):
            _host.read_file(str(tmp_path / name), 10)


def test_listening_sockets() -> None:
    assert _host.listening_sockets(TCP) == [(443, "1111"), (5432, "2222")]
    assert _host.listening_sockets(TCP6) == [(8080, "4444")]
    assert _host.listening_sockets("") == []


def fake_process(proc: Path, pid: int, name: str, inodes: t.Sequence[int]) -> None:
    directory = proc / str(pid)
    (directory / "fd").mkdir(parents=True)
    (directory / "comm").write_text(f"{name}\n")
    for number, inode in enumerate(inodes):
        (directory / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
    (directory / "fd/99").symlink_to("/dev/null")


def test_listeners_and_their_processes(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(TCP)
    (tmp_path / "net/tcp6").write_text(TCP6)
    fake_process(tmp_path, 200, "nginx", [1111])
    fake_process(tmp_path, 30, "nginx-master", [1111, 3333])
    # Another user's: its descriptors cannot be listed.
    (tmp_path / "40").mkdir()
    (tmp_path / "self").mkdir()
    assert _host.listeners([8080, 443, 80, 22], tmp_path) == {
        "443": {"process": "nginx-master", "pid": 30},
        "8080": {"process": "", "pid": None},
    }
    assert _host.listeners([22], tmp_path) == {}
    assert _host.listeners([443], tmp_path / "nothing") == {}


def test_a_process_that_ended_meanwhile(tmp_path: Path) -> None:
    assert _host.open_sockets(tmp_path / "1") == set()
    assert _host.process_name(tmp_path / "1") == ""


def test_a_real_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = _host.listeners([port])
        assert found == {str(port): {"process": _host.process_name(Path("/proc/self")), "pid": os.getpid()}}


def test_routes(tmp_path: Path) -> None:
    def row(interface: str, network: str, mask: str) -> str:
        # As the kernel of this machine writes them
        destination, length = (int.from_bytes(socket.inet_aton(text), sys.byteorder) for text in (network, mask))
        return f"{interface}\t{destination:08X}\t00000000\t0001\t0\t0\t0\t{length:08X}\t0\t0\t0"

    (tmp_path / "net").mkdir()
    rows = [
        row("eth0", "0.0.0.0", "0.0.0.0"),  # the default route
        row("eth0", "192.0.2.0", "255.255.255.0"),
        row("tun0", "10.8.0.0", "255.252.0.0"),
    ]
    (tmp_path / "net/route").write_text("\n".join(["Iface\tDestination\tGateway", *rows]) + "\n")
    assert _host.routes(tmp_path) == [
        {"network": "192.0.2.0/24", "interface": "eth0"},
        {"network": "10.8.0.0/14", "interface": "tun0"},
    ]
    assert _host.routes(tmp_path / "none") == []


def test_names() -> None:
    found = _host.resolve_all(["localhost", "no-such-name.invalid"])
    assert set(found["localhost"]) & {"127.0.0.1", "::1"}
    assert found["no-such-name.invalid"] == []
    assert _host.resolve_all([]) == {}


def test_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_library.py").write_text("import module_that_nobody_has\n")
    (tmp_path / "strange_library.py").write_text("raise SystemExit\n")
    (tmp_path / "only_a_directory").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    errors = _host.library_errors(
        ["json", "sys", "no_such_library", "no_such.library", "broken_library", "strange_library", "only_a_directory"]
    )
    assert list(errors) == [
        "no_such_library",
        "no_such.library",
        "broken_library",
        "strange_library",
        "only_a_directory",
    ]
    assert errors["no_such_library"] == "No module named 'no_such_library'"
    assert errors["broken_library"] == "No module named 'module_that_nobody_has'"
    assert errors["strange_library"] == "SystemExit"
    assert str(tmp_path) in errors["only_a_directory"]
    assert "broken_library" not in sys.modules


def test_an_engine_is_installed_by_its_program_or_its_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, units = tmp_path / "programs", tmp_path / "units"
    programs.mkdir()
    units.mkdir()
    monkeypatch.setenv("PATH", "")
    found = [_host.engine_is_installed([str(programs)], [str(units)])]
    (units / "docker.service").touch()
    found.append(_host.engine_is_installed([], [str(units)]))
    (programs / "dockerd").touch(mode=0o755)
    found.append(_host.engine_is_installed([str(programs)], []))
    monkeypatch.setenv("PATH", str(programs))
    found.append(_host.engine_is_installed([], []))
    assert found == [False, True, True, True]
