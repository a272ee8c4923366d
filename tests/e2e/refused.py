"""Check that the server answers 401 to the login of the environment, and without one, on every kind of path.

MLflow itself answers anybody at /health, /version, its static files and /api/3.0/mlflow/server-info, which tells
clients how to upload.
"""

from __future__ import annotations

import os
import sys

import requests

URL = os.environ["MLFLOW_TRACKING_URI"]
LOGIN = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
API = "/api/2.0/mlflow"
PATHS = (
    "/",
    f"{API}/experiments/get?experiment_id=0",
    f"/ajax-{API[1:]}/experiments/get?experiment_id=0",
    f"{API}-artifacts/artifacts",
    "/graphql",
    "/get-artifact?run_id=0&path=a",
    "/model-versions/get-artifact?name=a&version=1&path=a",
    "/v1/traces",
    f"{API}/users/list",
)


def main() -> None:
    answered = {
        f"{method} {path} {who}": requests.request(method, URL + path, auth=login, timeout=120).status_code
        for path in PATHS
        for method in ("GET", "POST")
        for who, login in {"without a login": None, "with a wrong one": LOGIN}.items()
    }
    # A method that the path does not have tells nothing of what is behind it.
    opened = {call: status for call, status in answered.items() if status not in (401, 405)}
    if opened or 401 not in answered.values():
        sys.exit(f"these calls were not answered with 401: {opened}")
    print(f"{len(answered)} calls were refused")


if __name__ == "__main__":
    main()
