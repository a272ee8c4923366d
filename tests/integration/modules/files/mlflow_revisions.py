# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in an MLflow image: prints the Alembic revisions as JSON, after migrating the database to the one given, if any.

The database's address is read from standard input.
"""

from __future__ import annotations

import json
import sys

import sqlalchemy
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base

url = sys.stdin.read().strip()
config = _get_alembic_config(url)
script = ScriptDirectory.from_config(config)
if len(sys.argv) > 1:
    engine = sqlalchemy.create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, sys.argv[1])
json.dump(
    {
        "head": script.get_current_head(),
        "revisions": [revision.revision for revision in script.walk_revisions()],
    },
    sys.stdout,
)
