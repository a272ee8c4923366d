"""Print as JSON what this host has: the engine's version or why it does not answer, and which libraries are missing.

{"engine": str, "error": str, "missing": [str, ...]}. Arguments: names of Python modules.
"""

import importlib.util
import json
import subprocess
import sys

try:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    engine, error = (answer.stdout.strip(), "") if answer.returncode == 0 else ("", answer.stderr.strip())
except OSError as exc:
    engine, error = "", str(exc)
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print(json.dumps({"engine": engine, "error": error, "missing": missing}))
