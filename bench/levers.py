"""Measure what each part of the server's tuning brings: ours, and ours with one thing as it would be without.

Usage: levers.py [ROUNDS [SECONDS]]   (default 5 rounds of 4 seconds a workload)

Prints medians over the rounds of each measure and of its ratio to ours in the same round, and writes
docs/bench/levers.json.
"""

from __future__ import annotations

import sys

from bed import Bed, Server, log_metric, measure, report, rounds, running, search

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


def main() -> None:
    number, seconds = int((sys.argv[1:] or ["5"])[0]), int((sys.argv[2:] or ["4"])[0])
    with running(Bed()) as bed:
        workloads = [*(log_metric(bed, connections) for connections in (1, 8, 32)), search(bed)]
        samples = rounds(SERVERS, number, lambda server: measure(bed, server, workloads, seconds))
    report("levers.json", samples, "ours", rounds=number, seconds=seconds)


if __name__ == "__main__":
    main()
