# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""All that is wrong with the variables of a role, in one list and one form: variable, value, cause, remedy.

Types, choices and what is required come from the role's argument_specs, everything that needs words from rules.
"""

from __future__ import annotations

import inspect
import typing as t

from ansible_collections.opengeoai.modelhub.plugins.module_utils import _names
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import (
    UNTEMPLATED_REMEDY,
    Rule,
    Setting,
    judge,
    quotes_remedy,
    untemplated_fault,
    whole_number,
)
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import (
    _buckets,
    _certificates,
    _found,
    _rules,
    _users,
)
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._rules import SettingsError

__all__ = ("RULES", "SettingsError", "check_problems", "setting_problems", "spec_problems")

RULES: dict[str, Rule] = {
    "access_key": _names.access_key,
    "address": _rules.address,
    "args": _rules.args,
    "bucket": _names.bucket,
    "buckets": _buckets.buckets,
    "certificate": _certificates.certificate,
    "certificate_key": _certificates.certificate_key,
    "directory": _found.directory,
    "distinct": _rules.distinct,
    "email": _rules.email,
    "env": _rules.env,
    "finding": _rules.finding,
    "free_port": _found.free_port,
    "grants": _users.grants,
    "host": _rules.host,
    "hostname": _rules.hostname,
    "htpasswd": _rules.htpasswd,
    "image": _rules.image,
    "integer": _names.integer,
    "leads_here": _found.leads_here,
    "minimum_version": _rules.minimum_version,
    "network": _rules.network,
    "one_domain": _found.one_domain,
    "origin": _names.origin,
    "own_container": _found.own_container,
    "own_directory": _found.own_directory,
    "own_network": _found.own_network,
    "own_subnet": _found.own_subnet,
    "path": _rules.path,
    "port": _names.port,
    "s3_endpoint": _rules.s3_endpoint,
    "secret": _rules.secret,
    "text": _rules.text,
    "together": _rules.together,
    "url": _rules.url,
    "users": _users.users,
    "version": _rules.version,
}
# These decide themselves what an empty value means.
OWN_EMPTY_RULES = ("args", "distinct", "env", "finding", "minimum_version", "together")
# These take a list too, and look at each item.
ITEM_RULES = (
    "address",
    "bucket",
    "buckets",
    "host",
    "hostname",
    "htpasswd",
    "image",
    "leads_here",
    "network",
    "origin",
    "path",
    "text",
    "url",
)


def setting_problems(checks: t.Any) -> list[str]:
    """All that is wrong with the given settings, one sentence or two per fault."""
    if isinstance(checks, (str, t.Mapping)) or not isinstance(checks, t.Sequence):
        raise SettingsError("setting_problems takes a list of checks")
    return [problem for check in checks for problem in check_problems(check)]


def check_problems(check: t.Any) -> list[str]:
    """What one check has to say: a dictionary of name, value, rule and the rule's own options."""
    if not isinstance(check, t.Mapping):
        raise SettingsError("each check must be a dictionary with name, value and rule")
    # Not dict(check): the values of a check may be templates that resolve when they are read.
    options = {str(key): value for key, value in check.items()}
    rule = options.pop("rule", None)
    name = str(options.pop("name", ""))
    if rule not in RULES:
        raise SettingsError(f"check of {name or 'a setting'}: unknown rule {rule!r}; known are {', '.join(RULES)}")
    if not name and rule not in ("distinct", "finding", "together"):
        raise SettingsError(f"a check with rule {rule} has no name")
    setting = Setting(
        name=name,
        value=options.pop("value", None),
        secret=bool(options.pop("secret", False)) or rule == "secret",
        example=str(options.pop("example", None) or ""),
    )
    optional = options.pop("optional", False)
    try:
        inspect.signature(RULES[rule]).bind(setting, **options)
    except TypeError as error:
        raise SettingsError(f"check of {name or 'a setting'}: rule {rule}: {error}") from error
    if rule in OWN_EMPTY_RULES and not setting.is_set:
        return RULES[rule](setting, **options)
    if rule in ITEM_RULES and _is_list(setting.value):
        return [problem for item in _items(setting) for problem in judge(item, RULES[rule], options)]
    return judge(setting, RULES[rule], options, optional)


def _is_list(value: object) -> bool:
    return isinstance(value, t.Sequence) and not isinstance(value, (str, bytes))


def _items(setting: Setting) -> list[Setting]:
    return [
        Setting(f"{setting.name}[{position}]", item, setting.secret, setting.example)
        for position, item in enumerate(setting.value)
    ]


def spec_problems(options: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """What argument_specs refuse, by variable: type, choices, required, elements, and what is no plain value.

    Text is as good as a number or a boolean where it says the same, because extra variables are text. Unlike Ansible's
    own validation, nothing is converted: the roles read what the user has written.
    """
    found = {
        name: _option_problems(Setting(name, values.get(name), bool(option.get("no_log"))), option)
        for name, option in options.items()
    }
    return {name: problems for name, problems in found.items() if problems}


def _option_problems(setting: Setting, option: t.Mapping[str, t.Any]) -> list[str]:
    if setting.value is None or (option.get("required") and not setting.is_set):
        return setting.missing() if option.get("required") else []
    # The template of a number or a list is what is wrong with it, not its type.
    fault = untemplated_fault(setting.value)
    if fault:
        return setting.bad(fault, remedy=UNTEMPLATED_REMEDY.format(setting.name))
    kind = option.get("type", "str")
    if not TYPES[kind][0](setting.value):
        want = TYPES[kind][1]
        is_unquoted = want == "text" and isinstance(setting.value, bool)
        return setting.bad(f"must be {want}", want, quotes_remedy(setting) if is_unquoted else "")
    choices = option.get("choices")
    if choices and not _is_list(setting.value):
        return _choice_problems(setting, choices)
    return _part_problems(setting, option)


def _choice_problems(setting: Setting, choices: t.Sequence[t.Any]) -> list[str]:
    # 1 == True in Python, not in a playbook.
    if any(setting.value == one and isinstance(setting.value, bool) == isinstance(one, bool) for one in choices):
        return []
    # The choices are ours, not the user's: shown even where the value is hidden.
    known = ", ".join(str(one) for one in choices)
    return setting.bad(f"must be one of: {known}", f"one of {known}")


def _part_problems(setting: Setting, option: t.Mapping[str, t.Any]) -> list[str]:
    """Look into lists and dictionaries."""
    if isinstance(setting.value, t.Mapping):
        known = option.get("options") or {key: {"type": "raw"} for key in setting.value}
        # Free dictionaries are settings of other programs, and may hold their secrets.
        parts = [
            (Setting(f"{setting.name}.{key}", setting.value.get(key), setting.secret or "options" not in option), inner)
            for key, inner in known.items()
        ]
        unknown = [str(key) for key in setting.value if key not in known]
        problems = [
            f"{setting.name} has the key {setting.quote(key)}, but takes only {', '.join(known)}. Remove or rename it"
            for key in unknown
        ]
    elif _is_list(setting.value):
        item_option = {
            "type": option.get("elements", "raw"),
            "required": "elements" in option,
            **{key: option[key] for key in ("options", "choices") if key in option},
        }
        parts = [(item, item_option) for item in _items(setting)]
        problems = []
    else:
        return []
    return problems + [problem for part, inner in parts for problem in _option_problems(part, inner)]


def _is_bool(value: object) -> bool:
    words = ("yes", "no", "true", "false", "on", "off", "y", "n", "t", "f", "1", "0")
    return isinstance(value, bool) or (not isinstance(value, float) and str(value).lower() in words)


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and isinstance(value, (int, float, str)) and float(value) is not None
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


# How a value of each type is told, and what it is called.
TYPES: dict[str, tuple[t.Callable[[t.Any], bool], str]] = {
    "bool": (_is_bool, "true or false"),
    "dict": (lambda value: isinstance(value, t.Mapping), "a dictionary"),
    "float": (_is_number, "a number"),
    "int": (lambda value: whole_number(value) is not None, "a whole number"),
    "list": (_is_list, "a list"),
    "path": (_is_text, "text"),
    "raw": (lambda _value: True, ""),
    "str": (_is_text, "text"),
}
