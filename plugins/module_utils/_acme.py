# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What the file should be in which Traefik keeps its ACME account and certificates, and the copy beside it.

Nothing here touches the disk. Traefik overwrites the file in place, so that a power cut leaves half of it; skips its
certificates when others may read it; and orders all of them anew when it is gone, against the limits of ACME servers.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._files import Disk, Entry, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._host import FILE, mode_text, read_file

# Traefik's user in its container, __traefik_uid of the role.
OWNER = (65532, 65532)
MODE = 0o600
ABSENT, EMPTY, BROKEN, VALID = "absent", "empty", "broken", "valid"
# More is no ACME storage: a certificate with its key takes some ten kilobytes.
MAX_BYTES = 64 * 1024 * 1024
# Traefik writes within milliseconds: what is broken for longer stays so.
SETTLE_SECONDS = 3


class StorageFileError(ModelhubError):
    """The path cannot be the storage."""


Reader = t.Callable[[str], "bytes | None"]


def read_storage(path: str) -> bytes | None:
    """The content of a file, None when nothing is there. Raises StorageFileError for anything else."""
    try:
        return read_file(path, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise StorageFileError(
            f"{path} cannot be read: {exc.strerror or exc}. Run the task with become: true."
        ) from exc


def state_of(content: bytes | None) -> str:
    """Whether a storage can be used: a dictionary of resolvers, each with an account and certificates or none."""
    if content is None:
        return ABSENT
    if not content.strip():
        return EMPTY
    try:
        resolvers = json.loads(content)
    except (ValueError, RecursionError):
        return BROKEN
    if not isinstance(resolvers, dict):
        return BROKEN
    return VALID if all(_is_resolver(one) for one in resolvers.values()) else BROKEN


def _is_resolver(found: t.Any) -> bool:
    if not isinstance(found, dict):
        return found is None
    certificates = found.get("Certificates") or []
    return isinstance(certificates, list) and all(_is_certificate(one) for one in certificates)


def _is_certificate(found: t.Any) -> bool:
    try:
        return all(b"-----BEGIN " in base64.b64decode(found[name], validate=True) for name in ("certificate", "key"))
    except (binascii.Error, KeyError, TypeError, ValueError):
        return False


def certificates_in(content: bytes | None) -> int:
    """How many certificates a storage holds, 0 when it cannot be used."""
    if content is None or state_of(content) != VALID:
        return 0
    return sum(len((one or {}).get("Certificates") or []) for one in json.loads(content).values())


@dataclass(frozen=True)
class Plan:
    """What the storage is, what becomes of it, and the files that takes."""

    state: str
    action: str
    entries: tuple[Entry, ...]


def secret_file(path: str, content: bytes) -> Entry:
    return Entry(path, FILE, *OWNER, mode=MODE, content=content, secret=True)


def plan_storage(path: str, content: bytes | None, closed: bool, copy: bytes | None, mend: bool) -> Plan:
    """A storage that can be used is never replaced; one that cannot is replaced by the copy, or by an empty file.

    closed: whether owner and mode are right.
    """
    state = state_of(content)
    copy_path, broken_path = f"{path}.last-good", f"{path}.broken"
    if state == VALID and content is not None:
        # An account alone is no reason to give up the certificates of the copy.
        worth = certificates_in(content) > 0 or state_of(copy) != VALID
        kept = (secret_file(copy_path, content),) if worth and copy != content else ()
        wrong_mode = not closed and mend
        return Plan(
            state, "mode" if wrong_mode else "kept", ((secret_file(path, content),) if wrong_mode else ()) + kept
        )
    if not mend:
        return Plan(state, "kept", ())
    aside = (secret_file(broken_path, content),) if state == BROKEN and content else ()
    if copy is not None and state_of(copy) == VALID:
        return Plan(state, "restored", (*aside, secret_file(path, copy)))
    if state == BROKEN or (state == EMPTY and (content or not closed)):
        return Plan(state, "emptied", (*aside, secret_file(path, b"")))
    return Plan(state, "kept", ())


def settled(path: str, read: Reader, pause: t.Callable[[float], None]) -> bytes | None:
    """The storage; one that cannot be used is looked at again, because Traefik may just be writing it."""
    content = read(path)
    for _again in range(SETTLE_SECONDS):
        if state_of(content) not in (EMPTY, BROKEN):
            break
        pause(1)
        content = read(path)
    return content


def care(
    path: str,
    mend: bool,
    disk: Disk,
    check_mode: bool,
    read: Reader = read_storage,
    pause: t.Callable[[float], None] = time.sleep,
) -> dict[str, t.Any]:
    content = settled(path, read, pause)
    found = disk.describe(secret_file(path, content or b""))
    closed = (found.owner, found.group, found.mode) == (*OWNER, MODE)
    plan = plan_storage(path, content, closed, read(f"{path}.last-good"), mend)
    # The copy is no change of what runs.
    mended = [entry for entry in plan.entries if not entry.path.endswith(".last-good")]
    result = run(mended, disk, check_mode)
    run([entry for entry in plan.entries if entry not in mended], disk, check_mode)
    return {
        **result,
        "state": plan.state,
        "mode": "" if content is None else mode_text(found.mode),
        "action": plan.action,
        "certificates": certificates_in(content),
    }
