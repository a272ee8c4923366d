# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each check of a container has a container that fails it, and it alone."""

from __future__ import annotations

import typing as t
from copy import deepcopy

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._benchmark import (
    CHECKS,
    Seen,
    container_rows,
    engine_rows,
)

GOOD: dict[str, t.Any] = {
    "Name": "/mlflow",
    "AppArmorProfile": "docker-default",
    "Config": {"User": "1001:1001", "Image": "ghcr.io/opengeoai/modelhub/mlflow:v3"},
    "State": {"Health": {"Status": "healthy"}},
    "HostConfig": {
        "CapAdd": None,
        "CapDrop": ["ALL"],
        "CpuShares": 1024,
        "IpcMode": "private",
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        "Memory": 1,
        "NetworkMode": "edge",
        "PidsLimit": 300,
        "PortBindings": {},
        "ReadonlyRootfs": True,
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
        "SecurityOpt": ["no-new-privileges:true"],
    },
    "Mounts": [{"Type": "bind", "Source": "/opt/modelhub/mlflow", "Destination": "/tmp", "Propagation": "rprivate"}],
    "NetworkSettings": {"Networks": {"edge": {}}},
}
# Check -> the path of what is changed, and to what
WRONG: dict[str, tuple[tuple[str, ...], t.Any]] = {
    "4.1 a user of its own": (("Config", "User"), "0:0"),
    "5.2 AppArmor": (("AppArmorProfile",), "unconfined"),
    "5.4 no capabilities": (("HostConfig", "CapAdd"), ["NET_ADMIN"]),
    "5.5 not privileged": (("HostConfig", "Privileged"), True),
    "5.6 nothing of the system mounted": (("Mounts",), [{"Type": "bind", "Source": "/etc/ssl", "Destination": "/ssl"}]),
    "5.10 a network of its own": (("HostConfig", "NetworkMode"), "host"),
    "5.11 memory limit": (("HostConfig", "Memory"), 0),
    "5.12 CPU shares": (("HostConfig", "CpuShares"), 0),
    "5.13 read-only root": (("HostConfig", "ReadonlyRootfs"), False),
    "5.15 bounded restarts": (("HostConfig", "RestartPolicy"), {"Name": "unless-stopped"}),
    "5.16 processes of its own": (("HostConfig", "PidMode"), "host"),
    "5.17 memory of its own": (("HostConfig", "IpcMode"), "host"),
    "5.18 no devices": (("HostConfig", "Devices"), [{"PathOnHost": "/dev/sda"}]),
    "5.20 mounts do not spread": (
        ("Mounts",),
        [{"Type": "bind", "Source": "/opt/a", "Destination": "/a", "Propagation": "rshared"}],
    ),
    "5.21 a host name of its own": (("HostConfig", "UTSMode"), "host"),
    "5.22 seccomp": (("HostConfig", "SecurityOpt"), ["no-new-privileges:true", "seccomp=unconfined"]),
    "5.25 the engine's control group": (("HostConfig", "CgroupParent"), "/other"),
    "5.26 no new privileges": (("HostConfig", "SecurityOpt"), []),
    "5.27 healthy": (("State",), {}),
    "5.28 a pinned image": (("Config", "Image"), "registry:5000/mlflow:latest"),
    "5.29 limited processes": (("HostConfig", "PidsLimit"), 0),
    "5.30 not on the default network": (("NetworkSettings", "Networks"), {"bridge": {}}),
    "5.31 users of its own": (("HostConfig", "UsernsMode"), "host"),
    "2.13 a bounded log": (("HostConfig", "LogConfig"), {"Type": "json-file", "Config": {}}),
}
# What cannot be changed alone, or is no part of the container
OTHERS = {
    "4.8 no setuid files",
    "5.7 no SSH",
    "5.8 no privileged ports",
    "5.9 only needed ports",
    "5.14 bound to one address",
    "5.32 no socket of the engine",
}


def failed(seen: Seen) -> set[str]:
    return {row["check"] for row in container_rows(seen) if not row["passed"]}


def changed(path: tuple[str, ...], value: t.Any) -> dict[str, t.Any]:
    inspect = deepcopy(GOOD)
    place = inspect
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return inspect


def test_a_good_container_passes_every_check() -> None:
    assert failed(Seen(GOOD, "mlflow")) == set()


def test_every_check_has_a_case() -> None:
    assert {name for name, _check in CHECKS} == set(WRONG) | OTHERS


@pytest.mark.parametrize("check", WRONG)
def test_a_wrong_container_fails_that_check_alone(check: str) -> None:
    path, value = WRONG[check]
    assert failed(Seen(changed(path, value), "mlflow")) == {check}


def test_capabilities_must_be_dropped() -> None:
    assert failed(Seen(changed(("HostConfig", "CapDrop"), ["NET_RAW"]), "mlflow")) == {"5.4 no capabilities"}


def test_the_socket_of_the_engine() -> None:
    mounts = [{"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/docker.sock"}]
    assert "5.32 no socket of the engine" in failed(Seen(changed(("Mounts",), mounts), "mlflow"))


def test_ports() -> None:
    bindings = {"5000/tcp": [{"HostIp": "", "HostPort": "80"}]}
    inspect = changed(("HostConfig", "PortBindings"), bindings)
    assert failed(Seen(inspect, "mlflow")) == {
        "5.8 no privileged ports",
        "5.9 only needed ports",
        "5.14 bound to one address",
    }
    bindings = {"5000/tcp": [{"HostIp": "192.0.2.1", "HostPort": "8443"}]}
    inspect = changed(("HostConfig", "PortBindings"), bindings)
    assert failed(Seen(inspect, "traefik")) == set()
    assert failed(Seen(inspect, "mlflow")) == {"5.9 only needed ports"}


def test_what_was_seen_from_the_host() -> None:
    assert failed(Seen(GOOD, "mlflow", ports=(22,), setuid=("/usr/bin/su",))) == {"5.7 no SSH", "4.8 no setuid files"}


def test_a_host_without_apparmor_is_told_once() -> None:
    inspect = changed(("AppArmorProfile",), "")
    assert failed(Seen(inspect, "mlflow", apparmor=False)) == set()
    rows = engine_rows({"SecurityOptions": ["name=seccomp,profile=default"], "Swarm": {"LocalNodeState": "active"}})
    assert [row["check"] for row in rows if not row["passed"]] == [
        "5.1 no swarm",
        "5.2 the host has AppArmor or SELinux",
    ]
    assert all(row["passed"] for row in engine_rows({"SecurityOptions": ["name=apparmor", "name=seccomp"]}))
