# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches that find no end: nobody who logs waits behind them, and they end with their client or their time.

Usage: scans.py HOST stuck|overdue   in the server's container, with the database URI of its environment
A lock on the tags of runs keeps searches for a tag waiting for as long as it is held, however fast the machine is.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy

SEARCHES, LOGGED = 64, 40
# Two workers, with two searches each; on a busy machine one of them may take all connections.
AT_ONCE = (2, 3, 4)
HANGING_SECONDS = 120
BOTH = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
# In the words of mlflow-server, which are MLflow's own where it does not know MLflow's statement any more
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT runs.run_uuid%FROM tags%OFFSET ''0''%'
"""


class Server:
    def __init__(self, host: str) -> None:
        self.host = host
        self.experiment = self.answer("POST", f"{BOTH[0]}/experiments/create", {"name": f"scans-{time.time_ns()}"})
        run = self.answer("POST", f"{BOTH[0]}/runs/create", self.experiment)
        self.run = run["run"]["info"]["run_id"]

    def send(self, method: str, path: str, body: object) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.host, 5000, timeout=HANGING_SECONDS)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        return connection

    def answer(self, method: str, path: str, body: object, status: int = 200) -> dict[str, Any]:
        response = self.send(method, path, body).getresponse()
        text = response.read()
        if response.status != status:
            sys.exit(f"{method} {path} answered {response.status}: {text[:500]!r}")
        return dict(json.loads(text)) if text.startswith(b"{") else {}

    def search(self, prefix: str) -> http.client.HTTPConnection:
        body = {"experiment_ids": [self.experiment["experiment_id"]], "filter": "tags.a = 'b'"}
        return self.send("POST", f"{prefix}/runs/search", body)


@contextmanager
def locked(engine: sqlalchemy.Engine) -> Iterator[None]:
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("LOCK TABLE tags"))
        yield


def waiting(engine: sqlalchemy.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sqlalchemy.text(WAITING)).scalar_one())


def until(engine: sqlalchemy.Engine, *wanted: int) -> None:
    deadline = time.monotonic() + HANGING_SECONDS
    while (found := waiting(engine)) not in wanted:
        if time.monotonic() > deadline:
            sys.exit(f"{found} searches wait in the database, {wanted} were expected")
        time.sleep(0.1)


def stuck(server: Server, engine: sqlalchemy.Engine) -> None:
    with locked(engine):
        clients = [server.search(BOTH[number % 2]) for number in range(SEARCHES)]
        until(engine, *AT_ONCE)
        for step in range(LOGGED):
            metric = {"run_id": server.run, "key": "m", "value": step, "timestamp": 1, "step": step}
            server.answer("POST", f"{BOTH[0]}/runs/log-metric", metric)
            server.answer("POST", f"{BOTH[0]}/experiments/search", {"max_results": 1})
            server.answer("GET", "/health", None)
        if waiting(engine) not in AT_ONCE:
            sys.exit(f"{waiting(engine)} searches are at work at once, {AT_ONCE} were expected")
        for client in clients:
            client.close()
        until(engine, 0)
    # The threads and connections of those are free again.
    if server.search(BOTH[0]).getresponse().status != 200:
        sys.exit("after the searches whose clients have gone there is none")
    print(f"{LOGGED} metrics were logged while {SEARCHES} searches hung; they ended when their clients had gone")


def overdue(server: Server, engine: sqlalchemy.Engine) -> None:
    for prefix in BOTH:
        with locked(engine):
            response = server.search(prefix).getresponse()
            answer = json.loads(response.read())
        if response.status != 503 or "The search was ended after 1 s" not in answer["message"]:
            sys.exit(f"a search that took too long was answered with {response.status} {answer}")
        print(answer["message"])


def main() -> None:
    host, what = sys.argv[1:]
    engine = sqlalchemy.create_engine(os.environ["MLFLOW_BACKEND_STORE_URI"], poolclass=sqlalchemy.pool.NullPool)
    {"stuck": stuck, "overdue": overdue}[what](Server(host), engine)


if __name__ == "__main__":
    main()
