# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles are made while a client writes; what it was acknowledged is there again on a new server.

Usage: backup.py INVENTORY STEP...   with the inventory of the Molecule scenario `backup`; steps are the functions below
The environment may ask for more: BACKUP_SMALL and BACKUP_LARGE artifacts, BACKUP_MEGABYTES of each large one, and
BACKUP_KILLS of a backup at moments over its whole length.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from typing import Any

from scenario import Bed, refusal, require, take_steps, tell

FOLDER, OTHER_FOLDER = "/tmp/ledger", "/tmp/other-ledger"
LEDGER = ("python3", "/e2e/ledger.py")
SMALL, LARGE = os.environ.get("BACKUP_SMALL", "300"), os.environ.get("BACKUP_LARGE", "1")
MEGABYTES = os.environ.get("BACKUP_MEGABYTES", "50")
KILLS = int(os.environ.get("BACKUP_KILLS", "2"))
# What the steps of one server tell those of the next
NOTES = "backup.json"
# A second lock on what backups lock
HOLD = """
nohup timeout 600 python3 -c 'import fcntl, json, time
held = open("/opt/modelhub/backup/state/lock", "w")
fcntl.flock(held, fcntl.LOCK_EX)
held.write(json.dumps({"what": "backup", "since": time.time() - 100}))
held.flush()
time.sleep(600)' >/dev/null 2>&1 </dev/null &
echo $!
until ! flock --nonblock /opt/modelhub/backup/state/lock true; do sleep 0.1; done
"""
# Containers, when they were started, networks, directories and units
THERE = """
docker ps --all --quiet | xargs docker inspect --format '{{.Id}} {{.Name}} {{.State.StartedAt}}' | sort
docker network ls --format '{{.ID}} {{.Name}}' | sort
ls /opt; ls /etc/systemd/system
"""
ASIDE = """docker exec postgres psql --username postgres --no-align --tuples-only --command \
  "SELECT datname FROM pg_database WHERE datname LIKE '%\\_before\\_%'" """
# As for a login that draws charts; and who may do what with the database itself.
GRANTED = """
docker exec --interactive postgres psql --username postgres --dbname mlflow --quiet --set ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE grafana LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana;
SQL
"""
RIGHTS = """docker exec postgres psql --username postgres --no-align --tuples-only --command \
  "SELECT datname, datacl FROM pg_database WHERE datname LIKE 'mlflow%' AND datname !~ '_before_' ORDER BY 1" """
LOGIN = """docker exec postgres psql --username postgres --no-align --tuples-only --command \
  "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'grafana'" """
# Another content of the same size, in parts, of which a store tells no checksum.
OVERWRITE = """
import io, os
import boto3
from botocore.config import Config
store = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"],
                     config=Config(s3={"addressing_style": "path"}))
pages = store.get_paginator("list_objects_v2").paginate(Bucket="mlflow")
(found,) = [one for page in pages for one in page["Contents"] if one["Key"].endswith("/large/0.bin")]
store.upload_fileobj(io.BytesIO(os.urandom(found["Size"])), "mlflow", found["Key"])
"""
# Changes the byte in the middle of a file, or changes it back.
FLIP = """
import sys
with open(sys.argv[1], "r+b") as file:
    middle = file.seek(0, 2) // 2
    file.seek(middle)
    byte = file.read(1)
    file.seek(middle)
    file.write(bytes([byte[0] ^ 1]))
"""


class Place:
    """Where the bundles are: a container of its own."""

    def __init__(self, bed: Bed) -> None:
        self._container = f"{bed.network}-target"

    def run(self, script: str, data: str | None = None) -> str:
        command = ["docker", "exec", "--interactive", self._container, "sh", "-euc", script]
        return subprocess.run(command, input=data, capture_output=True, text=True, check=True).stdout

    def names(self) -> list[str]:
        return self.run("cd /data/bundles/bundles && ls").split()

    def complete(self) -> list[str]:
        return [one.split("/")[0] for one in self.run("cd /data/bundles/bundles && ls */manifest.json").split()]

    def manifest(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(f"cat /data/bundles/bundles/{name}/manifest.json"))
        return found

    def write_manifest(self, name: str, manifest: dict[str, Any]) -> None:
        """With a checksum that is right."""
        rest = {key: value for key, value in manifest.items() if key != "sha256"}
        rest["sha256"] = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
        self.run(f"cat >/data/bundles/bundles/{name}/manifest.json", json.dumps(rest))

    def flip(self, file: str) -> None:
        self.run(f"cd /data/bundles && python3 - '{file}'", FLIP)


def notes(bed: Bed, **more: Any) -> dict[str, Any]:
    file = bed.work / NOTES
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps({**known, **more}), encoding="utf-8")
    return {**known, **more}


def steps(bed: Bed) -> int:
    return int(bed.client(*LEDGER, "count", FOLDER))


def bundle(bed: Bed) -> tuple[float, str]:
    """Make a bundle by the playbook, and tell the seconds that it says it took, and its name."""
    bed.playbook("backup")
    place = Place(bed)
    name = place.complete()[-1]
    return float(place.manifest(name)["seconds"]), name


def saved(bed: Bed) -> None:
    """R-backup: bundles while a client writes. The second one takes less; one that has begun keeps others away."""
    place = Place(bed)
    bed.client(*LEDGER, "fill", FOLDER, SMALL, LARGE, MEGABYTES)
    bed.server(GRANTED)
    notes(bed, rights=bed.server(RIGHTS))
    bed.client(*LEDGER, "write", FOLDER, detach=True)
    steps(bed)
    refusal(bed, "site", 'backup_schedule is "61 * * * *", but systemd says:', backup_schedule="61 * * * *")
    holder = bed.server(HOLD).strip()
    refusal(bed, "backup", "backup has been running for ")
    bed.server(f"kill {holder}")
    first, name = bundle(bed)
    before = steps(bed)
    second, last = bundle(bed)
    require(steps(bed) > before, "nothing was written while the bundle was made")
    bed.client(*LEDGER, "stop", FOLDER)
    manifests = [place.manifest(one) for one in (name, last)]
    new = [one["objects"]["new_bytes"] for one in manifests]
    require(new[1] < new[0], f"the first bundle copied {new[0]} bytes, and the second one {new[1]}")
    require(manifests[0]["secrets"]["how"] == "encrypted", f"secrets are {manifests[0]['secrets']}")
    notes(bed, before=before, last=last, ca=(bed.state_dir / "server/ca.crt").read_text(encoding="utf-8"))
    tell(
        f"{before} steps were acknowledged before the second bundle; {first} s and {new[0]} bytes, then {second} s and"
        f" {new[1]} bytes"
    )


def killed(bed: Bed) -> None:
    """F37: what was begun and never completed is no bundle, and the next one removes it. What is old goes."""
    place = Place(bed)
    good = place.complete()
    for number in range(KILLS):
        bed.server("docker start backup")
        # From the first folder on; how long the rest takes is known.
        while len(place.names()) == len(good):
            time.sleep(0.05)
        time.sleep(number * 2.0 / max(1, KILLS))
        state = bed.server("docker kill backup >/dev/null 2>&1 && echo killed || echo ended").strip()
        complete = set(place.complete())
        if complete != set(good):
            # Its manifest is written last, and only the removal of old ones comes after it.
            require(len(complete - set(good)) == 1, f"{complete} are complete, and {good} were before")
            tell("a backup was complete before it was killed")
            # Which removes what that one did not come to.
            bundle(bed)
            good = place.complete()
            continue
        require(state == "killed", "a backup ended by itself, and left no bundle")
        begun = set(place.names()) - set(good)
        _seconds, name = bundle(bed)
        require(not begun & set(place.names()), f"{begun} is still there")
        good = place.complete()
        tell(f"{begun} was killed after {number * 2.0 / max(1, KILLS)} s, and gone after {name}")
    objects = place.run("cd /data/bundles/objects && find . -type f").splitlines()
    listed = {
        f"./{entry['at']}/{entry['key']}"
        for name in place.complete()
        for line in place.run(f"cat /data/bundles/bundles/{name}/objects.jsonl").splitlines()
        for entry in [json.loads(line)]
    }
    require(set(objects) == listed, f"{len(objects)} objects are there, and {len(listed)} are named by bundles")
    require(len(good) <= 3, f"three were to be kept, not {good}")


def healed(bed: Bed) -> None:
    """What the target has lost, or holds cut off, is copied once more by the next bundle, which can be restored."""
    place = Place(bed)
    large, small = (
        place.run(f"cd /data/bundles && ls objects/*/*/*/artifacts/{one}").splitlines()[0]
        for one in ("large/0.bin", "small/1/*")
    )
    place.run(f"cd /data/bundles && rm '{large}' && truncate --size=10 '{small}'")
    _seconds, name = bundle(bed)
    new = place.manifest(name)["objects"]["new"]
    require(new >= 2, f"{large} and {small} were to be copied once more, but {new} objects were")
    tell(f"the target had lost two objects, which are in {name}")


def refused(bed: Bed) -> None:
    """F38, B42: what must not be restored is refused by its field, before anything of a stack is on the new server."""
    place = Place(bed)
    good = place.complete()[-1]
    manifest = place.manifest(good)
    other = str(bed.work.parent / "other-identity")
    key = str(bed.work.parent / "identity")
    refusal(bed, "restore", "cannot be decrypted with backup_identity_file", backup_identity_file=other)
    place.flip(f"bundles/{good}/tracking.dump")
    refusal(bed, "restore", "tracking.dump differs from its checksum", backup_identity_file=key)
    place.flip(f"bundles/{good}/tracking.dump")
    large = place.run("cd /data/bundles && ls objects/*/*/*/artifacts/large/0.bin").split()[0]
    place.flip(large)
    refusal(bed, "restore", "0.bin differs from its checksum", backup_identity_file=key)
    place.flip(large)
    for field, value in {"format": 2, "domain": "other.test"}.items():
        place.write_manifest(good, {**manifest, field: value})
        refusal(bed, "restore", f"its field {field} is", backup_identity_file=key)
    place.write_manifest(good, manifest)
    left = bed.server("docker ps --all --quiet; ls /opt/modelhub")
    require("postgres" not in left and "minio" not in left, f"a refused restore left {left}")


def interrupted(bed: Bed) -> None:
    """F37: a restore whose controller and job are killed is finished by the next one; until then no bundle is made."""
    run = bed.start("restore", given={"backup_identity_file": str(bed.work.parent / "identity")})
    bed.until("docker ps --quiet --filter name=backup-restore | wc -l", "1")
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    bed.server("docker ps --quiet --filter name=backup-restore | xargs --no-run-if-empty docker kill")
    refusal(bed, "backup", "a restore was begun and is not complete")
    tell("a restore was killed in its midst")


def restored(bed: Bed) -> None:
    """F36: what was acknowledged before the bundle's start is there, with the same CA, login and accounts."""
    known = notes(bed)
    started = time.monotonic()
    key = str(bed.work.parent / "identity")
    run = bed.playbook("restore", given={"backup_identity_file": key})
    seconds = time.monotonic() - started
    require((bed.state_dir / "server/ca.crt").read_text(encoding="utf-8") == known["ca"], "the CA is another one")
    checked = bed.client(*LEDGER, "check", FOLDER, str(known["before"])).strip()
    tell(f"restored in {seconds:.0f} s: {checked}")
    tell("\n".join(run.said("messages", "server")))
    refusal(bed, "restore", "hold data, and a restore takes their place", backup_identity_file=key)
    again = bed.playbook("site")
    require(not again.changed(), f"a run after the restore changes {again.changed()}")
    rights = bed.server(RIGHTS)
    require(rights == known["rights"], f"who may do what with the databases was {known['rights']}, and is {rights}")
    require(bed.server(LOGIN).strip() == "f", "the role that was granted something is not there, or can log in")
    require(not bed.server("find /opt/modelhub/backup -name 'identity*' -o -name restoring").strip(), "a key was left")


def drilled(bed: Bed) -> None:
    """R-backup: a drill restores beside what runs, which does not notice. Nothing is left, nor of one that fails."""
    key = str(bed.work.parent / "identity")
    # Of its own: what is written now is in no bundle.
    bed.client("mkdir", "-p", OTHER_FOLDER)
    bed.client(*LEDGER, "write", OTHER_FOLDER, detach=True)
    before = bed.server(THERE)
    refusal(
        bed,
        "drill",
        "The drill removes what it has made, and /opt/modelhub/minio/data would be among it",
        backup_identity_file=key,
        minio_data_dir="/opt/modelhub/minio/data",
    )
    other = str(bed.work.parent / "other-identity")
    refusal(bed, "drill", "cannot be decrypted with backup_identity_file", backup_identity_file=other)
    require(bed.server(THERE) == before, f"a drill that failed left {bed.server(THERE)} in place of {before}")
    for _again in range(2):
        run = bed.playbook("drill", given={"backup_identity_file": key})
        tell("\n".join(run.said("messages", "server")))
        require(bed.server(THERE) == before, f"a drill left {bed.server(THERE)} in place of {before}")
    bed.client(*LEDGER, "stop", OTHER_FOLDER)


def forced(bed: Bed) -> None:
    """A restore over data that are there brings back those of the bundle, and sets aside what it finds."""
    known = notes(bed)
    before = bed.server(ASIDE).split()
    bed.server(f"docker exec --interactive mlflow python3 - <<'PYTHON'\n{OVERWRITE}\nPYTHON")
    run = bed.playbook(
        "restore", given={"backup_identity_file": str(bed.work.parent / "identity"), "restore_force": True}
    )
    aside = [name for name in bed.server(ASIDE).split() if name not in before]
    said = "\n".join(run.said("messages", "server"))
    require(len(aside) == 2 and all(name in said for name in aside), f"{aside} are set aside, and told was {said}")
    tell(f"{aside} are set aside: {bed.client(*LEDGER, 'check', FOLDER, str(known['before'])).strip()}")


STEPS = {
    "saved": saved,
    "killed": killed,
    "healed": healed,
    "refused": refused,
    "restored": restored,
    "drilled": drilled,
    "interrupted": interrupted,
    "forced": forced,
}


if __name__ == "__main__":
    take_steps(STEPS)
