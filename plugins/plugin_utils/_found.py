# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Rules that hold a variable against what the module stack_info found on the host: whose it is, and what is there."""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t

from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import Setting, whole_number

DOMAIN_LABEL = "org.opengeoai.modelhub.domain"
STACK_FILE = "stack.json"
# Room for the containers of a stack, its gateway, and some that users add
SMALLEST_SUBNET = 28
IPV4 = 4

# What stack_info describes: one container, network, path or listener.
Found = t.Mapping[str, t.Any]


def own_container(setting: Setting, *, found: t.Sequence[Found], stack: str) -> list[str]:
    """No container of that name is somebody else's."""
    return _own(setting, found, stack, "container")


def own_network(setting: Setting, *, found: t.Sequence[Found], stack: str) -> list[str]:
    """No network of that name is somebody else's."""
    return _own(setting, found, stack, "network")


def _own(setting: Setting, found: t.Sequence[Found], stack: str, kind: str) -> list[str]:
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", str(setting.value)):
        want = "letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
        return setting.bad(f"the name of a {kind} takes {want}", want)
    for one in found:
        if one["name"] == setting.value and one["stack"] != stack:
            image = f" (image {one['image']})" if one.get("image") else ""
            return setting.bad(
                f"a {kind} of that name is here already and belongs to {_whose(one)}{image}",
                remedy=f"Set {setting.name} to a name that is free on this host, or remove that {kind} yourself",
            )
    return []


def free_port(
    setting: Setting, *, containers: t.Sequence[Found], listeners: t.Mapping[str, Found], own: str
) -> list[str]:
    """Nobody but the container `own` has the port of the host."""
    number = whole_number(setting.value)
    if number is None:
        return setting.bad("must be a port number", "a port number")
    holders = [one for one in containers if any(_is(published, number) for published in one["ports"])]
    if any(one["name"] == own for one in holders):
        return []
    if holders:
        taken = f"container {holders[0]['name']} of {_whose(holders[0])} publishes this port"
    elif str(number) in listeners:
        process = listeners[str(number)].get("process") or "another process"
        taken = f"{process}{_pid(listeners[str(number)])} listens on this port of the host"
    else:
        return []
    return setting.bad(taken, remedy=f"Set {setting.name} to a free port, or stop what holds this one")


def _is(published: Found, number: int) -> bool:
    return bool(published["host"] == number and published["protocol"] == "tcp")


def _pid(listener: Found) -> str:
    return f" (pid {listener['pid']})" if listener.get("pid") else ""


def own_subnet(setting: Setting, *, network: str, networks: t.Sequence[Found], routes: t.Sequence[Found]) -> list[str]:
    """A subnet for a network that is this stack's, which has it already or which nobody else on the host has.

    What is no network at all is left to the rule of that name, which need not know the host.
    """
    want = "a private IPv4 network that is free on this host, such as 172.30.1.0/24"
    try:
        wanted = ipaddress.ip_network(setting.value)
    except ValueError:
        return []
    if wanted.version != IPV4 or wanted.prefixlen > SMALLEST_SUBNET:
        return setting.bad(f"an IPv4 network of /{SMALLEST_SUBNET} or more addresses is needed", want)
    here = next((one["subnets"] for one in networks if one["name"] == network), None)
    if here is not None:
        remedy = f"Leave {setting.name} empty; to move the network, remove the stack without its data first"
        found = f"the network {network} is here already, with {', '.join(here)}"
        return [] if setting.value in here else setting.bad(found, remedy=remedy)
    # The engine's networks are routes as well: their names say more.
    taken = [(subnet, f" of the network {one['name']}") for one in networks for subnet in one["subnets"]]
    taken += [(route["network"], f", which this host reaches by {route['interface']}") for route in routes]
    for subnet, whose in taken:
        other = ipaddress.ip_network(subnet, strict=False)
        if other.version == IPV4 and wanted.overlaps(other):
            return setting.bad(f"it overlaps {subnet}{whose}", want)
    return []


def leads_here(setting: Setting, *, addresses: t.Mapping[str, t.Sequence[str]], own: t.Sequence[str]) -> list[str]:
    """A name resolves on the host, and to it where it has a public address itself. Behind a NAT nobody can tell.

    addresses: what stack_info found for each name; one that it was not asked for counts as right. own: the host's.
    """
    fault = "and an ACME server counts each order that fails"
    remedy = "Let its record in DNS lead to this server, or set traefik_dns_check to warn"
    found = addresses.get(str(setting.value))
    public = [address for address in own if ipaddress.ip_address(address).is_global]
    if found is None or set(found) & set(own) or (found and not public):
        return []
    if not found:
        return setting.bad(f"it cannot be resolved on the server, {fault}", remedy=remedy)
    elsewhere = f"it leads to {', '.join(found)}, and not to this server's {', '.join(public)}"
    return setting.bad(f"{elsewhere}, {fault}", remedy=remedy)


def one_domain(setting: Setting, *, found: t.Sequence[Found], stack: str) -> list[str]:
    """No other stack on this engine answers at the same domain."""
    for container in found:
        if container["labels"].get(DOMAIN_LABEL) == setting.value and container["stack"] != stack:
            return setting.bad(
                f"{_whose(container)} on this host has the same domain (its container {container['name']})",
                "a domain of its own",
            )
    return []


def _whose(found: Found) -> str:
    return f'the stack "{found["stack"]}"' if found["stack"] else "no ModelHub stack"


DESCRIPTIONS = {"file": "a file", "link": "a symbolic link", "other": "neither a file nor a directory"}


def directory(setting: Setting, *, found: t.Mapping[str, Found]) -> list[str]:
    """At the path is a directory, or nothing yet. `found` maps the paths that were looked at."""
    kind = found.get(str(setting.value), {}).get("type", "absent")
    # Of what this user may not look at, nothing can be said.
    if kind in ("absent", "directory", "unknown"):
        return []
    return setting.bad(
        f"what is there is {DESCRIPTIONS.get(kind, kind)}, and a directory is needed",
        remedy=f"Set {setting.name} to another path, or move away what is there",
    )


def own_directory(setting: Setting, *, found: t.Mapping[str, Found], stack: str) -> list[str]:
    """The base directory is no other stack's."""
    problems = directory(setting, found=found)
    content = found.get(f"{str(setting.value).rstrip('/')}/{STACK_FILE}", {}).get("content")
    if problems or content is None:
        return problems
    try:
        owner = json.loads(content)["stack"]
    except (ValueError, KeyError, TypeError):
        return setting.bad(
            f"its {STACK_FILE} does not tell whose it is",
            remedy=f"Set {setting.name} to another path, or restore {STACK_FILE}",
        )
    if owner == stack:
        return []
    return setting.bad(
        f'this directory belongs to the stack "{owner}"',
        remedy=f'Set {setting.name} to a directory of its own, or modelhub_stack to "{owner}" to go on with that stack',
    )
