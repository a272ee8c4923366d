"""Make MLflow's tables in an empty database, and let the role that MLflow serves as use but not change them.

Runs in an MLflow image as the database's owner, whose connection is MLFLOW_BACKEND_STORE_URI. Argument: the name of the
runtime role; it may be the owner. Everything is one transaction: after a kill the database is as it was before. Tables
that are there already stay as they are. The last line that it prints is {"changed": bool, "created": bool, "revision":
str} in JSON; or it ends with 1 and one line that says what is wrong.
"""

import contextlib
import datetime
import importlib.util
import json
import os
import pathlib
import sys

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext

# Of this program and migrate_schema.py: two at once must not both find the database empty.
LOCK = 0x6D6C666C6F77
# What a second run of the same statements leaves as it is.
PRIVILEGES = """
    SELECT 'database', datname::text, datacl::text FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'schema', nspname::text, nspacl::text FROM pg_namespace WHERE nspname = current_schema()
    UNION ALL SELECT 'relation', relname::text, relacl::text FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
    UNION ALL SELECT 'default ' || defaclobjtype::text, defaclrole::text, defaclacl::text FROM pg_default_acl
        WHERE defaclnamespace = current_schema()::regnamespace
    ORDER BY 1, 2, 3
"""
# No CREATE and no TEMPORARY: who has stolen the server's password cannot change the schema.
GRANTS = """
    REVOKE ALL ON DATABASE {database} FROM PUBLIC
    GRANT CONNECT ON DATABASE {database} TO {role}
    REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC
    GRANT USAGE ON SCHEMA {schema} TO {role}
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}
    ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}
    ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}
"""


def create(engine: sqlalchemy.engine.Engine, connection: sqlalchemy.engine.Connection) -> None:
    """Make the tables of MLflow's first release and bring them to the newest revision, on this connection."""
    from mlflow.store.tracking.dbmodels.initial_models import Base

    Base.metadata.create_all(connection)
    # MLflow's env.py opens another connection of the engine, which would not see what is not committed yet.
    engine.connect = lambda: contextlib.nullcontext(connection)
    folder = pathlib.Path(importlib.util.find_spec("mlflow").origin).parent / "store" / "db_migrations"
    # The file names another folder, and old releases set up their log by it.
    config = Config(str(folder / "alembic.ini"))
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


def grant(connection: sqlalchemy.engine.Connection, role: str) -> None:
    """Let a role read and write what is in the schema, now and later, and nobody else connect."""
    database, schema = connection.exec_driver_sql("SELECT current_database(), current_schema()").one()
    quote = connection.dialect.identifier_preparer.quote_identifier
    names = {"database": quote(database), "schema": quote(schema), "role": quote(role)}
    for statement in GRANTS.strip().splitlines():
        connection.exec_driver_sql(statement.format(**names))


def run(uri: str, role: str) -> "dict[str, object]":
    """Do it in one transaction and return what was done."""
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    now = datetime.datetime.now(datetime.timezone.utc)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL application_name = 'modelhub since {now:%Y-%m-%dT%H:%M:%SZ}'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        tables = sqlalchemy.inspect(connection).get_table_names()
        if tables and "alembic_version" not in tables:
            sys.exit(f"the database is not empty and not MLflow's: it holds {', '.join(sorted(tables)[:3])}")
        before = connection.exec_driver_sql(PRIVILEGES).all()
        if not tables:
            create(engine, connection)
        if role != connection.exec_driver_sql("SELECT current_user").scalar():
            grant(connection, role)
        return {
            "changed": before != connection.exec_driver_sql(PRIVILEGES).all(),
            "created": not tables,
            "revision": MigrationContext.configure(connection).get_current_revision(),
        }


def main() -> None:
    try:
        done = run(os.environ["MLFLOW_BACKEND_STORE_URI"], sys.argv[1])
    except sqlalchemy.exc.DBAPIError as error:
        # The message of the database alone: SQLAlchemy's repeats statement and parameters.
        sys.exit(str(error.orig).strip().splitlines()[0])
    print(json.dumps(done))


if __name__ == "__main__":
    main()
