"""Log a run with the stock MLflow client and read everything back.

The environment holds address, login and CA and nothing else that tunes a client.
With --light one small run is logged and read: enough to see that the service is back. With --keep its id is noted in a
file, with --again nothing is logged and the small run that is noted there is read once more.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
import uuid
from pathlib import Path

import mlflow
import numpy
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LinearRegression

SMALL = b"8 bytes!"
ADDRESS = {"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}
LARGE_BYTES = 64 * 1024 * 1024
METRIC_STEPS = 100


def expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: expected {wanted!r}, saw {found!r}")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def log_run(experiment_id: str, files: Path) -> str:
    with mlflow.start_run(experiment_id=experiment_id) as run:
        mlflow.log_params({"solver": "lbfgs", "folds": 5})
        for step in range(METRIC_STEPS):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        for file in sorted(files.iterdir()):
            mlflow.log_artifact(str(file), "data")
    return str(run.info.run_id)


def read_run(client: MlflowClient, run_id: str, files: Path) -> None:
    run = client.get_run(run_id)
    expect(run.info.status, "FINISHED", "status of the run")
    expect(run.data.params, {"solver": "lbfgs", "folds": "5"}, "parameters")
    history = client.get_metric_history(run_id, "loss")
    expect(len(history), METRIC_STEPS, "points of the metric")
    expect(sorted(point.step for point in history), list(range(METRIC_STEPS)), "steps of the metric")
    listed = {entry.path: entry.file_size for entry in client.list_artifacts(run_id, "data")}
    expect(listed, {f"data/{file.name}": file.stat().st_size for file in files.iterdir()}, "listed artifacts")
    with tempfile.TemporaryDirectory() as target:
        for file in sorted(files.iterdir()):
            started = time.monotonic()
            got = Path(client.download_artifacts(run_id, f"data/{file.name}", target))
            expect(sha256(got), sha256(file), f"bytes of {file.name}")
            print(f"download {file.name}: {time.monotonic() - started:.1f} s")


def read_again(client: MlflowClient, run_id: str) -> None:
    with tempfile.TemporaryDirectory() as source:
        Path(source, "small.bin").write_bytes(SMALL)
        read_run(client, run_id, Path(source))
    print(f"run {run_id}: everything was read again")


def check_model(experiment_id: str, name: str) -> None:
    x = numpy.arange(20.0).reshape(-1, 1)
    model = LinearRegression().fit(x, 3 * x.ravel() + 1)
    with mlflow.start_run(experiment_id=experiment_id):
        mlflow.sklearn.log_model(model, name="model", registered_model_name=name, pip_requirements=["scikit-learn"])
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/1")
    predicted = [round(float(value), 6) for value in loaded.predict(numpy.array([[100.0]]))]
    expect(predicted, [301.0], "prediction of the model that was read back")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--light", action="store_true", help="one small run only")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="note the run in this file")
    parser.add_argument("--again", type=Path, metavar="FILE", help="only read the run that is noted in this file")
    options = parser.parse_args()

    tuned = {key for key in os.environ if key.startswith(("MLFLOW_", "AWS_"))} - ADDRESS
    expect(tuned, set(), "variables that tune the client")
    expect(mlflow.get_tracking_uri(), os.environ["MLFLOW_TRACKING_URI"], "tracking URI")

    client = MlflowClient()
    if options.again:
        read_again(client, options.again.read_text(encoding="utf-8"))
        return
    name = f"e2e-{uuid.uuid4().hex[:12]}"
    experiment_id = client.create_experiment(name)
    location = client.get_experiment(experiment_id).artifact_location
    expect(location.split("/")[0], "mlflow-artifacts:", "scheme of the experiment's artifacts")
    with tempfile.TemporaryDirectory() as source:
        files = Path(source)
        (files / "small.bin").write_bytes(SMALL)
        if not options.light:
            (files / "large.bin").write_bytes(os.urandom(LARGE_BYTES))
        started = time.monotonic()
        run_id = log_run(experiment_id, files)
        print(f"logged run {run_id} in {time.monotonic() - started:.1f} s")
        read_run(client, run_id, files)
    if options.keep:
        options.keep.write_text(run_id, encoding="utf-8")
    if not options.light:
        check_model(experiment_id, name)
    print(f"experiment {name}: everything that was logged was read back")


if __name__ == "__main__":
    main()
