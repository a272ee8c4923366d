# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What `docker inspect` says of a container, held against the CIS Docker Benchmark, chapters 4 and 5.

Numbers are the benchmark's. Nothing here asks the engine or the host.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import Inspect

Row = t.Dict[str, t.Any]

# Mounting one of them, or what is in it, hands out the host.
SYSTEM = ("/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/sys", "/usr", "/var/lib/docker")
# What lies deeper may be the stack's own.
SYSTEM_ALONE = ("/", "/home", "/opt", "/run", "/srv", "/var", "/var/lib", "/var/run")
EVERYWHERE = ("", "0.0.0.0", "::")
LAST_PRIVILEGED_PORT = 1023
SSH_PORT = 22
RETRIES = 5


def row(check: str, where: str, fault: str = "", said: str = "") -> Row:
    """One line of the report. fault: why the check fails, empty where it passes; said: what is worth telling then."""
    return {"check": check, "where": where, "passed": not fault, "said": fault or said}


@dataclass(frozen=True)
class Seen:
    """A container: its `docker inspect`, and what was seen of it from the host."""

    inspect: Inspect
    service: str
    apparmor: bool = True
    # Ports it listens on beyond its loopback interface
    ports: tuple[int, ...] = ()
    setuid: tuple[str, ...] = ()
    # Services that may publish ports
    public: tuple[str, ...] = field(default=("traefik",))

    @property
    def name(self) -> str:
        return str(self.inspect["Name"]).lstrip("/")

    @property
    def host(self) -> Inspect:
        return dict(self.inspect["HostConfig"])


def bindings(seen: Seen) -> list[tuple[str, int]]:
    """Address and port of the server for each published port."""
    bound = seen.host.get("PortBindings") or {}
    return [(one.get("HostIp") or "", int(one["HostPort"] or 0)) for ones in bound.values() for one in ones or []]


def user(seen: Seen) -> str:
    name = str(seen.inspect["Config"].get("User") or "").partition(":")[0]
    return "" if name not in ("", "0", "root") else "it runs as root"


def health(seen: Seen) -> str:
    state = (seen.inspect["State"].get("Health") or {}).get("Status", "none")
    return "" if state == "healthy" else f"its health is {state}"


def setuid(seen: Seen) -> str:
    return f"files run as their owner: {', '.join(sorted(seen.setuid)[:5])}" if seen.setuid else ""


def apparmor(seen: Seen) -> str:
    profile = seen.inspect.get("AppArmorProfile") or "none"
    return f"AppArmor's profile is {profile}" if seen.apparmor and profile in ("none", "unconfined") else ""


def capabilities(seen: Seen) -> str:
    added = seen.host.get("CapAdd") or []
    if added:
        return f"capabilities are added: {', '.join(added)}"
    dropped = [one.upper() for one in seen.host.get("CapDrop") or []]
    return "" if "ALL" in dropped else "not all capabilities are dropped"


def privileged(seen: Seen) -> str:
    return "it is privileged" if seen.host.get("Privileged") else ""


def mounts(seen: Seen) -> list[Inspect]:
    return list(seen.inspect.get("Mounts") or [])


def system_mounts(seen: Seen) -> str:
    sources = [str(mount.get("Source") or "").rstrip("/") or "/" for mount in mounts(seen) if mount["Type"] == "bind"]
    handed = [
        source
        for source in sources
        if source in SYSTEM_ALONE or any(source == one or source.startswith(f"{one}/") for one in SYSTEM)
    ]
    return f"the host's {', '.join(sorted(handed))} is mounted" if handed else ""


def ssh(seen: Seen) -> str:
    return "something listens on port 22" if SSH_PORT in seen.ports else ""


def privileged_ports(seen: Seen) -> str:
    low = sorted({port for _address, port in bindings(seen) if 0 < port <= LAST_PRIVILEGED_PORT})
    return f"ports {', '.join(map(str, low))} of the server lead to it" if low else ""


def needed_ports(seen: Seen) -> str:
    ports = sorted({port for _address, port in bindings(seen)})
    if (not ports or seen.service in seen.public) and not seen.host.get("PublishAllPorts"):
        return ""
    return f"ports {', '.join(map(str, ports)) or 'of its image'} of the server lead to it"


def bound_everywhere(seen: Seen) -> str:
    ports = sorted({port for address, port in bindings(seen) if address in EVERYWHERE})
    return f"ports {', '.join(map(str, ports))} are opened on every address of the server" if ports else ""


def namespace(option: str, what: str) -> t.Callable[[Seen], str]:
    def shared(seen: Seen) -> str:
        return f"it shares the host's {what}" if seen.host.get(option) == "host" else ""

    return shared


def memory(seen: Seen) -> str:
    return "" if seen.host.get("Memory") else "its memory has no limit"


def cpu(seen: Seen) -> str:
    return "" if seen.host.get("CpuShares") or seen.host.get("NanoCpus") else "its share of the CPU is not set"


def read_only(seen: Seen) -> str:
    return "" if seen.host.get("ReadonlyRootfs") else "its root file system can be written to"


def restart(seen: Seen) -> str:
    policy = seen.host.get("RestartPolicy") or {}
    if policy.get("Name") == "on-failure" and policy.get("MaximumRetryCount") == RETRIES:
        return ""
    return f"its restart policy is {policy.get('Name') or 'no'}"


def devices(seen: Seen) -> str:
    paths = [str(one.get("PathOnHost")) for one in seen.host.get("Devices") or []]
    return f"it has the host's {', '.join(paths)}" if paths else ""


def propagation(seen: Seen) -> str:
    shared = [str(one.get("Destination")) for one in mounts(seen) if str(one.get("Propagation")).endswith("shared")]
    return f"mounts at {', '.join(shared)} spread to the host" if shared else ""


def security_option(seen: Seen, name: str) -> str:
    """The value of one of `SecurityOpt`, which are written with = or, on older engines, with a colon."""
    for option in seen.host.get("SecurityOpt") or []:
        key, _separator, value = str(option).replace(":", "=", 1).partition("=")
        if key == name:
            return value or "true"
    return ""


def seccomp(seen: Seen) -> str:
    return "its system calls are not filtered" if security_option(seen, "seccomp") == "unconfined" else ""


def new_privileges(seen: Seen) -> str:
    return "" if security_option(seen, "no-new-privileges") == "true" else "its processes may gain privileges"


def cgroup(seen: Seen) -> str:
    parent = seen.host.get("CgroupParent") or ""
    return f"it is in the control group {parent}" if parent else ""


def pinned(seen: Seen) -> str:
    image = str(seen.inspect["Config"].get("Image") or "")
    tag = image.rpartition("/")[2].partition(":")[2]
    fixed = "@sha256:" in image or image.startswith("sha256:") or tag not in ("", "latest")
    return "" if fixed else f"its image is {image}, which names no release"


def pids(seen: Seen) -> str:
    return "" if (seen.host.get("PidsLimit") or 0) > 0 else "it may start any number of processes"


def default_bridge(seen: Seen) -> str:
    networks = (seen.inspect.get("NetworkSettings") or {}).get("Networks") or {}
    return "it is on the engine's default network" if "bridge" in networks else ""


def socket(seen: Seen) -> str:
    paths = [str(mount.get(key) or "") for mount in mounts(seen) for key in ("Source", "Destination")]
    return "Docker's socket is mounted in it" if any("docker.sock" in path for path in paths) else ""


def log(seen: Seen) -> str:
    config = seen.host.get("LogConfig") or {}
    bounded = config.get("Type") in ("local", "journald") or (config.get("Config") or {}).get("max-size")
    return "" if bounded else f"its log ({config.get('Type')}) grows without end"


CHECKS: tuple[tuple[str, t.Callable[[Seen], str]], ...] = (
    ("4.1 a user of its own", user),
    ("4.8 no setuid files", setuid),
    ("5.2 AppArmor", apparmor),
    ("5.4 no capabilities", capabilities),
    ("5.5 not privileged", privileged),
    ("5.6 nothing of the system mounted", system_mounts),
    ("5.7 no SSH", ssh),
    ("5.8 no privileged ports", privileged_ports),
    ("5.9 only needed ports", needed_ports),
    ("5.10 a network of its own", namespace("NetworkMode", "network")),
    ("5.11 memory limit", memory),
    ("5.12 CPU shares", cpu),
    ("5.13 read-only root", read_only),
    ("5.14 bound to one address", bound_everywhere),
    ("5.15 bounded restarts", restart),
    ("5.16 processes of its own", namespace("PidMode", "processes")),
    ("5.17 memory of its own", namespace("IpcMode", "shared memory")),
    ("5.18 no devices", devices),
    ("5.20 mounts do not spread", propagation),
    ("5.21 a host name of its own", namespace("UTSMode", "host name")),
    ("5.22 seccomp", seccomp),
    ("5.25 the engine's control group", cgroup),
    ("5.26 no new privileges", new_privileges),
    ("5.27 healthy", health),
    ("5.28 a pinned image", pinned),
    ("5.29 limited processes", pids),
    ("5.30 not on the default network", default_bridge),
    ("5.31 users of its own", namespace("UsernsMode", "users")),
    ("5.32 no socket of the engine", socket),
    ("2.13 a bounded log", log),
)


def container_rows(seen: Seen) -> list[Row]:
    """A line for each check of one container."""
    return [row(name, seen.name, check(seen)) for name, check in CHECKS]


def engine_rows(info: Inspect) -> list[Row]:
    """What GET /info says of the engine that the containers rely on."""
    options = ",".join(info.get("SecurityOptions") or [])
    swarm = (info.get("Swarm") or {}).get("LocalNodeState", "inactive")
    return [
        row("5.1 no swarm", "engine", "" if swarm in ("inactive", "") else f"the engine is in a swarm ({swarm})"),
        row("5.2 the host has AppArmor or SELinux", "engine", "" if confines(options) else "the host has neither"),
        row(
            "5.22 the host has seccomp", "engine", "" if "name=seccomp" in options else "system calls are not filtered"
        ),
    ]


def confines(options: str) -> bool:
    return "name=apparmor" in options or "name=selinux" in options
