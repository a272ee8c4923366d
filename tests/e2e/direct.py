"""Log and read artifacts in direct mode: the client holds S3 keys and talks to the store's public endpoint itself.

The environment adds AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, MLFLOW_S3_ENDPOINT_URL and AWS_CA_BUNDLE.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import uuid
from pathlib import Path

# The system's boto3 goes last, so that MLflow's own packages win.
sys.path.append("/usr/lib/python3/dist-packages")

import boto3
import mlflow
from mlflow.tracking import MlflowClient

PAYLOAD_BYTES = 16 * 1024 * 1024


def expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: expected {wanted!r}, saw {found!r}")


def main() -> None:
    client = MlflowClient()
    experiment_id = client.create_experiment(f"direct-{uuid.uuid4().hex[:12]}")
    location = client.get_experiment(experiment_id).artifact_location
    expect(location.split("//")[0], "s3:", f"scheme of the artifact location {location}")

    payload = os.urandom(PAYLOAD_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "payload.bin")
        source.write_bytes(payload)
        with mlflow.start_run(experiment_id=experiment_id) as run:
            mlflow.log_artifact(str(source))
        expect([entry.path for entry in client.list_artifacts(run.info.run_id)], ["payload.bin"], "listed artifacts")
        got_folder = Path(folder, "got")
        got_folder.mkdir()
        got = Path(client.download_artifacts(run.info.run_id, "payload.bin", str(got_folder)))
        expect(hashlib.sha256(got.read_bytes()).hexdigest(), hashlib.sha256(payload).hexdigest(), "bytes read back")

    bucket, _unused, prefix = run.info.artifact_uri.partition("//")[2].partition("/")
    store = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"], region_name="us-east-1")
    keys = [entry["Key"] for entry in store.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    expect(keys, [f"{prefix}/payload.bin"], f"objects of the run in bucket {bucket}")
    print(f"{location}: {PAYLOAD_BYTES} bytes logged and read past the server")


if __name__ == "__main__":
    main()
