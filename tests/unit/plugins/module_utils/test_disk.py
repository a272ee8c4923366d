# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _disk
from ansible_collections.opengeoai.modelhub.plugins.module_utils._disk import LocalDisk, mount_points
from ansible_collections.opengeoai.modelhub.plugins.module_utils._files import SHOWN_BYTES, Entry, FilesError, run

ME = (os.geteuid(), os.getegid())
MOUNTINFO = r"""
21 26 0:20 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
26 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
90 26 8:1 /srv /opt/with\040blank\134 rw,relatime shared:1 - ext4 /dev/sda1 rw
91 26 8:1 /srv /opt/data rw,relatime shared:1 - ext4 /dev/sda1 rw
92 26 8:1 /srv /opt/data rw,relatime shared:1 - ext4 /dev/sda1 rw
"""[1:]


def directory(path: Path, mode: int = 0o755) -> Entry:
    return Entry(str(path), "directory", *ME, mode)


def file(path: Path, content: bytes = b"new", mode: int = 0o640) -> Entry:
    return Entry(str(path), "file", *ME, mode, content)


def absent(path: Path) -> Entry:
    return Entry(str(path), "absent")


def change(*entries: Entry) -> dict[str, t.Any]:
    """Do it; check mode foretells it and a second time nothing is left to do."""
    planned = run(entries, LocalDisk(), check_mode=True)
    done = run(entries, LocalDisk(), check_mode=False)
    assert done == planned
    assert run(entries, LocalDisk(), check_mode=False)["changed"] is False
    return done


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(autouse=True)
def _odd_umask() -> t.Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_directories_and_files(tmp_path: Path) -> None:
    base = tmp_path / "a/b"
    done = change(directory(base, 0o2750), directory(base / "data", 0o700), file(base / "f", b"\0\xff", 0o4711))
    assert done["changed_paths"] == [str(tmp_path / "a"), str(base), str(base / "data"), str(base / "f")]
    assert [mode(path) for path in (base.parent, base, base / "data", base / "f")] == [0o755, 0o2750, 0o700, 0o4711]
    assert (base / "f").read_bytes() == b"\0\xff"
    assert sorted(path.name for path in base.iterdir()) == ["data", "f"]


def test_a_replaced_file_is_another_one_and_a_repaired_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old and longer")
    number = path.stat().st_ino
    with path.open("rb") as reader:
        change(file(path))
        assert reader.read() == b"old and longer"
    assert path.read_bytes() == b"new"
    replaced = path.stat().st_ino
    assert replaced != number
    change(file(path, mode=0o600))
    assert path.stat().st_ino == replaced
    assert mode(path) == 0o600


def test_a_long_file_that_starts_right_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "f"
    content = b"x" * (SHOWN_BYTES * 2)
    path.write_bytes(content + b"y")
    change(file(path, content))
    assert path.read_bytes() == content


def test_repairs_a_directory(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    change(directory(tmp_path / "d", 0o1755))
    assert mode(tmp_path / "d") == 0o1755


def test_removes_a_tree_and_follows_no_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "f").touch()
    (tmp_path / "tree/below").mkdir(parents=True)
    (tmp_path / "tree/below/link").symlink_to(kept)
    (tmp_path / "link").symlink_to(kept)
    (tmp_path / "dangling").symlink_to("/nowhere")
    names = ["tree", "link", "dangling", "nothing"]
    done = change(*[absent(tmp_path / name) for name in names])
    assert done["changed_paths"] == [str(tmp_path / name) for name in names[:3]]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "f").exists()


def test_parents_may_be_links_to_directories_only(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    change(file(tmp_path / "link/f"))
    assert (tmp_path / "real/f").read_bytes() == b"new"
    for name, kind in (("dangling", "symbolic link"), ("file", "file")):
        with pytest.raises(FilesError, match=f"{name} must be a directory for .*, but is a {kind}"):
            run([file(tmp_path / name / "deeper/f")], LocalDisk(), check_mode=True)
    # Nothing can be below them.
    change(absent(tmp_path / "file/f"), absent(tmp_path / "dangling/f"))


@pytest.mark.parametrize("kind", ["directory", "link", "pipe"])
def test_what_is_no_file_is_left_alone(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    {"directory": Path.mkdir, "link": lambda at: at.symlink_to("/etc/hostname"), "pipe": os.mkfifo}[kind](path)
    with pytest.raises(FilesError, match="f must be a file, but is a "):
        run([directory(tmp_path / "new"), file(path)], LocalDisk(), check_mode=False)
    assert [found.name for found in tmp_path.iterdir()] == ["f"]


def test_mount_points() -> None:
    assert mount_points(MOUNTINFO) == ["/", "/opt/data", "/opt/with blank\\", "/proc"]


def test_a_tree_with_a_mount_point_is_not_removed_by_another_name_either(tmp_path: Path) -> None:
    (tmp_path / "tree/data").mkdir(parents=True)
    (tmp_path / "tree-and-more").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(MOUNTINFO.replace("/opt/data", str(tmp_path / "tree/data")))
    for path in (tmp_path / "tree", tmp_path / "tree/data", tmp_path / "link/tree"):
        with pytest.raises(FilesError, match="tree/data is a mount point"):
            run([absent(path)], LocalDisk(mountinfo), check_mode=True)
    mountinfo.write_text(MOUNTINFO.replace("/opt/data", str(tmp_path / "tree-and-more")))
    assert run([absent(tmp_path / "tree")], LocalDisk(mountinfo), check_mode=True)["changed"] is True


def test_a_host_without_proc_has_no_known_mount_points(tmp_path: Path) -> None:
    assert LocalDisk(tmp_path / "nothing").mounts == []


def test_only_leftovers_of_this_file_are_removed(tmp_path: Path) -> None:
    for name in (".f.modelhub-1", ".f.modelhub-2", ".g.modelhub-1", "f.modelhub-1", ".f.other"):
        (tmp_path / name).touch()
    (tmp_path / ".f.modelhub-directory").mkdir()
    done = change(file(tmp_path / "f"))
    assert done["changed_paths"] == [str(tmp_path / name) for name in (".f.modelhub-1", ".f.modelhub-2", "f")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".f.modelhub-directory",
        ".f.other",
        ".g.modelhub-1",
        "f",
        "f.modelhub-1",
    ]


@pytest.mark.parametrize("step", ["fchown", "fchmod", "fsync", "rename", "mkdir", "unlink", "close"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_it_leaves_the_old_or_the_new_file_and_is_finished_by_the_next(
    step: str, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a/f"
    path.parent.mkdir(mode=0o755)
    path.write_bytes(b"old")
    path.chmod(0o600)
    wanted = [absent(tmp_path / "a/gone"), file(path), directory(tmp_path / "a/d", 0o750)]
    (tmp_path / "a/gone").touch()
    real = getattr(os, step)

    def die(*args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        if when == "after":
            real(*args, **kwargs)
        os._exit(9)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(_disk.os, step, die)
        run(wanted, LocalDisk(), check_mode=False)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (path.read_bytes(), mode(path)) in [(b"old", 0o600), (b"new", 0o640)]
    change(*wanted)
    assert (path.read_bytes(), mode(path)) == (b"new", 0o640)
    assert sorted(found.name for found in path.parent.iterdir()) == ["d", "f"]


def test_a_file_and_its_directory_are_on_disk_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def recorded(name: str) -> t.Callable[..., t.Any]:
        real = getattr(os, name)

        def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
            is_fsync = name == "fsync"
            calls.append(name if not is_fsync else f"fsync {_disk.kind_of(os.fstat(args[0]).st_mode)}")
            return real(*args, **kwargs)

        return call

    for name in ("fsync", "rename", "fchown", "fchmod"):
        monkeypatch.setattr(_disk.os, name, recorded(name))
    run([file(tmp_path / "f")], LocalDisk(), check_mode=False)
    assert calls == ["fchown", "fchmod", "fsync file", "rename", "fsync directory"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device. Free space on the file system and run again."),
        (errno.EPERM, "Operation not permitted. Run the task with become: true"),
        (errno.EIO, "Input/output error. See whether the path and its file system are right."),
    ],
)
def test_a_failed_write_says_what_to_do_and_leaves_nothing(
    number: int, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int) -> t.NoReturn:
        raise OSError(number, os.strerror(number))

    (tmp_path / "f").write_bytes(b"old")
    monkeypatch.setattr(_disk.os, "fsync", refuse)
    with pytest.raises(FilesError) as error:
        run([file(tmp_path / "f")], LocalDisk(), check_mode=False)
    assert str(error.value).startswith(f"write {tmp_path}/f: {remedy}")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


def test_a_path_that_nobody_can_look_at(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "loop/f", tmp_path / ("x" * 300)):
        with pytest.raises(FilesError, match=r"^look at .*\. See whether the path and its file system are right\.$"):
            run([file(path)], LocalDisk(), check_mode=True)
