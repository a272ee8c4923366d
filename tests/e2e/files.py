"""Log files of many sizes and names with a stock client of any release, and read them back, byte by byte.

Usage: files.py [--sizes BYTES...] [--many FILES] [--direct] [--work FOLDER]

--direct  in an experiment whose artifacts are in s3://mlflow/, with keys of S3 in the environment
The environment holds address, login and CA, and nothing else that tunes the client.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

MIB = 2**20
SIZES = (0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1)
NAMES = ("a b.txt", "100%.txt", "c+d.txt", "Grüße-日本-🚀.txt", "it's (1) & more; [2] {3} = @ ~ , !.txt")
LONG = "/".join(["x" * 49] * 4)


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(MIB):
            found.update(block)
    return found.hexdigest()


def make(path: Path, size: int) -> None:
    """Write a file of random bytes, each MiB of which begins with its own number and goes on like the others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write((start.to_bytes(8, "big") + block[8:])[: size - start])


def digests(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): digest(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def exchange(experiment: str, source: Path, target: Path, what: str) -> None:
    """Log a folder in one call, read it back in one call, and compare."""
    client = MlflowClient()
    run = client.create_run(experiment)
    started = time.monotonic()
    client.log_artifacts(run.info.run_id, str(source), "logged")
    logged = time.monotonic()
    got = Path(client.download_artifacts(run.info.run_id, "logged", str(target)))
    ended = time.monotonic()
    wanted, found = digests(source), digests(got)
    if found != wanted:
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        sys.exit(f"{what}: {len(wrong)} of {len(wanted)} came back otherwise, {wrong[:10]}")
    client.set_terminated(run.info.run_id)
    size = sum(file.stat().st_size for file in source.rglob("*")) / 1e6
    seconds = f"up {logged - started:.1f} s, down {ended - logged:.1f} s"
    print(f"{what}: {len(wanted)} files, {size:.0f} MB: {seconds}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[], help="of further files, in bytes")
    parser.add_argument("--many", type=int, default=0, help="files of 1 KB in one call")
    parser.add_argument("--direct", action="store_true", help="to the store, past the server")
    parser.add_argument("--work", help="a folder for all of it")
    options = parser.parse_args()

    tuned = {name for name in os.environ if name.startswith(("MLFLOW_ENABLE_", "MLFLOW_MULTIPART_", "MLFLOW_HTTP_"))}
    if tuned:
        sys.exit(f"the client is tuned by {tuned}")
    name = f"files-{uuid.uuid4().hex}"
    location = f"s3://mlflow/{name}" if options.direct else None
    experiment = MlflowClient().create_experiment(name, artifact_location=location)
    print(f"client {mlflow.__version__}, {'direct' if options.direct else 'proxied'}", flush=True)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        sizes, many, got = Path(folder, "sizes"), Path(folder, "many"), Path(folder, "got")
        for size in SIZES:
            make(sizes / f"{size}.bin", size)
        for text in (*NAMES, f"{LONG}.txt"):
            make(sizes / "names" / text, 1000)
        got.mkdir()
        exchange(experiment, sizes, got, "sizes and names")
        for size in options.sizes:
            large = Path(folder, f"large-{size}")
            make(large / "large.bin", size)
            (got / str(size)).mkdir()
            exchange(experiment, large, got / str(size), f"{size} bytes")
        for number in range(options.many):
            make(many / f"{number % 100}" / f"{number}.bin", 1000)
        if options.many:
            (got / "many").mkdir()
            exchange(experiment, many, got / "many", "many files")


if __name__ == "__main__":
    main()
