"""Show where the processor time of our server goes: a flame graph of a worker for each call in docs/bench.

Usage: profile.py [SECONDS]   (default 20 a call), as root, who may look into the container's processes
Time counts while a thread holds Python's lock: waiting for PostgreSQL and for requests does not.
"""

from __future__ import annotations

import subprocess
import sys

from bed import WORK, Bed, Server, plot, running
from server import workloads

CALLS = ("log-metric, 8", "log-batch of 100", "runs/get", "runs/search", "runs/create")
SAMPLES_A_SECOND = "200"


def main() -> None:
    seconds = int((sys.argv[1:] or ["20"])[0])
    with running(Bed()) as bed:
        bed.serve(Server())
        loads = dict(workloads(bed))
        for call in CALLS:
            load = next(load for name, load in loads.items() if name.startswith(call))
            file = WORK / "stacks"
            # The first process is the workers' parent.
            record = ["py-spy", "record", "--gil", "--pid", bed.pids("mlflow")[1], "--rate", SAMPLES_A_SECOND]
            options = ["--format", "raw", "--function", "--duration", str(seconds), "--output", str(file)]
            with subprocess.Popen([*record, *options]) as process:
                load(seconds)
            if process.returncode != 0:
                sys.exit(f"py-spy ended with {process.returncode}")
            stacks = dict(line.rsplit(" ", 1) for line in file.read_text().splitlines())
            name = call.partition(",")[0].partition(" ")[0].replace("/", "-")
            plot(f"profile-{name}.svg", {stack: int(samples) for stack, samples in stacks.items()})
        bed.stop_server()


if __name__ == "__main__":
    main()
