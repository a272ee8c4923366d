"""See that the services of a stack answer each other over TLS alone, each with a certificate of the inside's CA.

Usage: inside.py CA OTHER_CA DATABASE USER
In a container on the backend network of the stack, with PGPASSFILE. OTHER_CA is one that has signed nothing inside.
"""

from __future__ import annotations

import http.client
import ssl
import sys

import psycopg2

# Each with what it answers to somebody without a login.
SERVICES = (("minio", 9000, "/", 403), ("mlflow", 5000, "/health", 200))
ENCRYPTED = """
    SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
    WHERE usename = current_user AND pid <> pg_backend_pid()
"""


def require(true: object, message: str) -> None:
    if not true:
        sys.exit(message)


def refusal(database: str, user: str, **tls: str) -> str:
    """Why PostgreSQL, or libpq, refuses a connection; '' when it is let in."""
    try:
        psycopg2.connect(host="postgres", dbname=database, user=user, connect_timeout=10, **tls).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return ""


def status(connection: http.client.HTTPConnection, path: str) -> object:
    """The status, or what went wrong below HTTP."""
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return error


def main() -> None:
    ca, other_ca, database, user = sys.argv[1:]
    said = refusal(database, user, sslmode="disable")
    require("no encryption" in said, f"a connection without TLS was not refused: {said or 'it was let in'}")
    said = refusal(database, user, sslmode="verify-full", sslrootcert=other_ca)
    require("certificate verify failed" in said, f"another CA was good enough: {said or 'it was let in'}")
    with psycopg2.connect(
        host="postgres", dbname=database, user=user, sslmode="verify-full", sslrootcert=ca
    ) as connection, connection.cursor() as cursor:
        cursor.execute(ENCRYPTED)
        number, encrypted = cursor.fetchone()
    require(number and encrypted, f"of MLflow's {number} connections not all are encrypted")
    for name, port, path, wanted in SERVICES:
        found = status(http.client.HTTPConnection(name, port, timeout=10), path)
        require(found != wanted, f"{name} answers without TLS: {found}")
        for trusted, good in ((ca, True), (other_ca, False)):
            context = ssl.create_default_context(cafile=trusted)
            found = status(http.client.HTTPSConnection(name, port, timeout=10, context=context), path)
            require((found == wanted) == good, f"{name} over TLS, by {trusted}: {found!r}")
    print(f"{number} connections of MLflow, all encrypted; PostgreSQL, the store and MLflow refuse what is not")


if __name__ == "__main__":
    main()
