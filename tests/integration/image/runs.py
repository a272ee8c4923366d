"""Check that two MLflow servers with one database keep runs alike: what is answered, and what is there afterwards.

Usage: runs.py HOST OTHER_HOST. Makes the same calls to both, each with an experiment and runs of its own, and compares
status and body of each, without what is made at random; then what has come of it, as either tells of it. Prints what
differs and fails.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

API = "/api/2.0/mlflow"
CLIENTS, STEPS = 8, 40
NAME = {"key": "mlflow.runName", "value": "by a tag"}
Answer = tuple[int, Any]


class Server:
    """A server, which keeps what it is told in an experiment of its own."""

    def __init__(self, host: str, names: dict[str, str]) -> None:
        self.host = host
        # Ids of what it has made, by what it is called here
        self.names = names

    def call(self, path: str, body: Any = None) -> Answer:
        connection = http.client.HTTPConnection(self.host, 5000, timeout=60)
        text = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        kind = {"Content-Type": "application/json"} if text else {}
        connection.request("POST" if text else "GET", API + path, text, {"Host": "mlflow", **kind})
        answer = connection.getresponse()
        said = answer.read().decode()
        connection.close()
        try:
            return answer.status, json.loads(said)
        except ValueError:
            return answer.status, said

    def create(self, name: str, **more: Any) -> Answer:
        """Make a run that is called `name` from now on."""
        status, said = self.call("/runs/create", {"experiment_id": self.names["experiment"], **more})
        self.names[name] = said["run"]["info"]["run_id"] if status == 200 else "0" * 32
        return status, said


# What differs from one server to the other: ids, a name that MLflow makes up, a database's words for what it was told
VARYING = (
    r"[0-9a-f]{32}",
    r'(?<="experiment_id": ")\d+|(?<=artifacts:/)\d+|(?<=experiment )\d+',
    r'(?<=")[a-z]+-[a-z]+-\d{1,4}(?=")',
    r"\[SQL: .*",
)


def alike(answer: Answer) -> str:
    status, said = answer
    # A database has no order of rows by itself.
    if isinstance(said, dict) and "run" in said:
        for kind, rows in said["run"].get("data", {}).items():
            said["run"]["data"][kind] = sorted(rows, key=str)
    if isinstance(said, dict) and "metrics" in said:
        said["metrics"].sort(key=str)
    text = json.dumps([status, said], sort_keys=True, ensure_ascii=False)
    return re.sub("|".join(VARYING), "<varying>", text)


def batch(metrics: Any = (), params: Any = (), tags: Any = ()) -> dict[str, Any]:
    return {
        "metrics": [dict(zip(("key", "value", "timestamp", "step"), one, strict=True)) for one in metrics],
        "params": [{"key": key, "value": value} for key, value in params],
        "tags": [{"key": key, "value": value} for key, value in tags],
    }


def created() -> Iterator[dict[str, Any]]:
    """Ways to make a run."""
    yield {"user_id": "u", "start_time": 1000}
    yield {"user_id": "u", "start_time": 1000, "run_name": "a name", "tags": [{"key": "t", "value": "Grüße 日本"}]}
    yield {"user_id": "u", "start_time": 1000, "tags": [NAME, {"key": "empty", "value": ""}]}
    yield {"user_id": "u", "start_time": 1000, "run_name": "by a tag", "tags": [NAME]}
    yield {"user_id": "u", "start_time": 1000, "run_name": "another", "tags": [NAME]}
    yield {"user_id": "u", "start_time": 1000, "tags": [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]}
    yield {"user_id": "u", "start_time": 1000, "tags": [{"key": "t", "value": "a\0b"}]}
    yield {"start_time": 1000}
    yield {"user_id": "", "start_time": 0}
    yield {"user_id": "u", "start_time": 1000, "experiment_id": "no number"}
    yield {"user_id": "u", "start_time": 1000, "experiment_id": "99999999"}


def logged() -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls that write to one run, in this order."""
    for value, timestamp, step in (
        (1, 10, 1),
        (1, 10, 1),
        (3, 10, 1),
        (2, 10, 1),
        (9, 5, 1),
        (0.1, 11, 0),
        (-4.5e-300, 12, 2),
    ):
        yield "/runs/log-metric", {"key": "one", "value": value, "timestamp": timestamp, "step": step}
    odd: tuple[Any, ...] = ("NaN", "Infinity", "-Infinity", 0, "NaN", 1e308, "no number")
    for value in odd:
        yield "/runs/log-metric", {"key": "odd", "value": value, "timestamp": 1, "step": 1}
    yield "/runs/log-metric", {"key": "no/step", "value": 1, "timestamp": 2}
    yield "/runs/log-metric", {"key": "bad\tkey", "value": 1, "timestamp": 2, "step": 1}
    yield "/runs/log-metric", {"key": "k" * 300, "value": 1, "timestamp": 2, "step": 1}
    yield "/runs/log-metric", {"key": "big", "value": 1, "timestamp": 2**63 - 1, "step": -(2**63)}
    some = [("a", number / 7, number, number % 13) for number in range(50)]
    yield "/runs/log-batch", batch(some, [("p", "1"), ("q", "Grüße")], [("t", "1"), ("u", "2")])
    yield "/runs/log-batch", batch(some, [("p", "1")], [("t", "3")])
    yield "/runs/log-batch", batch([*some, *some, ("b", 1, 1, 1), ("b", 1, 1, 1), ("b", 2, 1, 1)])
    yield "/runs/log-batch", batch([("c", 1, 1, 1)], [("p", "2"), ("r", "new")], [("t", "4")])
    yield "/runs/log-batch", batch([("c", "NaN", 1, 1), ("c", 1, 1, 1)], [("s", "new")], [("t", "5")])
    yield "/runs/log-batch", batch(params=[("x", "1"), ("x", "2")])
    yield "/runs/log-batch", batch(params=[("x", "a\0b")])
    yield "/runs/log-batch", batch(params=[("long", "v" * 6000), ("empty", "")], tags=[("long", "v" * 8000)])
    yield "/runs/log-batch", batch(tags=[("long", "v" * 9000)])
    yield "/runs/log-batch", batch(tags=[("d", "1"), ("d", "2"), ("v", "3")])
    yield "/runs/log-batch", batch([("e", 1, 1, 1)], tags=[("mlflow.runName", "renamed"), ("w", "1")])
    yield "/runs/log-batch", batch([(f"m{number}", number, 1, 1) for number in range(1000)])
    yield "/runs/log-batch", batch([(f"m{number}", number, 2, 1) for number in range(1001)])
    yield "/runs/log-batch", batch([("f", 1, 1, 1), ("bad\tkey", 1, 1, 1)], [("y", "1")])
    yield "/runs/log-batch", batch()
    yield "/runs/log-parameter", {"key": "p", "value": "1"}
    yield "/runs/log-parameter", {"key": "p", "value": "3"}
    yield "/runs/set-tag", {"key": "t", "value": "6"}


def told(server: Server, run: str) -> Iterator[tuple[str, Answer]]:
    """What a server tells of a run."""
    run_id = server.names[run]
    yield "get", server.call(f"/runs/get?run_id={run_id}")
    for key in ("one", "odd", "a", "b", "c", "e", "f", "big"):
        yield f"history of {key}", server.call(f"/metrics/get-history?run_id={run_id}&metric_key={key}")


def at_once(server: Server) -> Answer:
    """Many log the same metrics of one run; the latest is the one with the greatest step."""
    server.create("shared", user_id="u", start_time=1)

    def work(client: int) -> list[int]:
        statuses = []
        for step in range(client, CLIENTS * STEPS, CLIENTS):
            metrics = [(key, step, step, step) for key in ("x", "y", "z")]
            body = {"run_id": server.names["shared"], **batch(metrics[:: (-1) ** client], tags=[("last", "any")])}
            statuses.append(server.call("/runs/log-batch", body)[0])
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = set(itertools.chain.from_iterable(pool.map(work, range(CLIENTS))))
    latest = server.call(f"/runs/get?run_id={server.names['shared']}")[1]["run"]["data"]["metrics"]
    return max(statuses), sorted((one["key"], one["value"], one["step"]) for one in latest)


def conversation(server: Server) -> Iterator[tuple[str, Answer]]:
    yield "a run", server.create("run", user_id="u", start_time=1000)
    for number, more in enumerate(created()):
        yield f"create {more}"[:200], server.create(f"made-{number}", **more)
        yield f"what came of {more}"[:200], server.call(f"/runs/get?run_id={server.names[f'made-{number}']}")
    for path, body in logged():
        yield f"{path} {body}"[:200], server.call(path, {"run_id": server.names["run"], **body})
        yield f"the run after {path} {body}"[:200], server.call(f"/runs/get?run_id={server.names['run']}")
    yield from told(server, "run")
    dataset = {"name": "d", "digest": "1", "source_type": "s", "source": "s", "schema": "", "profile": ""}
    inputs = {"run_id": server.names["run"], "datasets": [{"dataset": dataset, "tags": [{"key": "k", "value": "v"}]}]}
    yield "log-inputs", server.call("/runs/log-inputs", inputs)
    yield "a run with a dataset", server.call(f"/runs/get?run_id={server.names['run']}")
    for path in ("/runs/log-metric", "/runs/log-batch"):
        body = {"key": "k", "value": 1, "timestamp": 1, "step": 1, **batch([("k", 1, 1, 1)])}
        yield f"{path} to no run", server.call(path, {"run_id": "0" * 32, **body})
        yield f"{path} to a bad id", server.call(path, {"run_id": "a b", **body})
    yield "no run", server.call(f"/runs/get?run_id={'0' * 32}")
    yield "delete", server.call("/runs/delete", {"run_id": server.names["made-0"]})
    yield "a deleted run", server.call(f"/runs/get?run_id={server.names['made-0']}")
    yield "log-metric to it", server.call("/runs/log-metric", {"run_id": server.names["made-0"], **body})
    yield (
        "log-batch to it",
        server.call("/runs/log-batch", {"run_id": server.names["made-0"], **batch([("k", 1, 1, 1)])}),
    )
    yield "many at once", at_once(server)
    yield "delete the experiment", server.call("/experiments/delete", {"experiment_id": server.names["experiment"]})
    yield "create in it", server.create("late", user_id="u", start_time=1)


def main() -> None:
    servers = []
    for number, host in enumerate(sys.argv[1:3]):
        server = Server(host, {})
        name = f"runs-{number}"
        _status, said = server.call("/experiments/create", {"name": name})
        server.names.update(experiment=said["experiment_id"], named=name)
        servers.append(server)
    different, count = [], 0
    for (what, answer), (_what, other) in zip(*map(conversation, servers), strict=True):
        count += 1
        found, wanted = alike(answer), alike(other)
        if found != wanted:
            different.append(f"{what}:\n  {found}\n  {wanted}")
    # What one has written, told by the other
    for run in ("run", "made-1", "shared"):
        for (what, answer), (_what, other) in zip(told(servers[0], run), cross(servers, run), strict=True):
            count += 1
            if answer != other:
                different.append(f"{what} of {run}:\n  {answer}\n  {other}")
    if different:
        sys.exit("\n".join([f"{len(different)} of {count} answers differ:", *(one[:4000] for one in different[:20])]))
    print(f"{count} answers are alike")


def cross(servers: list[Server], run: str) -> Iterator[tuple[str, Answer]]:
    return told(Server(servers[1].host, servers[0].names), run)


if __name__ == "__main__":
    main()
