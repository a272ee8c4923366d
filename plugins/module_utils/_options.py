# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Checks of module options before anything is contacted, by the same rules as the roles' variables."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path
from urllib.parse import unquote

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import Setting, issued_secret, judge


def require(params: dict[str, t.Any], rules: dict[str, dict[str, t.Any]], filled: t.Sequence[str] = ()) -> None:
    """Raise one error that names every option that breaks its rule or is blank.

    `rules` maps the name of an option to its `rule` of _names, an `example`, and the rule's own options.
    """
    problems: list[str] = []
    for name, check in rules.items():
        options = dict(check)
        rule, example = options.pop("rule"), options.pop("example", "")
        problems += judge(Setting(name, params[name], rule is issued_secret, example), rule, options)
    for name in filled:
        if not params[name].strip():
            problems += Setting(name, params[name]).missing()
    if problems:
        raise InvalidOption(". ".join(problems) + ".")


def require_absolute(params: dict[str, t.Any], names: t.Iterable[str]) -> None:
    for name in names:
        if not params[name].startswith("/"):
            raise InvalidOption(f'{name} is "{params[name]}", no absolute path. Start it with a slash.')


def require_file(name: str, path: str | None) -> None:
    if path is not None and not (Path(path).is_file() and os.access(path, os.R_OK)):
        raise InvalidOption(f'{name} is "{path}", which is no readable file on the target. Copy it there first.')


def url_secrets(url: str | None) -> set[str]:
    """What AnsibleModule must mask when somebody put credentials into a URL."""
    userinfo = (url or "").rpartition("://")[2].rpartition("@")[0]
    secret = userinfo.partition(":")[2] or userinfo
    return {secret, unquote(secret)} - {""}
