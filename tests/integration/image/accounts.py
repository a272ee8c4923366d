"""Check that two MLflow servers with one database of accounts decide and answer alike, for accounts of every kind.

Usage: accounts.py HOST OTHER_HOST   with the administrator's login in ADMIN, as name:password
Makes accounts with other rights each, an experiment with a run, and a model. Every account makes calls of every kind at
both servers. Then rights are given, taken back and denied at one of them. Each worker of both must know it at once, but
for HOST, where OTHER_HOST has changed them: it may take its second. Prints what differs and fails.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import sys
import time
from typing import Any

API, API_3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
# What an account was granted on the experiment, by its name; "*" stands for all.
GRANTS: dict[str, list[tuple[str, str, str]]] = {
    "nobody": [],
    "denied": [("experiment", "EXPERIMENT", "DENY")],
    "reader": [("experiment", "EXPERIMENT", "READ")],
    "editor": [("experiment", "EXPERIMENT", "EDIT")],
    "manager": [("experiment", "EXPERIMENT", "MANAGE")],
    "everywhere": [("experiment", "*", "EDIT")],
    "not_models": [("experiment", "*", "EDIT"), ("logged_model", "*", "DENY")],
    "not_runs": [("experiment", "*", "MANAGE"), ("run", "*", "DENY")],
    "only_runs": [("run", "*", "EDIT")],
    "owner": [("registered_model", "MODEL", "MANAGE")],
}
Login = tuple[str, str]
ASKED_TIMES = 8
# For so long mlflow-server takes what it has read of an account for what is so, unless it has changed it itself.
KNOWN_SECONDS = 1.0


def ask(host: str, login: Login | None, method: str, path: str, body: object = None) -> tuple[int, str]:
    """Status and text of an answer."""
    headers = {"Host": "mlflow", "Content-Type": "application/json"}
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    connection = http.client.HTTPConnection(host, 5000, timeout=300)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def timeless(answer: tuple[int, str]) -> tuple[int, str]:
    """An answer without the time at which something was done, which is no part of an id."""
    return answer[0], re.sub(r"(?<!\w)\d{13}(?!\w)", "time", answer[1])


class Servers:
    def __init__(self, host: str, other: str, admin: Login) -> None:
        self.hosts = (host, other)
        self.admin = admin
        # A part of each name, for the databases may be filled already.
        self.mark = secrets.token_hex(4)
        self.logins = {name: (f"{name}-{self.mark}", secrets.token_urlsafe(12)) for name in GRANTS}
        self.faults: list[str] = []
        self.statuses: set[int] = set()
        self.ids: dict[str, str] = {}

    def must(self, path: str, body: object, method: str = "POST", host: int = 0) -> dict[str, Any]:
        """Have the administrator make a call, and return the answer."""
        status, text = ask(self.hosts[host], self.admin, method, path, body)
        if status != 200:
            sys.exit(f"{path} answered the administrator {status}: {text}")
        return dict(json.loads(text or "{}"))

    def fill(self) -> None:
        experiment = self.must(f"{API}/experiments/create", {"name": f"accounts-{self.mark}"})["experiment_id"]
        created = self.must(f"{API}/runs/create", {"experiment_id": experiment, "start_time": 1, "run_name": "first"})
        run = created["run"]["info"]["run_id"]
        made = {"experiment_id": experiment, "name": "logged", "source_run_id": run}
        logged = self.must(f"{API}/logged-models", made)["model"]["info"]["model_id"]
        metric = {"key": "m", "value": 1, "timestamp": 1, "step": 1, "model_id": logged}
        self.must(f"{API}/runs/log-batch", {"run_id": run, "metrics": [metric]})
        self.must(f"{API}/runs/outputs", {"run_id": run, "models": [{"model_id": logged, "step": 1}]})
        model = f"model-{self.mark}"
        self.must(f"{API}/registered-models/create", {"name": model})
        self.ids = {"EXPERIMENT": experiment, "RUN": run, "MODEL": model, "LOGGED": logged}
        for name, grants in GRANTS.items():
            login = self.logins[name]
            self.must(f"{API}/users/create", dict(zip(("username", "password"), login)))
            for kind, resource, permission in grants:
                self.permit("grant", name, kind, self.ids.get(resource, resource), permission)

    def permit(self, verb: str, name: str, kind: str, resource: str, permission: str = "", host: int = 0) -> None:
        """Grant or revoke at one of the servers."""
        body = {"username": self.logins[name][0], "resource_type": kind, "resource_id": resource}
        body |= {"permission": permission} if permission else {}
        self.must(f"{API_3}/users/permissions/{verb}", body, host=host)

    def calls(self) -> list[tuple[str, str, object]]:
        """Calls of every kind that answer alike when they are made twice."""
        experiment, run, model, logged = (self.ids[key] for key in ("EXPERIMENT", "RUN", "MODEL", "LOGGED"))
        search = {"experiment_ids": [experiment], "max_results": 10}
        query = "query Q($run: MlflowGetRunInput) { mlflowGetRun(input: $run) { run { info { runName } } } }"
        graphql = {"query": query, "operationName": "Q", "variables": {"run": {"runId": run}}}
        metric = {"run_id": run, "key": "n", "value": 1, "timestamp": 1, "step": 1}
        name = f"?experiment_name=accounts-{self.mark}"
        return [
            ("GET", f"{API}/runs/get?run_id={run}", None),
            ("GET", f"{API}/runs/get?run_id={'0' * 32}", None),
            ("GET", f"{API}/runs/get", None),
            ("POST", f"{API}/runs/log-metric", metric),
            ("POST", f"{API}/runs/log-metric", {**metric, "run_id": "0" * 32}),
            ("POST", f"{API}/runs/log-batch", {"run_id": run, "metrics": [{**metric, "run_id": None}]}),
            ("POST", f"{API}/runs/log-parameter", {"run_id": run, "key": "p", "value": "1"}),
            ("POST", f"{API}/runs/set-tag", {"run_id": run, "key": "t", "value": "1"}),
            ("POST", f"{API}/runs/update", {"run_id": run, "run_name": "first", "status": "RUNNING"}),
            ("POST", f"{API}/runs/search", search),
            ("POST", f"/ajax-{API[1:]}/runs/search", search),
            ("GET", f"{API}/metrics/get-history?run_id={run}&metric_key=m", None),
            ("GET", f"{API}/artifacts/list?run_id={run}", None),
            ("GET", f"{API}/experiments/get?experiment_id={experiment}", None),
            ("GET", f"{API}/experiments/get-by-name{name}", None),
            ("POST", f"{API}/experiments/search", {"max_results": 1000, "filter": f"name = 'accounts-{self.mark}'"}),
            ("POST", f"{API}/experiments/set-experiment-tag", {"experiment_id": experiment, "key": "k", "value": "v"}),
            ("GET", f"{API}/logged-models/{logged}", None),
            ("POST", f"{API}/logged-models/search", {"experiment_ids": [experiment]}),
            ("GET", f"{API}/registered-models/get?name={model}", None),
            ("PATCH", f"{API}/registered-models/update", {"name": model, "description": "d"}),
            ("POST", f"{API_3}/traces/search", {"locations": [], "max_results": 5}),
            ("POST", "/graphql", graphql),
            ("GET", "/api/2.0/mlflow-artifacts/artifacts?path=" + experiment, None),
            ("GET", f"{API}/users/current", None),
            ("GET", f"{API}/users/get?username={self.admin[0]}", None),
            ("GET", f"{API}/users/list", None),
            ("GET", f"{API_3}/users/permissions/list?username={self.logins['reader'][0]}", None),
            ("GET", f"{API_3}/mlflow/server-info", None),
        ]

    def compare(self, name: str, login: Login | None, some: int | None = None) -> None:
        """Make all calls, or only some of them, at both servers."""
        for method, path, body in self.calls()[:some]:
            one, two = (timeless(ask(host, login, method, path, body)) for host in self.hosts)
            self.statuses.add(one[0])
            if one != two:
                self.faults.append(f"{method} {path} by {name}:\n  {self.hosts[0]}: {one}\n  {self.hosts[1]}: {two}")

    def expect(self, wanted: int | tuple[int, ...], name: str, what: str, host: int = 0) -> None:
        """Both servers must answer a call that logs with this status, or one of these. host: which made a change."""
        if host:
            time.sleep(KNOWN_SECONDS)
        body = {"run_id": self.ids["RUN"], "key": "n", "value": 1, "timestamp": time.time_ns() // 10**6, "step": 1}
        for asked in self.hosts:
            # Enough for each worker to be among those who answer
            for _time in range(ASKED_TIMES):
                found = ask(asked, self.logins[name], "POST", f"{API}/runs/log-metric", body)[0]
                if found not in (wanted if isinstance(wanted, tuple) else (wanted,)):
                    self.faults.append(f"{what}: {asked} answers {found} and not {wanted}")
                    break

    def change(self) -> None:
        """What is granted and taken back at one server holds at both."""
        experiment = self.ids["EXPERIMENT"]
        self.expect(403, "nobody", "nobody was granted anything yet")
        for host in (0, 1):
            self.permit("grant", "nobody", "experiment", experiment, "EDIT", host=host)
            self.expect(200, "nobody", f"nobody may edit since a moment, by server {host}", host)
            self.permit("revoke", "nobody", "experiment", experiment, host=host)
            self.expect(403, "nobody", f"nobody may edit no more, by server {host}", host)
        self.expect(200, "editor", "the editor may edit")
        self.permit("grant", "editor", "run", "*", "DENY")
        self.expect(403, "editor", "runs are denied to the editor since a moment")
        self.must(f"{API}/users/update-admin", {"username": self.logins["reader"][0], "is_admin": True}, "PATCH")
        self.expect(200, "reader", "the reader is an administrator since a moment")
        self.must(f"{API}/users/update-admin", {"username": self.logins["reader"][0], "is_admin": False}, "PATCH")
        self.expect(403, "reader", "the reader is no administrator any more")
        self.must(f"{API}/users/delete", {"username": self.logins["nobody"][0]}, "DELETE")
        # A worker that remembers the password looks for the account, and does not find it.
        self.expect((401, 404), "nobody", "the account was removed")


def main() -> None:
    host, other = sys.argv[1:]
    name, password = os.environ["ADMIN"].split(":", 1)
    servers = Servers(host, other, (name, password))
    servers.fill()
    logins: dict[str, Login | None] = {**servers.logins, "the administrator": (name, password), "a stranger": None}
    for account, login in logins.items():
        servers.compare(account, login)
    # Each is looked at anew, which takes its time.
    servers.compare("the administrator with another password", (name, "wrong-password"), some=4)
    servers.compare("an account that is not there", ("none", "none-password"), some=4)
    servers.change()
    if not {200, 401, 403, 404} <= servers.statuses:
        servers.faults.append(f"the calls do not cover what they should: {sorted(servers.statuses)}")
    sys.exit("\n".join(servers.faults) or None)


if __name__ == "__main__":
    main()
