"""Every public text has choices, a rule in the role's vars/main/checks.yml, or a reason in free_texts.yml.

A text is an option of type str or path, or a list of those, of any role's entry point main. A rule that only compares
with what is on the host says nothing about the text itself.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TEXTS = ("path", "str")
# They look at the host, or at other variables.
NO_RULES_OF_TEXT = ("directory", "distinct", "finding", "one_domain", "own_directory")


def texts(options: dict[str, dict[str, t.Any]]) -> list[str]:
    """The names of the options that hold free text."""
    return [
        name
        for name, option in options.items()
        if not option.get("choices")
        and (option.get("type", "str") in TEXTS or (option.get("type") == "list" and option.get("elements") in TEXTS))
    ]


def checked(role: Path) -> set[str]:
    path = role / "vars/main/checks.yml"
    checks = (yaml.safe_load(path.read_text()) or {}).get(f"__{role.name}_checks", []) if path.is_file() else []
    found: set[str] = set()
    for check in checks:
        if check["rule"] == "together":
            found |= set(check["value"])
        elif check["rule"] not in NO_RULES_OF_TEXT:
            found.add(check["name"])
    return found


def problems(root: Path) -> list[str]:
    free = yaml.safe_load((root / "tests/lint/free_texts.yml").read_text()) or {}
    specs = sorted((root / "roles").glob("*/meta/argument_specs.yml"))
    public: set[str] = set()
    ruled: set[str] = set()
    for path in specs:
        public |= set(texts(yaml.safe_load(path.read_text())["argument_specs"]["main"].get("options") or {}))
        ruled |= checked(path.parents[1])
    found = [
        f"{name} is free text, but no rule checks it and no reason is given" for name in public - ruled - set(free)
    ]
    found += [f"free_texts.yml: {name} is no free text any more" for name in free if name not in public - ruled]
    found += [f"free_texts.yml: {name} has no reason" for name, reason in free.items() if not reason]
    return sorted(found) if specs else ["there are no roles to check"]


def main() -> int:
    found = problems(ROOT)
    print("\n".join(found) or "every public text is checked, or has a reason not to be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
