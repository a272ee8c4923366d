# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bundles.py decides, with a target that is a directory and an rclone that knows a handful of commands."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("bundles", ROOT / "images/backup/bundles.py")
assert SPEC and SPEC.loader
bundles = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bundles)

NAMES = [f"2030010{day}T000000Z" for day in range(1, 6)]


class Rclone:
    """As much of rclone as retention needs, on local directories."""

    def __call__(self, command: str, *arguments: str, **_unused: object) -> str:
        options = [one for one in arguments if one.startswith("--")]
        paths = [Path(one) for one in arguments if not one.startswith("--")]
        return str(getattr(self, command)(options, *paths) or "")

    def lsf(self, options: list[str], path: Path) -> str:
        if not path.exists():
            raise bundles.BackupError("directory not found")
        if "--recursive" in options:
            return "\n".join(str(one.relative_to(path)) for one in path.rglob("*") if one.is_file())
        return "\n".join(f"{one.name}{'/' if one.is_dir() else ''}" for one in path.iterdir())

    def copy(self, _options: list[str], source: Path, target: Path) -> None:
        for file in source.glob("*/manifest.json"):
            (target / file.parent.name).mkdir(parents=True)
            shutil.copyfile(file, target / file.parent.name / file.name)

    def copyto(self, _options: list[str], source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def deletefile(self, _options: list[str], path: Path) -> None:
        path.unlink()

    def delete(self, options: list[str], path: Path) -> None:
        for key in Path(options[0].partition("=")[2]).read_text().splitlines():
            (path / key).unlink()

    def rmdirs(self, _options: list[str], _path: Path) -> None:
        pass

    def lsjson(self, _options: list[str], path: Path) -> str:
        files = [one for one in path.rglob("*") if one.is_file()]
        return json.dumps([{"Path": str(one.relative_to(path)), "Size": one.stat().st_size} for one in files])

    def purge(self, _options: list[str], path: Path) -> None:
        shutil.rmtree(path)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name in ("WORK", "STATE"):
        monkeypatch.setattr(bundles, name, tmp_path / name)
        (tmp_path / name / "index").mkdir(parents=True)
    monkeypatch.setattr(bundles, "rclone", Rclone())
    (tmp_path / "target").mkdir()
    return {
        "target": str(tmp_path / "target"),
        "shown_target": "/mnt/backup",
        "stack": "modelhub",
        "domain": "ml.example.org",
        "roles": {"owner": "mlflow_owner", "user": "mlflow"},
        "databases": [{"kind": "tracking", "name": "mlflow"}],
        "keep": 2,
        "keep_days": 0,
    }


def manifest_of(name: str, **more: Any) -> dict[str, Any]:
    manifest = {
        "project": bundles.PROJECT,
        "format": bundles.FORMAT,
        "stack": "modelhub",
        "domain": "ml.example.org",
        "name": name,
        "roles": {"owner": "mlflow_owner", "user": "mlflow"},
        "databases": [{"kind": "tracking", "name": "mlflow"}],
        **more,
    }
    return {**manifest, "sha256": bundles.digest(manifest)}


def put(config: dict[str, Any], name: str, manifest: object, *objects: str) -> None:
    """A bundle in the target that names objects, as FOLDER/KEY; those of its own folder are there."""
    target = Path(config["target"])
    folder = target / "bundles" / name
    folder.mkdir(parents=True)
    (folder / "started").touch()
    entries = []
    for one in objects:
        at, key = one.split("/")
        entries.append({"key": key, "size": 1, "modified": "", "sha256": "", "at": at})
        if at == name:
            (target / "objects" / at).mkdir(parents=True, exist_ok=True)
            (target / "objects" / at / key).touch()
    (folder / "objects.jsonl").write_text("".join(json.dumps(one) + "\n" for one in entries))
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest))


def objects_in(config: dict[str, Any]) -> set[str]:
    target = Path(config["target"]) / "objects"
    return {str(one.relative_to(target)) for one in target.rglob("*") if one.is_file()}


def test_a_bundle_is_one_when_its_manifest_is_whole(config: dict[str, Any]) -> None:
    put(config, NAMES[0], manifest_of(NAMES[0]))
    put(config, NAMES[1], None)
    put(config, NAMES[2], {**manifest_of(NAMES[2]), "stack": "other"})
    put(config, NAMES[3], manifest_of(NAMES[0]))
    put(config, NAMES[4], [])
    found = bundles.read_target(config)
    assert list(bundles.complete(found)) == [NAMES[0]]
    assert found[NAMES[1]] is None
    assert [found[name] for name in NAMES[2:]] == [{}, {}, {}]


def test_an_empty_target_holds_nothing(config: dict[str, Any]) -> None:
    assert bundles.read_target(config) == {}
    with pytest.raises(bundles.BackupError, match="no complete bundle in /mnt/backup"):
        bundles.choose(config, "latest")


def test_what_is_incomplete_goes_with_its_objects_and_nothing_else(config: dict[str, Any]) -> None:
    put(config, NAMES[0], manifest_of(NAMES[0]), f"{NAMES[0]}/a", f"{NAMES[0]}/b")
    put(config, NAMES[1], None, f"{NAMES[1]}/c")
    found = bundles.read_target(config)
    bundles.clean(config, found)
    assert list(found) == [NAMES[0]]
    assert objects_in(config) == {f"{NAMES[0]}/a", f"{NAMES[0]}/b"}
    assert not (Path(config["target"]) / "bundles" / NAMES[1]).exists()


def test_a_damaged_bundle_keeps_everything(config: dict[str, Any]) -> None:
    put(config, NAMES[0], {}, f"{NAMES[0]}/a")
    put(config, NAMES[1], None, f"{NAMES[1]}/b")
    bundles.clean(config, bundles.read_target(config))
    assert objects_in(config) == {f"{NAMES[0]}/a", f"{NAMES[1]}/b"}


def test_old_bundles_go_and_objects_stay_while_they_are_named(config: dict[str, Any]) -> None:
    put(config, NAMES[0], manifest_of(NAMES[0]), f"{NAMES[0]}/a", f"{NAMES[0]}/b")
    put(config, NAMES[1], manifest_of(NAMES[1]), f"{NAMES[0]}/a", f"{NAMES[1]}/c")
    put(config, NAMES[2], manifest_of(NAMES[2]), f"{NAMES[0]}/a")
    found = bundles.read_target(config)
    # As if all were old
    assert bundles.retire({**config, "keep_days": -10000}, found) == [NAMES[0]]
    assert sorted(found) == NAMES[1:3]
    assert objects_in(config) == {f"{NAMES[0]}/a", f"{NAMES[1]}/c"}


@pytest.mark.parametrize("keep", [-1, 0, 1])
def test_the_only_copy_is_never_removed(config: dict[str, Any], keep: int) -> None:
    put(config, NAMES[0], manifest_of(NAMES[0]))
    assert bundles.retire({**config, "keep": keep, "keep_days": -10000}, bundles.read_target(config)) == []


def test_young_bundles_stay(config: dict[str, Any]) -> None:
    for name in NAMES:
        put(config, name, manifest_of(name))
    assert bundles.retire({**config, "keep_days": 1}, bundles.read_target(config)) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"format": bundles.FORMAT + 1}, "its field format is 2, but this release reads 1 at most"),
        ({"project": "somebody.else"}, 'its field project is "somebody.else"'),
        ({"stack": "staging"}, 'its field stack is "staging", and here it is "modelhub"'),
        ({"domain": "other.example"}, 'its field domain is "other.example"'),
        ({"roles": {"owner": "a", "user": "b"}}, "its field roles is"),
        ({"databases": [{"kind": "tracking"}, {"kind": "accounts"}]}, "its field databases is"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(config: dict[str, Any], more: dict[str, Any], words: str) -> None:
    put(config, NAMES[0], manifest_of(NAMES[0], **more))
    with pytest.raises(bundles.BackupError) as caught:
        bundles.choose(config, NAMES[0])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [(None, "has no manifest.json: it was never completed"), ({}, "has a damaged manifest.json")],
)
def test_what_is_no_bundle_is_not_restored(config: dict[str, Any], manifest: object, words: str) -> None:
    put(config, NAMES[0], manifest)
    put(config, NAMES[1], manifest_of(NAMES[1]))
    with pytest.raises(bundles.BackupError) as caught:
        bundles.choose(config, NAMES[0])
    assert words in str(caught.value)
    assert NAMES[1] in str(caught.value)
    assert bundles.choose(config, "latest")["name"] == NAMES[1]
    with pytest.raises(bundles.BackupError, match="there is no bundle 2020"):
        bundles.choose(config, "20200101T000000Z")


TIME = "2030-01-01T12:00:00.123456789Z"
LISTED = 1893499200.0  # 2030-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("size", "modified", "listed", "same"),
    [
        (1, TIME, LISTED + 60, True),
        (2, TIME, LISTED + 60, False),
        (1, "2030-01-01T12:00:01Z", LISTED + 60, False),
        # It may have been written again right after it was listed.
        (1, TIME, LISTED + 1, False),
    ],
)
def test_an_object_is_the_same_by_size_and_time(size: int, modified: str, listed: float, same: bool) -> None:
    old = bundles.Entry("a", 1, TIME, "", NAMES[0])
    assert bundles.unchanged({"Size": size, "ModTime": modified}, old, listed) is same
    assert not bundles.unchanged({"Size": size, "ModTime": modified}, None, listed)


def test_a_target_that_was_lost_is_no_new_one(config: dict[str, Any]) -> None:
    last = {"name": NAMES[0], "target": "/mnt/backup"}
    (bundles.STATE / "last.json").write_text(json.dumps(last))
    with pytest.raises(bundles.BackupError, match=f"is empty, but bundle {NAMES[0]} was written there. Mount it"):
        bundles.claim_target({**config, "state_dir": "/opt/modelhub/backup/state"})


@pytest.mark.usefixtures("config")
def test_one_at_a_time() -> None:
    words = r"^backup has been running for [01] s"
    with bundles.lock("backup"), pytest.raises(bundles.BackupError, match=words), bundles.lock("restore"):
        pass
    with bundles.lock("restore"):
        pass


class Server:
    """A database server that knows a few databases by their tables, and notes what it is told to do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tables: dict[str, dict[str, int]], *roles: str) -> None:
        self.tables, self.roles, self.told = tables, roles, []
        self.found: list[Any] = []
        monkeypatch.setattr(bundles, "connect", lambda _config, name: closing_of(name))
        monkeypatch.setattr(bundles, "count_rows", lambda name: tables[name])

    def execute(self, statement: str, values: tuple[str, ...] = ()) -> None:
        known = {"FROM pg_database": self.tables, "FROM pg_roles": self.roles}
        self.found = [(1,) for what, names in known.items() if what in statement and values and values[0] in names]
        if not statement.startswith("SELECT"):
            self.told.append(statement)

    def fetchone(self) -> Any:
        return self.found[0] if self.found else None


def closing_of(name: str) -> Any:
    return SimpleNamespace(cursor=lambda: name, close=lambda: None)


def test_a_database_with_tables_is_set_aside_and_never_dropped(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(monkeypatch, {"mlflow": {"public.runs": 3}, "fresh": {}})
    aside = bundles.make_way(config, server, "mlflow")
    assert aside.startswith("mlflow_before_") and server.told == [f'ALTER DATABASE "mlflow" RENAME TO "{aside}"']
    server.told.clear()
    assert bundles.make_way(config, server, "fresh") == ""
    assert server.told == ['DROP DATABASE "fresh" WITH (FORCE)']
    assert bundles.make_way(config, server, "nowhere") == ""


def test_roles_that_were_granted_something_are_there_before_the_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, {}, "mlflow")
    bundles.make_roles(server, ["mlflow", 'gra"fana'])
    assert server.told == ['CREATE ROLE "gra""fana" NOLOGIN']


def test_what_the_target_has_lost_is_copied_once_more(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = NAMES[:2]
    modified = "2030-01-01T00:00:00Z"
    put(config, old, {}, f"{old}/kept", f"{old}/cut", f"{old}/gone")
    pool = Path(config["target"]) / "objects" / old
    (pool / "kept").write_text("12345")
    (pool / "cut").write_text("123")
    (pool / "gone").unlink()
    index = [{"key": key, "size": 5, "modified": modified, "sha256": "0", "at": old} for key in ("kept", "cut", "gone")]
    (tmp_path / "WORK/index" / f"{old}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in index))
    listed = {key: {"Size": 5, "ModTime": modified} for key in ("kept", "cut", "gone", "fresh")}
    monkeypatch.setattr(bundles, "list_bucket", lambda _config: listed)
    copied: list[str] = []

    def copy_new(_config: object, _name: str, keys: list[str]) -> dict[str, Any]:
        copied.extend(keys)
        return {key: {"Size": 5, "Hashes": {"sha256": "1"}} for key in keys}

    monkeypatch.setattr(bundles, "copy_new", copy_new)
    before = (old, {"objects": {"listed": 1e11}})
    found = bundles.save_objects(config, new, before, tmp_path)
    assert sorted(copied) == ["cut", "fresh", "gone"]
    assert (found["count"], found["new"]) == (4, 3)
    entries = [json.loads(line) for line in (tmp_path / "objects.jsonl").read_text().splitlines()]
    assert {one["key"]: one["at"] for one in entries} == {"kept": old, "cut": new, "gone": new, "fresh": new}


@pytest.mark.parametrize(
    ("free", "there", "words"),
    [
        # A copy and the new deployment on one disk; in a second run the copy is there.
        (199, False, "needs 200 MiB"),
        (200, False, ""),
        (150, True, ""),
        (99, True, "the disk of modelhub_base_dir has 99 MiB free"),
    ],
)
def test_what_is_taken_over_must_fit(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, free: int, there: bool, words: str
) -> None:
    monkeypatch.setattr(bundles.shutil, "disk_usage", lambda _path: SimpleNamespace(free=free << 20))
    found = {NAMES[0]: manifest_of(NAMES[0])} if there else {}
    bundles.require_room(config, found)
    if not words:
        bundles.require_room({**config, "needs_bytes": 100 << 20}, found)
        return
    with pytest.raises(bundles.BackupError, match=words):
        bundles.require_room({**config, "needs_bytes": 100 << 20}, found)


def test_only_what_was_seen_to_be_the_same_is_left_in_the_store(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["same", "other", "unseen", "shorter", "absent"]
    index = [{"key": key, "size": 5, "modified": "", "sha256": key, "at": NAMES[0]} for key in keys]
    (tmp_path / "WORK/index" / f"{NAMES[0]}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in index))
    there = {key: {"Size": 5} for key in keys[:3]} | {"shorter": {"Size": 1}}
    restored = {key: {"Size": 5} for key in keys}
    monkeypatch.setattr(bundles, "bucket", lambda _config: "store:mlflow")
    monkeypatch.setattr(bundles, "list_bucket", lambda _config: restored if copied else there)
    copied: list[str] = []

    def rclone(command: str, *arguments: str, **_unused: object) -> str:
        if command == "copy":
            copied.extend((tmp_path / "WORK/keys").read_text().splitlines())
            return ""
        # It ends before it has seen all.
        for option, key in (("--match=", "same"), ("--differ=", "other")):
            Path(next(one for one in arguments if one.startswith(option)).removeprefix(option)).write_text(f"{key}\n")
        raise bundles.BackupError("the store went away")

    monkeypatch.setattr(bundles, "rclone", rclone)
    assert bundles.restore_objects(config, {"name": NAMES[0]}) == {"objects_left_alone": 0}
    assert copied == ["other", "unseen", "shorter", "absent"]
