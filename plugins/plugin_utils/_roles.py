# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What the roles of this collection call their variables, read from the roles themselves."""

from __future__ import annotations

import difflib
import re
import typing as t
from pathlib import Path

from ansible.module_utils.common.yaml import yaml_load

COLLECTION = Path(__file__).resolve().parents[2]
# Variables of a vars file; what tasks register or set
ASSIGNMENT = re.compile(r"^([a-z]\w*):", re.MULTILINE)
RESULT = re.compile(r"^[ -]*(?:register: *)?([a-z]\w*)", re.MULTILINE)
WORD = re.compile(r"[A-Za-z_]\w*")
REFERENCE = re.compile(r"([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
# Ansible's own, which hold everything
MAGIC = ("groups", "hostvars", "vars")


def role_names(collection: Path = COLLECTION) -> list[str]:
    return sorted(path.parents[1].name for path in collection.glob("roles/*/meta/argument_specs.yml"))


def role_options(role: str, collection: Path = COLLECTION) -> dict[str, t.Any]:
    """The options of the role's entry point main, as its argument_specs describe them. OSError without such a role."""
    specs = yaml_load((collection / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


def known_names(collection: Path = COLLECTION) -> set[str]:
    """All public variables, all that the roles give out, and all that the playbooks speak of."""
    found = {name for role in role_names(collection) for name in role_options(role, collection)}
    for pattern, names in (
        ("roles/*/vars/**/*.yml", ASSIGNMENT),
        ("roles/*/tasks/*.yml", RESULT),
        ("playbooks/**/*.yml", WORD),
    ):
        for path in collection.glob(pattern):
            found |= set(names.findall(path.read_text(encoding="utf-8")))
    return found


def unknown_names(variables: t.Mapping[str, t.Any], collection: Path = COLLECTION) -> dict[str, str]:
    """Variables that look like the collection's and are not, each with the known name that is nearest, or ''.

    What a task has registered is no variable of the user.
    """
    prefixes = tuple(f"{name}_" for name in [*role_names(collection), "modelhub"])
    mine = {name for name in variables if name.startswith(prefixes)}
    known = known_names(collection)
    public = [name for name in known if name.startswith(prefixes)]
    found = {}
    for name in sorted(mine - known):
        value = variables[name]
        if not (isinstance(value, t.Mapping) and {"changed", "failed"} & set(value)):
            found[name] = next(iter(difflib.get_close_matches(name, public, 1, 0.75)), "")
    return found


class References:
    """Which variables a template reads, directly or through other variables."""

    def __init__(self, variables: t.Mapping[str, t.Any]) -> None:
        self._variables = variables
        self._direct: dict[str, set[str]] = {}

    def of(self, raw: object) -> set[str]:
        """All names in the templates of a raw value and in those they lead to; not all of them are variables.

        An entry of a dictionary is called `name.key`, and leads only to what that entry reads; its keys read nothing.
        """
        found: set[str] = set()
        fresh = self._names_in(raw)
        while fresh:
            found |= fresh
            fresh = set().union(*(self._of_name(name) for name in fresh)) - found
        return found

    def _of_name(self, name: str) -> set[str]:
        if name not in self._direct:
            variable, _dot, key = name.partition(".")
            is_plain = variable not in MAGIC and not variable.startswith("ansible_")
            value = self._variables.get(variable) if is_plain else None
            self._direct[name] = self._names_in(value.get(key) if key and isinstance(value, dict) else value)
        return self._direct[name]

    def _names_in(self, raw: object) -> set[str]:
        if isinstance(raw, str):
            is_template = "{{" in raw or "{%" in raw
            return {self._name(*match.groups()) for match in REFERENCE.finditer(raw)} if is_template else set()
        parts = list(raw.values()) if isinstance(raw, dict) else raw
        return set().union(*(self._names_in(part) for part in parts)) if isinstance(parts, list) else set()

    def _name(self, variable: str, key: str | None) -> str:
        value = self._variables.get(variable)
        return f"{variable}.{key}" if isinstance(value, dict) and key in (*value, "keys") else variable
