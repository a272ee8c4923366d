"""Measure MLflow servers in turn: one Traefik, one PostgreSQL, one S3 server, and one MLflow server at a time.

Usage: server.py [ROUNDS [SECONDS]]   (default 5 rounds of 4 seconds a workload)

reference  the command line of the docker-compose stack that this project grew out of, on an image of its recipe
ours       the image of dockerfile.mlflow as it comes, with the restrictions of the role
plain      ours without the restrictions: what read-only root, no capabilities and no new privileges cost
official   MLflow's own defaults, on the reference's image

Prints medians over the rounds, with the ratio to the reference, and writes docs/bench/server.json and server.svg.
Requests per second are over TLS with connections kept alive; memory is the proportional set size of all processes.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import secrets
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "bench"
NAME = f"modelhub-bench-{secrets.token_hex(4)}"
MLFLOW = os.environ.get("MLFLOW_IMAGE", "ghcr.io/opengeoai/modelhub/mlflow:v3.17.2")
MLFLOW_BASE = os.environ.get("MLFLOW_BASE_IMAGE", "ghcr.io/mlflow/mlflow:v3.17.2")
POSTGRES = os.environ.get("POSTGRES_IMAGE", "docker.io/library/postgres:17")
MINIO = os.environ.get("MINIO_IMAGE", "docker.io/pgsty/silo:RELEASE.2026-10-26T00-00-00Z")
TRAEFIK = os.environ.get("TRAEFIK_IMAGE", "docker.io/library/traefik:v3.7.15")
REFERENCE = "modelhub-bench/reference:latest"
RUNS = 20_000
IDLE_SECONDS = 15
RESTRICTIONS = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=300"]
Request = tuple[str, object]


def docker(*arguments: str, text: str | None = None, **environment: str) -> str:
    """Run a docker command and return its standard output; its errors end the benchmark."""
    result = subprocess.run(
        ["docker", *arguments], input=text, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if result.returncode != 0:
        sys.exit(f"docker {' '.join(arguments)[:300]} failed:\n{result.stderr[-3000:]}")
    return result.stdout.strip()


class Bed:
    """Network, PostgreSQL, S3 and Traefik, and one MLflow server at a time."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.password = secrets.token_hex(12)
        self.keys = {"MINIO_ROOT_USER": secrets.token_hex(8), "MINIO_ROOT_PASSWORD": secrets.token_hex(12)}

    def start(self) -> None:
        docker("network", "create", NAME)
        env = {"POSTGRES_USER": "mlflow", "POSTGRES_PASSWORD": self.password, "POSTGRES_DB": "mlflow"}
        docker(
            "run",
            "-d",
            f"--name={NAME}-postgres",
            f"--network={NAME}",
            "--network-alias=postgres",
            *flags(env),
            POSTGRES,
        )
        docker(
            *("run", "-d", f"--name={NAME}-minio", f"--network={NAME}", "--network-alias=minio", "--tmpfs=/tmp"),
            *(*flags(self.keys), "--user=1000:1000", "--tmpfs=/data:uid=1000", MINIO, "server", "/data"),
        )
        (self.work / "dynamic.yml").write_text(
            "http:\n"
            "  routers: {mlflow: {rule: 'PathPrefix(`/`)', service: mlflow, entryPoints: [websecure], tls: {}}}\n"
            "  services: {mlflow: {loadBalancer: {servers: [{url: 'http://mlflow:5000'}]}}}\n"
        )
        docker(
            *("run", "-d", f"--name={NAME}-traefik", f"--network={NAME}", f"-v={self.work}:/dynamic:ro", TRAEFIK),
            *("--entrypoints.websecure.address=:443", "--providers.file.directory=/dynamic"),
        )
        ready = ["docker", "exec", f"{NAME}-postgres", "psql", "-h127.0.0.1", "-Umlflow", "-c", "SELECT 1"]
        until(lambda: subprocess.run(ready, capture_output=True).returncode == 0)
        self.traefik = address(f"{NAME}-traefik")

    def sql(self, statement: str, database: str = "mlflow") -> str:
        psql = ("psql", "-h127.0.0.1", "-Umlflow", "-Atq", "-vON_ERROR_STOP=1", "-d", database)
        return docker("exec", "-i", f"{NAME}-postgres", *psql, text=statement)

    def serve(self, kind: str) -> float:
        """Start the server of a kind and return the seconds until it answers through Traefik."""
        database = f"mlflow_{kind}"
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{database}'"):
            self.sql(f"CREATE DATABASE {database}")
        uri = f"postgresql+psycopg2://mlflow:{self.password}@postgres/{database}"
        started = time.monotonic()
        docker(
            "run",
            "-d",
            f"--name={NAME}-mlflow",
            f"--network={NAME}",
            "--network-alias=mlflow",
            *self.arguments(kind, uri),
        )
        until(self.answers, pause=0.02)
        return time.monotonic() - started

    def arguments(self, kind: str, uri: str) -> list[str]:
        """Return image, command, environment and restrictions of a server."""
        s3 = {
            "MLFLOW_S3_ENDPOINT_URL": "http://minio:9000",
            "AWS_ACCESS_KEY_ID": self.keys["MINIO_ROOT_USER"],
            "AWS_SECRET_ACCESS_KEY": self.keys["MINIO_ROOT_PASSWORD"],
            # So that the address is answered; the reference was made before hosts were checked.
            "MLFLOW_SERVER_ALLOWED_HOSTS": "*",
        }
        if kind == "reference":
            roots = [
                "--default-artifact-root",
                "s3://mlflow/",
                "--artifacts-destination",
                "s3://mlflow/",
                "-h",
                "0.0.0.0",
            ]
            return [*flags(s3), REFERENCE, "mlflow", "server", "--backend-store-uri", uri, *roots]
        if kind == "official":
            return [*flags(s3), REFERENCE, "mlflow", "server", "--backend-store-uri", uri, "--host", "0.0.0.0"]
        env = {**s3, "MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_ARTIFACTS_DESTINATION": "s3://mlflow/"}
        return [*flags(env), *(RESTRICTIONS if kind == "ours" else []), MLFLOW]

    def answers(self) -> bool:
        try:
            connection = self.connect()
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection through Traefik, whose certificate is its own default one."""
        return http.client.HTTPSConnection(self.traefik, timeout=60, context=ssl._create_unverified_context())

    def direct(self) -> http.client.HTTPConnection:
        """Open a connection to the server itself."""
        return http.client.HTTPConnection(address(f"{NAME}-mlflow"), 5000, timeout=60)

    def memory_mb(self) -> float:
        pids = docker("top", f"{NAME}-mlflow", "-o", "pid").split()[1:]
        rollups = "\n".join(Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
        return sum(int(line.split()[1]) for line in rollups.splitlines() if line.startswith("Pss:")) / 1024

    def stop_server(self) -> None:
        docker("rm", "-f", "-v", f"{NAME}-mlflow")

    def stop(self) -> None:
        for part in ("mlflow", "traefik", "minio", "postgres"):
            subprocess.run(["docker", "rm", "-f", "-v", f"{NAME}-{part}"], capture_output=True)
        subprocess.run(["docker", "network", "rm", NAME], capture_output=True)


def flags(environment: dict[str, str]) -> list[str]:
    return [f"--env={key}={value}" for key, value in environment.items()]


def address(container: str) -> str:
    return docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)


def until(ready: Callable[[], bool], seconds: float = 180, pause: float = 0.2) -> None:
    """Wait for something, at most so long."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            sys.exit(f"not ready after {seconds} s; docker logs:\n{docker('logs', f'{NAME}-mlflow')[-3000:]}")
        time.sleep(pause)


def post(connection: http.client.HTTPConnection, request: Request) -> dict[str, object]:
    """Send one request of MLflow's REST API and return its answer."""
    path, body = request
    method, text = ("GET", None) if body is None else ("POST", json.dumps(body))
    connection.request(method, f"/api/2.0/mlflow/{path}", text, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {answer[:500]!r}")
    return dict(json.loads(answer))


def load(
    connect: Callable[[], http.client.HTTPConnection],
    request: Callable[[int], Request],
    connections: int,
    seconds: float,
) -> tuple[float, float]:
    """Send requests over so many connections at once; return requests per second and the median in milliseconds."""
    times: list[float] = []
    numbers = itertools.count()
    opened = [connect() for _ in range(connections)]
    begin = time.monotonic() + 0.5
    end = begin + seconds

    def work(connection: http.client.HTTPConnection) -> None:
        while (started := time.monotonic()) < end:
            post(connection, request(next(numbers)))
            if started >= begin:
                times.append(time.monotonic() - started)

    threads = [threading.Thread(target=work, args=(connection,)) for connection in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in opened:
        connection.close()
    return len(times) / (time.monotonic() - begin), statistics.median(times) * 1000


def seed(bed: Bed, kind: str) -> tuple[str, str]:
    """Return an experiment with RUNS runs and one of its runs, made once a database."""
    connection = bed.connect()
    found = post(connection, ("experiments/search", {"max_results": 10, "filter": "name = 'bench'"})).get("experiments")
    if found:
        experiment = found[0]["experiment_id"]  # type: ignore[index]
    else:
        experiment = post(connection, ("experiments/create", {"name": "bench"}))["experiment_id"]
        first = post(connection, ("runs/create", {"experiment_id": experiment, "start_time": 1}))
        model = first["run"]["info"]["run_id"]  # type: ignore[index]
        columns = bed.sql(
            "SELECT string_agg(column_name, ',') FROM information_schema.columns"
            " WHERE table_name = 'runs' AND column_name NOT IN ('run_uuid')",
            f"mlflow_{kind}",
        )
        bed.sql(
            f"INSERT INTO runs (run_uuid, {columns}) SELECT md5(n::text), {columns}"
            f" FROM runs, generate_series(1, {RUNS}) n WHERE run_uuid = '{model}'; ANALYZE runs;",
            f"mlflow_{kind}",
        )
    run = post(connection, ("runs/create", {"experiment_id": experiment, "start_time": 1}))
    return str(experiment), str(run["run"]["info"]["run_id"])  # type: ignore[index]


def client_loop(calls: int = 100) -> float:
    """Return the calls of log_metric per second that MLflow's own client makes, in a container of its own."""
    program = (
        "import time, urllib3, mlflow; urllib3.disable_warnings(); mlflow.set_experiment('bench'); mlflow.start_run();"
        " mlflow.log_metric('a', 0); t = time.monotonic();"
        f" [mlflow.log_metric('a', i, step=i) for i in range({calls})]; print({calls} / (time.monotonic() - t))"
    )
    env = {"MLFLOW_TRACKING_URI": f"https://{NAME}-traefik", "MLFLOW_TRACKING_INSECURE_TLS": "true"}
    output = docker(
        "run",
        "--rm",
        f"--network={NAME}",
        *flags(env),
        "--user=1001",
        "--env=HOME=/tmp",
        REFERENCE,
        "python3",
        "-Wignore",
        "-c",
        program,
    )
    return float(next(line for line in output.splitlines() if line.replace(".", "").isdigit()))


def measure(bed: Bed, kind: str, seconds: float) -> dict[str, float]:
    """Start a server, measure everything once, stop it."""
    sample = {"cold start to first 200, s": bed.serve(kind)}
    time.sleep(IDLE_SECONDS)
    sample["idle memory, MB"] = bed.memory_mb()
    experiment, run = seed(bed, kind)

    def metric(n: int) -> Request:
        return "runs/log-metric", {"run_id": run, "key": "loss", "value": 0.5, "timestamp": n, "step": n}

    def batch(n: int) -> Request:
        metrics = [{"key": f"m{i}", "value": i, "timestamp": n, "step": n} for i in range(100)]
        return "runs/log-batch", {"run_id": run, "metrics": metrics}

    for connections in (1, 8, 32):
        rate, median = load(bed.connect, metric, connections, seconds)
        sample[f"log-metric, {connections} connections, 1/s"] = rate
        sample[f"log-metric, {connections} connections, p50 ms"] = median
    workloads: dict[str, Callable[[int], Request]] = {
        "log-batch of 100": batch,
        "runs/get": lambda _: (f"runs/get?run_id={run}", None),
        f"runs/search over {RUNS} runs": lambda _: ("runs/search", {"experiment_ids": [experiment], "max_results": 50}),
        "experiments/search": lambda _: ("experiments/search", {"max_results": 50}),
        "runs/create": lambda n: ("runs/create", {"experiment_id": experiment, "start_time": n}),
    }
    for name, request in workloads.items():
        sample[f"{name}, 8 connections, 1/s"] = load(bed.connect, request, 8, seconds)[0]
    sample["log-batch of 100, 8 connections, without Traefik, 1/s"] = load(bed.direct, batch, 8, seconds)[0]
    sample["log_metric of the Python client, 1/s"] = client_loop()
    bed.stop_server()
    return sample


def build_reference() -> None:
    """Build the reference's image; the client of the engine's own package brings BuildKit."""
    files = {"ca": Path("/etc/ssl/certs/ca-certificates.crt"), "pip_conf": Path("/etc/pip.conf")}
    given = [f"--secret=id={name},src={path}" for name, path in files.items() if path.exists()]
    docker(
        *("build", "--network=host", "--tag", REFERENCE, "--file=bench/reference/dockerfile.mlflow", *given),
        *(f"--build-arg=BASE_IMAGE={MLFLOW_BASE}", "bench/reference"),
        DOCKER_BUILDKIT="1",
        PATH=f"/usr/bin:{os.environ['PATH']}",
    )


def table(samples: dict[str, list[dict[str, float]]], sizes: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return the median of each measure, by measure and server."""
    measures = list(next(iter(samples.values()))[0])
    medians = {m: {kind: statistics.median(s[m] for s in rounds) for kind, rounds in samples.items()} for m in measures}
    return {**medians, "image size, MB": sizes}


def main() -> None:
    rounds, seconds = int((sys.argv[1:] or ["5"])[0]), float((sys.argv[2:] or ["4"])[0])
    os.chdir(ROOT)
    work = ROOT / "tests" / "output" / "bench-server"
    work.mkdir(parents=True, exist_ok=True)
    build_reference()
    images = {"reference": REFERENCE, "ours": MLFLOW, "plain": MLFLOW, "official": REFERENCE}
    sizes = {kind: int(docker("image", "inspect", "-f", "{{.Size}}", image)) / 1e6 for kind, image in images.items()}
    samples: dict[str, list[dict[str, float]]] = {kind: [] for kind in images}
    bed = Bed(work)
    try:
        bed.start()
        # The first start migrates the database, which is not what a restart costs.
        for kind in images:
            bed.serve(kind)
            bed.stop_server()
        for number in range(rounds):
            for kind in images:
                print(f"round {number + 1} of {rounds}: {kind}", flush=True)
                samples[kind].append(measure(bed, kind, seconds))
    finally:
        bed.stop()
    medians = table(samples, sizes)
    print(f"{'':58}" + "".join(f"{kind:>20}" for kind in images))
    for name, row in medians.items():
        cells = (f"{value:.1f} ({value / row['reference']:.2f}x)" for value in row.values())
        print(f"{name:58}" + "".join(f"{cell:>20}" for cell in cells))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "server.json").write_text(
        json.dumps({"rounds": rounds, "seconds": seconds, "medians": medians}, indent=2) + "\n"
    )
    plot = (ROOT / "bench" / "plot.py").read_text()
    svg = docker("run", "--rm", "-i", "--env=HOME=/tmp", MLFLOW, "python3", "-c", plot, text=json.dumps(medians))
    (RESULTS / "server.svg").write_text(svg + "\n")


if __name__ == "__main__":
    main()
