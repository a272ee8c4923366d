# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Which value each secret of a stack has: the one that was given, the one that is stored, or a new one."""

from __future__ import annotations

import base64
import random
import secrets
import string
import typing as t

ALPHANUMERIC, HEX, FERNET = "alphanumeric", "hex", "fernet"
ALPHABETS = {ALPHANUMERIC: string.ascii_letters + string.digits, HEX: "0123456789abcdef"}

# A shorter one of 62 characters can be guessed; the same length serves for all.
MIN_LENGTH = 16
FERNET_BYTES = 32


class SecretsError(Exception):
    """What was asked for makes no sense. The message never holds a secret."""


def generate(name: str, spec: t.Mapping[str, t.Any], source: random.Random) -> str:
    """A new secret as its spec wants it."""
    characters, length = spec.get("characters", ALPHANUMERIC), spec.get("length")
    if characters == FERNET:
        return base64.urlsafe_b64encode(source.getrandbits(8 * FERNET_BYTES).to_bytes(FERNET_BYTES, "big")).decode()
    if characters not in ALPHABETS:
        choices = ", ".join([*ALPHABETS, FERNET])
        raise SecretsError(f'characters of {name} is "{characters}", but must be one of {choices}')
    if not isinstance(length, int) or length < MIN_LENGTH:
        raise SecretsError(f"length of {name} is {length!r}, but must be a whole number from {MIN_LENGTH} up")
    return "".join(source.choice(ALPHABETS[characters]) for _again in range(length))


def text(name: str, where: str, value: t.Any) -> str:
    """A value as text, '' when there is none."""
    if value is None:
        return ""
    # Not isinstance of str: a value of Ansible Vault is an object of its own in some versions.
    if isinstance(value, (bool, int, float, bytes, list, dict)):
        raise SecretsError(f"{where} value of {name} is a {type(value).__name__}, but must be text. Put it in quotes")
    return str(value)


def stack_secrets(
    specs: t.Mapping[str, t.Mapping[str, t.Any]],
    stored: t.Mapping[str, t.Any],
    given: t.Mapping[str, t.Any],
    source: random.Random | None = None,
) -> dict[str, str]:
    """Name -> value of each secret in `specs`. `source` is the system's random source unless a test gives its own."""
    source = source or secrets.SystemRandom()
    chosen = {}
    for name, spec in specs.items():
        # An editor ends a file with a newline, which is no part of the secret.
        kept = text(name, "stored", stored.get(name)).rstrip("\r\n")
        chosen[name] = text(name, "given", given.get(name)) or kept or generate(name, spec, source)
    return chosen
