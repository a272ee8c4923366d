"""Have a judge run on a trace, as the UI's button does, and wait for its verdict. Uses no language model.

Runs where MLFLOW_TRACKING_URI leads to a server that executes jobs.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

import mlflow
from mlflow.genai.scorers import RegexMatch

HANGING_SECONDS = 900


def call(method: str, path: str, content: object = None) -> Any:
    """Ask the server for JSON."""
    body = None if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["MLFLOW_TRACKING_URI"] + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read(500)!r}")


def trace() -> str:
    """Log a trace whose output is known, and return its id."""
    with mlflow.start_span("answer") as span:
        span.set_inputs({"question": "how much"})
        span.set_outputs("Answer: 42")
    mlflow.flush_trace_async_logging()
    return str(span.trace_id)


def main() -> None:
    experiment = mlflow.set_experiment(f"job-{uuid.uuid4().hex}").experiment_id
    traced = trace()
    judges = [RegexMatch(name=name, pattern=f"^{begin}") for name, begin in (("good", "Answer"), ("bad", "Reply"))]
    serialized = [json.dumps(judge.model_dump()) for judge in judges]
    wanted = {"experiment_id": experiment, "trace_ids": [traced], "serialized_scorers": serialized}
    job_id = call("POST", "/ajax-api/3.0/mlflow/genai/evaluate/invoke", wanted)["job_id"]
    end = time.monotonic() + HANGING_SECONDS
    while (job := call("GET", f"/ajax-api/3.0/jobs/{job_id}"))["status"] in ("PENDING", "RUNNING"):
        if time.monotonic() > end:
            sys.exit(f"after {HANGING_SECONDS} s the job is {job}")
        time.sleep(1)
    assessments = mlflow.get_trace(traced).info.assessments
    verdicts = {one.name: str(one.feedback.value) for one in assessments if one.feedback}
    if job["status"] != "SUCCEEDED" or verdicts != {"good": "yes", "bad": "no"}:
        sys.exit(f"the job ended as {job}, with the verdicts {verdicts}")
    print(f"job {job_id}: {job['result']}, verdicts {verdicts}")


if __name__ == "__main__":
    main()
