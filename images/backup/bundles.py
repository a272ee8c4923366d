# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, list, verify and restore bundles: what a stack needs to be there again, on a server that has nothing.

Usage: bundles.py backup          make one, then remove those that nobody wants to keep
       bundles.py list            all that are complete
       bundles.py verify BUNDLE   read all of one, and tell what is wrong with it (BUNDLE: a name, or latest)
       bundles.py secrets BUNDLE  put its secrets and certificates in place
       bundles.py restore BUNDLE  put its objects and databases in place

Runs in a container of its own, by /run/backup/config.json. A target is a directory, or what rclone calls a remote:

  target.json                   whose bundles these are
  bundles/NAME/                 dumps, secrets, a list of the objects; last, manifest.json with checksums of all
  objects/NAME/KEY              the objects that were new when NAME was made; later bundles name them as well

Databases first, objects after: what a run in the dump points to was there before. What has begun and has no manifest is
no bundle, and the next backup removes it. Progress goes to standard error; the last line on standard output is a JSON
document for programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import typing as t
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

FORMAT = 1
PROJECT = "opengeoai.modelhub"
RUN = Path("/run/backup")
WORK = Path("/work")
STATE = Path("/state")
BASE = Path("/base")
RCLONE_CONFIG = Path("/tmp/rclone.conf")
NAME = re.compile(r"\d{8}T\d{6}Z")
STORE, POOL = "modelhub-store", "modelhub-pool"
MANIFEST, INDEX, STARTED = "manifest.json", "objects.jsonl", "started"
# An object that was written so shortly before it was listed may have been written again in the same tick of the clock.
RACY_SECONDS = 10
# What `rclone checksum` finds, by its option for each, in words
FAULTS = {"differ": "differs from its checksum", "missing-on-dst": "is missing", "error": "cannot be read"}
# Roles that own something in a database, or were granted something in it. A dump names them, and does not hold them.
ROLES_NEEDED = """
SELECT DISTINCT rolname FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid
WHERE refclassid = 'pg_authid'::regclass AND rolname !~ '^pg_'
AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1
"""

Config = dict[str, t.Any]
Manifest = dict[str, t.Any]


class BackupError(Exception):
    """What cannot go on, in one sentence for people."""


class Entry(t.NamedTuple):
    """An object of a bundle: as the store listed it, what was copied, and in which bundle's folder that lies."""

    key: str
    size: int
    modified: str
    sha256: str
    at: str


def say(text: str) -> None:
    print(f"{datetime.now(timezone.utc):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def run(command: list[str], quiet: bool = True) -> str:
    """What a program prints. Not quiet: what it says of its progress is shown at once. It fails with its last words."""
    words: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE if quiet else subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        if quiet:
            output, errors = process.communicate()
            words = errors.splitlines()
        else:
            output = ""
            for line in process.stderr or ():
                words.append(line)
                print(line.rstrip(), file=sys.stderr, flush=True)
    if process.returncode:
        last = [line.strip() for line in words if line.strip()][-3:]
        raise BackupError(f"{Path(command[0]).name} failed: {'; '.join(last) or process.returncode}")
    return output


def rclone(*arguments: str, quiet: bool = True) -> str:
    """Run rclone. Not quiet: it moves data, and says every half minute how far it is."""
    options = ["--config", str(RCLONE_CONFIG), "--cache-dir", str(WORK / "cache"), "--use-server-modtime"]
    if not quiet:
        options += ["--stats=30s", "--stats-one-line", "--stats-log-level=NOTICE", "--transfers=8", "--checkers=16"]
    return run(["rclone", *arguments, *options], quiet)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(manifest: Manifest) -> str:
    """Checksum of a manifest itself."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write_rclone_config(config: Config) -> None:
    """The store, what the inventory says of the target, and the pool: the target's objects, hashed as they pass."""
    store = config["store"]
    own = {
        STORE: {
            "type": "s3",
            "provider": "Other",
            "endpoint": store["endpoint"],
            "region": store["region"],
            "access_key_id": store["access_key"],
            "secret_access_key": store["secret_key"],
            "force_path_style": "true",
            "no_check_bucket": "true",
        },
        POOL: {"type": "hasher", "remote": place(config, "objects"), "hashes": "sha256", "max_age": "off"},
    }
    given = RUN / "rclone.conf"
    text = given.read_text(encoding="utf-8") if given.exists() else ""
    for name, settings in own.items():
        text += "\n".join(["", f"[{name}]", *(f"{key} = {value}" for key, value in settings.items()), ""])
    RCLONE_CONFIG.touch(mode=0o600)
    RCLONE_CONFIG.write_text(text, encoding="utf-8")


def place(config: Config, *parts: str) -> str:
    """Path in the target, as rclone takes it."""
    target = str(config["target"])
    separator = "" if target.endswith((":", "/")) else "/"
    return target + separator + "/".join(parts)


def bucket(config: Config) -> str:
    return f"{STORE}:{config['store']['bucket']}"


@contextmanager
def lock(what: str) -> t.Iterator[None]:
    """One at a time. The kernel gives the lock back when its holder is gone, however that ended."""
    with (STATE / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = json.loads(file.read() or '{"what": "something", "since": 0}')
            seconds = int(time.time() - holder["since"])
            raise BackupError(
                f"{holder['what']} has been running for {seconds} s on this server, and two at once would get in each"
                " other's way. Wait for its end, or stop its container"
            ) from None
        file.truncate(0)
        file.write(json.dumps({"what": what, "since": time.time()}))
        file.flush()
        yield


def empty_work() -> None:
    """What a run left behind that was killed."""
    for path in WORK.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    (WORK / "index").mkdir()


# --- What is in the target ---


def read_target(config: Config, local: Path = WORK / "manifests") -> dict[str, Manifest | None]:
    """Every folder of a bundle by its name, with its manifest, None for one that is incomplete; damaged ones are {}."""
    folders = rclone("lsf", "--dirs-only", place(config, "bundles")) if exists(config, "bundles") else ""
    names = sorted(name.strip("/") for name in folders.splitlines() if NAME.fullmatch(name.strip("/")))
    shutil.rmtree(local, ignore_errors=True)
    if names:
        rclone("copy", f"--include=/*/{MANIFEST}", place(config, "bundles"), str(local))
    return {name: read_manifest(local / name / MANIFEST, name) for name in names}


def read_manifest(file: Path, name: str) -> Manifest | None:
    if not file.exists():
        return None
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        sound = manifest["sha256"] == digest(manifest) and manifest["name"] == name
    except (KeyError, TypeError, ValueError):
        sound = False
    return manifest if sound else {}


def exists(config: Config, *parts: str) -> bool:
    *folder, last = parts
    try:
        found = rclone("lsf", place(config, *folder))
    except BackupError as error:
        if "not found" in str(error):
            return False
        raise
    return last in (line.strip("/") for line in found.splitlines())


def complete(found: dict[str, Manifest | None]) -> dict[str, Manifest]:
    """Those whose manifest is there and is whole, the newest first."""
    return {name: manifest for name, manifest in sorted(found.items(), reverse=True) if manifest}


def identity(config: Config) -> Manifest:
    return {"project": PROJECT, "stack": config["stack"], "domain": config["domain"]}


def require_own(found: Manifest, config: Config, what: str) -> None:
    for field, wanted in identity(config).items():
        if found.get(field) != wanted:
            raise BackupError(
                f'{what} is of another stack: its field {field} is "{found.get(field)}", and here it is "{wanted}". Set'
                " backup_target to another place, or modelhub_stack and modelhub_domain to those"
            )


def claim_target(config: Config) -> None:
    """Refuse somebody else's target, one that has been lost, and one that lies in the bucket that it is to save."""
    if exists(config, "target.json"):
        return require_own(json.loads(rclone("cat", place(config, "target.json"))), config, "backup_target")
    last = last_bundle()
    if last and last["target"] == config["shown_target"]:
        raise BackupError(
            f"backup_target {config['shown_target']} is empty, but bundle {last['name']} was written there. Mount it"
            f" again; or, if the bundles are really gone, remove {config['state_dir']}/last.json on the server"
        )
    text = json.dumps({**identity(config), "format": FORMAT, "made": time.time_ns()})
    file = WORK / "target.json"
    file.write_text(text, encoding="utf-8")
    rclone("copyto", str(file), place(config, "target.json"))
    # Whatever the remote calls the bucket: is what was written there now in here?
    parts = [part for part in str(config["target"]).partition(":")[2].split("/") if part]
    for start in range(len(parts) + 1):
        key = "/".join([*parts[start:], "target.json"])
        with_key = rclone("lsf", bucket(config), f"--include=/{key}", "--files-only", "--recursive", "--max-depth=9")
        if with_key and rclone("cat", f"{bucket(config)}/{key}") == text:
            rclone("deletefile", place(config, "target.json"))
            raise BackupError(
                f"backup_target {config['shown_target']} is the bucket {config['store']['bucket']} of this very store:"
                " a backup would save itself, and be lost with it. Set backup_target to another place"
            )
    return None


def last_bundle() -> Manifest:
    file = STATE / "last.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def read_index(config: Config, name: str) -> list[Entry]:
    local = WORK / "index" / f"{name}.jsonl"
    if not local.exists():
        rclone("copyto", place(config, "bundles", name, INDEX), str(local))
    with local.open(encoding="utf-8") as file:
        return [Entry(**json.loads(line)) for line in file]


# --- Backup ---


def backup(config: Config) -> Manifest:
    clock = time.monotonic()
    if (STATE / "restoring").exists():
        raise BackupError("a restore was begun and is not complete, so there is nothing to save. Run the restore again")
    claim_target(config)
    found = read_target(config)
    require_room(config, found)
    name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    if name in found:
        raise BackupError(f"there is a bundle {name} already: wait for the next second")
    clean(config, found)
    folder = stage(config, name)
    manifest: Manifest = {
        **identity(config),
        "format": FORMAT,
        "name": name,
        "host": config["host"],
        "roles": config["roles"],
        "bucket": config["store"]["bucket"],
        "images": config["images"],
        "versions": config["versions"],
        "databases": [dump(config, database, folder) for database in config["databases"]],
        # Of another deployment, by playbooks/adopt.yml: its roles and its accounts are not those of this stack.
        "adopted": config.get("adopted", False),
    }
    manifest["objects"] = save_objects(config, name, next(iter(complete(found).items()), None), folder)
    manifest["secrets"] = save_secrets(config, folder)
    files = sorted(path for path in folder.iterdir() if path.name not in (MANIFEST, STARTED))
    manifest["files"] = {path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size} for path in files}
    manifest["seconds"] = round(time.monotonic() - clock, 1)
    manifest["sha256"] = digest(manifest)
    publish(config, name, folder, manifest)
    found[name] = manifest
    removed = retire(config, found)
    last = {"name": name, "finished": time.time(), "seconds": manifest["seconds"], "target": config["shown_target"]}
    (STATE / "last.json").write_text(json.dumps(last), encoding="utf-8")
    return {**summary(manifest), "removed": removed}


def require_room(config: Config, found: dict[str, Manifest | None]) -> None:
    """The first bundle of another deployment, and the new one, fit on their disks."""
    size = config.get("needs_bytes", 0)
    wanted: dict[int, tuple[str, int]] = {}
    for place_, shown, is_due in (
        (config["target"], f"{config['shown_target']} (adopt_dir)", not complete(found)),
        (STATE, "modelhub_base_dir", True),
    ):
        if size and is_due:
            device = Path(place_).stat().st_dev
            names, total = wanted.get(device, ("", 0))
            wanted[device] = (f"{names} and {shown}" if names else shown, total + size)
            if shutil.disk_usage(place_).free < wanted[device][1]:
                raise BackupError(
                    f"the disk of {wanted[device][0]} has {shutil.disk_usage(place_).free >> 20} MiB free, but what is"
                    f" taken over needs {wanted[device][1] >> 20} MiB of it. Make room, or set them to larger disks"
                )


def stage(config: Config, name: str) -> Path:
    """The folder in which the parts of a bundle are made: its own, where the target is a directory."""
    folder = Path(place(config, "bundles", name)) if config["target"].startswith("/") else WORK / "bundles" / name
    folder.mkdir(parents=True)
    (folder / STARTED).touch()
    if folder.is_relative_to(WORK):
        rclone("copy", str(folder), place(config, "bundles", name))
    return folder


def publish(config: Config, name: str, folder: Path, manifest: Manifest) -> None:
    """All else is in the target when the manifest is."""
    if folder.is_relative_to(WORK):
        rclone("copy", str(folder), place(config, "bundles", name), quiet=False)
    else:
        os.sync()
    written = WORK / MANIFEST
    written.write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
    rclone("copyto", str(written), place(config, "bundles", name, MANIFEST))
    os.sync()
    if folder.is_relative_to(WORK):
        shutil.rmtree(folder)


def connect(config: Config, database: str) -> t.Any:
    import psycopg2

    return psycopg2.connect(**config["postgres"], dbname=database)


def postgres_options(config: Config) -> list[str]:
    """A password goes by the environment."""
    names = {"host": "host", "port": "port", "user": "username"}
    return [f"--{name}={config['postgres'][key]}" for key, name in names.items()]


def count_rows(cursor: t.Any, tables: list[str] | None = None) -> dict[str, int]:
    """Rows of each table of a database, or of those that are named, as schema.table in quotes where SQL wants them."""
    cursor.execute(
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_catalog.pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        " AND (%(tables)s::text[] IS NULL OR format('%%I.%%I', schemaname, tablename) = ANY(%(tables)s::text[]))"
        " ORDER BY 1",
        {"tables": tables},
    )
    rows = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT count(*) FROM {table}")
        rows[table] = cursor.fetchone()[0]
    return rows


def dump(config: Config, database: Config, folder: Path) -> Manifest:
    """Dump a database, and count its rows as the dump sees them."""
    say(f"database {database['name']}: dumping")
    file = f"{database['kind']}.dump"
    with closing(connect(config, database["name"])) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor = connection.cursor()
        cursor.execute(
            "SELECT pg_export_snapshot(), current_setting('server_version'), pg_database_size(current_database())"
        )
        snapshot, version, size = cursor.fetchone()
        command = [
            "pg_dump",
            f"--snapshot={snapshot}",
            "--format=custom",
            "--compress=zstd:3",
            f"--file={folder / file}",
            *(f"--table={table}" for table in database.get("tables", ())),
        ]
        run([*command, *postgres_options(config), database["name"]])
        rows = count_rows(cursor, database.get("tables"))
        cursor.execute(ROLES_NEEDED)
        roles = [role for (role,) in cursor.fetchall()]
    named = {"kind": database["kind"], "name": database["name"], "file": file, "server": version}
    return {**named, "rows": rows, "bytes": size, "needs_roles": roles}


def list_bucket(config: Config) -> dict[str, Config]:
    listed = json.loads(rclone("lsjson", "--recursive", "--files-only", "--no-mimetype", bucket(config)))
    return {one["Path"]: one for one in listed}


def unchanged(one: Config, old: Entry | None, listed: float) -> bool:
    """Whether an object is the one that an earlier bundle holds, by size and time, where the time can tell."""
    if old is None or (old.size, old.modified) != (one["Size"], one["ModTime"]):
        return False
    return datetime.fromisoformat(old.modified).timestamp() < listed - RACY_SECONDS


def save_objects(config: Config, name: str, before: tuple[str, Manifest] | None, folder: Path) -> Manifest:
    """Copy what no earlier bundle holds; list all. What is deleted meanwhile is told, and is not in the list."""
    listed_at = time.time()
    listed = list_bucket(config)
    broken = [key for key in listed if "\n" in key or "\r" in key]
    if broken:
        raise BackupError(
            f"the bucket holds an object with a line break in its name, which rclone cannot take: {broken[0]!r}"
        )
    old = {entry.key: entry for entry in read_index(config, before[0])} if before else {}
    since = before[1]["objects"]["listed"] if before else 0
    known = {key: old[key] for key, one in listed.items() if unchanged(one, old.get(key), since)}
    # What the target has lost since is copied once more: or every bundle from now on would name it, and none be whole.
    held = held_sizes(config) if known else {}
    kept = {key: entry for key, entry in known.items() if held.get(f"{entry.at}/{key}") == entry.size}
    if len(kept) < len(known):
        lost = next(key for key in known if key not in kept)
        say(f"objects: the target has lost {len(known) - len(kept)} that are copied once more, {lost} among them")
    known = kept
    new = [key for key in listed if key not in known]
    copied = copy_new(config, name, new)
    entries = list(known.values())
    for key, found in copied.items():
        entries.append(Entry(key, found["Size"], listed[key]["ModTime"], found["Hashes"]["sha256"], name))
    with (folder / INDEX).open("w", encoding="utf-8") as file:
        for entry in sorted(entries):
            file.write(json.dumps(entry._asdict()) + "\n")
    fresh = [entry for entry in entries if entry.at == name]
    return {
        "listed": listed_at,
        "count": len(entries),
        "bytes": sum(entry.size for entry in entries),
        "new": len(fresh),
        "new_bytes": sum(entry.size for entry in fresh),
        "deleted_meanwhile": len(listed) - len(entries),
    }


def held_sizes(config: Config) -> dict[str, int]:
    """Bytes of each object in the target, by bundle and key."""
    if not exists(config, "objects"):
        return {}
    listed = rclone("lsjson", "--recursive", "--files-only", "--no-modtime", "--no-mimetype", place(config, "objects"))
    return {one["Path"]: one["Size"] for one in json.loads(listed)}


def copy_new(config: Config, name: str, keys: list[str]) -> dict[str, Config]:
    if not keys:
        return {}
    say(f"objects: copying {len(keys)} new ones")
    wanted = WORK / "keys"
    wanted.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
    rclone("copy", "--no-check-dest", f"--files-from-raw={wanted}", bucket(config), f"{POOL}:{name}", quiet=False)
    found = json.loads(
        rclone("lsjson", "--recursive", "--files-only", "--hash", "--hash-type=sha256", f"{POOL}:{name}")
    )
    unhashed = [one["Path"] for one in found if not one.get("Hashes", {}).get("sha256")]
    sums = read_back(name, unhashed)
    for path in unhashed:
        found_one = next(one for one in found if one["Path"] == path)
        found_one["Hashes"] = {"sha256": sums[path]}
    return {one["Path"]: one for one in found}


def read_back(name: str, paths: list[str]) -> dict[str, str]:
    """Checksums of what was not hashed on its way."""
    if not paths:
        return {}
    wanted = WORK / "keys"
    wanted.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    lines = rclone("hashsum", "sha256", "--download", f"--files-from-raw={wanted}", f"{POOL}:{name}").splitlines()
    return {line[66:]: line[:64] for line in lines}


def save_secrets(config: Config, folder: Path) -> Manifest:
    how = config["secrets"]
    if how == "omitted":
        return {"how": how}
    file = "secrets.tar" if how == "plain" else "secrets.tar.age"
    command = ["cat"] if how == "plain" else ["age", *(f"--recipient={one}" for one in config["recipients"])]
    with (folder / file).open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out)
        # Who refuses its arguments does not read.
        with suppress(BrokenPipeError), process, tarfile.open(fileobj=process.stdin, mode="w|") as archive:
            for path in config["secret_paths"]:
                if (BASE / path).exists():
                    archive.add(BASE / path, arcname=path)
    if process.wait():
        raise BackupError(
            f"age ended with {process.returncode}: the secrets were not encrypted. Look at backup_recipients"
        )
    return {"how": how, "file": file}


# --- Retention ---


def clean(config: Config, found: dict[str, Manifest | None]) -> None:
    """Remove what was begun and never completed, and the objects that no bundle names any more."""
    incomplete = [name for name, manifest in found.items() if manifest is None]
    if not incomplete:
        return
    damaged = [name for name, manifest in found.items() if manifest == {}]
    if damaged:
        say(f"bundle {damaged[0]} is damaged: nothing is removed until it is mended, or its folder is removed by hand")
        return
    wanted = {f"{one.at}/{one.key}" for name in complete(found) for one in read_index(config, name)}
    there = rclone("lsf", "--recursive", "--files-only", place(config, "objects")) if exists(config, "objects") else ""
    unwanted = [path for path in there.splitlines() if path not in wanted]
    if unwanted:
        say(f"objects: removing {len(unwanted)} that no bundle names")
        keys = WORK / "keys"
        keys.write_text("".join(f"{path}\n" for path in unwanted), encoding="utf-8")
        rclone("delete", f"--files-from-raw={keys}", place(config, "objects"))
        rclone("rmdirs", "--leave-root", place(config, "objects"))
    for name in incomplete:
        say(f"bundle {name} is incomplete: removing it")
        rclone("purge", place(config, "bundles", name))
        del found[name]


def retire(config: Config, found: dict[str, Manifest | None]) -> list[str]:
    """Remove bundles that are beyond the number to keep and older than the days to keep; never the newest one."""
    oldest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 86400 * config["keep_days"]))
    surplus = [name for name in list(complete(found))[max(1, config["keep"]) :] if name < oldest]
    for name in surplus:
        say(f"bundle {name} is old: removing it")
        rclone("deletefile", place(config, "bundles", name, MANIFEST))
        found[name] = None
    clean(config, found)
    return surplus


def summary(manifest: Manifest) -> Manifest:
    """What a person wants to know of a bundle."""
    return {
        "name": manifest["name"],
        "seconds": manifest["seconds"],
        "rows": sum(sum(database["rows"].values()) for database in manifest["databases"]),
        "database_bytes": sum(manifest["files"][database["file"]]["bytes"] for database in manifest["databases"]),
        "objects": manifest["objects"]["count"],
        "object_bytes": manifest["objects"]["bytes"],
        "new_objects": manifest["objects"]["new"],
        "new_bytes": manifest["objects"]["new_bytes"],
        "deleted_meanwhile": manifest["objects"]["deleted_meanwhile"],
        "secrets": manifest["secrets"]["how"],
        "images": manifest["images"],
    }


def list_bundles(config: Config) -> Manifest:
    found = read_target(config, Path("/tmp/manifests"))
    return {
        "bundles": [summary(manifest) for manifest in complete(found).values()],
        "incomplete": [name for name, manifest in found.items() if manifest is None],
        "damaged": [name for name, manifest in found.items() if manifest == {}],
    }


# --- Restore ---


def choose(config: Config, wanted: str) -> Manifest:
    """The manifest of a bundle that this stack may use."""
    found = read_target(config)
    name = next(iter(complete(found)), "") if wanted == "latest" else wanted
    where = config["shown_target"]
    if not name:
        raise BackupError(f"there is no complete bundle in {where}. Look at backup_target")
    if name not in found:
        raise BackupError(f"there is no bundle {name} in {where}; there are: {', '.join(complete(found)) or 'none'}")
    manifest = found[name]
    if not manifest:
        fault = "has no manifest.json: it was never completed" if manifest is None else "has a damaged manifest.json"
        raise BackupError(f"bundle {name} {fault}. Choose another: {', '.join(complete(found)) or 'there is none'}")
    require_fitting(manifest, config)
    return manifest


def require_fitting(manifest: Manifest, config: Config) -> None:
    what = f"bundle {manifest['name']}"
    if manifest["format"] > FORMAT:
        raise BackupError(
            f"{what}: its field format is {manifest['format']}, but this release reads {FORMAT} at most. Restore it"
            " with the release of the collection that made it, or a newer one"
        )
    require_own(manifest, config, what)
    kinds = [sorted(database["kind"] for database in one["databases"]) for one in (manifest, config)]
    if manifest.get("adopted"):
        kinds[1] = ["tracking"]
    fields = {"roles": (manifest["roles"], config["roles"]), "databases": (kinds[0], kinds[1])}
    for field, (there, here) in fields.items():
        if there != here:
            raise BackupError(
                f"{what}: its field {field} is {there}, but here it is {here}. Deploy with the settings that the bundle"
                " was made with (modelhub_db_owner, modelhub_db_user, mlflow_auth)"
            )


def verify(config: Config, wanted: str) -> Manifest:
    """Read all of a bundle, and change nothing."""
    clock = time.monotonic()
    manifest = choose(config, wanted)
    folder = fetch(config, manifest)
    require_key(manifest, folder)
    entries = read_index(config, manifest["name"])
    say(f"objects: reading {len(entries)}")
    found, error = compare({f"{one.at}/{one.key}": one.sha256 for one in entries}, place(config, "objects"))
    if error:
        raise BackupError(
            f"bundle {manifest['name']}: {object_faults(found) or error}. Choose another bundle, one that does not hold"
            " this object; the next backup copies what is missing or cut off once more"
        )
    return {
        **summary(manifest),
        "adopted": manifest.get("adopted", False),
        "verified_seconds": round(time.monotonic() - clock, 1),
        "needs_bytes": manifest["objects"]["bytes"] + sum(one.get("bytes", 0) for one in manifest["databases"]),
        "free_bytes": shutil.disk_usage(STATE).free,
        "versions": manifest["versions"],
    }


def compare(sums: dict[str, str], where: str) -> tuple[dict[str, list[str]], str]:
    """Read objects and hold them against their checksums: keys by what was found, and why not all is well, or ''."""
    if not sums:
        return {}, ""
    file = WORK / "sums"
    file.write_text("".join(f"{value}  {key}\n" for key, value in sums.items()), encoding="utf-8")
    reports = {what: WORK / f"{what}.keys" for what in ("match", *FAULTS)}
    for report in reports.values():
        report.unlink(missing_ok=True)
    error = ""
    try:
        options = [f"--{what}={report}" for what, report in reports.items()]
        rclone("checksum", "sha256", str(file), where, "--download", "--one-way", *options)
    except BackupError as failed:
        error = str(failed)
    told = {
        what: report.read_text(encoding="utf-8").splitlines() for what, report in reports.items() if report.exists()
    }
    return told, error


def object_faults(found: dict[str, list[str]]) -> str:
    for fault, words in FAULTS.items():
        keys = found.get(fault)
        if keys:
            more = f", and so do {len(keys) - 1} more" if len(keys) > 1 else ""
            return f"objects/{keys[0]} {words}{more}"
    return ""


def fetch(config: Config, manifest: Manifest) -> Path:
    """A bundle's own files, on this server and as their checksums say."""
    if config["target"].startswith("/"):
        folder = Path(place(config, "bundles", manifest["name"]))
    else:
        folder = WORK / "bundles" / manifest["name"]
        rclone("copy", place(config, "bundles", manifest["name"]), str(folder), quiet=False)
    for name, wanted in manifest["files"].items():
        file = folder / name
        if not file.exists():
            raise BackupError(f"bundle {manifest['name']}: {name} is missing. Choose another bundle")
        if sha256_of(file) != wanted["sha256"]:
            raise BackupError(f"bundle {manifest['name']}: {name} differs from its checksum. Choose another bundle")
    index = WORK / "index" / f"{manifest['name']}.jsonl"
    index.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / INDEX, index)
    return folder


@contextmanager
def opened_secrets(manifest: Manifest, folder: Path) -> t.Iterator[tarfile.TarFile]:
    file = folder / manifest["secrets"]["file"]
    identity_file = RUN / "identity"
    is_plain = manifest["secrets"]["how"] == "plain"
    if not is_plain and not identity_file.exists():
        raise BackupError(
            f"bundle {manifest['name']}: its secrets are encrypted. Set backup_identity_file to the file with the key"
            " that belongs to backup_recipients"
        )
    command = ["cat", str(file)] if is_plain else ["age", "--decrypt", f"--identity={identity_file}", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                yield archive
        except tarfile.ReadError:
            said = (process.stderr.read() if process.stderr else b"").decode(errors="replace").splitlines()
            raise BackupError(
                f"bundle {manifest['name']}: its secrets cannot be decrypted with backup_identity_file:"
                f" {said[0] if said else 'the key is another one'}. Give the key that belongs to backup_recipients"
            ) from None


def require_key(manifest: Manifest, folder: Path) -> None:
    if manifest["secrets"]["how"] == "omitted":
        return
    with opened_secrets(manifest, folder) as archive:
        for _member in archive:
            pass


def place_secrets(config: Config, wanted: str) -> Manifest:
    manifest = choose(config, wanted)
    if manifest["secrets"]["how"] == "omitted":
        return {"name": manifest["name"], "secrets": "omitted"}
    folder = fetch(config, manifest)
    with opened_secrets(manifest, folder) as archive:
        archive.extractall(BASE, numeric_owner=True, filter="tar")
    return {"name": manifest["name"], "secrets": "placed"}


def restore(config: Config, wanted: str) -> Manifest:
    clock = time.monotonic()
    manifest = choose(config, wanted)
    folder = fetch(config, manifest)
    objects = restore_objects(config, manifest)
    aside = [restore_database(config, one, manifest, folder) for one in manifest["databases"]]
    if folder.is_relative_to(WORK):
        shutil.rmtree(folder)
    return {
        **summary(manifest),
        **objects,
        "set_aside": [name for name in aside if name],
        "restored_seconds": round(time.monotonic() - clock, 1),
    }


def restore_objects(config: Config, manifest: Manifest) -> Manifest:
    """What is in the store already, and is the same, is not written again: a killed restore goes on where it was."""
    entries = read_index(config, manifest["name"])
    there = list_bucket(config)
    alike = [one for one in entries if there.get(one.key, {"Size": -1})["Size"] == one.size]
    if alike:
        say(f"objects: comparing {len(alike)} that are in the store already")
    # Only what was seen to be the same: a comparison may end before it has seen all.
    same = set(compare({one.key: one.sha256 for one in alike}, bucket(config))[0].get("match", []))
    folders: dict[str, list[str]] = {}
    for entry in entries:
        if entry.key not in same:
            folders.setdefault(entry.at, []).append(entry.key)
    for at, keys in sorted(folders.items()):
        say(f"objects: {len(keys)} of {at}")
        wanted = WORK / "keys"
        wanted.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        rclone(
            "copy",
            # Stores tell no checksum of what came in parts, and sizes and times would do for rclone then.
            "--ignore-times",
            f"--files-from-raw={wanted}",
            place(config, "objects", at),
            bucket(config),
            quiet=False,
        )
    there = list_bucket(config)
    missing = [one.key for one in entries if there.get(one.key, {"Size": -1})["Size"] != one.size]
    if missing:
        raise BackupError(
            f"{len(missing)} objects are not in the store, {missing[0]} among them. Run the restore again"
        )
    return {"objects_left_alone": len(set(there) - {one.key for one in entries})}


def restore_database(config: Config, dumped: Manifest, manifest: Manifest, folder: Path) -> str:
    """Restore beside what is there, count, then take its name. What it held is set aside, never dropped."""
    database = next(one for one in config["databases"] if one["kind"] == dumped["kind"])
    # PostgreSQL cuts names at 63 bytes.
    name, beside = database["name"], f"{database['name'][:50]}_restoring"
    say(f"database {name}: restoring")
    with closing(connect(config, "postgres")) as server:
        server.autocommit = True
        cursor = server.cursor()
        cursor.execute(f'DROP DATABASE IF EXISTS "{beside}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{beside}" OWNER "{database["owner"]}" TEMPLATE template0 ENCODING \'UTF8\'')
        cursor.execute(f'COMMENT ON DATABASE "{beside}" IS %s', (f"restored from bundle {manifest['name']}",))
        if dumped["kind"] == "tracking":
            # As images/mlflow-server leaves it: a dump does not hold who may do what with the database itself.
            cursor.execute(f'REVOKE ALL ON DATABASE "{beside}" FROM PUBLIC')
            cursor.execute(f'GRANT CONNECT ON DATABASE "{beside}" TO "{config["roles"]["user"]}"')
        command = ["pg_restore", "--exit-on-error", "--jobs=2", f"--dbname={beside}"]
        if manifest.get("adopted"):
            command += ["--no-owner", "--no-privileges", f"--role={database['owner']}"]
        else:
            make_roles(cursor, dumped.get("needs_roles", []))
        run([*command, *postgres_options(config), str(folder / dumped["file"])])
        if manifest.get("adopted"):
            grant(config, beside)
        require_rows(config, beside, dumped)
        aside = make_way(config, cursor, name)
        cursor.execute(f'ALTER DATABASE "{beside}" RENAME TO "{name}"')
    return aside


def make_roles(cursor: t.Any, names: list[str]) -> None:
    """Roles that somebody has granted something: without a login, and where they are missing."""
    for name in names:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
        if not cursor.fetchone():
            say(f"role {name}, which was granted something, is made anew and cannot log in")
            quoted = name.replace('"', '""')
            cursor.execute(f'CREATE ROLE "{quoted}" NOLOGIN')


def grant(config: Config, name: str) -> None:
    """What the server's role may do with tables that nobody has granted it yet, as with those that it finds."""
    with closing(connect(config, name)) as connection:
        cursor = connection.cursor()
        for rights, kind in (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("USAGE, SELECT", "SEQUENCES")):
            cursor.execute(f'GRANT {rights} ON ALL {kind} IN SCHEMA public TO "{config["roles"]["user"]}"')
        connection.commit()


def require_rows(config: Config, name: str, dumped: Manifest) -> None:
    with closing(connect(config, name)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        # A dump holds no statistics.
        cursor.execute("ANALYZE")
        found = count_rows(cursor)
    wrong = [table for table in {*found, *dumped["rows"]} if found.get(table) != dumped["rows"].get(table)]
    if wrong:
        table = sorted(wrong)[0]
        raise BackupError(
            f"database {dumped['name']}: table {table} has {found.get(table)} rows, but had {dumped['rows'].get(table)}"
            f". It was left beside as {name}"
        )


def make_way(config: Config, cursor: t.Any, name: str) -> str:
    """Drop a database without tables; set any other aside, for people may have used it since it was restored."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    if not cursor.fetchone():
        return ""
    with closing(connect(config, name)) as connection:
        empty = not count_rows(connection.cursor())
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    if empty:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        return ""
    aside = f"{name[:30]}_before_{time.strftime('%Y%m%d%H%M%S', time.gmtime())}"
    cursor.execute(f'ALTER DATABASE "{name}" RENAME TO "{aside}"')
    return aside


COMMANDS: dict[str, t.Callable[..., Manifest]] = {
    "backup": backup,
    "verify": verify,
    "secrets": place_secrets,
    "restore": restore,
}


def main(arguments: list[str]) -> int:
    command, rest = arguments[0], arguments[1:]
    try:
        config = json.loads((RUN / "config.json").read_text(encoding="utf-8"))
        os.umask(0o077)
        os.environ["PGPASSWORD"] = config["postgres"].get("password", "")
        write_rclone_config(config)
        if command == "list":
            print(json.dumps(list_bundles(config)), flush=True)
            return 0
        with lock(" ".join(arguments)):
            empty_work()
            try:
                print(json.dumps(COMMANDS[command](config, *rest)), flush=True)
            finally:
                empty_work()
    except BackupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
