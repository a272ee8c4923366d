#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_schema_info
version_added: 0.1.0
short_description: Compare a database's MLflow schema with what an image expects
description:
  - Reads which schema of MLflow a PostgreSQL database holds and compares its revision, tables, columns and indexes
    with those that an MLflow image expects.
  - An MLflow server migrates its database by itself when it starts. Ask for the verdict before that.
  - Only reads, in one read-only transaction in which each statement may take at most 10 seconds.
  - Never fails on what it finds, nor where it finds nothing; assert on RV(verdict). It fails for options that cannot be
    used and when C(psycopg2) is missing.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.info_module
  - opengeoai.modelhub._attributes.actiongroup_modelhub
requirements:
  - psycopg2 >= 2.8 (Debian and Ubuntu package C(python3-psycopg2))
options:
  login_host:
    description:
      - Host name or address of the PostgreSQL server as seen from the target, or the directory of its socket.
    type: str
    required: true
  login_port:
    description:
      - Port of the PostgreSQL server, from V(1) to V(65535).
    type: int
    default: 5432
  login_user:
    description:
      - Role to log in as. It needs CONNECT on the database and SELECT on the table O(version_table).
    type: str
    required: true
  login_password:
    description:
      - Password of the role. Leave it unset when the server does not ask for one.
    type: str
  login_db:
    description:
      - Database that MLflow keeps, or will keep, its data in.
    type: str
    required: true
  ca_content:
    description:
      - Certificate authorities in PEM format. The connection must be encrypted then, with a certificate that one of
        them has signed for O(login_host).
      - When unset, the connection is encrypted where the server offers it, and its certificate is not looked at.
    type: str
  connect_timeout_seconds:
    description:
      - Seconds to wait for a connection, for each address of the host. A whole number from V(1) to V(3600).
    type: int
    default: 10
  version_table:
    description:
      - The table that holds the revision, which tells MLflow's databases apart. V(alembic_version) is that of the
        tracking data, V(alembic_version_auth) that of the accounts of MLflow 3.6 and later, V(alembic_version_oidc)
        that of the plugin C(mlflow-oidc-auth) when C(OIDC_ALEMBIC_VERSION_TABLE) calls it so. Revisions repeat from one
        to another.
    type: str
    choices: [alembic_version, alembic_version_auth, alembic_version_oidc]
    default: alembic_version
  image_schema:
    description:
      - What an MLflow image expects, as C(roles/mlflow/files/expected_schema.py) prints it in that image. Maps each
        version table to a dictionary with C(head), the newest revision; C(parents), which maps each revision to the
        list of those that it follows; and C(tables), which maps the name of each table at the head to its C(columns)
        and C(indexes).
      - Without C(tables), or where they are empty, only revisions are compared.
      - When there is nothing usable for O(version_table), a database that holds MLflow's tables gets the verdict
        V(unknown).
    type: dict
    required: true
seealso:
  - module: opengeoai.modelhub.minio_bucket
  - name: Alembic's ScriptDirectory
    description: Where an image's revisions come from.
    link: https://alembic.sqlalchemy.org/en/latest/api/script.html
"""

EXAMPLES = r"""
---
- name: Read the schema of the tracking database
  opengeoai.modelhub.mlflow_schema_info:
    login_host: 127.0.0.1
    login_user: mlflow
    login_password: "{{ mlflow_db_password }}"
    login_db: mlflow
    image_schema: "{{ image_answer.stdout | from_json }}"
  register: schema

- name: Start MLflow only on a schema that it understands
  ansible.builtin.assert:
    that: schema.verdict in ['empty', 'current']
    fail_msg: "{{ schema.summary }}"

- name: Read the schema of MLflow's accounts
  opengeoai.modelhub.mlflow_schema_info:
    login_host: db.example.org
    login_user: mlflow
    login_password: "{{ mlflow_db_password }}"
    login_db: mlflow_accounts
    ca_content: "{{ lookup('ansible.builtin.file', 'db_ca.pem') }}"
    version_table: alembic_version_auth
    image_schema: "{{ image_answer.stdout | from_json }}"
  register: accounts

- name: Compare with revisions that are known beforehand
  opengeoai.modelhub.mlflow_schema_info:
    login_host: db.example.org
    login_user: mlflow
    login_password: "{{ mlflow_db_password }}"
    login_db: mlflow
    image_schema:
      alembic_version:
        head: bda7b8c39065
        parents: {451aebb31d03: [], bda7b8c39065: [451aebb31d03]}
"""

RETURN = r"""
verdict:
  description:
    - V(empty) when the current schema of the database holds no table.
    - V(current) when the database is at the image's head revision, and all of its tables and columns are there.
      Indexes that are missing are told, for they only make it slow.
    - V(behind) when the image's migrations lead from the database's revision to its head, so that it would migrate.
    - V(ahead) when MLflow's tables are there at a revision that the image does not know.
    - V(unknown) when MLflow's tables are there but no order can be told; RV(summary) says why.
    - V(foreign) when there are tables, but not MLflow's.
    - V(partial) when tables or columns are missing that the revision brings.
    - V(unreachable) when there is no such server or database, the login is refused, or the catalogue may not be read.
  returned: success
  type: str
  sample: behind
summary:
  description: One sentence with the revisions and the remedy.
  returned: success
  type: str
  sample: >-
    Database "mlflow" is at schema revision bda7b8c39065, older than the image's dc11669786a5;
    back the database up and allow the upgrade, or keep the older image.
database_revision:
  description: The one revision in O(version_table), V(null) when there is none or more than one.
  returned: success
  type: str
  sample: bda7b8c39065
image_revision:
  description: The image's head revision, V(null) when O(image_schema) is unusable.
  returned: success
  type: str
  sample: dc11669786a5
pending_revisions:
  description: What a migration to the image's head would run, in order. Empty unless the verdict is V(behind).
  returned: success
  type: list
  elements: str
  sample: [1a0cddfcaa16, 534353b11cbc, dc11669786a5]
missing_tables:
  description:
    - Tables that the image expects at its head and the database does not have.
    - This and the five that follow are empty unless the verdict is V(current), V(behind) or V(partial). With V(behind),
      what is missing comes with the migration.
  returned: success
  type: list
  elements: str
unexpected_tables:
  description: Tables that the image knows nothing of. They are in nobody's way.
  returned: success
  type: list
  elements: str
  sample: [spatial_ref_sys]
missing_columns:
  description: Columns that tables of the database lack, as table.column.
  returned: success
  type: list
  elements: str
  sample: [runs.lifecycle_stage]
unexpected_columns:
  description: Columns of tables of MLflow that the image knows nothing of, as table.column.
  returned: success
  type: list
  elements: str
missing_indexes:
  description: Indexes that tables of the database lack, also when they are there but not valid.
  returned: success
  type: list
  elements: str
  sample: [index_tags_run_uuid]
unexpected_indexes:
  description:
    - Indexes of tables of MLflow that the image knows nothing of. Those of constraints, and RV(extra_indexes), do not
      count.
  returned: success
  type: list
  elements: str
database_owner:
  description: The role that owns the database, V(null) when it is unreachable.
  returned: success
  type: str
  sample: mlflow
size_bytes:
  description: Size of the whole database on the server's disk in bytes, V(null) when it is unreachable.
  returned: success
  type: int
  sample: 12345678
server_version:
  description: Version of the server, V(null) when it is unreachable.
  returned: success
  type: str
  sample: 17.10 (Debian 17.10-1.pgdg13+1)
encoding:
  description: Encoding of the database, V(null) when it is unreachable.
  returned: success
  type: str
  sample: UTF8
collation:
  description: Locale by which the database sorts texts, V(null) when it is unreachable.
  returned: success
  type: str
  sample: C.UTF-8
schema:
  description: The schema that was looked at, which is the first existing one of the search path.
  returned: success
  type: str
  sample: public
tables:
  description: Names of all tables, partitioned tables and foreign tables in RV(schema), MLflow's or not, sorted.
  returned: success
  type: list
  elements: str
  sample: [alembic_version, experiments, metrics, params, runs, tags]
extra_indexes:
  description:
    - The indexes in RV(schema) whose names begin with C(modelhub_), which the role C(mlflow) makes beside MLflow's own.
    - Maps each name to the columns that it was made for, or to V(null) when it was not finished.
  returned: success
  type: dict
  sample:
    modelhub_runs_by_start: experiment_id, lifecycle_stage, start_time DESC, run_uuid
locked_by:
  description:
    - How the session calls itself that makes or migrates the schema at this moment, as the role C(mlflow) does it;
      V(null) when nobody does.
  returned: success
  type: str
  sample: modelhub migration since 2026-11-27T04:12:33Z
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._postgres import connect
from ansible_collections.opengeoai.modelhub.plugins.module_utils._schema import (
    MARK_TABLES,
    ImageSchema,
    SchemaParams,
    run,
)


def argument_spec() -> dict[str, t.Any]:
    return {
        "login_host": {"type": "str", "required": True},
        "login_port": {"type": "int", "default": 5432},
        "login_user": {"type": "str", "required": True},
        "login_password": {"type": "str", "no_log": True},
        "login_db": {"type": "str", "required": True},
        "ca_content": {"type": "str"},
        "connect_timeout_seconds": {"type": "int", "default": 10},
        "version_table": {"type": "str", "choices": list(MARK_TABLES), "default": "alembic_version"},
        "image_schema": {"type": "dict", "required": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        params = SchemaParams.from_module(module.params)
        image = ImageSchema.from_module(module.params["image_schema"], params.version_table)
        result = run(connect(params), image, params)
    except MissingLibrary as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.traceback)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
