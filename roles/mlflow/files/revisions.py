"""Print the schema revisions that this image's MLflow knows: {"head": str, "revisions": [str, ...]}."""

import importlib.util
import json
import pathlib

from alembic.script import ScriptDirectory

package = pathlib.Path(importlib.util.find_spec("mlflow").origin).parent
script = ScriptDirectory(str(package / "store" / "db_migrations"))
print(json.dumps({"head": script.get_current_head(), "revisions": [r.revision for r in script.walk_revisions()]}))
