# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to get a public variable wrong, made from the argument specifications of the roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[3]

WRONG_TYPES: dict[str, Any] = {
    **dict.fromkeys(("bool", "dict", "float", "int", "list"), "some text"),
    **{kind: ["a list"] for kind in ("path", "str")},
}
# No name, address, path, size, image or secret may look like that.
NO_TEXT = "im possible\n`"
IMPOSSIBLE: dict[str, Any] = {"float": -1, "int": -1, "path": NO_TEXT, "str": NO_TEXT}
# Lists and dictionaries of something else than names
IMPOSSIBLE_VALUES: dict[str, Any] = {
    "mlflow_extra_args": ["--host=0.0.0.0"],
    "traefik_acme_dns_env": {NO_TEXT: "x"},
    **{f"{role}_extra_env": {NO_TEXT: "x"} for role in ("minio", "mlflow", "postgres", "traefik")},
}
# What else must be set for anybody to look at a value
CONTEXTS: dict[str, dict[str, Any]] = {"traefik_acme_email": {"modelhub_tls_mode": "letsencrypt"}}
# So much is judged by the light of it, or it by the light of so much, that it has to be wrong alone.
ALONE = ("modelhub_stack", "modelhub_s3_access_key", "modelhub_s3_secret_key", *CONTEXTS)
# Not deployed by the playbook of the stack, which does not judge them.
APART = ("security", "status")


class Wrong(NamedTuple):
    """A variable, a value that it cannot have, and the pattern of the sentence that must refuse it."""

    role: str
    # Those of one kind may be wrong together without one keeping quiet because of another.
    kind: str
    name: str
    value: Any
    says: str


def wrong_values() -> Iterator[Wrong]:
    """All of them, but for what the playbook of the stack sets itself."""
    fixed = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())[0]["vars"]
    free = yaml.safe_load((ROOT / "tests/lint/free_texts.yml").read_text())
    for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = path.parents[1].name
        if role in APART:
            continue
        for name, option in yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"].items():
            if name in fixed:
                continue
            yield Wrong(role, "type", name, WRONG_TYPES[option["type"]], rf"^{name} .*must be")
            broken = f"{{{{ nosuch_{name} }}}}"
            yield Wrong(role, "template", name, broken, rf"^{name} cannot be resolved: 'nosuch_{name}' is undefined")
            value = IMPOSSIBLE_VALUES.get(name, impossible(option))
            if value is not None and name not in free:
                yield Wrong(role, kind_of(name, option), name, value, rf"^{name}(\[0\])? ")


def impossible(option: dict[str, Any]) -> Any:
    """A value of the right type that cannot work, None where any might."""
    if option.get("choices"):
        return "impossible" if option["type"] != "list" else ["impossible"]
    if option["type"] == "list":
        return [NO_TEXT] if option.get("elements") == "str" else None
    return IMPOSSIBLE.get(option["type"])


def kind_of(name: str, option: dict[str, Any]) -> str:
    if name in ALONE:
        return name
    if option.get("choices") or option["type"] == "dict":
        return "choice" if option.get("choices") else "dictionary"
    return "secret" if option.get("no_log") or name.endswith("_url") else "value"
