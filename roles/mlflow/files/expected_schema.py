"""Print what this image's MLflow expects of its databases, by the table in which each keeps its revision.

{TABLE: {"head": str, "parents": {REVISION: [REVISION...]}, "tables": {NAME: {"columns", "indexes", "constraints"}}}} in
JSON. The revisions are Alembic's. The tables are those that its migrations make in an empty database: MLflow's ORM
names an index that no migration makes, and leaves out some that one does. Databases that the image does not know are
left out.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import pathlib
import sys
import tempfile
import typing as t

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import to_tuple

# Package, folder of its migrations, and what makes the tables that the first of them needs.
TREES = {
    "alembic_version": ("mlflow", "store/db_migrations", "mlflow.store.tracking.dbmodels.initial_models"),
    "alembic_version_auth": ("mlflow", "server/auth/db/migrations", ""),
    # As the role names it; the plugin's own default is that of the tracking database.
    "alembic_version_oidc": ("mlflow_oidc_auth", "db/migrations", ""),
}


def migrated(migrations: pathlib.Path, first: str) -> "dict[str, dict[str, list[str]]]":
    """Columns, indexes and named constraints of each table once all migrations ran, in a database of a moment."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(str(migrations / "alembic.ini"))
        config.set_main_option("script_location", str(migrations))
        config.set_main_option("sqlalchemy.url", f"sqlite:///{folder}/database")
        config.attributes["configure_logging"] = False
        engine = sqlalchemy.create_engine(f"sqlite:///{folder}/database")
        if first:
            importlib.import_module(first).Base.metadata.create_all(engine)
        command.upgrade(config, "heads")
        found = sqlalchemy.inspect(engine)
        return {
            name: {
                "columns": sorted(one["name"] for one in found.get_columns(name)),
                "indexes": sorted(str(one["name"]) for one in found.get_indexes(name)),
                "constraints": sorted(
                    one["name"]
                    for one in (
                        found.get_pk_constraint(name),
                        *found.get_foreign_keys(name),
                        *found.get_unique_constraints(name),
                        *found.get_check_constraints(name),
                    )
                    if one["name"]
                ),
            }
            for name in sorted(found.get_table_names())
            if not name.startswith("alembic_")
        }


def expected() -> "t.Iterator[tuple[str, dict[str, t.Any]]]":
    for name, (package, folder, first) in TREES.items():
        found = importlib.util.find_spec(package)
        migrations = pathlib.Path(found.origin).parent / folder if found and found.origin else None
        if migrations is None or not (migrations / "env.py").is_file():
            continue
        script = ScriptDirectory(str(migrations))
        parents = {one.revision: list(to_tuple(one.down_revision, default=())) for one in script.walk_revisions()}
        yield name, {"head": script.get_current_head(), "parents": parents, "tables": migrated(migrations, first)}


if __name__ == "__main__":
    os.environ["OIDC_ALEMBIC_VERSION_TABLE"] = "alembic_version_oidc"
    # Migrations may print.
    with contextlib.redirect_stdout(sys.stderr):
        answer = json.dumps(dict(expected()))
    print(answer)
