"""Look for the values of all secrets where anyone may look: containers, process arguments, logs, Ansible's output.

Usage: secrets_scan.py --secrets DIRECTORY --log FILE -- COMMAND ...
COMMAND runs its last argument in a root shell on the server, e.g. ssh deploy@server sudo. The search happens here, so
no secret travels to the server. Reports name a secret and a place, never a value. First a planted secret must be found
in every place: a search that cannot find proves nothing.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import shlex
import subprocess
import tempfile
import typing as t
import urllib.parse
from pathlib import Path

PLANT = "e2e-planted-secret"
SHORTEST = 6
INSPECT = "docker ps --all --quiet | xargs --no-run-if-empty docker inspect"
ARGUMENTS = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
NAMES = "docker ps --all --format '{{.Names}}'"


class Server:
    def __init__(self, command: list[str]) -> None:
        self._command = command

    def run(self, script: str) -> str:
        command = [*self._command, shlex.join(["sh", "-c", script])]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        output = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            raise SystemExit(f"on the server a step of the search failed with {done.returncode}")
        return output

    def places(self) -> t.Iterator[tuple[str, str]]:
        yield "docker inspect", self.run(INSPECT)
        yield "process arguments", self.run(f"{ARGUMENTS} || true")
        for name in self.run(NAMES).split():
            yield f"log of container {name}", self.run(f"docker logs {shlex.quote(name)}")


def spellings(value: str) -> set[str]:
    """Return how a value may be written in JSON, in JSON within JSON, in Python, in a URL and in base64."""
    once = json.dumps(value)[1:-1]
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    return {value, once, json.dumps(once)[1:-1], repr(value)[1:-1], urllib.parse.quote(value, safe=""), encoded}


def read_secrets(folder: Path) -> dict[str, set[str]]:
    """Map each secret's name to what must not be seen. Of a key file each line counts: none may leak."""
    found: dict[str, set[str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        values = [line for line in lines if len(line) >= SHORTEST and not line.startswith("-----")]
        if values:
            found[file.name] = set().union(*(spellings(value) for value in values))
    return found


def search(known: dict[str, set[str]], places: t.Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {
        (name, place)
        for place, text in places
        for name, written in known.items()
        if any(spelling in text for spelling in written)
    }


def prove_search(server: Server) -> None:
    """Plant a secret in every place and require that the search finds it there."""
    value = f'{secrets.token_hex(12)}"%/\\end'
    some_container = server.run(NAMES).split()[0]
    image = server.run(f"docker inspect --format '{{{{.Image}}}}' {shlex.quote(some_container)}").strip()
    start = ["docker", "run", "--detach", "--name", PLANT, "--network", "none", "--user", "65534", "--entrypoint", "sh"]
    start += ["--env", f"PLANTED={value}", image, "-c", 'printf "%s\\n" "$0"; sleep 3600; :', value]
    server.run(f"docker rm --force {PLANT} > /dev/null 2>&1; {shlex.join(start)}")
    try:
        server.run(f"timeout 300 sh -c 'until docker logs {PLANT} | grep end; do sleep 0.2; done'")
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as log:
            log.write(json.dumps({"msg": value}) + "\n")
            log.flush()
            places = [*server.places(), ("Ansible's log", Path(log.name).read_text(encoding="utf-8"))]
    finally:
        server.run(f"docker rm --force {PLANT}")
    wanted = {"docker inspect", "process arguments", f"log of container {PLANT}", "Ansible's log"}
    found = {place for dummy, place in search({PLANT: spellings(value)}, places)}
    if found != wanted:
        raise SystemExit(f"the planted secret was to be found in {sorted(wanted)}, but was in {sorted(found)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    server = Server(options.command)
    prove_search(server)
    known = read_secrets(options.secrets)
    if not known:
        raise SystemExit(f"no secrets in {options.secrets}: nothing was searched for")
    log = options.log.read_text(encoding="utf-8", errors="replace")
    if not log:
        raise SystemExit(f"{options.log} is empty: Ansible's output was not searched")
    places = [*server.places(), ("Ansible's log", log)]
    found = search(known, places)
    if found:
        raise SystemExit("\n".join(f"the value of {name} is readable in: {place}" for name, place in sorted(found)))
    print(f"{len(known)} secrets ({', '.join(known)}): none seen in {len(places)} places; a planted one was")


if __name__ == "__main__":
    main()
