# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What is on this host: paths, listening ports, Python libraries, an engine's program. Everything here only reads."""

from __future__ import annotations

import importlib
import importlib.util
import ipaddress
import os
import shutil
import socket
import stat
import struct
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

# "unknown" is a path that this user may not look at; it may or may not exist.
ABSENT, FILE, DIRECTORY, LINK, OTHER, UNKNOWN = "absent", "file", "directory", "link", "other", "unknown"

MAX_CONTENT_BYTES = 64 * 1024

# A PATH of an unprivileged login often lacks them.
ENGINE_DIRECTORIES = ("/usr/sbin", "/usr/local/bin", "/usr/bin", "/sbin")
UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)

TCP_LISTEN = "0A"


def kind_of(mode: int) -> str:
    """The word for the type bits of a file's mode."""
    kinds = ((stat.S_ISREG, FILE), (stat.S_ISDIR, DIRECTORY), (stat.S_ISLNK, LINK))
    return next((kind for matches, kind in kinds if matches(mode)), OTHER)


def mode_text(mode: int) -> str:
    """The permission bits of a mode as octal text such as "0644"."""
    return f"{stat.S_IMODE(mode):04o}"


def read_file(path: str, max_bytes: int) -> bytes:
    """The first `max_bytes` of a regular file. Raises OSError, also for anything that is no regular file."""
    # O_NONBLOCK: opening a pipe that took the file's place must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no regular file")
        return stream.read(max_bytes)


def read_text(path: str) -> str | None:
    """The text of a regular file, or None when it is too long, not UTF-8 or not readable."""
    try:
        content = read_file(path, MAX_CONTENT_BYTES + 1)
        return content.decode() if len(content) <= MAX_CONTENT_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def is_empty(path: str) -> bool | None:
    """Whether a directory holds nothing, or None when it is not readable."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return None


def describe_path(path: str) -> dict[str, t.Any]:
    """What is at a path, without following a link there: the keys of RV(paths) of stack_info."""
    found: dict[str, t.Any] = dict.fromkeys(("type", "uid", "gid", "mode", "size", "empty", "content"))
    # With its slash, the path of a link to a directory would mean that directory.
    path = path.rstrip("/") or "/"
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {**found, "type": ABSENT}
    except (OSError, ValueError):
        return {**found, "type": UNKNOWN}
    kind = kind_of(status.st_mode)
    found.update(type=kind, uid=status.st_uid, gid=status.st_gid, mode=mode_text(status.st_mode), size=status.st_size)
    if kind == DIRECTORY:
        found["empty"] = is_empty(path)
    if kind == FILE:
        found["content"] = read_text(path)
    return found


def listening_sockets(table: str) -> list[tuple[int, str]]:
    """Port and inode of each listening socket in the text of /proc/net/tcp or /proc/net/tcp6."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [(int(row[1].rpartition(":")[2], 16), row[9]) for row in rows if len(row) > 9 and row[3] == TCP_LISTEN]


def open_sockets(process: Path) -> set[str]:
    """Inodes of the sockets that a process holds, as far as they can be read."""
    inodes = set()
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            # It may be closed meanwhile.
            with suppress(OSError):
                kind, _colon, inode = os.readlink(str(descriptor)).partition(":")
                if kind == "socket":
                    inodes.add(inode.strip("[]"))
    return inodes


def process_name(process: Path) -> str:
    """The command name of a process, '' when it is gone."""
    with suppress(OSError):
        return (process / "comm").read_text(errors="replace").strip()
    return ""


def listeners(ports: t.Iterable[int], proc: Path = Path("/proc")) -> dict[str, dict[str, t.Any]]:
    """Port, as text, -> process name and pid of who listens there. Ports that nobody listens on are left out."""
    sockets = []
    for table in ("net/tcp", "net/tcp6"):
        with suppress(OSError):
            sockets += listening_sockets((proc / table).read_text())
    wanted = {inode: port for port, inode in sockets if port in set(ports)}
    found: dict[str, dict[str, t.Any]] = {str(port): {"process": "", "pid": None} for port in sorted(wanted.values())}
    if not wanted:
        return found
    # From the oldest process on: a server's children hold its socket too.
    for pid in sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()):
        for inode in open_sockets(proc / str(pid)) & set(wanted):
            listener = found[str(wanted[inode])]
            if listener["pid"] is None:
                listener.update(process=process_name(proc / str(pid)), pid=pid)
    return found


def routes(proc: Path = Path("/proc")) -> list[dict[str, str]]:
    """Networks that the host reaches otherwise than by its default route, with the interface. IPv4, the main table."""
    found = []
    with suppress(OSError):
        for row in (line.split() for line in (proc / "net/route").read_text().splitlines()[1:]):
            # The kernel writes the bytes of an address as a number of this machine's order.
            destination, mask = (ipaddress.IPv4Address(struct.pack("=L", int(row[column], 16))) for column in (1, 7))
            network = ipaddress.IPv4Network(f"{destination}/{mask}")
            if network.prefixlen:
                found.append({"network": str(network), "interface": row[0]})
    return found


def resolve(name: str) -> list[str]:
    """Addresses that this host finds for a name, none where it finds none."""
    with suppress(OSError):
        return sorted({str(answer[4][0]) for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    return []


def resolve_all(names: t.Sequence[str]) -> dict[str, list[str]]:
    """Name -> addresses. All are asked for at once: a resolver that does not answer costs its time-out only once."""
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return dict(zip(names, pool.map(resolve, names)))


def library_error(name: str) -> str:
    """Why a Python module cannot be used, '' when it can. Imports it, because a broken one can be found as well."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is None and spec.submodule_search_locations:
            # Any directory of that name on Python's path, for example in the home directory, passes as a package.
            return f"only a directory of that name is there: {', '.join(spec.submodule_search_locations)}"
        importlib.import_module(name)
    except (Exception, SystemExit) as exc:
        return str(exc) or type(exc).__name__
    return ""


def library_errors(names: t.Iterable[str]) -> dict[str, str]:
    """Name -> reason of each Python module that cannot be used by this interpreter."""
    errors = {name: library_error(name) for name in names}
    return {name: error for name, error in errors.items() if error}


def engine_is_installed(
    directories: t.Sequence[str] = ENGINE_DIRECTORIES, units: t.Sequence[str] = UNIT_DIRECTORIES
) -> bool:
    """Whether Docker's engine is installed, running or not."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *directories])
    if shutil.which("dockerd", path=search):
        return True
    return any(Path(unit, "docker.service").exists() for unit in units)
