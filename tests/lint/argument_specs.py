"""The argument specification of every role tells the truth about its defaults.

Laws, for the entry point `main`: each variable of defaults/main.yml is an option and says the same default (except a
template for something other than text: ansible-doc takes no such default, so the description tells it, and an empty
text for what is required); each option is in the defaults, or is mentioned there in a comment (an optional secret, for
one). Options begin with the name of their role; those of the role common, which belong to the stack as a whole, with
`modelhub_`. For every entry point: each option has a type and a description, secrets have `no_log`, and the file of its
tasks exists. A public variable that nothing reads is dead.
"""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"(password|secret|secret_key|token|_kek|(?<!access)_key)$")
# The role that owns what the stack has in common, and how its variables begin.
COMMON, SHARED = "common", "modelhub"
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "float": (int, float),
    "int": (int,),
    "list": (list,),
    "path": (str,),
    "str": (str,),
}
# Types whose default may be a template
TEXT_TYPES = ("path", "raw", "str")


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain text."""


Loader.add_multi_constructor("!", lambda _loader, _suffix, node: str(node.value))


def load(path: Path) -> dict[str, t.Any]:
    return yaml.load(path.read_text(), Loader) or {}  # the loader is derived from the safe one


def is_template(value: object) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def option_problems(name: str, option: dict[str, t.Any]) -> t.Iterator[str]:
    """What is wrong with an option, whatever the defaults say."""
    kind, default = option.get("type"), option.get("default")
    if not kind:
        yield f"{name} has no type"
    if not option.get("description"):
        yield f"{name} has no description"
    if SECRET.search(name) and kind == "str" and not option.get("no_log"):
        yield f"{name} looks like a secret, but has no no_log: true"
    if is_template(default) and kind not in TEXT_TYPES:
        yield f"{name} is of type {kind}, so its default cannot be a template: tell it in the description"
    if default is None or is_template(default):
        return
    if option.get("required"):
        yield f"{name} is required and has a default"
    if kind in PYTHON_TYPES and (
        not isinstance(default, PYTHON_TYPES[kind]) or (isinstance(default, bool) and kind != "bool")
    ):
        yield f"{name} is of type {kind}, but its default is {default!r}"
    values = default if isinstance(default, list) else [default]
    if option.get("choices") and not set(values) <= set(option["choices"]):
        yield f"{name} has the default {default!r}, which is none of its choices"


def needs_no_default(option: dict[str, t.Any], value: object) -> bool:
    """Whether the description tells the default, or there is none: what is required stands in the defaults as ''."""
    untold = is_template(value) and option.get("type") not in TEXT_TYPES
    return untold or (bool(option.get("required")) and value == "")


def default_problems(
    role: str, options: dict[str, dict[str, t.Any]], defaults: dict[str, t.Any], defaults_text: str
) -> t.Iterator[str]:
    """Where the options of `main` and the defaults disagree."""
    for name, value in defaults.items():
        if name not in options:
            yield f"{name} is in the defaults, but is no option"
        elif needs_no_default(options[name], value):
            pass
        elif value is not None and "default" not in options[name]:
            yield f"{name} has the default {value!r}, but the option does not say so"
        elif options[name].get("default") != value:
            yield f"{name} has the default {value!r}, but the option says {options[name].get('default')!r}"
    prefix = SHARED if role == COMMON else role
    for name in sorted({*defaults, *options}):
        if not name.startswith(f"{prefix}_"):
            yield f"{name} does not begin with {prefix}_"
    for name in options:
        mentioned = re.search(rf"^# ?{name}:", defaults_text, re.MULTILINE)
        if name not in defaults and not mentioned:
            yield f"{name} is an option, but is not in the defaults"


def unused(root: Path, options: t.Iterable[str]) -> t.Iterator[str]:
    parts = ("defaults", "handlers", "tasks", "templates", "vars")
    folders = [role / part for role in root.glob("roles/*") for part in parts] + [root / "playbooks"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    used = re.sub(r"^(#.*|\w+:)", "", "".join(path.read_text() for path in files), flags=re.MULTILINE)
    used += "".join(path.read_text() for path in (root / "plugins").rglob("*.py"))
    for name in options:
        if not re.search(rf"\b{name}\b", used):
            yield f"{name} is an option, but nothing reads it"


def role_problems(role: Path) -> t.Iterator[str]:
    specs = load(role / "meta/argument_specs.yml").get("argument_specs", {})
    if "main" not in specs:
        yield "there is no entry point main"
    for entry, spec in specs.items():
        if not (role / f"tasks/{entry}.yml").is_file():
            yield f"the entry point {entry} has no tasks/{entry}.yml"
        if not spec.get("short_description"):
            yield f"the entry point {entry} has no short_description"
        for name, option in spec.get("options", {}).items():
            yield from option_problems(name, option)
    options = specs.get("main", {}).get("options", {})
    defaults = role / "defaults/main.yml"
    yield from default_problems(role.name, options, load(defaults), defaults.read_text())
    yield from unused(role.parents[1], options)


def problems(root: Path) -> list[str]:
    roles = sorted(path for path in (root / "roles").glob("*") if path.is_dir())
    found = []
    for role in roles:
        missing = [name for name in ("defaults/main.yml", "meta/argument_specs.yml") if not (role / name).is_file()]
        wrong = [f"{name} is missing" for name in missing] or list(role_problems(role))
        found += [f"{role.name}: {problem}" for problem in wrong]
    return found if roles else ["there are no roles to check"]


def main() -> int:
    found = problems(ROOT)
    print("\n".join(found) or "the argument specifications of all roles agree with their defaults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
