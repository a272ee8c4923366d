# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When CAs that are made here and their certificates are renewed, and what the timer and the playbook leave behind."""

from __future__ import annotations

import contextlib
import datetime
import importlib.util
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

ROOT = Path(__file__).parents[3]
NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.timezone.utc)
NAMES = ["mlflow.example.org", "minio-api.example.org"]


def script() -> Any:
    spec = importlib.util.spec_from_file_location("certificates", ROOT / "roles/common/files/certificates.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CERTIFICATES = script()


class Killed(BaseException):
    """Nothing of the script catches it."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(CERTIFICATES.time, "sleep", lambda _seconds: None)
    for folder in ("dynamic", "ca"):
        (tmp_path / folder).mkdir()
    return {
        "source": "internal",
        "base": str(tmp_path),
        "published": str(tmp_path / "public.crt"),
        "trusted": "",
        "names": NAMES,
        "ca_name": "Test CA",
        "ca_days": 3650,
        "ca_renew_days": 365,
        "days": 397,
        "renew_days": 30,
    }


def run(settings: dict[str, Any], days: float = 0, check: bool = False) -> list[str]:
    return list(CERTIFICATES.run(settings, NOW + datetime.timedelta(days=days), check))


def files(settings: dict[str, Any]) -> dict[str, bytes]:
    base = Path(settings["base"])
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


def pair(settings: dict[str, Any]) -> Path:
    (found,) = Path(settings["base"], "dynamic").glob("server-*.pem")
    entry = json.loads(Path(settings["base"], "dynamic/certificates.yml").read_text())["tls"]["certificates"][0]
    assert entry == {"certFile": f"/etc/traefik/dynamic/{found.name}", "keyFile": f"/etc/traefik/dynamic/{found.name}"}
    return found


def leaf(settings: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair(settings).read_bytes())


def authority(settings: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(settings["published"]).read_bytes())


def test_first_run_makes_all_of_it_and_the_second_nothing(settings: dict[str, Any]) -> None:
    assert len(run(settings)) == 3
    before = files(settings)
    assert run(settings, 300) == []
    assert files(settings) == before
    assert CERTIFICATES.names_of(leaf(settings)) == set(NAMES)
    assert leaf(settings).not_valid_after_utc == NOW + datetime.timedelta(days=397)
    leaf(settings).verify_directly_issued_by(authority(settings))
    # The pair as TLS libraries load it, and for its owner only
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair(settings))
    modes = {name: Path(settings["base"], name).stat().st_mode & 0o777 for name in before}
    assert {name for name, mode in modes.items() if mode == 0o644} == {"ca/ca.crt", "public.crt"}
    assert set(modes.values()) == {0o600, 0o644}


def test_check_tells_and_writes_nothing(settings: dict[str, Any]) -> None:
    assert run(settings, check=True)[0] == "a CA was made"
    assert files(settings) == {}


def test_the_certificate_is_renewed_before_it_ends(settings: dict[str, Any]) -> None:
    run(settings)
    old = pair(settings)
    said = run(settings, 397 - 29)
    assert "was made: the one in use ends in 29.0 days" in said[0]
    assert said[-1] == f"{old.name} was removed"
    assert leaf(settings).not_valid_after_utc == NOW + datetime.timedelta(days=397 - 29 + 397)
    assert run(settings, 397 - 29) == []


def test_the_ca_is_renewed_and_each_trusts_what_the_other_signed(settings: dict[str, Any]) -> None:
    run(settings)
    run(settings, 3250)
    old_ca, old_leaf = authority(settings), leaf(settings)
    said = run(settings, 3650 - 364)
    assert said[0].startswith("the CA was renewed, with the same key: it would have ended in 364.0 days")
    assert [line for line in said if "was made" in line] == []
    new_ca = authority(settings)
    assert new_ca.not_valid_after_utc > old_ca.not_valid_after_utc
    old_leaf.verify_directly_issued_by(new_ca)
    run(settings, 3650 - 20)
    assert leaf(settings) != old_leaf
    leaf(settings).verify_directly_issued_by(old_ca)


def test_no_certificate_outlives_its_ca(settings: dict[str, Any]) -> None:
    settings.update(ca_days=100, ca_renew_days=0)
    run(settings)
    assert leaf(settings).not_valid_after_utc == authority(settings).not_valid_after_utc
    # The CA must be renewed with it, or there would be a new one every day.
    assert run(settings, 71)[0].startswith("the CA was renewed")
    assert run(settings, 71) == []


def test_other_names_and_another_ca_need_another_certificate(settings: dict[str, Any]) -> None:
    run(settings)
    settings["names"] = [*NAMES, "minio.example.org"]
    assert "the one in use is for other names" in run(settings)[0]
    Path(settings["base"], "ca/ca.key").unlink()
    said = run(settings)
    assert said[0] == "a CA was made"
    assert "the CA has not signed the one in use" in said[1]
    leaf(settings).verify_directly_issued_by(authority(settings))


def killed(kept: int, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew everything, and die after so many files."""
    write, left = CERTIFICATES.write, [kept]

    def mortal(*arguments: Any) -> bool:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return bool(write(*arguments))

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(CERTIFICATES, "write", mortal)
        run(settings, 3600)


@pytest.mark.parametrize("kept", range(6))
def test_a_killed_run_is_finished_by_the_next(
    kept: int, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings)
    killed(kept, settings, monkeypatch)
    run(settings, 3600)
    assert len(list(Path(settings["base"], "dynamic").glob("server-*"))) == 1
    leaf(settings).verify_directly_issued_by(authority(settings))
    assert run(settings, 3600) == []


def test_broken_files_are_replaced(settings: dict[str, Any]) -> None:
    run(settings)
    for name in files(settings):
        Path(settings["base"], name).write_bytes(b"\xff")
    assert run(settings)[0] == "a CA was made"
    assert run(settings) == []


def test_what_was_provided_takes_the_place_and_is_replaced(settings: dict[str, Any]) -> None:
    run(settings)
    settings.update(source="provided", trusted="-----BEGIN A COMPANY'S CA-----\n")
    provided = Path(settings["base"], "provided.pem")
    for content in (b"one\n", b"another\n"):
        old = pair(settings)
        provided.write_bytes(content)
        assert run(settings)[0] == "the certificate that was provided is used"
        assert pair(settings).read_bytes() == content
        assert not old.exists()
        assert run(settings) == []
    assert Path(settings["published"]).read_text() == settings["trusted"]
    settings.update(source="internal", trusted="")
    assert "a certificate for" in run(settings)[0]
    leaf(settings).verify_directly_issued_by(authority(settings))


def test_a_pair_is_never_half_replaced(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run(settings)
    written: list[str] = []
    write = CERTIFICATES.write

    def noted(path: Path, content: bytes, mode: int) -> bool:
        written.append(path.name)
        return bool(write(path, content, mode))

    monkeypatch.setattr(CERTIFICATES, "write", noted)
    run(settings, 390)
    assert written[-2] == pair(settings).name
    assert written[-1] == "certificates.yml"


@pytest.fixture
def inside(tmp_path: Path) -> dict[str, Any]:
    for folder in ("ca", "postgres/CAs"):
        (tmp_path / folder).mkdir(parents=True)
    return {
        "source": "inside",
        "base": str(tmp_path),
        "published": str(tmp_path / "ca.crt"),
        "trusted": "",
        "service": str(tmp_path / "postgres"),
        "names": ["postgres", "localhost"],
        "tells": "",
        "stack": "modelhub",
        "ca_name": "Test CA",
        "ca_days": 3650,
        "ca_renew_days": 365,
        "days": 397,
        "renew_days": 30,
    }


def served(inside: dict[str, Any]) -> x509.Certificate:
    folder = Path(inside["service"])
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folder / "public.crt", folder / "private.key")
    return x509.load_pem_x509_certificate((folder / "public.crt").read_bytes())


def test_a_service_inside_keeps_its_key_when_its_certificate_is_renewed(inside: dict[str, Any]) -> None:
    assert run(inside)[0] == "a CA was made"
    folder = Path(inside["service"])
    key, first = (folder / "private.key").read_bytes(), served(inside)
    assert CERTIFICATES.names_of(first) == {"postgres", "localhost"}
    assert b"PRIVATE KEY" not in (folder / "public.crt").read_bytes()
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {
        "ca.crt": 0o644,
        "private.key": 0o600,
        "public.crt": 0o644,
    }
    assert run(inside) == []
    assert "the one in use ends in 29.0 days" in run(inside, 397 - 29)[0]
    assert (folder / "private.key").read_bytes() == key
    assert served(inside).serial_number != first.serial_number
    served(inside).verify_directly_issued_by(authority(inside))
    # What the service trusts is renewed with the CA.
    run(inside, 3650 - 364)
    assert (folder / "CAs/ca.crt").read_bytes() == Path(inside["published"]).read_bytes()


@pytest.mark.parametrize("name", ["private.key", "public.crt", "CAs/ca.crt"])
def test_what_is_broken_inside_is_put_right(name: str, inside: dict[str, Any]) -> None:
    run(inside)
    Path(inside["service"], name).write_bytes(b"\xff")
    assert run(inside) != []
    served(inside).verify_directly_issued_by(authority(inside))
    assert Path(inside["service"], "CAs/ca.crt").read_bytes() == Path(inside["published"]).read_bytes()
    assert run(inside) == []


@pytest.mark.parametrize("kept", range(6))
def test_a_killed_renewal_inside_is_finished_by_the_next(
    kept: int, inside: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(inside)
    killed(kept, inside, monkeypatch)
    # At any moment the two files belong together.
    served(inside)
    run(inside, 3600)
    served(inside).verify_directly_issued_by(authority(inside))
    assert run(inside, 3600) == []


def test_who_is_not_asked_inside_has_no_certificate(inside: dict[str, Any]) -> None:
    inside.update(names=[], service="")
    run(inside)
    assert set(files(inside)) == {"ca/ca.key", "ca/ca.crt", "ca.crt"}
    assert run(inside) == []


def test_a_server_is_told_of_what_is_new_and_every_day(inside: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(CERTIFICATES, "tell", lambda settings: told.append(settings["tells"]))
    run(inside)
    assert told == []
    inside["tells"] = "postgres"
    run(inside)
    assert told == []
    run(inside, 397 - 29)
    assert told == ["postgres"]
    CERTIFICATES.run(inside, NOW + datetime.timedelta(days=397 - 29), daily=True)
    assert told == ["postgres"] * 2


def test_the_timer_keeps_all_of_a_directory(
    inside: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Path(inside["base"])
    (base / "minio/CAs").mkdir(parents=True)
    for name in ("postgres", "minio"):
        given = {**inside, "service": str(base / name), "names": [name], "days": "397"}
        (base / f"{name}.json").write_text(json.dumps(given))
    monkeypatch.setattr(CERTIFICATES.sys, "argv", ["certificates.py", str(base)])
    CERTIFICATES.main()
    said = capsys.readouterr().out
    assert said.count("a CA was made") == 1
    assert "a certificate for minio was made" in said
    assert "a certificate for postgres was made" in said
