# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The directories and files behind Disk, changed so that being killed at any point harms nothing."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import typing as t
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.opengeoai.modelhub.plugins.module_utils._files import SHOWN_BYTES, Entry, FilesError, Found
from ansible_collections.opengeoai.modelhub.plugins.module_utils._host import (
    ABSENT,
    DIRECTORY,
    FILE,
    kind_of,
    read_file,
)

REMEDIES = {
    errno.EACCES: "Run the task with become: true",
    errno.EPERM: "Run the task with become: true; if it has it, see whether the file is immutable (lsattr)",
    errno.ENOSPC: "Free space on the file system and run again",
    errno.EDQUOT: "Raise the quota and run again",
    errno.EROFS: "Choose a path on a file system that is not read-only",
    errno.EBUSY: "Unmount what is mounted there",
}

# Nothing here follows a link at the path itself, nor hands a file to a child process.
PLAIN = os.O_NOFOLLOW | os.O_CLOEXEC


def mount_points(mountinfo: str) -> list[str]:
    """The mount points in the text of /proc/self/mountinfo, sorted."""
    points = [line.split()[4] for line in mountinfo.splitlines()]
    # The kernel writes blank, tab, newline and backslash as \ and three octal digits.
    return sorted({re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), point) for point in points})


def temporary_prefix(name: str) -> str:
    return f".{name}.modelhub-"


@contextmanager
def explained(what: str, path: str) -> t.Iterator[None]:
    """Turns an OSError into a FilesError that names the operation, the path and the remedy."""
    try:
        yield
    except OSError as exc:
        remedy = REMEDIES.get(exc.errno or 0, "See whether the path and its file system are right")
        raise FilesError(f"{what} {path}: {exc.strerror or exc}. {remedy}.") from exc


@contextmanager
def opened(path: str, flags: int, dir_fd: int | None = None) -> t.Iterator[int]:
    descriptor = os.open(path, flags, dir_fd=dir_fd)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def parent_of(path: str) -> t.Iterator[int]:
    """The directory that holds a path. What was changed there is on disk when the block ends."""
    # A link is fine here: only at the path itself would it be a surprise.
    with opened(str(Path(path).parent), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as descriptor:
        yield descriptor
        os.fsync(descriptor)


def set_attributes(descriptor: int, entry: Entry) -> None:
    # In this order: a change of owner clears the set-id bits.
    os.fchown(descriptor, entry.owner, entry.group)
    os.fchmod(descriptor, entry.mode)


class LocalDisk:
    """The host that the module runs on."""

    def __init__(self, mountinfo: Path = Path("/proc/self/mountinfo")) -> None:
        self.mounts: list[str] = []
        with suppress(OSError):
            self.mounts = mount_points(mountinfo.read_text(errors="surrogateescape"))

    def user(self) -> tuple[int, int]:
        return os.geteuid(), os.getegid()

    def describe(self, entry: Entry) -> Found:
        with explained("look at", entry.path):
            try:
                status = os.lstat(entry.path)
            except (FileNotFoundError, NotADirectoryError):
                return Found(ABSENT, leftovers=self.leftovers(entry))
            kind = kind_of(status.st_mode)
            content = None
            if kind == FILE and entry.content is not None:
                # One byte more shows that the file is longer.
                content = read_file(entry.path, max(len(entry.content), SHOWN_BYTES) + 1)
            return Found(
                kind,
                owner=status.st_uid,
                group=status.st_gid,
                mode=stat.S_IMODE(status.st_mode),
                size=status.st_size,
                content=content,
                leftovers=self.leftovers(entry),
                mounts=self.mounts_at(entry.path),
            )

    def describe_parent(self, path: str) -> Found:
        with explained("look at", path):
            try:
                return Found(kind_of(Path(path).stat().st_mode))
            except (FileNotFoundError, NotADirectoryError):
                # What is there all the same is a link to nowhere.
                return Found(kind_of(os.lstat(path).st_mode) if os.path.lexists(path) else ABSENT)

    def leftovers(self, entry: Entry) -> tuple[str, ...]:
        if entry.state == DIRECTORY:
            return ()
        path = Path(entry.path)
        try:
            beside = sorted(path.parent.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return tuple(
            str(other)
            for other in beside
            if other.name.startswith(temporary_prefix(path.name)) and other.is_file() and not other.is_symlink()
        )

    def mounts_at(self, path: str) -> tuple[str, ...]:
        real = str(Path(os.path.realpath(str(Path(path).parent)), Path(path).name))
        return tuple(point for point in self.mounts if point == real or point.startswith(f"{real}/"))

    def make_directory(self, entry: Entry) -> None:
        name = Path(entry.path).name
        with explained("create directory", entry.path), parent_of(entry.path) as parent:
            os.mkdir(name, 0o700, dir_fd=parent)
            with opened(name, os.O_RDONLY | os.O_DIRECTORY | PLAIN, dir_fd=parent) as descriptor:
                set_attributes(descriptor, entry)

    def write(self, entry: Entry) -> None:
        name = Path(entry.path).name
        temporary = temporary_prefix(name) + secrets.token_hex(8)
        with explained("write", entry.path), parent_of(entry.path) as parent:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN, 0o600, dir_fd=parent)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(entry.content or b"")
                    stream.flush()
                    set_attributes(descriptor, entry)
                    os.fsync(descriptor)
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=parent)
                raise

    def repair(self, entry: Entry) -> None:
        # O_NONBLOCK: a pipe that took the file's place must not make it wait.
        flags = os.O_RDONLY | os.O_NONBLOCK | PLAIN
        with explained("set owner and mode of", entry.path), opened(entry.path, flags) as descriptor:
            set_attributes(descriptor, entry)
            os.fsync(descriptor)

    def remove(self, path: str) -> None:
        with explained("remove", path), parent_of(path) as parent:
            try:
                os.unlink(Path(path).name, dir_fd=parent)
            except IsADirectoryError:
                shutil.rmtree(path)
