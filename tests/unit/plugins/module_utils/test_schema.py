# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import DatabaseError, InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._postgres import explain_connection, tables_of
from ansible_collections.opengeoai.modelhub.plugins.module_utils._schema import (
    FoundSchema,
    ImageSchema,
    SchemaParams,
    Table,
    compare,
    judge,
    run,
)

TRACKING, ACCOUNTS, OIDC = "alembic_version", "alembic_version_auth", "alembic_version_oidc"
CORE = ("experiments", "metrics", "params", "runs", "tags")
MLFLOW = (TRACKING, *CORE)
# Named so that no order of their names is that of the graph.
ANSWER: dict[str, t.Any] = {
    TRACKING: {
        "head": "a_head3",
        "parents": {"z_base1": [], "m_middle2": ["z_base1"], "a_head3": ["m_middle2"]},
        "tables": {
            **{name: {"columns": ["key"], "indexes": [], "constraints": []} for name in CORE},
            "runs": {"columns": ["run_uuid", "status"], "indexes": ["index_runs_status"], "constraints": ["run_pk"]},
        },
    },
    ACCOUNTS: {"head": "auth2", "parents": {"auth1": [], "auth2": ["auth1"]}, "tables": {}},
}
IMAGE = ImageSchema.from_module(ANSWER, TRACKING)
assert IMAGE is not None
WHOLE = {name: Table(frozenset({"key"})) for name in MLFLOW}
WHOLE["runs"] = Table(frozenset({"run_uuid", "status"}), frozenset({"index_runs_status"}))


def found(tables: t.Iterable[str], revisions: t.Sequence[str] | None = None, **changes: t.Any) -> FoundSchema:
    given = {"database": "mlflow", "schema": "public", "problem": "there is no table alembic_version", **changes}
    whole = {name: WHOLE.get(name, Table()) for name in tables}
    return FoundSchema(tables=whole, revisions=None if revisions is None else tuple(revisions), **given)


def without(column: str = "", index: str = "") -> FoundSchema:
    runs = Table(WHOLE["runs"].columns - {column}, WHOLE["runs"].indexes - {index})
    return FoundSchema("mlflow", "public", {**WHOLE, "runs": runs}, ("a_head3",))


@pytest.mark.parametrize(
    ("schema", "image", "verdict", "says"),
    [
        pytest.param(found([]), IMAGE, "empty", "no tables.*a_head3", id="empty"),
        pytest.param(found([]), None, "empty", "no tables", id="empty, image unusable"),
        pytest.param(found(MLFLOW, ["a_head3"]), IMAGE, "current", "a_head3", id="current"),
        pytest.param(found((*MLFLOW, "mine"), ["a_head3"]), IMAGE, "current", "a_head3", id="current, foreign table"),
        pytest.param(
            without(index="index_runs_status"), IMAGE, "current", "lacks the index index_runs_status", id="index"
        ),
        pytest.param(without(column="status"), IMAGE, "partial", "lacks runs.status; restore a backup", id="column"),
        pytest.param(
            found(MLFLOW, ["z_base1"]), IMAGE, "behind", "z_base1.*a_head3.*back the database up", id="F7 behind"
        ),
        pytest.param(found(MLFLOW, ["new4"]), IMAGE, "ahead", "new4.*unknown to the image at a_head3", id="F6 ahead"),
        pytest.param(found(CORE), IMAGE, "unknown", "no table alembic_version", id="no alembic_version"),
        pytest.param(found(MLFLOW, []), IMAGE, "unknown", "no row", id="no row"),
        pytest.param(found(MLFLOW, ["a_head3", "z_base1"]), IMAGE, "unknown", "a_head3, z_base1", id="two rows"),
        pytest.param(found(MLFLOW, ["a_head3"]), None, "unknown", "a_head3 and image_schema", id="image unusable"),
        pytest.param(
            found(MLFLOW, ["auth1"]), IMAGE, "unknown", "auth1.*of alembic_version_auth", id="another tree's revision"
        ),
        pytest.param(
            found(MLFLOW, problem="permission denied"), IMAGE, "unknown", "permission denied", id="unreadable"
        ),
        pytest.param(found([TRACKING], ["a_head3"]), IMAGE, "partial", "lacks MLflow's tables", id="without tables"),
        pytest.param(
            found([TRACKING, "experiments", "runs"], ["new4"]), IMAGE, "partial", "metrics and params", id="half"
        ),
        pytest.param(found(["spatial_ref_sys"]), IMAGE, "foreign", "the table spatial_ref_sys", id="PostGIS"),
        pytest.param(found(["runs"]), IMAGE, "foreign", "the table runs", id="a table called runs"),
        pytest.param(
            found([TRACKING, "experiment_permissions", "users"], ["auth1"]),
            IMAGE,
            "foreign",
            "holds the tables",
            id="MLflow's auth database",
        ),
        pytest.param(found([TRACKING], []), IMAGE, "foreign", "of its own", id="only an empty alembic_version"),
        pytest.param(found([TRACKING, "a", "b", "c"], ["x"]), None, "foreign", "and 1 more", id="other program"),
        pytest.param(found([], schema=None), IMAGE, "unknown", "search path", id="no schema"),
    ],
)
def test_judge(schema: FoundSchema, image: ImageSchema | None, verdict: str, says: str) -> None:
    result = run(Reader(schema), image, params())
    assert result["verdict"] == verdict
    assert judge(schema, image, TRACKING)[:2] == (verdict, result["summary"])
    assert result["summary"].startswith('Database "mlflow" ')
    assert result["summary"].endswith(".")
    with pytest.raises(ValueError, match=says):
        raise ValueError(result["summary"])
    assert result["changed"] is False


class Reader:
    def __init__(self, schema: FoundSchema | None) -> None:
        self._schema = schema

    def read(self) -> FoundSchema:
        if self._schema is None:
            raise DatabaseError("nobody answers.")
        return self._schema


def test_what_cannot_be_reached_is_a_verdict() -> None:
    result = run(Reader(None), IMAGE, params())
    assert (result["verdict"], result["summary"]) == ("unreachable", "nobody answers.")
    assert (result["tables"], result["database_owner"], result["image_revision"]) == ([], None, "a_head3")


@pytest.mark.parametrize(
    ("tables", "revisions", "verdict"),
    [
        (["users", ACCOUNTS], ["auth2"], "current"),
        (["users", ACCOUNTS], ["auth1"], "behind"),
        (["users"], None, "unknown"),
        ([*MLFLOW], None, "foreign"),
    ],
)
def test_accounts_have_a_database_of_their_own(tables: list[str], revisions: list[str] | None, verdict: str) -> None:
    assert judge(found(tables, revisions), ImageSchema.from_module(ANSWER, ACCOUNTS), ACCOUNTS).verdict == verdict


@pytest.mark.parametrize(
    ("parents", "revision", "pending"),
    [
        (ANSWER[TRACKING]["parents"], "z_base1", ["m_middle2", "a_head3"]),
        (ANSWER[TRACKING]["parents"], "a_head3", []),
        # Two branches that were merged: whoever is on one of them still needs the other.
        ({"1": (), "left": ("1",), "right": ("1",), "a_head3": ("left", "right")}, "left", ["right", "a_head3"]),
        ({"1": (), "left": ("1",), "right": ("1",), "a_head3": ("left", "right")}, "1", ["left", "right", "a_head3"]),
        # A branch that does not lead to the head
        ({"1": (), "aside": ("1",), "a_head3": ("1",)}, "aside", None),
    ],
)
def test_pending(parents: dict[str, t.Sequence[str]], revision: str, pending: list[str] | None) -> None:
    assert ImageSchema("a_head3", parents).pending(revision) == pending
    verdict = "unknown" if pending is None else "behind" if pending else "current"
    assert judge(found(MLFLOW, [revision]), ImageSchema("a_head3", parents), TRACKING).verdict == verdict


def test_compare() -> None:
    there = {
        TRACKING: Table(),
        "runs": Table(frozenset({"run_uuid", "mine"}), frozenset({"index_mine", "modelhub_runs_by_start"})),
        "spatial_ref_sys": Table(frozenset({"srid"}), frozenset({"index_of_postgis"})),
    }
    wanted = {"runs": WHOLE["runs"], "tags": Table(frozenset({"key"}), frozenset({"index_tags_run_uuid"}))}
    assert compare(there, wanted, TRACKING)._asdict() == {
        "missing_tables": ["tags"],
        "unexpected_tables": ["spatial_ref_sys"],
        "missing_columns": ["runs.status"],
        "unexpected_columns": ["runs.mine"],
        "missing_indexes": ["index_runs_status"],
        "unexpected_indexes": ["index_mine"],
    }


def test_tables_of() -> None:
    assert tables_of(
        [("runs", "status"), ("runs", "name"), ("empty", None)],
        [("runs", "one", True, None), ("runs", "invalid", False, None), ("of_a_view", "two", True, None)],
    ) == {"runs": Table(frozenset({"status", "name"}), frozenset({"one"})), "empty": Table()}


def test_extra_indexes_are_returned_and_no_part_of_the_verdict() -> None:
    schema = found(MLFLOW, ["a_head3"], extra_indexes={"modelhub_a": "run_uuid", "modelhub_b": None})
    result = run(Reader(schema), IMAGE, params())
    assert result["verdict"] == "current"
    assert result["extra_indexes"] == {"modelhub_a": "run_uuid", "modelhub_b": None}


@pytest.mark.parametrize(
    ("given", "usable"),
    [
        ({TRACKING: {"head": "b", "parents": {"a": [], "b": ["a"]}}}, True),
        ({TRACKING: {"head": "b", "parents": {"a": [], "b": ["a"]}, "tables": None}}, True),
        ({TRACKING: {"head": "b", "parents": {"a": []}}}, False),
        ({TRACKING: {"head": None, "parents": {"a": []}}}, False),
        ({TRACKING: {"head": "a", "parents": ["a"]}}, False),
        ({TRACKING: {"head": "a", "parents": {"a": []}, "tables": {"runs": []}}}, False),
        ({TRACKING: "b"}, False),
        ({ACCOUNTS: ANSWER[ACCOUNTS]}, False),
        ({}, False),
    ],
)
def test_image_schema(given: dict[str, t.Any], usable: bool) -> None:
    assert (ImageSchema.from_module(given, TRACKING) is not None) == usable


GOOD: dict[str, t.Any] = {
    "login_host": "127.0.0.1",
    "login_port": 5432,
    "login_user": "mlflow",
    "login_password": "quite:secret@%",
    "login_db": "mlflow",
    "ca_content": None,
    "connect_timeout_seconds": 10,
    "version_table": TRACKING,
}


def params(**change: t.Any) -> SchemaParams:
    return SchemaParams.from_module({**GOOD, **change})


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
        params(**change)


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
    text = str(explain_connection(params(), error))
    assert text.startswith('Database "mlflow" at 127.0.0.1:5432 as user "mlflow" cannot be reached: ')
    assert says in text
    assert "quite:secret" not in text
    assert "\n" not in text
