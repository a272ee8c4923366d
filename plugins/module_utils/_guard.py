# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Everything that module stack_security_info looks at, in one round. Nothing here changes the host."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import typing as t
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from ansible_collections.opengeoai.modelhub.plugins.module_utils._benchmark import (
    EVERYWHERE,
    Row,
    Seen,
    bindings,
    container_rows,
    engine_rows,
    row,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import (
    STACK_LABEL,
    EngineApi,
    Get,
    Inspect,
    own_containers,
    service_of,
    versioned,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._exposure import (
    ENGINE_PORTS,
    Secrets,
    file_rows,
    files_with_secrets,
    folder_rows,
    has_way_out,
    listening,
    neighbour,
    opened,
    process_secrets,
    reach_rows,
    read_secrets,
    readable_for_all,
    secret_rows,
    setuid_files,
    targets_of,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._host import resolve
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require, require_absolute

# Where anybody may look, besides the stack's own directory
PUBLIC_FOLDERS = ("/tmp", "/var/tmp", "/var/log")


class GuardError(ModelhubError):
    """A check could not be made."""


@dataclass(frozen=True)
class GuardParams:
    stack: str
    base_dir: str
    secrets_dir: str
    reach: dict[str, dict[str, list[int]]]
    services: list[str]
    expected: list[str]
    accounts: bool
    hostname: str
    addresses: list[str]
    inside: list[str]
    socket: str
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> GuardParams:
        require(params, {"timeout_seconds": {"rule": integer, "min": 1, "max": 3600}})
        require_absolute(params, ("base_dir", "secrets_dir", "socket"))
        try:
            reach = {
                source: {target: [int(port) for port in ports] for target, ports in targets.items()}
                for source, targets in params["reach"].items()
            }
        except (AttributeError, TypeError, ValueError) as exc:
            raise InvalidOption("reach must hold, by service and service, lists of ports.") from exc
        return cls(**{one.name: params[one.name] for one in fields(cls) if one.name != "reach"}, reach=reach)


def described(get: Get, params: GuardParams) -> tuple[list[Inspect], list[str]]:
    """The stack's running containers, and the names of those that do not run."""
    inspects = own_containers(get, params.stack)
    if not inspects:
        raise GuardError(f'There is no container of the stack "{params.stack}" on this host. Deploy it first.')
    running = [one for one in inspects if one["State"].get("Running")]
    return running, sorted(str(one["Name"]).lstrip("/") for one in inspects if one not in running)


def published_by_others(get: Get, stack: str) -> set[int]:
    found = get("/containers/json")
    others = [one for one in found if (one.get("Labels") or {}).get(STACK_LABEL) != stack]
    return {port["PublicPort"] for one in others for port in one.get("Ports") or [] if port.get("PublicPort")}


def look(params: GuardParams, api: EngineApi) -> dict[str, t.Any]:
    try:
        secrets = read_secrets(params.secrets_dir)
        get = versioned(api)
        info = get("/info")
        inspects, stopped = described(get, params)
        others = published_by_others(get, params.stack)
        shown = {one["Name"].lstrip("/"): secrets.within(everything(get, one)) for one in inspects}
        seen = [see(one, info, params.services) for one in inspects]
        rows = run_rows(stopped, {one.service for one in seen}, params.expected)
        rows.append(account_row(params, [address for one in seen for address, _port in bindings(one)]))
        rows += engine_rows(info)
        for one in seen:
            rows += container_rows(one)
        rows += reach(seen, params)
        rows += secret_rows("secrets in inspect and history", shown)
        rows += open_secrets(seen, secrets)
        rows += open_files(params, seen, secrets)
        return {
            "rows": rows,
            "containers": {one.service: one.name for one in seen},
            "ports": ports_to_try(seen, others),
            "engine": info["ServerVersion"],
        }
    except (OSError, subprocess.SubprocessError, KeyError) as exc:
        raise GuardError(
            f"A check could not be made: {type(exc).__name__} {exc}. Run the task with become: true, where nsenter is."
        ) from exc


def run_rows(stopped: list[str], services: set[str], expected: list[str]) -> list[Row]:
    rows = [row("containers run", name, "it does not run, so nothing of it was looked at") for name in stopped]
    missing = [service for service in expected if service not in services]
    rows += [row("containers run", service, "no container of it runs, so it was not looked at") for service in missing]
    return rows or [row("containers run", "all", said=", ".join(sorted(services)))]


def public_addresses(bound: t.Iterable[str], own: t.Iterable[str], named: t.Iterable[str]) -> list[str]:
    """Addresses of the internet by which a service is reached.

    bound: where its ports are opened. own: the host's. named: its name's, which a router may translate.
    """
    opened_at = set(bound)
    if not opened_at - {"127.0.0.1", "::1"}:
        return []
    reached = (opened_at - set(EVERYWHERE)) | set(named) | (set(own) if opened_at & set(EVERYWHERE) else set())
    return sorted(one for one in reached if ipaddress.ip_address(one.partition("%")[0]).is_global)


def account_row(params: GuardParams, bound: t.Iterable[str]) -> Row:
    public = public_addresses(bound, params.addresses, resolve(params.hostname) if params.hostname else ())
    said = f"public: {', '.join(public)}" if public else "no address is public"
    fault = "" if params.accounts or not public else f"there are no accounts, and {', '.join(public)} is public"
    return row("accounts on public addresses", params.hostname or params.stack, fault, said)


def see(inspect: Inspect, info: Inspect, services: t.Iterable[str]) -> Seen:
    pid = inspect["State"]["Pid"]
    return Seen(
        inspect=inspect,
        service=service_of(inspect, services),
        apparmor="name=apparmor" in ",".join(info.get("SecurityOptions") or []),
        ports=listening(pid),
        setuid=setuid_files(f"/proc/{pid}/root"),
    )


def ports_to_try(seen: list[Seen], others: set[int]) -> list[int]:
    """Whatever listens on the host or in a container of the stack, and what the engine's API would listen on."""
    ports = {port for one in seen for port in one.ports} | {port for one in seen for _address, port in bindings(one)}
    # What another stack or a stranger publishes is theirs.
    return sorted((ports | set(listening(os.getpid())) | set(ENGINE_PORTS)) - others)


def reach(seen: list[Seen], params: GuardParams) -> list[Row]:
    neighbours = [neighbour(one.inspect, one.service, one.ports) for one in seen]
    rows = []
    for one, source in zip(seen, neighbours):
        pid = one.inspect["State"]["Pid"]
        targets = targets_of(source, neighbours, params.reach)
        rows += reach_rows(source, targets, opened(pid, list(targets)), params.reach)
        if source.service in params.inside:
            out = has_way_out(Path(f"/proc/{pid}/net/route").read_text())
            rows.append(row("no way out", source.name, "it has a route to the outside" if out else ""))
    return rows


def everything(get: Get, inspect: Inspect) -> bytes:
    """What `docker inspect` shows of a container and its image, and `docker history`."""
    image = inspect["Image"]
    texts = (inspect, get(f"/images/{image}/json"), get(f"/images/{image}/history"))
    return json.dumps(texts, ensure_ascii=False).encode()


def open_secrets(seen: list[Seen], secrets: Secrets) -> list[Row]:
    """Secrets in what `docker logs` and `ps` show."""
    logs: dict[str, set[str]] = {}
    rows = []
    for one in seen:
        # Older pieces lie beside it.
        path = Path(one.inspect.get("LogPath") or "/")
        files = sorted(str(file) for file in path.parent.glob(f"{path.name}*")) if path.name else []
        if files:
            logs[one.name] = set().union(*(secrets.within_file(file) for file in files))
        else:
            rows.append(row("secrets in logs", one.name, "its log is in no file, and was not looked at"))
    rows += secret_rows("secrets in logs", logs)
    for kind, check in (("cmdline", "secrets in arguments"), ("environ", "secrets in environments")):
        rows += secret_rows(check, process_secrets(secrets, kind)) or [row(check, "all processes")]
    return rows


def open_files(params: GuardParams, seen: list[Seen], secrets: Secrets) -> list[Row]:
    data = {
        mount["Source"]
        for one in seen
        for mount in one.inspect.get("Mounts") or []
        if mount["Type"] == "bind" and mount.get("RW")
    }
    uids = {0} | {owner(one.inspect["Config"].get("User") or "0") for one in seen}
    files = files_with_secrets(params.base_dir, secrets, data)
    if not files:
        raise GuardError(f"No file in {params.base_dir} holds a secret: {params.secrets_dir} is not the stack's.")
    readable: dict[str, set[str]] = {}
    for folder in (params.base_dir, *PUBLIC_FOLDERS):
        readable.update(readable_for_all(folder, secrets))
    modes = {}
    for path in data:
        with suppress(FileNotFoundError):
            modes[path] = os.lstat(path).st_mode
    rows = secret_rows("secrets in files for all", readable) or [row("secrets in files for all", params.base_dir)]
    return rows + file_rows(files, uids) + folder_rows(modes)


def owner(user: str) -> int:
    """The uid of a container's user; -1 for one that only the image knows by its name."""
    number = user.partition(":")[0]
    return int(number) if number.isdigit() else -1
