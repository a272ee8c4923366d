# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup opengeoai.modelhub.role_problems."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role_problems
short_description: Tell what is wrong with the variables of roles
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Holds the variables of roles of this collection against their argument specification and their checks, and returns
    one message for each that cannot work. Each names the variable, its value, the cause and the remedy; a secret is
    never part of it.
  - A variable whose template cannot be resolved is a message too, and no failure of the task.
  - What merely follows from another variable that is wrong already is left out.
  - The checks of a role are its variable C(__<role>_checks), a list as the filter
    P(opengeoai.modelhub.setting_problems#filter) takes it. Here a check may also have C(when), a condition, and
    C(always=true), to hold for a role that is switched off with C(<role>_enabled=false) as well.
  - A check that reads C(modelhub_found) or C(modelhub_secrets) waits until the host has been looked at.
options:
  _terms:
    description: Names of roles. Name C(common) first, for what follows from its variables to be left out.
    type: list
    elements: str
    required: true
  look:
    description:
      - Which checks to apply, for a play that judges once before and once after it has looked at the host.
      - V(before) leaves out what was found, which may be what an earlier play of the same run has found, for other
        roles and before other changes, and the checks that wait for it.
      - V(after) leaves out all others.
    type: str
    choices: [before, after, any]
    default: any
"""

EXAMPLES = r"""
- name: Refuse variables that cannot work
  ansible.builtin.fail:
    msg: "{{ problems | join('\n') }}"
  when: problems | length > 0
  vars:
    problems: "{{ query('opengeoai.modelhub.role_problems', 'common', 'postgres') }}"
"""

RETURN = r"""
_raw:
  description: The messages, empty when all variables are good. Call it by C(query), which always returns a list.
  type: list
  elements: str
"""

import re
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError, AnsibleUndefinedVariable
from ansible.plugins.lookup import LookupBase
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import is_set
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._roles import References, role_options
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._rules import SettingsError
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._settings import check_problems, spec_problems

# What the role common finds out and settles before anything changes
LOOK = {"modelhub_found", "modelhub_secrets", "__common_stored"}
VARIABLE = re.compile(r"\{\{ *(\w+) *\}\}")
NAMES = ("own_container", "own_network")
BOUNDS = ("integer", "port")


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no types
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        look = kwargs.get("look", "any")
        hidden = LOOK if look == "before" else set()
        given = {name: value for name, value in (variables or {}).items() if name not in hidden}
        # What has been resolved takes the place of its template, so that nothing is resolved twice.
        resolved = dict(given)
        templar = self._templar.copy_with_new_env(available_variables=resolved)
        judge = _Judge(given, resolved, templar.template, only_waiting=look == "after")
        try:
            specs = {str(role): role_options(str(role)) for role in terms}
            return judge.problems(specs)
        except (OSError, SettingsError) as error:
            raise AnsibleLookupError(f"opengeoai.modelhub.role_problems: {error}") from error


class _Judge:
    """Collects messages by variable, so that each speaks once and what follows from it not at all."""

    def __init__(
        self,
        variables: dict[str, t.Any],
        resolved: dict[str, t.Any],
        template: t.Callable[[t.Any], t.Any],
        only_waiting: bool,
    ) -> None:
        self._only_waiting = only_waiting
        self._variables = variables
        self._resolved = resolved
        self._resolve = template
        self._texts: dict[str, t.Any] = {}
        self._references = References(variables)
        self._messages: dict[str, list[str]] = {}
        self._findings: list[str] = []
        self._unresolved: set[str] = set()
        self._values: dict[str, t.Any] = {}

    def problems(self, specs: dict[str, dict[str, t.Any]]) -> list[str]:
        checks = {role: [check for check in self._checks(role) if self._counts(check)] for role in specs}
        options = {name: option for spec in specs.values() for name, option in spec.items()}
        if self._only_waiting:
            read = self._references.of([one for found in checks.values() for one in found])
            options = {name: option for name, option in options.items() if name in read or name.endswith("_enabled")}
        self._hold_against_spec(options)
        for role, spec in specs.items():
            enabled = self._is_enabled(f"{role}_enabled", spec)
            for check in checks[role]:
                if enabled or check.get("always"):
                    self._apply(check)
        said = [one for messages in self._roots(self._messages).values() for one in messages] + self._findings
        return list(dict.fromkeys(said))

    def _hold_against_spec(self, options: dict[str, t.Any]) -> None:
        failures = {}
        for name in options:
            if name in self._variables:
                try:
                    self._values[name] = self._resolved[name] = self._resolve(self._variables[name])
                except AnsibleError as error:
                    failures[name] = [_unresolved(name, error, bool(options[name].get("no_log")))]
        self._unresolved = set(failures)
        spec = {name: option for name, option in options.items() if name not in failures}
        self._messages = self._roots({**failures, **spec_problems(spec, self._values)})

    def _roots(self, messages: dict[str, list[str]]) -> dict[str, list[str]]:
        """The first in a chain is the one to mend; where all follow from each other, all are named."""
        roots = {
            name: found
            for name, found in messages.items()
            if not self._follows(self._variables.get(name), {name}, set(messages))
        }
        return roots or messages

    def _template(self, raw: t.Any) -> t.Any:
        """The value of what a check says. Most of it is a variable, and much of it the same in many checks."""
        if not isinstance(raw, str):
            return self._resolve(raw)
        variable = VARIABLE.fullmatch(raw)
        if variable and variable[1] in self._values:
            return self._values[variable[1]]
        if raw not in self._texts:
            self._texts[raw] = self._resolve(raw)
        return self._texts[raw]

    def _follows(self, raw: object, names: set[str], wrong: set[str]) -> bool:
        return bool((self._references.of(raw) - names) & wrong)

    def _is_enabled(self, name: str, spec: dict[str, t.Any]) -> bool:
        if name not in spec or name in self._messages or name in self._unresolved:
            return True
        return str(self._values.get(name, True)).lower() in ("true", "yes", "on", "y", "t", "1")

    def _checks(self, role: str) -> t.Iterator[dict[str, t.Any]]:
        checks = self._variables.get(f"__{role}_checks", [])
        yield from self._template(checks) if isinstance(checks, str) else checks

    def _waits_for(self, check: dict[str, t.Any]) -> set[str]:
        # Of what was found, an entry is called by its key as well.
        return LOOK.intersection(one.partition(".")[0] for one in self._references.of(check))

    def _counts(self, check: dict[str, t.Any]) -> bool:
        return not self._only_waiting or bool(self._waits_for(check))

    def _apply(self, check: dict[str, t.Any]) -> None:
        name = str(check.get("name", ""))
        if self._waits_for(check).difference(self._variables):
            if check.get("rule") not in NAMES:
                return
            # Whether it is a name at all can be told at once.
            check = {**check, "found": []}
        if name in self._unresolved or self._follows(check, {name}, self._unresolved | set(self._messages)):
            return
        # The specification has spoken. These two say more: the bounds, an example.
        if name in self._messages and check.get("rule") not in BOUNDS and is_set(self._values.get(name)):
            return
        try:
            problems = self._outcome(check)
        except AnsibleError as error:
            # It may come from a variable that has been named, or wait for the look after all: older releases of Ansible
            # resolve whole dictionaries where one entry is asked for.
            waited = any(one in str(error) for one in LOOK.difference(self._variables))
            if name in self._messages or self._unresolved or waited:
                return
            secret = bool(check.get("secret")) or check.get("rule") == "secret"
            problems = [_unresolved(name or f"the check {check.get('rule')}", error, secret)]
        if not name:
            self._findings += problems
        elif problems:
            self._messages[name] = problems

    def _outcome(self, check: dict[str, t.Any]) -> list[str]:
        if not self._template(check.get("when", True)):
            return []
        return check_problems({key: self._template(check[key]) for key in check if key not in ("always", "when")})


def _unresolved(name: str, error: AnsibleError, secret: bool) -> str:
    # Other errors may quote the value that they are about.
    cause = str(error) if isinstance(error, AnsibleUndefinedVariable) or not secret else "its template fails"
    return (
        f"{name} cannot be resolved: {' '.join(cause.split())[:300]}. Give {name} a plain value, or mend its template"
    )
