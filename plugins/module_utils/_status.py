# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""How the containers of a stack are, and how full its file systems. Nothing here changes the host."""

from __future__ import annotations

import calendar
import os
import re
import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import (
    EngineApi,
    EngineError,
    Inspect,
    own_containers,
    service_of,
    versioned,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require, require_absolute

# Name of the controller's directory, and its file with a line "oom_kill N": of version 2 of control groups, and of 1.
COUNTERS = (("", "memory.events"), ("memory", "memory.oom_control"))


@dataclass(frozen=True)
class StatusParams:
    stack: str
    base_dir: str
    services: list[str]
    socket: str
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> StatusParams:
        require(params, {"timeout_seconds": {"rule": integer, "min": 1, "max": 3600}}, filled=("stack",))
        require_absolute(params, ("base_dir", "socket"))
        return cls(**{one.name: params[one.name] for one in fields(cls)})


def seconds_since(moment: str, now: float) -> int | None:
    """Seconds from a moment as the engine writes it; None for what it writes where there is none."""
    if moment.startswith("0001") or not moment:
        return None
    # It tells nanoseconds, which strptime does not read, and UTC always.
    return max(0, int(now - calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))))


def tag_of(image: str) -> str:
    """The tag of an image's name, or its digest where it has none. A colon before a slash belongs to a port."""
    name, _at, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or digest


def describe(inspect: Inspect, services: t.Iterable[str], now: float, kills: int | None) -> dict[str, t.Any]:
    """One element of RV(containers). kills: processes that ended for want of memory, None where nobody counts them."""
    state = inspect["State"]
    running = bool(state.get("Running"))
    image = str(inspect["Config"]["Image"])
    return {
        "name": str(inspect["Name"]).lstrip("/"),
        "service": service_of(inspect, services),
        "state": state["Status"],
        "health": (state.get("Health") or {}).get("Status") or "none",
        "exit_code": None if running else state.get("ExitCode"),
        "seconds": seconds_since(state.get("StartedAt" if running else "FinishedAt") or "", now),
        "restarts": int(inspect.get("RestartCount") or 0),
        "out_of_memory": bool(state.get("OOMKilled")),
        "out_of_memory_kills": kills,
        "memory_limit_bytes": (inspect.get("HostConfig") or {}).get("Memory") or None,
        "image": image,
        "version": tag_of(image),
    }


def control_groups(text: str) -> dict[str, str]:
    """Path by controller, '' for version 2, from the text of /proc/PID/cgroup."""
    found = {}
    for line in text.splitlines():
        _number, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def counted(text: str) -> int | None:
    """The number in the line "oom_kill N"."""
    match = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
    return int(match.group(1)) if match else None


def out_of_memory_kills(pid: int, proc: str = "/proc", groups: str = "/sys/fs/cgroup") -> int | None:
    """How many processes of a running container were killed for want of memory since it was started."""
    with suppress(OSError, ValueError):
        paths = control_groups(Path(proc, str(pid), "cgroup").read_text(encoding="utf-8"))
        for controller, name in COUNTERS:
            # Of a group beyond the root of this namespace the path begins with /.., and is nowhere to be seen.
            if controller in paths:
                file = Path(groups, controller, paths[controller].lstrip("/"), name)
                with suppress(FileNotFoundError):
                    return counted(file.read_text(encoding="utf-8"))
    return None


def data_folders(inspects: t.Iterable[Inspect]) -> set[str]:
    """What containers write to on the host."""
    mounts = [mount for one in inspects for mount in one.get("Mounts") or []]
    return {mount["Source"] for mount in mounts if mount.get("RW") and mount.get("Source")}


def mount_point(path: str) -> str:
    real = os.path.realpath(path)
    while not os.path.ismount(real):
        real = str(Path(real).parent)
    return real


def share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def file_system(path: str, paths: list[str]) -> dict[str, t.Any]:
    """One element of RV(file_systems): what is left for others than root, as df counts it."""
    found = os.statvfs(path)
    usable = found.f_blocks - found.f_bfree + found.f_bavail
    return {
        "mount": mount_point(path),
        "paths": paths,
        "free_bytes": found.f_bavail * found.f_frsize,
        "total_bytes": usable * found.f_frsize,
        "free_percent": share(found.f_bavail, usable),
        # Some file systems do not count files.
        "free_files_percent": share(found.f_favail, found.f_files),
    }


def file_systems(folders: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """One for all directories that lie on it; what is no directory, or is gone, is left out."""
    devices: dict[int, list[str]] = {}
    for folder in sorted(set(folders)):
        with suppress(FileNotFoundError, NotADirectoryError):
            if Path(folder).is_dir():
                devices.setdefault(Path(folder).stat().st_dev, []).append(folder)
    return sorted((file_system(paths[0], paths) for paths in devices.values()), key=lambda one: str(one["mount"]))


def look(params: StatusParams, api: EngineApi) -> dict[str, t.Any]:
    try:
        get = versioned(api)
        info = get("/info")
        inspects = own_containers(get, params.stack)
        now = time.time()
        containers = [describe(one, params.services, now, kills_in(one)) for one in inspects]
        folders = data_folders(inspects) | {params.base_dir, str(info.get("DockerRootDir") or params.base_dir)}
        return {
            "engine": info["ServerVersion"],
            "containers": sorted(containers, key=lambda one: str(one["name"])),
            "file_systems": file_systems(folders),
        }
    except (AttributeError, KeyError, TypeError) as exc:
        raise EngineError(f"The engine's answer has an unknown form: {type(exc).__name__} {exc}.") from exc


def kills_in(inspect: Inspect) -> int | None:
    pid = inspect["State"].get("Pid")
    return out_of_memory_kills(pid) if pid else None
