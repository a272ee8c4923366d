"""Make things of an administrator and an account without rights to them, tell the server's routes, and undo it.

Usage: probe.py make | remove [CA]   (the file with the CA of the server's own certificate, where it has one)
Runs in the MLflow container, which knows its database and, in MLFLOW_AUTH_CONFIG_PATH, its administrator.
`make` prints JSON: the routes of the running release, an account with its password, the ids of the things, and a marker
that stands in all of them and in no id. `remove` takes away whatever a probe made, also one that was interrupted, and
leaves nothing in database and object store. Both end with 1 and one line where that fails.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import logging
import os
import secrets
import sys
from pathlib import Path

PREFIX = "modelhub-security-probe-"
CA = "".join(sys.argv[2:])
SERVER = "https://localhost:5000" if CA else "http://127.0.0.1:5000"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}

config = configparser.ConfigParser()
config.read(os.environ["MLFLOW_AUTH_CONFIG_PATH"])
ADMIN = config["mlflow"]["admin_username"]
os.environ |= {
    "MLFLOW_TRACKING_URI": SERVER,
    "MLFLOW_TRACKING_SERVER_CERT_PATH": CA,
    "MLFLOW_TRACKING_USERNAME": ADMIN,
    "MLFLOW_TRACKING_PASSWORD": config["mlflow"]["admin_password"],
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # As `mlflow server` sets it, so that the application is the one that is served.
    "_MLFLOW_SGI_NAME": "uvicorn",
    # No request goes to a proxy.
    "NO_PROXY": "*",
    "no_proxy": "*",
}
logging.disable(logging.WARNING)


def routes() -> list[dict[str, object]]:
    """Path and methods of each route, those of FastAPI and those of the Flask application in it."""
    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = Path(os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY_FILE"]).read_text()
    from mlflow.server import app as flask
    from mlflow.server.auth import create_app

    served = create_app()
    found: dict[str, set[str]] = {}
    for route in served.routes:
        if getattr(route, "methods", None):
            found.setdefault(route.path, set()).update(route.methods & METHODS)
    for rule in flask.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update((rule.methods or set()) & METHODS)
    return [{"path": path, "methods": sorted(methods)} for path, methods in sorted(found.items()) if methods]


def make() -> dict[str, object]:
    import mlflow
    from mlflow.server.auth.client import AuthServiceClient

    # Not to be told from what clients log, but for the marker.
    name, marker = f"{PREFIX}{secrets.token_hex(4)}", f"marker-{secrets.token_hex(8)}"
    client = mlflow.MlflowClient()
    experiment = client.create_experiment(name, tags={"probe": marker})
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run(run_name=marker, description=marker) as run:
        mlflow.log_param("probe", marker)
        mlflow.log_metric("probe", 1.0)
        mlflow.log_text(marker, "probe/text.txt")
        # Whoever may list it sees the marker.
        mlflow.log_text(marker, f"probe/{marker}.txt")
        with mlflow.start_span(marker) as span:
            span.set_inputs({"probe": marker})
            span.set_outputs({"probe": marker})
    client.create_registered_model(name, tags={"probe": marker}, description=marker)
    version = client.create_model_version(
        name, f"{run.info.artifact_uri}/probe", run.info.run_id, tags={"probe": marker}, description=marker
    )
    user, password = name, secrets.token_urlsafe(24)
    accounts = AuthServiceClient(SERVER)
    accounts.create_user(user, password)
    accounts.grant_user_permission(user, "experiment", experiment, "DENY")
    accounts.grant_user_permission(user, "registered_model", name, "DENY")
    return {
        "routes": routes(),
        "user": user,
        "password": password,
        "marker": marker,
        "ids": {
            "experiment_id": experiment,
            "run_id": run.info.run_id,
            "name": name,
            "version": version.version,
            "trace_id": span.trace_id,
            "path": "probe/text.txt",
            "model_path": "text.txt",
            "artifact_path": f"{experiment}/{run.info.run_id}/artifacts/probe/text.txt",
            "metric_key": "probe",
        },
    }


def remove() -> None:
    import mlflow
    from mlflow.entities import ViewType
    from mlflow.server.auth.client import AuthServiceClient
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    client, accounts = mlflow.MlflowClient(), AuthServiceClient(SERVER)
    store = SqlAlchemyStore(os.environ["MLFLOW_BACKEND_STORE_URI"], "mlflow-artifacts:/")
    for user in accounts._request("/api/2.0/mlflow/users/list", "GET")["users"]:
        if user["username"].startswith(PREFIX):
            accounts.delete_user(user["username"])
    for model in client.search_registered_models(f"name LIKE '{PREFIX}%'"):
        client.delete_registered_model(model.name)
    for experiment in client.search_experiments(ViewType.ALL, filter_string=f"name LIKE '{PREFIX}%'"):
        identity = experiment.experiment_id
        if experiment.lifecycle_stage == "active":
            traces = client.search_traces(locations=[identity], max_results=100)
            if traces:
                client.delete_traces(identity, trace_ids=[trace.info.trace_id for trace in traces])
        runs = store.search_runs([identity], "", ViewType.ALL)
        get_artifact_repository(experiment.artifact_location).delete_artifacts()
        if experiment.lifecycle_stage == "active":
            client.delete_experiment(identity)
        for run in runs:
            store._hard_delete_run(run.info.run_id)
        store._hard_delete_experiment(identity)
        accounts.revoke_user_permission(ADMIN, "experiment", identity)


def main() -> None:
    if sys.argv[1] == "make":
        # MLflow prints where a run can be seen.
        with contextlib.redirect_stdout(sys.stderr):
            made = make()
        print(json.dumps(made))
    else:
        remove()


if __name__ == "__main__":
    main()
