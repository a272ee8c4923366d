"""Upload a file of a gibibyte as slowly as a line of 10 MB/s would, by one PUT through the server, and read it back.

Usage: slow_upload.py
The environment holds address, login and CA. Prints how long the upload took.
"""

from __future__ import annotations

import hashlib
import os
import time
import typing as t
import uuid

import requests

MIB = 1024 * 1024
MIBS = 1024
BYTES_PER_SECOND = 10_000_000
# No measure: an answer that takes so long is none.
HANGING_SECONDS = 1800


def pieces(block: bytes) -> t.Iterator[bytes]:
    started = time.monotonic()
    for number in range(MIBS):
        time.sleep(max(0.0, started + number * MIB / BYTES_PER_SECOND - time.monotonic()))
        yield block


def main() -> None:
    login = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    path = f"/api/2.0/mlflow-artifacts/artifacts/0/{uuid.uuid4().hex}/artifacts/slow.bin"
    url = os.environ["MLFLOW_TRACKING_URI"] + path
    block = os.urandom(MIB)
    started = time.monotonic()
    requests.put(url, data=pieces(block), auth=login, timeout=HANGING_SECONDS).raise_for_status()
    seconds = time.monotonic() - started
    sent, got = hashlib.sha256(), hashlib.sha256()
    for _number in range(MIBS):
        sent.update(block)
    with requests.get(url, auth=login, stream=True, timeout=HANGING_SECONDS) as answer:
        answer.raise_for_status()
        for piece in answer.iter_content(MIB):
            got.update(piece)
    requests.delete(url, auth=login, timeout=HANGING_SECONDS).raise_for_status()
    if sent.digest() != got.digest():
        raise SystemExit("what came back is not what was sent")
    print(f"{MIBS} MiB went up in {seconds:.0f} s and came back")


if __name__ == "__main__":
    main()
