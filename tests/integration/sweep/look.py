# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what there is of a stack as JSON, without what depends on time and chance.

Usage: look.py [DIRECTORY]   its files; by default those of the server that it runs on, with containers and networks
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

PLACES = ["/opt/modelhub", "/etc/docker"]
# What services write themselves, and what an interrupted first start of the database leaves on purpose
OWN_DATA = re.compile(r"/(minio|postgres)/data(\.interrupted\.\d+)?$|/postgres/run$|/mlflow/spool$|/traefik/acme$")
CONTAINER = ("Name", "Path", "Args", "Image", "RestartCount", "HostConfig")
NETWORK = ("Name", "Driver", "Internal", "Options", "Labels")


def describe(path: Path) -> dict[str, Any]:
    info = path.lstat()
    kind = "link" if path.is_symlink() else "directory" if path.is_dir() else "file"
    content = hashlib.sha256(path.read_bytes()).hexdigest() if kind == "file" else ""
    return {"kind": kind, "mode": oct(info.st_mode), "owner": f"{info.st_uid}:{info.st_gid}", "sha256": content}


def files(places: list[str]) -> dict[str, Any]:
    found = {}
    for place in places:
        for folder, folders, names in os.walk(place):
            found[folder] = describe(Path(folder))
            apart = [name for name in folders if OWN_DATA.search(f"{folder}/{name}")]
            folders[:] = [name for name in folders if name not in apart]
            names += [name for name in apart if ".interrupted." not in name]
            found.update({f"{folder}/{name}": describe(Path(folder, name)) for name in names})
    return found


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def inspected(kind: str, ids: list[str]) -> list[dict[str, Any]]:
    return json.loads(docker(kind, "inspect", *ids)) if ids else []


def containers() -> dict[str, Any]:
    found = {}
    for one in inspected("container", docker("ps", "--all", "--quiet").split()):
        kept = {key: one[key] for key in CONTAINER}
        # Where nothing is set, an engine that was restarted writes [] instead of null.
        kept["HostConfig"] = {key: value for key, value in one["HostConfig"].items() if value}
        kept["Config"] = {**one["Config"], "Env": sorted(one["Config"]["Env"] or [])}
        kept["Mounts"] = sorted(one["Mounts"], key=lambda mount: str(mount["Destination"]))
        kept["State"] = [one["State"]["Status"], one["State"].get("Health", {}).get("Status")]
        # Docker adds the container's id.
        kept["Networks"] = {
            name: sorted(alias for alias in network["Aliases"] or [] if alias != one["Id"][:12])
            for name, network in one["NetworkSettings"]["Networks"].items()
        }
        found[one["Name"]] = kept
    return found


def networks() -> dict[str, Any]:
    every = inspected("network", docker("network", "ls", "--quiet").split())
    return {one["Name"]: {key: one[key] for key in NETWORK} for one in every}


def main() -> None:
    places = sys.argv[1:]
    found: dict[str, Any] = {"files": files(places or PLACES)}
    if not places:
        found |= {"containers": containers(), "networks": networks()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
