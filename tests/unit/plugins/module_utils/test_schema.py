# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._postgres import explain_connection
from ansible_collections.opengeoai.modelhub.plugins.module_utils._schema import (
    FoundSchema,
    ImageRevisions,
    SchemaParams,
    judge,
    run,
)

CORE = ("experiments", "metrics", "params", "runs", "tags")
MLFLOW = ("alembic_version", *CORE)
IMAGE = ImageRevisions("head3", frozenset({"base1", "middle2", "head3"}))


def found(tables: t.Sequence[str], revisions: t.Sequence[str] | None = None, **changes: t.Any) -> FoundSchema:
    given = {"database": "mlflow", "owner": "mlflow", "schema": "public", **changes}
    return FoundSchema(tables=tuple(tables), revisions=None if revisions is None else tuple(revisions), **given)


@pytest.mark.parametrize(
    ("schema", "image", "verdict", "says"),
    [
        pytest.param(found([]), IMAGE, "empty", "no tables.*head3", id="empty"),
        pytest.param(found([]), None, "empty", "no tables", id="empty, image unusable"),
        pytest.param(found(MLFLOW, ["head3"]), IMAGE, "current", "head3", id="current"),
        pytest.param(found((*MLFLOW, "mine"), ["head3"]), IMAGE, "current", "head3", id="current, foreign table"),
        pytest.param(found(MLFLOW, ["base1"]), IMAGE, "behind", "base1.*head3.*back the database up", id="F7 behind"),
        pytest.param(found(MLFLOW, ["new4"]), IMAGE, "ahead", "new4.*unknown to the image at head3", id="F6 ahead"),
        pytest.param(found(CORE), IMAGE, "unknown", "no table alembic_version", id="no alembic_version"),
        pytest.param(found(MLFLOW, []), IMAGE, "unknown", "no row", id="no row"),
        pytest.param(found(MLFLOW, ["base1", "head3"]), IMAGE, "unknown", "base1, head3", id="two rows"),
        pytest.param(found(MLFLOW, ["head3"]), None, "unknown", "head3 and image_revisions", id="image unusable"),
        pytest.param(
            found(MLFLOW, alembic_problem="permission denied"), IMAGE, "unknown", "permission denied", id="unreadable"
        ),
        pytest.param(
            found(["alembic_version"], ["head3"]), IMAGE, "unknown", "are missing", id="version without tables"
        ),
        pytest.param(
            found(["alembic_version", "experiments", "runs"], ["new4"]),
            IMAGE,
            "unknown",
            "metrics, params, tags",
            id="half",
        ),
        pytest.param(found(["spatial_ref_sys"]), IMAGE, "foreign", "the table spatial_ref_sys", id="PostGIS"),
        pytest.param(found(["runs"]), IMAGE, "foreign", "the table runs", id="a table called runs"),
        pytest.param(
            found(["alembic_version", "experiment_permissions", "users"], ["8606fa83a998"]),
            IMAGE,
            "foreign",
            "holds the tables",
            id="MLflow's auth database",
        ),
        pytest.param(
            found(["alembic_version"], []), IMAGE, "foreign", "of its own", id="only an empty alembic_version"
        ),
        pytest.param(
            found(["alembic_version", "a", "b", "c"], ["x"]), None, "foreign", "and 1 more", id="other program"
        ),
        pytest.param(found([], schema=None), IMAGE, "unknown", "search path", id="no schema"),
    ],
)
def test_judge(schema: FoundSchema, image: ImageRevisions | None, verdict: str, says: str) -> None:
    class Reader:
        def read(self) -> FoundSchema:
            return schema

    result = run(Reader(), image)
    assert result["verdict"] == verdict
    assert judge(schema, image) == (verdict, result["summary"])
    assert result["summary"].startswith('Database "mlflow" ')
    assert result["summary"].endswith(".")
    with pytest.raises(ValueError, match=says):
        raise ValueError(result["summary"])
    assert result["changed"] is False


def test_extra_indexes_are_returned_and_no_part_of_the_verdict() -> None:
    class Reader:
        def read(self) -> FoundSchema:
            return found(MLFLOW, ["head3"], extra_indexes={"modelhub_a": "run_uuid", "modelhub_b": None})

    result = run(Reader(), IMAGE)
    assert result["verdict"] == "current"
    assert result["extra_indexes"] == {"modelhub_a": "run_uuid", "modelhub_b": None}


@pytest.mark.parametrize(
    ("given", "usable"),
    [
        ({"head": "b", "revisions": ["a", "b"]}, True),
        ({"head": "b", "revisions": ["a"]}, False),
        ({"head": None, "revisions": ["a"]}, False),
        ({"head": "a", "revisions": None}, False),
        ({}, False),
    ],
)
def test_image_revisions(given: dict[str, t.Any], usable: bool) -> None:
    assert (ImageRevisions.from_module(given) is not None) == usable


GOOD: dict[str, t.Any] = {
    "login_host": "127.0.0.1",
    "login_port": 5432,
    "login_user": "mlflow",
    "login_password": "quite:secret@%",
    "login_db": "mlflow",
    "ca_content": None,
    "connect_timeout_seconds": 10,
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"login_port": 0}, "login_port is 0.*1 to 65535"),
        ({"login_port": 65536}, "login_port is 65536"),
        ({"connect_timeout_seconds": 0}, "connect_timeout_seconds is 0.*from 1 to 3600"),
        ({"connect_timeout_seconds": -5}, "connect_timeout_seconds is -5"),
        ({"login_host": " "}, "login_host is required"),
        ({"login_db": "", "login_user": ""}, "login_user is required.*login_db is required"),
    ],
)
def test_bad_options(change: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        SchemaParams.from_module({**GOOD, **change})


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ('FATAL:  password authentication failed for user "mlflow"\n', "Check login_user and login_password"),
        ("connection refused\n\tIs the server running?\n", "Start the server"),
        ('FATAL:  database "mlflow" does not exist', "Create it"),
        ("FATAL:  the database system is starting up", "Wait until"),
        ('could not translate host name "x" to address', "DNS"),
        ("timeout expired", "connect_timeout_seconds"),
        ("something with quite:secret@% inside", "Check the login options"),
    ],
)
def test_explain_connection(error: str, says: str) -> None:
    text = str(explain_connection(SchemaParams.from_module(GOOD), error))
    assert text.startswith('connect to database "mlflow" at 127.0.0.1:5432 as user "mlflow": ')
    assert says in text
    assert "quite:secret" not in text
    assert "\n" not in text
