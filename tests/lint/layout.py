"""Every role has the same files, each variable stands in one of them, and what is meant to be short is short."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What stands in each role
COMMON_FILES = ("README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml")
# What each role that brings a service has besides
SERVICE_FILES = ("tasks/install.yml", "tasks/uninstall.yml", "tasks/validate.yml", "tasks/verify.yml")
# And what each that runs a container for good
CONTAINER_FILES = ("tasks/container.yml", "tasks/next.yml")
CONTAINER_ROLES = ("traefik", "postgres", "minio", "mlflow")
# These serve the others.
HELPERS = ("common", "images", "security", "status")
NESTED_IMPORT = re.compile(r"^ *ansible\.builtin\.import_tasks: (?!\"\{\{ role_path \}\}/tasks/)(.*)$", re.MULTILINE)
VARIABLE = re.compile(r"^([a-z_]\w*):", re.MULTILINE)
MAX_TASKS_MAIN_LINES = 40
MAX_MODULE_MAIN_LINES = 25


def role_problems(role: Path) -> list[str]:
    wanted: tuple[str, ...] = COMMON_FILES if role.name in HELPERS else COMMON_FILES + SERVICE_FILES
    wanted += CONTAINER_FILES if role.name in CONTAINER_ROLES else ()
    found = [f"roles/{role.name}/{name} is missing" for name in wanted if not (role / name).is_file()]
    # A short file for each subject, instead of one long one
    if not any((role / "vars/main").glob("*.yml")):
        found.append(f"roles/{role.name}/vars/main has no files")
    if (role / "vars/main.yml").exists():
        found.append(f"roles/{role.name}/vars/main.yml belongs into files of vars/main")
    tasks = role / "tasks/main.yml"
    lines = len(tasks.read_text().splitlines()) if tasks.is_file() else 0
    if lines > MAX_TASKS_MAIN_LINES:
        found.append(f"roles/{role.name}/tasks/main.yml has {lines} lines, but may have {MAX_TASKS_MAIN_LINES}")
    return found


def import_problems(role: Path) -> list[str]:
    """In a file that is itself imported, Ansible takes tasks/NAME beside the user's playbook for the role's NAME."""
    return [
        f'roles/{role.name}/tasks/{file.name} imports {name}, which must be "{{{{ role_path }}}}/tasks/{name}"'
        for file in sorted(role.glob("tasks/*.yml"))
        if file.name != "main.yml"
        for name in NESTED_IMPORT.findall(file.read_text())
    ]


def variable_problems(role: Path) -> list[str]:
    """Of two variables of one name the one in the later file wins, wherever both are read."""
    homes: dict[str, list[str]] = {}
    for file in sorted([*role.glob("defaults/*.yml"), *role.glob("vars/main/*.yml")]):
        for name in VARIABLE.findall(file.read_text()):
            homes.setdefault(name, []).append(str(file.relative_to(role)))
    return [f"roles/{role.name}: {name} stands in {' and '.join(at)}" for name, at in homes.items() if len(at) > 1]


def module_problems(module: Path) -> list[str]:
    mains = [node for node in ast.parse(module.read_text()).body if getattr(node, "name", "") == "main"]
    if not mains:
        return [f"{module.name} has no main()"]
    lines = (mains[0].end_lineno or 0) - mains[0].lineno + 1
    if lines > MAX_MODULE_MAIN_LINES:
        return [f"main() of {module.name} has {lines} lines, but may have {MAX_MODULE_MAIN_LINES}"]
    return []


def problems(root: Path) -> list[str]:
    roles = sorted(path for path in (root / "roles").glob("*") if path.is_dir())
    modules = sorted((root / "plugins/modules").glob("*.py"))
    found = [
        problem
        for role in roles
        for check in (role_problems, import_problems, variable_problems)
        for problem in check(role)
    ]
    found += [problem for module in modules for problem in module_problems(module)]
    return found if roles and modules else [*found, "there are no roles or no modules to check"]


def main() -> int:
    found = problems(ROOT)
    print("\n".join(found) or "all roles and modules are laid out alike")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
