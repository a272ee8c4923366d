"""Measure how files come to MLflow's store and back, by a stock client behind Traefik's TLS.

Usage: artifacts.py [ROUNDS [MEGABYTES]]   (default 5 rounds with one file of 1024 MB)

straight   the client has the store's keys, and sends to its port past Traefik: as fast as client and store are
direct     the same through Traefik, as the docker-compose stack that this project grew out of has it
presigned  the client has no keys: the server hands it URLs, by which it talks to the store through Traefik
proxied    everything passes through the server, as the role has it where there is a private CA

Prints medians over the rounds of each measure and of its ratio to `straight` in the same round, and writes
docs/bench/artifacts.json and artifacts.svg. All files lie in memory, so that no disk is measured.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field

from bed import ALIASES, NAME, Bed, Sample, Server, docker, flags, plot, ratio, report, rounds, running
from server import REFERENCE, build_reference

FILES, FILE_BYTES = 1000, 1024
MLFLOW_NAME, STORE_NAME = ALIASES
STORE, PUBLIC_STORE = "http://minio:9000", f"https://{STORE_NAME}"
CLIENT = """
import json, os, pathlib, sys, time, mlflow
megabytes, files, file_bytes = map(int, sys.argv[1:4])
work = pathlib.Path("/tmp/work")
(work / "small").mkdir(parents=True)
megabyte = os.urandom(1 << 20)
with (work / "large").open("wb") as out:
    for _ in range(megabytes):
        out.write(megabyte)
for number in range(files):
    (work / "small" / f"{number}.bin").write_bytes(megabyte[:file_bytes])
mlflow.set_experiment(experiment_id=sys.argv[4])
seconds = {}
def timed(name, call):
    started = time.monotonic()
    call()
    seconds[name] = time.monotonic() - started
with mlflow.start_run() as run:
    mlflow.log_text("first", "first.txt")
    timed("up", lambda: mlflow.log_artifact(str(work / "large")))
    get = lambda: mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="large", dst_path="/tmp/got"
    )
    timed("down", get)
    if os.path.getsize("/tmp/got/large") != megabytes << 20:
        sys.exit("the file came back with another size")
    timed("small", lambda: mlflow.log_artifacts(str(work / "small"), "small"))
    there = len(mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="small"))
    if there != files:
        sys.exit(f"of {files} files {there} are there")
print(json.dumps(seconds))
"""


@dataclass(frozen=True)
class Way(Server):
    """A way of files: how the server signs for its store, where the experiment keeps them, what the client has."""

    root: str = "mlflow-artifacts:/"
    client: dict[str, str] = field(default_factory=dict)


def way(client: str = "", presigned: bool = False) -> Way:
    """Return the way of a client that talks to the store at an address with keys of its own, or without."""
    environment = {
        "MLFLOW_S3_ENDPOINT_URL": PUBLIC_STORE,
        "AWS_CA_BUNDLE": "/tls/ca.crt",
        "MLFLOW_PRESIGNED_TRANSFERS": str(presigned).lower(),
    }
    return Way(
        environment=environment,
        options=(*Server.options, f"--volume={NAME}-tls:/tls:ro"),
        root="s3://mlflow/direct" if client else "mlflow-artifacts:/",
        client={"MLFLOW_S3_ENDPOINT_URL": client, "AWS_CA_BUNDLE": "/tls/ca.crt"} if client else {},
    )


WAYS = {
    "straight": way(STORE),
    "direct": way(PUBLIC_STORE),
    "presigned": way(presigned=True),
    "proxied": way(),
}


class Store(Bed):
    """A bed whose store has the bucket, and is reached through Traefik as well."""

    public_store = STORE_NAME

    def run(self, program: str, *arguments: str, **environment: str) -> str:
        """Run a program of Python where MLflow's client is, with all its files in memory."""
        options = (f"--network={NAME}", f"--volume={NAME}-tls:/tls:ro", "--user=1001", "--tmpfs=/tmp:size=8g")
        env = flags({"HOME": "/tmp", **environment})
        return docker("run", "--rm", *options, *env, REFERENCE, "python3", "-Wignore", "-c", program, *arguments)

    def bucket(self, action: str) -> None:
        """Have boto3's bucket do something."""
        store = f"boto3.resource('s3', endpoint_url='{STORE}')"
        self.run(f"import boto3; {store}.Bucket('mlflow').{action}", **self.login_s3())

    def login_s3(self) -> dict[str, str]:
        keys = self.keys["MINIO_ROOT_USER"], self.keys["MINIO_ROOT_PASSWORD"]
        return {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1], "AWS_DEFAULT_REGION": "us-east-1"}

    def files(self, way: Way, megabytes: int) -> Sample:
        """Send files and get them by a way; return what came through, in MB and files a second."""
        self.serve(way)
        name = f"{way.root} {time.monotonic_ns()}"
        made = self.post("experiments/create", {"name": name, "artifact_location": way.root})
        env = {"MLFLOW_TRACKING_URI": f"https://{MLFLOW_NAME}", "REQUESTS_CA_BUNDLE": "/tls/ca.crt", **way.client}
        keys = self.login_s3() if way.client else {}
        asked = (str(megabytes), str(FILES), str(FILE_BYTES), str(made["experiment_id"]))
        seconds = json.loads(self.run(CLIENT, *asked, **env, **keys).splitlines()[-1])
        self.bucket("objects.delete()")
        self.stop_server()
        return {
            f"up, {megabytes} MB in one file, MB/s": megabytes / seconds["up"],
            f"down, {megabytes} MB in one file, MB/s": megabytes / seconds["down"],
            f"up, {FILES} files of 1 KB in one call, files/s": FILES / seconds["small"],
        }


def main() -> None:
    number, megabytes = int((sys.argv[1:] or ["5"])[0]), int((sys.argv[2:] or ["1024"])[0])
    build_reference()
    with running(Store()) as bed:
        bed.bucket("create()")
        samples = rounds(WAYS, number, lambda way: bed.files(way, megabytes))
    table = report("artifacts.json", samples, "straight", rounds=number, megabytes=megabytes)
    small = list(table)[2]
    print("\nmedians of ratios within a round:")
    print(f"  presigned against direct, {small}: {ratio(samples['presigned'], small, samples['direct']):.2f}x")
    print(f"  proxied against direct, {small}: {ratio(samples['proxied'], small, samples['direct']):.2f}x")
    plot("artifacts.svg", table)


if __name__ == "__main__":
    main()
