"""Measure MLflow servers in turn: the reference's, ours and MLflow's own, behind one Traefik.

Usage: server.py [ROUNDS [SECONDS]]   (default 5 rounds of 4 seconds a workload)

reference  the command line of the docker-compose stack that this project grew out of, on an image of its recipe
ours       the image of dockerfile.mlflow as the role runs it: restricted, database through its socket, two indexes more
accounts   ours with MLflow's accounts, as the role runs it by default; an account that may edit experiments logs in
inside     ours with TLS between Traefik, MLflow and PostgreSQL, as modelhub_inside_tls has it
plain      ours without the restrictions: what read-only root, no capabilities and no new privileges cost
official   MLflow's own defaults, on the reference's image

Prints medians over the rounds of each measure and of its ratio to the reference's in the same round, and writes
docs/bench/server.json and server.svg.
Requests per second are over TLS with connections kept alive; memory is the proportional set size of all processes.
"""

from __future__ import annotations

import os
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from bed import (
    NAME,
    ROOT,
    RUNS,
    Bed,
    Sample,
    Server,
    Workload,
    docker,
    flags,
    image,
    log_metric,
    measure,
    plot,
    ratio,
    report,
    rounds,
    running,
    search,
)

MLFLOW_BASE = image("mlflow-base")
REFERENCE = "modelhub-bench/reference:latest"
BATCH, DIRECT = "log-batch of 100", "log-batch of 100, without Traefik"
ALL = "mean of all requests, 1/s"
BACKEND = ("mlflow", "server", "--backend-store-uri", "URI")
ROOTS = ("--default-artifact-root", "s3://mlflow/", "--artifacts-destination", "s3://mlflow/", "-h", "0.0.0.0")
RECIPE = Server(image=REFERENCE, options=(), by_environment=False, socket=False, indexed=False)
SERVERS = {
    "reference": replace(RECIPE, command=(*BACKEND, *ROOTS)),
    "ours": Server(),
    "accounts": Server(accounts=True),
    "inside": Server(socket=False, inside_tls=True),
    "plain": Server(options=()),
    "official": replace(RECIPE, command=(*BACKEND, "--host", "0.0.0.0")),
}


def client_loop(bed: Bed, calls: int) -> Sample:
    """Return the calls of log_metric per second that MLflow's own client makes, in a container of its own."""
    program = (
        "import time, urllib3, mlflow; urllib3.disable_warnings(); mlflow.set_experiment('bench-logged');"
        " mlflow.start_run(); mlflow.log_metric('a', 0); t = time.monotonic();"
        f" [mlflow.log_metric('a', i, step=i) for i in range({calls})]; print({calls} / (time.monotonic() - t))"
    )
    env = {
        "MLFLOW_TRACKING_URI": f"https://{NAME}-traefik",
        "MLFLOW_TRACKING_INSECURE_TLS": "true",
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": bed.password,
        "HOME": "/tmp",
    }
    output = docker(
        *("run", "--rm", f"--network={NAME}", "--user=1001", *flags(env)),
        *(REFERENCE, "python3", "-Wignore", "-c", program),
    )
    return {"1/s": float(next(line for line in output.splitlines() if line.replace(".", "").isdigit()))}


def workloads(bed: Bed) -> list[Workload]:
    """Return what is measured, each over eight connections where nothing else is said."""
    run = f"runs/get?run_id={bed.runs[0]}"
    return [
        *(log_metric(bed, connections) for connections in (1, 8, 32)),
        (BATCH, bed.log_batch),
        (DIRECT, lambda seconds: bed.log_batch(seconds, direct=True)),
        ("runs/get", lambda seconds: bed.load(run, None, 8, seconds)),
        search(bed),
        ("experiments/search", lambda seconds: bed.load("experiments/search", {"max_results": 50}, 8, seconds)),
        ("runs/create", bed.create_runs),
        ("log_metric of the Python client", lambda seconds: client_loop(bed, 20 * seconds)),
    ]


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
    number, seconds = int((sys.argv[1:] or ["5"])[0]), int((sys.argv[2:] or ["4"])[0])
    build_reference()
    with running(Bed()) as bed:
        samples = rounds(SERVERS, number, lambda server: measure(bed, server, workloads(bed), seconds))
    for name, server in SERVERS.items():
        size = int(docker("image", "inspect", "-f", "{{.Size}}", server.image)) / 1e6
        for sample in samples[name]:
            sample["image size, MB"] = size
            # Of many workloads at once, because the machine varies more than this does.
            sample[ALL] = statistics.geometric_mean(v for key, v in sample.items() if key.endswith("1/s"))
    table = report("server.json", samples, "reference", rounds=number, seconds=seconds)
    ours = samples["ours"]
    print("\nours, medians of ratios within a round:")
    eight, many = "log-metric, 8 connections, 1/s", "log-metric, 32 connections, 1/s"
    print(f"  32 connections against 8: {ratio(ours, many, ours, eight):.2f}x")
    print(f"  through Traefik against direct, log-batch: {ratio(ours, f'{BATCH}, 1/s', ours, f'{DIRECT}, 1/s'):.2f}x")
    for measure_name in ("log-metric, 1 connection, 1/s", eight, f"runs/search over {RUNS} runs, 1/s"):
        print(f"  with accounts, {measure_name}: {ratio(samples['accounts'], measure_name, ours):.2f}x")
    print(f"  with TLS inside, mean of all requests: {ratio(samples['inside'], ALL, ours):.2f}x")
    memory = statistics.median(a["idle memory, MB"] - b["idle memory, MB"] for a, b in zip(samples["accounts"], ours))
    print(f"  with accounts, idle memory: +{memory:.0f} MB")
    print(f"  hardened against plain, mean of all requests: {ratio(ours, ALL, samples['plain']):.2f}x")
    plot("server.svg", table)


if __name__ == "__main__":
    main()
