"""Check that the server answers 401 to the login of the environment, and without one, on every kind of path.

Who guesses passwords is answered 429 after a while.

MLflow itself answers anybody at /health, /version, its static files and /api/3.0/mlflow/server-info, which tells
clients how to upload.
"""

from __future__ import annotations

import os
import sys

import requests

URL = os.environ["MLFLOW_TRACKING_URI"]
# The role takes 30 a minute in each of at most 4 workers.
GUESSED, MOST_GUESSES = "somebody", 4 * 30 + 1
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
    guess()


def guess() -> None:
    """Guess until told to wait; each worker counts for itself. Whoever has another name is not kept waiting."""
    url = f"{URL}{API}/users/current"
    for tries in range(1, MOST_GUESSES + 1):
        answer = requests.get(url, auth=(GUESSED, str(tries)), timeout=120)
        if answer.status_code == 429:
            break
    else:
        sys.exit(f"{MOST_GUESSES} guesses were answered, the last with {answer.status_code}")
    if answer.headers.get("Retry-After") != "60":
        sys.exit(f"the one who is to wait is not told how long: {answer.headers}")
    other = requests.get(url, auth=("somebody-else", "x"), timeout=120).status_code
    if other != 401:
        sys.exit(f"another account was answered {other} then")
    print(f"after {tries} guesses the answer was 429, for others still {other}")


if __name__ == "__main__":
    main()
