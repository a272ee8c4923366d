"""Check that a server answers for artifacts as MLflow's own does: status, headers and body.

Usage: artifacts.py HOST OTHER_HOST files|unsigned

files     both have one store; what is downloaded, and what cannot be
unsigned  the one signs no URLs for its store, the other's store cannot be asked by URLs: what both say of that

Both answer to the name `mlflow` and have the experiment 0. Prints what differs and fails.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
from urllib.parse import quote, urlencode

ARTIFACTS = "2.0/mlflow-artifacts/artifacts"
AS_JSON = {"Content-Type": "application/json"}
# How long an answer is, and how old the file: MLflow sends a copy of it, in chunks where a route of FastAPI's does.
OF_A_COPY = {"date", "content-length", "transfer-encoding", "etag", "last-modified", "accept-ranges"}
CONTENTS = {"plain.txt": b"a text", "nothing": b"", "page.html": b"<p>", "model.pkl": bytes(3_000_000)}
NAMES = ("a b+c%d.txt", "Grüße-日本.json")
Call = tuple[str, str, "bytes | None"]
Answer = tuple[int, "dict[str, str]", bytes]


def ask(host: str, call: Call, headers: dict[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection(host, 5000, timeout=300)
    connection.request(*call, {"Host": "mlflow", **(headers or {})})
    response = connection.getresponse()
    try:
        body = response.read()
    except http.client.IncompleteRead:
        # MLflow notices in the middle of its answer that a path is a folder's.
        body = b""
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def need(host: str, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> dict[str, object]:
    """Send a call that must succeed, and return its answer."""
    status, _headers, answer = ask(host, (method, path, body), headers)
    if status != 200:
        sys.exit(f"{method} {path} was answered {status}: {answer!r}")
    return dict(json.loads(answer or b"{}"))


def make_run(host: str) -> str:
    """Make a run with files, through the server, and return its id."""
    body = json.dumps({"experiment_id": "0"}).encode()
    run = need(host, "POST", "/api/2.0/mlflow/runs/create", body, AS_JSON)["run"]
    run_id = str(run["info"]["run_id"])  # type: ignore[index]
    for name, content in {**CONTENTS, **dict.fromkeys(NAMES, b"x"), "folder/inner.txt": b"inner"}.items():
        need(host, "PUT", f"/api/{ARTIFACTS}/0/{run_id}/artifacts/{quote(name)}", content)
    return run_id


def downloads(run_id: str) -> dict[str, Call]:
    """Return what is asked for files, by what it is."""
    names = [*CONTENTS, *NAMES, "folder/inner.txt", "folder", "missing", "../plain.txt"]
    found: dict[str, Call] = {}
    for name in names:
        for api in ("api", "ajax-api"):
            found[f"{name} of {api}"] = ("GET", f"/{api}/{ARTIFACTS}/0/{run_id}/artifacts/{quote(name)}", None)
        found[f"{name} of the page"] = ("GET", f"/get-artifact?{urlencode({'run_uuid': run_id, 'path': name})}", None)
    found["no name"] = ("GET", f"/api/{ARTIFACTS}/", None)
    found["the head of a file"] = ("HEAD", f"/api/{ARTIFACTS}/0/{run_id}/artifacts/plain.txt", None)
    found["another run"] = ("GET", f"/get-artifact?{urlencode({'run_uuid': '0' * 32, 'path': 'plain.txt'})}", None)
    return found


def transfers(run_id: str) -> dict[str, Call]:
    """Return what is asked for URLs, by what it is."""
    place = f"0/{run_id}/artifacts"
    create, upload = {"path": "large.bin", "num_parts": 2}, {"path": "large.bin", "upload_id": "a"}
    part = {**upload, "parts": [{"part_number": 1, "etag": "a", "url": "https://s3.example.org"}]}
    bodies = {
        "mlflow-artifacts/mpu/create/": create,
        "mlflow-artifacts/mpu/complete/": part,
        "mlflow-artifacts/mpu/abort/": upload,
    }
    found: dict[str, Call] = {}
    for api in ("api", "ajax-api"):
        found[f"server-info of {api}"] = ("GET", f"/{api}/3.0/mlflow/server-info", None)
        found[f"a URL for a file of {api}"] = ("GET", f"/{api}/2.0/mlflow-artifacts/presigned/{place}/plain.txt", None)
        for path, body in bodies.items():
            found[f"{path} of {api}"] = ("POST", f"/{api}/2.0/{path}{place}", json.dumps(body).encode())
    for kind in ("upload", "download"):
        body = json.dumps({"run_id": run_id, "path": "plain.txt"}).encode()
        found[f"a URL for a run's {kind}"] = ("POST", f"/api/2.0/mlflow/artifacts/presigned-{kind}-url", body)
    return found


def comparable(answer: Answer) -> Answer:
    status, headers, body = answer
    left_out = OF_A_COPY if status == 200 else {"date"}
    # Each download has a folder of its own, of which a message may tell.
    body = re.sub(rb"/tmp/[\w./-]*tmp\w+", b"FOLDER", body)
    return status, {name: value for name, value in sorted(headers.items()) if name not in left_out}, body


def main() -> None:
    host, other, what = sys.argv[1:]
    run_id = make_run(host)
    if what == "files":
        calls, wanted = downloads(run_id), {200, 400, 404, 500}
    else:
        calls, wanted = transfers(run_id), {200, 400, 501}
        run_of_other = make_run(other)
    problems, statuses = [], set()
    for name, (method, path, body) in calls.items():
        headers = AS_JSON if body else {}
        one = ask(host, (method, path, body), headers)
        if what == "unsigned":
            path = path.replace(run_id, run_of_other)
            body = body and body.replace(run_id.encode(), run_of_other.encode())
        two = ask(other, (method, path, body), headers)
        statuses.add(one[0])
        if comparable(one) != comparable(two):
            problems.append(f"{name}:\n  {host}: {comparable(one)}\n  {other}: {comparable(two)}")
        known = one[0] == 200 and method == "GET" and "/artifacts/0/" in path and one[2]
        if known and one[1].get("content-length") != str(len(one[2])):
            problems.append(f"{name}: {len(one[2])} bytes came with the headers {one[1]}")
    if not wanted <= statuses:
        problems.append(f"the requests do not cover what they should: {sorted(statuses)}")
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
