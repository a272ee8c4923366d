# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a Docker engine holds, asked over its Unix socket with the standard library alone. Nothing here changes it."""

from __future__ import annotations

import http.client
import json
import socket
import time
import typing as t
from contextlib import closing
from operator import itemgetter
from pathlib import Path

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError

# As docker inspect shows a container
Inspect = t.Dict[str, t.Any]
# What the engine answers to a GET of a path
Get = t.Callable[[str], t.Any]
STACK_LABEL = "org.opengeoai.modelhub.stack"
# On containers that are started for a while: stopped is what they are meant to be.
JOB_LABEL = "org.opengeoai.modelhub.job"
MAX_ERROR_BYTES = 500
RETRY_SECONDS = 0.1
UNTAGGED = ("<none>:<none>", "<none>@<none>")


class EngineError(ModelhubError):
    """The engine did not answer, or not as an engine does."""


class EngineDenied(EngineError):
    """This user may not open the engine's socket."""


class EngineApi(t.Protocol):
    def get(self, path: str) -> t.Any:
        """The parsed answer to a GET of the engine's API. Raises EngineError."""


def seconds_left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


class DeadlineSocket(socket.socket):
    """A Unix socket whose reads end at one moment together, however slowly the other side writes."""

    def __init__(self, ends_at: float) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self.ends_at = ends_at

    def recv_into(self, buffer: t.Any, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(seconds_left(self.ends_at))
        return super().recv_into(buffer, nbytes, flags)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, ends_at: float) -> None:
        super().__init__("localhost")
        self.path = path
        self.ends_at = ends_at

    def connect(self) -> None:
        self.sock = DeadlineSocket(self.ends_at)
        while True:
            self.sock.settimeout(seconds_left(self.ends_at))
            try:
                return self.sock.connect(self.path)
            except BlockingIOError:
                # So many wait to be accepted that the socket takes no more at this moment.
                time.sleep(RETRY_SECONDS)


class UnixEngine:
    """The engine behind a socket. All its answers together may take `timeout_seconds`, counted from now."""

    def __init__(self, path: str, timeout_seconds: int) -> None:
        self.path = path
        self.timeout_seconds = timeout_seconds
        self.ends_at = time.monotonic() + timeout_seconds

    def get(self, path: str) -> t.Any:
        try:
            with closing(UnixConnection(self.path, self.ends_at)) as connection:
                connection.request("GET", path)
                response = connection.getresponse()
                body = response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise self.explain(exc) from exc
        if response.status != http.client.OK:
            text = body[:MAX_ERROR_BYTES].decode(errors="replace").strip()
            raise EngineError(f"GET {path} over {self.path}: status {response.status}, {text}")
        try:
            return json.loads(body)
        except ValueError as exc:
            raise EngineError(f"GET {path} over {self.path}: the answer is no JSON. Is this Docker's socket?") from exc

    def explain(self, exc: Exception) -> EngineError:
        if isinstance(exc, PermissionError):
            return EngineDenied(
                f"This user may not open {self.path}: permission denied. "
                "Run the task with become: true, or add the user to the group that owns the socket."
            )
        if isinstance(exc, FileNotFoundError):
            return EngineError(f"There is no socket {self.path}: Docker is not started, not installed or not there.")
        if isinstance(exc, ConnectionRefusedError):
            return EngineError(f"Nothing listens on {self.path}. Start Docker.")
        if isinstance(exc, socket.timeout):
            return EngineError(
                f"The engine behind {self.path} did not answer within {self.timeout_seconds} seconds. "
                "See its log (journalctl -u docker), and restart it."
            )
        return EngineError(
            f"{self.path} gave no answer: {str(exc).strip() or type(exc).__name__}. Is this Docker's socket?"
        )


def ownership(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """The labels, and the stack that they name or ''."""
    labels = answer.get("Labels") or {}
    return {"labels": labels, "stack": labels.get(STACK_LABEL, "")}


def mount_sources(answer: dict[str, t.Any]) -> list[str]:
    """Paths of the host, or names of volumes. A tmpfs has neither."""
    sources = [mount.get("Source") or mount.get("Name") for mount in answer.get("Mounts") or []]
    return sorted(filter(None, sources))


def container(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """One element of GET /containers/json in the words of stack_info."""
    # Legacy links add names with a second slash.
    names = [name.lstrip("/") for name in answer.get("Names") or []]
    networks = (answer.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        "name": next((name for name in names if "/" not in name), ""),
        "id": answer["Id"],
        "image": answer["Image"],
        "image_id": answer["ImageID"],
        "state": answer["State"],
        "status": answer["Status"],
        **ownership(answer),
        "ports": [
            {
                "ip": port.get("IP") or "",
                "host": port["PublicPort"],
                "container": port["PrivatePort"],
                "protocol": port["Type"],
            }
            for port in answer.get("Ports") or []
            if port.get("PublicPort")
        ],
        "networks": sorted(networks),
        "addresses": {name: network.get("IPAddress") or "" for name, network in networks.items()},
        "mounts": mount_sources(answer),
    }


def network(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """One element of GET /networks in the words of stack_info."""
    pools = (answer.get("IPAM") or {}).get("Config") or []
    return {
        "name": answer["Name"],
        "id": answer["Id"],
        **ownership(answer),
        "internal": bool(answer.get("Internal")),
        "driver": answer["Driver"],
        "subnets": [pool["Subnet"] for pool in pools if pool.get("Subnet")],
    }


def image(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """One element of GET /images/json in the words of stack_info."""
    return {
        "id": answer["Id"],
        "tags": sorted(set(answer.get("RepoTags") or []) - set(UNTAGGED)),
        "digests": sorted(set(answer.get("RepoDigests") or []) - set(UNTAGGED)),
        "labels": answer.get("Labels") or {},
        "created": answer["Created"],
    }


def versioned(api: EngineApi) -> Get:
    """Ask by the engine's own version of its API: a path without one is deprecated, an older one may be refused."""
    prefix = f"/v{api.get('/version')['ApiVersion']}"
    return lambda path: api.get(f"{prefix}{path}")


def own_containers(get: Get, stack: str) -> list[Inspect]:
    """All that docker inspect shows of the containers of a stack, running or not, but for those of a timer's job."""
    found = get("/containers/json?all=1")
    labels = {one["Id"]: one.get("Labels") or {} for one in found}
    own = [one for one, said in labels.items() if said.get(STACK_LABEL) == stack and JOB_LABEL not in said]
    return [get(f"/containers/{one}/json") for one in own]


def service_of(inspect: Inspect, services: t.Iterable[str]) -> str:
    """The alias by which others call a container, or its name where it has none of them."""
    networks = (inspect["NetworkSettings"].get("Networks") or {}).values()
    aliases = {alias for one in networks for alias in one.get("Aliases") or []}
    name = str(inspect["Name"]).lstrip("/")
    return next((service for service in services if service in aliases), name)


def read_engine(api: EngineApi) -> dict[str, t.Any]:
    """Version, containers, networks and images, each list sorted. Raises EngineError."""
    try:
        version = api.get("/version")
        # The engine's own version: a path without one is deprecated, an older one may be refused.
        prefix = f"/v{version['ApiVersion']}"
        return {
            "version": version["Version"],
            "api_version": version["ApiVersion"],
            "containers": sorted(map(container, api.get(f"{prefix}/containers/json?all=1")), key=itemgetter("name")),
            "networks": sorted(map(network, api.get(f"{prefix}/networks")), key=itemgetter("name")),
            "images": sorted(map(image, api.get(f"{prefix}/images/json")), key=itemgetter("id")),
        }
    except (AttributeError, KeyError, TypeError) as exc:
        raise EngineError(f"The engine's answer has an unknown form: {type(exc).__name__} {exc}.") from exc


def socket_gid(path: str) -> int | None:
    """The group that owns a socket, None when it cannot be looked at."""
    try:
        return Path(path).stat().st_gid
    except OSError:
        return None


def look_at_engine(api: EngineApi | None) -> dict[str, t.Any]:
    """What read_engine gives, plus `error` and `denied`. All is empty when any answer is missing, or without an api.

    Half of the truth would be worse than none: a judge would take a list that could not be read for an empty one.
    """
    nothing: dict[str, t.Any] = {"version": "", "api_version": "", "containers": [], "networks": [], "images": []}
    if api is None:
        return {**nothing, "error": "", "denied": False}
    try:
        return {**read_engine(api), "error": "", "denied": False}
    except EngineError as exc:
        return {**nothing, "error": str(exc), "denied": isinstance(exc, EngineDenied)}
