"""Run `mlflow server` with the workers forked from one loaded process.

Usage: mlflow-server [OPTIONS OF mlflow server]

`mlflow server` imports MLflow, migrates the database, and then waits for uvicorn, which imports MLflow again in each
worker. Here MLflow is imported once. A child process does the command's own work up to the uvicorn command line, so
that no database connection is open in the parent; the parent then loads the application and runs uvicorn with it, and
the workers share its memory. The REST API is handed to Flask without the detours that MLflow's FastAPI application
makes for it, and calls that read many rows have threads of their own, a time limit, and end when their client has gone.
Runs are written and read in one statement each (mlflow_runs.py).
Requests without a length are answered like others, and a full disk is told to the client. Files come from S3
piece by piece, and no answer waits in memory as a whole. Temporary files have a directory of their own, which is
emptied at each start. Prints one line and exits with 1 where the server cannot work. For any other server than uvicorn
it becomes the plain command.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import errno
import functools
import gc
import importlib
import json
import mmap
import multiprocessing
import multiprocessing.connection
import os
import posixpath
import re
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import mlflow_runs

UID = 1001
DATABASE_TIMEOUT_SECONDS = 100
# What a database says that may answer later; anything else will not change by waiting.
PASSING = re.compile(
    "refused|could not translate host name|time-?out|timed out|starting up|shutting down|recovery mode|too many clients"
    "|connection slots|unreachable|no route|closed the connection|reset by peer|no such file",
    re.IGNORECASE,
)
# PostgreSQL's name for it
INSUFFICIENT_PRIVILEGE = "42501"
# The application, and what its first requests would import, so that it is shared as well.
WORKER_MODULES = ("mlflow.server.fastapi_app", "mlflow.store.artifact.s3_artifact_repo", "boto3.session", "psycopg2")
MEMORY_BASE_MB = 512
MEMORY_PER_WORKER_MB = 256
MAX_WORKERS = 4
# Calls of MLflow's clients, whose answers are JSON and whole in memory. What browsers call may stream files.
REST_PATHS = ("/api/2.0/mlflow/", "/api/3.0/mlflow/")
# uvicorn kills a worker, and the calls in it, that leaves a ping unanswered for so long. Its own 5 s are little for a
# machine that is busy with something else.
HANGING_WORKER_SECONDS = 60
# Between two looks at the server's certificate, which is renewed weeks before it ends
CERTIFICATE_SECONDS = 10
# Keys that MLflow, and the plugin for logins by an OpenID provider, take from their environment only.
SECRETS = (
    "MLFLOW_FLASK_SERVER_SECRET_KEY",
    "MLFLOW_CRYPTO_KEK_PASSPHRASE",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY",
    "OIDC_CLIENT_SECRET",
    "SECRET_KEY",
)
# The application with MLflow's accounts, `--app-name basic-auth`, and that of the plugin, `--app-name oidc-auth`.
ACCOUNTS_APP = "mlflow.server.auth:create_app"
OIDC_APP = "mlflow_oidc_auth.app:app"
# What is shortened of the first
ACCOUNTS_PARTS = (
    "_run_requirement",
    "_redact_run_response",
    "_denied_sibling_tiers",
    "_find_fastapi_validator",
    "_native_fastapi_routes",
    "_scope_matches_native_route",
)
# An account; and all that it was granted, of which an administrator needs nothing.
ACCOUNT = """
SELECT users.id, users.password_hash, users.is_admin, roles.workspace, role_permissions.resource_type,
role_permissions.resource_pattern, role_permissions.permission FROM users
LEFT JOIN user_role_assignments ON user_role_assignments.user_id = users.id AND NOT users.is_admin
LEFT JOIN roles ON roles.id = user_role_assignments.role_id
LEFT JOIN role_permissions ON role_permissions.role_id = roles.id
WHERE users.username = :name
"""
# More of them at once in one worker fight for Python's lock and slow PostgreSQL down: 32 clients would get fewer
# answers than 8.
REST_THREADS = 4
# Calls that read many rows of what grows with each run: they would keep those who log waiting.
SCANS = re.compile(
    r"[A-Z]+ /((ajax-)?api/[23]\.0/mlflow/((?!experiments/search$).+/search(-datasets)?|metrics/get-history.*"
    r"|traces/(metrics|batchGet|batchGetInfos|calculate-filter-correlation))|graphql)"
    r"|GET /(ajax-)?api/2\.0/mlflow/traces"
)
# The calls that a worker remembers: MLflow has some two hundred, none of them longer.
KNOWN_PATHS = 1000
USUAL_LENGTH = 100
# The runs whose experiment a worker remembers
KNOWN_RUNS = 10_000
KNOWN_ACCOUNTS = 10_000
KNOWN_SECONDS = 1
# When a worker has last changed accounts or grants: another value than before is all that it tells. Workers are forked
# and share it.
CHANGES = mmap.mmap(-1, struct.calcsize("Q"))
# Of them at once in one worker; each may keep a core of the database busy.
SEARCH_THREADS = 2
SEARCH_TIMEOUT_SECONDS = 60
LOGIN_ATTEMPTS_PER_MINUTE = 30
# Of a file on its way to a client, and how many of them may wait in memory for it
PIECE_BYTES = 2**20
WAITING_PIECES = 4
# Of the disk with temporary files uploads leave this part to others, and so many bytes at most
KEPT_SHARE = 0.05
KEPT_BYTES = 2 * 2**30
# What whole numbers of the environment mean with 0
NUMBERS = {
    "MLFLOW_REST_THREADS": "MLflow's own way of serving REST calls",
    "MLFLOW_SEARCH_TIMEOUT_SECONDS": "no limit",
    "MLFLOW_LOGIN_ATTEMPTS_PER_MINUTE": "no limit",
}
# Sorting half a million runs takes so much. Compiling a search's plan takes longer than it saves.
SCAN_SETTINGS = "SET LOCAL work_mem = '32MB'; SET LOCAL jit = off"
# What MLflow's search for runs joins to them, by a part of that table's primary key (key, run_uuid) and by the run: no
# run can come twice. Values are placeholders in the text.
CONDITION = r"[^()%]|%\(\w+\)s"
JOIN = (
    r"(?: LEFT OUTER)? JOIN \(SELECT [^()]+ \nFROM (?:latest_metrics|params|tags) \nWHERE \w+\.key = %\(\w+\)s"
    rf"(?: AND (?:(?! OR )(?:{CONDITION})|\((?:{CONDITION})*\))+)?\) AS \w+ ON runs\.run_uuid = \w+\.run_uuid"
)
SEARCH = re.compile(
    rf"SELECT DISTINCT (runs\.run_uuid, .+? \nFROM runs)((?:{JOIN})*)( \nWHERE runs\.experiment_id IN .+)", re.DOTALL
)
FILTER = re.compile(r"(?<! OUTER) JOIN \((?:[^)]|\)(?! AS ))+")
APART = r"\g<0> OFFSET '0'"
# PostgreSQL's name for a statement that was ended from outside or by its time limit
QUERY_CANCELED = "57014"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


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
    artifacts_only = given("--artifacts-only", "MLFLOW_ARTIFACTS_ONLY")
    if not artifacts_only and not given("--backend-store-uri", "MLFLOW_BACKEND_STORE_URI"):
        stop(
            "no database: set MLFLOW_BACKEND_STORE_URI, for example"
            " postgresql+psycopg2://mlflow@postgres/mlflow?passfile=/run/secrets/pgpass"
        )
    for name, zero in NUMBERS.items():
        value = os.environ.get(name) or "0"
        if not value.isdecimal():
            stop(f"{name} is '{value}'; give a number, or 0 for {zero}")
    presigned = os.environ.get("MLFLOW_PRESIGNED_TRANSFERS") or "true"
    if presigned not in ("true", "false"):
        stop(f"MLFLOW_PRESIGNED_TRANSFERS is '{presigned}'; give true, or false where clients cannot use the store")


def read_secrets() -> None:
    """Set the variables of SECRETS from the files that NAME_FILE names: what a container's environment shows to all."""
    for name in SECRETS:
        file = os.environ.get(f"{name}_FILE")
        if file:
            try:
                os.environ[name] = Path(file).read_text().strip()
            except OSError as error:
                stop(f"{name}_FILE names {file}, which cannot be read ({error.strerror})")


def empty_spool() -> None:
    """Make the directory for temporary files, without what a killed server left in it, and use it from now on."""
    parent = os.environ.get("TMPDIR") or "/tmp"
    # A directory of this name alone is ours; the one around it may be anybody's.
    spool = Path(parent, "mlflow-server")
    try:
        if spool.exists():
            shutil.rmtree(spool)
        spool.mkdir(mode=0o700)
    except OSError as error:
        stop(
            f"cannot write to {parent} ({error.strerror}), where uploads are kept on their way; mount a directory that"
            " belongs to this user there, or a tmpfs"
        )
    os.environ["TMPDIR"] = tempfile.tempdir = str(spool)


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
    import sqlalchemy
    from mlflow.cli import cli

    initialize = mlflow.server.handlers.initialize_backend_stores

    def initialize_checked(uri: str, *args: object, **kwargs: object) -> None:
        wait_for_database(uri)
        try:
            initialize(uri, *args, **kwargs)
        except sqlalchemy.exc.ProgrammingError as error:
            if getattr(error.orig, "pgcode", "") != INSUFFICIENT_PRIVILEGE:
                raise
            stop(
                f"this release's tables are not all there, and this role may not make them ({first_line(error.orig)});"
                " make them as the database's owner first"
            )

    def send(command: list[str], extra_env: dict[str, str], **_: object) -> SimpleNamespace:
        if command[-1] == OIDC_APP:
            prepare_oidc()
        answer.send((command, {**os.environ, **extra_env}))
        # The parent is the server's process. The command starts the job runner for it, and then would wait for its end.
        return SimpleNamespace(pid=os.getppid(), poll=lambda: 0, wait=lambda: 0)

    mlflow.server.handlers.initialize_backend_stores = initialize_checked
    mlflow.server._exec_cmd = send
    cli(["server", *sys.argv[1:]])


def prepare_oidc() -> None:
    """Make or migrate the plugin's tables, once for all workers, which would do it all at once."""
    import sqlalchemy
    from mlflow_oidc_auth.config import config
    from mlflow_oidc_auth.store import store

    wait_for_database(config.OIDC_USERS_DB_URI)
    try:
        store.ping()
    except sqlalchemy.exc.DBAPIError as error:
        stop(
            f"the tables of the accounts cannot be made ({first_line(error.orig)}); OIDC_USERS_DB_URI must name a"
            " database of this role that is empty, or that this plugin has made"
        )


def serve(command: list[str]) -> None:
    """Load the application and run uvicorn with it; its workers are forks of this process."""
    import uvicorn._subprocess
    import uvicorn.main

    stream_downloads()
    if os.environ.get("MLFLOW_PRESIGNED_TRANSFERS") == "false":
        sign_nothing()
    for module in WORKER_MODULES:
        importlib.import_module(module)
    improve_all(
        int(os.environ.get("MLFLOW_REST_THREADS") or REST_THREADS),
        float(os.environ.get("MLFLOW_SEARCH_TIMEOUT_SECONDS") or SEARCH_TIMEOUT_SECONDS),
        int(os.environ.get("MLFLOW_LOGIN_ATTEMPTS_PER_MINUTE") or LOGIN_ATTEMPTS_PER_MINUTE),
        command[-1],
    )
    os.register_at_fork(after_in_child=forget_signals)
    uvicorn.config.create_ssl_context = followed(uvicorn.config.create_ssl_context)
    uvicorn._subprocess.spawn = multiprocessing.get_context("fork")
    # Without it the collector would write to, and so copy, every page in every worker.
    gc.collect()
    gc.freeze()
    # The last of two options of one name counts.
    uvicorn.main.main(["--timeout-worker-healthcheck", str(HANGING_WORKER_SECONDS), *command[3:]])


def followed(create: Callable[..., Any]) -> Callable[..., Any]:
    """Have a server with TLS take a renewed certificate for new connections, and keep those that are open."""

    def create_followed(**options: Any) -> Any:
        context = create(**options)
        loop, certificate = asyncio.get_running_loop(), Path(options["certfile"])

        # In the loop's own thread, where connections are accepted.
        def look(seen: bytes) -> None:
            # What is half replaced is taken at the next look.
            with suppress(OSError):
                found = certificate.read_bytes()
                if found != seen:
                    context.load_cert_chain(certificate, options["keyfile"], options["password"])
                    seen = found
            loop.call_later(CERTIFICATE_SECONDS, look, seen)

        look(certificate.read_bytes())
        return context

    return create_followed


def sign_nothing() -> None:
    """Have MLflow take its store for one without presigned transfers, which it then neither offers nor grants."""
    from mlflow.server import handlers

    # It asks whether the store is one of these, and nothing is one of none.
    handlers.MultipartUploadMixin = handlers.MultipartDownloadMixin = handlers.PresignedUploadMixin = ()


def stream_downloads() -> None:
    """Have files come from S3 piece by piece, which MLflow first copies to its disk, and answers wait for clients.

    Must come before MLflow's application is loaded. What is elsewhere, and what cannot be had, is left to MLflow.
    """
    import flask
    import mlflow.server.artifact_router as native
    import starlette.middleware.wsgi
    from mlflow.exceptions import MlflowException
    from mlflow.server import handlers
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.responses import StreamingResponse

    send_whole, download_whole = handlers._send_artifact, native.download_artifact

    def send(repository: Any, path: str) -> Any:
        found = None if "Range" in flask.request.headers else open_stored(repository, path)
        if not found:
            return send_whole(repository, path)
        answer = flask.Response(found[0], direct_passthrough=True)
        answer.content_length = found[1]
        answer.cache_control.no_cache = True
        return handlers._response_with_file_attachment_headers(path, answer)

    async def download(artifact_path: str) -> Any:
        found = None
        with suppress(MlflowException, HTTPException):
            path = native._get_workspace_scoped_path(native.validate_path_is_safe(artifact_path))
            if native._is_serving_proxied_artifacts():
                found = await run_in_threadpool(open_stored, native._get_artifact_repo(), path)
        if not found:
            return await download_whole(artifact_path)
        headers = {
            "Content-Type": native._guess_mime_type(path),
            "Content-Disposition": native._content_disposition(posixpath.basename(path)),
            "X-Content-Type-Options": "nosniff",
            "Content-Length": str(found[1]),
        }
        return StreamingResponse(found[0], headers=headers)

    handlers._send_artifact = send
    router = native.artifact_router
    for route in [one for one in router.routes if one.endpoint is download_whole]:
        router.routes.remove(route)
        router.add_api_route(route.path, download, methods=["GET"], response_model=None)
    # The number of pieces of Flask's answer that may wait; without an end, all that a slow client has not taken yet.
    starlette.middleware.wsgi.math = SimpleNamespace(inf=WAITING_PIECES)


def open_stored(repository: Any, path: str) -> tuple[Iterator[bytes], int] | None:
    """Return a file's pieces and its length; None where it is not in S3, or S3 does not give it."""
    from botocore.exceptions import BotoCoreError, ClientError
    from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

    if not isinstance(repository, S3ArtifactRepository):
        return None
    bucket, root = repository.parse_s3_compliant_uri(repository.artifact_uri)
    place = {"Bucket": bucket, "Key": posixpath.join(root, path), **repository._bucket_owner_params}
    try:
        found = repository._get_s3_client().get_object(**place)
    except (BotoCoreError, ClientError):
        return None
    return pieces_of(found["Body"]), found["ContentLength"]


def pieces_of(body: Any) -> Iterator[bytes]:
    with closing(body):
        yield from body.iter_chunks(PIECE_BYTES)


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Scan:
    """A call that reads many rows, and the database connections that work for it now."""

    current: contextvars.ContextVar[Scan | None] = contextvars.ContextVar("scan", default=None)

    def __init__(self) -> None:
        self.overdue = False
        self._gone = False
        self._connections: list[Any] = []
        self._lock = threading.Lock()

    def begin(self, connection: Any) -> None:
        """A database connection of psycopg2 begins to work for this call; raise ClientGone where nobody waits."""
        with self._lock:
            if self._gone:
                raise ClientGone
            self._connections.append(connection)

    def end(self, connection: Any) -> None:
        """A database connection works no more for this call, and maybe soon for another."""
        with self._lock, suppress(ValueError):
            self._connections.remove(connection)

    def cancel(self) -> None:
        """End what the database does for this call, now and later."""
        with self._lock:
            self._gone = True
            for connection in self._connections:
                # One that has just broken cannot be told.
                with suppress(Exception):
                    connection.cancel()


def quicken(statement: str) -> str:
    """Return MLflow's search for runs in words that find the same runs sooner; any other statement as it is.

    Without DISTINCT, which changes nothing, PostgreSQL keeps the first runs of an order instead of sorting all columns
    of all runs. And it takes the matches of a filter for evenly spread over time, so that it looks them up run by run,
    the newest first, which takes ten times as long where all of them are old. An OFFSET makes it collect the matches
    of a filter by themselves; in quotes, which are a bigint to it, it does so with several processes.
    """
    found = SEARCH.fullmatch(statement)
    if not found:
        return statement
    runs, joins, rest = found.groups()
    return f"SELECT {runs}{FILTER.sub(APART, joins)}{rest}"


def limit_scans(seconds: float, cores: int) -> None:
    """Tell each scan of its connections, and PostgreSQL how to work for it, and for how long; 0 is without limit.

    Half of the cores help those whose scans they are, whoever logs has the others.
    """
    from sqlalchemy import Engine, event

    settings = (
        f"SET LOCAL statement_timeout = {int(seconds * 1000)}; SET LOCAL max_parallel_workers = {cores // 2};"
        f" SET LOCAL max_parallel_workers_per_gather = {min(2, cores // 2)}; {SCAN_SETTINGS}"
    )

    def begin(connection: Any) -> None:
        scan = Scan.current.get()
        if scan and connection.dialect.driver == "psycopg2":
            raw = connection.connection.dbapi_connection
            scan.begin(raw)
            with raw.cursor() as cursor:
                cursor.execute(settings)

    def end(connection: Any) -> None:
        scan = Scan.current.get()
        if scan:
            scan.end(connection.connection.dbapi_connection)

    def failed(context: Any) -> None:
        scan = Scan.current.get()
        if scan and getattr(context.original_exception, "pgcode", "") == QUERY_CANCELED:
            scan.overdue = True

    def execute(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: object) -> tuple[str, Any]:
        # Of every statement of the server, few belong to a scan: that is asked first.
        if Scan.current.get() and connection.dialect.driver == "psycopg2":
            statement = quicken(statement)
        return statement, parameters

    event.listen(Engine, "before_cursor_execute", execute, retval=True)
    event.listen(Engine, "begin", begin)
    event.listen(Engine, "commit", end)
    event.listen(Engine, "rollback", end)
    event.listen(Engine, "handle_error", failed)


def by_path(decide: Callable[[Scope], bool]) -> Callable[[Scope], bool]:
    """Return a decision on requests that follows from method and path alone, made once where they are usual."""
    known: dict[tuple[str, str], bool] = {}

    def decided(scope: Scope) -> bool:
        call = scope["method"], scope["path"]
        if call in known:
            return known[call]
        decision = decide(scope)
        # Paths with names in them are without end.
        if len(known) < KNOWN_PATHS and len(scope["path"]) < USUAL_LENGTH:
            known[call] = decision
        return decision

    return decided


class RestApi:
    """MLflow's Flask application as an ASGI application, for the REST API, and for what reads many rows.

    MLflow's own bridge from FastAPI to Flask opens a task group and goes from thread to thread five times for each
    answer, in any of 40 threads. Here a call is one piece of work in one of a few threads, and its answer one message.
    """

    def __init__(
        self, app: Asgi, flask: Wsgi, routes: list[Any], threads: int, seconds: float, carried: tuple[str, ...] = ()
    ) -> None:
        """Serve calls in so many threads at once, and scans beside them, each for at most so many seconds.

        app: what serves all other paths. flask: a WSGI application. routes: those of FastAPI's own, which go first.
        carried: what middleware has put into a request's scope for Flask.
        """
        self.otherwise = app
        self.flask = flask
        # Match.NONE of Starlette is 0.
        self.own_route = by_path(lambda scope: any(route.matches(scope)[0].value for route in routes))
        self.seconds = seconds
        self.carried = carried
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self.scans = ThreadPoolExecutor(SEARCH_THREADS, thread_name_prefix="scan")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scan = scope["type"] == "http" and SCANS.fullmatch(f"{scope['method']} {scope['path']}")
        if scope["type"] != "http" or not (scan or scope["path"].startswith(REST_PATHS)) or self.own_route(scope):
            await self.otherwise(scope, receive, send)
            return
        chunks, more = [], True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        from starlette.middleware.wsgi import build_environ

        environ = build_environ(scope, b"".join(chunks))
        environ.update({key: scope[key] for key in self.carried if key in scope})
        run = contextvars.copy_context().run
        if scan:
            answer = await self.scanned(run, environ, receive)
        else:
            answer = await asyncio.get_running_loop().run_in_executor(self.pool, run, self.answer, environ)
        if not answer:
            return
        status, headers, body = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def scanned(self, run: Callable[..., Answer], environ: dict[str, Any], receive: Receive) -> Answer | None:
        """Return the answer to a scan, or None where its client has gone, and then end it."""
        loop, scan = asyncio.get_running_loop(), Scan()
        work = loop.run_in_executor(self.scans, run, self.answer_to_scan, environ, scan)
        # After the body comes nothing but the client's end.
        gone = asyncio.ensure_future(receive())
        either: set[asyncio.Future[Any]] = {work, gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            gone.cancel()
            return work.result()
        work.cancel()
        await loop.run_in_executor(None, scan.cancel)
        return None

    def answer_to_scan(self, environ: dict[str, Any], scan: Scan) -> Answer:
        """Return Flask's answer, or a sentence where the time was up."""
        Scan.current.set(scan)
        answer = self.answer(environ)
        if not scan.overdue:
            return answer
        message = (
            f"The search was ended after {self.seconds:g} s. Narrow it: fewer experiments, a filter, another order;"
            " or raise the server's limit, MLFLOW_SEARCH_TIMEOUT_SECONDS (role mlflow: mlflow_search_timeout_seconds)."
        )
        body = json.dumps({"error_code": "TEMPORARILY_UNAVAILABLE", "message": message}).encode()
        return 503, [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())], body

    def answer(self, environ: dict[str, Any]) -> Answer:
        """Return status, headers and body of Flask's answer to a request in WSGI's form."""
        started: list[tuple[Any, ...]] = []
        chunks = self.flask(environ, lambda *start: started.append(start))
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = started[-1][:2]
        return int(status.split(" ")[0]), [(n.lower().encode("latin1"), v.encode("latin1")) for n, v in headers], body


class Logins:
    """A middleware that answers 429 to whoever guesses passwords, before they cost the time that checking takes.

    Different ones are counted, for each account and address a client comes from: who guesses needs many, and a job that
    has an old one keeps out nobody. Each worker has its own count.
    """

    MOST_KEYS = 10_000

    def __init__(self, app: Asgi, per_minute: int) -> None:
        self.app = app
        self.per_minute = per_minute
        # When each was used last, by its hash
        self.used: dict[tuple[str, str], dict[int, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        login = next((value for name, value in scope.get("headers", ()) if name == b"authorization"), b"")
        guessed = scope["type"] == "http" and login[:6].lower() == b"basic "
        if guessed and not self.takes(str((scope.get("client") or ("",))[0]), login):
            await refuse_login(send)
        else:
            await self.app(scope, receive, send)

    def takes(self, source: str, login: bytes) -> bool:
        """Tell whether a login may be tried, and remember it."""
        key, now, digest = (source, account(login)), time.monotonic(), hash(login)
        if key not in self.used and len(self.used) >= self.MOST_KEYS:
            self.used.clear()
        used = self.used.setdefault(key, {})
        if digest not in used and len(used) >= self.per_minute:
            used = self.used[key] = {one: then for one, then in used.items() if then > now - 60}
            if len(used) >= self.per_minute:
                return False
        used[digest] = now
        return True


def account(login: bytes) -> str:
    """Return the name in a header of basic authentication; those that are none have one together."""
    try:
        return base64.b64decode(login.partition(b" ")[2], validate=True).partition(b":")[0].decode()
    except ValueError:
        return ""


async def refuse_login(send: Send) -> None:
    message = "Too many passwords for this account from this address. Try again in a minute."
    body = json.dumps({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": message}).encode()
    headers = {b"content-type": b"application/json", b"retry-after": b"60", b"content-length": b"%d" % len(body)}
    status = HTTPStatus.TOO_MANY_REQUESTS.value
    await send({"type": "http.response.start", "status": status, "headers": list(headers.items())})
    await send({"type": "http.response.body", "body": body})


class Unless:
    """A middleware of FastAPI's that is passed by where it would do nothing, because passing through costs a task."""

    def __init__(self, app: Asgi, idle: Callable[[Scope], bool], middleware: Callable[[Asgi], Asgi]) -> None:
        self.app = app
        self.idle = idle
        self.through = middleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.app if scope["type"] == "http" and self.idle(scope) else self.through)(scope, receive, send)


def without_workspace(scope: Scope) -> bool:
    """Tell whether MLflow's workspace_context_middleware has nothing to do for a request."""
    from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES
    from mlflow.server.workspace_helpers import WORKSPACE_HEADER_NAME

    name = WORKSPACE_HEADER_NAME.lower().encode()
    return not MLFLOW_ENABLE_WORKSPACES.get() and name not in dict(scope["headers"])


def without_gateway(scope: Scope) -> bool:
    """Tell whether MLflow's gateway_timing_middleware has nothing to do for a request."""
    return "/gateway/" not in scope["path"]


IDLE = {"workspace_context_middleware": without_workspace, "gateway_timing_middleware": without_gateway}


def pass_by(app: Any, idle: Mapping[str, Callable[[Scope], bool]]) -> bool:
    """Have FastAPI's middlewares of these names passed by where they would do nothing; tell whether all are there."""
    from starlette.middleware import Middleware

    found = {getattr(entry.kwargs.get("dispatch"), "__name__", ""): entry for entry in app.user_middleware}
    if not idle.keys() <= found.keys():
        return False
    for name, nothing_to_do in idle.items():
        entry = found[name]
        wrapped = functools.partial(entry.cls, *entry.args, **entry.kwargs)
        app.user_middleware[app.user_middleware.index(entry)] = Middleware(
            Unless, idle=nothing_to_do, middleware=wrapped
        )
    return True


def shorten(app: Any, flask: Wsgi, threads: int, seconds: float) -> None:
    """Give MLflow's FastAPI application a shorter way to Flask, unless it is built in another way than expected.

    Everything else about a request stays: host, origin and header checks, FastAPI's own routes, Flask's hooks.
    """
    from starlette.middleware import Middleware
    from starlette.routing import Mount

    mounts = [route for route in app.router.routes if isinstance(route, Mount) and route.path == ""]
    if len(mounts) != 1 or not pass_by(app, IDLE):
        print("mlflow-server: this MLflow is built in another way; its REST API is left as it is", file=sys.stderr)
        return
    routes = app.router.routes[: app.router.routes.index(mounts[0])]
    # The last one is the innermost.
    rest_api = Middleware(RestApi, flask=flask, routes=routes, threads=threads, seconds=seconds)
    app.user_middleware.append(rest_api)


def shorten_oidc(app: Any, flask: Wsgi, threads: int, seconds: float) -> None:
    """Give the plugin's application the shorter way to Flask, unless it is built in another way than expected.

    It begins where the plugin's own bridge does: behind all that judges a request, with what that found out about who
    asks, by which the plugin's hooks in Flask judge on.
    """
    from mlflow_oidc_auth.entities.auth_context import AUTH_CONTEXT_KEY
    from starlette.routing import Mount

    mounts = [route for route in app.router.routes if isinstance(route, Mount) and route.path == ""]
    if len(mounts) != 1:
        print("mlflow-server: this plugin is built in another way; its REST API is left as it is", file=sys.stderr)
        return
    mounts[0].app = RestApi(mounts[0].app, flask, [], threads, seconds, carried=(AUTH_CONTEXT_KEY,))


class Accounts:
    """MLflow's accounts, of which the one that asks is read once a second, with all that it was granted.

    MLflow reads it two to four times for each request and its grants up to three times, each in a transaction of its
    own. What a worker changes is read again by all, from the next request on; what others change in the database, once
    that second is over.
    """

    def __init__(self, store: Any) -> None:
        """Take the place of a store's own ways to read; it must be connected."""
        self.engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.get_user, self.list_grants, self.session = store.get_user, store.list_grants, store.ManagedSessionMaker
        store.get_user, store.list_grants, store.ManagedSessionMaker = self.user, self.grants, self.forgetful
        # By name: what CHANGES held before it was read, until when it holds, and what was read
        self.known: dict[str, tuple[bytes, float, tuple[Any, list[Any]]]] = {}

    def asked(self, name: str) -> tuple[Any, list[Any]] | None:
        """Return account and grants of who asks, as (workspace, grant); None for anybody else."""
        from flask import g, has_request_context, request

        if not has_request_context() or not request.authorization or request.authorization.username != name:
            return None
        if "modelhub_account" not in g:
            g.modelhub_account = self.recent(name)
        known: tuple[Any, list[Any]] | None = g.modelhub_account
        return known

    def recent(self, name: str) -> tuple[Any, list[Any]] | None:
        changes, now = CHANGES[:], time.monotonic()
        known = self.known.get(name)
        if known and known[0] == changes and now < known[1]:
            return known[2]
        found = self.read(name)
        if found:
            if len(self.known) >= KNOWN_ACCOUNTS:
                self.known.clear()
            self.known[name] = changes, now + KNOWN_SECONDS, found
        return found

    def read(self, name: str) -> tuple[Any, list[Any]] | None:
        import sqlalchemy
        from mlflow.server.auth.entities import User
        from mlflow.server.auth.sqlalchemy_store import RoleGrantRow

        # It is no part of a search, which has a time limit.
        token = Scan.current.set(None)
        try:
            with self.engine.connect() as connection:
                rows = connection.execute(sqlalchemy.text(ACCOUNT), {"name": name}).all()
        finally:
            Scan.current.reset(token)
        if not rows:
            return None
        identity, password_hash, is_admin = rows[0][:3]
        grants = [(row[3], RoleGrantRow(*row[4:])) for row in rows if row[4] is not None]
        return User(identity, name, password_hash, is_admin), grants

    def user(self, name: str) -> Any:
        known = self.asked(name)
        return known[0] if known else self.get_user(name)

    def grants(self, identity: int, workspace: str, types: Iterable[str]) -> list[Any]:
        from flask import g, has_request_context

        known = g.get("modelhub_account") if has_request_context() else None
        if not known or known[0].id != identity or known[0].is_admin:
            return list(self.list_grants(identity, workspace, types))
        wanted = {"workspace", *types}
        return [grant for place, grant in known[1] if place == workspace and grant.resource_type in wanted]

    @contextmanager
    def forgetful(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Give a session, and have every worker forget what was read where it may have written."""
        from flask import g, has_request_context

        try:
            with self.session(*args, **kwargs) as session:
                yield session
        finally:
            if not (args or (kwargs.get("read_only", True),))[0]:
                CHANGES[:] = struct.pack("Q", time.monotonic_ns())
                if has_request_context():
                    g.pop("modelhub_account", None)


def shorten_accounts(auth: Any, app: Any) -> Callable[[Scope], bool] | None:
    """Have MLflow's module for accounts read less before and after each call, unless it is built in another way.

    What it decides stays as it is. Returns what tells whether its middleware has nothing to do.
    """
    if not all(hasattr(auth, part) for part in ACCOUNTS_PARTS):
        print("mlflow-server: this MLflow is built in another way; its accounts are left as they are", file=sys.stderr)
        return None
    Accounts(auth.store)
    requirement, redact = auth._run_requirement, auth._redact_run_response
    known: dict[tuple[str, str], Any] = {}

    def known_requirement(run_id: str, action: str) -> Any:
        # It reads a run with all that it has logged, to know its experiment, which never changes.
        if (run_id, action) not in known:
            found = requirement(run_id, action)
            if not found:
                return found
            if len(known) >= KNOWN_RUNS:
                known.clear()
            known[run_id, action] = found
        anchor, requirements = known[run_id, action]
        return anchor, list(requirements)

    def redact_denied(response: Any, *args: Any) -> None:
        # It reads an answer anew, to take models out of it that may be denied to this account alone.
        if not auth.sender_is_admin():
            name, models = auth.authenticate_request().username, auth.RESOURCE_TYPE_LOGGED_MODEL
            if models in auth._denied_sibling_tiers(name, (models,)):
                redact(response, *args)

    auth._run_requirement, auth._redact_run_response = known_requirement, redact_denied
    return without_validator(auth, auth._native_fastapi_routes(app))


def load_accounts(*, shorter: bool) -> None:
    """Load MLflow's module for accounts, whose application each worker makes for itself, with its connections."""
    from mlflow.server import auth

    add = auth.add_fastapi_permission_middleware

    def add_shorter(app: Any) -> None:
        idle = shorten_accounts(auth, app)
        add(app)
        if idle:
            pass_by(app, {"fastapi_permission_middleware": idle})

    if shorter:
        auth.add_fastapi_permission_middleware = add_shorter


def without_validator(auth: Any, routes: Any) -> Callable[[Scope], bool]:
    """Return what tells whether MLflow's fastapi_permission_middleware has nothing to do for a request.

    Those of Flask are judged there. routes: FastAPI's own, as MLflow's module has collected them.
    """
    from mlflow.environment_variables import MLFLOW_BASIC_AUTH_FAIL_CLOSED

    def idle(scope: Scope) -> bool:
        if auth._find_fastapi_validator(scope["path"], scope["method"]):
            return False
        return not MLFLOW_BASIC_AUTH_FAIL_CLOSED.get() or not auth._scope_matches_native_route(routes, scope)

    return by_path(idle)


def load_oidc() -> Any:
    """Load the plugin's application, with the checks of host and origin that MLflow's own has, and no connection."""
    import mlflow_oidc_auth.app
    import sqlalchemy
    from mlflow.server.fastapi_security import init_fastapi_security

    init_fastapi_security(mlflow_oidc_auth.app.app)
    # Loading it has asked the database. Workers must not share a connection.
    for engine in [one for one in gc.get_objects() if isinstance(one, sqlalchemy.Engine)]:
        engine.dispose()
    return mlflow_oidc_auth.app.app


def ending(flask: Wsgi) -> Wsgi:
    """Return Flask's application such that it reads a body whose length the client did not tell.

    Without a length Flask takes the body for endless and reads nothing of it. What stands before it has read the whole.
    """

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ.setdefault("wsgi.input_terminated", not environ.get("CONTENT_LENGTH"))
        return flask(environ, start_response)

    return application


class Uploads:
    """A middleware that has uploads end as by a full disk before they take what others need of it.

    And it hands them on in large pieces, because MLflow has a thread write each.
    """

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PUT":
            await self.app(scope, receive, send)
            return

        async def receive_piece() -> Scope:
            piece, more = bytearray(), True
            while more and len(piece) < PIECE_BYTES:
                message = await receive()
                if message["type"] != "http.request":
                    return message
                piece += message.get("body", b"")
                more = bool(message.get("more_body"))
            if more and not has_room(tempfile.gettempdir()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return {"type": "http.request", "body": bytes(piece), "more_body": more}

        await self.app(scope, receive_piece, send)


def has_room(folder: str) -> bool:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize > min(KEPT_BYTES, disk.f_blocks * disk.f_frsize * KEPT_SHARE)


async def tell_of_full_disk(_request: object, error: OSError) -> Any:
    """Answer a request that a full disk made impossible; raise any other error again."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    from starlette.responses import JSONResponse

    print(f"mlflow-server: the disk at {tempfile.gettempdir()} is full", file=sys.stderr, flush=True)
    message = "The server's disk is full: there is no room for this file on its way to the store."
    return JSONResponse({"error_code": "RESOURCE_EXHAUSTED", "message": message}, 507)


def improve_all(threads: int, seconds: float, logins: int, name: str = "") -> None:
    """Improve MLflow's application, the one that its factory makes for basic authentication, or OIDC_APP of that name.

    threads: REST calls that a worker answers at once, 0 for MLflow's own way. seconds: how long a scan may take.
    logins: different passwords in a minute, of one account from one address, that a worker takes; 0 for any number.
    """
    import mlflow.server
    import mlflow.server.fastapi_app as module

    flask, create = mlflow.server.app, module.create_fastapi_app
    flask.wsgi_app = ending(flask.wsgi_app)

    def improve(app: Any, flask_app: Any, shorter: Callable[..., None] = shorten) -> Any:
        app.add_exception_handler(OSError, tell_of_full_disk)
        app.add_middleware(Uploads)
        if logins:
            app.add_middleware(Logins, per_minute=logins)
        if threads:
            shorter(app, flask_app, threads, seconds)
        return app

    if threads:
        limit_scans(seconds, int(limits()[0]))
        mlflow_runs.hasten(importlib.import_module("mlflow.store.tracking.sqlalchemy_store"))
    if name == OIDC_APP:
        improve(load_oidc(), flask, shorten_oidc)
        return
    module.create_fastapi_app = lambda flask_app=flask: improve(create(flask_app), flask_app)
    if name == ACCOUNTS_APP:
        load_accounts(shorter=threads > 0)
    else:
        improve(module.app, flask)


def forget_signals() -> None:
    """Drop the parent's handlers, which only note a signal, until a worker has its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    # Process 1 has no default action for it, and a container must stop while it waits for its database too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check()
    read_secrets()
    empty_spool()
    if not given("--workers", "MLFLOW_WORKERS") and "-w" not in sys.argv:
        os.environ["MLFLOW_WORKERS"] = str(workers(*limits()))
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
    if child.exitcode:
        raise SystemExit(child.exitcode)
    os.environ.update(environment)
    if command[1:3] != ["-m", "uvicorn"] or "--reload" in command:
        os.execvp(command[0], command)
    serve(command)


if __name__ == "__main__":
    main()
