# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Rules for names, addresses and numbers, and what to say when one is broken.

Modules check their options by them, and the roles' judges the variables of the user. Every rule takes a Setting and
its own options and returns complete sentences, none when all is good. Whatever comes from the value goes through
Setting.quote, so that a secret cannot slip into a message.
"""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

SHOWN_CHARACTERS = 80

Rule = t.Callable[..., "list[str]"]


@dataclass(frozen=True)
class Setting:
    """One variable or option, its value, and how to speak about it."""

    name: str
    value: t.Any
    secret: bool = False
    example: str = ""

    @property
    def is_set(self) -> bool:
        return is_set(self.value)

    def quote(self, part: object) -> str:
        """Show the value or a part of it: short, in one line, without credentials."""
        if self.secret:
            return "(not shown)"
        if isinstance(part, bool):
            return str(part).lower()
        if isinstance(part, (int, float)):
            return str(part)
        if isinstance(part, str):
            text = re.sub(r"(?s)//.*@", "//***@", part)
            if len(text) > SHOWN_CHARACTERS:
                return f"{json.dumps(text[:SHOWN_CHARACTERS] + '…', ensure_ascii=False)} ({len(part)} characters)"
            return json.dumps(text, ensure_ascii=False)
        return type_name(part)

    def bad(self, why: str, want: str = "", remedy: str = "") -> list[str]:
        """The message in its one form: variable, value, what is wrong, what to do."""
        return [
            f"{self.name} is {self.quote(self.value)}, but {why}. {remedy or f'Set {self.name} to {want}'}{self._eg}"
        ]

    def missing(self) -> list[str]:
        return [f"{self.name} is required, but it is empty or not set. Set {self.name} to a value{self._eg}"]

    @property
    def _eg(self) -> str:
        return f", e.g. {self.name}: {self.example}" if self.example else ""


def is_set(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def type_name(value: object) -> str:
    names = {"bool": "a boolean", "int": "a number", "float": "a number", "NoneType": "empty", "str": "text"}
    # By the base class, because Ansible hands over subclasses of the plain types.
    for kind in type(value).__mro__:
        if kind.__name__ in names:
            return names[kind.__name__]
    if isinstance(value, t.Mapping):
        return "a dictionary"
    return "a list" if isinstance(value, t.Sequence) else f"of type {type(value).__name__}"


def whole_number(value: object) -> int | None:
    """Extra variables arrive as text, so "2" is as good as 2; a boolean is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    # Bounded, because Python itself refuses numbers of thousands of digits.
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value, re.ASCII):
        return int(value)
    return None


def untemplated_fault(value: object) -> str:
    if not isinstance(value, str):
        return ""
    if value.lstrip().startswith(("$ANSIBLE_VAULT", "!vault")):
        return "looks like a value that Ansible Vault did not decrypt"
    if "{{" in value:
        return 'looks like a template that was not resolved: it contains "{{"'
    return ""


UNTEMPLATED_REMEDY = (
    "Give the plain value, or check the reference, the !vault tag and the vault password that should yield {0}"
)


def judge(setting: Setting, rule: Rule, options: t.Mapping[str, t.Any], optional: bool = False) -> list[str]:
    """Apply a rule to a value that is set; what is not set is a problem unless it is optional."""
    if not setting.is_set:
        return [] if optional else setting.missing()
    fault = untemplated_fault(setting.value)
    if fault:
        return setting.bad(fault, remedy=UNTEMPLATED_REMEDY.format(setting.name))
    return rule(setting, **options)


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def labels_fault(setting: Setting, host: str, max_length: int = 253) -> str:
    """Say which label makes a host name invalid (RFC 1123, in lower case)."""
    for label in host.split("."):
        shown = setting.quote(label)
        if not label:
            return "it has an empty label (two dots in a row or one at the start)"
        wrong = re.search(r"[^a-z0-9-]", label)
        if wrong and label.isascii() and label.isalnum():
            return f"its label {shown} has upper-case letters; write it in lower case"
        if wrong:
            return (
                f"its label {shown} contains {setting.quote(wrong.group())}, which no DNS name may: "
                "a label takes a-z, 0-9 and hyphens"
            )
        if label.startswith("-") or label.endswith("-"):
            return f"its label {shown} starts or ends with a hyphen, which no DNS name may"
        if len(label) > 63:
            return f"its label {shown} is {len(label)} characters long, and a DNS label takes at most 63"
    if len(host) > max_length:
        return f"it is {len(host)} characters long, and it may take at most {max_length}"
    if host.rsplit(".", 1)[-1].isdigit():
        return "its last label is a number, as in an IP address"
    return ""


def port(setting: Setting) -> list[str]:
    return _in_range(setting, "a port number", 1, 65535)


def integer(setting: Setting, *, min: int | None = None, max: int | None = None) -> list[str]:  # noqa: A002
    return _in_range(setting, "a whole number", min, max)


def _in_range(setting: Setting, kind: str, lowest: int | None, highest: int | None) -> list[str]:
    bounds = ""
    if lowest is not None:
        bounds += f" from {lowest}" if highest is not None else f" of at least {lowest}"
    if highest is not None:
        bounds += f" to {highest}" if lowest is not None else f" of at most {highest}"
    number = whole_number(setting.value)
    if (
        number is None
        or (lowest is not None and number < int(lowest))
        or (highest is not None and number > int(highest))
    ):
        return setting.bad(f"must be {kind}{bounds}", f"{kind}{bounds}")
    return []


# S3's naming rules for buckets: what a name must not match, and what to say when it does.
BUCKET_FAULTS = (
    (r"(?s).{0,2}|.{64,}", "it must have 3 to 63 characters"),
    (r"(?s).*[A-Z].*", "it must not have upper-case letters"),
    (r"(?s).*[^a-z0-9.-].*", "it takes only a-z, 0-9, dots and hyphens"),
    (r"[.-].*|.*[.-]", "it must start and end with a letter or digit"),
    (r".*(\.\.|\.-|-\.).*", "its dots must stand between letters or digits"),
    (r"[0-9]+(\.[0-9]+){3}", "it must not look like an IP address"),
    (r"(xn--|sthree-|amzn-s3-demo-).*", "S3 reserves names that start with xn--, sthree- or amzn-s3-demo-"),
    (
        r".*(-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)",
        "S3 reserves names that end with -s3alias, --ol-s3, --x-s3, --table-s3 or .mrap",
    ),
)


def bucket(setting: Setting) -> list[str]:
    """The name of a bucket."""
    want = "a name by S3's naming rules"
    if not isinstance(setting.value, str):
        return setting.bad("must be text", want)
    for pattern, fault in BUCKET_FAULTS:
        if re.fullmatch(pattern, setting.value):
            return setting.bad(f"it is not a valid bucket name: {fault}", want)
    return []


def access_key(setting: Setting, *, min_length: int = 3) -> list[str]:
    """An S3 access key or MinIO user name."""
    value = setting.value
    want = f"at least {min_length} letters and digits"
    if not isinstance(value, str):
        return setting.bad("must be text", remedy=f"Put the value of {setting.name} in quotes")
    if len(value) < int(min_length):
        return setting.bad(f"must have at least {min_length} characters", want)
    wrong = re.search(r"[^!-~]|[=,/:\"'\\]", value)
    if wrong:
        kind = "white space" if wrong.group().isspace() else setting.quote(wrong.group())
        return setting.bad(f"contains {kind}, which S3 access keys cannot", want)
    return []


def issued_secret(setting: Setting) -> list[str]:
    """A secret that somebody else has made: any length and any character that a file can carry."""
    if not isinstance(setting.value, str):
        return setting.bad(f"must be text, not {type_name(setting.value)}", remedy=quotes_remedy(setting))
    fault = carried_fault(setting.value)
    return setting.bad(fault, "the secret exactly as it was issued, in one line") if fault else []


def quotes_remedy(setting: Setting) -> str:
    return f"Put the value of {setting.name} in quotes"


def carried_fault(value: str) -> str:
    """What no configuration file can carry."""
    if re.search("[\r\n\0]", value):
        return "contains a newline or NUL character, which cuts it off in files"
    return "starts or ends with white space, which programs trim" if value != value.strip() else ""


def split_url(url: str) -> SplitResult | None:
    try:
        found = urlsplit(url)
        # Reading the port is what raises when it is out of range.
        return found if found.port != 0 else None
    except ValueError:
        return None


def url_fault(setting: Setting, schemes: t.Sequence[str]) -> str:
    """What is wrong with the front of a URL: scheme, credentials, host, port."""
    url = setting.value
    forms = " or ".join(f"{scheme}://" for scheme in schemes)
    if not isinstance(url, str) or not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        return f"must start with {forms}"
    if re.search(r"[\s\0]", url):
        return "must not contain white space"
    found = split_url(url)
    if not found:
        return "has a wrong host, or a port that is no number from 1 to 65535"
    if "@" in found.netloc:
        return "must not carry a user or password, which logs would show"
    if found.netloc.endswith(":"):
        return "has a colon without a port"
    host = found.hostname or ""
    if not host:
        return "has no host name"
    return "" if is_ip(host) else labels_fault(setting, host)


def origin(setting: Setting) -> list[str]:
    """Scheme, host, port and nothing else, as S3 clients take an endpoint."""
    want = "scheme://host or scheme://host:port"
    fault = url_fault(setting, ("http", "https"))
    if fault:
        return setting.bad(fault, want)
    found = urlsplit(setting.value)
    if found.path or "?" in setting.value or "#" in setting.value:
        bare = setting.quote(f"{found.scheme}://{found.netloc}")
        return setting.bad("must end after the host and port, without a slash or path", bare)
    return []
