"""Tell what an MLflow server that somebody else deployed keeps, and where: one JSON document on standard output.

Read by the server's own Python, in its container, from standard input, because that has the server's settings, the way
to its database and its object store, and its release's list of tables. Only reads. Where this server is none that can
be taken over, the document has nothing but `problem`, one sentence for people. The document holds secrets.
"""

import json
import os
import sys
from pathlib import Path


class NotForUs(Exception):
    """What cannot be taken over, in one sentence for people."""


def option(arguments, name, variable):
    """What the server was started with, as --name VALUE or --name=VALUE, else by its environment."""
    for at, argument in enumerate(arguments):
        if argument == name and at + 1 < len(arguments):
            return arguments[at + 1]
        if argument.startswith(name + "="):
            return argument.partition("=")[2]
    return os.environ.get(variable, "")


def database_of(arguments):
    from sqlalchemy.engine import make_url

    given = option(arguments, "--backend-store-uri", "MLFLOW_BACKEND_STORE_URI")
    url = make_url(given) if "://" in given else None
    if url is None or url.get_backend_name() != "postgresql":
        kind = url.get_backend_name() if url is not None else "files"
        raise NotForUs(
            f"its data are in {kind}, and only those in PostgreSQL can be taken over. Copy them there first, with the"
            " backend store of MLflow's own release"
        )
    if url.host is None or url.host.startswith("/"):
        raise NotForUs("its database is on a Unix socket, where nobody else reaches it. Let it listen on a network")
    return {
        "host": url.host,
        "port": url.port or 5432,
        "user": url.username or "",
        "password": url.password or "",
        "name": url.database or "",
    }


def require_one_database(arguments):
    """Models may be registered in a database of their own, which the tables here would not show."""
    registry = option(arguments, "--registry-store-uri", "MLFLOW_REGISTRY_STORE_URI")
    if registry and registry != option(arguments, "--backend-store-uri", "MLFLOW_BACKEND_STORE_URI"):
        raise NotForUs(
            "its registered models are elsewhere than its runs (--registry-store-uri), and only what is in one database"
            " can be taken over. Move them there first"
        )


def tables_of(database, bucket):
    """The tables that MLflow's release knows and the database has; all others; bytes and revision."""
    import psycopg2
    from mlflow.store.db.base_sql_model import Base
    from mlflow.store.model_registry.dbmodels import models  # noqa: F401
    from mlflow.store.tracking.dbmodels import models as _models  # noqa: F401

    login = {key: database[key] for key in ("host", "port", "user", "password")}
    connection = psycopg2.connect(dbname=database["name"], connect_timeout=10, **login)
    connection.set_session(readonly=True)
    cursor = connection.cursor()
    cursor.execute(
        "SELECT n.nspname = current_schema(), c.relname, format('%I.%I', n.nspname, c.relname),"
        " pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 3"
    )
    known = {*Base.metadata.tables, "alembic_version"}
    there = cursor.fetchall()
    own = [row for row in there if row[0] and row[1] in known]
    if "alembic_version" not in [row[1] for row in own]:
        raise NotForUs(f"its database {database['name']} has no table alembic_version, and so no schema of MLflow's")
    cursor.execute("SELECT current_schema()")
    schema = cursor.fetchone()[0]
    if schema != "public":
        raise NotForUs(
            f"its tables are in the schema {schema} of its database, and only those in public can be taken over"
        )
    cursor.execute("SELECT version_num FROM alembic_version")
    revisions = [row[0] for row in cursor.fetchall()]
    cursor.execute("SHOW server_version")
    server = cursor.fetchone()[0].split()[0]
    return {
        "elsewhere": places_of(cursor, bucket),
        "tables": [row[2] for row in own],
        "others": [row[2] for row in there if row not in own],
        "bytes": sum(row[3] for row in own),
        "revision": " and ".join(revisions),
        "server": server,
    }


def places_of(cursor, bucket):
    """Where artifacts are that are in no object of the bucket, with the number of runs and experiments that say so."""
    cursor.execute(
        "SELECT substring(place from '^[a-z0-9+.-]+:/*[^/]*'), count(*) FROM (SELECT artifact_uri AS place FROM runs"
        " UNION ALL SELECT artifact_location FROM experiments) AS places"
        " WHERE place NOT LIKE 'mlflow-artifacts:%%' AND NOT starts_with(place, %s) GROUP BY 1 ORDER BY 2 DESC",
        (f"s3://{bucket}/",),
    )
    return [f"{count} at {place or 'a path of its disk'}" for place, count in cursor.fetchall()]


def store_of(arguments):
    served = option(arguments, "--artifacts-destination", "MLFLOW_ARTIFACTS_DESTINATION")
    if served.startswith("s3://") and served[len("s3://") :].rstrip("/").partition("/")[2]:
        raise NotForUs(
            f"its server keeps artifacts at {served}, and this stack's would look for them at the bucket's top. Move"
            " the objects there first, and start the old server with the bucket alone"
        )
    root = served or option(arguments, "--default-artifact-root", "MLFLOW_DEFAULT_ARTIFACT_ROOT")
    endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL", "")
    if not root.startswith("s3://") or not endpoint:
        where = f'at "{root}"' + ("" if endpoint else ", and MLFLOW_S3_ENDPOINT_URL is not set")
        raise NotForUs(f"its artifacts are {where}: only those in an S3 server of its own can be taken over")
    return {
        "endpoint": endpoint,
        "bucket": root[len("s3://") :].partition("/")[0],
        "region": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "access_key": os.environ.get("AWS_ACCESS_KEY_ID", ""),
        "secret_key": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
    }


def objects_of(store):
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=store["endpoint"],
        aws_access_key_id=store["access_key"],
        aws_secret_access_key=store["secret_key"],
        region_name=store["region"],
        verify=os.environ.get("MLFLOW_S3_IGNORE_TLS", "").lower() not in ("true", "1"),
        config=Config(s3={"addressing_style": "path"}, connect_timeout=10, retries={"max_attempts": 2}),
    )
    count = size = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=store["bucket"]):
        for found in page.get("Contents", []):
            count += 1
            size += found["Size"]
    return {"objects": count, "bytes": size}


def main():
    arguments = Path("/proc/1/cmdline").read_text(encoding="utf-8").split("\0")
    try:
        import mlflow

        database = database_of(arguments)
        require_one_database(arguments)
        store = store_of(arguments)
        found = {
            "mlflow": mlflow.__version__,
            "database": {**database, **tables_of(database, store["bucket"])},
            "store": {**store, **objects_of(store)},
        }
    except NotForUs as error:
        found = {"problem": str(error)}
    except Exception as error:
        lines = str(error).strip().splitlines()
        found = {"problem": f"its data cannot be read: {type(error).__name__}: {lines[0] if lines else ''}"}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
