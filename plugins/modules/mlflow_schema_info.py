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
  - Reads which MLflow tracking schema a PostgreSQL database holds and compares its revision with the ones that
    an MLflow image knows.
  - An MLflow server migrates its database by itself when it starts. Ask for the verdict before that.
  - Only reads, in one read-only transaction in which each statement may take at most 10 seconds.
  - Never fails on what it finds in the database; assert on RV(verdict). It fails when it cannot connect.
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
      - Role to log in as. It needs CONNECT on the database and SELECT on the table C(alembic_version).
    type: str
    required: true
  login_password:
    description:
      - Password of the role. Leave it unset when the server does not ask for one.
    type: str
  login_db:
    description:
      - Database that MLflow keeps, or will keep, its tracking data in.
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
  image_revisions:
    description:
      - The Alembic revisions of the tracking schema that the MLflow image contains, as its own
        C(alembic.script.ScriptDirectory) lists them.
      - When O(image_revisions.head) is missing or not among O(image_revisions.revisions), a database that holds
        MLflow's tables gets the verdict V(unknown).
    type: dict
    required: true
    suboptions:
      head:
        description:
          - The newest revision, which the image migrates a database to.
        type: str
      revisions:
        description:
          - All revisions, the head included. Their order does not matter.
        type: list
        elements: str
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
    image_revisions: "{{ image_answer.stdout | from_json }}"
  register: schema

- name: Start MLflow only on a schema that it understands
  ansible.builtin.assert:
    that: schema.verdict in ['empty', 'current']
    fail_msg: "{{ schema.summary }}"

- name: Compare with revisions that are known beforehand
  opengeoai.modelhub.mlflow_schema_info:
    login_host: db.example.org
    login_user: mlflow
    login_password: "{{ mlflow_db_password }}"
    login_db: mlflow
    image_revisions:
      head: bda7b8c39065
      revisions: [451aebb31d03, bda7b8c39065]
"""

RETURN = r"""
verdict:
  description:
    - V(empty) when the current schema of the database holds no table.
    - V(current) when the database is at the image's head revision.
    - V(behind) when it is at another revision that the image knows, so the image would migrate it.
    - V(ahead) when MLflow's core tables are there at a revision that the image does not know.
    - V(unknown) when MLflow's tables are there but no order can be told; RV(summary) says why.
    - V(foreign) when there are tables, but not MLflow's C(experiments) and C(runs).
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
  description: The one revision in C(alembic_version), V(null) when there is none or more than one.
  returned: success
  type: str
  sample: bda7b8c39065
image_revision:
  description: The image's head revision, V(null) when O(image_revisions) is unusable.
  returned: success
  type: str
  sample: dc11669786a5
database_owner:
  description: The role that owns the database.
  returned: success
  type: str
  sample: mlflow
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
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import MissingLibrary, ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._postgres import connect
from ansible_collections.opengeoai.modelhub.plugins.module_utils._schema import ImageRevisions, SchemaParams, run


def argument_spec() -> dict[str, t.Any]:
    return {
        "login_host": {"type": "str", "required": True},
        "login_port": {"type": "int", "default": 5432},
        "login_user": {"type": "str", "required": True},
        "login_password": {"type": "str", "no_log": True},
        "login_db": {"type": "str", "required": True},
        "ca_content": {"type": "str"},
        "connect_timeout_seconds": {"type": "int", "default": 10},
        "image_revisions": {
            "type": "dict",
            "required": True,
            "options": {"head": {"type": "str"}, "revisions": {"type": "list", "elements": "str"}},
        },
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        params = SchemaParams.from_module(module.params)
        result = run(connect(params), ImageRevisions.from_module(module.params["image_revisions"]))
    except MissingLibrary as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.traceback)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
