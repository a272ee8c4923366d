"""Migrate the tracking database with MLflow's own command, while nobody else does.

Runs in an MLflow image as the database's owner, whose connection is MLFLOW_BACKEND_STORE_URI. Ends as the command does;
or with 1 and one line that says what is wrong, such as who changes the schema already and since when.
"""

import datetime
import os
import subprocess
import sys

import sqlalchemy

# That of init_schema.py; a session holds it, and it ends with the session.
LOCK = 0x6D6C666C6F77
HOLDER = f"""
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) + objid::bigint = {LOCK}
"""


def main() -> None:
    uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
    # Others read in the session's name who holds the lock.
    now = f"modelhub migration since {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET application_name = '{now}'")
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
                holder = connection.exec_driver_sql(HOLDER).scalar()
                sys.exit(f"the schema is being changed by another run ({holder}); wait until it has ended")
            sys.exit(subprocess.run(["mlflow", "db", "upgrade", uri], check=False).returncode)
    except sqlalchemy.exc.DBAPIError as error:
        # The message of the database alone: SQLAlchemy's repeats statement and parameters.
        sys.exit(str(error.orig).strip().splitlines()[0])


if __name__ == "__main__":
    main()
