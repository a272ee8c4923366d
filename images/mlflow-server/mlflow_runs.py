"""What runs are made of, written and read in one statement of PostgreSQL each.

MLflow's store takes six statements for a metric and seven for a run, and an object for each row of them. Here a call
that is usual is one statement in the store's own session. Everything else is left to MLflow's own function: other
databases, workspaces, NaN, models and datasets, names of runs, whatever is to be refused, and releases whose functions
are others.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
import uuid
from collections.abc import Callable, Iterable
from typing import Any

# Of MLflow's functions whose place is taken, by the sources that these statements do the same as
SOURCES = {
    "create_run": "1977e5b6797b5385",
    "get_run": "bd060906b88f7c59",
    "_log_metrics_once": "f1c94a7256af5033",
    "log_batch": "5616623d30fd5426",
}

RUN = "run AS MATERIALIZED (SELECT run_uuid, lifecycle_stage FROM runs WHERE run_uuid = %(run)s)"
# A row that is there already stays, and is not compared with the latest. Keys are locked in MLflow's order.
METRICS = """
logged AS (
    INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan)
    SELECT run.run_uuid, given.*, FALSE
    FROM run, unnest(%(keys)s::varchar[], %(values)s::float8[], %(timestamps)s::bigint[], %(steps)s::bigint[]) AS given
    WHERE run.lifecycle_stage = 'active'
    ON CONFLICT DO NOTHING
    RETURNING key, value, timestamp, step
), latest AS (
    INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
    SELECT DISTINCT ON (key COLLATE "C") %(run)s, key, value, timestamp, step, FALSE FROM logged
    ORDER BY key COLLATE "C", step DESC, timestamp DESC, value DESC
    ON CONFLICT (key, run_uuid) DO UPDATE
    SET value = EXCLUDED.value, timestamp = EXCLUDED.timestamp, step = EXCLUDED.step, is_nan = FALSE
    WHERE (EXCLUDED.step, EXCLUDED.timestamp, EXCLUDED.value)
        > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)
)"""
# One value for a parameter: what is neither new nor the same as before is not counted.
PARAMS = """
given_params AS MATERIALIZED (
    SELECT * FROM unnest(%(params)s::varchar[], %(param_values)s::varchar[]) AS given (key, value)
), new_params AS (
    INSERT INTO params (run_uuid, key, value)
    SELECT run.run_uuid, given.key, given.value FROM run, given_params AS given
    WHERE run.lifecycle_stage = 'active'
    ORDER BY given.key COLLATE "C"
    ON CONFLICT DO NOTHING
    RETURNING key
)"""
TAGS = """
tagged AS (
    INSERT INTO tags (run_uuid, key, value)
    SELECT run.run_uuid, given.key, given.value
    FROM run, unnest(%(tags)s::varchar[], %(tag_values)s::varchar[]) AS given (key, value)
    WHERE run.lifecycle_stage = 'active'
    ORDER BY given.key COLLATE "C"
    ON CONFLICT (key, run_uuid) DO UPDATE SET value = EXCLUDED.value
)"""
PARAMS_TAKEN = """
(SELECT count(*) FROM new_params) + (
    SELECT count(*) FROM params JOIN given_params USING (key, value) WHERE params.run_uuid = %(run)s
)"""
GET = """
SELECT runs.name, experiment_id, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, (
    SELECT json_agg(json_build_array(key, CASE WHEN is_nan THEN NULL ELSE value END, timestamp, step))::text
    FROM latest_metrics WHERE run_uuid = runs.run_uuid
), (
    SELECT json_agg(json_build_array(key, value))::text FROM params WHERE run_uuid = runs.run_uuid
), (
    SELECT json_agg(json_build_array(key, value))::text FROM tags WHERE run_uuid = runs.run_uuid
), EXISTS (
    SELECT FROM inputs WHERE destination_type = 'RUN' AND destination_id = runs.run_uuid
) OR EXISTS (
    SELECT FROM inputs WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND source_id = runs.run_uuid
) AS used
FROM runs WHERE run_uuid = %(run)s
"""
EXPERIMENT = (
    "SELECT artifact_location FROM experiments WHERE experiment_id = %(experiment)s AND lifecycle_stage = 'active'"
)
CREATE = """
WITH run AS (
    INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
        source_version, lifecycle_stage, artifact_uri, experiment_id)
    VALUES (%(run)s, %(name)s, 'UNKNOWN', '', '', %(user)s, 'RUNNING', %(start)s,
        '', 'active', %(place)s, %(experiment)s)
)
INSERT INTO tags (run_uuid, key, value)
SELECT %(run)s, key, value FROM unnest(%(tags)s::varchar[], %(tag_values)s::varchar[]) AS given (key, value)
"""

# One statement is a transaction by itself, and BEGIN and COMMIT are two more ways to the database.
ALONE = {"isolation_level": "AUTOCOMMIT"}

Function = Callable[..., Any]


class Otherwise(Exception):
    """A call is not a usual one, and nothing was changed."""


def hasten(store: Any) -> None:
    """Take the place of functions of MLflow's module for its store, unless they are others than expected."""
    found: dict[str, Any] = {name: getattr(store.SqlAlchemyStore, name, None) for name in SOURCES}
    if {name: fingerprint(function) for name, function in found.items()} != SOURCES:
        print("mlflow-server: this MLflow keeps runs in another way; its store is left as it is", file=sys.stderr)
        return
    runs = Runs(store)
    for name, function in found.items():
        setattr(store.SqlAlchemyStore, name, runs.or_else(getattr(runs, name.strip("_")), function))


def fingerprint(function: Any) -> str:
    """Return a hash of a function's source; empty where there is none."""
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]
    except (OSError, TypeError):
        return ""


def text(*values: str | None) -> bool:
    """Tell whether PostgreSQL takes all of these for text."""
    return not any("\0" in value for value in values if value)


class Runs:
    """The functions that take the place of MLflow's. Each takes a store and what MLflow's own takes."""

    def __init__(self, store: Any) -> None:
        """store: MLflow's module, of which its checks and words are used."""
        self.store = store

    def or_else(self, function: Function, otherwise: Function) -> Function:
        """Return what calls a function, and MLflow's own for all that is not usual."""
        plain = self.store.SqlAlchemyStore

        def call(store: Any, *args: Any, **kwargs: Any) -> Any:
            if store.__class__ is plain and store.engine.dialect.driver == "psycopg2":
                try:
                    return function(store, *args, **kwargs)
                except Otherwise:
                    pass
            return otherwise(store, *args, **kwargs)

        return call

    def log_metrics_once(self, store: Any, run_id: str, metrics: list[Any]) -> None:
        for index, one in enumerate(metrics):
            path = "" if len(metrics) == 1 else f"metrics[{index}]"
            self.store._validate_metric(one.key, one.value, one.timestamp, one.step, path=path)
        self.log(store, run_id, metrics, [], [])

    def log_batch(self, store: Any, run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]) -> None:
        self.store._validate_run_id(run_id)
        metrics, params, tags = self.store._validate_batch_log_data(metrics, params, tags)
        self.store._validate_batch_log_limits(metrics, params, tags)
        self.store._validate_param_keys_unique(params)
        store._run_with_deadlock_retry(self.log, store, run_id, metrics, params, tags)

    def log(self, store: Any, run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]) -> None:
        """Write what has been checked, all of it or nothing."""
        unusual = any(one.model_id is not None or one.value != one.value for one in metrics)
        if unusual or any(one.key == self.store.MLFLOW_RUN_NAME for one in tags):
            raise Otherwise
        # The last of one name counts.
        tagged = {one.key: one.value for one in tags}
        if not text(run_id, *tagged, *tagged.values(), *(value for one in params for value in (one.key, one.value))):
            raise Otherwise
        parts = [RUN]
        values: dict[str, Any] = {"run": run_id}
        if metrics:
            parts.append(METRICS)
            values |= columns(
                ("keys", "values", "timestamps", "steps"),
                ((m.key, store.sanitize_metric_value(m.value)[1], m.timestamp, m.step) for m in metrics),
            )
        if params:
            parts.append(PARAMS)
            values |= columns(("params", "param_values"), ((one.key, one.value) for one in params))
        if tagged:
            parts.append(TAGS)
            values |= columns(("tags", "tag_values"), tagged.items())
        taken = PARAMS_TAKEN if params else "0"
        statement = f"WITH {','.join(parts)} SELECT lifecycle_stage, {taken} FROM run"
        with store.ManagedSessionMaker(read_only=False) as session:
            # What a parameter makes unusual has to be taken back.
            connection = session.connection(execution_options=None if params else ALONE)
            row = connection.exec_driver_sql(statement, values).first()
            # Else the run is not there or deleted, or a parameter has another value: what to say of it is MLflow's.
            usual = row == ("active", len(params))
            if not usual:
                session.rollback()
        if not usual:
            raise Otherwise

    def get_run(self, store: Any, run_id: str) -> Any:
        if not text(run_id):
            raise Otherwise
        with store.ManagedSessionMaker() as session:
            row = session.connection(execution_options=ALONE).exec_driver_sql(GET, {"run": run_id}).first()
        if not row or row.used or not row.name:
            raise Otherwise
        from mlflow.entities import Metric, Param, Run, RunData, RunInputs, RunOutputs, RunTag

        metrics, params, tags = (json.loads(one or "[]") for one in row[8:11])
        data = RunData(
            [Metric(key, float("nan" if value is None else value), *more) for key, value, *more in metrics],
            [Param(*one) for one in params],
            [RunTag(*one) for one in tags],
        )
        return Run(run_info(run_id, *row[:8]), data, RunInputs([], []), RunOutputs([]))

    def create_run(
        self, store: Any, experiment_id: Any, user_id: Any, start_time: Any, tags: list[Any] | None, run_name: Any
    ) -> Any:
        tagged = {one.key: one.value for one in tags or []}
        named = tagged.get(self.store.MLFLOW_RUN_NAME)
        unusual = len(tagged) != len(tags or []) or (run_name and named and run_name != named)
        if unusual or user_id is None or start_time is None or not str(experiment_id).isdecimal():
            raise Otherwise
        name = run_name or named or self.store._generate_random_name()
        if not named:
            tagged[self.store.MLFLOW_RUN_NAME] = name
        if not text(user_id, *tagged, *tagged.values()):
            raise Otherwise
        run_id = uuid.uuid4().hex
        values = {"run": run_id, "name": name, "user": user_id, "start": start_time, "experiment": int(experiment_id)}
        with store.ManagedSessionMaker(read_only=False) as session:
            connection = session.connection(execution_options=ALONE)
            row = connection.exec_driver_sql(EXPERIMENT, values).first()
            if row:
                folder = store.ARTIFACTS_FOLDER_NAME
                values["place"] = place = self.store.append_to_uri_path(row[0], run_id, folder)
                values |= columns(("tags", "tag_values"), tagged.items())
                connection.exec_driver_sql(CREATE, values)
        if not row:
            raise Otherwise
        from mlflow.entities import Run, RunData, RunInputs, RunTag

        info = run_info(run_id, name, experiment_id, user_id, "RUNNING", start_time, None, "active", place)
        return Run(info, RunData([], [], [RunTag(*one) for one in tagged.items()]), RunInputs([]))


def columns(names: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Return rows by the names of their columns."""
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def run_info(run_id: str, name: str, experiment_id: Any, *more: Any) -> Any:
    from mlflow.entities import RunInfo

    user_id, status, start_time, end_time, lifecycle_stage, artifact_uri = more
    return RunInfo(
        run_id, str(experiment_id), user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, name
    )
