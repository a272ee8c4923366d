# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import random
import re
import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._secrets import SecretsError, stack_secrets

SPEC = {"password": {"length": 32}}


def choose(spec: dict[str, t.Any], stored: object = None, given: object = None, seed: int = 1) -> str:
    chosen = stack_secrets({"s": spec}, {"s": stored}, {"s": given}, random.Random(seed))
    assert list(chosen) == ["s"]
    return chosen["s"]


@pytest.mark.parametrize(
    ("stored", "given", "chosen"),
    [
        ("stored", "given", "given"),
        ("stored", "", "stored"),
        ("stored", None, "stored"),
        ("stored\n", None, "stored"),
        ("stored\r\n", None, "stored"),
        (" stored ", None, " stored "),
        (None, "given", "given"),
        ("", "given", "given"),
        # What is there is taken as it is.
        ("x", None, "x"),
    ],
)
def test_given_before_stored(stored: str | None, given: str | None, chosen: str) -> None:
    assert choose({"length": 32}, stored, given) == chosen


@pytest.mark.parametrize("stored", [None, "", "\n"])
def test_a_new_one_where_there_is_none(stored: str | None) -> None:
    made = choose({"length": 32}, stored)
    assert re.fullmatch("[A-Za-z0-9]{32}", made)
    assert made == choose({"length": 32}, stored, seed=1)
    assert made != choose({"length": 32}, stored, seed=2)


def test_characters() -> None:
    assert re.fullmatch("[0-9a-f]{64}", choose({"length": 64, "characters": "hex"}))
    assert re.fullmatch("[A-Za-z0-9]{16}", choose({"length": 16, "characters": "alphanumeric"}))
    for seed in range(50):
        key = choose({"characters": "fernet"}, seed=seed)
        assert len(key) == 44
        assert len(base64.urlsafe_b64decode(key)) == 32


def test_the_source_of_a_real_run_never_repeats() -> None:
    made = [stack_secrets(SPEC, {}, {})["password"] for _again in range(20)]
    assert len(set(made)) == 20


def test_names_that_are_not_asked_for_are_left_out() -> None:
    assert stack_secrets(SPEC, {"other": "x", "password": "kept"}, {"another": "y"}) == {"password": "kept"}


def test_a_value_of_ansible_vault_is_text() -> None:
    class Vaulted:
        def __str__(self) -> str:
            return "decrypted"

    assert choose({"length": 32}, given=Vaulted()) == "decrypted"


@pytest.mark.parametrize("value", [12345678, 1.5, True, False, b"bytes", ["hush"], {"a": "hush"}])
def test_what_is_no_text_is_refused_and_not_repeated(value: object) -> None:
    for stored, given in ((value, None), (None, value)):
        with pytest.raises(SecretsError, match=r"value of s is a .*, but must be text") as error:
            choose({"length": 32}, stored, given)
        assert str(value) not in str(error.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"length": 15}, "length of s is 15, but must be a whole number from 16 up"),
        ({}, "length of s is None"),
        ({"length": "32"}, "length of s is '32'"),
        (
            {"length": 32, "characters": "emoji"},
            'characters of s is "emoji", but must be one of alphanumeric, hex, fern',
        ),
    ],
)
def test_specs_that_make_no_sense(spec: dict[str, t.Any], says: str) -> None:
    with pytest.raises(SecretsError, match=re.escape(says)):
        choose(spec)
