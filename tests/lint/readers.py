"""A role reads its own variables, those of the whole stack, and what another role's README gives out; no more.

Laws: in expressions, a role's files and the playbooks read no variable that begins with the name of another role,
unless it stands in backticks under the heading "Outputs" of that role's README; a private name (`__<role>_…`) of
another role is never read. A `modelhub_*` variable has its default in the role common and nowhere else; only what the
look at the host did not find may be told by one. No task registers a result, or sets a fact, by the name of a variable
of its role: from then on, in later plays too, it would stand in the variable's place.
"""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("defaults", "handlers", "tasks", "templates", "vars")
# Their values are expressions without braces.
CONDITIONS = ("break_when", "changed_when", "failed_when", "that", "until", "when")
EXPRESSION = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
# Not what follows a dot, which is an attribute, nor the name of an argument.
NAME = re.compile(r"(?<![\w.])[a-z_]\w*(?!\w|\s*=[^=])")
SECOND_DEFAULT = re.compile(r"\b(?!modelhub_found\b)(modelhub_\w+)(?:\.\w+|\[[^]]*\])*\s*\|\s*(?:default|d)\b")


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain text."""


Loader.add_multi_constructor("!", lambda _loader, _suffix, node: str(node.value))


def expressions(path: Path) -> t.Iterator[str]:
    """Every Jinja expression of a file, without the texts in it."""
    text = path.read_text()
    is_yaml = path.suffix == ".yml"
    for expression in in_yaml(yaml.load(text, Loader)) if is_yaml else in_text(text):  # a kind of safe loader
        yield LITERAL.sub("''", expression)


def in_text(text: str) -> t.Iterator[str]:
    for match in EXPRESSION.finditer(text):
        yield match.group(1) or match.group(2) or ""


def in_yaml(node: object, condition: bool = False) -> t.Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from in_text(str(key))
            yield from in_yaml(value, key in CONDITIONS)
    elif isinstance(node, list):
        for value in node:
            yield from in_yaml(value, condition)
    elif isinstance(node, str):
        yield from [node] if condition else in_text(node)


def names_kept(node: object) -> t.Iterator[str]:
    """The names by which tasks register results and set facts."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "register":
                yield str(value)
            elif key in ("set_fact", "ansible.builtin.set_fact"):
                yield from value
            else:
                yield from names_kept(value)
    elif isinstance(node, list):
        for value in node:
            yield from names_kept(value)


def replaced(role: Path) -> t.Iterator[str]:
    """Complaints about variables of a role that its tasks replace."""
    variables: set[str] = set()
    for path in [role / "defaults/main.yml", *(role / "vars").rglob("*.yml")]:
        variables |= set(yaml.load(path.read_text(), Loader) or {} if path.is_file() else {})
    for path in sorted((role / "tasks").rglob("*.yml")):
        for name in sorted(variables & set(names_kept(yaml.load(path.read_text(), Loader)))):
            place = f"roles/{role.name}/{path.relative_to(role)}"
            yield f"{place} keeps a result as {name}, which is a variable of the role"


def outputs(role: Path) -> set[str]:
    """The names that the README documents for others to read."""
    readme = role / "README.md"
    sections = re.split(r"^(#+ .*)$", readme.read_text() if readme.is_file() else "", flags=re.MULTILINE)
    found: set[str] = set()
    for heading, text in zip(sections[1::2], sections[2::2]):
        if heading.lstrip("# ").strip() == "Outputs":
            found |= set(re.findall(r"`([a-z]\w*)`", text))
    return found


def foreign(path: Path, owner: str, roles: t.Sequence[str], given: t.Mapping[str, set[str]]) -> t.Iterator[str]:
    """The variables of other roles that a file of `owner` reads without leave."""
    for expression in expressions(path):
        for name in NAME.findall(expression):
            other = next((role for role in roles if re.match(rf"(__)?{role}_", name)), owner)
            if other != owner and name not in given[other]:
                yield name


def problems(root: Path) -> list[str]:
    roles = [path for path in sorted((root / "roles").glob("*")) if path.is_dir()]
    names = sorted((role.name for role in roles), key=len, reverse=True)
    given = {role.name: outputs(role) for role in roles}
    files = [(path, role.name) for role in roles for part in PARTS for path in sorted((role / part).rglob("*"))]
    files += [(path, "") for path in [*sorted((root / "playbooks").rglob("*")), root / "site.yml"]]
    found = []
    for path, owner in files:
        if not path.is_file():
            continue
        place = path.relative_to(root)
        for name in dict.fromkeys(foreign(path, owner, names, given)):
            other = next(role for role in names if re.match(rf"(__)?{role}_", name))
            found.append(f"{place} reads {name}, which the README of the role {other} does not give out")
        if owner != "common":
            for name in dict.fromkeys(SECOND_DEFAULT.findall(path.read_text())):
                found.append(f"{place} gives {name} a default, which belongs into the role common")
    found += [complaint for role in roles for complaint in replaced(role)]
    return found if files and roles else [*found, "there are no roles to check"]


def main() -> int:
    found = problems(ROOT)
    print("\n".join(found) or "every role reads what it may")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
