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
from ansible_collections.opengeoai.modelhub.plugins.module_utils._schema import (
    OWN_PREFIX,
    FoundSchema,
    SchemaParams,
    Table,
)

PSYCOPG2_IMPORT_ERROR = ""
try:
    import psycopg2
    import psycopg2.errorcodes
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
COLUMNS_SQL = """
    SELECT c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'f')
"""
# The columns of pg_database that name a provider's locale are called differently from release to release.
DATABASE_SQL = """
    SELECT pg_catalog.pg_get_userbyid(datdba) AS owner, pg_catalog.pg_database_size(oid) AS size_bytes,
    current_setting('server_version') AS server_version, pg_catalog.pg_encoding_to_char(encoding) AS encoding,
    COALESCE(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', datcollate) AS collation, current_schema()
    FROM pg_catalog.pg_database d WHERE datname = current_database()
"""
# Of ours, the comment tells what roles/mlflow/files/extra_indexes.py made them from.
INDEXES_SQL = """
    SELECT r.relname, c.relname, i.indisvalid, pg_catalog.obj_description(c.oid, 'pg_class')
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_class r ON r.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema()
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
"""
# Whoever changes the schema holds this lock, and says in the name of its session who it is and since when. The number
# is that of roles/mlflow/files/init_schema.py.
LOCK = 0x6D6C666C6F77
LOCKED_SQL = """
    SELECT a.application_name FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""
REVISIONS_SQL = """
    SELECT version_num FROM {table} WHERE version_num IS NOT NULL ORDER BY version_num LIMIT 10
"""


def explain_connection(params: SchemaParams, error: str) -> DatabaseError:
    # libpq lists every address that it tried on a line of its own.
    cause = "; ".join(line.strip() for line in error.strip().splitlines() if line.strip())
    if params.login_password:
        cause = cause.replace(params.login_password, "********")
    remedy = next((remedy for part, remedy in REMEDIES if part in cause), "Check the login options")
    return DatabaseError(f"{_place(params)} cannot be reached: {cause}. {remedy}.")


def _place(params: SchemaParams) -> str:
    at = f'at {params.login_host}:{params.login_port} as user "{params.login_user}"'
    return f'Database "{params.login_db}" {at}'


class PostgresSchemaReader:
    """SchemaReader over psycopg2."""

    def __init__(self, params: SchemaParams) -> None:
        self._params = params

    def read(self) -> FoundSchema:
        try:
            with closing(self._connect()) as connection:
                return self._read(connection)
        except psycopg2.Error as exc:
            remedy = "Check that the server stays up and run again"
            if exc.pgcode == psycopg2.errorcodes.INSUFFICIENT_PRIVILEGE:
                remedy = "Let login_user read what everybody may read by default"
            raise DatabaseError(f"{_place(self._params)} cannot be read: {_one_line(exc)}. {remedy}.") from exc

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
            except psycopg2.Error as exc:
                raise explain_connection(params, str(exc)) from exc
        # One snapshot, and the server itself refuses any write.
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return connection

    def _read(self, connection: t.Any) -> FoundSchema:
        table = self._params.version_table
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", (STATEMENT_TIMEOUT_SECONDS * 1000,))
            cursor.execute(DATABASE_SQL)
            facts = dict(zip((column[0] for column in cursor.description), cursor.fetchone()))
            cursor.execute(COLUMNS_SQL)
            columns = cursor.fetchall()
            cursor.execute(INDEXES_SQL)
            indexes = cursor.fetchall()
            cursor.execute(LOCKED_SQL, (LOCK >> 32, LOCK & 0xFFFFFFFF))
            holder = cursor.fetchone()
            found = FoundSchema(
                self._params.login_db,
                facts.pop("current_schema"),
                tables_of(columns, indexes),
                None,
                f"there is no table {table}",
                {name: made if valid else None for _table, name, valid, made in indexes if name.startswith(OWN_PREFIX)},
                facts,
                holder and holder[0],
            )
            if table not in found.tables:
                return found
            try:
                cursor.execute(REVISIONS_SQL.format(table=table))
            except psycopg2.Error as exc:
                return replace(found, problem=f"{table} cannot be read ({_one_line(exc)})")
            return replace(found, revisions=tuple(str(row[0]) for row in cursor))


def tables_of(columns: t.Iterable[tuple[str, str | None]], indexes: t.Iterable[t.Sequence[t.Any]]) -> dict[str, Table]:
    """Tables from the rows of COLUMNS_SQL and INDEXES_SQL. An index that is not valid is none."""
    names: dict[str, tuple[set[str], set[str]]] = {}
    for table, column in columns:
        names.setdefault(table, (set(), set()))[0].update([column] if column else [])
    for table, index, valid, _comment in indexes:
        if valid and table in names:
            names[table][1].add(index)
    return {table: Table(frozenset(one), frozenset(two)) for table, (one, two) in names.items()}


def _one_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0] if lines else type(exc).__name__


def connect(params: SchemaParams) -> PostgresSchemaReader:
    """Prepare a reader; the network is first used by its read()."""
    if PSYCOPG2_IMPORT_ERROR:
        raise MissingLibrary("psycopg2", PSYCOPG2_IMPORT_ERROR)
    return PostgresSchemaReader(params)
