"""Every action of a workflow is pinned to the commit that action_pins.yml lists, with its version beside it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
USES = re.compile(r"^\s*(?:- )?uses: *(?P<use>.*)$", re.MULTILINE)


def main() -> int:
    pins = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text())
    allowed = {f"{action}@{pin['commit']} # {pin['version']}" for action, pin in pins.items()}
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    uses = [(path.name, use.strip()) for path in workflows for use in USES.findall(path.read_text())]
    found = [f"{name}: {use} is not in tests/lint/action_pins.yml" for name, use in uses if use not in allowed]
    found += [f"{pin} is used nowhere" for pin in sorted(allowed.difference(use for name, use in uses))]
    if not uses:
        found.append("there are no workflows to check")
    print("\n".join(found) or f"{len(uses)} actions in {len(workflows)} workflows are pinned")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
