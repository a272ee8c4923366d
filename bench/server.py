"""Measure MLflow servers in turn: the reference's, ours and MLflow's own, behind one Traefik.

Usage: server.py [ROUNDS [SECONDS]]   (default 5 rounds of 4 seconds a workload)

reference  the command line of the docker-compose stack that this project grew out of, on an image of its recipe
ours       the image of dockerfile.mlflow as the role runs it: restricted, database through its socket
plain      ours without the restrictions: what read-only root, no capabilities and no new privileges cost
official   MLflow's own defaults, on the reference's image

Prints medians over the rounds, with the ratio to the reference, and writes docs/bench/server.json and server.svg.
Requests per second are over TLS with connections kept alive; memory is the proportional set size of all processes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from bed import (
    IDLE_SECONDS,
    MLFLOW,
    NAME,
    RESULTS,
    ROOT,
    RUNS,
    Bed,
    Sample,
    Server,
    docker,
    flags,
    metric,
    report,
    rounds,
    running_bed,
)

MLFLOW_BASE = os.environ.get("MLFLOW_BASE_IMAGE", "ghcr.io/mlflow/mlflow:v3.17.2")
REFERENCE = "modelhub-bench/reference:latest"
BACKEND = ("mlflow", "server", "--backend-store-uri", "URI")
ROOTS = ("--default-artifact-root", "s3://mlflow/", "--artifacts-destination", "s3://mlflow/", "-h", "0.0.0.0")
RECIPE = Server(image=REFERENCE, options=(), by_environment=False, socket=False)
SERVERS = {
    "reference": replace(RECIPE, command=(*BACKEND, *ROOTS)),
    "ours": Server(),
    "plain": Server(options=()),
    "official": replace(RECIPE, command=(*BACKEND, "--host", "0.0.0.0")),
}


def client_loop(calls: int = 100) -> float:
    """Return the calls of log_metric per second that MLflow's own client makes, in a container of its own."""
    program = (
        "import time, urllib3, mlflow; urllib3.disable_warnings(); mlflow.set_experiment('bench-logged');"
        " mlflow.start_run(); mlflow.log_metric('a', 0); t = time.monotonic();"
        f" [mlflow.log_metric('a', i, step=i) for i in range({calls})]; print({calls} / (time.monotonic() - t))"
    )
    env = {"MLFLOW_TRACKING_URI": f"https://{NAME}-traefik", "MLFLOW_TRACKING_INSECURE_TLS": "true", "HOME": "/tmp"}
    output = docker(
        *("run", "--rm", f"--network={NAME}", "--user=1001", *flags(env)),
        *(REFERENCE, "python3", "-Wignore", "-c", program),
    )
    return float(next(line for line in output.splitlines() if line.replace(".", "").isdigit()))


def measure(bed: Bed, server: Server, seconds: float) -> Sample:
    """Start a server, measure everything once, stop it."""
    sample = {"cold start to first 200, s": bed.serve(server)}
    time.sleep(IDLE_SECONDS)
    sample["idle memory, MB"] = bed.memory_mb()
    for connections in (1, 8, 32):
        sample |= metric(bed, connections, seconds)
    metrics = [{"key": f"m{i}", "value": i, "timestamp": "NUMBER", "step": "NUMBER"} for i in range(100)]
    batch = {"run_id": "RUN", "metrics": metrics}
    search = {"experiment_ids": [bed.experiment], "max_results": 50}
    workloads: dict[str, tuple[str, object]] = {
        "log-batch of 100": ("runs/log-batch", batch),
        "runs/get": (f"runs/get?run_id={bed.runs[0]}", None),
        f"runs/search over {RUNS} runs": ("runs/search", search),
        "experiments/search": ("experiments/search", {"max_results": 50}),
        "runs/create": ("runs/create", {"experiment_id": bed.logged, "start_time": "NUMBER"}),
    }
    for name, (path, body) in workloads.items():
        sample[f"{name}, 8 connections, 1/s"] = bed.load(path, body, 8, seconds)["rate"]
    direct = bed.load("runs/log-batch", batch, 8, seconds, direct=True)
    sample["log-batch of 100, 8 connections, without Traefik, 1/s"] = direct["rate"]
    sample["log_metric of the Python client, 1/s"] = client_loop()
    sample["failed calls"] = bed.failed
    bed.stop_server()
    return sample


def build_reference() -> None:
    """Build the reference's image; the client of the engine's own package brings BuildKit."""
    files = {"ca": Path("/etc/ssl/certs/ca-certificates.crt"), "pip_conf": Path("/etc/pip.conf")}
    given = [f"--secret=id={name},src={path}" for name, path in files.items() if path.exists()]
    docker(
        *("build", "--network=host", "--tag", REFERENCE, f"--file={ROOT}/bench/reference/dockerfile.mlflow", *given),
        *(f"--build-arg=BASE_IMAGE={MLFLOW_BASE}", f"{ROOT}/bench/reference"),
        DOCKER_BUILDKIT="1",
        PATH=f"/usr/bin:{os.environ['PATH']}",
    )


def main() -> None:
    number, seconds = int((sys.argv[1:] or ["5"])[0]), float((sys.argv[2:] or ["4"])[0])
    build_reference()
    with running_bed() as bed:
        medians = rounds(SERVERS, number, lambda name: measure(bed, SERVERS[name], seconds))
    medians["image size, MB"] = {
        name: int(docker("image", "inspect", "-f", "{{.Size}}", server.image)) / 1e6 for name, server in SERVERS.items()
    }
    report("server.json", medians, "reference", rounds=number, seconds=seconds)
    plot = (ROOT / "bench" / "plot.py").read_text()
    svg = docker("run", "--rm", "-i", "--env=HOME=/tmp", MLFLOW, "python3", "-c", plot, text=json.dumps(medians))
    (RESULTS / "server.svg").write_text(svg + "\n")


if __name__ == "__main__":
    main()
