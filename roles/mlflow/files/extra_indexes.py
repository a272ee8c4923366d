"""Make the indexes that MLflow's tables have here beyond its own, and drop those that are not wanted any more.

Runs in an MLflow image as the database's owner, whose connection is MLFLOW_BACKEND_STORE_URI. Argument: a JSON list of
{"name", "table", "columns"}, where each name begins with modelhub_. Writers are not locked out, so each index is a
transaction of its own; what a kill leaves unfinished is made anew. Tables that this release of MLflow does not have are
left out. Prints {"made": [NAME...], "dropped": [NAME...]}; or ends with 1 and one line that says what is wrong.
"""

import json
import os
import sys

import sqlalchemy

# Of this program alone: a second one waits, and then finds nothing to do.
LOCK = 0x6D6C666C6F78
# An index of ours keeps as its comment what it was made from. Without one it is not finished.
FOUND = """
    SELECT c.relname, CASE WHEN i.indisvalid THEN obj_description(c.oid) END
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND starts_with(c.relname::text, 'modelhub_')
"""


def run(uri: str, indexes: "list[dict[str, str]]") -> "dict[str, list[str]]":
    """Do it and return the names of what was made and dropped."""
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        tables = sqlalchemy.inspect(connection).get_table_names()
        wanted = {index["name"]: index for index in indexes if index["table"] in tables}
        found = dict(connection.exec_driver_sql(FOUND).all())
        kept = [name for name, columns in found.items() if name in wanted and columns == wanted[name]["columns"]]
        dropped = sorted(found.keys() - kept)
        made = sorted(wanted.keys() - kept)
        for name in dropped:
            connection.exec_driver_sql(f'DROP INDEX CONCURRENTLY "{name}"')
        for name in made:
            table, columns = wanted[name]["table"], wanted[name]["columns"]
            connection.exec_driver_sql(f'CREATE INDEX CONCURRENTLY "{name}" ON "{table}" ({columns})')
            connection.exec_driver_sql(f"COMMENT ON INDEX \"{name}\" IS '{columns}'")
        return {"made": made, "dropped": dropped}


def main() -> None:
    try:
        done = run(os.environ["MLFLOW_BACKEND_STORE_URI"], json.loads(sys.argv[1]))
    except sqlalchemy.exc.DBAPIError as error:
        # The message of the database alone: SQLAlchemy's repeats statement and parameters.
        sys.exit(str(error.orig).strip().splitlines()[0])
    print(json.dumps(done))


if __name__ == "__main__":
    main()
