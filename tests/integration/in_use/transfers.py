# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on their way: clients that know no CA bundle, cut and large uploads.

Usage: transfers.py INVENTORY STEP...   with the inventory of a Molecule scenario that is up, which has a private CA

trusted   a client with MLFLOW_TRACKING_SERVER_CERT_PATH alone
cut       uploads that are cut off, and the store stopped during one
few       two uploads of 200 MB and a download at once: the memory of MLflow's container
releases  clients of three releases: up to 2 GiB, 10,000 files in one call, each way to the store. Needs 10 GB, minutes
large     eight of 1 GiB and three downloads of 3 GB, and what another client notices of them. Needs 30 GB and minutes
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scenario import Bed, require, tell

GROWTH_MB = 150
P99_RATIO = 3
# What the container of MLflow holds apart from files, in kB, in both versions of control groups; into a file that is
# named, for as long as it is there.
SAMPLE = """
pid=$(docker inspect --format '{{.State.Pid}}' mlflow)
group=$(awk -F: '$3 ~ /docker/ && ($2 == "memory" || $2 == "") { print ($2 ? "/memory" : "") $3; exit }' \
  "/proc/$pid/cgroup")
cat >/tmp/sample <<'AWK'
FNR == 1 && NF == 1 { used = $1 }
/^(in)?active_file / { used -= $2 }
END { printf "%d\\n", used / 1024 }
AWK
usage=/sys/fs/cgroup$group/memory.usage_in_bytes
[ -f "$usage" ] || usage=/sys/fs/cgroup$group/memory.current
samples=$(mktemp)
nohup bash -c 'while [ -e "$0" ]; do awk -f /tmp/sample "$1" "$2" >>"$0"; sleep 0.5; done' \
  "$samples" "$usage" "/sys/fs/cgroup$group/memory.stat" >/dev/null 2>&1 </dev/null &
echo "$samples"
"""
STARTED = "docker inspect --format '{{.RestartCount}} {{.State.StartedAt}}' mlflow"
# What people still have installed; the client's own is the server's release.
RELEASES = ("2.22.5", "3.1.1")
WAYS: dict[str, dict[str, Any]] = {
    "through the server": {},
    "by URLs that it signs": {"modelhub_s3_presigned": True},
    "with the store out of reach": {"minio_public": False},
}
SIZES = ("629145600", "2147483648")
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
SPOOLED = "find /opt/modelhub/mlflow/spool -type f"


def trusted(bed: Bed) -> None:
    """R10: MLflow's own variable for a private CA, and nothing else."""
    settings = ["env", "--unset=REQUESTS_CA_BUNDLE", "MLFLOW_TRACKING_SERVER_CERT_PATH=/ca/ca.crt"]
    tell(bed.client(*settings, "timeout", "300", "python3", "/e2e/files.py").strip())


def cut(bed: Bed) -> None:
    """Uploads that are cut off, by the client and by the store."""
    tell(bed.client("python3", "/e2e/cut.py").strip())
    # Half of the upload takes ten seconds.
    stop = "sleep 10; docker stop minio >/dev/null"
    bed.server(f"nohup bash -c '{stop}' >/dev/null 2>&1 </dev/null &")
    status = bed.client("timeout", "600", "python3", "/e2e/cut.py", "slow").strip()
    require(int(status) == 0 or int(status) >= 500, f"an upload while the store stopped was answered {status}")
    # Runs and metrics do not need the store.
    search = "import mlflow; print(len(mlflow.search_experiments()))"
    require(int(bed.client("python3", "-c", search)) > 0, "MLflow finds no experiments while the store is stopped")
    bed.server("docker start minio >/dev/null")
    bed.until("docker inspect --format '{{.State.Health.Status}}' minio", "healthy")
    bed.until(f"{SPOOLED} | wc -l", "0")
    tell(f"an upload while the store stopped was answered {status}, MLflow's database went on")
    tell(bed.client("python3", "/e2e/cut.py", "again").strip())


def together(bed: Bed, *arguments: int) -> dict[str, float]:
    """Send and get large files at once; MLflow's container must not grow, restart, or keep anything."""
    started = bed.server(STARTED)
    file = bed.server(SAMPLE).strip()
    try:
        answer = bed.client("python3", "/e2e/together.py", *map(str, arguments))
    finally:
        told = bed.server(f"cat {file}; rm {file}")
    samples = [int(line) / 1024 for line in told.split()]
    found: dict[str, float] = {**json.loads(answer), "first MB": samples[0], "most MB": max(samples)}
    tell(f"{arguments[0]} uploads of {arguments[1]} MiB, {arguments[2]} downloads of {arguments[3]} MiB: {found}")
    require(len(samples) > 1, "the memory was not looked at")
    require(max(samples) - samples[0] <= GROWTH_MB, f"MLflow's container grew from {samples[0]} to {max(samples)} MB")
    require(bed.server(STARTED) == started, "MLflow's container was started anew")
    bed.until(f"{SPOOLED} | wc -l", "0")
    return found


def few(bed: Bed) -> None:
    together(bed, 2, 200, 1, 200)


def large(bed: Bed) -> None:
    found = together(bed, 8, 1024, 3, 2861)
    ratio = found["busy p99"] / found["idle p99"]
    require(ratio <= P99_RATIO, f"the slowest hundredth of log-metric took {ratio:.1f} times as long as at rest")


def releases(bed: Bed) -> None:
    """R9, R10, R18: what a client of any release sends comes back byte by byte, whichever way it takes."""
    clients = [["python3"], *(older(bed, release) for release in RELEASES)]
    started = bed.server(STARTED)
    for way, given in WAYS.items():
        bed.playbook("site", given=given)
        many = [] if given else ["--many", "10000"]
        for client in clients:
            tell(f"{way}:\n{files(bed, client, '--sizes', *SIZES, *many)}")
    bed.playbook("site")
    keys = {
        "AWS_ACCESS_KEY_ID": "modelhub-mlflow",
        "AWS_SECRET_ACCESS_KEY": bed.server("cat /opt/modelhub/secrets/s3_secret_key").strip(),
        "MLFLOW_S3_ENDPOINT_URL": f"https://minio-api.{bed.domain}",
        "AWS_CA_BUNDLE": "/ca/ca.crt",
    }
    # The server's own release has no boto3 beside it.
    for client in clients[1:]:
        tell(f"to the store:\n{files(bed, client, '--direct', '--sizes', *SIZES, secret=keys)}")
    require(bed.server(STARTED).split()[0] == started.split()[0], "MLflow's container crashed")
    bed.until(f"{SPOOLED} | wc -l", "0")


def older(bed: Bed, release: str) -> list[str]:
    """How to start Python with a release of MLflow's client and no other: it lies where the client finds its CA."""
    folder = bed.work.parent / "client" / release
    version = bed.client("/usr/bin/python3", "-c", VERSION).strip()
    options = ["--quiet", "--target", str(folder), "--python-version", version, "--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "install", *options, f"mlflow-skinny=={release}", "boto3"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return ["env", f"PYTHONPATH=/ca/{release}", "/usr/bin/python3"]


def files(bed: Bed, client: list[str], *arguments: str, secret: dict[str, str] | None = None) -> str:
    command = ["timeout", "3600", *client, "/e2e/files.py", "--work", "/output", *arguments]
    return bed.client(*command, secret=secret).strip()


STEPS = {step.__name__: step for step in (trusted, cut, few, large, releases)}


def main() -> None:
    inventory, *steps = sys.argv[1:]
    bed = Bed(Path(inventory))
    for step in steps:
        STEPS[step](bed)


if __name__ == "__main__":
    main()
