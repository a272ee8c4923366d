"""Everything that an MLflow server keeps, read through its REST API and nothing else, as one JSON document.

Usage: everything.py [fill]   with `fill`, make a good deal of everything first, by the MLflow client that is there

Servers of different releases give the same document for the same data. The environment holds address, login and CA.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import typing as t
from pathlib import Path

import requests

URI = os.environ["MLFLOW_TRACKING_URI"]
LOGIN = (os.environ.get("MLFLOW_TRACKING_USERNAME", ""), os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))
PAGE = 200
# What each release tells of these.
EXPERIMENT = ("experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time", "tags")
RUN = ("run_id", "run_name", "experiment_id", "status", "start_time", "end_time", "artifact_uri", "lifecycle_stage")
MODEL = ("name", "description", "tags", "aliases")
VERSION = ("name", "version", "creation_timestamp", "source", "run_id", "status", "description", "tags")
TRACE = ("request_id", "experiment_id", "timestamp_ms", "execution_time_ms", "status")
METRIC_ROWS = 100_000
NAMES = ("plain.txt", "folder/with spaces.txt", "folder/äöü €.txt", "folder/a+b.txt", "empty")

Document = dict[str, t.Any]


def call(method: str, address: str, **arguments: t.Any) -> t.Any:
    key = "params" if method == "GET" else "json"
    answer = requests.request(method, URI + address, auth=LOGIN if LOGIN[0] else None, timeout=60, **{key: arguments})
    answer.raise_for_status()
    return answer


def pages(method: str, address: str, field: str, **arguments: t.Any) -> list[Document]:
    """All items of an answer that comes in pages."""
    found: list[Document] = []
    token = ""
    while True:
        answer = call(method, address, **arguments, **({"page_token": token} if token else {})).json()
        found += answer.get(field, [])
        token = answer.get("next_page_token", "")
        if not token:
            return found


def picked(found: Document, fields: tuple[str, ...]) -> Document:
    return {field: plain(found.get(field)) for field in fields}


def plain(value: t.Any) -> t.Any:
    """Lists of tags come in any order; numbers as texts or not."""
    if isinstance(value, list):
        return sorted(json.dumps(one, sort_keys=True) for one in value)
    return str(value) if isinstance(value, int) else value


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def artifacts(run: str, folder: str = "") -> dict[str, str]:
    """Checksum of each artifact of a run, as the server itself reads it from the store."""
    found: dict[str, str] = {}
    listed = pages("GET", "/api/2.0/mlflow/artifacts/list", "files", run_id=run, **({"path": folder} if folder else {}))
    for one in listed:
        if one.get("is_dir"):
            found |= artifacts(run, one["path"])
        else:
            found[one["path"]] = sha256(call("GET", "/get-artifact", run_uuid=run, path=one["path"]).content)
    return found


def read_run(run: Document) -> Document:
    data = run["data"]
    history = {}
    for key in sorted({metric["key"] for metric in data.get("metrics", [])}):
        rows = pages(
            "GET",
            "/api/2.0/mlflow/metrics/get-history",
            "metrics",
            run_id=run["info"]["run_id"],
            metric_key=key,
            max_results=25000,
        )
        values = sorted((int(row.get("step", 0)), row["value"], int(row["timestamp"])) for row in rows)
        history[key] = {"rows": len(values), "sha256": sha256(json.dumps(values).encode())}
    return {
        **picked(run["info"], RUN),
        "params": plain(data.get("params", [])),
        "tags": plain(data.get("tags", [])),
        "metrics": history,
        "artifacts": artifacts(run["info"]["run_id"]),
    }


def read_traces(experiment: str) -> list[Document]:
    found = pages("GET", "/api/2.0/mlflow/traces", "traces", experiment_ids=[experiment], max_results=PAGE)
    traces = [{**picked(one, TRACE), "spans": len(spans(one["request_id"]))} for one in found]
    return sorted(traces, key=lambda one: str(one["request_id"]))


def spans(trace: str) -> list[Document]:
    return list(call("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", request_id=trace).json()["spans"])


def read() -> Document:
    experiments = pages("POST", "/api/2.0/mlflow/experiments/search", "experiments", view_type="ALL", max_results=PAGE)
    ids = [one["experiment_id"] for one in experiments]
    runs = pages(
        "POST", "/api/2.0/mlflow/runs/search", "runs", experiment_ids=ids, run_view_type="ALL", max_results=PAGE
    )
    models = pages("GET", "/api/2.0/mlflow/registered-models/search", "registered_models", max_results=PAGE)
    versions = pages("GET", "/api/2.0/mlflow/model-versions/search", "model_versions", max_results=PAGE)
    return {
        "experiments": sorted((picked(one, EXPERIMENT) for one in experiments), key=lambda one: str(one["name"])),
        "runs": sorted((read_run(one) for one in runs), key=lambda one: str(one["run_id"])),
        "models": sorted(
            (
                {**picked(one, ("name", "description", "tags")), "aliases": plain(one.get("aliases", []))}
                for one in models
            ),
            key=lambda one: str(one["name"]),
        ),
        "versions": sorted((picked(one, VERSION) for one in versions), key=lambda one: str(one["version"])),
        "traces": [trace for one in sorted(ids) for trace in read_traces(one)],
    }


def fill() -> None:
    import mlflow
    from mlflow.entities import Metric

    client = mlflow.MlflowClient()
    for number in range(3):
        mlflow.set_experiment(f"experiment {number} of ä")
        for index in range(5):
            with mlflow.start_run(run_name=f"run {index}", tags={"kind": f"k{index}"}) as run:
                mlflow.log_params({f"p{key}": "x" * key for key in range(1, 6)})
                mlflow.log_metrics({"loss": 1 / (index + 1), "nan": float("nan")}, step=index)
                if index == 0:
                    log_files(mlflow)
            if number == 0 and index == 0:
                rows = [Metric("long", step / 7, 1_700_000_000_000 + step, step) for step in range(METRIC_ROWS)]
                for start in range(0, METRIC_ROWS, 1000):
                    client.log_batch(run.info.run_id, metrics=rows[start : start + 1000])
            if index == 4:
                client.delete_run(run.info.run_id)
        for question in ("what?", "why?", "when?"):
            with mlflow.start_span("outer") as outer:
                outer.set_inputs(question)
                with mlflow.start_span("inner") as inner:
                    inner.set_outputs(question * 2)
    mlflow.flush_trace_async_logging()
    with mlflow.start_run() as run:
        mlflow.log_text("weights", "model/weights.bin")
    client.create_registered_model("a model", tags={"team": "a"}, description="of then")
    for words in ("first", "second"):
        files = f"{run.info.artifact_uri}/model"
        version = client.create_model_version("a model", files, run.info.run_id, description=words)
    client.set_registered_model_alias("a model", "champion", version.version)
    client.delete_experiment(mlflow.create_experiment("deleted"))


def log_files(mlflow: t.Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            file = Path(folder, name)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(name.encode() * 1000 if name != "empty" else b"")
        Path(folder, "large.bin").write_bytes(os.urandom(12 << 20))
        mlflow.log_artifacts(folder, "files")


if __name__ == "__main__":
    if sys.argv[1:] == ["fill"]:
        fill()
    print(json.dumps(read(), sort_keys=True))
