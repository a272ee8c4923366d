"""Post a body in chunks, as .NET, Go and tunnels do, and the same one with its length: the answers are alike (R12)."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

HOST = str(urlsplit(os.environ["MLFLOW_TRACKING_URI"]).hostname)
TLS = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
USER = os.environ.get("MLFLOW_TRACKING_USERNAME")
LOGIN = base64.b64encode(f"{USER}:{os.environ.get('MLFLOW_TRACKING_PASSWORD')}".encode()).decode()
HEADERS = {"Content-Type": "application/json"} | ({"Authorization": f"Basic {LOGIN}"} if USER else {})
PATHS = {"search": {"max_results": 1}, "create": {"name": "NAME"}}


def chunks(body: bytes) -> Iterator[bytes]:
    """Return a body in pieces; http.client then sends it in chunks."""
    middle = len(body) // 2
    yield body[:middle]
    yield body[middle:]


def post(path: str, body: bytes | Iterator[bytes]) -> tuple[int, set[str]]:
    connection = http.client.HTTPSConnection(HOST, timeout=120, context=TLS)
    connection.request("POST", path, body, HEADERS)
    answer = connection.getresponse()
    return answer.status, set(json.loads(answer.read()))


def main() -> None:
    for name, content in PATHS.items():
        path = f"/api/2.0/mlflow/experiments/{name}"
        answers = []
        for send in (bytes, chunks):
            # A second experiment of one name is refused.
            body = json.dumps(content).replace("NAME", f"chunked-{uuid.uuid4().hex}").encode()
            answers.append(post(path, send(body)))
        if answers[0] != answers[1] or answers[0][0] != 200:
            raise SystemExit(f"POST {path}: with a length {answers[0]}, in chunks {answers[1]}")
    print(f"{len(PATHS)} bodies, with a length and in chunks: the same answers")


if __name__ == "__main__":
    main()
