# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What directories and files should be, what they are, and the steps between. Nothing here touches the disk."""

from __future__ import annotations

import os
import re
import typing as t
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._host import (
    ABSENT,
    DIRECTORY,
    FILE,
    LINK,
    OTHER,
    mode_text,
)

PARENT_MODE = 0o755
# More text than this is no help in a diff.
SHOWN_BYTES = 64 * 1024

WORDS = {LINK: "symbolic link", OTHER: "device, pipe or socket"}


class FilesError(ModelhubError):
    """A path cannot become what it should be."""


@dataclass(frozen=True)
class Entry:
    """What should be at a path. `content` is None but for files, `mode` is 0 for what should be absent."""

    path: str
    state: str
    owner: int = 0
    group: int = 0
    mode: int = 0
    content: bytes | None = None
    secret: bool = False

    @classmethod
    def from_module(cls, option: dict[str, t.Any]) -> Entry:
        """Raises InvalidOption for values that do not fit together."""
        path, state = check_path(option["path"]), option["state"]
        content = parse_content(path, state, option["content"], option["secret"])
        if state == ABSENT:
            return cls(path, state)
        for name in ("owner", "group"):
            if option[name] < 0:
                raise InvalidOption(f"{name} of {path} is {option[name]}, but must be a number from 0 up.")
        mode = parse_mode(path, option["mode"])
        return cls(path, state, option["owner"], option["group"], mode, content, option["secret"] is not None)


def check_path(path: str) -> str:
    """The path without a slash at its end. Raises InvalidOption for one that is not plain and absolute."""
    plain = path.rstrip("/")
    # "//" at the start is a place of its own to POSIX.
    if not plain.startswith("/") or plain != os.path.normpath(plain) or plain.startswith("//") or "\0" in plain:
        raise InvalidOption(f'path "{path}" is no plain absolute path below /, such as "/opt/modelhub".')
    return plain


def parse_content(path: str, state: str, content: str | None, secret: str | None) -> bytes | None:
    # A null in place of a text is as good as leaving it out, which Ansible's own rules of such kind do not see.
    given = {name: text for name, text in (("content", content), ("secret", secret)) if text is not None}
    if state != FILE:
        if given:
            raise InvalidOption(f"{next(iter(given))} of {path} is for state=file only, but state is {state}.")
        return None
    if len(given) != 1:
        raise InvalidOption(f"{path} needs either content or secret, but has {' and '.join(given) or 'neither'}.")
    if secret == "":
        raise InvalidOption(f"secret of {path} is empty. Give its text, or use content for an empty file.")
    return next(iter(given.values())).encode("utf-8", "surrogateescape")


def parse_mode(path: str, mode: str | None) -> int:
    if mode is None:
        raise InvalidOption(f'mode of {path} is missing. Give it in octal and in quotes, such as "0644".')
    # With its zero it was quoted: YAML would have made another number of it.
    if not re.fullmatch("0[0-7]{3,4}", mode):
        raise InvalidOption(f'mode of {path} is "{mode}", but must be octal with a leading zero, in quotes: "0644".')
    return int(mode, 8)


def check_entries(entries: t.Sequence[Entry]) -> None:
    """Raises InvalidOption for entries that contradict each other, and so would never be without a change."""
    wanted: dict[str, Entry] = {}
    for entry in entries:
        if wanted.setdefault(entry.path, entry) != entry:
            raise InvalidOption(f"{entry.path} is given twice, and not the same. Give it once.")
    removed = {entry.path for entry in entries if entry.state == ABSENT}
    for entry in entries:
        above = removed.intersection(parents_of(entry.path))
        if above and entry.state != ABSENT:
            raise InvalidOption(f"{entry.path} is wanted below {above.pop()}, which is to be absent. Drop one of them.")


def parents_of(path: str) -> list[str]:
    """All directories above a path, the outermost first, without /."""
    return [str(parent) for parent in reversed(PurePosixPath(path).parents)][1:]


@dataclass(frozen=True)
class Found:
    """What is at a path.

    `content` is the beginning of a regular file, `size` tells its whole length. `leftovers` are the temporary files of
    a killed run for this path. `mounts` are the mount points at and, for a directory, below it.
    """

    kind: str
    owner: int = 0
    group: int = 0
    mode: int = 0
    size: int = 0
    content: bytes | None = None
    leftovers: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()


class Disk(t.Protocol):
    def user(self) -> tuple[int, int]:
        """Numbers of the user and the group that new directories above a path belong to."""

    def describe(self, entry: Entry) -> Found:
        """What is at the path of an entry, without following a link there."""

    def describe_parent(self, path: str) -> Found:
        """What is at a path, following links. Only its kind counts."""

    def make_directory(self, entry: Entry) -> None:
        """Create one directory with owner, group and mode."""

    def write(self, entry: Entry) -> None:
        """Put a file at the path, or replace the one there, all at once."""

    def repair(self, entry: Entry) -> None:
        """Give what is there its owner, group and mode."""

    def remove(self, path: str) -> None:
        """Remove a file or link, or a directory with all that is in it."""


MAKE, WRITE, REPAIR, REMOVE, KEEP = "make", "write", "repair", "remove", "keep"


@dataclass(frozen=True)
class Step:
    entry: Entry
    found: Found
    action: str

    @property
    def changed_paths(self) -> list[str]:
        return [*self.found.leftovers, *([] if self.action == KEEP else [self.entry.path])]

    def apply(self, disk: Disk) -> None:
        for leftover in self.found.leftovers:
            disk.remove(leftover)
        if self.action == MAKE:
            disk.make_directory(self.entry)
        if self.action == WRITE:
            disk.write(self.entry)
        if self.action == REPAIR:
            disk.repair(self.entry)
        if self.action == REMOVE:
            disk.remove(self.entry.path)

    def before(self) -> str:
        found = self.found
        lines = [f"leftover of an interrupted run: {leftover}" for leftover in found.leftovers]
        if self.action == KEEP:
            return block(self.entry.path, found.kind, lines)
        if found.kind != ABSENT:
            lines.append(attributes(found.owner, found.group, found.mode))
        if self.entry.state == FILE and found.kind == FILE:
            lines.append("(a secret, not shown)" if self.entry.secret else shown(found.content, found.size))
        return block(self.entry.path, found.kind, lines)

    def after(self) -> str:
        entry = self.entry
        if self.action == KEEP:
            return block(entry.path, self.found.kind, [])
        if entry.state == ABSENT:
            return block(entry.path, ABSENT, [])
        lines = [attributes(entry.owner, entry.group, entry.mode)]
        if entry.content is not None:
            replaced = self.action == WRITE and self.found.kind == FILE and self.found.content != entry.content
            secret = "(another secret, not shown)" if replaced else "(a secret, not shown)"
            lines.append(secret if entry.secret else shown(entry.content, len(entry.content)))
        return block(entry.path, entry.state, lines)


def block(path: str, kind: str, lines: t.Sequence[str]) -> str:
    """The text of one entry in the diff."""
    return "".join(f"{line}\n" for line in [f"{path}: {kind}", *lines])


def attributes(owner: int, group: int, mode: int) -> str:
    return f"owner {owner}, group {group}, mode {mode_text(mode)}"


def shown(content: bytes | None, size: int) -> str:
    """The content of a file for the diff, or its size where that says more."""
    if content is not None and size <= SHOWN_BYTES:
        with suppress(UnicodeDecodeError):
            return content.decode()
    return f"({size} bytes, not shown)"


def problem(entry: Entry, found: Found) -> str:
    """Why an entry cannot be made of what is there, '' when it can."""
    if entry.state == ABSENT:
        if found.mounts:
            return f"{entry.path} cannot be removed: {found.mounts[0]} is a mount point. Unmount it first"
        return ""
    if found.kind not in (ABSENT, entry.state):
        is_now = WORDS.get(found.kind, found.kind)
        return f"{entry.path} must be a {entry.state}, but is a {is_now}. Move it away, or choose another path"
    if entry.state == FILE and found.mounts and found.content != entry.content:
        return f"{entry.path} cannot be replaced: it is a mount point. Unmount it, or mount its directory instead"
    return ""


def action_for(entry: Entry, found: Found) -> str:
    if entry.state == ABSENT:
        return KEEP if found.kind == ABSENT else REMOVE
    if found.kind == ABSENT:
        return MAKE if entry.state == DIRECTORY else WRITE
    if entry.state == FILE and found.content != entry.content:
        return WRITE
    as_it_should = (entry.owner, entry.group, entry.mode) == (found.owner, found.group, found.mode)
    return KEEP if as_it_should else REPAIR


def settle(entry: Entry, now: dict[str, Found]) -> None:
    """Make `now` what it is after the entry's step."""
    if entry.state == ABSENT:
        below = [path for path in now if path == entry.path or entry.path in parents_of(path)]
        now.update(dict.fromkeys(below, Found(ABSENT)))
        return
    mounts = now[entry.path].mounts
    now[entry.path] = Found(
        entry.state, entry.owner, entry.group, entry.mode, len(entry.content or b""), entry.content, mounts=mounts
    )


def plan_files(entries: t.Sequence[Entry], found: t.Mapping[str, Found], user: tuple[int, int]) -> list[Step]:
    """The steps, in the order of the entries, with those for missing parents before the entry that needs them.

    `found` holds each path of an entry and each directory above one. Missing parents are made for `user`.
    Raises FilesError with all that is in the way.
    """
    now = dict(found)
    steps: list[Step] = []
    problems: list[str] = []
    for entry in entries:
        for parent in parents_of(entry.path) if entry.state != ABSENT else []:
            if now[parent].kind == ABSENT:
                made = Entry(parent, DIRECTORY, *user, mode=PARENT_MODE)
                steps.append(Step(made, now[parent], MAKE))
                settle(made, now)
            elif now[parent].kind != DIRECTORY:
                is_now = WORDS.get(now[parent].kind, now[parent].kind)
                problems.append(f"{parent} must be a directory for {entry.path}, but is a {is_now}. Move it away")
        problems.append(problem(entry, now[entry.path]))
        steps.append(Step(entry, now[entry.path], action_for(entry, now[entry.path])))
        settle(entry, now)
    if any(problems):
        raise FilesError(". ".join(dict.fromkeys(filter(None, problems))) + ". Nothing was changed.")
    return steps


def run(entries: t.Sequence[Entry], disk: Disk, check_mode: bool) -> dict[str, t.Any]:
    check_entries(entries)
    found = {parent: disk.describe_parent(parent) for entry in entries for parent in parents_of(entry.path)}
    # An entry's own path is not followed, also where it is the parent of another entry.
    found.update({entry.path: disk.describe(entry) for entry in entries})
    steps = [step for step in plan_files(entries, found, disk.user()) if step.changed_paths]
    if not check_mode:
        for step in steps:
            step.apply(disk)
    return {
        "changed": bool(steps),
        "changed_paths": [path for step in steps for path in step.changed_paths],
        "diff": {
            "before": "".join(step.before() for step in steps),
            "after": "".join(step.after() for step in steps),
        },
    }
