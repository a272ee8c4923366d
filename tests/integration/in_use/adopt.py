# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A docker-compose stack with MLflow 3.1.1 is taken over: refused, rehearsed, killed, done, and given back.

Usage: adopt.py INVENTORY STEP...   with the inventory of the scenario `adopted`; steps are the functions below
Everything that the old server kept is read through its API before and after, and must be equal.
"""

from __future__ import annotations

import json
import re
from typing import Any

from scenario import ROOT, Bed, kill_at, refusal, require, take_steps, tell

NAMES = ("traefik", "postgres", "minio", "mlflow")
OLD = "docker exec --interactive --env MLFLOW_TRACKING_URI=http://localhost:5000 {} mlflow python3 - {}"
BUCKET = """
import boto3, os
boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"]).create_bucket(Bucket="mlflow-artifacts")
"""
# What another database of this server has, that MLflow knows nothing of.
EXTENSIONS = """
docker exec --interactive postgres psql --username modelhub --dbname modelhub --quiet --set ON_ERROR_STOP=1 <<'SQL'
CREATE EXTENSION postgis;
CREATE EXTENSION postgis_topology;
CREATE TABLE camps (id int, place geometry(Point, 4326));
INSERT INTO camps VALUES (1, 'SRID=4326;POINT(1 2)');
SQL
"""
# Logs a step after the other, and keeps its own list of those that were acknowledged.
WRITER = """
import itertools, mlflow
mlflow.set_experiment("meanwhile")
with mlflow.start_run() as run:
    with open("/tmp/acknowledged", "a", buffering=1) as file:
        file.write(run.info.run_id + "\\n")
        for step in itertools.count():
            mlflow.log_metric("step", step, step=step)
            file.write(f"{step}\\n")
"""
WRITES = f"docker exec --detach --env MLFLOW_TRACKING_URI=http://localhost:5000 mlflow python3 -c '{WRITER}'"
HEALTH = """
docker exec mlflow python3 -c '
import urllib.request
print(urllib.request.urlopen("http://localhost:5000/health").read().decode())' 2>/dev/null || true
"""
ACKNOWLEDGED = "docker cp {}:/tmp/acknowledged - | tar --extract --to-stdout"
# Servers that keep their data elsewhere.
OTHER = """
docker run --detach --name {} --entrypoint mlflow "$(docker inspect --format '{{{{.Image}}}}' mlflow)" \
  server --backend-store-uri {} --host 127.0.0.1
"""
OTHERS = (
    ("files", "/tmp/mlruns", "its data are in files, and only those in PostgreSQL can be taken over"),
    ("lite", "sqlite:////tmp/mlflow.db", "its data are in sqlite"),
)
# All that a person would notice.
LISTING = """
docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.State}}' | sort
docker volume ls --quiet | sort
ls -A /opt /srv/infra
"""


def everything(bed: Bed) -> dict[str, Any]:
    """Of the server that there is now, by the client on another host."""
    found: dict[str, Any] = json.loads(bed.client("python3", "/e2e/everything.py"))
    return found


def old_everything(bed: Bed, *arguments: str) -> dict[str, Any]:
    """Of the old server, by its own client."""
    script = (ROOT / "tests/e2e/everything.py").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(old(bed, script, *arguments).splitlines()[-1])
    return found


def old(bed: Bed, script: str, *arguments: str) -> str:
    return bed.server(f"{OLD.format('', ' '.join(arguments))} <<'PYTHON'\n{script}\nPYTHON")


def filled(bed: Bed) -> None:
    """The old server has a good deal of everything, in a database with things of others."""
    old(bed, BUCKET)
    bed.server(EXTENSIONS)
    bed.server("docker update --restart always traefik mlflow")
    found = old_everything(bed, "fill")
    (bed.work / "old.json").write_text(json.dumps(found), encoding="utf-8")
    rows = sum(metric["rows"] for run in found["runs"] for metric in run["metrics"].values())
    files = sum(len(run["artifacts"]) for run in found["runs"])
    tell(
        f"{len(found['experiments'])} experiments, {len(found['runs'])} runs, {rows} rows of metrics, {files} files,"
        f" {len(found['versions'])} versions of models, {len(found['traces'])} traces"
    )


def refused(bed: Bed) -> None:
    """What would not be found again is refused, and the old stack is as it was."""
    before = bed.server(LISTING)
    refusal(bed, "adopt", "Set modelhub_s3_bucket to mlflow-artifacts", modelhub_s3_bucket="other")
    refusal(
        bed,
        "adopt",
        "There is no container nothing of another deployment",
        backup_adopt_containers={**{name: name for name in NAMES}, "mlflow": "nothing"},
    )
    refusal(bed, "adopt", "a network of that name is here already", modelhub_edge_network="infra_traefik-network")
    for name, uri, words in OTHERS:
        bed.server(OTHER.format(name, uri))
        names = {**{name: name for name in NAMES}, "mlflow": name}
        refusal(bed, "adopt", words, backup_adopt_containers=names)
        bed.server(f"docker rm --force {name}")
    require(bed.server(LISTING) == before, f"a refused run has changed something:\n{bed.server(LISTING)}\n{before}")


def rehearsed(bed: Bed) -> None:
    """Check mode tells what is taken, and changes nothing."""
    before = bed.server(LISTING)
    run = bed.playbook("adopt", "--check")
    said = "\n".join(run.said("messages", "server"))
    for words in (
        "MLflow 3.1.1",
        "MLflow does not know: public.camps, public.spatial_ref_sys",
        "the keys of the store, minioroot",
    ):
        require(words in said, f"{words!r} is not in what the rehearsal said:\n{said}")
    require(bed.server(LISTING) == before, "a rehearsal has changed something")
    tell(said)


def failed(bed: Bed) -> None:
    """Without room for a copy the old server goes on."""
    bed.server("mkdir -p /mnt/small && mount -t tmpfs -o size=8m tmpfs /mnt/small")
    refusal(bed, "adopt", "Make room, or set them to larger disks", adopt_dir="/mnt/small/bundles")
    bed.server("umount /mnt/small")
    require(old_everything(bed) == known(bed), "the old server has other data than before")


def killed(bed: Bed) -> None:
    """Killed wherever it hurts, and each time the next run goes on from there."""
    bed.server(WRITES)
    kill_at(bed, "adopt | Note which bundle holds all of it", "adopt")
    require(
        "exited" in bed.server("docker ps --all --filter name=^mlflow$ --format '{{.State}}'"), "the old server runs"
    )
    bed.server("docker start mlflow")
    bed.until(HEALTH, "OK")
    bed.server(f"docker exec --detach --env MLFLOW_TRACKING_URI=http://localhost:5000 mlflow python3 -c '{WRITER}'")
    for point in (
        "adopt | Copy while it is used",
        # The bundle that the first one has noted must not be taken for this one's.
        "adopt | Copy what has changed meanwhile",
        "adopt | Set them aside",
        "restore | Put objects and databases in place",
        "schema_make | Migrate",
        # Behind the restore, which must not be done once more.
        "Make backups by a timer",
    ):
        kill_at(bed, point, "adopt")


def taken(bed: Bed) -> None:
    """Everything is there, and everything that the old server has acknowledged until it was stopped."""
    run = bed.playbook("adopt")
    tell("\n".join(run.said("messages", "server")))
    aside = bed.server("docker ps --all --filter name=^adopted- --format '{{.Names}} {{.State}}' | sort").splitlines()
    require(aside == [f"adopted-{name} exited" for name in sorted(NAMES)], f"set aside: {aside}")
    # As after a reboot, also for those that were to run always.
    bed.server("systemctl restart docker")
    bed.until("docker inspect --format '{{.State.Health.Status}}' mlflow", "healthy")
    running = bed.server("docker ps --filter name=^adopted- --format '{{.Names}}'").split()
    require(not running, f"with the engine came {running}")
    (bed.work.parent / "client" / "ca.crt").write_bytes((bed.state_dir / "server" / "ca.crt").read_bytes())
    same(known(bed), everything(bed))
    acknowledged(bed)
    again = bed.playbook("adopt")
    require(again.changed() == [], f"once more it changed {again.changed()}")
    tell("\n".join(again.said("messages", "server")))
    site = bed.playbook("site")
    require(site.changed() == [], f"site.yml changed {site.changed()}")
    with_keys(bed)


def same(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What there was; the client's own runs, and those of `killed`, come on top."""
    for kind, wanted in before.items():
        lost = [one for one in wanted if one not in after[kind]]
        require(not lost, f"{kind}: {len(lost)} of {len(wanted)} are gone or differ, such as {lost[:1]}")
    tell(f"equal: {', '.join(f'{len(wanted)} {kind}' for kind, wanted in before.items())}")


def acknowledged(bed: Bed) -> None:
    """Runs of the writer, each with the steps that it was told are kept."""
    lines = bed.server(ACKNOWLEDGED.format("adopted-mlflow")).splitlines()
    steps = {"": 0}
    run = ""
    for line in lines:
        run = line if re.fullmatch(r"[0-9a-f]{32}", line) else run
        steps[run] = steps.get(run, 0) + (line != run)
    there = {one["run_id"]: one["metrics"].get("step", {"rows": 0})["rows"] for one in everything(bed)["runs"]}
    lost = {run: wanted - there.get(run, 0) for run, wanted in steps.items() if run and there.get(run, 0) < wanted}
    require(len(steps) > 2 and not lost, f"of {steps} these are lost: {lost}")
    tell(f"{sum(steps.values())} steps were acknowledged while it was taken over, and all of them are there")


def with_keys(bed: Bed) -> None:
    """A script of then, which has the administrator's keys of the store, sends its files straight there as before."""
    password = bed.server("cat /opt/modelhub/secrets/s3_root_password").strip()
    script = (
        "import boto3, os\n"
        f"s3 = boto3.client('s3', endpoint_url='https://minio-api.{bed.domain}', verify='/ca/ca.crt',\n"
        "  aws_access_key_id='minioroot', aws_secret_access_key=os.environ['SECRET'], region_name='us-east-1')\n"
        "s3.put_object(Bucket='mlflow-artifacts', Key='of-then', Body=b'x')\n"
        "print(s3.get_object(Bucket='mlflow-artifacts', Key='of-then')['Body'].read())\n"
    )
    said = bed.client("/usr/bin/python3", "-c", script, secret={"SECRET": password})
    require("b'x'" in said, f"the store said {said}")


def back(bed: Bed) -> None:
    """The old stack comes back as it was, with what it knew when it was set aside."""
    refusal(bed, "adopt", "Run opengeoai.modelhub.uninstall first", adopt_back=True)
    bed.playbook("uninstall")
    bed.playbook("adopt", given={"adopt_back": True})
    bed.until(HEALTH, "OK")
    same(known(bed), old_everything(bed))


def known(bed: Bed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bed.work / "old.json").read_text(encoding="utf-8"))
    return found


STEPS = {step.__name__: step for step in (filled, refused, rehearsed, failed, killed, taken, back)}


if __name__ == "__main__":
    take_steps(STEPS)
