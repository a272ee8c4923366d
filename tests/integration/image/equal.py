"""Check that two MLflow servers with one database answer alike: status, headers and body.

Usage: equal.py HOST OTHER_HOST. Both answer to the name `mlflow`, allow the origin https://mlflow.example.org, and have
the experiment 0. Makes an experiment with runs to search for. Prints what differs and fails.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import sys
import time
from typing import Any

# Headers whose values differ from one answer to the next: times and how long something took
VARYING = {"date", "x-mlflow-gateway-duration-ms"}
API = "/api/2.0/mlflow"
RUN = f"{API}/runs"
RUNS = 24
FILTERS = (
    "",
    "metrics.m > 0.5",
    "metrics.m != 3 AND params.p = '1'",
    "metrics.m <= 7 AND metrics.n > 2 AND tags.t LIKE '%a%' AND params.p ILIKE '%1%'",
    "tags.t != 'a'",
    "params.p IS NULL",
    "tags.t IS NOT NULL AND metrics.m >= 1",
    "attributes.run_name LIKE 'r%'",
    "attributes.status = 'RUNNING' AND params.p != '%(key_1)s) AS anon_1 ON'",
    "dataset.name = 'd'",
    "dataset.digest != 'x' AND metrics.m > 0",
    "metrics.none = 1",
)
ORDERS: tuple[list[str], ...] = (
    [],
    ["attributes.start_time DESC"],
    ["metrics.m DESC"],
    ["metrics.m", "params.p DESC", "tags.t"],
    ["attributes.end_time", "params.none"],
)
Case = tuple[str, str, Any, dict[str, str]]
Answer = tuple[int, "list[tuple[str, str]]", bytes]


def cases() -> dict[str, Case]:
    """Return requests of every kind: method, path, body and headers, by what they are."""
    get = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    search = "/api/2.0/mlflow/experiments/search"
    some = json.dumps({"max_results": 3}).encode()
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    as_json, other_workspace = {"Content-Type": "application/json"}, {"X-MLFLOW-WORKSPACE": "other"}
    ours, foreign = {"Origin": "https://mlflow.example.org"}, {"Origin": "https://attacker.example.net"}
    wrong = {"run_id": "0" * 32, "key": "a", "value": "no number", "timestamp": 1}
    return {
        "a reading": ("GET", get, None, {}),
        "a search": ("POST", search, some, as_json),
        "a body in chunks": ("POST", search, iter([some[:5], some[5:]]), as_json),
        "only the head": ("HEAD", get, None, {}),
        "a name outside ASCII": ("GET", f"{search.rpartition('/')[0]}/get-by-name?experiment_name=%C3%A9%25", None, {}),
        "a path outside ASCII": ("GET", "/api/2.0/mlflow/%C3%A9", None, {}),
        "a run that is not there": ("GET", f"{RUN}/get?run_id={'0' * 32}", None, {}),
        "a wrong type": ("POST", f"{RUN}/log-metric", json.dumps(wrong).encode(), as_json),
        "nothing in the body": ("POST", f"{RUN}/log-metric", b"", as_json),
        "no JSON": ("POST", search, b"{", as_json),
        "another content type": ("POST", search, some, {"Content-Type": "text/plain"}),
        "a megabyte": ("POST", search, json.dumps({"filter": "a" * 2**20}).encode(), as_json),
        "no such path": ("GET", "/api/2.0/mlflow/nothing", None, {}),
        "a wrong method": ("PUT", search, some, {}),
        "a foreign host": ("GET", get, None, {"Host": "attacker.example.net"}),
        "our origin": ("POST", search, some, {**ours, **as_json}),
        "a foreign origin": ("POST", search, some, {**foreign, **as_json}),
        "a preflight": ("OPTIONS", search, None, {**ours, **preflight}),
        "a foreign preflight": ("OPTIONS", search, None, {**foreign, **preflight}),
        "a workspace": ("GET", get, None, other_workspace),
        "a workspace for a native route": ("GET", "/api/3.0/mlflow/server-info", None, other_workspace),
        "artifacts of a workspace": ("GET", "/api/2.0/mlflow-artifacts/artifacts", None, other_workspace),
        "version 3": ("GET", "/api/3.0/mlflow/traces/none", None, {}),
        "server info": ("GET", "/api/3.0/mlflow/server-info", None, {}),
        "the browser's API": ("GET", f"/ajax-{get[1:]}", None, {}),
        "the page": ("GET", "/", None, {}),
        "health": ("GET", "/health", None, {}),
        "the gateway": ("POST", "/gateway/none/mlflow/invocations", b"{}", as_json),
    }


def send(host: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a call that must succeed, and return its answer."""
    headers = {"Content-Type": "application/json"}
    status, _headers, answer = ask(host, ("POST", f"{API}/{path}", json.dumps(body).encode(), headers))
    if status != 200:
        sys.exit(f"{path} answered {status}: {answer!r}")
    return dict(json.loads(answer))


def fill(host: str) -> str:
    """Make runs with all that can be searched for, some of it on some of them, and return their experiment."""
    experiment = str(send(host, "experiments/create", {"name": f"equal-{time.time_ns()}"})["experiment_id"])
    for number in range(RUNS):
        run = send(
            host, "runs/create", {"experiment_id": experiment, "run_name": f"r{number}", "start_time": number // 3}
        )
        run_id = run["run"]["info"]["run_id"]
        value = "NaN" if number % 7 == 5 else number % 10
        metrics = [{"key": key, "value": value, "timestamp": 1, "step": 0} for key in ("m", "n")[: number % 3]]
        params = [{"key": "p", "value": str(number % 3)}] if number % 4 else []
        tags = [{"key": "t", "value": "ab"[number % 2]}] if number % 5 else []
        send(host, "runs/log-batch", {"run_id": run_id, "metrics": metrics, "params": params, "tags": tags})
        # Two data sets of one name make a run appear twice where they are joined to it.
        sets = [{"name": "d", "digest": f"{part}", "source_type": "a", "source": "b"} for part in range(number % 3)]
        send(host, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": one, "tags": []} for one in sets]})
    return experiment


def searches(experiment: str) -> dict[str, Case]:
    """Return searches for runs: each filter in each order, whole and by pages."""
    found = {}
    for text, order, offset in itertools.product(FILTERS, ORDERS, (None, 1, 4)):
        body: dict[str, Any] = {"experiment_ids": [experiment], "filter": text, "order_by": order}
        if offset is not None:
            token = base64.b64encode(json.dumps({"offset": offset}).encode()).decode()
            body |= {"max_results": 4, "page_token": token, "run_view_type": "ALL"}
        name = f"runs where '{text}' by {order} from {offset}"
        found[name] = ("POST", f"{RUN}/search", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return found


def ask(host: str, case: Case) -> Answer:
    method, path, body, headers = case
    connection = http.client.HTTPConnection(host, 5000, timeout=300)
    connection.request(method, path, body, {"Host": "mlflow", **headers})
    response = connection.getresponse()
    answered = sorted(fixed(name.lower(), value) for name, value in response.getheaders())
    # Times at which something was asked, not parts of an id
    return response.status, answered, re.sub(rb"(?<!\w)\d{13}(?!\w)", b"time", response.read())


def fixed(name: str, value: str) -> tuple[str, str]:
    """Return a header without what differs between two equal answers."""
    if name in VARYING:
        return name, ""
    # The methods that are allowed are a set.
    return name, ", ".join(sorted(value.split(", "))) if name == "allow" else value


def main() -> None:
    host, other = sys.argv[1:]
    made = searches(fill(host))
    # A body that is an iterator can be read once.
    first, second = {**cases(), **made}, {**cases(), **made}
    differences, statuses = [], set()
    for name, case in first.items():
        one, two = ask(host, case), ask(other, second[name])
        statuses.add(one[0])
        if name in made and one[0] != 200:
            differences.append(f"{name}: {one}")
        if one != two:
            differences.append(f"{name}:\n  {host}: {one}\n  {other}: {two}")
    if not {200, 400, 403, 404, 405} <= statuses:
        differences.append(f"the requests do not cover what they should: {sorted(statuses)}")
    sys.exit("\n".join(differences) or None)


if __name__ == "__main__":
    main()
