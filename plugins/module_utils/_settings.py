# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the values users give to the roles, and what to say when one is broken.

Every rule takes a Setting and its own options and returns complete sentences, none when
all is good. Whatever comes from the value goes through Setting.quote, so that a secret
cannot slip into a message.
"""

from __future__ import annotations

import inspect
import ipaddress
import json
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

SHOWN_CHARACTERS = 80

# A password that is made of nothing but these words, digits and filler is guessed first.
# Longer words stand before their own beginnings.
WELL_KNOWN_WORDS = re.compile(
    "administrator|admin|changeit|change|default|example|geoai|letmein|minio|mlflow|modelhub|"
    "opengeoai|password|passwort|passwd|passw0rd|p@ssw0rd|p@ssword|pass|postgresql|postgres|"
    "qwerty|root|secret|silo|test|user|welcome|word|me|my|the"
)
FILLER = re.compile(r"[0-9!._-]")

# Credentials that Docker would show to everybody who may inspect the container.
SECRET_ENV = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "MINIO_ROOT_PASSWORD",
    "PGPASSWORD",
    "POSTGRES_PASSWORD",
)

# Never ours, nor anything below them: uninstall removes what the path names. Files below
# the temporary directories do not outlive a restart.
SYSTEM_TREES = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/lost+found",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var/lib/apt",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/systemd",
    "/var/run",
    "/var/tmp",
)
# Shared with others: a directory below is fine, the directory itself is not.
SHARED_DIRECTORIES = (
    "/",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/srv",
    "/var",
    "/var/backups",
    "/var/cache",
    "/var/lib",
    "/var/local",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/spool",
)


class SettingsError(ValueError):
    """A check itself is wrong: unknown rule or option. The author's mistake, not the user's."""


@dataclass(frozen=True)
class Setting:
    """One variable, its value, and how to speak about it."""

    name: str
    value: Any
    secret: bool = False
    example: str = ""

    @property
    def is_set(self) -> bool:
        return _is_set(self.value)

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
        if isinstance(part, Mapping):
            return "a dictionary"
        if isinstance(part, Sequence):
            return "a list"
        return "empty" if part is None else f"of type {type(part).__name__}"

    def bad(self, why: str, want: str = "", remedy: str = "") -> list[str]:
        """The message in its one form: variable, value, what is wrong, what to do."""
        advice = remedy or f"Set {self.name} to {want}"
        if self.example:
            advice += f", e.g. {self.name}: {self.example}"
        return [f"{self.name} is {self.quote(self.value)}, but {why}. {advice}"]

    def missing(self) -> list[str]:
        advice = f"Set {self.name} to a value"
        if self.example:
            advice += f", e.g. {self.name}: {self.example}"
        return [f"{self.name} is required, but it is empty or not set. {advice}"]


def _is_set(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _whole_number(value: object) -> int | None:
    """Extra variables arrive as text, so "2" is as good as 2; a boolean is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    # Bounded, because Python itself refuses numbers of thousands of digits.
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value, re.ASCII):
        return int(value)
    return None


def _untemplated_fault(value: object) -> str:
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


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _labels_fault(setting: Setting, host: str, max_length: int = 253) -> str:
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


def hostname(
    setting: Setting,
    *,
    allow_single_label: bool = False,
    allow_wildcard: bool = False,
    max_length: int = 253,
) -> list[str]:
    """A DNS name as in certificates and Traefik's Host() rules."""
    want = "a plain host name"
    host = setting.value
    if not isinstance(host, str):
        return setting.bad("must be a host name", want)
    mistaken = _other_than_host(setting, host)
    if mistaken:
        why, instead = mistaken
        return setting.bad(f"must be a host name, not {why}", setting.quote(instead) if instead else want)
    if host.startswith("*."):
        if not allow_wildcard:
            return setting.bad("a wildcard needs DNS-01, which is not set up", f"{want} without the asterisk")
        host = host[2:]
    fault = _labels_fault(setting, host, int(max_length))
    if fault:
        return setting.bad(f"it is not a valid DNS name: {fault}", want)
    if "." not in host and not allow_single_label:
        return setting.bad(
            "must be a full host name with a dot: no public authority certifies a single label",
            remedy=f"Set {setting.name} to a full host name, or modelhub_tls_mode to internal",
        )
    return []


def _other_than_host(setting: Setting, text: str) -> tuple[str, str] | None:
    """What was given where a host name belongs, and the host name in it, if there is one."""
    if "://" in text or "/" in text:
        found = _split(text if "://" in text else "//" + text)
        host = (found.hostname if found else None) or ""
        return "a URL", "" if _labels_fault(setting, host) else host
    if _is_ip(text):
        return "an IP address", ""
    bare, colon, rest = text.rpartition(":")
    if colon and rest.isdigit():
        return "a host with a port", bare
    if text.endswith(".") and not _labels_fault(setting, text[:-1]):
        return "one that ends with a dot", text[:-1]
    return None


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
    number = _whole_number(setting.value)
    if (
        number is None
        or (lowest is not None and number < int(lowest))
        or (highest is not None and number > int(highest))
    ):
        return setting.bad(f"must be {kind}{bounds}", f"{kind}{bounds}")
    return []


def distinct(setting: Setting) -> list[str]:
    """No two of the named ports are the same; empty ones do not count."""
    names_of: dict[object, list[str]] = {}
    for name, value in _dictionary(setting, "distinct").items():
        if _is_set(value):
            number = _whole_number(value)
            names_of.setdefault(str(value) if number is None else number, []).append(str(name))
    problems = []
    for value, names in names_of.items():
        if len(names) > 1:
            problems.append(
                f"{' and '.join(names)} are {'both' if len(names) == 2 else 'all'} {setting.quote(value)}, "
                f"but no two services can listen on one port. Set {' or '.join(names[1:])} to another port"
            )
    return problems


def choice(setting: Setting, *, choices: Sequence[Any]) -> list[str]:
    # 1 == True in Python, not in a playbook.
    if any(setting.value == one and isinstance(setting.value, bool) == isinstance(one, bool) for one in choices):
        return []
    # The choices are ours, not the user's: shown even where the value is hidden.
    known = ", ".join(str(one) for one in choices)
    return setting.bad(f"must be one of: {known}", f"one of {known}")


def secret(
    setting: Setting,
    *,
    min_length: int = 12,
    differs_from: Mapping[str, Any] | None = None,
    allow_weak: bool = False,
) -> list[str]:
    """A password or key. Any character goes, save those no configuration file can carry."""
    value = setting.value
    if not isinstance(value, str):
        return setting.bad(
            f"must be text, not {_type_name(value)}", remedy=f"Put the value of {setting.name} in quotes"
        )
    faults = []
    if len(value) < int(min_length):
        faults.append(f"is shorter than {min_length} characters")
    for other, other_value in (differs_from or {}).items():
        if _is_set(other_value) and value.lower() == str(other_value).lower():
            faults.append(f"equals {other}")
    if not allow_weak and _is_well_known(value):
        faults.append("consists of well-known words that are guessed first")
    elif not allow_weak and len(set(value)) < 4:
        faults.append("repeats fewer than four different characters")
    if re.search("[\r\n\0]", value):
        faults.append("contains a newline or NUL character, which cuts it off in files")
    elif value != value.strip():
        faults.append("starts or ends with white space, which programs trim")
    if not faults:
        return []
    # A weak one is allowed where somebody else has issued it: no new one can be made up then.
    want = (
        "the secret exactly as it was issued, in one line"
        if allow_weak
        else f"at least {min_length} random characters in one line (openssl rand -base64 24 prints some)"
    )
    return setting.bad(" and ".join(faults), want)


def _is_well_known(value: str) -> bool:
    lower = value.lower()
    return bool(WELL_KNOWN_WORDS.search(lower)) and not FILLER.sub("", WELL_KNOWN_WORDS.sub("", lower))


def _type_name(value: object) -> str:
    names = {"bool": "a boolean", "int": "a number", "float": "a number", "NoneType": "empty"}
    # By the base class, because Ansible hands over subclasses of the plain types.
    for kind in type(value).__mro__:
        if kind.__name__ in names:
            return names[kind.__name__]
    return "a dictionary" if isinstance(value, Mapping) else "a list"


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


def untemplated(_setting: Setting) -> list[str]:
    """Nothing to do: the common check before every rule has looked."""
    return []


def together(setting: Setting) -> list[str]:
    """All of the named settings have a value, or none has."""
    values = _dictionary(setting, "together")
    given = [str(name) for name, value in values.items() if _is_set(value)]
    absent = [str(name) for name, value in values.items() if not _is_set(value)]
    if not given or not absent:
        return []
    return [
        f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} set, but {' and '.join(absent)} "
        f"{'is' if len(absent) == 1 else 'are'} empty or not set: they belong together. "
        f"Set {' and '.join(absent)} as well, or remove {' and '.join(given)}"
    ]


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
    """The name of a bucket, or a list of them."""
    want = "a name by S3's naming rules"
    if isinstance(setting.value, Sequence) and not isinstance(setting.value, str):
        items = [replace(setting, name=f"{setting.name}[{i}]", value=item) for i, item in enumerate(setting.value)]
        return [problem for item in items for problem in bucket(item)]
    if not isinstance(setting.value, str):
        return setting.bad("must be text", want)
    for pattern, fault in BUCKET_FAULTS:
        if re.fullmatch(pattern, setting.value):
            return setting.bad(f"it is not a valid bucket name: {fault}", want)
    return []


def _split(url: str) -> SplitResult | None:
    try:
        found = urlsplit(url)
        # Reading the port is what raises when it is out of range.
        return found if found.port != 0 else None
    except ValueError:
        return None


def _url_fault(setting: Setting, schemes: Sequence[str]) -> str:
    """What is wrong with the front of a URL: scheme, credentials, host, port."""
    url = setting.value
    forms = " or ".join(f"{scheme}://" for scheme in schemes)
    if not isinstance(url, str) or not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        return f"must start with {forms}"
    if re.search(r"[\s\0]", url):
        return "must not contain white space"
    found = _split(url)
    if not found:
        return "has a wrong host, or a port that is no number from 1 to 65535"
    if "@" in found.netloc:
        return "must not carry a user or password, which logs would show"
    if found.netloc.endswith(":"):
        return "has a colon without a port"
    host = found.hostname or ""
    if not host:
        return "has no host name"
    return "" if _is_ip(host) else _labels_fault(setting, host)


def s3_endpoint(
    setting: Setting, *, needs_ca: bool = False, ca_file: str | None = None, ca_variable: str = "modelhub_ca_file"
) -> list[str]:
    """An S3 endpoint as clients take it: scheme, host, port and nothing else."""
    want = "scheme://host or scheme://host:port"
    fault = _url_fault(setting, ("http", "https"))
    if fault:
        return setting.bad(fault, want)
    found = urlsplit(setting.value)
    if found.path or "?" in setting.value or "#" in setting.value:
        bare = setting.quote(f"{found.scheme}://{found.netloc}")
        return setting.bad("must end after the host and port, without a slash or path", bare)
    if found.scheme == "https" and needs_ca and not _is_set(ca_file):
        return setting.bad(
            "its certificate comes from a private authority and no CA file is given",
            remedy=f"Set {ca_variable} to the authority's certificate in PEM form",
        )
    return []


def url_https(setting: Setting) -> list[str]:
    """A URL that only makes sense encrypted, such as that of an ACME server."""
    fault = _url_fault(setting, ("https",))
    return setting.bad(fault, "a URL that starts with https://") if fault else []


def version(
    setting: Setting, *, floor: Mapping[str, str] | None = None, allowed_below_floor: bool = False
) -> list[str]:
    """A full release number; below the floor only with the user's own word."""
    want = "the full number of a release"
    found = _release(setting.value)
    if found is None:
        if isinstance(setting.value, str) and re.match(r"v?\d+\.\d+\.\d+\S", setting.value):
            return setting.bad("must be a release: no candidate, no suffix", want)
        return setting.bad("must be a full version vX.Y.Z, so that every deployment gets the same one", want)
    lowest = _release(floor.get("version")) if floor else None
    if floor and lowest is None:
        raise SettingsError(f"check of {setting.name}: floor needs a version of the form vX.Y.Z")
    if floor and lowest and found < lowest and not allowed_below_floor:
        reason = f": {floor['reason']}" if floor.get("reason") else ""
        override = f", or {floor['override']}: true to run it all the same" if floor.get("override") else ""
        return setting.bad(
            f"it is older than {floor['version']}{reason}",
            remedy=f"Set {setting.name} to {floor['version']} or newer{override}",
        )
    return []


def _release(text: object) -> tuple[int, ...] | None:
    if not isinstance(text, str) or not re.fullmatch(r"v?\d{1,9}\.\d{1,9}\.\d{1,9}", text, re.ASCII):
        return None
    return tuple(int(part) for part in text.lstrip("v").split("."))


def image(setting: Setting) -> list[str]:
    """A Docker image reference that names one image for good."""
    want = "name:tag or name@sha256:digest"
    fault, pinned = _image_fault(setting)
    if fault:
        return setting.bad(f"it is not a valid image reference: {fault}", want)
    if not pinned:
        return setting.bad(
            "without a fixed tag it names another image every week", f"{want}: pin a tag other than latest, or a digest"
        )
    return []


def _image_fault(setting: Setting) -> tuple[str, bool]:
    text = setting.value
    if not isinstance(text, str):
        return "it must be text", False
    if re.search(r"\s", text):
        return "it contains white space", False
    reference, at, digest = text.partition("@")
    if at and not digest.startswith("sha256:"):
        return "its digest must start with sha256:", False
    if at and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return f"its digest takes 64 hexadecimal digits after sha256:, not {len(digest) - len('sha256:')}", False
    name, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        name, colon, tag = reference, "", ""
    if colon and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag):
        return f"its tag {setting.quote(tag)} takes 1 to 128 letters, digits, dots, underscores and hyphens", False
    first, slash, rest = name.partition("/")
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    path = rest if has_registry else name
    if path != path.lower():
        return f"its repository {setting.quote(path)} must be in lower case", False
    if has_registry and _url_fault(replace(setting, value=f"https://{first.lower()}"), ("https",)):
        return f"its registry {setting.quote(first)} is no host name or host:port", False
    component = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    if not re.fullmatch(f"{component}(?:/{component})*", path) or len(name) > 255:
        return f"its repository {setting.quote(path)} has a wrong form", False
    return "", bool(at) or tag not in ("", "latest")


def path(setting: Setting, *, anywhere: bool = False) -> list[str]:
    """An absolute path that Docker can mount; below a directory of its own unless anywhere."""
    want = "a directory of its own" if not anywhere else "an absolute path"
    text = setting.value
    if not isinstance(text, str) or not text.startswith("/"):
        return setting.bad("must be an absolute path: one that starts with /", want)
    wrong = re.search(r"[:,\x00-\x1f\x7f]", text)
    if wrong:
        return setting.bad(
            f"contains {setting.quote(wrong.group())}, which separates the parts of a Docker mount", want
        )
    if ".." in text.split("/"):
        return setting.bad('must not contain ".."', want)
    if anywhere:
        return []
    # normpath keeps two leading slashes, as POSIX allows.
    clean = "/" + posixpath.normpath(text).lstrip("/")
    for tree in SYSTEM_TREES:
        if clean == tree or clean.startswith(tree + "/"):
            return setting.bad(f"nothing of ours may live in the system's {setting.quote(tree)}", want)
    if clean in SHARED_DIRECTORIES or re.fullmatch(r"/home/[^/]+", clean):
        return setting.bad("others use this directory too, and it would be removed with our data", f"{want} below it")
    return []


def env(
    setting: Setting,
    *,
    managed: Any = (),
    secrets: Mapping[str, str] | None = None,
) -> list[str]:
    """Free-form environment: no secret, nothing that the role sets. Values are never shown."""
    if not _is_set(setting.value):
        return []
    if not isinstance(setting.value, Mapping):
        return setting.bad("must be a dictionary of NAME: value", "a dictionary")
    variable_of = {**dict.fromkeys(SECRET_ENV, ""), **(secrets or {})}
    owner_of = _owners(managed)
    problems = []
    for key, value in setting.value.items():
        if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            fault = (
                f"has the name {setting.quote(key)}, but a name takes letters, digits and underscores "
                "and starts with no digit. Rename it"
            )
        elif key in variable_of:
            instead = f"set {variable_of[key]}" if variable_of[key] else "use the role's variable for this secret"
            fault = (
                f"contains {key}, but a secret in the environment is shown by docker inspect. "
                f"Remove {key} from {setting.name} and {instead} instead"
            )
        elif key in owner_of:
            fault = _managed_fault(setting, key, owner_of[key])
        else:
            fault = _env_value_fault(key, value)
        if fault:
            problems.append(f"{setting.name} {fault}")
    return problems


def _env_value_fault(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return f'gives {key} a value that is neither text nor a number. Put the value in quotes, e.g. {key}: "true"'
    if isinstance(value, str) and "\0" in value:
        return f"gives {key} a value with a NUL character. Remove it from {key}"
    fault = _untemplated_fault(value)
    return f"gives {key} a value that {fault}. {UNTEMPLATED_REMEDY.format(key)}" if fault else ""


def _managed_fault(setting: Setting, name: str, owner: str) -> str:
    """The owner is the variable to use instead, with * for a family of them, or a few words on the reason."""
    is_variable = re.fullmatch(r"[a-z0-9_]+\*?", owner)
    reason = f": {owner}" if owner and not is_variable else ""
    instead = f" and set {owner} instead" if is_variable else ""
    return f"contains {name}, but the role manages it{reason}. Remove {name} from {setting.name}{instead}"


def args(setting: Setting, *, managed: Any = ()) -> list[str]:
    """Free-form arguments: a list, and no flag that the role sets. Values are never shown."""
    if not _is_set(setting.value):
        return []
    if isinstance(setting.value, (str, Mapping)) or not isinstance(setting.value, Sequence):
        return setting.bad("must be a list with one argument per item", 'a list, e.g. ["--flag", "value"]')
    owner_of = _owners(managed)
    problems = []
    for position, item in enumerate(setting.value, 1):
        fault = _arg_fault(setting, position, item, owner_of)
        if fault:
            problems.append(f"{setting.name} {fault}")
    return problems


def _arg_fault(setting: Setting, position: int, item: object, owner_of: Mapping[str, str]) -> str:
    if isinstance(item, bool) or not isinstance(item, (str, int, float)):
        return f"has {_type_name(item)} as item {position}, but an argument must be text. Put it in quotes"
    fault = _untemplated_fault(item)
    if fault:
        return f"has an item {position} that {fault}. " + UNTEMPLATED_REMEDY.format(f"item {position}")
    text = str(item)
    # --flag=value, and for short ones -wN: both are the flag itself to the command line.
    flag = text.split("=", 1)[0] if text.startswith("--") else text[:2]
    return _managed_fault(setting, flag, owner_of[flag]) if flag in owner_of else ""


def _owners(managed: Any) -> dict[str, str]:
    """Managed names as a list, or as a dictionary with the variable to use instead."""
    if isinstance(managed, Mapping):
        return {str(name): str(variable or "") for name, variable in managed.items()}
    return {str(name): "" for name in managed}


def minimum_version(setting: Setting, *, minimum: str, what: str = "") -> list[str]:
    """The version of a program that was found, against the one that is needed."""
    subject = what or setting.name
    upgrade = f"Install {subject} {minimum} or newer"
    if not setting.is_set:
        return [f"{subject} was not found, but version {minimum} or newer is needed. {upgrade}"]
    found, needed = _numbers(setting.value), _numbers(minimum)
    if needed is None:
        raise SettingsError(f"check of {subject}: {minimum} is no version")
    if found is None:
        return [f"{subject} is {setting.quote(setting.value)}, but that is no version number. {upgrade}"]
    width = max(len(found), len(needed))
    if found + (0,) * (width - len(found)) < needed + (0,) * (width - len(needed)):
        return [f"{subject} is {setting.quote(setting.value)}, but version {minimum} or newer is needed. {upgrade}"]
    return []


def _numbers(text: object) -> tuple[int, ...] | None:
    """The dotted numbers a version starts with: distributions append their own marks."""
    match = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)", str(text), re.ASCII)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


def email(setting: Setting) -> list[str]:
    """An address a certificate authority will take: something@full.host."""
    want = "an e-mail address"
    text = setting.value
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[^@\s]+", text):
        return setting.bad("must be an e-mail address: name@host", want)
    host = text.rpartition("@")[2].lower()
    if "." not in host:
        return setting.bad("must be an e-mail address that is reachable from outside: its host has no dot", want)
    fault = _labels_fault(setting, host)
    return setting.bad(f"its host is not valid: {fault}", want) if fault else []


def _dictionary(setting: Setting, rule: str) -> Mapping[str, Any]:
    if not isinstance(setting.value, Mapping):
        raise SettingsError(f"rule {rule}: value must be a dictionary of variable names and their values")
    return setting.value


RULES: dict[str, Callable[..., list[str]]] = {
    "access_key": access_key,
    "args": args,
    "bucket": bucket,
    "choice": choice,
    "distinct": distinct,
    "email": email,
    "env": env,
    "hostname": hostname,
    "image": image,
    "integer": integer,
    "minimum_version": minimum_version,
    "path": path,
    "port": port,
    "s3_endpoint": s3_endpoint,
    "secret": secret,
    "together": together,
    "untemplated": untemplated,
    "url_https": url_https,
    "version": version,
}
# These decide themselves what an empty value means.
OWN_EMPTY_RULES = ("args", "distinct", "env", "minimum_version", "together", "untemplated")


def setting_problems(checks: Any) -> list[str]:
    """All that is wrong with the given settings, one sentence or two per fault."""
    if isinstance(checks, (str, Mapping)) or not isinstance(checks, Sequence):
        raise SettingsError("setting_problems takes a list of checks")
    return [problem for check in checks for problem in _problems_of(check)]


def _problems_of(check: Any) -> list[str]:
    if not isinstance(check, Mapping):
        raise SettingsError("each check must be a dictionary with name, value and rule")
    # Not dict(check): the values of a check may be templates that resolve when they are read.
    options = {str(key): value for key, value in check.items()}
    rule = options.pop("rule", None)
    name = str(options.pop("name", ""))
    if rule not in RULES:
        raise SettingsError(f"check of {name or 'a setting'}: unknown rule {rule!r}; known are {', '.join(RULES)}")
    if not name and rule not in ("distinct", "together"):
        raise SettingsError(f"a check with rule {rule} has no name")
    setting = Setting(
        name=name,
        value=options.pop("value", None),
        secret=bool(options.pop("secret", rule == "secret")) or rule == "secret",
        example=str(options.pop("example", None) or ""),
    )
    optional = options.pop("optional", False)
    try:
        inspect.signature(RULES[rule]).bind(setting, **options)
    except TypeError as error:
        raise SettingsError(f"check of {name or 'a setting'}: rule {rule}: {error}") from error
    if not setting.is_set and rule not in OWN_EMPTY_RULES:
        return [] if optional else setting.missing()
    fault = _untemplated_fault(setting.value)
    if fault:
        return setting.bad(fault, remedy=UNTEMPLATED_REMEDY.format(name))
    return RULES[rule](setting, **options)
