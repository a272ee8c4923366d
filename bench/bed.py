"""What the benchmarks of the server share: one Traefik, one PostgreSQL, one S3 server, and one MLflow server at a time.

Requests come from wrk, which needs little of the processors that client and servers share.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "bench"
WORK = ROOT / "tests" / "output" / "bench-server"
NAME = f"modelhub-bench-{secrets.token_hex(4)}"


def image(service: str) -> str:
    """Return the image of a service: the environment's, such as MLFLOW_BASE_IMAGE, or the one that is built here."""
    built = subprocess.run([ROOT / "bin/lib/images.sh", service], capture_output=True, text=True, check=True).stdout
    return os.environ.get(f"{service.upper().replace('-', '_')}_IMAGE") or built.strip()


CERTIFICATES = ROOT / "roles" / "common" / "files" / "certificates.py"
INDEXES = ROOT / "roles" / "mlflow" / "files" / "extra_indexes.json"
MLFLOW, POSTGRES, MINIO, TRAEFIK = map(image, ("mlflow", "postgres", "minio", "traefik"))
API = "/api/2.0/mlflow"
RUNS = 20_000
# As many as the most connections, so that none waits for another's run.
LOGGED_RUNS = 32
IDLE_SECONDS = 10
# Names by which a client asks Traefik
ALIASES = ["mlflow.bench", "minio-api.bench"]
CERTIFIED = ("-cssl=on", "-cssl_cert_file=/tls/postgres/public.crt", "-cssl_key_file=/tls/postgres/private.key")
RESTRICTIONS = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=300")
AnyBed = TypeVar("AnyBed", bound="Bed")
AnyServer = TypeVar("AnyServer", bound="Server")
Sample = dict[str, float]
Workload = tuple[str, Callable[[int], Sample]]


@dataclass(frozen=True)
class Server:
    """A way to run MLflow: image, command, environment, options of `docker run`, and how PostgreSQL is reached."""

    image: str = MLFLOW
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = RESTRICTIONS
    # The image's own variables; else the command names the database, in place of URI.
    by_environment: bool = True
    socket: bool = True
    # With the indexes that the role makes
    indexed: bool = True
    # With MLflow's accounts, of which one that is no administrator makes the calls
    accounts: bool = False
    # With TLS between Traefik, MLflow and PostgreSQL
    inside_tls: bool = False

    @property
    def scheme(self) -> str:
        return "https" if self.inside_tls else "http"


def docker(*arguments: str, text: str | None = None, **environment: str) -> str:
    """Run a docker command and return its standard output; its errors end the benchmark."""
    result = subprocess.run(
        ["docker", *arguments], input=text, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if result.returncode != 0:
        sys.exit(f"docker {' '.join(arguments)[:300]} failed:\n{result.stderr[-3000:]}")
    return result.stdout.strip()


class Bed:
    """The parts behind and before MLflow, and one MLflow server at a time."""

    # Settings of PostgreSQL other than its own defaults
    postgres: tuple[str, ...] = ()
    # Host name by which the store is reached through Traefik, where it is
    public_store = ""

    def __init__(self) -> None:
        self.password = secrets.token_hex(12)
        self.keys = {"MINIO_ROOT_USER": secrets.token_hex(8), "MINIO_ROOT_PASSWORD": secrets.token_hex(12)}
        # Sent with every call; who has no accounts does not look at it.
        self.login = "Basic " + base64.b64encode(f"ada:{self.password}".encode()).decode()
        self.experiment = ""
        self.runs: list[str] = []
        # Calls of the running server that were not answered with success
        self.failed = 0
        self.ca = ""
        # How the running server is asked
        self.scheme = ""

    def start(self) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        docker("network", "create", NAME)
        self.certify()
        env = {"POSTGRES_USER": "mlflow", "POSTGRES_PASSWORD": self.password, "POSTGRES_DB": "mlflow"}
        docker(
            *("run", "-d", f"--name={NAME}-postgres", f"--network={NAME}", "--network-alias=postgres"),
            *(f"--volume={NAME}:/var/run/postgresql", f"--volume={NAME}-tls:/tls:ro", "--shm-size=1g", *flags(env)),
            *(POSTGRES, *(self.postgres or ("postgres",)), *CERTIFIED),
        )
        docker(
            *("run", "-d", f"--name={NAME}-minio", f"--network={NAME}", "--network-alias=minio", "--tmpfs=/tmp"),
            *(*flags(self.keys), "--user=1000:1000", "--tmpfs=/data:uid=1000", MINIO, "server", "/data"),
        )
        self.route("http")
        docker(
            *("run", "-d", f"--name={NAME}-traefik", f"--network={NAME}", f"-v={WORK}:/dynamic:ro"),
            *(*(f"--network-alias={name}" for name in ALIASES), f"-v={NAME}-tls:/tls:ro", TRAEFIK),
            *("--entrypoints.websecure.address=:443", "--providers.file.directory=/dynamic"),
        )
        ready = ["docker", "exec", f"{NAME}-postgres", "psql", "-h127.0.0.1", "-Umlflow", "-c", "SELECT 1"]
        until(lambda: subprocess.run(ready, capture_output=True).returncode == 0)
        self.traefik = address(f"{NAME}-traefik")
        self.sql("CREATE DATABASE accounts")
        # The first start migrates the database, which is not what a restart costs.
        self.serve(Server(indexed=False))
        self.seed()
        self.stop_server()
        self.serve(Server(accounts=True))
        self.make_account()
        self.stop_server()

    def certify(self) -> None:
        """Make the certificates of the inside, by the role's own program."""
        settings: dict[str, object] = {"source": "inside", "base": "/tls", "published": "/tls/ca.crt", "trusted": ""}
        settings |= {"ca_name": "Bench CA", "ca_days": 10, "ca_renew_days": 1, "days": 9, "renew_days": 1}
        script = "install -d /tls/ca; cat >/tmp/certificates.py\n"
        for name, uid, names in (
            ("postgres", 999, ["postgres"]),
            ("mlflow", 1001, ["mlflow"]),
            ("traefik", 0, ALIASES),
        ):
            given = json.dumps({**settings, "service": f"/tls/{name}", "names": names})
            script += (
                f"install -d -m 0700 -o {uid} -g {uid} /tls/{name} /tls/{name}/CAs; echo '{given}' >/tmp/{name}.json\n"
            )
            script += f"python3 /tmp/certificates.py /tmp/{name}.json >&2\n"
        run = ("run", "--rm", "-i", "--user=0", f"--volume={NAME}-tls:/tls", "--entrypoint=sh", MLFLOW, "-euc")
        self.ca = docker(*run, script + "cat /tls/ca.crt", text=CERTIFICATES.read_text())

    def route(self, scheme: str) -> None:
        """Have Traefik ask the server by this scheme."""
        if scheme == self.scheme:
            return
        self.scheme = scheme
        transport = {"rootCAs": [self.ca], "disableHTTP2": True, "maxIdleConnsPerHost": 200}
        balancer = {"servers": [{"url": f"{scheme}://mlflow:5000"}], "serversTransport": "mlflow"}
        router = {"rule": "PathPrefix(`/`)", "service": "mlflow", "entryPoints": ["websecure"], "tls": {}}
        http: dict[str, dict[str, object]] = {
            "routers": {"mlflow": router},
            "services": {"mlflow": {"loadBalancer": balancer}},
            "serversTransports": {"mlflow": transport},
        }
        if self.public_store:
            rule = {"rule": f"Host(`{self.public_store}`)", "service": "minio", "priority": 1000}
            http["routers"]["minio"] = {**router, **rule}
            http["services"]["minio"] = {"loadBalancer": {"servers": [{"url": "http://minio:9000"}]}}
        pair = {"certFile": "/tls/traefik/public.crt", "keyFile": "/tls/traefik/private.key"}
        tls = {"stores": {"default": {"defaultCertificate": pair}}}
        # JSON is YAML as well.
        (WORK / "dynamic.yml").write_text(json.dumps({"http": http, "tls": tls}))
        # Traefik reads it within two seconds, which are none of the server's.
        time.sleep(3)

    def seed(self) -> None:
        """Make an experiment of RUNS runs, and LOGGED_RUNS runs in another one."""
        self.experiment, self.logged = (self.create_experiment(name) for name in ("bench", "bench-logged"))
        self.runs = [self.create_run(self.logged) for _ in range(LOGGED_RUNS)]
        self.sql(
            "SELECT 'INSERT INTO runs (' || string_agg(column_name, ',') || ') SELECT ' || string_agg(CASE column_name"
            f" WHEN 'run_uuid' THEN 'md5(n::text)' WHEN 'experiment_id' THEN '{self.experiment}' ELSE column_name END,"
            f" ',') || ' FROM runs, generate_series(1, {RUNS}) n WHERE run_uuid = ''{self.runs[0]}'''"
            " FROM information_schema.columns WHERE table_name = 'runs' \\gexec\nANALYZE runs"
        )

    def make_account(self) -> None:
        """Make ada, who may log to every experiment."""
        admin = "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()
        self.post("users/create", {"username": "ada", "password": self.password}, admin)
        grant = {"username": "ada", "resource_type": "experiment", "resource_id": "*", "permission": "EDIT"}
        self.post("users/permissions/grant", grant, admin, API.replace("2.0", "3.0"))

    def create_experiment(self, name: str) -> str:
        return str(self.post("experiments/create", {"name": name})["experiment_id"])

    def create_run(self, experiment: str) -> str:
        return str(self.post("runs/create", {"experiment_id": experiment, "start_time": 1})["run"]["info"]["run_id"])

    def sql(self, statement: str) -> str:
        psql = ("psql", "-h127.0.0.1", "-Umlflow", "-Atq", "-vON_ERROR_STOP=1")
        return docker("exec", "-i", f"{NAME}-postgres", *psql, text=statement)

    def index(self, *, wanted: bool) -> None:
        """Make the indexes of the role, or drop them."""
        for index in json.loads(INDEXES.read_text()):
            self.sql(f"DROP INDEX IF EXISTS {index['name']}")
            if wanted:
                self.sql(f"CREATE INDEX {index['name']} ON {index['table']} ({index['columns']})")

    def serve(self, server: Server) -> float:
        """Start a server and return the seconds until it answers through Traefik."""
        # libpq encrypts, unless told, where the server can.
        host, query = ("", "?host=/run/postgresql") if server.socket else ("postgres", "?sslmode=disable")
        if server.inside_tls:
            query = "?sslmode=verify-full&sslrootcert=/tls/ca.crt"
        uri = f"postgresql+psycopg2://mlflow:{self.password}@{host}/mlflow{query}"
        env = {
            "MLFLOW_S3_ENDPOINT_URL": "http://minio:9000",
            "AWS_ACCESS_KEY_ID": self.keys["MINIO_ROOT_USER"],
            "AWS_SECRET_ACCESS_KEY": self.keys["MINIO_ROOT_PASSWORD"],
            # So that the address is answered; the reference was made before hosts were checked.
            "MLFLOW_SERVER_ALLOWED_HOSTS": "*",
        }
        if server.by_environment:
            env |= {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_ARTIFACTS_DESTINATION": "s3://mlflow/"}
        command, options = [uri if word == "URI" else word for word in server.command], list(server.options)
        if server.accounts:
            command += ["mlflow-server", "--app-name", "basic-auth"]
            # As the role writes it
            (WORK / "auth.ini").write_text(
                "[mlflow]\ndefault_permission = READ\nadmin_username = admin\n"
                f"admin_password = {self.password}\nauth_cache_ttl_seconds = 60\n"
                f"database_uri = {uri.replace(f'@{host}/mlflow', f'@{host}/accounts')}\n"
                "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            )
            options += [f"--volume={WORK}/auth.ini:/auth.ini:ro"]
            env |= {"MLFLOW_AUTH_CONFIG_PATH": "/auth.ini", "MLFLOW_FLASK_SERVER_SECRET_KEY": self.password}
        if server.inside_tls:
            options += [f"--volume={NAME}-tls:/tls:ro"]
            pair = "--ssl-certfile /tls/mlflow/public.crt --ssl-keyfile /tls/mlflow/private.key"
            env |= {"MLFLOW_UVICORN_OPTS": pair}
        self.route(server.scheme)
        self.failed = 0
        self.index(wanted=server.indexed)
        started = time.monotonic()
        docker(
            *("run", "-d", f"--name={NAME}-mlflow", f"--network={NAME}", "--network-alias=mlflow", *options),
            *([f"--volume={NAME}:/run/postgresql:ro"] if server.socket else []),
            *flags({**env, **server.environment}),
            *(server.image, *command),
        )
        until(self.answers, pause=0.02)
        return time.monotonic() - started

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

    def post(
        self, path: str, body: Mapping[str, object], login: str = "", api: str = API
    ) -> dict[str, dict[str, dict[str, str]]]:
        """Send one call of MLflow's REST API and return its answer."""
        connection = self.connect()
        headers = {"Content-Type": "application/json", "Authorization": login or self.login}
        connection.request("POST", f"{api}/{path}", json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            sys.exit(f"{path}: {response.status} {answer[:500]!r}")
        return dict(json.loads(answer))

    def load(self, path: str, body: object, connections: int, seconds: int, *, direct: bool = False) -> Sample:
        """Send a call again and again, over connections that a second before has opened and warmed.

        Returns successful answers per second (`1/s`), the median in milliseconds (`p50 ms`), and the processor time of
        MLflow, PostgreSQL and Traefik together for one call (`CPU ms`). Only the first leaves that second out.
        """
        url = f"{self.scheme}://{address(f'{NAME}-mlflow')}:5000" if direct else f"https://{self.traefik}"
        file = WORK / "body.json"
        file.write_text(json.dumps(body))
        call = ["GET", f"{API}/{path}"] if body is None else ["POST", f"{API}/{path}", str(file), *self.runs]
        wrk = ["wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{1 + seconds}s"]
        before = self.cpu_ms()
        command = [*wrk, "-s", str(ROOT / "bench" / "load.lua"), url, "--", *call]
        env = {**os.environ, "LOGIN": self.login}
        output = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
        requests, failed, rate, p50_us = map(float, output.splitlines()[-1].split())
        self.failed += int(failed)
        return {
            "1/s": rate * (1 - failed / max(requests, 1)),
            "p50 ms": p50_us / 1e3,
            "CPU ms": (self.cpu_ms() - before) / max(requests, 1),
        }

    def log_batch(self, seconds: int, *, direct: bool = False) -> Sample:
        """Load the server with batches of 100 metrics from eight clients."""
        metrics = [{"key": f"m{i}", "value": i, "timestamp": "NUMBER", "step": "NUMBER"} for i in range(100)]
        return self.load("runs/log-batch", {"run_id": "RUN", "metrics": metrics}, 8, seconds, direct=direct)

    def create_runs(self, seconds: int) -> Sample:
        """Load the server with new runs from eight clients."""
        return self.load("runs/create", {"experiment_id": self.logged, "start_time": "NUMBER"}, 8, seconds)

    def pids(self, part: str) -> list[str]:
        return docker("top", f"{NAME}-{part}", "-o", "pid").split()[1:]

    def cpu_ms(self) -> float:
        """Return the processor time that MLflow, PostgreSQL and Traefik have used, the children they waited for too."""
        ticks = 0
        for pid in [pid for part in ("mlflow", "postgres", "traefik") for pid in self.pids(part)]:
            # A process that is gone by now counts as its parent's child.
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                # utime, stime, cutime and cstime of proc(5)
                ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK") * 1000

    def memory_mb(self) -> float:
        """Return the proportional set size of the server's processes."""
        rollups = "\n".join(Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids("mlflow"))
        return sum(int(line.split()[1]) for line in rollups.splitlines() if line.startswith("Pss:")) / 1024

    def stop_server(self) -> None:
        docker("rm", "-f", "-v", f"{NAME}-mlflow")

    def stop(self) -> None:
        for part in ("mlflow", "traefik", "minio", "postgres"):
            subprocess.run(["docker", "rm", "-f", "-v", f"{NAME}-{part}"], capture_output=True)
        for command in (("network", "rm", NAME), ("volume", "rm", NAME, f"{NAME}-tls")):
            subprocess.run(["docker", *command], capture_output=True)


def log_metric(bed: Bed, connections: int) -> Workload:
    """Return name and load of one call of log-metric after the other, over so many connections."""
    body = {"run_id": "RUN", "key": "loss", "value": 0.5, "timestamp": "NUMBER", "step": "NUMBER"}
    name = f"log-metric, {connections} connection{'s'[: connections - 1]}"
    return name, lambda seconds: bed.load("runs/log-metric", body, connections, seconds)


def search(bed: Bed) -> Workload:
    """Return name and load of searches for runs."""
    body = {"experiment_ids": [bed.experiment], "max_results": 50}
    return f"runs/search over {RUNS} runs", lambda seconds: bed.load("runs/search", body, 8, seconds)


def measure(bed: Bed, server: Server, workloads: list[Workload], seconds: int) -> Sample:
    """Start a server, measure everything, stop it.

    The workloads go forth and back, half of the seconds each time, so that slow changes of the machine meet all.
    """
    sample = {"cold start to first 200, s": bed.serve(server)}
    time.sleep(IDLE_SECONDS)
    sample["idle memory, MB"] = bed.memory_mb()
    # wrk takes whole seconds, and at least one.
    half = max(1, seconds // 2)
    forth = [(name, load(half)) for name, load in workloads]
    back = [(name, load(half)) for name, load in reversed(workloads)]
    for (name, first), (_, second) in zip(forth, reversed(back)):
        sample |= {f"{name}, {unit}": (value + second[unit]) / 2 for unit, value in first.items()}
    sample["failed calls"] = bed.failed
    bed.stop_server()
    return sample


def plot(file: str, table: object) -> None:
    """Draw a table of `report`, or stacks, for the documentation, by the function of plot.py that begins its name."""
    program = (ROOT / "bench" / "plot.py").read_text()
    draw = ("python3", "-c", program, re.split("[.-]", file)[0])
    svg = docker("run", "--rm", "-i", "--env=HOME=/tmp", MLFLOW, *draw, text=json.dumps(table))
    (RESULTS / file).write_text(svg + "\n")


def flags(environment: dict[str, str]) -> list[str]:
    return [f"--env={key}={value}" for key, value in environment.items()]


def address(container: str) -> str:
    return docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)


def until(ready: Callable[[], bool], seconds: float = 900, pause: float = 0.2) -> None:
    """Wait for something, at most so long."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            sys.exit(f"not ready after {seconds} s; docker logs:\n{docker('logs', f'{NAME}-mlflow')[-3000:]}")
        time.sleep(pause)


@contextmanager
def running(bed: AnyBed) -> Iterator[AnyBed]:
    """Start a bed, and remove all of it in the end."""
    os.chdir(ROOT)
    try:
        bed.start()
        yield bed
    finally:
        bed.stop()


def rounds(
    servers: dict[str, AnyServer], number: int, measured: Callable[[AnyServer], Sample]
) -> dict[str, list[Sample]]:
    """Measure each server once a round, another one first each time; return the samples by server."""
    samples: dict[str, list[Sample]] = {name: [] for name in servers}
    names = list(servers)
    for turn in range(number):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            print(f"round {turn + 1} of {number}: {name}", file=sys.stderr, flush=True)
            samples[name].append(measured(servers[name]))
    return samples


def ratio(samples: list[Sample], measure: str, base: list[Sample], other: str = "") -> float:
    """Return the median over the rounds of a measure divided by the base's in the same round."""
    pairs = [(one[measure], two[other or measure]) for one, two in zip(samples, base)]
    return statistics.median(one / two if two else 1.0 for one, two in pairs)


def report(file: str, samples: dict[str, list[Sample]], base: str, **facts: object) -> dict[str, dict[str, Sample]]:
    """Print medians and ratios to the base as a table in Markdown, and write them for the documentation.

    Returns them by measure and server.
    """
    table = {
        measure: {
            name: {
                "median": statistics.median(sample[measure] for sample in taken),
                "ratio": ratio(taken, measure, samples[base]),
            }
            for name, taken in samples.items()
        }
        for measure in samples[base][0]
    }
    print(f"| | {' | '.join(samples)} |\n|{'---|' * (len(samples) + 1)}")
    for measure, row in table.items():
        cells = (f"{cell['median']:.3g} ({cell['ratio']:.2f}x)" for cell in row.values())
        print(f"| {measure} | {' | '.join(cells)} |")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / file).write_text(json.dumps({**facts, "measures": table}, indent=2) + "\n")
    return table
