# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t
from pathlib import PurePosixPath

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._files import (
    SHOWN_BYTES,
    Entry,
    FilesError,
    Found,
    run,
)

OPTION = {"state": "file", "content": None, "secret": None, "owner": 0, "group": 0, "mode": "0644"}
ROOT = ("/", "/opt")


def entry(path: str, **changes: t.Any) -> Entry:
    return Entry.from_module({**OPTION, "path": path, **changes})


def directory(path: str, **changes: t.Any) -> Entry:
    return entry(path, state="directory", **{"mode": "0755", **changes})


def absent(path: str) -> Entry:
    return entry(path, state="absent", mode=None)


def existing_file(content: bytes, **changes: t.Any) -> Found:
    return Found("file", **{"mode": 0o644, "size": len(content), "content": content, **changes})


class FakeDisk:
    """Paths in memory. Refuses what a real one would refuse."""

    def __init__(self, found: dict[str, Found] | None = None) -> None:
        self.there = {**dict.fromkeys(ROOT, Found("directory", mode=0o755)), **(found or {})}
        self.calls: list[str] = []

    def user(self) -> tuple[int, int]:
        return 7, 8

    def describe(self, wanted: Entry) -> Found:
        return self.there.get(wanted.path, Found("absent"))

    def describe_parent(self, path: str) -> Found:
        found = self.there.get(path, Found("absent"))
        return Found("directory") if found.kind == "link" else found

    def put(self, call: str, wanted: Entry) -> None:
        self.calls.append(f"{call} {wanted.path}")
        assert self.describe_parent(str(PurePosixPath(wanted.path).parent)).kind == "directory"
        content = wanted.content
        self.there[wanted.path] = Found(
            wanted.state, wanted.owner, wanted.group, wanted.mode, len(content or b""), content
        )

    def make_directory(self, wanted: Entry) -> None:
        assert wanted.path not in self.there
        self.put("make", wanted)

    def write(self, wanted: Entry) -> None:
        self.put("write", wanted)

    def repair(self, wanted: Entry) -> None:
        assert wanted.path in self.there
        self.put("repair", wanted)

    def remove(self, path: str) -> None:
        self.calls.append(f"remove {path}")
        self.there = {name: found for name, found in self.there.items() if not f"{name}/".startswith(f"{path}/")}


SERVICE = [
    directory("/opt/hub", mode="0750"),
    directory("/opt/hub/data", owner=999, group=998, mode="0700"),
    entry("/opt/hub/conf", content="x = 1\n"),
    entry("/opt/hub/password", secret="hush-hush", owner=999, mode="0400"),
]


def test_a_service_from_nothing_and_again() -> None:
    disk = FakeDisk()
    planned = run(SERVICE, disk, check_mode=True)
    assert disk.calls == []
    assert run(SERVICE, disk, check_mode=False) == planned
    assert disk.calls == ["make /opt/hub", "make /opt/hub/data", "write /opt/hub/conf", "write /opt/hub/password"]
    assert planned["changed"] is True
    assert planned["changed_paths"] == [wanted.path for wanted in SERVICE]
    unchanged = {"changed": False, "changed_paths": [], "diff": {"before": "", "after": ""}}
    assert run(SERVICE, disk, check_mode=False) == unchanged
    assert len(disk.calls) == 4


def test_the_diff_shows_content_and_never_a_secret() -> None:
    disk = FakeDisk()
    diff = run(SERVICE, disk, check_mode=False)["diff"]
    assert diff["before"] == "".join(f"{wanted.path}: absent\n" for wanted in SERVICE)
    assert diff["after"] == (
        "/opt/hub: directory\nowner 0, group 0, mode 0750\n"
        "/opt/hub/data: directory\nowner 999, group 998, mode 0700\n"
        "/opt/hub/conf: file\nowner 0, group 0, mode 0644\nx = 1\n\n"
        "/opt/hub/password: file\nowner 999, group 0, mode 0400\n(a secret, not shown)\n"
    )
    other = entry("/opt/hub/password", secret="another", owner=999, mode="0400")
    assert run([other], disk, check_mode=True)["diff"] == {
        "before": "/opt/hub/password: file\nowner 999, group 0, mode 0400\n(a secret, not shown)\n",
        "after": "/opt/hub/password: file\nowner 999, group 0, mode 0400\n(another secret, not shown)\n",
    }
    owned = entry("/opt/hub/password", secret="hush-hush", mode="0400")
    assert run([owned], disk, check_mode=True)["diff"]["after"].endswith("\n(a secret, not shown)\n")


@pytest.mark.parametrize("content", [b"x" * (SHOWN_BYTES + 1), b"\xff\xfe"], ids=["long", "not UTF-8"])
def test_the_diff_leaves_out_what_nobody_can_read(content: bytes) -> None:
    disk = FakeDisk({"/opt/f": existing_file(content)})
    before = run([entry("/opt/f", content="new\n")], disk, check_mode=True)["diff"]["before"]
    assert before == f"/opt/f: file\nowner 0, group 0, mode 0644\n({len(content)} bytes, not shown)\n"


@pytest.mark.parametrize(
    ("found", "wanted", "calls"),
    [
        (existing_file(b"a"), entry("/opt/x", content="a"), []),
        (existing_file(b"a"), entry("/opt/x", content="b"), ["write /opt/x"]),
        (existing_file(b"ab"), entry("/opt/x", content="a"), ["write /opt/x"]),
        (existing_file(b""), entry("/opt/x", content=""), []),
        (existing_file(b"a", mode=0o600), entry("/opt/x", content="a"), ["repair /opt/x"]),
        (existing_file(b"a", owner=1), entry("/opt/x", content="a"), ["repair /opt/x"]),
        (existing_file(b"a", group=1), entry("/opt/x", content="a"), ["repair /opt/x"]),
        (existing_file(b"a", owner=1), entry("/opt/x", content="b"), ["write /opt/x"]),
        (Found("directory", mode=0o755), directory("/opt/x"), []),
        (Found("directory", owner=999, mode=0o755), directory("/opt/x"), ["repair /opt/x"]),
        (Found("directory", mode=0o2755), directory("/opt/x"), ["repair /opt/x"]),
        (Found("absent"), absent("/opt/x"), []),
        (Found("absent"), absent("/opt/no/x"), []),
        (existing_file(b"a"), absent("/opt/x"), ["remove /opt/x"]),
        (Found("directory", mode=0o755), absent("/opt/x"), ["remove /opt/x"]),
        (Found("link", mode=0o777), absent("/opt/x"), ["remove /opt/x"]),
        (Found("other", mode=0o666), absent("/opt/x"), ["remove /opt/x"]),
    ],
)
def test_only_what_differs_is_changed(found: Found, wanted: Entry, calls: list[str]) -> None:
    disk = FakeDisk({"/opt/x": found})
    planned = run([wanted], disk, check_mode=True)
    assert planned["changed"] is bool(calls)
    assert planned["changed_paths"] == [call.split()[1] for call in calls]
    assert run([wanted], disk, check_mode=False) == planned
    assert disk.calls == calls
    assert run([wanted], disk, check_mode=False)["changed"] is False


def test_missing_parents_are_made_for_whoever_runs_it() -> None:
    disk = FakeDisk()
    wanted = [entry("/opt/a/b/file", content="x"), directory("/opt/a/b", owner=5, mode="0700")]
    planned = run(wanted, disk, check_mode=True)
    assert planned["changed_paths"] == ["/opt/a", "/opt/a/b", "/opt/a/b/file", "/opt/a/b"]
    assert run(wanted, disk, check_mode=False) == planned
    assert disk.there["/opt/a"] == Found("directory", 7, 8, 0o755)
    assert disk.there["/opt/a/b"] == Found("directory", 5, 0, 0o700)
    assert run(wanted, disk, check_mode=False)["changed"] is False


def test_a_parent_may_be_a_link() -> None:
    disk = FakeDisk({"/opt/link": Found("link")})
    run([entry("/opt/link/file", content="x")], disk, check_mode=False)
    assert disk.calls == ["write /opt/link/file"]


@pytest.mark.parametrize(
    ("found", "wanted", "says"),
    [
        (Found("directory"), entry("/opt/x", content="a"), "/opt/x must be a file, but is a directory"),
        (Found("link"), entry("/opt/x", content="a"), "/opt/x must be a file, but is a symbolic link"),
        (Found("other"), entry("/opt/x", content="a"), "/opt/x must be a file, but is a device, pipe or socket"),
        (Found("file"), directory("/opt/x"), "/opt/x must be a directory, but is a file"),
        (Found("link"), directory("/opt/x"), "/opt/x must be a directory, but is a symbolic link"),
        (Found("file"), directory("/opt/x/y"), "/opt/x must be a directory for /opt/x/y, but is a file"),
        (Found("other"), directory("/opt/x/y"), "/opt/x must be a directory for /opt/x/y, but is a device"),
        (Found("directory", mounts=("/opt/x/m",)), absent("/opt/x"), "/opt/x/m is a mount point. Unmount it first"),
        (existing_file(b"a", mounts=("/opt/x",)), entry("/opt/x", content="b"), "/opt/x cannot be replaced: it is a m"),
    ],
)
def test_what_is_in_the_way_is_left_alone(found: Found, wanted: Entry, says: str) -> None:
    disk = FakeDisk({"/opt/x": found})
    for check_mode in (True, False):
        with pytest.raises(FilesError, match=re.escape(says)) as error:
            run([directory("/opt/new"), wanted], disk, check_mode)
        assert str(error.value).endswith(". Nothing was changed.")
    assert disk.calls == []


def test_all_that_is_in_the_way_is_named_at_once() -> None:
    disk = FakeDisk({"/opt/x": Found("link"), "/opt/y": Found("file")})
    wanted = [entry("/opt/x", content="a"), entry("/opt/y/1", content="a"), entry("/opt/y/2", content="a")]
    with pytest.raises(FilesError) as error:
        run(wanted, disk, check_mode=False)
    assert [name in str(error.value) for name in ("/opt/x", "/opt/y/1", "/opt/y/2")] == [True] * 3


def test_a_file_that_this_run_would_make_is_no_directory() -> None:
    with pytest.raises(FilesError, match="/opt/x must be a directory for /opt/x/y, but is a file"):
        run([entry("/opt/x", content="a"), entry("/opt/x/y", content="a")], FakeDisk(), check_mode=True)


def test_a_mount_point_is_no_matter_where_nothing_is_replaced_or_removed() -> None:
    disk = FakeDisk(
        {"/opt/x": existing_file(b"a", mounts=("/opt/x",)), "/opt/d": Found("directory", mounts=("/opt/d",))}
    )
    run([entry("/opt/x", content="a", mode="0600"), directory("/opt/d")], disk, check_mode=False)
    assert disk.calls == ["repair /opt/x", "repair /opt/d"]


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        (entry("/opt/x", content="a"), ["remove /opt/.x.modelhub-1"]),
        (entry("/opt/x", content="b"), ["remove /opt/.x.modelhub-1", "write /opt/x"]),
        (absent("/opt/x"), ["remove /opt/.x.modelhub-1", "remove /opt/x"]),
    ],
)
def test_what_a_killed_run_left_is_removed(wanted: Entry, calls: list[str]) -> None:
    leftover = "/opt/.x.modelhub-1"
    disk = FakeDisk({"/opt/x": existing_file(b"a", leftovers=(leftover,))})
    # Given twice, as by two parts of a service, it is done once.
    result = run([wanted, wanted], disk, check_mode=False)
    assert result["changed_paths"] == [call.split()[1] for call in calls]
    assert f"leftover of an interrupted run: {leftover}\n" in result["diff"]["before"]
    assert leftover not in result["diff"]["after"]
    assert disk.calls == calls


@pytest.mark.parametrize("order", [1, -1])
def test_a_tree_may_be_removed_in_parts(order: int) -> None:
    tree = {path: Found("directory") for path in ("/opt/x", "/opt/x/data")}
    wanted = [absent("/opt/x/data"), absent("/opt/x"), absent("/opt/x")][::order]
    planned = run(wanted, FakeDisk(tree), check_mode=True)
    assert planned["changed_paths"] == (["/opt/x/data", "/opt/x"] if order == 1 else ["/opt/x"])
    disk = FakeDisk(tree)
    assert run(wanted, disk, check_mode=False) == planned
    assert sorted(disk.there) == sorted(ROOT)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ([directory("/opt/x"), directory("/opt/x", mode="0700")], "/opt/x is given twice, and not the same"),
        ([directory("/opt/x"), absent("/opt/x/")], "/opt/x is given twice, and not the same"),
        ([absent("/opt/x"), directory("/opt/x/y/z")], "/opt/x/y/z is wanted below /opt/x, which is to be absent"),
        ([directory("/opt/x/y"), absent("/opt/x")], "/opt/x/y is wanted below /opt/x, which is to be absent"),
    ],
)
def test_entries_that_contradict_each_other(wanted: list[Entry], says: str) -> None:
    disk = FakeDisk()
    with pytest.raises(InvalidOption, match=re.escape(says)):
        run(wanted, disk, check_mode=False)
    assert disk.calls == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"path": "opt/x"}, 'path "opt/x" is no plain absolute path'),
        ({"path": ""}, 'path "" is no plain absolute path'),
        ({"path": "/"}, 'path "/" is no plain absolute path'),
        ({"path": "//opt/x"}, "is no plain absolute path"),
        ({"path": "/opt//x"}, "is no plain absolute path"),
        ({"path": "/opt/../etc"}, "is no plain absolute path"),
        ({"path": "/opt/./x"}, "is no plain absolute path"),
        ({"path": "/opt/x\0"}, "is no plain absolute path"),
        # 0644 and 01777 without quotes.
        ({"mode": "420"}, 'mode of /opt/x is "420", but must be octal'),
        ({"mode": "1023"}, 'mode of /opt/x is "1023", but must be octal'),
        ({"mode": "0888"}, 'mode of /opt/x is "0888", but must be octal'),
        ({"mode": "u=rw"}, 'mode of /opt/x is "u=rw", but must be octal'),
        ({"mode": "0o644"}, 'mode of /opt/x is "0o644", but must be octal'),
        ({"mode": "0644\n"}, "but must be octal"),
        ({"mode": None}, "mode of /opt/x is missing"),
        ({"mode": None, "state": "directory", "content": None}, "mode of /opt/x is missing"),
        ({"content": None}, "/opt/x needs either content or secret, but has neither"),
        ({"secret": "b"}, "/opt/x needs either content or secret, but has content and secret"),
        ({"owner": -1}, "owner of /opt/x is -1"),
        ({"group": -1}, "group of /opt/x is -1"),
        ({"content": None, "secret": ""}, "secret of /opt/x is empty"),
        ({"state": "directory"}, "content of /opt/x is for state=file only, but state is directory"),
        ({"state": "absent", "content": None, "secret": "a"}, "secret of /opt/x is for state=file only"),
    ],
)
def test_bad_options(changes: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=re.escape(says)):
        entry(**{"path": "/opt/x", "content": "a", **changes})


def test_options_become_an_entry() -> None:
    assert entry("/opt/x/", content="Grüße", owner=1, group=2, mode="02640") == Entry(
        "/opt/x", "file", 1, 2, 0o2640, "Grüße".encode()
    )
    assert entry("/opt/x", secret="s").secret is True
    assert entry("/opt/x", content="").content == b""
    assert absent("/opt/x") == Entry("/opt/x", "absent")
