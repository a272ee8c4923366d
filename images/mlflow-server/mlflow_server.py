"""Run `mlflow server` with the workers forked from one loaded process.

Usage: mlflow-server [OPTIONS OF mlflow server]

`mlflow server` imports MLflow, migrates the database, and then waits for uvicorn, which imports MLflow again in each
worker. Here MLflow is imported once. A child process does the command's own work up to the uvicorn command line, so
that no database connection is open in the parent; the parent then loads the application and runs uvicorn with it, and
the workers share its memory. Prints one line and exits with 1 where the server cannot work. With job execution, and
for any other server than uvicorn, it becomes the plain command.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

UID = 1001
DATABASE_TIMEOUT_SECONDS = 100
# What a database says that may answer later; anything else will not change by waiting.
PASSING = re.compile(
    "refused|could not translate host name|time-?out|timed out|starting up|shutting down|recovery mode|too many clients"
    "|connection slots|unreachable|no route|closed the connection|reset by peer|no such file",
    re.IGNORECASE,
)
# The application, and what its first requests would import, so that it is shared as well.
WORKER_MODULES = ("mlflow.server.fastapi_app", "mlflow.store.artifact.s3_artifact_repo", "boto3.session", "psycopg2")
MEMORY_BASE_MB = 512
MEMORY_PER_WORKER_MB = 256
MAX_WORKERS = 4


def stop(reason: str) -> NoReturn:
    """Print the reason and end the process."""
    print(f"mlflow-server: {reason}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def given(option: str, variable: str) -> bool:
    """Tell whether a server option is set, on the command line or by its variable."""
    return bool(os.environ.get(variable)) or any(arg.split("=")[0] == option for arg in sys.argv[1:])


def check() -> None:
    """Refuse what would end in a traceback later."""
    if os.getuid() != UID and os.environ.get("MLFLOW_ANY_UID") != "true":
        stop(
            f"runs as uid {os.getuid()}, but the files of this image and the secrets mounted into it belong to uid"
            f" {UID}; leave the user out, or set MLFLOW_ANY_UID=true and give the files to that uid"
        )
    try:
        tempfile.TemporaryFile(dir="/tmp").close()
    except OSError as error:
        stop(f"cannot write to /tmp ({error.strerror}), where uploads are kept on their way; mount a tmpfs there")
    if not given("--backend-store-uri", "MLFLOW_BACKEND_STORE_URI") and "--artifacts-only" not in sys.argv:
        stop(
            "no database: set MLFLOW_BACKEND_STORE_URI, for example"
            " postgresql+psycopg2://mlflow@postgres/mlflow?passfile=/run/secrets/pgpass"
        )


def workers(cores: float, memory_mb: float) -> int:
    """Return how many workers fit: one a core, as far as memory goes, at most MAX_WORKERS."""
    return max(1, min(MAX_WORKERS, int(cores), int((memory_mb - MEMORY_BASE_MB) // MEMORY_PER_WORKER_MB)))


def limits() -> tuple[float, float]:
    """Return cores and memory in MB of this container: the control group's (version 2), where it has limits."""
    cores = float(len(os.sched_getaffinity(0)))
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    group = Path("/sys/fs/cgroup")
    try:
        quota, period = (group / "cpu.max").read_text().split()
        cores = cores if quota == "max" else min(cores, int(quota) / int(period))
        memory = (group / "memory.max").read_text().strip()
        memory_mb = memory_mb if memory == "max" else min(memory_mb, int(memory) / 2**20)
    except OSError:
        pass
    return cores, memory_mb


def wait_for_database(uri: str) -> None:
    """Wait until the database takes connections; stop at once for what waiting cannot mend."""
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    except (sqlalchemy.exc.ArgumentError, ImportError, ValueError) as error:
        hint = "; write postgresql+psycopg2://" if uri.startswith("postgresql://") else ""
        stop(f"the database URI cannot be used: {first_line(error)}{hint}")
    deadline = time.monotonic() + DATABASE_TIMEOUT_SECONDS
    while True:
        try:
            engine.connect().close()
        except sqlalchemy.exc.DBAPIError as error:
            reason = first_line(error.orig)
            if not PASSING.search(reason) or time.monotonic() > deadline:
                stop(f"no connection to {engine.url.render_as_string(hide_password=True)}: {reason}")
        else:
            return
        print(f"mlflow-server: waiting for the database: {reason}", file=sys.stderr, flush=True)
        time.sleep(2)


def first_line(error: object) -> str:
    """Return the first line of a message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def resolve(answer: multiprocessing.connection.Connection) -> None:
    """Run the command of MLflow up to its server, and send that server's command line and environment."""
    import mlflow.server
    import mlflow.server.handlers
    from mlflow.cli import cli

    initialize = mlflow.server.handlers.initialize_backend_stores

    def initialize_checked(uri: str, *args: object, **kwargs: object) -> None:
        wait_for_database(uri)
        initialize(uri, *args, **kwargs)

    def send(command: list[str], extra_env: dict[str, str], **_: object) -> None:
        answer.send((command, {**os.environ, **extra_env}))
        raise SystemExit(0)

    mlflow.server.handlers.initialize_backend_stores = initialize_checked
    mlflow.server._exec_cmd = send
    cli(["server", *sys.argv[1:]])


def serve(command: list[str]) -> None:
    """Load the application and run uvicorn with it; its workers are forks of this process."""
    import uvicorn._subprocess
    import uvicorn.main

    for module in WORKER_MODULES:
        importlib.import_module(module)
    os.register_at_fork(after_in_child=forget_signals)
    uvicorn._subprocess.spawn = multiprocessing.get_context("fork")
    # Without it the collector would write to, and so copy, every page in every worker.
    gc.collect()
    gc.freeze()
    uvicorn.main.main(command[3:])


def forget_signals() -> None:
    """Drop the parent's handlers, which only note a signal, until a worker has its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    # Process 1 has no default action for it, and a container must stop while it waits for its database too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check()
    if not given("--workers", "MLFLOW_WORKERS") and "-w" not in sys.argv:
        os.environ["MLFLOW_WORKERS"] = str(workers(*limits()))
    if os.environ.get("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "true").lower() in ("true", "1"):
        os.execvp("mlflow", ["mlflow", "server", *sys.argv[1:]])
    # Here, so that the child and the workers share it.
    importlib.import_module("mlflow.store.tracking.sqlalchemy_store")

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=resolve, args=(sender,))
    child.start()
    sender.close()
    try:
        command, environment = receiver.recv()
    except EOFError:
        child.join()
        raise SystemExit(child.exitcode or 1) from None
    child.join()
    os.environ.update(environment)
    if command[1:3] != ["-m", "uvicorn"] or "--reload" in command:
        os.execvp(command[0], command)
    serve(command)


if __name__ == "__main__":
    main()
