"""Send large files through the server at once, and get some as a browser does, while another client logs metrics.

Usage: together.py UPLOADS MIB DOWNLOADS MIB
The environment holds address, login and CA. Prints a JSON document: the slowest hundredth of log-metric before and
meanwhile, and how long uploads and downloads took, in seconds. Every answer must be 200, with the bytes that were sent.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import typing as t
import uuid

import requests

MIB = 2**20
BLOCK = os.urandom(MIB)
IDLE_CALLS = 300
ADDRESS = os.environ["MLFLOW_TRACKING_URI"]
ARTIFACTS = f"{ADDRESS}/api/2.0/mlflow-artifacts/artifacts"
# No measure: an answer that takes so long is none.
HANGING_SECONDS = 1800


def session() -> requests.Session:
    found = requests.Session()
    found.auth = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    return found


def call(client: requests.Session, path: str, body: dict[str, t.Any]) -> t.Any:
    answer = client.post(f"{ADDRESS}/api/2.0/mlflow/{path}", json=body, timeout=HANGING_SECONDS)
    answer.raise_for_status()
    return answer.json()


def block(number: int) -> bytes:
    return number.to_bytes(8, "big") + BLOCK[8:]


def put(run: str, name: str, mibs: int) -> None:
    url = f"{ARTIFACTS}/0/{run}/artifacts/{name}"

    class Body:
        """Its length is told."""

        def __len__(self) -> int:
            return mibs * MIB

        def __iter__(self) -> t.Iterator[bytes]:
            return (block(number) for number in range(mibs))

    session().put(url, data=Body(), timeout=HANGING_SECONDS).raise_for_status()


def get(run: str, name: str, mibs: int, seed: str) -> None:
    """Get a file as the page's button does. seed: the block that it was made of."""
    known = bytes.fromhex(seed)
    sent, got = hashlib.sha256(), hashlib.sha256()
    for number in range(mibs):
        sent.update(number.to_bytes(8, "big") + known[8:])
    with session().get(
        f"{ADDRESS}/get-artifact", params={"run_uuid": run, "path": name}, stream=True, timeout=HANGING_SECONDS
    ) as answer:
        answer.raise_for_status()
        for piece in answer.iter_content(MIB):
            got.update(piece)
    if got.digest() != sent.digest():
        sys.exit(f"{name} came back with other bytes")


def slowest_hundredth(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


def log(client: requests.Session, run: str) -> float:
    started = time.monotonic()
    call(client, "runs/log-metric", {"run_id": run, "key": "a", "value": 1, "timestamp": 1, "step": 1})
    return time.monotonic() - started


def main() -> None:
    if sys.argv[1] == "get":
        # The block is long for an argument.
        get(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.stdin.read())
        return
    if sys.argv[1] == "put":
        put(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    uploads, mibs, downloads, their_mibs = map(int, sys.argv[1:])
    client = session()
    body = {"experiment_id": "0", "run_name": f"together-{uuid.uuid4().hex}"}
    run = call(client, "runs/create", body)["run"]["info"]["run_id"]
    put(run, "download.bin", their_mibs)
    idle = [log(client, run) for _turn in range(IDLE_CALLS)]
    started = time.monotonic()
    # Processes of their own: what they send must not slow down the calls that are measured.
    commands = [
        *(["put", run, f"{number}.bin", str(mibs)] for number in range(uploads)),
        *(["get", run, "download.bin", str(their_mibs)] for _download in range(downloads)),
    ]
    running = []
    for command in commands:
        process = subprocess.Popen([sys.executable, __file__, *command], stdin=subprocess.PIPE)
        assert process.stdin
        process.stdin.write(BLOCK.hex().encode() if command[0] == "get" else b"")
        process.stdin.close()
        running.append(process)
    busy, ended = [], {"put": 0.0, "get": 0.0}
    while any(process.poll() is None for process in running):
        busy.append(log(client, run))
        for command, process in zip(commands, running):
            if process.poll() is None:
                ended[command[0]] = time.monotonic() - started
    failed = [command for command, process in zip(commands, running) if process.returncode]
    if failed:
        sys.exit(f"failed: {failed}")
    seconds = {"uploads": ended["put"], "downloads": ended["get"], "calls": len(busy)}
    print(json.dumps({"idle p99": slowest_hundredth(idle), "busy p99": slowest_hundredth(busy), **seconds}))


if __name__ == "__main__":
    main()
