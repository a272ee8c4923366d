"""An installed collection holds what its users need and nothing that belongs to a checkout or a machine."""

from __future__ import annotations

import sys
from pathlib import Path

NEEDED = (
    "LICENSE",
    "README.md",
    "dockerfile.mlflow",
    "images",
    "inventories/one_host",
    "meta/runtime.yml",
    "playbooks/site.yml",
    "plugins/modules",
    "roles",
)
UNWANTED = (".ansible", ".collections", ".git*", ".modelhub", ".venv", "*.pyc", "__pycache__", "tests/output")


def problems(collection: Path) -> list[str]:
    missing = [f"{name} is missing" for name in NEEDED if not (collection / name).exists()]
    unwanted = [
        f"{path.relative_to(collection)} does not belong in it" for glob in UNWANTED for path in collection.rglob(glob)
    ]
    return missing + unwanted


def main() -> int:
    found = problems(Path(sys.argv[1]))
    print("\n".join(found) or "the built collection is complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
