# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is somebody else's on the host is refused with its name and the variable to change."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._settings import setting_problems

DOMAIN = "org.opengeoai.modelhub.domain"


def container(name: str, *ports: int, stack: str = "", domain: str = "") -> dict[str, Any]:
    published = [{"ip": "0.0.0.0", "host": port, "container": port, "protocol": "tcp"} for port in ports]
    labels = {DOMAIN: domain} if domain else {}
    return {"name": name, "image": "postgres:16", "stack": stack, "labels": labels, "ports": published}


OURS = container("postgres", 443, stack="modelhub", domain="ml.example.org")
THEIRS = container("postgres", 443, stack="staging", domain="ml.example.org")
NOBODYS = container("postgres", 443)
UDP = {**NOBODYS, "ports": [{"ip": "", "host": 443, "container": 443, "protocol": "udp"}]}
STACK_FILE = "/opt/modelhub/stack.json"
TAKEN = {
    "network": "edge",
    "networks": [
        {"name": "bridge", "subnets": ["172.17.0.0/16"]},
        {"name": "edge6", "subnets": ["fd00::/64"]},
    ],
    "routes": [{"network": "10.8.0.0/24", "interface": "tun0"}],
}
HERE = {**TAKEN, "networks": [{"name": "edge", "subnets": ["172.30.1.0/24"]}]}
NAME = "mlflow.example.org"


def look(kind: str = "directory", content: str | None = None) -> dict[str, Any]:
    return {"/opt/modelhub": {"type": kind}, STACK_FILE: {"type": "absent", "content": content}}


CASES: list[tuple[str, str, Any, dict[str, Any], str]] = [
    ("free", "own_container", "postgres", {"found": [container("other")], "stack": "modelhub"}, ""),
    ("ours", "own_container", "postgres", {"found": [OURS], "stack": "modelhub"}, ""),
    (
        "R5-nobody",
        "own_container",
        "postgres",
        {"found": [NOBODYS], "stack": "modelhub"},
        r"belongs to no ModelHub stack \(image postgres:16\)\. Set the_setting to a name that is free",
    ),
    (
        "R5-stack",
        "own_container",
        "postgres",
        {"found": [THEIRS], "stack": "modelhub"},
        r'to the stack "staging" \(image',
    ),
    (
        "R5-network",
        "own_network",
        "n",
        {"found": [{"name": "n", "stack": ""}], "stack": "m"},
        r"a network of that name",
    ),
    ("network", "own_network", "n", {"found": [{"name": "n", "stack": "m"}], "stack": "m"}, ""),
    (
        "port-free",
        "free_port",
        443,
        {"containers": [container("x", 80)], "listeners": {"80": {}}, "own": "traefik"},
        "",
    ),
    ("port-udp", "free_port", 443, {"containers": [UDP], "listeners": {}, "own": "traefik"}, ""),
    ("port-own", "free_port", "443", {"containers": [OURS], "listeners": {"443": {}}, "own": "postgres"}, ""),
    (
        "F14-container",
        "free_port",
        443,
        {"containers": [THEIRS], "listeners": {"443": {"process": "docker-proxy"}}, "own": "traefik"},
        r'but container postgres of the stack "staging" publishes this port\. Set the_setting to a free port',
    ),
    (
        "F14-process",
        "free_port",
        443,
        {"containers": [], "listeners": {"443": {"process": "nginx", "pid": 7}}, "own": "traefik"},
        r"but nginx \(pid 7\) listens on this port",
    ),
    (
        "F14-unknown",
        "free_port",
        443,
        {"containers": [], "listeners": {"443": {"process": "", "pid": None}}, "own": "traefik"},
        r"but another process listens",
    ),
    ("F14-text", "free_port", "x", {"containers": [], "listeners": {}, "own": "t"}, r"must be a port number"),
    ("subnet", "own_subnet", "172.30.1.0/24", TAKEN, ""),
    ("subnet-ours", "own_subnet", "172.30.1.0/24", HERE, ""),
    (
        "subnet-moved",
        "own_subnet",
        "172.30.2.0/24",
        HERE,
        r"the network edge is here already, with 172\.30\.1\.0/24\. Leave the_setting empty",
    ),
    ("B38-network", "own_subnet", "172.17.3.0/24", TAKEN, r"it overlaps 172\.17\.0\.0/16 of the network bridge"),
    ("B38-route", "own_subnet", "10.0.0.0/8", TAKEN, r"it overlaps 10\.8\.0\.0/24, which this host reaches by tun0"),
    ("B38-ipv6", "own_subnet", "fd01::/24", TAKEN, r"an IPv4 network of /28 or more"),
    ("B38-small", "own_subnet", "172.30.1.0/29", TAKEN, r"an IPv4 network of /28 or more"),
    ("name", "leads_here", NAME, {"addresses": {NAME: ["8.8.8.8", "8.8.4.4"]}, "own": ["8.8.4.4"]}, ""),
    ("name-nat", "leads_here", NAME, {"addresses": {NAME: ["8.8.4.4"]}, "own": ["10.0.0.5"]}, ""),
    ("name-not-asked", "leads_here", NAME, {"addresses": {}, "own": ["8.8.4.4"]}, ""),
    (
        "F16-unknown",
        "leads_here",
        NAME,
        {"addresses": {NAME: []}, "own": ["10.0.0.5"]},
        r"it cannot be resolved on the server, and .* or set traefik_dns_check to warn",
    ),
    (
        "F16-elsewhere",
        "leads_here",
        NAME,
        {"addresses": {NAME: ["8.8.8.8"]}, "own": ["10.0.0.5", "8.8.4.4"]},
        r"it leads to 8\.8\.8\.8, and not to this server's 8\.8\.4\.4, and",
    ),
    ("domain-own", "one_domain", "ml.example.org", {"found": [OURS, NOBODYS], "stack": "modelhub"}, ""),
    (
        "domain-theirs",
        "one_domain",
        "ml.example.org",
        {"found": [OURS, THEIRS], "stack": "modelhub"},
        r'the stack "staging" on this host has the same domain .*Set the_setting to a domain of its own',
    ),
    ("domain-other", "one_domain", "x.example.org", {"found": [THEIRS], "stack": "modelhub"}, ""),
    ("directory", "directory", "/opt/modelhub", {"found": look()}, ""),
    ("directory-not-looked-at", "directory", "/opt/modelhub", {"found": {}}, ""),
    ("B35-file", "directory", "/opt/modelhub", {"found": look("file")}, r"what is there is a file, and"),
    ("B35-link", "directory", "/opt/modelhub", {"found": look("link")}, r"what is there is a symbolic link, and"),
    ("B35-device", "directory", "/opt/modelhub", {"found": look("other")}, r"neither a file nor a directory"),
    ("base-new", "own_directory", "/opt/modelhub", {"found": look("absent"), "stack": "modelhub"}, ""),
    ("base-strange", "own_directory", "/opt/modelhub", {"found": look(), "stack": "modelhub"}, ""),
    ("base-link", "own_directory", "/opt/modelhub", {"found": look("link"), "stack": "modelhub"}, r"symbolic link"),
    (
        "base-own",
        "own_directory",
        "/opt/modelhub/",
        {"found": look(content=json.dumps({"stack": "modelhub"})), "stack": "modelhub"},
        "",
    ),
    (
        "base-theirs",
        "own_directory",
        "/opt/modelhub",
        {"found": look(content=json.dumps({"stack": "staging"})), "stack": "modelhub"},
        r'belongs to the stack "staging"\. Set the_setting to .*, or modelhub_stack to "staging"',
    ),
    (
        "base-broken",
        "own_directory",
        "/opt/modelhub",
        {"found": look(content="{"), "stack": "modelhub"},
        r"whose it is",
    ),
    ("base-list", "own_directory", "/opt/modelhub", {"found": look(content="[]"), "stack": "modelhub"}, r"whose it is"),
]


@pytest.mark.parametrize(
    ("rule", "value", "options", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_was_found_is_judged(rule: str, value: Any, options: dict[str, Any], message: str) -> None:
    found = setting_problems([{"name": "the_setting", "value": value, "rule": rule, **options}])
    if not message:
        assert found == []
        return
    assert len(found) == 1 and found[0].startswith("the_setting is "), found
    assert re.search(message, found[0]), found
