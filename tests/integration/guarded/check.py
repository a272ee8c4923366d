# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of how a stack is guarded passes, leaves nothing behind, and fails by name once the server is less guarded.

Usage: check.py INVENTORY   with the inventory of a Molecule scenario with accounts that is up
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "in_use"))
from scenario import Bed, require, tell

# What the proof makes, and takes away again
THINGS = r"""
for database in mlflow mlflow_accounts; do
  docker exec postgres psql --username postgres --dbname "$database" --tuples-only --no-align --command "
    SELECT format('%s.%s %s', current_database(), table_name, (xpath('/row/n/text()',
      query_to_xml(format('SELECT count(*) AS n FROM %I', table_name), false, true, '')))[1])
    FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name"
done
"""
BREAK = r"""
secret=$(cat /opt/modelhub/secrets/db_password)
chmod 0644 /opt/modelhub/secrets/label_salt
printf '%s\n' "$secret" >/tmp/guarded-note
chmod 0644 /tmp/guarded-note
nohup python3 -c 'import time; time.sleep(3600)' "$secret" >/dev/null 2>&1 </dev/null &
echo $! >/tmp/guarded-pid
docker run --detach --name stray --label org.opengeoai.modelhub.stack=modelhub --network modelhub-backend \
  --publish 9999:8000 --env "NOTE=$secret" --volume /var/run/docker.sock:/docker.sock --no-healthcheck \
  --entrypoint python3 "$(docker inspect --format '{{.Image}}' mlflow)" -m http.server 8000
docker network connect traefik-network stray
"""
MEND = r"""
docker rm --force stray
kill "$(cat /tmp/guarded-pid)" || true
rm -f /tmp/guarded-note /tmp/guarded-pid
chmod 0600 /opt/modelhub/secrets/label_salt
"""
FOUND = (
    r"^files with secrets, /opt/modelhub/secrets/label_salt: .* 0644$",
    r"^secrets in files for all, /tmp/guarded-note: the value of db_password ",
    r"^secrets in arguments, python3 \(\d+\): the value of db_password ",
    r"^secrets in inspect and history, stray: the value of db_password ",
    r"^5\.9 only needed ports, stray: ports 9999 ",
    r"^5\.11 memory limit, stray: ",
    r"^5\.13 read-only root, stray: ",
    r"^5\.26 no new privileges, stray: ",
    r"^5\.27 healthy, stray: ",
    r"^5\.32 no socket of the engine, stray: ",
    r"^who reaches whom, stray to postgres:5432: ",
    r"^who reaches whom, traefik to stray:8000: ",
    r"^ports from outside, \S+:9999: it accepts a connection$",
)


def prove(bed: Bed, *arguments: str) -> tuple[int, str]:
    """Run the proof; the exit code, and why it failed."""
    run = bed.start("verify", "--tags=security", *arguments).wait()
    return run.code, "\n".join(run.said("failed", "server")) or run.output[-2000:] * bool(run.code)


def main() -> None:
    bed = Bed(Path(sys.argv[1]))
    before = bed.server(THINGS)
    code, said = prove(bed)
    require(code == 0, f"the proof fails on a server as it was deployed:\n{said}")
    after = bed.server(THINGS)
    changed = sorted(set(before.splitlines()) ^ set(after.splitlines()))
    require(before == after, f"the proof left something behind: {changed}")
    tell("the proof passes and leaves nothing behind")

    bed.server(BREAK)
    code, said = prove(bed)
    bed.server(MEND)
    missing = [one for one in FOUND if not re.search(one, said, re.MULTILINE)]
    require(code != 0 and not missing, f"these were to be found: {missing}; found was:\n{said}")
    tell(f"of a server that is less guarded {len(said.splitlines())} findings were told")

    code, said = prove(bed, "--extra-vars=mlflow_auth=none")
    require(code != 0 and "not tried, because mlflow_auth is none" in said, f"without accounts it says: {said}")
    code, said = prove(bed)
    require(code == 0, f"the server was mended, but the proof fails:\n{said}")
    tell("without accounts it fails, and passes once all is mended")


if __name__ == "__main__":
    main()
