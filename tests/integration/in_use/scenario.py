# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Molecule scenario that is up, as the tests of a server in use see it: controller, server and client."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[3]
LISTING = ROOT / "molecule" / "shared" / "files" / "listing.sh"
# Many times what a slow machine needs.
PATIENCE_SECONDS = 900
ASK_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    """What a playbook run left behind: exit code, and what the callback run_record tells of it."""

    code: int
    record: dict[str, Any]
    output: str

    def said(self, kind: str, host: str) -> list[str]:
        """The `messages` of a host, or those with which its tasks `failed`."""
        return [one["message"] for one in self.record[kind] if one["host"] == host]

    def changed(self) -> list[str]:
        return [one["task"] for one in self.record["changed"]]

    def has_changed(self, task: str) -> bool:
        return any(name.endswith(task) for name in self.changed())


class Bed:
    def __init__(self, inventory: Path) -> None:
        self.inventory = inventory
        shown = self._run(["ansible-inventory", "-i", str(inventory), "--host", "server"])
        variables = json.loads(shown)
        self.address = str(variables["ansible_host"])
        self.client_address = str(variables["test_client_ip"])
        self.domain = str(variables["modelhub_domain"])
        self.network = str(variables["test_network"])
        self.state_dir = Path(variables["modelhub_state_dir"])
        self.work = Path(variables["test_ephemeral"]) / "in_use"
        self.work.mkdir(mode=0o700, exist_ok=True)

    @staticmethod
    def _run(command: list[str], text: str | None = None, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            command, input=text, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, playbook: str, *arguments: str, given: dict[str, Any] | None = None) -> list[str]:
        """The command line of a playbook run. What is given may be secret: it goes into a file."""
        file = self.work / "given.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(given or {}), encoding="utf-8")
        start = ["ansible-playbook", "-vvv", "--diff", "--inventory", str(self.inventory), "--extra-vars", f"@{file}"]
        return [*start, *arguments, str(ROOT / "playbooks" / f"{playbook}.yml")]

    def environment(self, **more: str) -> dict[str, str]:
        """Of a playbook run that records itself, in a file of its own."""
        return {
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "molecule/shared/callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "run_record,opengeoai.modelhub.light_forks",
            "ANSIBLE_PIPELINING": "true",
            "RUN_RECORD_PATH": str(self.work / f"record-{time.monotonic_ns()}"),
            **more,
        }

    def start(self, playbook: str, *arguments: str, given: dict[str, Any] | None = None) -> Started:
        return Started(self.command(playbook, *arguments, given=given), self.environment())

    def playbook(self, playbook: str, *arguments: str, given: dict[str, Any] | None = None) -> Run:
        """Run a playbook that must end well."""
        run = self.start(playbook, *arguments, given=given).wait()
        if run.code != 0:
            raise SystemExit(
                f"{playbook} {shlex.join(arguments)} failed:\n{run.record.get('failed')}\n{run.output[-3000:]}"
            )
        return run

    def server(self, script: str, **variables: str) -> str:
        """Run a script of bash as root on the server and return what it prints. Variables may be secret."""
        lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
        command = ["docker", "exec", "--interactive", f"{self.network}-server", "bash", "-s"]
        return self._run(command, "\n".join(["set -euo pipefail", *lines, script]))

    def until(self, script: str, wanted: str) -> None:
        """Wait until a script on the server prints something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.server(script).strip()) != wanted:
            if time.monotonic() > deadline:
                raise SystemExit(f"{script} never gave {wanted!r}; the last was {found!r}")
            time.sleep(0.5)

    def client(self, *argv: str, detach: bool = False, secret: dict[str, str] | None = None) -> str:
        """Run a command in the client, whose environment holds what a user would set, and return what it prints."""
        environment = {
            "HOME": "/tmp",
            "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "MLFLOW_TRACKING_URI": f"https://mlflow.{self.domain}",
            "REQUESTS_CA_BUNDLE": "/ca/ca.crt",
        }
        options = [f"--env={name}={value}" for name, value in environment.items()]
        secret = {**self.login(), **(secret or {})}
        # What is secret comes to `docker exec` by its own environment.
        options += [f"--env={name}" for name in secret] + (["--detach"] if detach else [])
        return self._run(["docker", "exec", *options, f"{self.network}-client", *argv], env=secret)

    def login(self) -> dict[str, str]:
        """The administrator's login, as a person finds it on the controller; none where MLflow has no accounts."""
        lines = (self.state_dir / "server" / "client.env").read_text(encoding="utf-8").splitlines()
        found = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
        return {name: value for name, value in found.items() if name.endswith(("_USERNAME", "_PASSWORD"))}

    def listing(self) -> list[str]:
        """Files, packages, containers, images and networks of the server, and what the controller keeps of it."""
        controller = self._run(["find", str(self.state_dir), "-printf", "%p %y %m %U:%G %s %T@ %l\n"])
        return [*self.server(LISTING.read_text(encoding="utf-8")).splitlines(), *controller.splitlines()]


class Started:
    """A playbook that runs in a session of its own."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._record = Path(environment["RUN_RECORD_PATH"])
        self._output = Path(f"{self._record}.out")
        with self._output.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def go_on(self) -> Run:
        """Let a run that is held come to its end."""
        os.kill(self.process.pid, signal.SIGCONT)
        return self.wait()

    def wait(self) -> Run:
        code = self.process.wait()
        # A run that never came to its end has no record.
        record = json.loads(self._record.read_text(encoding="utf-8")) if self._record.exists() else {}
        return Run(code, record, self._output.read_text(encoding="utf-8", errors="replace"))


class Outage:
    """How long the server does not answer, for the length of a `with`."""

    def __init__(self, bed: Bed) -> None:
        self.seconds = 0.0
        self._bed = bed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        answered = time.monotonic()
        while not self._ended.wait(ASK_SECONDS):
            if self._answers():
                answered = time.monotonic()
            self.seconds = max(self.seconds, time.monotonic() - answered)

    def _answers(self) -> bool:
        # Certificates are the client's to judge.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        asked = f"GET /health HTTP/1.1\r\nHost: mlflow.{self._bed.domain}\r\nConnection: close\r\n\r\n"
        try:
            raw = socket.create_connection((self._bed.address, 443), 5)
            with raw, context.wrap_socket(raw, server_hostname=f"mlflow.{self._bed.domain}") as connection:
                connection.sendall(asked.encode())
                return b" 200 " in connection.recv(100)
        except OSError:
            return False


class Training:
    """The training loop of tests/e2e/train.py in the client."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._folder = f"/tmp/training-{time.time_ns()}"
        bed.client("python3", "/e2e/train.py", "run", self._folder, detach=True)
        self.goes_on()

    def goes_on(self) -> str:
        """Wait for further steps; no call may have failed."""
        return self._bed.client("python3", "/e2e/train.py", "more", self._folder).strip()

    def end(self) -> str:
        """Stop it; everything that was acknowledged must be there."""
        return self._bed.client("python3", "/e2e/train.py", "stop", self._folder).strip()


def require(true: object, message: str) -> None:
    if not true:
        raise SystemExit(message)


def tell(text: str) -> None:
    print(text)
    sys.stdout.flush()


def refusal(bed: Bed, playbook: str, wanted: str, **given: Any) -> str:
    """A run must be refused by these words; returns all that it said."""
    ended = bed.start(playbook, given=given).wait()
    said = "\n".join(ended.said("failed", "server"))
    require(ended.code != 0 and wanted in said, f"{wanted!r} was expected, not {said or ended.output[-3000:]}")
    tell(f"refused: {said}")
    return said


def start_until(bed: Bed, point: str, playbook: str, given: dict[str, Any] | None = None) -> Started:
    """Start a playbook, and hold it where it stands when a task begins: what the task does may be under way."""
    steps = bed.work / "steps"
    steps.unlink(missing_ok=True)
    run = Started(bed.command(playbook, given=given), bed.environment(RUN_RECORD_STEPS=str(steps)))
    while not (steps.exists() and point in steps.read_text(encoding="utf-8")):
        require(run.process.poll() is None, f"the run ended before {point!r}")
        time.sleep(0.05)
    os.kill(run.process.pid, signal.SIGSTOP)
    return run


def kill_at(bed: Bed, point: str, playbook: str, given: dict[str, Any] | None = None) -> None:
    """Kill the controller when a task begins, and not what it has begun on the server."""
    kill(start_until(bed, point, playbook, given))
    tell(f"killed at {point}")


def kill(run: Started) -> None:
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()


def take_steps(steps: Mapping[str, Callable[[Bed], None]]) -> None:
    """Take the steps that the command line names after the inventory of the scenario."""
    bed = Bed(Path(sys.argv[1]))
    for name in sys.argv[2:]:
        tell(f"== {name}")
        steps[name](bed)
