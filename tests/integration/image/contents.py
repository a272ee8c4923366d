"""Check, as root inside the MLflow image, what it contains. Prints what is wrong and fails."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import stat
import sys
from pathlib import Path

MODULES = ("boto3", "psycopg2", "uvloop", "httptools", "flask_wtf", "prometheus_flask_exporter")
# Of builds, not of servers
TOOLS = ("gcc", "g++", "cc", "make", "git", "curl", "wget")
LEFT_BEHIND = (
    *("root/.cache/*", "tmp/*", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_Packages*"),
    *("context", "added", "run/secrets/*", "etc/pip.conf"),
)
SKIP = ("proc", "sys", "dev")


def raised() -> list[str]:
    """Return the files that may raise privileges."""
    found = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if folder != "/" or name not in SKIP]
        for path in (Path(folder, name) for name in files):
            if not path.is_symlink() and path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
                found.append(str(path))
    return found


def main() -> None:
    for module in MODULES:
        importlib.import_module(module)
    problems = [f"{path} raises privileges" for path in raised()]
    problems += [f"{tool} is in the image" for tool in TOOLS if shutil.which(tool)]
    problems += [f"{path} is in the image" for pattern in LEFT_BEHIND for path in Path("/").glob(pattern)]
    expected = json.loads(Path("/usr/local/share/modelhub/expected_schema.json").read_text())
    for name in ("alembic_version", "alembic_version_auth"):
        whole = name in expected and expected[name]["head"] in expected[name]["parents"] and expected[name]["tables"]
        problems += [] if whole else [f"what is expected of the database with {name} is not complete"]
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
