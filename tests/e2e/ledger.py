"""What a stock client was acknowledged, kept outside of the server, to be found again after the server was lost.

Usage: ledger.py fill FOLDER SMALL LARGE MEGABYTES   log so many small artifacts and large ones, make an account
       ledger.py write FOLDER                        log numbered steps, with an artifact each, until told to stop
       ledger.py count FOLDER                        print how many steps were acknowledged
       ledger.py stop FOLDER                         tell it to stop
       ledger.py check FOLDER STEPS                  read everything back: what was filled, and so many steps at least

The environment holds address, login and CA. What is acknowledged stands in FOLDER the moment after.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import sys
import time
import typing as t
from pathlib import Path

import requests

ACCOUNT = "grace"
EXPERIMENT = "ledger"
PATIENCE_SECONDS = 120


def api(method: str, path: str, body: dict[str, t.Any], login: tuple[str, str] | None = None) -> requests.Response:
    url = f"{os.environ['MLFLOW_TRACKING_URI']}/api/{path}"
    login = login or (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
    given = {"params": body} if method == "GET" else {"json": body}
    return requests.request(method, url, auth=login, timeout=60, **given)  # type: ignore[arg-type]


def content(step: int) -> str:
    return f"weights after step {step}\n" * 100


def small_name(number: int) -> str:
    # Names that need to be quoted on their way, too
    return f"small/{number % 10}/file {number} (ä).bin"


def fill(folder: Path, small: str, large: str, megabytes: str) -> None:
    import mlflow

    data = folder / "data"
    sums = {}
    sizes = {small_name(one): 100 + one for one in range(int(small))}
    sizes |= {f"large/{one}.bin": int(megabytes) * 1_000_000 for one in range(int(large))}
    for number, (name, size) in enumerate(sizes.items()):
        file = data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        bytes_ = random.Random(number).randbytes(size)
        file.write_bytes(bytes_)
        sums[name] = hashlib.sha256(bytes_).hexdigest()
    experiment = mlflow.set_experiment(EXPERIMENT).experiment_id
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(data))
    password = secrets.token_urlsafe(18)
    api("POST", "2.0/mlflow/users/create", {"username": ACCOUNT, "password": password}).raise_for_status()
    grant = {"username": ACCOUNT, "resource_type": "experiment", "resource_id": experiment, "permission": "MANAGE"}
    api("POST", "3.0/mlflow/users/permissions/grant", grant).raise_for_status()
    filled = {"run": run.info.run_id, "sums": sums, "experiment": experiment, "password": password}
    (folder / "filled").touch(mode=0o600)
    (folder / "filled").write_text(json.dumps(filled), encoding="utf-8")


def acknowledged(folder: Path) -> list[int]:
    file = folder / "acknowledged"
    return [int(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def write(folder: Path) -> None:
    import mlflow

    mlflow.set_experiment(EXPERIMENT)
    step = 0
    with mlflow.start_run() as run, (folder / "acknowledged").open("w", encoding="utf-8", buffering=1) as out:
        (folder / "run").write_text(run.info.run_id, encoding="utf-8")
        while not (folder / "stop").exists():
            mlflow.log_metric("step", step, step=step)
            mlflow.log_text(content(step), f"steps/{step}.txt")
            out.write(f"{step}\n")
            step += 1


def count(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not acknowledged(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    print(len(acknowledged(folder)))


def stop(folder: Path) -> None:
    (folder / "stop").touch()


def check(folder: Path, steps: str) -> None:
    import mlflow

    client = mlflow.MlflowClient()
    filled = json.loads((folder / "filled").read_text(encoding="utf-8"))
    there = Path(client.download_artifacts(filled["run"], ""))
    found = {
        str(file.relative_to(there)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in there.rglob("*")
        if file.is_file()
    }
    lost = [f"artifact {name}" for name, value in filled["sums"].items() if found.get(name) != value]
    run = (folder / "run").read_text(encoding="utf-8")
    logged = {point.step for point in client.get_metric_history(run, "step")}
    wanted = acknowledged(folder)[: int(steps)]
    lost += [f"step {step}" for step in wanted if step not in logged]
    # What the restored database knows of, without having been promised it, has its artifact, too.
    texts = Path(client.download_artifacts(run, "steps"))
    for step in sorted({*wanted, *(step for step in logged if step + 1 in logged)}):
        file = texts / f"{step}.txt"
        if not file.exists() or file.read_text(encoding="utf-8") != content(step):
            lost.append(f"artifact of step {step}")
    answer = api("GET", "3.0/mlflow/users/permissions/list", {"username": ACCOUNT})
    granted = {row["resource_pattern"]: row["permission"] for row in answer.json().get("permissions", [])}
    if granted.get(filled["experiment"]) != "MANAGE":
        lost.append(f"permission of {ACCOUNT}: {granted}")
    if not api("GET", "2.0/mlflow/users/current", {}, (ACCOUNT, filled["password"])).ok:
        lost.append(f"login of {ACCOUNT}")
    if lost:
        raise SystemExit(f"{len(lost)} are lost: {lost[:10]}")
    print(f"{len(filled['sums'])} artifacts, {len(wanted)} of {len(logged)} steps, an account and its permission")


def main() -> None:
    command, folder, *rest = sys.argv[1:]
    Path(folder).mkdir(exist_ok=True)
    commands: dict[str, t.Callable[..., None]] = {
        "fill": fill,
        "write": write,
        "count": count,
        "stop": stop,
        "check": check,
    }
    commands[command](Path(folder), *rest)


if __name__ == "__main__":
    main()
