# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""B9: which provided certificates and keys are refused, and in which words."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _settings

ROOT = Path(__file__).parents[4]
HOSTS = ["mlflow.modelhub.test", "minio-api.modelhub.test"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([sys.executable, ROOT / "tests/e2e/certificates.py", folder, "modelhub.test"], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def problems(rule: str, **options: Any) -> list[str]:
    return _settings.setting_problems([{"name": "the_file", "value": "/etc/ssl/server.pem", "rule": rule, **options}])


def judged(made: dict[str, str], file: str, ca: str = "ca.pem", **options: Any) -> list[str]:
    return problems("certificate", content=made[file], ca_content=made[ca], **{"hosts": HOSTS, **options})


@pytest.mark.parametrize("file", ["good.pem", "next.pem", "proxy.pem"])
def test_a_good_certificate_passes(file: str, made: dict[str, str]) -> None:
    assert judged(made, file, min_days=59) == []


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ("none.txt", {}, r"it holds no certificate in PEM form"),
        ("good.key", {}, r"it holds no certificate in PEM form"),
        ("expired.pem", {}, r'the certificate of "mlflow\.modelhub\.test" has expired on 20\d\d-'),
        ("later.pem", {}, r'the certificate of "mlflow\.modelhub\.test" is not valid before 20\d\d-'),
        ("reversed.pem", {}, r'the first certificate in it, "Test CA", is a CA\'s: the server\'s own must come first'),
        ("good.pem", {"min_days": "90"}, r"ends in (59\.9|60\.0) days, and 90 are wanted"),
        ("good.pem", {"hosts": ["mlflow.x.io", *HOSTS]}, r"is for \*\.modelhub\.test, .* and not for mlflow\.x\.io\."),
        ("good.pem", {"hosts": ["a.b.modelhub.test"]}, r"and not for a\.b\.modelhub\.test"),
        ("good.pem", {"hosts": ["modelhub.test"]}, r"and not for modelhub\.test"),
        (
            "good.pem",
            {"ca": "other_ca.pem"},
            r"nothing in it leads to a CA of modelhub_ca_file: one by CN=Test CA is miss",
        ),
    ],
)
def test_b9_a_bad_certificate_is_refused(
    file: str, options: dict[str, Any], message: str, made: dict[str, str]
) -> None:
    found = judged(made, file, **options)
    assert len(found) == 1, found
    assert found[0].startswith('the_file is "/etc/ssl/server.pem", but ')
    assert re.search(message, found[0]), found
    assert ". Set the_file to " in found[0]


def test_b9_a_chain_in_wrong_order_is_refused(made: dict[str, str]) -> None:
    middle = made["good.pem"][made["good.pem"].index("-----BEGIN", 10) :]
    found = problems("certificate", content=made["good.pem"].replace(middle, made["other_ca.pem"]), hosts=HOSTS)
    assert len(found) == 1
    assert 'certificate 1 in it, "mlflow.modelhub.test", was not issued by the one after it, "Another CA"' in found[0]


def test_without_a_ca_file_the_root_is_not_asked_for(made: dict[str, str]) -> None:
    assert problems("certificate", content=made["good.pem"], hosts=HOSTS) == []


@pytest.mark.parametrize("rule", ["certificate", "certificate_key"])
def test_b9_a_missing_file_is_named(rule: str) -> None:
    (found,) = problems(rule, content="")
    assert 'the_file is "/etc/ssl/server.pem", but there is no such file on the controller' in found


def test_the_key_of_the_certificate_passes(made: dict[str, str]) -> None:
    assert problems("certificate_key", content=made["good.key"], certificate_content=made["good.pem"]) == []


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("other.key", r'the key in it does not match the certificate of "mlflow\.modelhub\.test"'),
        ("encrypted.key", r"is encrypted, and Traefik cannot ask.*\(openssl pkey .*Ansible Vault may encrypt"),
        ("ca.pem", r"it holds no private key in PEM form"),
        ("none.txt", r"it holds no private key in PEM form"),
    ],
)
def test_b9_a_bad_key_is_refused_and_never_shown(file: str, message: str, made: dict[str, str]) -> None:
    found = problems("certificate_key", content=made[file], certificate_content=made["good.pem"])
    assert len(found) == 1
    assert re.search(message, found[0]), found
    assert not [line for line in made[file].splitlines() if len(line) > 30 and line in found[0]]
