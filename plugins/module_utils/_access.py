# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What an MLflow server lets a stranger and an account without rights do, tried over HTTPS from outside.

The judgements are pure. What is tried as an account that may do nothing is tried as an administrator first: a call that
shows nothing to him proves nothing.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from fnmatch import fnmatch
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.opengeoai.modelhub.plugins.module_utils._benchmark import Row, row
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, TrackingError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer, origin
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require

RULES: dict[str, dict[str, t.Any]] = {
    "url": {"rule": origin, "example": "https://mlflow.example.org"},
    "timeout_seconds": {"rule": integer, "min": 1, "max": 3600},
}
AT_ONCE = 8
PORT_SECONDS = 3
REFUSED = (401, 403)
# A method that the path does not have tells nothing of what is behind it; Traefik knows no route to another host.
OK, NOT_FOUND, NO_SUCH_METHOD, MISDIRECTED = 200, 404, 405, 421
# Of Flask (<path:name>) and of FastAPI ({name:path})
PARAMETER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>|\{(\w+)(?::\w+)?\}")
# The last words of paths that only read, whatever their method is, and of those that change what is there
READS = re.compile(r"search|list|get|batch|query|calculate|metrics|graphql|presigned|history|download", re.IGNORECASE)
CHANGES = re.compile(r"delete|update|restore|rename|transition|set-|log-|alias|outputs|finalize", re.IGNORECASE)
# A presigned URL is as good as what it leads to.
PRESIGNED = re.compile(r"/presigned")
# Routes that list artifacts
LISTS = ("/artifacts/list", "/mlflow-artifacts/artifacts")
# An empty object in JSON says nothing.
LEAST_BYTES = 3
# Calls that would make something which is nobody's, and so would stay
MAKES = re.compile(r"create|register|signup|import|upload", re.IGNORECASE)
GRAPHQL = "query Q($run: MlflowGetRunInput) { mlflowGetRun(input: $run) { run { info { runName } } } }"

Route = t.Dict[str, t.Any]


class Call(t.NamedTuple):
    """One request. body: of JSON, or None."""

    method: str
    path: str
    body: dict[str, t.Any] | None = None
    # The route that it is for
    route: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.route or self.path}"


SEARCH = Call("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1})


class Answer(t.NamedTuple):
    status: int
    body: bytes


class Server(t.Protocol):
    def ask(self, call: Call, login: str = "", headers: dict[str, str] | None = None) -> Answer:
        """The answer to a call. login: name:password. Raises TrackingError."""


@dataclass(frozen=True)
class AccessParams:
    url: str
    address: str
    port: int
    ca_content: str
    routes: list[Route]
    open_routes: list[str]
    proofs: list[str]
    login_user: str
    login_password: str
    user: str
    password: str
    marker: str
    ids: dict[str, str]
    shared_routes: list[str]
    ports: list[int]
    open_ports: list[int]
    timeout_seconds: int

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> AccessParams:
        require(params, RULES, filled=("login_user", "user", "marker"))
        if not params["routes"]:
            raise InvalidOption("routes is empty: nothing would be tried. Give the routes of the server.")
        return cls(**{one.name: params[one.name] for one in fields(cls)})


class HttpsServer:
    """A server by its public name, at an address that may be known to no resolver."""

    def __init__(self, params: AccessParams) -> None:
        self._params = params
        self._host = str(urlsplit(params.url).hostname)
        self._context = ssl.create_default_context(cadata=params.ca_content or None)

    def ask(self, call: Call, login: str = "", headers: dict[str, str] | None = None) -> Answer:
        params = self._params
        body = None if call.body is None else json.dumps(call.body)
        sent = {"Host": urlsplit(params.url).netloc, "Connection": "close", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if login:
            sent["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        connection = http.client.HTTPSConnection(self._host, timeout=params.timeout_seconds, context=self._context)
        try:
            plain = socket.create_connection((params.address, params.port), params.timeout_seconds)
            connection.sock = self._context.wrap_socket(plain, server_hostname=self._host)
            connection.request(call.method, call.path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as exc:
            raise TrackingError(
                f"{call.name} at {params.url} ({params.address}:{params.port}): {str(exc) or type(exc).__name__}. "
                "Check address, port and ca_content."
            ) from exc
        finally:
            connection.close()


def filled(path: str, ids: dict[str, str]) -> str:
    """A route's path with ids in the place of its parameters."""

    def value(match: t.Match[str]) -> str:
        name = match[1] or match[2]
        known = {"run_uuid": "run_id", "request_id": "trace_id", "model_name": "name", "id": "experiment_id"}
        return quote(str(ids.get(known.get(name, name), "1")), safe="/")

    return PARAMETER.sub(value, path)


def arguments(route: str, ids: dict[str, str]) -> dict[str, t.Any]:
    """What calls take to name the things of the ids: all at once, for a server leaves alone what it does not know."""
    experiment, run, trace = ids["experiment_id"], ids["run_id"], ids["trace_id"]
    return {
        **ids,
        "path": path_of(route, ids),
        "experiment_ids": [experiment],
        "experiment_name": ids["name"],
        "run_uuid": run,
        "run_ids": [run],
        "request_id": trace,
        "trace_ids": [trace],
        "max_results": 100,
        "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}],
        "key": "probe",
        "value": "changed",
    }


def path_of(route: str, ids: dict[str, str]) -> str:
    """The path of an artifact as a route takes it: in the store, in a model, or in a run. Lists take its directory."""
    name = "artifact_path" if "mlflow-artifacts" in route else "model_path" if "model" in route else "path"
    return ids[name].rpartition("/")[0] if route.endswith(LISTS) else ids[name]


def call_of(route: str, method: str, ids: dict[str, str]) -> Call:
    path, given = filled(route, ids), arguments(route, ids)
    if route.endswith("/graphql"):
        query = {"query": GRAPHQL, "operationName": "Q", "variables": {"run": {"runId": ids["run_id"]}}}
        return Call(method, path, query if method == "POST" else None, route)
    if method == "GET":
        plain = {key: value for key, value in given.items() if isinstance(value, (str, int))}
        listed = [(key, one) for key in ("experiment_ids", "run_ids", "trace_ids") for one in given[key]]
        return Call(method, f"{path}?{urlencode([*plain.items(), *listed])}", None, route)
    return Call(method, path, given, route)


def last_words(route: str) -> str:
    """The last part of a path that is no parameter."""
    parts = [part for part in route.split("/") if part and not PARAMETER.search(part)]
    return parts[-1] if parts else ""


def reading(route: str, method: str) -> bool:
    words = last_words(route)
    if CHANGES.search(words) or MAKES.search(words):
        return False
    return method == "GET" or (method == "POST" and bool(READS.search(words)))


def changing(route: str, method: str) -> bool:
    words = last_words(route)
    return method != "GET" and bool(method == "DELETE" or CHANGES.search(words)) and not MAKES.search(words)


def calls(routes: list[Route], ids: dict[str, str], wanted: t.Callable[[str, str], bool]) -> list[Call]:
    return [
        call_of(route["path"], method, ids)
        for route in routes
        for method in route["methods"]
        if wanted(route["path"], method)
    ]


def is_open(route: str, patterns: t.Iterable[str]) -> bool:
    return any(fnmatch(route, pattern) for pattern in patterns)


def stranger_fault(call: Call, status: int, patterns: t.Iterable[str]) -> str:
    """Why an answer to a call without a login is wrong."""
    if status in REFUSED or status == NO_SUCH_METHOD or is_open(call.route, patterns):
        return ""
    return f"it answers {status} without a login"


def stranger_rows(answers: list[tuple[Call, int]], patterns: t.Iterable[str]) -> list[Row]:
    check = "without a login"
    faults = [(call.name, stranger_fault(call, status, patterns)) for call, status in answers]
    rows = [row(check, name, fault) for name, fault in faults if fault]
    refused = sum(status in REFUSED for _call, status in answers)
    if not refused:
        return [*rows, row(check, "all routes", "none of them asks for a login")]
    return [*rows, row(check, f"{len(answers)} calls", said=f"{refused} refused")]


class Reading(t.NamedTuple):
    """A call that reads, as the administrator whose things it names and as the account without rights are answered."""

    call: Call
    administrator: Answer
    account: Answer


def shows(call: Call, answer: Answer, marker: bytes) -> bool:
    """Whether an answer gives away what the call names."""
    return marker in answer.body or (answer.status == OK and bool(PRESIGNED.search(call.route)))


def reader_fault(one: Reading, marker: bytes, shared: t.Iterable[str]) -> str:
    """Why the account's answer is wrong. shared: patterns of routes that answer all accounts alike."""
    if shows(one.call, one.account, marker):
        return f"it shows what is an administrator's ({one.account.status})"
    alike = one.account == one.administrator and one.account.status == OK and len(one.account.body) >= LEAST_BYTES
    if alike and not is_open(one.call.route, shared):
        return "it answers as it answers the administrator"
    return ""


def reader_rows(readings: list[Reading], marker: bytes, proofs: t.Iterable[str], shared: list[str]) -> list[Row]:
    """proofs: patterns of calls; each must show the administrator what is his, or their silence proves nothing."""
    check = "as a user without rights"
    faults = [(one.call.name, reader_fault(one, marker, shared)) for one in readings]
    rows = [row(check, name, fault) for name, fault in faults if fault]
    seen = [one.call.name for one in readings if shows(one.call, one.administrator, marker)]
    for proof in proofs:
        if not any(fnmatch(name, proof) for name in seen):
            rows.append(row(check, proof, "it was not tried: not even an administrator sees his own things there"))
    return [*rows, row(check, f"{len(readings)} calls", said=f"{len(seen)} of them show an administrator his things")]


def name_rows(readings: list[Reading], administrator: str) -> list[Row]:
    """Where an account without rights is told who else has an account."""
    check, told = "names of accounts", re.compile(rf'"username": ?{re.escape(json.dumps(administrator))}'.encode())
    rows = [
        row(check, one.call.name, "it tells who else has an account")
        for one in readings
        if told.search(one.account.body)
    ]
    return rows or [row(check, f"{len(readings)} calls", said="none tells who else has one")]


def change_rows(answers: list[tuple[Call, Answer]]) -> list[Row]:
    """An account without rights may change nothing."""
    check = "changes without rights"
    done = [(call.name, answer.status) for call, answer in answers if answer.status < 300]
    rows = [row(check, name, f"it answers {status}") for name, status in done]
    return rows or [row(check, f"{len(answers)} calls", said="none of them was done")]


def port_rows(opened: t.Iterable[int], allowed: t.Iterable[int], tried: int, address: str) -> list[Row]:
    check, wrong = "ports from outside", sorted(set(opened) - set(allowed))
    rows = [row(check, f"{address}:{port}", "it accepts a connection") for port in wrong]
    return rows or [row(check, address, said=f"of {tried} ports {', '.join(map(str, sorted(opened)))} answer")]


def open_of(address: str, ports: t.Iterable[int]) -> list[int]:
    def opens(port: int) -> bool:
        try:
            socket.create_connection((address, port), PORT_SECONDS).close()
        except OSError:
            return False
        return True

    tried = list(ports)
    with ThreadPoolExecutor(AT_ONCE * 8) as pool:
        return [port for port, is_open_one in zip(tried, pool.map(opens, tried)) if is_open_one]


def header_rows(server: Server, params: AccessParams, login: str) -> list[Row]:
    """Names and origins that are not the server's are refused, whoever asks."""
    host = server.ask(SEARCH, login, {"Host": "stranger.example.org"}).status
    refused = host in (*REFUSED, NOT_FOUND, MISDIRECTED)
    foreign = server.ask(SEARCH, login, {"Origin": "https://stranger.example.org"}).status
    return [
        row("another host name", params.url, "" if refused else f"it is answered {host}", str(host)),
        row("another origin", params.url, "" if foreign in REFUSED else f"it is answered {foreign}", str(foreign)),
    ]


def ask_all(server: Server, some: list[Call], login: str = "") -> list[tuple[Call, Answer]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(some, pool.map(lambda call: server.ask(call, login), some)))


def account_rows(server: Server, params: AccessParams, admin: str) -> list[Row]:
    """What the account without rights may do, beside the administrator."""
    readers, user = calls(params.routes, params.ids, reading), f"{params.user}:{params.password}"
    both = zip(ask_all(server, readers, admin), ask_all(server, readers, user))
    readings = [Reading(call, answer, other) for (call, answer), (_same, other) in both]
    shared = [*params.open_routes, *params.shared_routes]
    rows = reader_rows(readings, params.marker.encode(), params.proofs, shared)
    if not any(one.account.status == OK for one in readings if not is_open(one.call.route, params.open_routes)):
        rows.append(row("as a user without rights", params.user, "the account could not log in: nothing was tried"))
    rows += name_rows(readings, params.login_user)
    return rows + change_rows(ask_all(server, calls(params.routes, params.ids, changing), user))


def look(params: AccessParams, server: Server) -> list[Row]:
    # An empty body names nothing, and a way that is open does nothing.
    every = calls(params.routes, params.ids, lambda _route, _method: True)
    bare = [call._replace(body=None if call.body is None else {}) for call in every]
    rows = stranger_rows([(call, answer.status) for call, answer in ask_all(server, bare)], params.open_routes)
    rows += port_rows(open_of(params.address, params.ports), params.open_ports, len(params.ports), params.address)
    admin = f"{params.login_user}:{params.login_password}"
    status = server.ask(SEARCH, admin).status
    if status != OK:
        # Wrong passwords again and again would keep him out, too.
        fault = f"a search is answered {status}, so nothing was tried with a login; deploy the password that was given"
        return [*rows, row("the administrator", params.login_user, fault)]
    rows += [row("the administrator", params.login_user), *account_rows(server, params, admin)]
    return rows + header_rows(server, params, admin)
