# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs are killed at points spread over a first converge, a rotation and an upgrade; the next run must finish the work.

Usage: sweep.py INVENTORY [POINTS]   with the inventory of a Molecule scenario whose server is up (default: 20 points)
A point is a task and the seconds into it, measured in a run that nobody disturbed: of each two, one is at the border
between two tasks, one where a clock would strike. With 4 points each run is killed once, where it hurts most, and so is
one that gives the administrator another password. The controller's process gets SIGKILL; what it has begun on the
server goes on, and the next run starts at once. It must end with the same containers and files as an undisturbed one,
the secrets that were there, and a client that works. During rotation and upgrade a training loop logs: none of its
calls may fail, nothing acknowledged may be lost (F11, F43).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.append(str(Path(__file__).resolve().parent.parent / "in_use"))

from scenario import Bed, Started, Training, require, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    Mask = Callable[[dict[str, Any]], dict[str, Any]]

HERE = Path(__file__).parent
LOOK = HERE / "look.py"
SECRETS = "find /opt/modelhub/secrets -type f -exec sha256sum {} + 2>/dev/null || true"
# What is made at random on the server, or follows from that: alike in kind, owner and mode only.
RANDOM = re.compile(
    r"/secrets/|/ca/|/server\.(key|crt)$|/ca(-bundle)?\.crt$|/client\.env$|/given/|/server-|/dynamic/certificates"
)
# A certificate and its key, called by their hash
PAIR = re.compile(r"/server-[0-9a-f]{16}\.pem$")
SALTED = "org.opengeoai.modelhub.config"


class Step(NamedTuple):
    """A task of a run: the seconds at which it started, its name, and whether it was more than skipped."""

    started: float
    name: str
    ran: bool


class Point(NamedTuple):
    """A task, how long it has been running, and how often one of its name has started before."""

    name: str
    seconds: float = 0.0
    before: int = 0

    def reached(self, steps: list[Step]) -> bool:
        return sum(step.name == self.name for step in steps) > self.before

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s into {self.name}"


# Where one point must do: after the database has the roles and before it is itself there; after the server has the new
# password of the administrator and before MLflow does; the same of the database; while the new container starts.
DELICATE = {
    "first converge": Point("opengeoai.modelhub.postgres : databases | Make the databases of MLflow"),
    "login": Point("opengeoai.modelhub.mlflow : accounts | Give the administrator the password"),
    "rotation": Point("opengeoai.modelhub.mlflow : install | Write the directories and files"),
    "upgrade": Point("opengeoai.modelhub.mlflow : container | Run the container", 1.0),
}


def read_steps(file: Path) -> list[Step]:
    """Return the tasks that run_record has noted so far."""
    steps: list[Step] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        seconds, what, name = line.split(" ", 2)
        if what == "start":
            steps.append(Step(float(seconds), name, False))
        elif what != "skipped":
            steps[-1] = steps[-1]._replace(ran=True)
    return steps


def spread(steps: list[Step], total: float, count: int) -> list[Point]:
    """Return points over a run, in turn at the start of a task and by the clock."""
    ran = [number for number, step in enumerate(steps) if step.ran]
    points = []
    for index in range(count):
        share = (index + 0.5) / count
        if index % 2:
            number = max(number for number, step in enumerate(steps) if step.started <= share * total)
            seconds = share * total - steps[number].started
        else:
            number, seconds = ran[int(share * len(ran))], 0.0
        name = steps[number].name
        points.append(Point(name, seconds, sum(step.name == name for step in steps[:number])))
    return points


class Sweep:
    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.faults: list[str] = []
        self._steps = bed.work / "steps"

    def start(self, given: dict[str, Any]) -> Started:
        self._steps.unlink(missing_ok=True)
        return Started(self.bed.command("site", given=given), self.bed.environment(RUN_RECORD_STEPS=str(self._steps)))

    def run(self, given: dict[str, Any]) -> tuple[list[Step], float]:
        """Deploy undisturbed; return the tasks and the seconds it took."""
        run = self.start(given).wait()
        require(run.code == 0, f"an undisturbed run failed: {run.record.get('failed')}\n{run.output[-2000:]}")
        return read_steps(self._steps), float(run.record["seconds"])

    def kill(self, given: dict[str, Any], point: Point) -> None:
        """Deploy, and kill the controller's process at the point."""
        run = self.start(given)
        while not point.reached(read_steps(self._steps)):
            if run.process.poll() is not None:
                raise SystemExit(f"the run ended before {point}: {run.wait().record}")
            time.sleep(0.01)
        time.sleep(point.seconds)
        require(run.process.poll() is None, f"the run was over {point}")
        os.kill(run.process.pid, signal.SIGKILL)
        run.process.wait()

    def point(self, what: str, given: dict[str, Any], point: Point, wanted: dict[str, Any], mask: Mask) -> None:
        """Kill a run; the next one must end well, and find every secret that was there and was not given anew."""
        try:
            self.kill(given, point)
            before = self.secrets()
            started = time.monotonic()
            self.bed.playbook("site", given=given)
            seconds = time.monotonic() - started
            self.trust()
            after = self.secrets()
            kept = {name: value for name, value in before.items() if f"modelhub_{name}" not in given}
            lost = [name for name, value in kept.items() if value != after.get(name)]
            require(not lost, f"these secrets were lost: {lost}")
            differ = differences(mask(self.look()), mask(wanted))
            require(not differ, "after the next run these differ from an undisturbed one: " + "\n".join(differ))
            self.bed.client("python3", "/e2e/client.py", "--light")
            tell(f"{what}: killed {point}; the next run finished in {seconds:.0f} s")
        except SystemExit as fault:
            self.faults.append(f"{what}: killed {point}: {fault}")
            tell(f"FAULT {self.faults[-1]}")

    def secrets(self) -> dict[str, str]:
        lines = self.bed.server(SECRETS).splitlines()
        return {line.rpartition("/")[2]: line.split()[0] for line in lines}

    def trust(self) -> None:
        """Hand the client the CA of the server as it is now."""
        shutil.copyfile(self.bed.state_dir / "server" / "ca.crt", self.bed.work.parent / "client" / "ca.crt")

    def purge(self) -> None:
        self.bed.playbook("uninstall", given={"modelhub_purge": True})

    def look(self) -> dict[str, Any]:
        """Containers, networks and files of server and controller, as far as they do not depend on time and chance."""
        found: dict[str, Any] = json.loads(
            self.bed.server(f"python3 - <<'PYTHON'\n{LOOK.read_text(encoding='utf-8')}\nPYTHON")
        )
        controller = subprocess.run(
            [sys.executable, str(LOOK), str(self.bed.state_dir)], capture_output=True, text=True, check=True
        )
        found["controller"] = json.loads(controller.stdout)["files"]
        return found


def masked(found: dict[str, Any]) -> dict[str, Any]:
    """Without what differs between two deployments that are equally good."""
    copy: dict[str, Any] = json.loads(json.dumps(found))
    for files in (copy["files"], copy["controller"]):
        for path in list(files):
            if RANDOM.search(path):
                files[path]["sha256"] = ""
            files[PAIR.sub("/server.pem", path)] = files.pop(path)
    for container in copy["containers"].values():
        container["Config"]["Labels"].pop(SALTED, None)
    return copy


def unmasked(found: dict[str, Any]) -> dict[str, Any]:
    return found


def differences(found: Any, wanted: Any, where: str = "") -> list[str]:
    """Name the places where two descriptions differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = sorted(found.keys() | wanted.keys())
        return [one for key in keys for one in differences(found.get(key), wanted.get(key), f"{where} {key}")]
    return [] if found == wanted else [f"{where.strip()}: {found!r} instead of {wanted!r}"]


def first_converge(sweep: Sweep, count: int) -> None:
    """Engine and images are there; everything else is made anew."""
    sweep.purge()
    steps, seconds = sweep.run({})
    wanted = sweep.look()
    for point in spread(steps, seconds, count):
        sweep.purge()
        sweep.point("first converge", {}, point, wanted, masked)


def to_and_fro(sweep: Sweep, what: str, givens: list[dict[str, Any]], count: int, after: Callable[[int], None]) -> None:
    """Deploy one of two settings after the other, each time interrupted; the server is at the first one."""
    wanted = [sweep.look()]
    after(0)
    steps, seconds = sweep.run(givens[1])
    wanted.append(sweep.look())
    after(1)
    for index, point in enumerate(spread(steps, seconds, count)):
        number = index % 2
        sweep.point(what, givens[number], point, wanted[number], unmasked)
        after(number)


def rotation(sweep: Sweep, count: int) -> None:
    """The password of the database is changed to and fro."""
    passwords = [sweep.bed.server("cat /opt/modelhub/secrets/db_password"), secrets.token_hex(16)]
    givens = [{"modelhub_db_password": password} for password in passwords]
    to_and_fro(
        sweep, "rotation", givens, count, lambda number: log_in(sweep.bed, passwords[number], passwords[1 - number])
    )


def upgrade(sweep: Sweep, count: int) -> None:
    """MLflow's image gets another tag, which has to be pulled, and its old one again."""
    images = [sweep.bed.server("docker inspect --format '{{.Config.Image}}' mlflow").strip()]
    images.append(another_tag(sweep.bed, images[0]))
    givens = [{"mlflow_image": image} for image in images]
    to_and_fro(sweep, "upgrade", givens, count, lambda number: forget(sweep.bed, images[1 - number]))


def delicate(sweep: Sweep) -> None:
    """One point of each kind, held against the server as an undisturbed run leaves it."""
    sweep.purge()
    sweep.run({})
    bed, wanted = sweep.bed, sweep.look()
    sweep.purge()
    sweep.point("first converge", {}, DELICATE["first converge"], wanted, masked)
    given = {"modelhub_mlflow_admin_password": secrets.token_hex(16)}
    sweep.point("login", given, DELICATE["login"], wanted, masked)
    training = Training(bed)
    passwords = [bed.server("cat /opt/modelhub/secrets/db_password"), secrets.token_hex(16)]
    sweep.point("rotation", {"modelhub_db_password": passwords[1]}, DELICATE["rotation"], wanted, masked)
    log_in(bed, passwords[1], passwords[0])
    config = wanted["containers"]["/mlflow"]["Config"]
    config["Image"] = another_tag(bed, config["Image"])
    sweep.point("upgrade", {"mlflow_image": config["Image"]}, DELICATE["upgrade"], wanted, masked)
    tell(f"training: {training.end()}")


def another_tag(bed: Bed, image: str) -> str:
    """Push the server's own image under another tag and return its name; the server forgets it."""
    other = f"{image}-next"
    bed.server(
        'docker tag "$image" "$other" && docker push --quiet "$other" && docker rmi "$other"', image=image, other=other
    )
    return other


def forget(bed: Bed, image: str) -> None:
    """Take a name away from an image, so that the next run pulls it."""
    bed.server('docker rmi "$image" 2>/dev/null || true', image=image)


def log_in(bed: Bed, password: str, former: str) -> None:
    """MLflow's role has this password and not the former one."""
    script = "docker exec --env PGPASSWORD postgres psql -h 127.0.0.1 -U mlflow -d mlflow -tAc 'SELECT 1' 2>&1 || true"
    for value, wanted in ((password, "1"), (former, "password authentication failed")):
        answer = bed.server(f"export PGPASSWORD\n{script}", PGPASSWORD=value)
        require(wanted in answer, f"psql was to answer {wanted}, but said {answer}")


def main() -> None:
    inventory, *rest = sys.argv[1:]
    count = int(rest[0]) if rest else 20
    sweep = Sweep(Bed(Path(inventory)))
    if count == len(DELICATE):
        delicate(sweep)
    else:
        shares = [count // 3 + (index < count % 3) for index in range(3)]
        first_converge(sweep, shares[0])
        training = Training(sweep.bed)
        rotation(sweep, shares[1])
        upgrade(sweep, shares[2])
        tell(f"training: {training.end()}")
    tell(f"{count} points, {len(sweep.faults)} faults")
    sys.exit(bool(sweep.faults))


if __name__ == "__main__":
    main()
