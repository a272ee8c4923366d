# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of a server in use: that fail, that are killed, and that are done.

Usage: upgrade.py INVENTORY STEP...   with the inventory of a scenario that is up; steps are the functions below
In `renewed` and `major` a stock MLflow client trains, without a setting of its own: none of its calls may fail, nothing
that was acknowledged may be lost.
"""

from __future__ import annotations

import re
import time
from typing import Any

from scenario import Bed, Outage, Training, kill, kill_at, refusal, require, take_steps, tell

# Two releases of MLflow that have a migration more than that of the server; one does not start.
NEXT_RELEASES = """
versions=$(docker exec mlflow python3 -c 'import mlflow.store as s; print(s.__path__[0] + "/db_migrations/versions")')
image=$(docker inspect --format '{{.Image}}' mlflow)
docker run --interactive --name next --user 0 --env "versions=$versions" "$image" bash -s <<'BASH'
rm -f /usr/local/share/modelhub/expected_schema.json
cat >"$versions/of_the_next.py" <<'PYTHON'
import sqlalchemy as sa
from alembic import op
revision, down_revision = "eeeeeeeeeeee", "HEAD"
def upgrade():
    op.create_table("of_the_next", sa.Column("key", sa.Integer, primary_key=True))
    op.add_column("runs", sa.Column("of_the_next", sa.String(10)))
PYTHON
BASH
as_before=(--change 'CMD ["mlflow-server"]' --change 'USER 1001:1001')
docker commit "${as_before[@]}" next test/mlflow:next
docker rm next
docker run --name broken --user 0 test/mlflow:next ln -sf /bin/false /usr/local/bin/mlflow-server
docker commit "${as_before[@]}" broken test/mlflow:broken
docker rm broken
"""
REVISION = "docker exec postgres psql -U postgres -d mlflow -tAc 'SELECT version_num FROM alembic_version'"
RUNS = "docker inspect --format '{{{{.Image}}}}' {}"
RUNS_IMAGE = RUNS.format("mlflow")
SERVICES = ("traefik", "postgres", "minio", "mlflow")
# Of each service an image that works like the one that runs, and one whose program ends at once.
OTHER_IMAGES = """
for pair in traefik:traefik postgres:postgres minio:minio mlflow:mlflow-server; do
  service=${pair%:*} program=${pair#*:}
  image=$(docker inspect --format '{{.Image}}' "$service")
  user=$(docker image inspect --format '{{.Config.User}}' "$image")
  printf 'FROM %s\\nLABEL test=next\\n' "$image" | docker build --quiet --tag "test/$service:next" -
  printf 'FROM %s\\nUSER 0\\nRUN ln -sf /bin/false "$(command -v %s)"\\nUSER %s\\n' "$image" "$program" "${user:-0}" |
    docker build --quiet --tag "test/$service:broken" -
done
"""
IMAGES = """
for service in traefik postgres minio mlflow; do
  image=$(docker inspect --format '{{.Image}}' "$service")
  printf 'FROM %s\\nLABEL test=next\\n' "$image" | docker build --quiet --tag "test/$service:next" -
  printf 'FROM %s\\nENTRYPOINT ["/bin/false"]\\n' "$image" | docker build --quiet --tag "test/$service:broken" -
done
"""
IMAGES = "for name in traefik postgres minio mlflow; do docker inspect --format '{{.Name}} {{.Image}}' $name; done"
MAJOR = "docker exec postgres psql -U postgres -tAc 'SHOW server_version_num' | cut -c 1-2"
NEWER = {"postgres_version": "18.4-trixie"}
# What nobody but the dump would bring along, and how it is there after it.
OWN = """
docker exec --interactive postgres psql --username postgres --quiet --set ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE analyst LOGIN CONNECTION LIMIT 7;
CREATE DATABASE "of a person" OWNER analyst;
ALTER DATABASE "of a person" SET work_mem = '7MB';
\\connect "of a person"
CREATE TABLE "of a person" AS SELECT generate_series(1, 1000) AS number;
GRANT SELECT ON "of a person" TO analyst;
SQL
"""
OWN_THERE = """
docker exec postgres psql -U postgres -d 'of a person' -tAc "SELECT count(*), current_setting('work_mem'), rolconnlimit
  FROM \\"of a person\\", pg_roles WHERE rolname = 'analyst' GROUP BY 2, 3"
"""
# By hand, so that it can be moved once more.
OLD_AGAIN = """
docker rm --force postgres >/dev/null
cd /opt/modelhub/postgres && rm -r data && mv data.17 data
"""
# As only a person can move it.
CANNOT_MOVE = """
docker exec postgres mkdir /var/lib/postgresql/data/other
docker exec postgres psql -U postgres -qc "CREATE TABLESPACE other LOCATION '/var/lib/postgresql/data/other'"
"""
CAN_MOVE = """
docker exec postgres psql -U postgres -qc 'DROP TABLESPACE other'
docker exec postgres rm -r /var/lib/postgresql/data/other
"""
# Where a run is killed while the data are moved, by the task that begins.
POINTS = (
    "postgres : major | Dump the old cluster",
    "postgres : major | Load the new cluster",
    "postgres : major | Put the new data in their place",
    "postgres : container | Run the container",
)


def upgraded(bed: Bed) -> None:
    """A release that does not start after its migration is taken back, one that works stays, until it is to go, too."""
    head = bed.server(REVISION).strip()
    image = bed.server(RUNS_IMAGE)
    bed.server(NEXT_RELEASES.replace("HEAD", head))
    kept = f"/tmp/upgraded-{time.time_ns()}"
    bed.client("python3", "/e2e/client.py", "--light", "--keep", kept)

    given = {"mlflow_db_upgrade": True, "mlflow_image": "test/mlflow:broken", "mlflow_healthy_timeout_seconds": 10}
    run = bed.start("site", given=given).wait()
    said = "\n".join(run.said("failed", "server"))
    require(
        run.code != 0 and "is back and serves, with the data of before" in said, f"a rollback was to be told: {said}"
    )
    require(
        (bed.server(REVISION).strip(), bed.server(RUNS_IMAGE)) == (head, image), "another release or schema is there"
    )
    bed.client("python3", "/e2e/client.py", "--again", kept)
    tell(said[-400:])

    started = time.monotonic()
    bed.playbook("site", given={"mlflow_db_upgrade": True, "mlflow_image": "test/mlflow:next"})
    require(bed.server(REVISION).strip() == "eeeeeeeeeeee", "the schema was not migrated")
    bed.client("python3", "/e2e/client.py", "--again", kept)
    tell(f"the next release is there after {time.monotonic() - started:.0f} s")

    bed.playbook("rollback")
    require(
        (bed.server(REVISION).strip(), bed.server(RUNS_IMAGE)) == (head, image), "another release or schema is there"
    )
    bed.client("python3", "/e2e/client.py", "--again", kept)
    require(not bed.playbook("rollback").changed(), "a second rollback changed something")
    bed.playbook("site")
    bed.server("docker rmi test/mlflow:broken test/mlflow:next")
    tell("the release of before came back with its data")


def renewed(bed: Bed) -> None:
    """F-upgrade: new images one service after the other, and each that does not start comes back as it was."""
    run = bed.playbook("upgrade")
    require(not run.changed(), f"an upgrade of what is new changes {run.changed()}")
    said = "\n".join(run.said("messages", "server"))
    require(said.count("as before") >= len(SERVICES), f"nothing was to be told but versions as before: {said}")
    bed.server(OTHER_IMAGES)
    before = bed.server(IMAGES)
    training = Training(bed)
    for service in SERVICES:
        given = {f"{service}_image": f"test/{service}:broken", f"{service}_healthy_timeout_seconds": 30}
        run = bed.start("upgrade", given=given).wait()
        said = "\n".join(run.said("failed", "server"))
        kept = (
            "the Traefik that runs is unchanged" if service == "traefik" else "The image of before is back and serves."
        )
        require(run.code != 0 and kept in said, f"{service}: {kept!r} was to be told, not {said}")
        require(bed.server(IMAGES) == before, f"{service}: the images are not those of before")
        training.goes_on()
        tell(said[:200])
    given = {"minio_image": "test/minio:broken", "minio_healthy_timeout_seconds": 30}
    broken = bed.server("docker image inspect --format '{{.Id}}' test/minio:broken").strip()
    started = bed.start("site", given=given)
    bed.until(RUNS.format("minio") + " || true", broken)
    kill(started)
    refusal(bed, "site", "The image of before is back", **given)
    require(bed.server(IMAGES) == before, "after a killed run the images are not those of before")
    with Outage(bed) as outage:
        bed.playbook("upgrade", given={f"{service}_image": f"test/{service}:next" for service in SERVICES})
    changed = set(before.splitlines()) - set(bed.server(IMAGES).splitlines())
    require(len(changed) == len(SERVICES), f"of four services {len(changed)} have a new image")
    tell(f"four new images: {outage.seconds:.1f} s without an answer at the longest; training: {training.end()}")
    bed.playbook("site")
    bed.server("docker images --quiet 'test/*' | sort -u | xargs docker rmi --force")


def major(bed: Bed) -> None:
    """PostgreSQL 17 to 18: killed at each point and gone on with; then refused, failed and done under a training."""
    require(bed.server(MAJOR).strip() == "17", f"PostgreSQL {bed.server(MAJOR)} runs")
    bed.server(OWN)
    own = bed.server(OWN_THERE)
    kept = f"/tmp/major-{time.time_ns()}"
    bed.client("python3", "/e2e/client.py", "--light", "--keep", kept)
    given: dict[str, Any] = {**NEWER, "postgres_upgrade": True}

    for point in POINTS:
        kill_at(bed, point, "site", given)
    moved(bed, own)
    bed.client("python3", "/e2e/client.py", "--again", kept)
    bed.server(OLD_AGAIN)
    bed.playbook("site")

    training = Training(bed)
    listing = bed.listing()
    refusal(bed, "site", "or postgres_upgrade to true to let this run move the data", **NEWER)
    require(bed.listing() == listing, "a refused run has changed the server")
    bed.server(CANNOT_MOVE)
    said = refusal(bed, "site", "release 17 is back and serves, with all data: ", **given)
    require(re.search("with all data: .*tablespaces", said), f"the tablespace was to be told, not {said}")
    bed.server(CAN_MOVE)
    require((bed.server(MAJOR).strip(), bed.server(OWN_THERE)) == ("17", own), "the old data are not back")
    training.goes_on()
    moved(bed, own)
    training.goes_on()
    tell(f"moved; training: {training.end()}")
    bed.client("python3", "/e2e/client.py", "--again", kept)
    newer = "holds the data of PostgreSQL 18. Set postgres_version to a release of 18. An older release can"
    refusal(bed, "site", newer)


def moved(bed: Bed, own: str) -> None:
    bed.playbook("upgrade", given=NEWER)
    require(bed.server(MAJOR).strip() == "18", f"PostgreSQL {bed.server(MAJOR)} runs")
    require(bed.server(OWN_THERE) == own, f"what a person had is now {bed.server(OWN_THERE)}, and was {own}")
    left = bed.server("cd /opt/modelhub/postgres && echo *; cat data.17/PG_VERSION").split()
    require(left == ["config", "data", "data.17", "run", "state", "17"], f"{left} is there")
    again = bed.playbook("site", given=NEWER)
    require(not again.changed(), f"a run after the upgrade changes {again.changed()}")


STEPS = {step.__name__: step for step in (upgraded, renewed, major)}


if __name__ == "__main__":
    take_steps(STEPS)
