# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What of a stack is open on its server: secrets in plain sight, files, ways from container to container.

The judgements are pure; what gathers for them reads the host and changes nothing.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import stat
import subprocess
import sys
import typing as t
import urllib.parse
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.opengeoai.modelhub.plugins.module_utils._benchmark import Row, row
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import Inspect
from ansible_collections.opengeoai.modelhub.plugins.module_utils._host import TCP_LISTEN, mode_text

SHORTEST_SECRET = 6
CHUNK_BYTES = 1024 * 1024
OTHERS = 0o007
NOT_THE_OWNER = 0o077
# Of a PEM file, and of Traefik's store of certificates
PRIVATE_KEY = re.compile(rb'-----BEGIN [A-Z ]*PRIVATE KEY-----|"PrivateKey":')
# What is longer is data, and no file of secrets.
MAX_SECRET_FILE_BYTES = 16 * CHUNK_BYTES
SYSTEM_PROGRAMS = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "usr/lib", "usr/libexec")
ENGINE_PORTS = (2375, 2376)
CONNECT_SECONDS = 3

Target = t.Tuple[str, int]

# Runs in a network namespace of a container with the host's Python: images have no tools.
CONNECT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def opens(target):
    try:
        socket.create_connection(tuple(target), timeout=float(sys.argv[1])).close()
    except OSError:
        return False
    return True
targets = json.load(sys.stdin)
with ThreadPoolExecutor(64) as pool:
    json.dump(list(pool.map(opens, targets)), sys.stdout)
"""


class Secrets:
    """Values that must be nowhere in plain sight, by their names."""

    def __init__(self, values: dict[str, set[str]]) -> None:
        self.names = sorted(values)
        self._needles = [
            (name, spelling.encode())
            for name, lines in sorted(values.items())
            for line in lines
            for spelling in sorted(spellings(line))
        ]
        self._longest = max((len(needle) for _name, needle in self._needles), default=1)

    def within(self, data: bytes) -> set[str]:
        """The names of those whose value is part of the data."""
        return {name for name, needle in self._needles if needle in data}

    def within_file(self, path: str) -> set[str]:
        """The same of a file, in pieces. Raises OSError."""
        found: set[str] = set()
        kept = b""
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            while True:
                piece = stream.read(CHUNK_BYTES)
                if not piece:
                    return found
                piece = kept + piece
                found |= self.within(piece)
                kept = piece[-self._longest :]


def spellings(value: str) -> set[str]:
    """How a value may be written in JSON, in JSON within JSON, in Python, in a URL and in base64."""
    once = json.dumps(value)[1:-1]
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    return {value, once, json.dumps(once)[1:-1], repr(value)[1:-1], urllib.parse.quote(value, safe=""), encoded}


def secret_values(text: str) -> set[str]:
    """The lines of a file of secrets that must not be seen; of a key, all but what frames it."""
    lines = [line.strip() for line in text.splitlines()]
    return {line for line in lines if len(line) >= SHORTEST_SECRET and not line.startswith("-----")}


def read_secrets(folder: str) -> Secrets:
    """Every file of a directory is a secret. Raises OSError."""
    files = [path for path in sorted(Path(folder).iterdir()) if path.is_file()]
    return Secrets({file.name: secret_values(file.read_text(encoding="utf-8")) for file in files})


def secret_rows(check: str, found: dict[str, set[str]]) -> list[Row]:
    """A line for each place that was searched; found: names of secrets by place."""
    return [
        row(check, place, f"the value of {', '.join(sorted(names))} can be read there" if names else "")
        for place, names in sorted(found.items())
    ]


@dataclass(frozen=True)
class File:
    """A file that holds a secret, and the directory it is in."""

    path: str
    mode: int
    uid: int
    folder_mode: int


def file_fault(file: File, uids: t.Container[int]) -> str:
    """uids: who may own it."""
    if file.mode & NOT_THE_OWNER:
        return f"it holds a secret, and its mode is {mode_text(file.mode)}"
    if file.uid not in uids:
        return f"it holds a secret, and belongs to uid {file.uid}, which runs no container of the stack"
    if file.folder_mode & NOT_THE_OWNER:
        return f"it holds a secret, and the mode of its directory is {mode_text(file.folder_mode)}"
    return ""


def file_rows(files: list[File], uids: t.Container[int]) -> list[Row]:
    return [row("files with secrets", file.path, file_fault(file, uids)) for file in files]


def folder_rows(modes: dict[str, int]) -> list[Row]:
    """modes: of each directory of the host that a container writes to."""
    return [
        row("data closed to others", path, f"its mode is {mode_text(mode)}" if mode & OTHERS else "")
        for path, mode in sorted(modes.items())
    ]


def walk(top: str, closed: t.Container[str]) -> t.Iterator[str]:
    """Paths of the regular files below a directory. Of directories in `closed` only what is directly in them."""
    for folder, folders, names in os.walk(top):
        if folder in closed:
            folders[:] = []
        for name in names:
            path = str(Path(folder, name))
            with suppress(OSError):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield path


def files_with_secrets(base_dir: str, secrets: Secrets, data: t.Container[str]) -> list[File]:
    """Of data, the directories that containers write to, only what lies directly in them is looked at."""
    found = []
    for path in sorted(walk(base_dir, data)):
        # It may be gone meanwhile.
        with suppress(FileNotFoundError):
            status = os.lstat(path)
            if status.st_size > MAX_SECRET_FILE_BYTES:
                continue
            content = Path(path).read_bytes()
            if PRIVATE_KEY.search(content) or secrets.within(content):
                folder_mode = os.lstat(Path(path).parent).st_mode
                found.append(File(path, status.st_mode, status.st_uid, folder_mode))
    return found


def readable_for_all(folder: str, secrets: Secrets) -> dict[str, set[str]]:
    """Secrets in files that everybody may read, by path."""
    found: dict[str, set[str]] = {}
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if os.lstat(Path(top, name)).st_mode & stat.S_IXOTH]
        for name in names:
            path = Path(top, name)
            with suppress(FileNotFoundError):
                mode = os.lstat(path).st_mode
                within = stat.S_ISREG(mode) and mode & stat.S_IROTH and secrets.within_file(str(path))
                if within:
                    found[str(path)] = within
    return found


def process_secrets(secrets: Secrets, kind: str, proc: str = "/proc") -> dict[str, set[str]]:
    """Secrets in the command line or the environment (kind: cmdline, environ) of processes, by the command's name."""
    found: dict[str, set[str]] = {}
    for process in Path(proc).iterdir():
        # Processes end.
        with suppress(OSError):
            if process.name.isdigit():
                within = secrets.within((process / kind).read_bytes())
                if within:
                    name = (process / "comm").read_text(errors="replace").strip()
                    found[f"{name} ({process.name})"] = within
    return found


def listening(pid: int, proc: str = "/proc") -> tuple[int, ...]:
    """Ports on which somebody listens beyond the loopback interface, in the network namespace of a process."""
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            found |= set(open_ports(Path(proc, str(pid), "net", table).read_text()))
    return tuple(sorted(found))


def open_ports(table: str) -> t.Iterator[int]:
    """The same from the text of /proc/net/tcp or tcp6; addresses are words of four bytes, the lowest first."""
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 3 and columns[3] == TCP_LISTEN:
            address, _colon, port = columns[1].rpartition(":")
            mapped = address[-8:] if address.startswith("0000000000000000FFFF0000") else address
            loopback = mapped.endswith("7F") if len(mapped) == 8 else mapped == "0" * 24 + "01000000"
            if not loopback:
                yield int(port, 16)


def has_way_out(routes: str) -> bool:
    """Whether the text of /proc/net/route has a default route."""
    return any(line.split()[1:2] == ["00000000"] for line in routes.splitlines()[1:])


def opened(pid: int, targets: list[Target]) -> list[Target]:
    """Those of the targets that accept a connection from the network namespace of a process."""
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", CONNECT, str(CONNECT_SECONDS)]
    done = subprocess.run(command, input=json.dumps(targets), capture_output=True, text=True, check=True)
    return [target for target, is_open in zip(targets, json.loads(done.stdout)) if is_open]


@dataclass(frozen=True)
class Neighbour:
    """A container as others on its networks see it."""

    name: str
    service: str
    addresses: tuple[str, ...]
    ports: tuple[int, ...]
    gateways: tuple[str, ...]


Matrix = t.Dict[str, t.Dict[str, t.List[int]]]


def targets_of(source: Neighbour, all_of_them: list[Neighbour], matrix: Matrix) -> dict[Target, str]:
    """Every port of every other container, and the engine's on the host, by address: the name of what answers there."""
    found: dict[Target, str] = {}
    for other in all_of_them:
        if other is not source:
            wanted = matrix.get(source.service, {}).get(other.service, [])
            for address in other.addresses:
                found.update({(address, port): other.service for port in {*other.ports, *wanted}})
    found.update({(gateway, port): "engine" for gateway in source.gateways for port in ENGINE_PORTS})
    return found


def reach_rows(
    source: Neighbour, targets: dict[Target, str], opened_ones: t.Iterable[Target], matrix: Matrix
) -> list[Row]:
    """A line for each service that is reached otherwise than the matrix says, or one line for all.

    A port that the matrix grants must be open at one address of the service.
    """
    reached: dict[str, set[int]] = {service: set() for service in targets.values()}
    for target in opened_ones:
        reached[targets[target]].add(target[1])
    rows = []
    for service, ports in sorted(reached.items()):
        wanted = set(matrix.get(source.service, {}).get(service, []))
        where = f"{source.service} to {service}"
        open_ones, shut = sorted(ports - wanted), sorted(wanted - ports)
        rows += [row("who reaches whom", f"{where}:{port}", "it accepts a connection") for port in open_ones]
        rows += [row("who reaches whom", f"{where}:{port}", "it accepts no connection") for port in shut]
        if not open_ones and not shut:
            rows.append(row("who reaches whom", where, said=f"ports {', '.join(map(str, sorted(wanted))) or 'none'}"))
    return rows


def host_address(network: Inspect) -> str:
    """The host's own address on a network; of one without a way out the engine tells none, but it has one there too."""
    own = ipaddress.ip_interface(f"{network['IPAddress']}/{network['IPPrefixLen']}")
    return str(network.get("Gateway") or own.network[1])


def neighbour(inspect: Inspect, service: str, ports: tuple[int, ...]) -> Neighbour:
    networks = (inspect["NetworkSettings"].get("Networks") or {}).values()
    return Neighbour(
        name=str(inspect["Name"]).lstrip("/"),
        service=service,
        addresses=tuple(one["IPAddress"] for one in networks if one.get("IPAddress")),
        ports=ports,
        gateways=tuple(host_address(one) for one in networks if one.get("IPAddress")),
    )


def setuid_files(root: str) -> tuple[str, ...]:
    """Programs below a root directory that run as their owner or group. Links are not followed."""
    found = set()
    for folder in SYSTEM_PROGRAMS:
        top = Path(root, folder)
        if top.is_symlink():
            continue
        for place, _folders, names in os.walk(top):
            for name in names:
                path = Path(place, name)
                with suppress(OSError):
                    mode = os.lstat(path).st_mode
                    if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                        found.add(f"/{path.relative_to(root)}")
    return tuple(sorted(found))
