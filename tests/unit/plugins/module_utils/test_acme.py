# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F18, F19: what becomes of the file with ACME's account and certificates."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _acme
from ansible_collections.opengeoai.modelhub.plugins.module_utils._acme import BROKEN, EMPTY, VALID, StorageFileError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._disk import LocalDisk

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()


def storage(certificates: int, account: str = "a") -> bytes:
    one = {"domain": {"main": "mlflow.example.org"}, "certificate": PEM, "key": PEM, "Store": "default"}
    found = {"letsencrypt": {"Account": {"Email": account}, "Certificates": [one] * certificates or None}}
    return json.dumps(found, indent=2).encode()


GOOD, OLDER, ACCOUNT = storage(3), storage(2), storage(0)


class Case:
    """A storage and its copy in a directory."""

    def __init__(self, folder: Path, content: bytes | None, copy: bytes | None, mode: int = 0o600) -> None:
        self.path = folder / "acme.json"
        self.copy = folder / "acme.json.last-good"
        self.broken = folder / "acme.json.broken"
        for path, found in ((self.path, content), (self.copy, copy)):
            if found is not None:
                path.write_bytes(found)
                path.chmod(mode if path == self.path else 0o600)
        self.pauses: list[float] = []

    def care(self, mend: bool = True, check_mode: bool = False) -> dict[str, t.Any]:
        return _acme.care(str(self.path), mend, LocalDisk(), check_mode, pause=self.pauses.append)

    def files(self) -> dict[str, tuple[bytes, int]]:
        return {path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in self.path.parent.iterdir()}


@pytest.fixture(autouse=True)
def as_any_user(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only root may give files to root.
    monkeypatch.setattr("os.fchown", lambda *_arguments: None)
    monkeypatch.setattr(_acme, "OWNER", (Path("/proc/self").stat().st_uid, Path("/proc/self").stat().st_gid))


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (GOOD, VALID),
        (ACCOUNT, VALID),
        (b"{}", VALID),
        (b'{"letsencrypt": null}', VALID),
        (b"", EMPTY),
        (b" \n", EMPTY),
        (GOOD[:-1], BROKEN),
        (GOOD[: len(GOOD) // 2], BROKEN),
        (b"\0" * 100, BROKEN),
        (b"[]", BROKEN),
        (b'"text"', BROKEN),
        (b'{"letsencrypt": []}', BROKEN),
        (b'{"letsencrypt": {"Certificates": "x"}}', BROKEN),
        (b'{"letsencrypt": {"Certificates": [{"certificate": "LS0t", "key": "!"}]}}', BROKEN),
        (b"\xff", BROKEN),
    ],
)
def test_states(content: bytes, state: str) -> None:
    assert _acme.state_of(content) == state


def test_a_valid_one_is_kept_and_copied(tmp_path: Path) -> None:
    case = Case(tmp_path, GOOD, None)
    assert case.care() | {"diff": {}} == {
        "changed": False,
        "changed_paths": [],
        "diff": {},
        "state": "valid",
        "mode": "0600",
        "action": "kept",
        "certificates": 3,
    }
    assert case.files() == {"acme.json": (GOOD, 0o600), "acme.json.last-good": (GOOD, 0o600)}
    assert case.pauses == []


def test_the_copy_follows_but_never_loses_certificates_to_an_account_alone(tmp_path: Path) -> None:
    case = Case(tmp_path, GOOD, OLDER)
    case.care(mend=False)
    assert case.copy.read_bytes() == GOOD
    case.path.write_bytes(ACCOUNT)
    assert case.care()["action"] == "kept"
    assert (case.path.read_bytes(), case.copy.read_bytes()) == (ACCOUNT, GOOD)


def test_f18_the_mode_is_repaired_and_nothing_else(tmp_path: Path) -> None:
    case = Case(tmp_path, GOOD, GOOD, mode=0o644)
    assert case.care(mend=False)["changed"] is False
    assert case.care(check_mode=True)["action"] == "mode"
    assert case.files()["acme.json"] == (GOOD, 0o644)
    assert case.care()["changed_paths"] == [str(case.path)]
    assert case.files() == {"acme.json": (GOOD, 0o600), "acme.json.last-good": (GOOD, 0o600)}
    assert case.care()["changed"] is False


def test_the_owner_is_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traefik ran as root in earlier releases."""
    case = Case(tmp_path, GOOD, GOOD)
    assert case.care(check_mode=True)["action"] == "kept"
    monkeypatch.setattr(_acme, "OWNER", (_acme.OWNER[0] + 1, _acme.OWNER[1]))
    assert case.care(mend=False, check_mode=True)["action"] == "kept"
    assert case.care(check_mode=True)["action"] == "mode"


@pytest.mark.parametrize("content", [GOOD[:100], b"", b"null", None])
def test_f19_the_last_good_copy_takes_the_place(content: bytes | None, tmp_path: Path) -> None:
    case = Case(tmp_path, content, OLDER)
    before = case.files()
    assert case.care(check_mode=True)["action"] == "restored"
    assert case.files() == before
    result = case.care()
    assert (result["action"], result["changed"]) == ("restored", True)
    assert case.path.read_bytes() == OLDER
    # What was broken is kept for somebody to look at.
    assert case.broken.exists() == bool(content)
    assert case.care()["changed"] is False


def test_f19_without_a_copy_a_broken_one_becomes_empty(tmp_path: Path) -> None:
    case = Case(tmp_path, GOOD[:100], None)
    assert case.care()["action"] == "emptied"
    assert case.files() == {"acme.json": (b"", 0o600), "acme.json.broken": (GOOD[:100], 0o600)}
    assert case.care()["action"] == "kept"


def test_f19_a_broken_copy_is_none(tmp_path: Path) -> None:
    case = Case(tmp_path, b"{", GOOD[:50])
    assert case.care()["action"] == "emptied"


def test_nothing_is_made_where_nothing_was(tmp_path: Path) -> None:
    case = Case(tmp_path, None, None)
    assert case.care()["state"] == "absent"
    assert case.files() == {}


def test_one_that_traefik_is_writing_is_looked_at_again(tmp_path: Path) -> None:
    case = Case(tmp_path, GOOD[:100], OLDER)
    result = _acme.care(
        str(case.path), True, LocalDisk(), False, pause=lambda _seconds: case.path.write_bytes(GOOD) and None
    )
    assert (result["state"], result["changed"]) == ("valid", False)
    assert case.path.read_bytes() == GOOD


def test_nothing_of_it_is_shown(tmp_path: Path) -> None:
    case = Case(tmp_path, GOOD[:200], OLDER)
    assert PEM not in json.dumps(case.care())


def test_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme.json").mkdir()
    with pytest.raises(StorageFileError, match=r"acme\.json cannot be read"):
        _acme.care(str(tmp_path / "acme.json"), True, LocalDisk(), False)
