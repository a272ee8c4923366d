# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the cases of inventory.yml and judges what was said, shown and changed. Started by the script `run`.

Each role adds cases in which its variables are wrong all at once: of wrong types, with templates that cannot be
resolved, and with values that no rule can accept. Each variable must be refused by one sentence that names it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from wrong_values import CONTEXTS, ROOT, wrong_values

HERE = Path(__file__).parent
INVENTORY = HERE / "inventory.yml"
SITE = ROOT / "playbooks" / "site.yml"
WORK = Path(os.environ["BAD_INPUT_WORK"])
GENERATED = WORK / "generated.json"
CACHE = WORK / "facts"
# What the look at the host asks an engine
QUESTIONS = {f"GET /{path}" for path in ("version", "containers/json?all=1", "networks", "images/json")}

# Mistakes on the command line, where every value is text: arguments, what the messages must match.
COMMAND_LINES: list[tuple[list[str], list[str]]] = [
    (["modelhub_domain=https://mlflow.x.io/"], [r'modelhub_domain is "https://mlflow\.x\.io/", but .*not a URL']),
    (["mlflow_workers=four"], [r'mlflow_workers is "four", but .*from 1 to 64\. Set mlflow_workers to']),
    # As if this release of the collection needed a later Ansible and Python than those that run.
    (
        ["__docker_minimum_ansible=99.0", "__docker_minimum_python=99.0"],
        [
            r"ansible-core on the controller is 2\.[0-9.]+, but version 99\.0 .*Install",
            r"Python on the target is 3\.[0-9.]+, but version 99\.0 .*Install",
        ],
    ),
    # B47: a warning, since something else may read them. This run ends at the engine, which is too old.
    (
        ["mlflow_worker=4", "modelhub_bas_dir=/srv", "minio_quorum=3"],
        [
            r"WARNING\]: mlflow_worker is set, but .* Did you mean mlflow_workers\?",
            r"WARNING\]: modelhub_bas_dir is set, but .* Did you mean modelhub_base_dir\?",
            r"WARNING\]: minio_quorum is set, but .* Remove it, unless",
            r"Docker Engine 19\.03\.9",
        ],
    ),
]


class Loader(yaml.SafeLoader):
    """Takes Ansible's own tags for what they hold."""


Loader.add_constructor("!unsafe", lambda _loader, node: str(node.value))


def generated_cases() -> dict[str, Any]:
    """A host for each kind of wrong value, with all variables of a role that can be wrong together."""
    cases: dict[str, Any] = {}
    for wrong in wrong_values():
        context = CONTEXTS.get(wrong.name, {})
        case = cases.setdefault(f"{wrong.kind}_in_{wrong.role}", {**context, "says": [], "lines": 0})
        case[wrong.name] = wrong.value
        case["says"].append(wrong.says)
        case["lines"] += 1
    return cases


def ansible(*command: str, inventories: tuple[Path, ...] = (INVENTORY, GENERATED), **env: str) -> Any:
    settings = {
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(CACHE),
        # They use the processor and nothing else, and what is tested beside them must not starve.
        "ANSIBLE_FORKS": str(2 * (os.cpu_count() or 2)),
        "ANSIBLE_FORCE_COLOR": "false",
        "ANSIBLE_NOCOLOR": "true",
    }
    return subprocess.run(
        [*command, *(argument for inventory in inventories for argument in ("-i", str(inventory)))],
        env={**os.environ, **settings, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def gather_facts_once(cases: dict[str, Any]) -> None:
    """Hosts are alike but for their user, so the first of each kind gathers for all."""
    others = [name for name, case in cases.items() if "ansible_user" in case]
    first = next(name for name in cases if name not in others)
    gathered = ansible(
        "ansible", ":".join([first, *others]), "-m", "ansible.builtin.setup", "-a", "gather_subset=!all,hardware"
    )
    if gathered.returncode != 0:
        sys.exit(f"The target does not answer:\n{gathered.stdout}{gathered.stderr}")
    source = next(path for path in CACHE.iterdir() if path.name.endswith(first))
    for name in set(cases) - {first, *others}:
        shutil.copyfile(source, source.with_name(source.name.replace(first, name)))


def failures_of(report: dict[str, Any]) -> dict[str, list[str]]:
    """The messages of the tasks that failed on each host, and of those that changed something."""
    found: dict[str, list[str]] = {}
    for play in report["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                if result.get("failed") or result.get("unreachable"):
                    found.setdefault(host, []).append(str(result.get("msg")))
                if result.get("changed"):
                    found.setdefault(host, []).append(f"CHANGED by {task['task']['name']}")
    return found


def secrets_in(text: str, allowed: tuple[str, ...] = ()) -> list[str]:
    """Names of the secrets whose values stand in the text."""
    files = [path for path in (WORK / "secrets").iterdir() if path.name not in allowed]
    return [path.name for path in files if path.read_text().strip() in text]


def changes(targets: list[str]) -> dict[str, list[str]]:
    """Every file that a target has added, changed or deleted since it was started."""
    return {target: sorted(output("docker", "diff", target).splitlines()) for target in targets}


def engine_calls(targets: list[str]) -> set[str]:
    calls = [output("docker", "exec", target, "cat", "/tmp/engine-calls") for target in targets]
    return set("".join(calls).splitlines())


def check_cases(cases: dict[str, Any]) -> list[str]:
    run = ansible(
        "ansible-playbook",
        str(SITE),
        "--diff",
        ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
        ANSIBLE_GATHERING="smart",
    )
    try:
        report = json.loads(run.stdout[run.stdout.index("{") :])
    except ValueError:
        return [f"the playbook gave no report:\n{run.stdout[-3000:]}{run.stderr[-3000:]}"]
    faults = [] if run.returncode != 0 else ["the playbook succeeded"]
    found = failures_of(report)
    for name, case in cases.items():
        messages = found.get(name, [])
        if len(messages) != 1:
            faults.append(f"{name}: one failed task was expected, not {messages}")
            continue
        if len(messages[0].splitlines()) != case.get("lines", 1):
            faults.append(f"{name}: {case.get('lines', 1)} sentences were expected, not:\n    {messages[0]}")
        for pattern in case["says"]:
            if not re.search(pattern, messages[0], re.MULTILINE):
                faults.append(f"{name}: the message does not match {pattern}:\n    {messages[0]}")
        leaked = secrets_in(messages[0], tuple(case.get("shown", ())))
        if leaked:
            faults.append(f"{name}: the message shows the secret {leaked}")
    leaked = secrets_in(run.stdout + run.stderr, ("long",))
    return faults + ([f"the output shows the secrets {leaked}"] if leaked else [])


def check_command_line(variables: list[str], patterns: list[str]) -> list[str]:
    extra = [argument for variable in variables for argument in ("-e", variable)]
    # The case with good values, so that the command line alone is wrong.
    run = ansible("ansible-playbook", str(SITE), "--limit", "B12_special_characters", *extra)
    # Warnings are folded.
    shown = re.sub(r"\s+", " ", run.stdout + run.stderr)
    faults = [f"does not say {pattern}:\n{shown[-3000:]}" for pattern in patterns if not re.search(pattern, shown)]
    if run.returncode == 0 or "changed=0" not in shown:
        faults.append(f"did not fail before any change:\n{shown[-3000:]}")
    if secrets_in(shown):
        faults.append(f"shows the secrets {secrets_in(shown)}")
    return [f"{' '.join(variables)}: {fault}" for fault in faults]


def check_missing_inventory() -> list[str]:
    """Ansible alone would find no hosts, do nothing and call that a success."""
    missing = WORK / "inventories" / "prod"
    run = ansible("ansible-playbook", str(SITE), inventories=(missing,))
    shown = run.stdout + run.stderr
    if run.returncode == 0 or not re.search(f"ERROR.* parse inventory source {re.escape(str(missing))}", shown):
        return [f"a missing inventory is not refused by its name:\n{shown[-2000:]}"]
    return []


def main() -> None:
    targets = sys.argv[1:]
    generated = generated_cases()
    GENERATED.write_text(json.dumps({"modelhub": {"hosts": generated}}))
    cases = {**yaml.load(INVENTORY.read_text(), Loader=Loader)["modelhub"]["hosts"], **generated}
    before = changes(targets)
    gather_facts_once(cases)
    faults = check_cases(cases) + check_missing_inventory()
    with ThreadPoolExecutor(2) as pool:
        faults += [fault for found in pool.map(check_command_line, *zip(*COMMAND_LINES)) for fault in found]

    after = changes(targets)
    for target in targets:
        if after[target] != before[target]:
            faults.append(f"files changed on {target}: {set(after[target]) ^ set(before[target])}")
    asked = engine_calls(targets)
    if asked != QUESTIONS:
        faults.append(f"the engines should have been asked {sorted(QUESTIONS)}, not {sorted(asked)}")
    written = [path for place in (HERE / ".modelhub", WORK / "state") for path in [place, *place.rglob("*")]]
    faults += [f"{path} was written on the controller" for path in written if path.exists()]

    # These two proofs are worth something only if they can fail.
    subprocess.run(["docker", "exec", targets[0], "mkdir", "/opt/modelhub"], check=True)
    if changes(targets[:1])[targets[0]] == before[targets[0]]:
        faults.append("a planted directory was not noticed")
    if secrets_in(f"x{(WORK / 'secrets' / 'short').read_text()}x") != ["short"]:
        faults.append("a planted secret was not noticed")

    for fault in faults:
        print(fault)
    print(f"{len(cases)} cases and {len(COMMAND_LINES)} command lines, {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
