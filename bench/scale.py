"""Measure searches over a million runs, and who logs meanwhile: the reference's command line and ours, on one database.

Usage: scale.py [ROUNDS [SECONDS]]   (default 5 rounds; mixed loads of 10 seconds each)

reference  the command line of the docker-compose stack that this project grew out of, tables as MLflow makes them
ours       the image of dockerfile.mlflow as the role runs it, with the indexes of roles/mlflow/files/extra_indexes.json

Runs come by SQL: experiments of 10,000, 100,000 and 1,000,000 runs for the first page; two of 480,000 runs with three
metrics, three parameters and two tags each, in one of which values are spread evenly, while in the other what is
searched for stands at the oldest runs only. Then 8 clients write to these tables, without the indexes and with them.
Prints medians over the rounds, and of the ratios within a round, and writes scale.json, scale.svg and indexes.json of
docs/bench.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from bed import API, ROOT, WORK, Bed, Sample, Server, plot, ratio, report, rounds, running, until
from server import SERVERS, build_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the role derives for a server of 16 GB.
POSTGRES = ("--shared_buffers=1024MB", "--effective_cache_size=3072MB", "--maintenance_work_mem=256MB")
SIZES = (10_000, 100_000, 1_000_000)
RUNS = 480_000
REPEATED = 3
SORTERS = (8, 32)
FIRST_PAGE: dict[str, object] = {"order_by": ["attributes.start_time DESC"]}
SORT: dict[str, object] = {"order_by": ["metrics.m0 DESC"]}
QUERIES: dict[str, dict[str, object]] = {
    "first page": FIRST_PAGE,
    "no order": {},
    "metric above": {"filter": "metrics.m0 > 0.9"},
    "parameter": {"filter": "params.p0 = '3'"},
    "tag": {"filter": "tags.`mlflow.user` = '3'"},
    "status": {"filter": "attributes.status = 'FAILED'"},
    "user and time": {"filter": "attributes.user_id = '3' AND attributes.start_time > 1000240000"},
    "deleted only": {"run_view_type": "DELETED_ONLY"},
    "rare metric value": {"filter": "metrics.m1 > 0.99999"},
    "run name": {"filter": "attributes.run_name = 'run-4711'"},
    "order by a metric": SORT,
    "order by a parameter": {"order_by": ["params.p0 ASC"]},
}
INDEXED = "SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class WHERE starts_with(relname::text, 'modelhub_')"
SEARCHING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT DISTINCT runs%'"
# n is 1 to the number of runs; the second is the moment of start, and old tells of the oldest hundredth.
SEED = """
SET session_replication_role = replica;
SET synchronous_commit = off;
CREATE FUNCTION pg_temp.share(text) RETURNS float LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('x' || left(md5($1), 8))::bit(32)::bigint / 4294967296.0 $$;
CREATE FUNCTION pg_temp.seed(prefix text, number int, experiment int, skewed bool, whole bool) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
  CREATE TEMP TABLE seeded ON COMMIT DROP AS
    SELECT n, md5(prefix || n) AS id, n <= number / 100 AS old FROM generate_series(1, number) n;
  INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time,
      source_version, lifecycle_stage, artifact_uri, experiment_id, deleted_time)
    SELECT id, 'run-' || n, 'LOCAL', '', '', n % 10, CASE WHEN n % 20 = 0 THEN 'FAILED' ELSE 'FINISHED' END,
      1000000000 + n, 1000000000 + n + 60, '', CASE WHEN n % 20 = 7 THEN 'deleted' ELSE 'active' END,
      's3://mlflow/' || id, experiment, NULL FROM seeded ORDER BY id;
  IF NOT whole THEN DROP TABLE seeded; RETURN; END IF;
  CREATE TEMP TABLE measured ON COMMIT DROP AS SELECT 'm' || k AS key,
      CASE WHEN NOT skewed THEN pg_temp.share(n || 'm' || k) WHEN old THEN 0.9 + pg_temp.share(n || 'm' || k) / 10
      ELSE pg_temp.share(n || 'm' || k) * 0.9 END AS value, n AS timestamp, 0 AS step, false AS is_nan, id AS run_uuid
    FROM seeded, generate_series(0, 2) k;
  INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
    SELECT key, value, timestamp, step, is_nan, run_uuid FROM measured ORDER BY key, run_uuid;
  INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid)
    SELECT key, value, timestamp, step, is_nan, run_uuid FROM measured ORDER BY key, timestamp;
  INSERT INTO params (key, value, run_uuid) SELECT 'p' || k, CASE WHEN NOT skewed THEN (n * (k + 1)) % 10
      WHEN old THEN 3 ELSE 4 + n % 6 END, id FROM seeded, generate_series(0, 2) k ORDER BY 1, id;
  INSERT INTO tags (key, value, run_uuid) SELECT key, CASE WHEN NOT skewed THEN n % 10
      WHEN old THEN 3 ELSE 4 + n % 6 END, id
    FROM seeded, unnest(ARRAY['mlflow.user', 'mlflow.source.name']) key ORDER BY key, id;
  DROP TABLE seeded; DROP TABLE measured;
END $$;
"""


class ScaleBed(Bed):
    """A bed with millions of runs."""

    postgres = POSTGRES

    def seed(self) -> None:
        super().seed()
        started = time.monotonic()
        statements = [SEED]
        self.sized = {}
        for size in SIZES:
            self.sized[size] = self.create_experiment(f"bench-{size}")
            statements.append(f"SELECT pg_temp.seed('{size}-', {size}, {self.sized[size]}, false, false);")
        self.spread = {}
        for name in ("uniform", "skewed"):
            self.spread[name] = self.create_experiment(f"bench-{name}")
            skewed = name == "skewed"
            statements.append(f"SELECT pg_temp.seed('{name}-', {RUNS}, {self.spread[name]}, {skewed}, true);")
        self.sql("\n".join(statements))
        self.sql("VACUUM ANALYZE")
        print(f"seeded in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    def search_ms(self, experiment: str, query: dict[str, object]) -> float:
        """Return the least time of a few searches for 100 runs, one after the other."""
        connection = self.connect()
        body = json.dumps({"experiment_ids": [experiment], "max_results": 100, **query})
        taken = []
        for _unused in range(REPEATED):
            started = time.monotonic()
            connection.request("POST", f"{API}/runs/search", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            taken.append(time.monotonic() - started)
            if response.status != 200:
                sys.exit(f"{query}: {response.status} {answer[:500]!r}")
        return min(taken) * 1000

    def logging(self, seconds: float) -> Sample:
        """Return rate and slowest hundredth of calls of log-metric over one connection."""
        connection, taken, end = self.connect(), [], time.monotonic() + seconds
        while time.monotonic() < end:
            now = time.time_ns() // 1000
            body = {"run_id": self.runs[0], "key": "loss", "value": 0.5, "timestamp": now, "step": now}
            started = time.monotonic()
            connection.request("POST", f"{API}/runs/log-metric", json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            taken.append(time.monotonic() - started)
            self.failed += response.status != 200
        return {"1/s": len(taken) / sum(taken), "p99 ms": percentile(taken, 0.99) * 1000}

    @contextmanager
    def sorting(self, clients: int, seconds: int) -> Iterator[None]:
        """Have clients sort the runs by a metric meanwhile, one search after the other."""
        file = WORK / "sort.json"
        file.write_text(json.dumps({"experiment_ids": [self.spread["uniform"]], "max_results": 100, **SORT}))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout=120s", "-s", f"{ROOT}/bench/load.lua"]
        process = subprocess.Popen(
            [*command, f"https://{self.traefik}", "--", "POST", f"{API}/runs/search", str(file)],
            stdout=subprocess.DEVNULL,
        )
        time.sleep(2)
        try:
            yield
        finally:
            process.kill()
            process.wait()
            until(lambda: self.sql(SEARCHING) == "0")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(bed: ScaleBed, server: Server, seconds: int) -> Sample:
    """Start a server on the tables that belong to it, and return milliseconds, and the rates of who logs."""
    bed.serve(server)
    bed.search_ms(bed.experiment, {})
    sample = {f"first page of {size} runs, ms": bed.search_ms(bed.sized[size], FIRST_PAGE) for size in SIZES}
    for name, experiment in bed.spread.items():
        sample |= {f"{query}, {name}, ms": bed.search_ms(experiment, body) for query, body in QUERIES.items()}
    idle = bed.logging(seconds)
    sample |= {f"log-metric, idle, {unit}": value for unit, value in idle.items()}
    for clients in SORTERS:
        with bed.sorting(clients, seconds + 60):
            busy = bed.logging(seconds)
        for unit, value in busy.items():
            sample |= {
                f"log-metric beside {clients} who sort, {unit}": value,
                f"log-metric beside {clients} who sort, {unit.split()[0]} of idle": value / idle[unit],
            }
    sample["failed calls"] = bed.failed
    bed.stop_server()
    return sample


def writes(bed: ScaleBed, server: Server, seconds: int) -> Sample:
    """Start a server and return how much it writes, and what its indexes hold."""
    bed.serve(server)
    sample = {"indexes, MB": float(bed.sql(INDEXED)) / 1e6}
    for name, load in {"log-batch of 100": bed.log_batch, "runs/create": bed.create_runs}.items():
        sample[f"{name}, 1/s"] = load(seconds)["1/s"]
    bed.stop_server()
    return sample


def main() -> None:
    number, seconds = int((sys.argv[1:] or ["5"])[0]), int((sys.argv[2:] or ["10"])[0])
    build_reference()
    servers = {"reference": SERVERS["reference"], "ours": SERVERS["ours"]}
    bare = replace(SERVERS["ours"], indexed=False)
    with running(ScaleBed()) as bed:
        samples = rounds(servers, number, lambda server: measure(bed, server, seconds))
        costs = rounds({"without": bare, "with": SERVERS["ours"]}, number, lambda server: writes(bed, server, seconds))
    table = report("scale.json", samples, "reference", rounds=number, seconds=seconds)
    small, large = (f"first page of {size} runs, ms" for size in (SIZES[0], SIZES[-1]))
    print(
        f"\nours, a million runs against ten thousand: {ratio(samples['ours'], large, samples['ours'], small):.2f}x\n"
    )
    report("indexes.json", costs, "without", rounds=number, seconds=seconds)
    plot("scale.svg", table)


if __name__ == "__main__":
    main()
