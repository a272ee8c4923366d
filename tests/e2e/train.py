"""A training loop of the stock MLflow client, which logs while the server is disturbed and loses nothing.

Usage: train.py run FOLDER [SECONDS]   log until told to stop, or for so many seconds; then read everything back
       train.py more FOLDER [STEPS]    wait until so many steps more have been logged (12), none of them in vain
       train.py stop FOLDER            tell it to stop, and print what it logged

The environment holds address, login and CA and nothing that tunes the client: what it survives, it
survives by its own retries. Every step logs a metric, every tenth an artifact as well. FOLDER/acknowledged has a line
for each step whose call returned, FOLDER/failed one for each call that raised.
"""

from __future__ import annotations

import json
import os
import sys
import time
import typing as t
from pathlib import Path

ADDRESS = {"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
STEP_SECONDS = 0.2
ARTIFACT_STEPS = 10
# The client itself gives up after four minutes.
PATIENCE_SECONDS = 900


def content(step: int) -> str:
    return f"weights after step {step}\n" * 100


class Training:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.longest = 0.0
        self.artifacts: list[int] = []

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def note(self, name: str, text: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as out:
            out.write(text + "\n")

    def call(self, step: int, what: str, log: t.Callable[[], object]) -> bool:
        """Make a call as a training job does, and go on where the job would have ended."""
        started = time.monotonic()
        try:
            log()
        except Exception as error:
            self.note("failed", f"step {step}: {what} after {time.monotonic() - started:.0f} s: {str(error)[:500]!r}")
            return False
        finally:
            self.longest = max(self.longest, time.monotonic() - started)
        return True

    def step(self, step: int) -> None:
        import mlflow

        if self.call(step, "log_metric", lambda: mlflow.log_metric("loss", 1 / (step + 1), step=step)):
            self.note("acknowledged", str(step))
        artifact = f"weights/{step}.txt"
        if step % ARTIFACT_STEPS == 0 and self.call(step, "log_text", lambda: mlflow.log_text(content(step), artifact)):
            self.artifacts.append(step)

    def run(self, seconds: float) -> dict[str, object]:
        import mlflow

        tuned = {key for key in os.environ if key.startswith(("MLFLOW_", "AWS_"))} - ADDRESS
        if tuned:
            raise SystemExit(f"the client is tuned by {sorted(tuned)}")
        mlflow.set_experiment(f"training-{time.time_ns()}")
        deadline = time.monotonic() + seconds
        with mlflow.start_run() as run:
            step = 0
            while time.monotonic() < deadline and not (self.folder / "stop").exists():
                self.step(step)
                step += 1
                time.sleep(STEP_SECONDS)
        return {"steps": step, "artifacts": len(self.artifacts), "lost": self.lost(str(run.info.run_id))}

    def lost(self, run_id: str) -> list[str]:
        """Name what was acknowledged and is not there."""
        import mlflow

        client = mlflow.MlflowClient()
        history = {(point.step, point.value) for point in client.get_metric_history(run_id, "loss")}
        wanted = {(int(step), 1 / (int(step) + 1)) for step in self.lines("acknowledged")}
        lost = [f"step {step}" for step, _unused in sorted(wanted - history)]
        for step in self.artifacts:
            path = client.download_artifacts(run_id, f"weights/{step}.txt")
            if Path(path).read_text(encoding="utf-8") != content(step):
                lost.append(f"artifact of step {step}")
        return lost


def run(folder: Path, seconds: str = "86400") -> None:
    folder.mkdir(parents=True)
    training = Training(folder)
    try:
        result = training.run(float(seconds))
    except Exception as error:
        # Before the loop or after it; whoever waits for the result shall see why there is none.
        training.note("failed", f"the job itself: {str(error)[:500]!r}")
        result = {}
    result |= {"failed": training.lines("failed"), "longest_call_seconds": round(training.longest, 1)}
    partial = folder / "result.part"
    partial.write_text(json.dumps(result), encoding="utf-8")
    partial.rename(folder / "result")


def more(folder: Path, steps: str = "12") -> None:
    training = Training(folder)
    before = len(training.lines("acknowledged"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    failed = training.lines("failed")
    while not failed and len(training.lines("acknowledged")) < before + int(steps):
        if time.monotonic() > deadline or (folder / "result").exists():
            raise SystemExit(f"no {steps} steps more than {before} within {PATIENCE_SECONDS} s, or the job has ended")
        time.sleep(0.2)
        failed = training.lines("failed")
    if failed:
        raise SystemExit(f"{len(failed)} calls of the training failed: {failed[:5]}")
    print(f"{len(training.lines('acknowledged'))} steps, no failed call")


def stop(folder: Path) -> None:
    (folder / "stop").touch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder / "result").exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"the training did not end within {PATIENCE_SECONDS} s")
        time.sleep(0.2)
    result = json.loads((folder / "result").read_text(encoding="utf-8"))
    print(json.dumps(result))
    if result["failed"] or result["lost"] or not result["artifacts"]:
        raise SystemExit("calls failed, or something that was acknowledged is lost")


def main() -> None:
    command, folder, *rest = sys.argv[1:]
    {"run": run, "more": more, "stop": stop}[command](Path(folder), *rest)


if __name__ == "__main__":
    main()
