# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._access import (
    AccessParams,
    Answer,
    Call,
    Reading,
    calls,
    change_rows,
    changing,
    filled,
    look,
    name_rows,
    path_of,
    port_rows,
    reader_fault,
    reader_rows,
    reading,
    stranger_fault,
    stranger_rows,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption

IDS = {
    "experiment_id": "7",
    "run_id": "r1",
    "name": "probe",
    "version": "1",
    "trace_id": "tr-1",
    "path": "probe/text.txt",
    "model_path": "text.txt",
    "artifact_path": "7/r1/artifacts/probe/text.txt",
}
MARKER = "marker-1"
ROUTES = [
    {"path": "/health", "methods": ["GET"]},
    {"path": "/api/2.0/mlflow/runs/get", "methods": ["GET"]},
    {"path": "/api/2.0/mlflow/runs/delete", "methods": ["POST"]},
]
PARAMS: dict[str, t.Any] = {
    "url": "https://mlflow.example.org",
    "address": "192.0.2.1",
    "port": 443,
    "ca_content": "",
    "routes": ROUTES,
    "open_routes": ["/health"],
    "proofs": ["GET /api/2.0/mlflow/runs/get"],
    "login_user": "admin",
    "login_password": "a",
    "user": "probe",
    "password": "p",
    "marker": MARKER,
    "ids": IDS,
    "shared_routes": [],
    "ports": [],
    "open_ports": [],
    "timeout_seconds": 5,
}


class Fake:
    """A server with two accounts. leak: whether the account without rights is shown everything."""

    def __init__(self, leak: bool = False, accounts: bool = True) -> None:
        self.leak = leak
        self.accounts = accounts

    def ask(self, call: Call, login: str = "", headers: dict[str, str] | None = None) -> Answer:
        if headers:
            return Answer(403, b"")
        if call.route == "/health":
            return Answer(200, b"OK")
        if not login and self.accounts:
            return Answer(401, b"")
        if login == "probe:p" and not self.leak:
            # A look at itself
            return Answer(200 if call.path.startswith("/api/2.0/mlflow/users") else 403, b"")
        return Answer(200, MARKER.encode())


def failed(server: Fake) -> list[tuple[str, str]]:
    routes = [*ROUTES, {"path": "/api/2.0/mlflow/users/current", "methods": ["GET"]}]
    rows = look(AccessParams.from_module({**PARAMS, "routes": routes}), server)
    return [(row["check"], row["where"]) for row in rows if not row["passed"]]


def test_a_good_server_passes() -> None:
    assert failed(Fake()) == []


def test_a_server_that_shows_another_s_things() -> None:
    assert ("as a user without rights", "GET /api/2.0/mlflow/runs/get") in failed(Fake(leak=True))
    assert ("changes without rights", "POST /api/2.0/mlflow/runs/delete") in failed(Fake(leak=True))


def test_a_server_without_accounts() -> None:
    found = failed(Fake(accounts=False))
    assert ("without a login", "GET /api/2.0/mlflow/runs/get") in found
    assert ("without a login", "all routes") in found


def test_an_administrator_who_cannot_log_in_is_asked_once() -> None:
    class Other(Fake):
        logins = 0

        def ask(self, call: Call, login: str = "", headers: dict[str, str] | None = None) -> Answer:
            self.logins += bool(login)
            return Answer(401, b"") if login else super().ask(call, login, headers)

    server = Other()
    assert ("the administrator", "admin") in failed(server)
    assert server.logins == 1


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/api/artifacts/<path:artifact_path>", "/api/artifacts/7/r1/artifacts/probe/text.txt"),
        ("/api/artifacts/{artifact_path:path}", "/api/artifacts/7/r1/artifacts/probe/text.txt"),
        ("/api/traces/<request_id>/info", "/api/traces/tr-1/info"),
        ("/static/<string(length=2):lang>", "/static/1"),
        ("/a/{unknown}", "/a/1"),
    ],
)
def test_parameters_are_filled(route: str, path: str) -> None:
    assert filled(route, IDS) == path


@pytest.mark.parametrize(
    ("method", "route", "reads", "changes"),
    [
        ("GET", "/api/2.0/mlflow/runs/get", True, False),
        ("POST", "/api/2.0/mlflow/runs/search", True, False),
        ("POST", "/graphql", True, False),
        ("POST", "/api/2.0/mlflow/runs/create", False, False),
        ("POST", "/api/2.0/mlflow/runs/delete", False, True),
        ("POST", "/api/2.0/mlflow/runs/set-tag", False, True),
        ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>", False, True),
        ("GET", "/signup", False, False),
    ],
)
def test_what_reads_and_what_changes(method: str, route: str, reads: bool, changes: bool) -> None:
    assert (reading(route, method), changing(route, method)) == (reads, changes)


@pytest.mark.parametrize(
    ("status", "fault"), [(401, False), (403, False), (405, False), (200, True), (302, True), (400, True), (500, True)]
)
def test_strangers(status: int, fault: bool) -> None:
    call = Call("GET", "/a", None, "/a")
    assert bool(stranger_fault(call, status, ["/health"])) == fault
    assert not stranger_fault(call, status, ["/a*"])


def test_a_server_that_asks_nobody_fails_even_where_all_is_allowed() -> None:
    rows = stranger_rows([(Call("GET", "/a", None, "/a"), 200)], ["/*"])
    assert [row["passed"] for row in rows] == [False]


def test_a_call_that_shows_nothing_to_the_administrator_proves_nothing() -> None:
    refused = Answer(403, b"")
    readings = [
        Reading(Call("GET", "/a", None, "/a"), Answer(200, b"{}"), refused),
        Reading(Call("GET", "/b", None, "/b"), Answer(200, b"marker"), refused),
    ]
    rows = reader_rows(readings, b"marker", ["GET /a", "GET /b"], [])
    assert [row["where"] for row in rows if not row["passed"]] == ["GET /a"]


@pytest.mark.parametrize(
    ("route", "administrator", "account", "fault"),
    [
        ("/a", Answer(200, b"marker"), Answer(403, b""), ""),
        ("/a", Answer(200, b"marker"), Answer(200, b"the marker"), "it shows what is an administrator's (200)"),
        ("/a", Answer(200, b"marker"), Answer(404, b"marker"), "it shows what is an administrator's (404)"),
        ("/a", Answer(200, b"a list"), Answer(200, b"a list"), "it answers as it answers the administrator"),
        ("/a", Answer(200, b"{}"), Answer(200, b"{}"), ""),
        ("/shared", Answer(200, b"a page"), Answer(200, b"a page"), ""),
        (
            "/x/presigned/<path:p>",
            Answer(200, b"url"),
            Answer(200, b"URL"),
            "it shows what is an administrator's (200)",
        ),
        ("/x/presigned/<path:p>", Answer(200, b"url"), Answer(403, b""), ""),
    ],
)
def test_readers(route: str, administrator: Answer, account: Answer, fault: str) -> None:
    reading_of = Reading(Call("GET", route, None, route), administrator, account)
    assert reader_fault(reading_of, b"marker", ["/shared"]) == fault


@pytest.mark.parametrize(
    ("body", "passed"), [(b'{"username":"probe"}', True), (b'[{"id": 1, "username": "admin"}]', False)]
)
def test_names_of_accounts(body: bytes, passed: bool) -> None:
    one = Reading(Call("GET", "/users/list", None, "/users/list"), Answer(200, b""), Answer(200, body))
    assert [row["passed"] for row in name_rows([one], "admin")] == [passed]


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/get-artifact", "probe/text.txt"),
        ("/model-versions/get-artifact", "text.txt"),
        ("/api/2.0/mlflow/artifacts/list", "probe"),
        ("/api/2.0/mlflow-artifacts/artifacts", "7/r1/artifacts/probe"),
        ("/api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>", "7/r1/artifacts/probe/text.txt"),
    ],
)
def test_paths_of_artifacts(route: str, path: str) -> None:
    assert path_of(route, IDS) == path


def test_changes() -> None:
    call = Call("POST", "/a/delete", {}, "/a/delete")
    assert [row["passed"] for row in change_rows([(call, Answer(403, b""))])] == [True]
    assert [row["passed"] for row in change_rows([(call, Answer(200, b""))])] == [False]


def test_ports() -> None:
    assert [row["passed"] for row in port_rows([443], [443, 22], 9, "server")] == [True]
    assert [row["where"] for row in port_rows([443, 5432], [443], 9, "server")] == ["server:5432"]


def test_ids_are_sent_as_the_method_sends_them() -> None:
    read, change = calls(ROUTES[1:], IDS, lambda _route, _method: True)
    assert read.body is None
    assert "run_id=r1" in read.path
    assert change.body is not None
    assert change.body["run_ids"] == ["r1"]


@pytest.mark.parametrize(
    "wrong", [{"url": "mlflow.example.org"}, {"routes": []}, {"timeout_seconds": 0}, {"marker": " "}], ids=str
)
def test_bad_options_are_refused(wrong: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidOption):
        AccessParams.from_module({**PARAMS, **wrong})
