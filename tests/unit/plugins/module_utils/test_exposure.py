# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _exposure
from ansible_collections.opengeoai.modelhub.plugins.module_utils._exposure import (
    File,
    Neighbour,
    Secrets,
    file_fault,
    files_with_secrets,
    folder_rows,
    has_way_out,
    neighbour,
    open_ports,
    process_secrets,
    reach_rows,
    read_secrets,
    readable_for_all,
    secret_rows,
    setuid_files,
    spellings,
    targets_of,
)

VALUE = 'p%"\\a/ss word'


@pytest.fixture
def secrets() -> Secrets:
    return Secrets({"db_password": {VALUE}})


@pytest.mark.parametrize("spelling", sorted(spellings(VALUE)))
def test_a_secret_is_found_however_it_is_written(spelling: str, secrets: Secrets) -> None:
    assert secrets.within(f"x{spelling}y".encode()) == {"db_password"}
    assert secrets.within(b"something else") == set()


def test_a_secret_is_found_across_pieces_of_a_file(
    secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exposure, "CHUNK_BYTES", 7)
    file = tmp_path / "log"
    file.write_text(f"{'.' * 30}{VALUE}{'.' * 30}")
    assert secrets.within_file(str(file)) == {"db_password"}


def test_files_of_secrets_are_read_by_lines(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----\n")
    (tmp_path / "short").write_text("abc\n")
    read = read_secrets(str(tmp_path))
    assert read.names == ["key", "short"]
    assert read.within(b"-----BEGIN KEY-----abc") == set()
    assert read.within(b"abcdefgh") == {"key"}


def test_a_report_names_secret_and_place_and_no_value(secrets: Secrets) -> None:
    rows = secret_rows("secrets in logs", {"mlflow": secrets.within(VALUE.encode()), "traefik": set()})
    assert [(row["where"], row["passed"]) for row in rows] == [("mlflow", False), ("traefik", True)]
    assert VALUE not in str(rows)


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (File("/a", 0o100600, 1001, 0o40700), ""),
        (File("/a", 0o100644, 1001, 0o40700), "its mode is 0644"),
        (File("/a", 0o100600, 1002, 0o40700), "belongs to uid 1002"),
        (File("/a", 0o100600, 0, 0o40755), "the mode of its directory is 0755"),
    ],
)
def test_files_with_secrets(file: File, fault: str) -> None:
    assert fault in file_fault(file, {0, 1001})
    assert bool(file_fault(file, {0, 1001})) == bool(fault)


def test_files_are_judged_by_what_they_hold(secrets: Secrets, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (tmp_path / "config").write_text("nothing")
    (tmp_path / "pgpass").write_text(f"*:{VALUE}")
    (tmp_path / "ca.key").write_text("-----BEGIN EC PRIVATE KEY-----\n")
    (data / "acme.json").write_text('{"PrivateKey": "x"}')
    (data / "deep" / "page").write_text(VALUE)
    found = files_with_secrets(str(tmp_path), secrets, {str(data)})
    assert [Path(file.path).name for file in found] == ["ca.key", "acme.json", "pgpass"]


def test_files_for_all(secrets: Secrets, tmp_path: Path) -> None:
    for name, mode in {"open": 0o644, "closed": 0o600}.items():
        (tmp_path / name).write_text(VALUE)
        (tmp_path / name).chmod(mode)
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o700)
    (inner / "open").write_text(VALUE)
    assert readable_for_all(str(tmp_path), secrets) == {str(tmp_path / "open"): {"db_password"}}


def test_directories_that_containers_write_to() -> None:
    rows = folder_rows({"/opt/a": stat.S_IFDIR | 0o750, "/opt/b": stat.S_IFDIR | 0o755})
    assert [(row["where"], row["passed"]) for row in rows] == [("/opt/a", True), ("/opt/b", False)]


def test_process_arguments(secrets: Secrets, tmp_path: Path) -> None:
    for pid, line in {"1": "sleep", "20": f"psql\0{VALUE}"}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_text(line)
        (tmp_path / pid / "comm").write_text("psql\n")
    (tmp_path / "net").mkdir()
    assert process_secrets(secrets, "cmdline", str(tmp_path)) == {"psql (20)": {"db_password"}}


TABLE = """  sl  local_address rem_address   st
   0: 00000000:1388 00000000:0000 0A
   1: 0100007F:20D0 00000000:0000 0A
   2: 0B00007F:A1B2 00000000:0000 0A
   3: 00000000:0050 0100007F:0000 01
"""
TABLE6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A
"""


def test_ports_beyond_the_loopback_interface() -> None:
    assert list(open_ports(TABLE)) == [5000]
    assert list(open_ports(TABLE6)) == [443]


def test_way_out() -> None:
    head = "Iface\tDestination\tGateway\n"
    assert has_way_out(f"{head}eth0\t00000000\t010014AC\n")
    assert not has_way_out(f"{head}eth0\t000014AC\t00000000\n")


MATRIX = {"mlflow": {"postgres": [5432]}}
MLFLOW = Neighbour("mlflow", "mlflow", ("172.18.0.2",), (5000,), ("172.18.0.1",))
POSTGRES = Neighbour("pg", "postgres", ("172.19.0.2",), (5432,), ())
TRAEFIK = Neighbour("traefik", "traefik", ("172.18.0.3",), (443,), ("172.18.0.1",))
ALL = [MLFLOW, POSTGRES, TRAEFIK]


def rows_of(source: Neighbour, opened: list[tuple[str, int]]) -> dict[str, bool]:
    rows = reach_rows(source, targets_of(source, ALL, MATRIX), opened, MATRIX)
    return {row["where"]: row["passed"] for row in rows}


def test_who_reaches_whom() -> None:
    assert rows_of(MLFLOW, [("172.19.0.2", 5432)]) == {
        "mlflow to engine": True,
        "mlflow to postgres": True,
        "mlflow to traefik": True,
    }


@pytest.mark.parametrize(
    ("source", "opened", "wrong"),
    [
        (TRAEFIK, [("172.19.0.2", 5432)], "traefik to postgres:5432"),
        (TRAEFIK, [("172.18.0.1", 2375)], "traefik to engine:2375"),
        (MLFLOW, [], "mlflow to postgres:5432"),
        (POSTGRES, [("172.18.0.2", 5000)], "postgres to mlflow:5000"),
    ],
)
def test_other_ways_are_faults(source: Neighbour, opened: list[tuple[str, int]], wrong: str) -> None:
    assert [where for where, passed in rows_of(source, opened).items() if not passed] == [wrong]


def test_the_host_is_on_networks_without_a_way_out_too() -> None:
    outside = {"IPAddress": "172.18.0.2", "IPPrefixLen": 16, "Gateway": "172.18.0.254"}
    inside = {"IPAddress": "172.19.4.2", "IPPrefixLen": 16, "Gateway": ""}
    inspect = {"Name": "/mlflow", "NetworkSettings": {"Networks": {"edge": outside, "backend": inside}}}
    assert neighbour(inspect, "mlflow", (5000,)) == Neighbour(
        "mlflow", "mlflow", ("172.18.0.2", "172.19.4.2"), (5000,), ("172.18.0.254", "172.19.0.1")
    )


def test_setuid_files(tmp_path: Path) -> None:
    programs = tmp_path / "usr/bin"
    programs.mkdir(parents=True)
    (programs / "su").write_text("")
    (programs / "su").chmod(0o4755)
    (programs / "ls").write_text("")
    (tmp_path / "bin").symlink_to("usr/bin")
    assert setuid_files(str(tmp_path)) == ("/usr/bin/su",)


def test_a_gone_file_is_no_fault(secrets: Secrets, tmp_path: Path) -> None:
    def gone(_top: str, _closed: t.Container[str]) -> t.Iterator[str]:
        yield str(tmp_path / "gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_exposure, "walk", gone)
        assert files_with_secrets(str(tmp_path), secrets, ()) == []
