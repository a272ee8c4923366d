# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a server in use: kills, refused runs, other settings, other secrets. A training loop logs throughout.

Usage: check.py INVENTORY STEP...   with the inventory of a Molecule scenario that is up; steps are the functions below
The loop is a stock MLflow client's, without a setting of its own: none of its calls may fail, nothing that was
acknowledged may be lost.
"""

from __future__ import annotations

import ast
import json
import re
import secrets
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from scenario import ROOT, Bed, Outage, Started, Training, require, start_until, tell

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
CONTAINERS = ("mlflow", "postgres", "minio", "traefik")
REFUSED = HERE / "refused.yml"
README = ROOT / "roles" / "postgres" / "README.md"

# What is in the way of the refused runs
STRANGERS = """
mkdir -p /opt/refused/stack /opt/refused/empty /opt/refused/postgres/data /opt/refused/minio/data/.minio.sys
echo '{"stack": "staging"}' >/opt/refused/stack/stack.json
echo 17 >/opt/refused/postgres/data/PG_VERSION
docker network create refused-stranger
docker create --name refused-stranger "$(docker inspect --format '{{.Image}}' traefik)"
docker exec --interactive postgres psql --username postgres --quiet --set ON_ERROR_STOP=1 --set "older=$older" <<'SQL'
CREATE DATABASE refused_owner;
CREATE DATABASE refused_foreign OWNER mlflow_owner;
CREATE DATABASE refused_ahead OWNER mlflow_owner;
\\connect refused_foreign
CREATE TABLE invoices ();
\\connect refused_ahead
CREATE TABLE experiments ();
CREATE TABLE runs ();
CREATE TABLE metrics ();
CREATE TABLE params ();
CREATE TABLE tags ();
CREATE TABLE alembic_version AS SELECT 'ffffffffffff' AS version_num;
GRANT SELECT ON alembic_version TO mlflow;
\\connect postgres
CREATE DATABASE refused_behind OWNER mlflow_owner TEMPLATE refused_ahead;
\\connect refused_behind
UPDATE alembic_version SET version_num = :'older';
SQL
"""
NO_STRANGERS = """
rm -rf /opt/refused
docker rm refused-stranger
docker network rm refused-stranger
for name in owner foreign ahead behind; do
  docker exec postgres dropdb --username postgres "refused_$name"
done
"""
EXPECTED = "cat /opt/modelhub/mlflow/expected_schema.json"

STATUS_CHECKS = {
    "container",
    "object store",
    "objects",
    "old versions",
    "incomplete uploads",
    "database",
    "connections",
    "file system",
    "address",
    "certificate",
}
# A stack that nobody has deployed
NOWHERE = {"modelhub_stack": "nowhere", "modelhub_base_dir": "/opt/nowhere", "modelhub_domain": "nowhere.test"}
# ENDPOINT begin, which prints the upload's id, or ENDPOINT ID, which aborts it
LEAVE_UPLOAD = """
import sys, boto3
from botocore.config import Config
store = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1",
                     config=Config(s3={"addressing_style": "path"}))
place = {"Bucket": "mlflow", "Key": ".status/left"}
if sys.argv[2] == "begin":
    upload = store.create_multipart_upload(**place)["UploadId"]
    store.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"x" * 1000)
    print(upload)
else:
    store.abort_multipart_upload(**place, UploadId=sys.argv[2])
"""
# As htpasswd -nbm writes them
FIRST, SECOND = "first:first-password", "second:second-password"
USERS = ["first:$apr1$modelhub$AFEIMVG9gLFZ8/YrzttaF/", "second:$apr1$modelhub$zW4qFOEcIe2vjXZc3hiix0"]
DASHBOARD = {"traefik_dashboard_enabled": True, "traefik_docker_provider": True}
# Nothing listens at that port: a call of the stack to itself that went through a proxy would fail (R15).
SETTINGS: dict[str, Any] = {"mlflow_keep_alive_seconds": 100, "modelhub_http_proxy": "http://127.0.0.1:9"}

# Beside the proxy of Docker's socket: a GET and a POST of containers, a GET of something else.
ASK_PROXY = """
docker run --rm --interactive --network modelhub-docker-proxy --entrypoint python3 \
  "$(docker inspect --format '{{.Image}}' mlflow)" - <<'PYTHON'
import http.client
for method, path in (("GET", "/containers/json"), ("POST", "/containers/create"), ("GET", "/images/json")):
    connection = http.client.HTTPConnection("traefik-docker-proxy", 2375, timeout=60)
    connection.request(method, path, "{}" if method == "POST" else None, {"Content-Type": "application/json"})
    print(connection.getresponse().status)
PYTHON
"""
LABELLED = """
for stack in staging modelhub; do
  name=labelled-$stack
  docker run --detach --name "$name" --network traefik-network --no-healthcheck --entrypoint python3 \
    --label "org.opengeoai.modelhub.stack=$stack" --label traefik.enable=true \
    --label "traefik.http.routers.$name.rule=Host(\\`$name.$domain\\`)" \
    --label "traefik.http.routers.$name.entrypoints=websecure" \
    --label "traefik.http.services.$name.loadbalancer.server.port=8000" \
    "$(docker inspect --format '{{.Image}}' mlflow)" -c "$echo"
done
"""


# Of a size that neither Docker's 64 MB of shared memory nor 256 MB hold, once several processes work on it together.
PARALLEL_JOIN = """
docker exec --interactive postgres psql --username postgres --quiet --tuples-only --set ON_ERROR_STOP=1 <<'SQL'
CREATE UNLOGGED TABLE wide AS SELECT n, md5(n::text) AS text FROM generate_series(1, 4000000) n;
ANALYZE wide;
SET work_mem = '1GB';
SET max_parallel_workers_per_gather = 4;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET enable_mergejoin = off;
EXPLAIN SELECT count(*) FROM wide a JOIN wide b USING (n, text);
SELECT count(*) FROM wide a JOIN wide b USING (n, text);
DROP TABLE wide;
SQL
"""
# A twentieth more than there was, which PostgreSQL's own settings leave alone
LOAD = """
docker exec --interactive postgres psql --username postgres --quiet --set ON_ERROR_STOP=1 <<'SQL'
CREATE TABLE loaded AS SELECT n FROM generate_series(1, 100000) n;
VACUUM ANALYZE loaded;
INSERT INTO loaded SELECT n FROM generate_series(1, 5000) n;
SQL
"""
ANALYZED = """
docker exec postgres psql --username postgres --quiet --tuples-only --no-align \
  --command "SELECT autoanalyze_count > 0 FROM pg_stat_user_tables WHERE relname = 'loaded'"
"""
# In one run
ACCOUNTS = 200
# Tells who has logged in
ACCOUNT = "/api/2.0/mlflow/users/current"
# Nobody answers, and nobody refuses.
UNREACHABLE = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 443), 5).close()
except TimeoutError:
    sys.exit(0)
sys.exit("somebody answers")
"""
WRITTEN = "opengeoai.modelhub.traefik : install | Write the directories and files"
LOGIN_TASK = "opengeoai.modelhub.mlflow : accounts | Give the administrator the password"
# As when somebody has changed the password and does not tell
LOSE_PASSWORD = """
import os, requests
login = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
requests.patch(
    os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/users/update-password",
    json={"username": login[0], "password": os.environ["LOST"], "current_password": login[1]},
    auth=login,
    timeout=60,
).raise_for_status()
"""
# Beside the routes of the stack, as another program would write it; {path} is refused.
ROUTE = """
http:
  routers:
    probe:
      rule: Host(`{host}`) && Path(`{path}`)
      entryPoints: [websecure]
      priority: 200000
      service: mlflow
      middlewares: [nobody]
"""
# Files of routes are put in the place of others, as editors and Ansible do.
PUT = """
cat >/opt/modelhub/traefik/routes.yml <<<"$text"
chown 65532 /opt/modelhub/traefik/routes.yml
mv /opt/modelhub/traefik/routes.yml "/opt/modelhub/traefik/dynamic/$name"
"""
SECRET_MODES = "find /opt/modelhub -path '*/secrets*' -printf '%p %m %U:%G\\n' | sort"
VERSIONS = yaml.safe_load((ROOT / "roles/common/vars/main/versions.yml").read_text(encoding="utf-8"))
NO_TRAEFIK = f"docker.io/library/haproxy:{VERSIONS['modelhub_versions']['haproxy']}"
# As an engine knows a container that nobody has touched
IDENTITY = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' traefik"
FIREWALL = "iptables -S | grep MODELHUB || true; ls /etc/systemd/system | grep docker-user || true"
# Takes the port between the look at the host and the start of the container.
THIEF = """
nohup timeout 3600 python3 -c 'import socket, time
thief = socket.create_server(("0.0.0.0", 443))
time.sleep(3600)' >/dev/null 2>&1 </dev/null &
echo $!
until (exec 3<>/dev/tcp/127.0.0.1/443) 2>/dev/null; do sleep 0.1; done
"""
# A store of somebody else, whose name is known on the stack's network, with a bucket of its own
OTHER_STORE = """
docker run --detach --name other-store --network traefik-network --user 1000:1000 --tmpfs /tmp \
  --tmpfs /data:uid=1000,mode=700 --env MINIO_ROOT_USER=other --env MINIO_ROOT_PASSWORD="$password" \
  "$(docker inspect --format '{{.Image}}' minio)" server /data --console-address :9001 >/dev/null
until docker exec other-store mc ready local >/dev/null 2>&1; do sleep 0.5; done
"""
# Runs in MLflow's container, which has boto3 and reaches both stores: fills the other one, or tells what either holds.
STORES = """
import hashlib, io, json, os, sys, boto3
from botocore.config import Config
root = {"other-store": "other", "minio": "modelhub-root"}
def store(name, key):
    login = {"aws_access_key_id": root[name], "aws_secret_access_key": key, "region_name": "us-east-1"}
    style = Config(s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=f"http://{name}:9000", config=style, **login)
def held(client, bucket, keys=None):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = {one["Key"]: one for page in pages for one in page.get("Contents", [])}
    read = lambda key: hashlib.sha256(client.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest()
    return {key: read(key) for key in found if keys is None or key in keys}
keys = json.loads(os.environ["KEYS"])
other, ours = store("other-store", keys["other-store"]), store("minio", keys["minio"])
if sys.argv[1] == "fill":
    other.create_bucket(Bucket="old-runs")
    for number in range(200):
        other.put_object(Bucket="old-runs", Key=f"1/run/artifacts/small/{number}.txt", Body=str(number).encode())
    for key in ("1/run/a name with + and %25.txt", "1/run/\u00e4\u65e5.bin", "1/empty"):
        other.put_object(Bucket="old-runs", Key=key, Body=key.encode() if "empty" not in key else b"")
    # Above the threshold of the client, so in parts
    other.upload_fileobj(io.BytesIO(os.urandom(20_000_000)), "old-runs", "1/run/artifacts/large.bin")
elif sys.argv[1] == "change":
    other.put_object(Bucket="old-runs", Key="1/run/artifacts/small/7.txt", Body=b"seven")
there = held(other, "old-runs")
print(json.dumps([there, held(ours, "mlflow", there)]))
"""
# As after a change of the image's Debian
MOVE_COLLATION = """
docker exec postgres psql --username postgres --quiet \
  --command "UPDATE pg_database SET datcollversion = '0' WHERE datname = 'mlflow'"
"""


def killed(bed: Bed, training: Training) -> None:
    """R32, F29: each container's main process is killed; its restart policy and the client's patience do the rest."""
    for name in CONTAINERS:
        restarts = int(bed.server(f"docker inspect --format '{{{{.RestartCount}}}}' {name}"))
        # By its id: `docker kill` counts as a stop by hand, after which the engine starts nothing.
        bed.server(f"kill -KILL \"$(docker inspect --format '{{{{.State.Pid}}}}' {name})\"")
        started = time.monotonic()
        state = f"docker inspect --format '{{{{.RestartCount}}}} {{{{.State.Health.Status}}}}' {name}"
        bed.until(state, f"{restarts + 1} healthy")
        seconds = time.monotonic() - started
        tell(f"{name} was killed and healthy again after {seconds:.0f} s; training: {training.goes_on()}")


def daemon(bed: Bed, training: Training) -> None:
    """R32, F31: the engine is restarted, and with it all containers."""
    started = time.monotonic()
    bed.server("systemctl restart docker")
    health = "docker inspect --format '{{.State.Health.Status}}' " + " ".join(CONTAINERS)
    bed.until(f"{health} | sort --unique", "healthy")
    seconds = time.monotonic() - started
    tell(f"the engine was restarted, and all healthy after {seconds:.0f} s; training: {training.goes_on()}")


def refused(bed: Bed, training: Training) -> None:
    """Runs that must not happen are refused before the first change: server, controller and training notice nothing."""
    cases = yaml.safe_load(REFUSED.read_text(encoding="utf-8"))["modelhub"]["children"]["refused"]["hosts"]
    tracking = json.loads(bed.server(EXPECTED))["expected"]["alembic_version"]
    bed.server(STRANGERS, older=tracking["parents"][tracking["head"]][0])
    before = bed.listing()
    kept = ("db_password", "s3_root_password", "s3_secret_key")
    given = {f"test_{name}": bed.server(f"cat /opt/modelhub/secrets/{name}").strip() for name in kept}
    # Longer than any limit of a proxy (F46)
    with ThreadPoolExecutor() as pool:
        upload = pool.submit(bed.client, "/usr/bin/python3", "/e2e/slow_upload.py")
        run = bed.start("site", f"--inventory={REFUSED}", "--limit=refused", "--forks=8", given=given).wait()
    tell(upload.result().strip())
    after = bed.listing()
    bed.server(NO_STRANGERS)
    faults = []
    for name, case in cases.items():
        said, changed = run.said("failed", name), run.record["hosts"][name]["changed"]
        missing = [one for one in case["says"] if not re.search(one, "\n".join(said), re.MULTILINE)]
        if len(said) != 1 or missing or changed:
            faults.append(f"{name}: one refusal like {missing} and no change was expected, not {said} and {changed}")
    if before != after:
        faults.append(f"these have changed: {sorted(set(before) ^ set(after))}")
    require(not faults, "\n".join(faults))
    tell(f"{len(cases)} runs were refused and changed nothing; training: {training.goes_on()}")


def broken(bed: Bed, training: Training) -> None:
    """F13, F44, F45: routes that are put in the place of others are seen; what is broken changes nothing, and heals."""
    host = f"mlflow.{bed.domain}"
    for name, path in {"first": "/first", "second": "/second"}.items():
        bed.server(PUT, name="probe.yml", text=ROUTE.format(host=host, path=path))
        asks(bed, "mlflow", path, 403)
        tell(f"the {name} file of routes is in use")
    asks(bed, "mlflow", "/first", 401)
    bed.server("rm /opt/modelhub/traefik/dynamic/probe.yml")
    asks(bed, "mlflow", "/second", 401)

    # F13: libpq and Traefik leave alone what others may read.
    modes = bed.server(SECRET_MODES)
    bed.server("find /opt/modelhub -path '*/secrets/*' -type f -exec chmod 0644 {} +; chmod 0755 /opt/modelhub/secrets")
    bed.playbook("site")
    require(modes == bed.server(SECRET_MODES), f"these modes were to be {modes}: {bed.server(SECRET_MODES)}")
    asks(bed, "mlflow", "/health", 200)

    bed.server(PUT, name="modelhub.yml", text="http: [")
    bed.until("docker logs --tail 20 traefik 2>&1 | grep --count 'modelhub.yml' | sed 's/^[1-9].*/told/'", "told")
    asks(bed, "mlflow", "/health", 200)
    run = bed.playbook("site")
    require(run.has_changed(WRITTEN), f"only {run.changed()} changed")
    asks(bed, "mlflow", "/health", 200)
    tell(f"broken routes are not used; training: {training.goes_on()}")

    traefik = bed.server(IDENTITY)
    bed.server(f"docker pull --quiet {NO_TRAEFIK}")
    before = bed.listing()
    said = "\n".join(bed.start("site", given={"traefik_image": NO_TRAEFIK}).wait().said("failed", "server"))
    require("does not start with this configuration" in said, f"an image that is no Traefik is answered by {said}")
    require(traefik == bed.server(IDENTITY), "Traefik is another")
    # Where the next configuration was, for a moment
    left = [line for line in set(before) ^ set(bed.listing()) if not line.startswith("/opt/modelhub/traefik d ")]
    require(not left, f"these have changed: {left}")
    tell(f"an image that is no Traefik does not take its place; training: {training.goes_on()}")


def reconfigured(bed: Bed, training: Training) -> None:
    """R32, R18, R27, R15: another setting of MLflow, a proxy for what is outside, a dashboard, discovery by labels."""
    run = bed.playbook("site", given={**SETTINGS, **DASHBOARD, "traefik_dashboard_users": USERS})
    recreated = [name for name in run.changed() if name.endswith("| Run the container")]
    require(len(recreated) == 2, f"MLflow and Traefik were to be recreated, but these changed: {run.changed()}")
    tell(f"MLflow and Traefik were recreated; training: {training.goes_on()}")
    dashboard(bed, {"": 401, FIRST: 200, SECOND: 200})
    discovery(bed)


def dashboard(bed: Bed, statuses: dict[str, int]) -> None:
    for login, status in statuses.items():
        asks(bed, "traefik", "/api/overview", status, login)


def discovery(bed: Bed) -> None:
    """A container with the stack's labels is found, through a proxy of Docker's socket that only reads."""
    mounts = bed.server("docker inspect --format '{{json .Mounts}}' traefik")
    require("docker.sock" not in mounts, f"Docker's socket is mounted in Traefik: {mounts}")
    asked = bed.server(ASK_PROXY).split()
    require(asked == ["200", "403", "403"], f"the socket's proxy answered {asked} to GET, POST and a GET of images")
    bed.server(LABELLED, echo=(ROOT / "tests/e2e/echo.py").read_text(encoding="utf-8"), domain=bed.domain)
    for stack, status in {"modelhub": 200, "staging": 404}.items():
        asks(bed, f"labelled-{stack}", "/", status)
    tell(bed.client("python3", "/e2e/headers.py", "/ca/ca.crt", bed.address, f"labelled-modelhub.{bed.domain}").strip())
    bed.server("docker rm --force labelled-modelhub labelled-staging")


def verified(bed: Bed, training: Training) -> None:
    """Each role's proof alone, by its tag; a dump by the documented command (R20)."""
    runs = {name: bed.start("site", f"--tags={name}_verify") for name in CONTAINERS}
    for name, run in runs.items():
        ended = run.wait()
        require(ended.code == 0, f"{name}_verify failed: {ended.record.get('failed')}")
        require(not ended.changed(), f"{name}_verify changed {ended.changed()}")
    dumped = bed.server(f"cd $(mktemp -d)\n{documented_dump()}\ndocker exec -i postgres pg_restore --list <mlflow.dump")
    require("TABLE DATA public metrics" in dumped, f"the dump holds no metrics: {dumped}")
    tell(f"each role verifies alone, and the database was dumped; training: {training.goes_on()}")


def python(bed: Bed, training: Training) -> None:
    """R7: a Python to which the distribution's packages bring nothing is named, with the setting that mends it."""
    other = "/opt/other/bin/python3"
    bed.server("python3 -m venv --without-pip /opt/other")
    run = bed.start("site", given={"ansible_python_interpreter": other}).wait()
    bed.server("rm -r /opt/other")
    said = "\n".join(run.said("failed", "server"))
    wanted = rf"^{other} \(Python 3\.[0-9.]+\) on server cannot import .*: set ansible_python_interpreter to it"
    require(re.search(wanted, said), f"a refusal like {wanted} was expected, not {said or run.output[-2000:]}")
    tell(f"{said}; training: {training.goes_on()}")


def database(bed: Bed) -> None:
    """R23: processes share what one query needs. R21: a moved collation is told, and the remedy helps.

    What was loaded at once gets fresh statistics meanwhile.
    """
    bed.server(LOAD)
    answer = bed.server(PARALLEL_JOIN)
    require("Parallel Hash Join" in answer and "4000000" in answer, f"several processes were to join, but {answer}")
    bed.server(MOVE_COLLATION)
    ended = bed.start("site", "--tags=postgres_verify").wait()
    said = "\n".join(ended.said("failed", "server"))
    remedy = re.search(r"docker exec .*", said)
    require(remedy and "of its collation" in said, f"a collation that has moved was to be told, but {ended.record}")
    bed.server(f"docker stop mlflow\n{remedy and remedy[0]}\ndocker start mlflow")
    bed.playbook("site", "--tags=postgres_verify")
    tell(said)
    bed.until(ANALYZED, "t")
    bed.server("docker exec postgres psql --username postgres --quiet --command 'DROP TABLE loaded'")


def stopped(bed: Bed) -> None:
    """Each role's proof fails where its service is stopped, and so does the dump (R20). F1: MLflow starts early."""
    bed.server("docker stop mlflow traefik minio postgres")
    code = bed.server(f"(cd $(mktemp -d)\n{documented_dump()}\n) || echo failed")
    require(code.strip() == "failed", f"a dump of a stopped database ends with {code}")
    fails_to_verify(bed, "traefik", "minio", "postgres")
    bed.server("docker start mlflow traefik minio")
    started = time.monotonic()
    fails_to_verify(bed, "mlflow")
    time.sleep(max(0.0, 60 - (time.monotonic() - started)))
    bed.server("docker start postgres")


def mirrored(bed: Bed) -> None:
    """The objects of another store are copied, what changed there since as well; a wrong login copies nothing."""
    password = secrets.token_hex(16)
    bed.server(OTHER_STORE, password=password)
    keys = {"other-store": password, "minio": bed.server("cat /opt/modelhub/secrets/s3_root_password").strip()}

    def stores(action: str) -> tuple[dict[str, str], dict[str, str]]:
        script = f"docker exec --env KEYS --interactive mlflow python3 - {action} <<'PYTHON'\n{STORES}\nPYTHON"
        there, here = json.loads(bed.server(f"export KEYS\n{script}", KEYS=json.dumps(keys)))
        return there, here

    there, here = stores("fill")
    require(len(there) == 204 and not here, f"{len(there)} objects are there, and {len(here)} of them here already")
    source = {
        "minio_mirror_endpoint_url": "http://other-store:9000",
        "minio_mirror_bucket": "old-runs",
        "minio_mirror_access_key": "other",
        "minio_mirror_secret_key": password,
    }
    wrong = bed.start("mirror", given={**source, "minio_mirror_secret_key": secrets.token_hex(16)}).wait()
    said = "\n".join(wrong.said("failed", "server"))
    require("Not all objects of old-runs" in said and "other-store" in said, f"a wrong login is answered by {said}")
    left = bed.server("docker ps --all --format '{{.Names}}' | grep mirror || true; ls /opt/modelhub/minio")
    require("mirror" not in left, f"a copy that failed left {left}")
    for action in ("look", "change"):
        there, here = stores(action)
        copied = bed.playbook("mirror", given=source)
        require("204 objects" in copied.output, f"the copy does not tell of 204 objects: {copied.output[-2000:]}")
        there, here = stores("look")
        require(there == here, f"{[key for key in there if there[key] != here.get(key)]} differ")
    tell("204 objects of another store are here, and one that changed there since")
    bed.server("docker rm --force other-store")


def status(bed: Bed) -> None:
    """The status is good, then degraded by an upload that was left behind and a crash, then bad; nothing is changed."""
    before = bed.listing()
    looked_at = status_of(bed, "good")
    status_of(bed, "good", "--check")
    require(bed.listing() == before, "looking at the status changed the server, or what the controller keeps of it")
    checks = {one["check"] for one in looked_at["rows"]}
    require(checks >= STATUS_CHECKS, f"the status does not tell of {STATUS_CHECKS - checks}")
    name, password = "modelhub-root", bed.server("cat /opt/modelhub/secrets/s3_root_password")
    upload = {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": password, "AWS_CA_BUNDLE": "/ca/ca.crt"}
    endpoint = f"https://minio-api.{bed.domain}"
    key = bed.client("/usr/bin/python3", "-c", LEAVE_UPLOAD, endpoint, "begin", secret=upload).strip()
    told = status_of(bed, "degraded", given={"status_upload_days": 0})
    worse = [one["check"] for one in told["rows"] if one["verdict"] != "good"]
    require(worse == ["incomplete uploads"], f"the upload alone was to be told, not {worse}")
    status_of(bed, "degraded", given={"status_upload_days": 0, "status_fails_on": "degraded"}, fails=True)
    bed.client("/usr/bin/python3", "-c", LEAVE_UPLOAD, endpoint, key, secret=upload)
    status_of(bed, "good", given={"status_upload_days": 0})
    bed.server("docker stop mlflow")
    told = status_of(bed, "bad", fails=True)
    worse = [one["where"] for one in told["rows"] if one["verdict"] == "bad"]
    require(worse == ["mlflow", f"mlflow.{bed.domain}"], f"MLflow and its address were to be bad, not {worse}")
    bed.server("docker start mlflow")
    bed.until("docker inspect --format '{{.State.Health.Status}}' mlflow", "healthy")
    told = status_of(bed, "bad", given=NOWHERE, fails=True)
    require("nothing of the stack nowhere is deployed" in told["rows"][0]["said"], f"that was not told: {told}")
    file = bed.work / "status.json"
    told = status_of(bed, "good", given={"status_file": str(file)})
    kept = json.loads(file.read_text(encoding="utf-8"))
    require(kept["verdict"] == told["verdict"] and len(kept["rows"]) == len(told["rows"]), f"the file tells {kept}")


def status_of(bed: Bed, verdict: str, *arguments: str, given: dict[str, Any] | None = None, fails: bool = False) -> Any:
    """The document of a run of the playbook status, which must tell this verdict, and fail or not."""
    # Steps before this one have killed containers.
    given = {"status_restart_hours": 0, "status_format": "json", **(given or {})}
    environment = bed.environment(ANSIBLE_CALLBACK_RESULT_FORMAT="yaml")
    run = Started(bed.command("status", *arguments, given=given), environment).wait()
    said = "\n".join(run.said("failed", "server"))
    require(run.code == (2 if fails else 0), f"status ends with {run.code}: {said or run.output[-3000:]}")
    require(not run.changed(), f"status says that it changed something: {run.changed()}")
    shown = [one["message"] for one in run.record["messages"] if one["task"].endswith("report | Show what was found")]
    # Before ansible-core 2.19 what looks like a dictionary is shown as one.
    document = yaml.safe_load(shown[0])
    tell("\n".join(f"{one['verdict']}: {one['check']} {one['where']}: {one['said']}" for one in document["rows"]))
    require(document["verdict"] == verdict, f"the status was to be {verdict}: {document}")
    require(not fails or f" is {verdict}." in said, f"the message does not tell the verdict: {said}")
    return document


def fails_to_verify(bed: Bed, *names: str) -> None:
    runs = {name: bed.start("site", f"--tags={name}_verify") for name in names}
    for name, run in runs.items():
        ended = run.wait()
        failed = [one["task"] for one in ended.record.get("failed", [])]
        fails = ended.code != 0 and failed and all(f".{name} : verify |" in task for task in failed)
        require(fails, f"{name}_verify, without what it is to prove, ends with {ended.record}")
        reason = ended.said("failed", "server")[-1]
        require("non-zero return code" not in reason, f"{name}_verify does not say why it failed")
        tell(f"{name}_verify fails: {reason[:300]}")


def documented_dump() -> str:
    """The command of the README, word for word."""
    found = re.search(r"```bash\n(set -o pipefail\n.*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL)
    require(found, f"{README} documents no dump")
    return str(found and found[1])


def rotated(bed: Bed, training: Training) -> None:
    """R3, F4, F43: other secrets are given; the old ones are refused, the new ones work, and nobody notices."""
    old = {name: bed.server(f"cat /opt/modelhub/secrets/{name}") for name in ("db_password", "s3_root_password")}
    names = ("db_password", "s3_root_password", "s3_secret_key", "mlflow_flask_key")
    new = {name: secrets.token_hex(16) for name in names}

    traefik = bed.server("docker inspect --format '{{.State.StartedAt}}' traefik")
    given = {**SETTINGS, **DASHBOARD, "traefik_dashboard_users": USERS[:1], "modelhub_db_password": new["db_password"]}
    with Outage(bed) as rotation:
        starts = starts_of(bed, "mlflow", lambda: bed.playbook("site", given=given))
    require(starts <= 1, f"MLflow was started {starts} times")
    bounded(bed, rotation)
    dashboard(bed, {SECOND: 401, FIRST: 200})
    require(traefik == bed.server("docker inspect --format '{{.State.StartedAt}}' traefik"), "Traefik was restarted")
    require(not logs_in(bed, old["db_password"]), "the old password of the database still works")
    require(logs_in(bed, new["db_password"]), "the new password of the database does not work")
    tell(f"the database has another password, MLflow was started {starts} times; training: {training.goes_on()}")

    s3(bed, old["s3_root_password"])
    given = {**SETTINGS, **{f"modelhub_{name}": new[name] for name in names[1:]}}
    with Outage(bed) as rotation:
        starts = starts_of(bed, "mlflow", lambda: bed.playbook("site", given=given))
    require(starts <= 1, f"MLflow was started {starts} times")
    bounded(bed, rotation)
    s3(bed, old["s3_root_password"], "refused")
    s3(bed, new["s3_root_password"])
    key = bed.server("docker exec mlflow cat /run/secrets/flask_key").strip()
    require(key == new["mlflow_flask_key"], "MLflow has another key for sessions than the one given")
    key = bed.server("docker exec mlflow cat /run/secrets/aws_credentials")
    require(new["s3_secret_key"] in key, "MLflow has another key for the store than the one given")
    require("modelhub-mlflow" in key, "MLflow has the keys of the store's administrator")
    tell(f"store and sessions have other keys, MLflow was started {starts} times; training: {training.goes_on()}")

    # The server knows its secrets: nobody needs to give them again, and another controller is as good as this one (R2).
    elsewhere = bed.work / "elsewhere"
    shutil.rmtree(elsewhere, ignore_errors=True)
    before = bed.listing()
    run = bed.playbook("site", given={**SETTINGS, "modelhub_state_dir": str(elsewhere)})
    require(before == bed.listing(), f"without the secrets given the run changed {run.changed()}")
    written = [name for name in run.changed() if not name.endswith("Write address, CA and CA bundle on the controller")]
    require(not written, f"without the secrets given the run says that it changed {written}")
    left = bed.server("docker ps --all --format '{{.Names}}'; docker network ls --format '{{.Name}}'").split()
    require(not [name for name in left if "docker-proxy" in name], f"of the socket's proxy something is left: {left}")
    tell("a run of another controller, without these secrets, changes nothing on the server")


def bounded(bed: Bed, rotation: Outage) -> None:
    """At most 10 s without answer. A machine on which a plain restart takes long is given a multiple of that."""
    with Outage(bed) as restart:
        bed.server("docker restart mlflow")
        bed.until("docker inspect --format '{{.State.Health.Status}}' mlflow", "healthy")
    tell(f"no answer for {rotation.seconds:.1f} s, and for {restart.seconds:.1f} s at a plain restart")
    require(rotation.seconds <= max(10, 3 * restart.seconds), f"no answer for {rotation.seconds:.1f} s")


def accounts(bed: Bed, training: Training) -> None:
    """Accounts are made, changed and taken away, many in one run."""
    users: list[dict[str, Any]] = [{"name": f"user-{number}"} for number in range(ACCOUNTS)]
    grant = {"user": "user-1", "resource_type": "registered_model", "resource_id": "*", "permission": "MANAGE"}
    first = {"mlflow_users": users, "mlflow_permissions": [grant]}
    # Without the settings of the steps before: a server that is about to be another one is not asked in check mode.
    bed.playbook("site")
    before = bed.listing()
    told = account_changes(bed, first, "--check")
    require(before == bed.listing(), "check mode changed something")
    require(told == account_changes(bed, first), "check mode told another change than the one made")
    require(len(told["after"]) == ACCOUNTS and not told["before"]["user-1"].get("admin"), f"these were to come: {told}")
    require(told["after"]["user-1"]["permissions"] == [{key: grant[key] for key in grant if key != "user"}], f"{told}")
    require(account_changes(bed, first) == {}, "a second run changes accounts")
    password = bed.server("cat /opt/modelhub/secrets/mlflow_user_user-1").strip()
    asks(bed, "mlflow", ACCOUNT, 200, f"user-1:{password}")
    tell(f"{ACCOUNTS} accounts were made, foretold by check mode; training: {training.goes_on()}")

    password = secrets.token_hex(16)
    second = {
        "mlflow_users": [{"name": "user-1", "password": password, "admin": True}, {"name": "user-2", "state": "absent"}]
    }
    told = account_changes(bed, second)
    require(sorted(told["after"]) == ["user-1", "user-2"], f"two accounts were to change, not {told}")
    require(password not in json.dumps(told), "a password is told")
    asks(bed, "mlflow", ACCOUNT, 200, f"user-1:{password}")
    # Removed files of passwords, and nothing that others have declared
    left = bed.server("ls /opt/modelhub/secrets | grep --count mlflow_user_ || true").strip()
    require(left == str(ACCOUNTS - 1), f"{left} files of passwords are left")
    third = {"mlflow_users": second["mlflow_users"][:1], "mlflow_users_exclusive": True}
    told = account_changes(bed, third)
    require(
        len(told["after"]) == ACCOUNTS - 1 and told["after"]["user-1"]["permissions"] == [],
        f"all but one were to go: {told}",
    )
    require(
        account_changes(bed, {**third, "mlflow_users": []})["after"] == {"user-1": {"state": "absent"}}, "one was to go"
    )
    asks(bed, "mlflow", ACCOUNT, 401, f"user-1:{password}")
    passwords = bed.server("ls /opt/modelhub/secrets | grep mlflow_user_ || true").split()
    require(not passwords, f"of accounts that are gone these passwords are left: {passwords}")
    tell(f"accounts were changed and removed; training: {training.goes_on()}")


def lost(bed: Bed) -> None:
    """Somebody has changed the administrator's password and does not tell: the next run sets it again."""
    name, old = bed.login().values()
    bed.client("/usr/bin/python3", "-c", LOSE_PASSWORD, secret={"LOST": secrets.token_hex(16)})
    run = bed.playbook("site", "--tags=mlflow")
    require(
        run.changed() == [LOGIN_TASK],
        f"the administrator's password alone was to be set, but these changed: {run.changed()}",
    )
    asks(bed, "mlflow", ACCOUNT, 200, f"{name}:{old}")
    tell("the administrator's password was set again")


def admitted(bed: Bed) -> None:
    """Who comes from elsewhere, or asks for what is off, is answered 403; the stack itself is let in all the same."""
    for path in ("/ajax-api/3.0/jobs", "/gateway/x/invocations", "/api/3.0/mlflow/gateway/endpoints/list"):
        asks(bed, "mlflow", path, 403, ":".join(bed.login().values()))
    elsewhere = "192.0.2.0/24"
    given: dict[str, Any] = {"traefik_allowed_sources": [bed.client_address], "mlflow_webhooks_enabled": False}
    bed.playbook("site", given={**given, "traefik_route_allowed_sources": {"minio": [elsewhere]}})
    asks(bed, "mlflow", "/health", 200)
    asks(bed, "minio", "/", 403)
    asks(bed, "mlflow", "/api/2.0/mlflow/webhooks", 403, ":".join(bed.login().values()))
    bed.client("python3", "/e2e/client.py", "--light")
    # What verifies the stack comes from its own containers.
    bed.playbook("site", given={**given, "traefik_allowed_sources": [elsewhere]})
    for name, path in {"mlflow": "/health", "minio-api": "/", "minio": "/"}.items():
        asks(bed, name, path, 403)
    # Before they reach Traefik, also where somebody has emptied the chain and Docker starts anew.
    bed.playbook("site", given={**given, "traefik_allowed_sources": [elsewhere], "traefik_manage_docker_user": True})
    bed.server("iptables -F DOCKER-USER; systemctl restart docker")
    bed.until("docker inspect --format '{{.State.Health.Status}}' traefik mlflow | sort --unique", "healthy")
    bed.client("/usr/bin/python3", "-c", UNREACHABLE, bed.address)
    run = bed.playbook("site", given={**given, "traefik_manage_docker_user": True})
    require(run.has_changed("docker_user | Put the rules in place"), f"only {run.changed()} changed")
    asks(bed, "mlflow", "/health", 200)
    bed.playbook("site")
    left = bed.server(FIREWALL)
    require(not left, f"of the firewall's rules something is left: {left}")
    tell("who comes from elsewhere is not let in")


def stolen(bed: Bed) -> None:
    """F15: somebody takes the port after it was found free. The engine's error is told once, and the next run heals."""
    bed.server("docker rm --force traefik")
    run = start_until(bed, WRITTEN, "site")
    thief = bed.server(THIEF).strip()
    ended = run.go_on()
    said = ended.said("failed", "server")
    require(len(said) == 1 and "443" in said[0], f"the port that is taken was to be told once, not {said}")
    state = bed.server("docker inspect --format '{{.State.Running}} {{.State.Restarting}}' traefik").strip()
    require(state == "false false", f"Traefik without its port is {state}")
    bed.server(f"kill {thief}")
    bed.playbook("site")
    asks(bed, "mlflow", "/health", 200)
    tell(f"{said[0][:300]}; the next run started it")


def proxied(bed: Bed) -> None:
    """Others than MLflow know who may log in: a list of logins, and what Traefik asks about each request."""
    given = {"mlflow_auth": "proxy", "traefik_basic_auth_users": USERS[:1]}
    bed.playbook("site", given=given)
    for login, status in {"": 401, SECOND: 401, FIRST: 200}.items():
        asks(bed, "mlflow", "/api/2.0/mlflow/experiments/get?experiment_id=0", status, login)
    name, password = FIRST.split(":")
    known = {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}
    bed.client("python3", "/e2e/client.py", "--light", secret=known)
    # The store's own answers stand for those of an identity proxy. Last the one that lets everybody in.
    for path, status, verified_by in (("", 403, True), ("minio/health/ready", 200, False)):
        given = {"mlflow_auth": "proxy", "traefik_forward_auth_url": f"http://minio:9000/{path}"}
        bed.playbook("site", "--tags=traefik", given=given)
        asks(bed, "mlflow", "/api/2.0/mlflow/experiments/get?experiment_id=0", status)
        run = bed.start("site", "--tags=mlflow_verify", given=given).wait()
        said = "\n".join(run.said("failed", "server"))
        require(run.code == 0 or not verified_by, f"mlflow_verify failed where the address refuses: {said}")
        require(
            verified_by or "answered 200 without a login" in said, f"that nobody is refused was to be told, not: {said}"
        )
    bed.playbook("site")
    asks(bed, "mlflow", "/", 401)
    tell("MLflow was behind logins of Traefik, behind another's answers, and has its own accounts again")


def asks(bed: Bed, name: str, path: str, status: int, login: str = "") -> None:
    """See the server answer a path at one of its names. login: user:password."""
    where = ["/ca/ca.crt", bed.address, f"{name}.{bed.domain}", path, str(status)]
    tell(bed.client("python3", "/e2e/status.py", *where, *([login] if login else [])).strip())


def account_changes(bed: Bed, given: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """What a run tells of accounts that change, before and after."""
    run = bed.playbook("site", "--tags=mlflow", *arguments, given=given)
    told = [one["message"] for one in run.record["messages"] if one["task"].endswith("accounts | Tell who changes")]
    return dict(ast.literal_eval(told[0])) if told else {}


def starts_of(bed: Bed, container: str, change: Callable[[], object]) -> int:
    """Make a change, and return how often a container was started meanwhile."""
    watch = f"timeout 3600 docker events --filter container={container} --filter event=start --format '{{{{.Action}}}}'"
    process = bed.server(f"nohup {watch} >/tmp/starts 2>/dev/null </dev/null & echo $!").strip()
    change()
    return len(bed.server(f"kill {process}; cat /tmp/starts").splitlines())


def logs_in(bed: Bed, password: str) -> bool:
    """Whether MLflow's role may log in over TCP with this password."""
    psql = "docker exec --env PGPASSWORD postgres psql -h 127.0.0.1 -U mlflow -d mlflow -tAc 'SELECT 1' 2>&1 || true"
    answer = bed.server(f"export PGPASSWORD\n{psql}", PGPASSWORD=password).strip()
    require(answer == "1" or "password authentication failed" in answer, f"psql says {answer}")
    return answer == "1"


def s3(bed: Bed, password: str, *arguments: str) -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "modelhub-root",
        "AWS_SECRET_ACCESS_KEY": password,
        "AWS_CA_BUNDLE": "/ca/ca.crt",
        "S3_ENDPOINT_URL": f"https://minio-api.{bed.domain}",
        "S3_BUCKET": "mlflow",
    }
    tell(bed.client("/usr/bin/python3", "/e2e/s3.py", *arguments, secret=environment).strip())


TRAINED = (killed, daemon, refused, broken, reconfigured, rotated, accounts, verified, python)
STEPS = {step.__name__: step for step in TRAINED}
# Without a training
QUIET_STEPS = {step.__name__: step for step in (admitted, database, lost, mirrored, proxied, status, stolen, stopped)}


def main() -> None:
    inventory, *steps = sys.argv[1:]
    bed = Bed(Path(inventory))
    if steps[0] in QUIET_STEPS:
        for step in steps:
            QUIET_STEPS[step](bed)
        return
    training = Training(bed)
    for step in steps:
        STEPS[step](bed, training)
    tell(f"training: {training.end()}")


if __name__ == "__main__":
    main()
