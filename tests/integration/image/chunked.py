"""Compare answers to bodies whose length is told with answers to the same bodies in chunks. Arguments: the hosts.

What takes a body: the REST API, the browser's API, artifacts, and the routes that FastAPI serves itself.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import uuid
from collections.abc import Iterator

EXPERIMENTS = "mlflow/experiments"
AS_JSON = {"Content-Type": "application/json"}
ARTIFACTS = "2.0/mlflow-artifacts/artifacts"
Answer = tuple[int, bytes]


def chunks(body: bytes) -> Iterator[bytes]:
    """Return a body in pieces; http.client then sends it in chunks."""
    middle = len(body) // 2
    yield body[:middle]
    yield body[middle:]


def ask(host: str, method: str, path: str, body: bytes | Iterator[bytes] | None, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(host, 5000, timeout=300)
    connection.request(method, path, body, {"Host": "mlflow", **headers})
    response = connection.getresponse()
    return response.status, response.read()


def problems(host: str) -> list[str]:
    """Return the requests to a host whose answers depend on how the body is sent, or are not 200."""
    found = []
    requests = [
        *(("POST", f"/{api}/2.0/{EXPERIMENTS}/search", {"max_results": 1}) for api in ("api", "ajax-api")),
        *(("POST", f"/{api}/2.0/{EXPERIMENTS}/create", {"name": "NAME"}) for api in ("api", "ajax-api")),
        ("POST", "/api/3.0/mlflow/traces/search", {"locations": [], "max_results": 1}),
        ("POST", "/graphql", {"query": "{ mlflowSearchRuns(input: {experimentIds: []}) { runs { info { runId } } } }"}),
        ("POST", "/ajax-api/3.0/jobs/search", {}),
        *(("PUT", f"/{api}/{ARTIFACTS}/chunked/NAME", {"content": "NAME"}) for api in ("api", "ajax-api")),
    ]
    for method, path, content in requests:
        answers = []
        for send in (bytes, chunks):
            # Each time another name, because a second experiment of one name is refused.
            name = uuid.uuid4().hex
            body = json.dumps(content).replace("NAME", name).encode()
            target = path.replace("NAME", name)
            status, answer = ask(host, method, target, send(body), AS_JSON)
            answers.append((status, re.sub(rb'"\d+"', b'"number"', answer)))
            if method == "PUT" and ask(host, "GET", target, None, {}) != (200, body):
                found.append(f"{host}: {method} {path}: {send.__name__} came back with other bytes")
        if answers[0] != answers[1] or answers[0][0] != 200:
            found.append(f"{host}: {method} {path}: with a length {answers[0]}, in chunks {answers[1]}")
    return found


def main() -> None:
    sys.exit("\n".join(problem for host in sys.argv[1:] for problem in problems(host)) or None)


if __name__ == "__main__":
    main()
