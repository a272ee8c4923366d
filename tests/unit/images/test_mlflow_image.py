"""The scripts of dockerfile.mlflow, as far as they are pure."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "images/mlflow-server"
FLOOR = json.loads((FOLDER / "floor.json").read_text())
CONSTRAINTS = (FOLDER / "constraints.txt").read_text()
ARGS = {
    "MLFLOW_VERSION": "v3.17.2",
    "ALLOW_VULNERABLE_VERSION": "",
    "BOTO3_VERSION": "1.40.0",
    "PSYCOPG2_VERSION": "2.9.11",
}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # As in the image, where they find each other.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


install = load("install")
runs = load("mlflow_runs")
server = load("mlflow_server")


@pytest.mark.parametrize("version", ["v3.17.2", "3.17.2", "3.18.0rc1", "4.0.0"])
def test_argument_problem_accepts_releases(version: str) -> None:
    assert install.argument_problem({**ARGS, "MLFLOW_VERSION": version}, FLOOR) is None


@pytest.mark.parametrize("version", ["", "latest", "v3", "3.17.2; true", "3.17.x"])
def test_argument_problem_refuses_what_is_no_release(version: str) -> None:
    problem = install.argument_problem({**ARGS, "MLFLOW_VERSION": version}, FLOOR)
    assert "MLFLOW_VERSION" in problem and "such as v3.17.2" in problem


def test_argument_problem_refuses_below_the_floor_unless_told() -> None:
    old = {**ARGS, "MLFLOW_VERSION": "v3.1.1"}
    problem = install.argument_problem(old, FLOOR)
    assert "CVE-2026-2033" in problem and "ALLOW_VULNERABLE_VERSION=true" in problem
    assert install.argument_problem({**old, "ALLOW_VULNERABLE_VERSION": "true"}, FLOOR) is None


@pytest.mark.parametrize("name", ["BOTO3_VERSION", "PSYCOPG2_VERSION"])
def test_argument_problem_names_a_malformed_pin(name: str) -> None:
    assert name in install.argument_problem({**ARGS, name: ">=1"}, FLOOR)
    assert install.argument_problem({**ARGS, name: ""}, FLOOR) is None


def test_base_problem_names_platforms() -> None:
    assert "linux/amd64 or linux/arm64" in install.base_problem("3.17.2", "", "s390x")
    assert "BASE_IMAGE is for linux/amd64" in install.base_problem("3.17.2", "linux/arm64", "x86_64")


def pinned(name: str) -> str:
    return next(line.split("==")[1].split()[0] for line in CONSTRAINTS.splitlines() if line.startswith(f"{name}=="))


def test_choose_installs_everything_by_hash_by_default() -> None:
    args = {**ARGS, "BOTO3_VERSION": pinned("boto3"), "PSYCOPG2_VERSION": pinned("psycopg2-binary")}
    by_hash, resolved = install.choose(CONSTRAINTS, args)
    assert resolved == []
    assert by_hash.split() == CONSTRAINTS.split()


@pytest.mark.parametrize(("version", "requirement"), [("1.40.0", "boto3==1.40.0"), ("", "boto3")])
def test_choose_leaves_another_boto3_and_its_companions_to_pip(version: str, requirement: str) -> None:
    args = {**ARGS, "BOTO3_VERSION": version, "PSYCOPG2_VERSION": pinned("psycopg2-binary")}
    by_hash, resolved = install.choose(CONSTRAINTS, args)
    assert resolved == [requirement]
    names = {line.split("==")[0] for line in by_hash.splitlines() if "==" in line}
    assert not names & {"boto3", "botocore", "jmespath", "s3transfer"}
    assert {"uvloop", "httptools", "psycopg2-binary"} <= names
    # A hash without its package would be an option of the one before.
    assert by_hash.count("--hash") < CONSTRAINTS.count("--hash")


@pytest.mark.parametrize(
    ("cores", "memory_mb", "expected"),
    [(2, 24_000, 2), (16, 24_000, 4), (0.5, 24_000, 1), (8, 1024, 2), (8, 256, 1)],
)
def test_workers(cores: float, memory_mb: float, expected: int) -> None:
    assert server.workers(cores, memory_mb) == expected


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        ('connection to server at "postgres", port 5432 failed: Connection refused', True),
        ('could not translate host name "postgres" to address: Name or service not known', True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ('FATAL:  password authentication failed for user "mlflow"', False),
        ('FATAL:  database "other" does not exist', False),
        ("fe_sendauth: no password supplied", False),
    ],
)
def test_passing_tells_what_waiting_can_mend(message: str, passes: bool) -> None:
    assert bool(server.PASSING.search(message)) is passes


def test_first_line_of_nothing_is_the_kind_of_error() -> None:
    assert server.first_line(ValueError()) == "ValueError"
    assert server.first_line("one\ntwo") == "one"


def test_empty_spool_removes_what_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow-server").mkdir()
    (tmp_path / "mlflow-server/tmpabc").mkdir()
    (tmp_path / "mlflow-server/tmpabc/large").write_text("half of it")
    (tmp_path / "of-somebody-else").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    server.empty_spool()
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(tmp_path / "mlflow-server")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mlflow-server", "of-somebody-else"]


def test_empty_spool_says_what_it_cannot_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    with pytest.raises(SystemExit):
        server.empty_spool()
    assert f"cannot write to {tmp_path}/missing (No such file or directory)" in capsys.readouterr().err


@pytest.mark.parametrize(("length", "ends"), [({}, True), ({"CONTENT_LENGTH": "2"}, False)])
def test_ending_lets_flask_read_a_body_without_length(length: dict[str, str], ends: bool) -> None:
    def flask(environ: dict[str, Any], _start_response: object) -> list[bytes]:
        return [repr(environ["wsgi.input_terminated"]).encode()]

    assert server.ending(flask)(dict(length), never) == [repr(ends).encode()]


def test_tell_of_full_disk_leaves_other_errors_alone() -> None:
    error = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError) as raised:
        asyncio.run(server.tell_of_full_disk(None, error))
    assert raised.value is error


class Recorder:
    """An ASGI application that notes the requests it gets."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: dict[str, Any], _receive: object, _send: object) -> None:
        self.seen.append(scope.get("path", scope["type"]))


def call(app: Any, scope: dict[str, Any], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send a request to an ASGI application and return what it sent."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def rest_api(flask: Any = None, otherwise: Any = None, routes: tuple[Any, ...] = ()) -> Any:
    return server.RestApi(otherwise or Recorder(), flask or never, list(routes), 1, 1)


def never(*_: object) -> list[bytes]:
    raise AssertionError("Flask was called")


@pytest.mark.parametrize("path", ["/", "/ajax-api/2.0/mlflow/runs/get", "/api/2.0/mlflow-artifacts/a", "/health"])
def test_rest_api_leaves_other_paths_to_mlflow(path: str) -> None:
    otherwise = Recorder()
    assert call(rest_api(otherwise=otherwise), {"type": "http", "method": "GET", "path": path}, []) == []
    assert otherwise.seen == [path]


class Native:
    """A route of FastAPI's own, which counts how often it is asked."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.asked = 0

    def matches(self, scope: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self.asked += 1
        return SimpleNamespace(value=2 if scope["path"] == self.path else 0), {}


@pytest.mark.parametrize(("name", "asked"), [("a", 1), ("a" * server.USUAL_LENGTH, 3)])
def test_rest_api_leaves_native_routes_to_mlflow_and_asks_them_once(name: str, asked: int) -> None:
    native, otherwise = Native(f"/api/3.0/mlflow/{name}"), Recorder()
    app = rest_api(otherwise=otherwise, routes=(native,))
    for _time in range(3):
        assert call(app, {"type": "http", "method": "GET", "path": native.path}, []) == []
    assert otherwise.seen == [native.path] * 3
    assert native.asked == asked


def test_decisions_are_remembered_for_no_more_calls_than_there_are() -> None:
    asked = []
    decided = server.by_path(lambda scope: bool(asked.append(scope["path"])))
    for _turn in range(2):
        for number in range(server.KNOWN_PATHS + 10):
            assert not decided({"method": "GET", "path": f"/{number}"})
    assert len(asked) == server.KNOWN_PATHS + 20


@pytest.mark.parametrize(
    ("call", "scans"),
    [
        ("POST /api/2.0/mlflow/runs/search", True),
        ("POST /ajax-api/2.0/mlflow/runs/search", True),
        ("POST /api/3.0/mlflow/traces/search", True),
        ("GET /api/2.0/mlflow/traces", True),
        ("GET /api/2.0/mlflow/model-versions/search", True),
        ("GET /api/2.0/mlflow/metrics/get-history", True),
        ("GET /ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", True),
        ("POST /ajax-api/2.0/mlflow/experiments/search-datasets", True),
        ("POST /graphql", True),
        # The deep check asks for it.
        ("POST /api/2.0/mlflow/experiments/search", False),
        ("POST /api/2.0/mlflow/runs/log-batch", False),
        ("GET /api/2.0/mlflow/runs/get", False),
        ("POST /api/2.0/mlflow/traces", False),
        ("GET /api/2.0/mlflow-artifacts/artifacts/search", False),
        ("GET /search", False),
    ],
)
def test_calls_that_scan(call: str, scans: bool) -> None:
    assert bool(server.SCANS.fullmatch(call)) == scans


JOINED = "SELECT t.key AS key, t.run_uuid AS run_uuid \nFROM {} \nWHERE {}"
FOUND = " \nWHERE runs.experiment_id IN (%(e_1)s) ORDER BY runs.run_uuid \n LIMIT %(param_1)s OFFSET %(param_2)s"
ORDERED = f" LEFT OUTER JOIN ({JOINED.format('tags', 'tags.key = %(k)s')}) AS anon_2 ON runs.run_uuid = anon_2.run_uuid"


def search(table: str, condition: str, on: str = "runs.run_uuid = anon_1.run_uuid", more: str = "") -> str:
    return (
        f"runs.run_uuid, runs.name \nFROM runs JOIN ({JOINED.format(table, condition)}) AS anon_1 ON {on}{more}{FOUND}"
    )


@pytest.mark.parametrize(
    "condition",
    [
        "params.key = %(key_1)s",
        "params.key = %(key_1)s AND params.value = %(value_1)s",
        "params.key = %(key_1)s AND params.value IN (%(a)s, %(b)s) AND (params.value = %(c)s OR params.value = %(d)s)",
    ],
)
@pytest.mark.parametrize("more", ["", ORDERED])
def test_a_search_for_runs_is_put_in_other_words(condition: str, more: str) -> None:
    quick = search("params", f"{condition} OFFSET '0'", more=more)
    assert server.quicken(f"SELECT DISTINCT {search('params', condition, more=more)}") == f"SELECT {quick}"


def test_a_search_without_joins_only_loses_its_distinct() -> None:
    plain = f"runs.run_uuid, CASE WHEN (runs.end_time IS NULL) THEN 1 END AS clause_1 \nFROM runs{FOUND}"
    assert server.quicken(f"SELECT DISTINCT {plain}") == f"SELECT {plain}"


@pytest.mark.parametrize(
    "statement",
    [
        # any of these may find a run twice
        search("datasets", "datasets.name = %(name_1)s"),
        search("params", "params.value = %(value_1)s"),
        search("params", "params.key = %(key_1)s OR params.value = %(value_1)s"),
        search("params", "params.key = %(key_1)s AND params.value = %(a)s OR params.key = %(b)s"),
        search("params", "params.key = %(key_1)s", on="runs.name = anon_1.value"),
        search("params", "params.key = %(key_1)s", more=" JOIN inputs ON inputs.destination_id = runs.run_uuid"),
        # and this is another statement
        "traces.trace_id \nFROM traces \nWHERE traces.experiment_id IN (%(e_1)s)",
    ],
)
def test_any_other_statement_stays_as_it_is(statement: str) -> None:
    assert server.quicken(f"SELECT DISTINCT {statement}") == f"SELECT DISTINCT {statement}"


def test_a_scan_that_nobody_waits_for_gets_no_further_connection() -> None:
    scan = server.Scan()
    scan.begin("one")
    scan.end("one")
    scan.end("one")
    scan.cancel()
    with pytest.raises(server.ClientGone):
        scan.begin("another")


def test_rest_api_leaves_other_protocols_to_mlflow() -> None:
    otherwise = Recorder()
    call(rest_api(otherwise=otherwise), {"type": "lifespan"}, [])
    assert otherwise.seen == ["lifespan"]


def test_rest_api_does_nothing_with_half_a_request() -> None:
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    scope = {"type": "http", "method": "POST", "path": "/api/2.0/mlflow/runs/create"}
    assert call(rest_api(), scope, messages) == []


def test_rest_api_answers_with_what_flask_says_and_closes_it() -> None:
    closed = []

    class Chunks:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one ", b"two"])

        def close(self) -> None:
            closed.append(True)

    def flask(environ: dict[str, Any], start_response: Callable[..., object]) -> Chunks:
        start_response("404 NOT FOUND", [("X-Path", environ["PATH_INFO"]), ("X-Path", "again")])
        return Chunks()

    answer = rest_api(flask).answer({"PATH_INFO": "/a"})
    assert answer == (404, [(b"x-path", b"/a"), (b"x-path", b"again")], b"one two")
    assert closed == [True]


@pytest.mark.parametrize("found", [{"who": "ada"}, {}])
def test_rest_api_hands_to_flask_what_middleware_found_out(
    found: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("starlette", "starlette.middleware"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    build = SimpleNamespace(build_environ=lambda scope, _body: {"PATH_INFO": scope["path"]})
    monkeypatch.setitem(sys.modules, "starlette.middleware.wsgi", build)
    seen = []

    def flask(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return [b""]

    app = server.RestApi(Recorder(), flask, [], 1, 1, carried=("who",))
    path = "/api/2.0/mlflow/runs/create"
    call(app, {"type": "http", "method": "POST", "path": path, "else": 1, **found}, [{"type": "http.request"}])
    assert seen == [{"PATH_INFO": path, **found}]


@pytest.mark.parametrize("name", ["MLFLOW_FLASK_SERVER_SECRET_KEY", "OIDC_CLIENT_SECRET", "SECRET_KEY"])
def test_read_secrets_takes_them_from_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("a b\n", encoding="utf-8")
    for other in server.SECRETS:
        monkeypatch.delenv(f"{other}_FILE", raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv(name, "another")
    server.read_secrets()
    assert os.environ[name] == "a b"


@pytest.mark.parametrize(("idle", "passed"), [(True, ["app"]), (False, ["middleware"])])
def test_unless_passes_by_an_idle_middleware(idle: bool, passed: list[str]) -> None:
    seen = []

    def named(name: str) -> Callable[..., Any]:
        async def app(*_: object) -> None:
            seen.append(name)

        return app

    unless = server.Unless(named("app"), lambda _: idle, lambda _: named("middleware"))
    call(unless, {"type": "http"}, [])
    assert seen == passed
    # What is no request always goes through.
    call(unless, {"type": "websocket"}, [])
    assert seen == [*passed, "middleware"]


async def welcome(_scope: object, _receive: object, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def log_in(app: Any, user: str, password: str, source: str = "192.0.2.7") -> int:
    login = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
    scope = {"type": "http", "headers": [(b"authorization", login)], "client": (source, 1)}
    return int(call(app, scope, [])[0]["status"])


def test_logins_refuses_who_guesses_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(server.time, "monotonic", lambda: clock)
    app = server.Logins(welcome, 3)
    assert log_in(app, "ada", "in use") == 200
    assert [log_in(app, "ada", f"guess-{n}") for n in range(4)] == [200, 200, 429, 429]
    # A job with the password that it has always used goes on, and so do other accounts and other addresses.
    assert log_in(app, "ada", "in use") == 200
    assert log_in(app, "bob", "guess-2") == 200
    assert log_in(app, "ada", "guess-2", source="192.0.2.8") == 200
    clock += 61
    assert log_in(app, "ada", "guess-2") == 200


def test_logins_takes_the_same_password_as_often_as_it_comes() -> None:
    app = server.Logins(welcome, 2)
    assert {log_in(app, "ada", "an old one") for _again in range(50)} == {200}
    assert log_in(app, "ada", "the new one") == 200


def test_logins_forgets_rather_than_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.Logins, "MOST_KEYS", 3)
    app = server.Logins(welcome, 1)
    for number in range(9):
        log_in(app, f"user-{number}", "a password")
    assert 0 < len(app.used) <= 3


@pytest.mark.parametrize(
    "login", [b"", b"Bearer abc", b"Basic !", b"Basic \xff", b"Basic " + base64.b64encode(b"\xff:x")]
)
def test_logins_takes_whatever_is_sent(login: bytes) -> None:
    app = server.Logins(welcome, 1)
    scope = {"type": "http", "headers": [(b"authorization", login)] if login else [], "client": None}
    assert [call(app, dict(scope), [])[0]["status"] for _again in range(2)] == [200, 200]


def test_logins_counts_no_tokens() -> None:
    app = server.Logins(welcome, 1)
    scopes = [{"type": "http", "headers": [(b"authorization", b"Bearer %d" % n)], "client": None} for n in range(3)]
    assert [call(app, scope, [])[0]["status"] for scope in scopes] == [200, 200, 200]


def test_a_renewed_certificate_is_taken_and_a_half_written_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[bytes] = []

    class Context:
        def load_cert_chain(self, certificate: Path, _key: str, _password: None) -> None:
            content = certificate.read_bytes()
            if content == b"half":
                # As ssl.SSLError, which is one
                raise OSError
            loaded.append(content)

    async def serve() -> None:
        server.followed(lambda **_: Context())(certfile=str(certificate), keyfile="key", password=None)
        for content in (b"first", b"half", b"second"):
            certificate.write_bytes(content)
            await asyncio.sleep(0.05)

    certificate = tmp_path / "public.crt"
    certificate.write_bytes(b"first")
    monkeypatch.setattr(server, "CERTIFICATE_SECONDS", 0.001)
    asyncio.run(serve())
    assert loaded == [b"second"]


class AccountStore:
    """What mlflow-server needs of MLflow's store of accounts."""

    def __init__(self) -> None:
        self.engine = SimpleNamespace(execution_options=lambda **_options: None)
        self.get_user = self.list_grants = None

    @contextlib.contextmanager
    def ManagedSessionMaker(self, **_options: bool) -> Iterator[str]:
        yield "session"


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Accounts whose reading is a number that grows."""
    monkeypatch.setitem(sys.modules, "flask", SimpleNamespace(g=None, has_request_context=lambda: False))
    found = server.Accounts(AccountStore())
    found.read_times = 0

    def read(name: str) -> tuple[int, list[str]] | None:
        found.read_times += 1
        return (found.read_times, []) if name == "ada" else None

    monkeypatch.setattr(found, "read", read)
    return found


def test_an_account_is_read_once_a_second(accounts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(server.time, "monotonic", lambda: now)
    assert [accounts.recent("ada") for _time in range(3)] == [(1, [])] * 3
    now += server.KNOWN_SECONDS - 0.1
    assert accounts.recent("ada") == (1, [])
    now += 0.2
    assert accounts.recent("ada") == (2, [])


def test_an_account_is_read_again_once_some_worker_has_changed_one(accounts: Any) -> None:
    accounts.recent("ada")
    with accounts.forgetful() as session:
        assert session == "session"
    assert accounts.recent("ada") == (1, []), "who only reads changes nothing"
    other_worker = server.Accounts(AccountStore())
    with other_worker.forgetful(read_only=False):
        # It is not committed yet, so that whoever reads now may remember what was.
        accounts.recent("ada")
    assert accounts.recent("ada") == (2, [])
    with pytest.raises(ValueError, match="no"), other_worker.forgetful(read_only=False):
        raise ValueError("no")
    assert accounts.recent("ada") == (3, [])


def test_an_account_that_is_not_there_is_not_remembered(accounts: Any) -> None:
    assert [accounts.recent("nobody"), accounts.recent("nobody")] == [None, None]
    assert (accounts.read_times, accounts.known) == (2, {})


def test_accounts_are_forgotten_rather_than_without_end(accounts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "KNOWN_ACCOUNTS", 1)
    accounts.known["grace"] = accounts.known["joan"] = (b"", 0.0, (0, []))
    accounts.recent("ada")
    assert list(accounts.known) == ["ada"]


def keeping(source: str) -> Any:
    """A module like MLflow's for its store, whose functions have this source."""

    class SqlAlchemyStore:
        engine = SimpleNamespace(dialect=SimpleNamespace(driver="psycopg2"))

    for name in runs.SOURCES:
        setattr(SqlAlchemyStore, name, lambda *_: f"MLflow's own, {source}")
    return SimpleNamespace(SqlAlchemyStore=SqlAlchemyStore, MLFLOW_RUN_NAME="mlflow.runName")


def test_functions_of_the_store_that_are_others_keep_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    store = keeping("of another release")
    runs.hasten(store)
    assert store.SqlAlchemyStore().get_run("r") == "MLflow's own, of another release"
    assert "keeps runs in another way" in capsys.readouterr().err


def test_what_is_not_usual_is_left_to_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    store = keeping("as expected")
    monkeypatch.setattr(runs, "SOURCES", dict.fromkeys(runs.SOURCES, runs.fingerprint(store.SqlAlchemyStore.get_run)))
    runs.hasten(store)
    # No text for PostgreSQL
    assert store.SqlAlchemyStore().get_run("a\0b") == "MLflow's own, as expected"
    assert store.SqlAlchemyStore().create_run("no number", "u", 1, [], "") == "MLflow's own, as expected"

    class Workspaces(store.SqlAlchemyStore):  # type: ignore[misc]
        pass

    assert Workspaces().get_run("r") == "MLflow's own, as expected"
    monkeypatch.setattr(store.SqlAlchemyStore.engine.dialect, "driver", "pysqlite")
    assert store.SqlAlchemyStore().get_run("r") == "MLflow's own, as expected"


def test_rows_by_their_columns() -> None:
    assert runs.columns(("a", "b"), [(1, 2), (3, 4)]) == {"a": [1, 3], "b": [2, 4]}
