# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Rules for the values of the roles' variables that no module asks for, on top of those of _names.

They know nothing of the host; _found has the rules that do.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
import typing as t
from dataclasses import replace

from ansible_collections.opengeoai.modelhub.plugins.module_utils import _names
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import (
    UNTEMPLATED_REMEDY,
    Setting,
    carried_fault,
    is_ip,
    is_set,
    labels_fault,
    quotes_remedy,
    split_url,
    type_name,
    untemplated_fault,
    url_fault,
    whole_number,
)

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
    fault = labels_fault(setting, host, int(max_length))
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
        found = split_url(text if "://" in text else "//" + text)
        host = (found.hostname if found else None) or ""
        return "a URL", "" if labels_fault(setting, host) else host
    if is_ip(text):
        return "an IP address", ""
    bare, colon, rest = text.rpartition(":")
    if colon and rest.isdigit():
        return "a host with a port", bare
    if text.endswith(".") and not labels_fault(setting, text[:-1]):
        return "one that ends with a dot", text[:-1]
    return None


def host(setting: Setting, *, socket: bool = False) -> list[str]:
    """Where a server is reached: a host name, of one label too, an IP address or, with socket, a directory."""
    text = setting.value
    want = "a host name or an IP address" + (", or the directory of the server's Unix socket" if socket else "")
    if not isinstance(text, str):
        return setting.bad(f"must be {want}", want)
    if socket and text.startswith("/"):
        return path(setting, anywhere=True)
    if is_ip(text) and "[" not in text:
        return []
    return hostname(setting, allow_single_label=True)


def address(setting: Setting) -> list[str]:
    """An IP address of the server, to listen on."""
    text = setting.value
    if isinstance(text, str) and is_ip(text) and "[" not in text:
        return []
    return setting.bad("must be an IP address", "an IP address")


def network(setting: Setting) -> list[str]:
    """An IP address or a network of them, as address/length without bits beyond the length."""
    want = "an IP address or a network, such as 192.0.2.0/24"
    try:
        # A number would be taken for an address as well.
        ipaddress.ip_network(setting.value if isinstance(setting.value, str) else "")
    except ValueError:
        return setting.bad("must be an IP address or a network of addresses (CIDR)", want)
    return []


def text(setting: Setting, *, pattern: str, want: str) -> list[str]:
    """Text of a form that a pattern describes; want says in words what it is."""
    if re.fullmatch(pattern, str(setting.value), re.ASCII):
        return []
    return setting.bad(f"must be {want}", want)


def distinct(setting: Setting) -> list[str]:
    """No two of the named ports are the same; empty ones do not count."""
    names_of: dict[object, list[str]] = {}
    for name, value in _dictionary(setting, "distinct").items():
        if is_set(value):
            number = whole_number(value)
            names_of.setdefault(str(value) if number is None else number, []).append(str(name))
    problems = []
    for value, names in names_of.items():
        if len(names) > 1:
            problems.append(
                f"{' and '.join(names)} are {'both' if len(names) == 2 else 'all'} {setting.quote(value)}, "
                f"but no two services can listen on one port. Set {' or '.join(names[1:])} to another port"
            )
    return problems


def finding(setting: Setting) -> list[str]:
    """A sentence that the role itself has found words for; empty when all is good."""
    return [str(setting.value)] if setting.is_set else []


def secret(
    setting: Setting,
    *,
    min_length: int = 12,
    differs_from: t.Mapping[str, t.Any] | None = None,
    allow_weak: bool = False,
) -> list[str]:
    """A password or key. Any character goes, save those no configuration file can carry."""
    value = setting.value
    if not isinstance(value, str):
        return setting.bad(f"must be text, not {type_name(value)}", remedy=quotes_remedy(setting))
    faults = []
    if len(value) < int(min_length):
        faults.append(f"is shorter than {min_length} characters")
    for other, other_value in (differs_from or {}).items():
        if is_set(other_value) and value.lower() == str(other_value).lower():
            faults.append(f"equals {other}")
    if not allow_weak and _is_well_known(value):
        faults.append("consists of well-known words that are guessed first")
    elif not allow_weak and len(set(value)) < 4:
        faults.append("repeats fewer than four different characters")
    if carried_fault(value):
        faults.append(carried_fault(value))
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


def together(setting: Setting) -> list[str]:
    """All of the named settings have a value, or none has."""
    values = _dictionary(setting, "together")
    given = [str(name) for name, value in values.items() if is_set(value)]
    absent = [str(name) for name, value in values.items() if not is_set(value)]
    if not given or not absent:
        return []
    return [
        f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} set, but {' and '.join(absent)} "
        f"{'is' if len(absent) == 1 else 'are'} empty or not set: they belong together. "
        f"Set {' and '.join(absent)} as well, or remove {' and '.join(given)}"
    ]


def s3_endpoint(
    setting: Setting, *, needs_ca: bool = False, ca_file: str | None = None, ca_variable: str = "modelhub_ca_file"
) -> list[str]:
    """An S3 endpoint as clients take it, and whether they can trust it."""
    problems = _names.origin(setting)
    if not problems and setting.value.startswith("https:") and needs_ca and not is_set(ca_file):
        return setting.bad(
            "its certificate comes from a private authority and no CA file is given",
            remedy=f"Set {ca_variable} to the authority's certificate in PEM form",
        )
    return problems


def url(setting: Setting, *, schemes: t.Sequence[str] = ("https",)) -> list[str]:
    """A URL without credentials; of those that only make sense encrypted unless schemes says more."""
    fault = url_fault(setting, schemes)
    return setting.bad(fault, f"a URL that starts with {' or '.join(f'{one}://' for one in schemes)}") if fault else []


def version(
    setting: Setting, *, floor: t.Mapping[str, str] | None = None, allowed_below_floor: bool = False
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
    if has_registry and url_fault(replace(setting, value=f"https://{first.lower()}"), ("https",)):
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
    managed: t.Any = (),
    secrets: t.Mapping[str, str] | None = None,
) -> list[str]:
    """Free-form environment: no secret, nothing that the role sets. Values are never shown."""
    if not is_set(setting.value):
        return []
    if not isinstance(setting.value, t.Mapping):
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
    fault = untemplated_fault(value)
    return f"gives {key} a value that {fault}. {UNTEMPLATED_REMEDY.format(key)}" if fault else ""


def _managed_fault(setting: Setting, name: str, owner: str) -> str:
    """The owner is the variable to use instead, with * for a family of them, or a few words on the reason."""
    is_variable = re.fullmatch(r"[a-z0-9_]+\*?", owner)
    reason = f": {owner}" if owner and not is_variable else ""
    instead = f" and set {owner} instead" if is_variable else ""
    return f"contains {name}, but the role manages it{reason}. Remove {name} from {setting.name}{instead}"


def args(setting: Setting, *, managed: t.Any = ()) -> list[str]:
    """Free-form arguments: a list, and no flag that the role sets. Values are never shown."""
    if not is_set(setting.value):
        return []
    if isinstance(setting.value, (str, t.Mapping)) or not isinstance(setting.value, t.Sequence):
        return setting.bad("must be a list with one argument per item", 'a list, e.g. ["--flag", "value"]')
    owner_of = _owners(managed)
    problems = []
    for position, item in enumerate(setting.value, 1):
        fault = _arg_fault(setting, position, item, owner_of)
        if fault:
            problems.append(f"{setting.name} {fault}")
    return problems


def _arg_fault(setting: Setting, position: int, item: object, owner_of: t.Mapping[str, str]) -> str:
    if isinstance(item, bool) or not isinstance(item, (str, int, float)):
        return f"has {type_name(item)} as item {position}, but an argument must be text. Put it in quotes"
    fault = untemplated_fault(item)
    if fault:
        return f"has an item {position} that {fault}. " + UNTEMPLATED_REMEDY.format(f"item {position}")
    text = str(item)
    # --flag=value, and for short ones -wN: both are the flag itself to the command line.
    flag = text.split("=", 1)[0] if text.startswith("--") else text[:2]
    return _managed_fault(setting, flag, owner_of[flag]) if flag in owner_of else ""


def _owners(managed: t.Any) -> dict[str, str]:
    """Managed names as a list, or as a dictionary with the variable to use instead."""
    if isinstance(managed, t.Mapping):
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
    fault = labels_fault(setting, host)
    return setting.bad(f"its host is not valid: {fault}", want) if fault else []


# What htpasswd prints; Traefik takes these and no other.
HASHES = r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$apr1\$[^$]{1,8}\$[./A-Za-z0-9]{22}|\{SHA\}[A-Za-z0-9+/]{27}="


def htpasswd(setting: Setting) -> list[str]:
    """A user and the hash of the password. Never shown: the hash can be guessed at home."""
    line = replace(setting, secret=True)
    if isinstance(setting.value, str) and re.fullmatch(rf"[^:\s]+:(?:{HASHES})", setting.value):
        return []
    if isinstance(setting.value, str) and "$$" in setting.value:
        return line.bad("has doubled dollar signs, which only Docker Compose wants", "the line as htpasswd prints it")
    return line.bad("must be user:hash, not a plain password", "the line that htpasswd -nB USER prints")


def _dictionary(setting: Setting, rule: str) -> t.Mapping[str, t.Any]:
    if not isinstance(setting.value, t.Mapping):
        raise SettingsError(f"rule {rule}: value must be a dictionary of variable names and their values")
    return setting.value
