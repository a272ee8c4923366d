"""Measure what each part of the server's tuning brings: ours, and ours with one thing as it would be without.

Usage: levers.py [ROUNDS [SECONDS]]   (default 5 rounds of 3 seconds a workload)

Prints medians over the rounds, with the ratio to ours, and writes docs/bench/levers.json.
"""

from __future__ import annotations

import sys
import time

from bed import IDLE_SECONDS, RUNS, Bed, Sample, Server, metric, report, rounds, running_bed

KEEP = "--timeout-keep-alive 120"
SERVERS = {
    "ours": Server(),
    "asyncio and h11": Server(environment={"MLFLOW_UVICORN_OPTS": f"{KEEP} --no-access-log --loop asyncio --http h11"}),
    "MLflow's way to Flask": Server(environment={"MLFLOW_REST_THREADS": "0"}),
    "40 REST threads": Server(environment={"MLFLOW_REST_THREADS": "40"}),
    "log of requests": Server(environment={"MLFLOW_UVICORN_OPTS": KEEP}),
    "database by TCP": Server(socket=False),
    "1 worker": Server(environment={"MLFLOW_WORKERS": "1"}),
    "4 workers": Server(environment={"MLFLOW_WORKERS": "4"}),
    "not preloaded, MLflow's way": Server(command=("mlflow", "server"), environment={"MLFLOW_WORKERS": "2"}),
    "job execution, MLflow's way": Server(
        environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "true", "MLFLOW_WORKERS": "2"}
    ),
}


def measure(bed: Bed, server: Server, seconds: float) -> Sample:
    """Start a server, measure everything once, stop it."""
    sample = {"cold start to first 200, s": bed.serve(server)}
    time.sleep(IDLE_SECONDS)
    sample["idle memory, MB"] = bed.memory_mb()
    for connections in (1, 8, 32):
        sample |= metric(bed, connections, seconds)
    search = {"experiment_ids": [bed.experiment], "max_results": 50}
    sample[f"runs/search over {RUNS} runs, 8 connections, 1/s"] = bed.load("runs/search", search, 8, seconds)["rate"]
    sample["failed calls"] = bed.failed
    bed.stop_server()
    return sample


def main() -> None:
    number, seconds = int((sys.argv[1:] or ["5"])[0]), float((sys.argv[2:] or ["3"])[0])
    with running_bed() as bed:
        medians = rounds(SERVERS, number, lambda name: measure(bed, SERVERS[name], seconds))
    report("levers.json", medians, "ours", rounds=number, seconds=seconds)


if __name__ == "__main__":
    main()
