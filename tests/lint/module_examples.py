"""The EXAMPLES of every module are tasks that the module's own argument specification accepts."""

from __future__ import annotations

import importlib
import sys
import typing as t
from pathlib import Path

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).parents[2]
COLLECTION = "opengeoai.modelhub"
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
# Stands for a template where the specification asks for more than text.
SAMPLES: dict[str, t.Any] = {"bool": True, "dict": {}, "float": 1.0, "int": 1, "list": []}


class SpecFound(Exception):
    """Carries what the module passes to AnsibleModule."""


class RecordingModule:
    def __init__(self, **kwargs: object) -> None:
        raise SpecFound(kwargs)


def constructor_arguments(module: t.Any) -> dict[str, t.Any]:
    module.AnsibleModule = RecordingModule
    try:
        module.main()
    except SpecFound as found:
        return t.cast("dict[str, t.Any]", found.args[0])
    raise AssertionError("main() does not create an AnsibleModule")


def without_templates(options: dict[str, t.Any], spec: dict[str, t.Any]) -> dict[str, t.Any]:
    def sample(name: str, value: object) -> object:
        is_template = isinstance(value, str) and "{{" in value
        return SAMPLES.get(spec.get(name, {}).get("type", "str"), value) if is_template else value

    return {name: sample(name, value) for name, value in options.items()}


def problems(name: str) -> list[str]:
    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")
    tasks = [task for task in yaml.safe_load(module.EXAMPLES) if f"{COLLECTION}.{name}" in task]
    if not tasks:
        return ["EXAMPLES has no task that calls it by its full name"]
    arguments = constructor_arguments(module)
    validator = ArgumentSpecValidator(
        arguments["argument_spec"], **{rule: arguments[rule] for rule in RULES if rule in arguments}
    )
    return [
        f"{task.get('name', 'a task without a name')}: {message}"
        for task in tasks
        for message in validator.validate(
            without_templates(task[f"{COLLECTION}.{name}"], arguments["argument_spec"])
        ).error_messages
    ]


def main() -> int:
    sys.path.insert(0, str(ROOT / ".collections"))
    names = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
    found = [f"{name}: {problem}" for name in names for problem in problems(name)]
    if not names:
        found.append("there are no modules to check")
    print("\n".join(found) or f"the examples of {', '.join(names)} are valid")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
