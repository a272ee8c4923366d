# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The psycopg2 reader behind SchemaReader, and the words for what can go wrong."""

from __future__ import annotations

import tempfile
import traceback
import typing as t
from contextlib import closing
from dataclasses import replace

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import DatabaseError, MissingLibrary
from ansible_collections.opengeoai.modelhub.plugins.module_utils._schema import FoundSchema, SchemaParams

PSYCOPG2_IMPORT_ERROR = ""
try:
    import psycopg2
except ImportError:
    PSYCOPG2_IMPORT_ERROR = traceback.format_exc()

STATEMENT_TIMEOUT_SECONDS = 10

# Part of the error's text -> what to do. Connection errors carry no SQLSTATE.
REMEDIES = (
    ("password authentication failed", "Check login_user and login_password"),
    ("no password supplied", "Set login_password"),
    ("certificate", "Check ca_content, and that the server's certificate is for login_host"),
    ("does not support SSL", "Switch TLS on in the server, or leave ca_content out"),
    ("no pg_hba.conf entry", "Allow this host, user and database in pg_hba.conf"),
    ("starting up", "Wait until the server is healthy and run again"),
    ("shutting down", "Wait until the server is healthy and run again"),
    ("too many clients", "Raise max_connections or close idle connections"),
    ("remaining connection slots", "Raise max_connections or close idle connections"),
    ("permission denied for database", "Grant CONNECT on the database to login_user"),
    ("does not exist", "Create it, or correct login_db or login_user"),
    ("could not translate host name", "Check login_host, DNS and /etc/hosts on the target"),
    ("refused", "Start the server, or correct login_host and login_port"),
    ("timeout expired", "Check login_host, firewalls and connect_timeout_seconds"),
    ("timed out", "Check login_host, firewalls and connect_timeout_seconds"),
    ("No such file or directory", "Start the server, or correct the socket directory in login_host"),
)

# Only these kinds can be in MLflow's way: tables, partitioned tables and foreign tables.
TABLES_SQL = """
    SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'f') ORDER BY c.relname
"""
DATABASE_SQL = """
    SELECT pg_catalog.pg_get_userbyid(datdba), current_schema()
    FROM pg_catalog.pg_database WHERE datname = current_database()
"""
# roles/mlflow/files/extra_indexes.py makes them, and their comments.
INDEXES_SQL = """
    SELECT c.relname, CASE WHEN i.indisvalid THEN pg_catalog.obj_description(c.oid, 'pg_class') END
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND starts_with(c.relname::text, 'modelhub_')
"""
REVISIONS_SQL = """
    SELECT version_num FROM alembic_version WHERE version_num IS NOT NULL ORDER BY version_num LIMIT 10
"""


def explain_connection(params: SchemaParams, error: str) -> DatabaseError:
    # libpq lists every address that it tried on a line of its own.
    cause = "; ".join(line.strip() for line in error.strip().splitlines() if line.strip())
    if params.login_password:
        cause = cause.replace(params.login_password, "********")
    remedy = next((remedy for part, remedy in REMEDIES if part in cause), "Check the login options")
    return DatabaseError(
        f'connect to database "{params.login_db}" at {params.login_host}:{params.login_port} '
        f'as user "{params.login_user}": {cause}. {remedy}.'
    )


class PostgresSchemaReader:
    """SchemaReader over psycopg2."""

    def __init__(self, params: SchemaParams) -> None:
        self._params = params

    def read(self) -> FoundSchema:
        try:
            with closing(self._connect()) as connection:
                return self._read(connection)
        except psycopg2.Error as exc:
            raise DatabaseError(
                f'read the schema of database "{self._params.login_db}" at {self._params.login_host}:'
                f"{self._params.login_port}: {_one_line(exc)}. Check that the server stays up and run again."
            ) from exc

    def _connect(self) -> t.Any:
        params = self._params
        # libpq takes authorities from a file only.
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as authorities:
            authorities.write(params.ca_content or "")
            authorities.flush()
            tls: dict[str, t.Any] = {"sslmode": "verify-full", "sslrootcert": authorities.name}
            try:
                connection = psycopg2.connect(
                    host=params.login_host,
                    port=params.login_port,
                    user=params.login_user,
                    password=params.login_password,
                    dbname=params.login_db,
                    connect_timeout=params.connect_timeout_seconds,
                    application_name="mlflow_schema_info",
                    **(tls if params.ca_content else {}),
                )
            except psycopg2.OperationalError as exc:
                raise explain_connection(params, str(exc)) from exc
        # One snapshot, and the server itself refuses any write.
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return connection

    def _read(self, connection: t.Any) -> FoundSchema:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", (STATEMENT_TIMEOUT_SECONDS * 1000,))
            cursor.execute(DATABASE_SQL)
            owner, schema = cursor.fetchone()
            cursor.execute(TABLES_SQL)
            tables = tuple(row[0] for row in cursor.fetchall())
            cursor.execute(INDEXES_SQL)
            indexes = dict(cursor.fetchall())
            found = FoundSchema(self._params.login_db, owner, schema, tables, None, extra_indexes=indexes)
            if "alembic_version" not in tables:
                return found
            try:
                cursor.execute(REVISIONS_SQL)
            except psycopg2.Error as exc:
                problem = f"alembic_version cannot be read ({_one_line(exc)})"
                return replace(found, alembic_problem=problem)
            return replace(found, revisions=tuple(str(row[0]) for row in cursor))


def _one_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0] if lines else type(exc).__name__


def connect(params: SchemaParams) -> PostgresSchemaReader:
    """Prepare a reader; the network is first used by its read()."""
    if PSYCOPG2_IMPORT_ERROR:
        raise MissingLibrary("psycopg2", PSYCOPG2_IMPORT_ERROR)
    return PostgresSchemaReader(params)
