"""Upload a large file by one PUT through the server while another client logs, of whose calls none may fail.

Arguments: the host, the megabytes, and the status that the upload must get. Prints the answer.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MEGABYTE = bytes(range(256)) * 4096
# No measure: an answer that takes so long is none.
HANGING_SECONDS = 1800


def ask(host: str, method: str, path: str, body: Any, length: int) -> tuple[int, bytes]:
    """Send a request with a body of that length, in pieces or whole, and return the answer's status and body."""
    connection = http.client.HTTPConnection(host, 5000, timeout=HANGING_SECONDS)
    headers = {"Host": "mlflow", "Content-Type": "application/json", "Content-Length": str(length)}
    # The server need not read all of what it refuses.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def call(host: str, path: str, content: object) -> Any:
    body = json.dumps(content).encode()
    status, answer = ask(host, "POST", f"/api/2.0/mlflow/{path}", body, len(body))
    if status != 200:
        sys.exit(f"{path} was answered {status}: {answer!r}")
    return json.loads(answer)


def megabytes(count: int) -> Iterator[bytes]:
    for _unused in range(count):
        yield MEGABYTE


def main() -> None:
    host, count, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    name = uuid.uuid4().hex
    experiment = call(host, "experiments/create", {"name": name})["experiment_id"]
    run = call(host, "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    path = f"/api/2.0/mlflow-artifacts/artifacts/{name}/large"
    logged = 0
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(ask, host, "PUT", path, megabytes(count), count * len(MEGABYTE))
        while not upload.done():
            call(host, "runs/log-metric", {"run_id": run, "key": "a", "value": 1, "step": logged, "timestamp": 1})
            logged += 1
    status, answer = upload.result()
    if status != wanted or not logged:
        sys.exit(f"the upload of {count} MB was answered {status}: {answer!r}; {logged} calls were made meanwhile")
    listed = ask(host, "GET", f"/api/2.0/mlflow-artifacts/artifacts?path={name}", None, 0)
    sizes = [file["file_size"] for file in json.loads(listed[1]).get("files", [])]
    if sizes != ([count * len(MEGABYTE)] if wanted == 200 else []):
        sys.exit(f"after an upload that was answered {status} the store lists {listed}")
    print(f"{count} MB: {status} {answer.decode()}; {logged} calls of another client meanwhile")


if __name__ == "__main__":
    main()
