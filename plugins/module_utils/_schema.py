# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a database holds, what an MLflow image expects, and the verdict. Nothing here touches the network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import DatabaseError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer, port
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require

EMPTY, CURRENT, BEHIND, AHEAD = "empty", "current", "behind", "ahead"
UNKNOWN, FOREIGN, PARTIAL, UNREACHABLE = "unknown", "foreign", "partial", "unreachable"

# By the table that holds the revision: other programs have one of that name, too. The first make the database MLflow's,
# the others have been there since its first release.
MARK_TABLES: dict[str, tuple[str, ...]] = {
    "alembic_version": ("experiments", "runs"),
    "alembic_version_auth": ("users",),
    "alembic_version_oidc": ("users",),
}
CORE_TABLES: dict[str, tuple[str, ...]] = {"alembic_version": ("metrics", "params", "tags")}
# Names of indexes that the role mlflow makes beside MLflow's own.
OWN_PREFIX = "modelhub_"

RULES: dict[str, dict[str, t.Any]] = {
    "login_port": {"rule": port},
    # libpq takes 0 as "for ever".
    "connect_timeout_seconds": {"rule": integer, "min": 1, "max": 3600},
}


@dataclass(frozen=True)
class SchemaParams:
    login_host: str
    login_port: int
    login_user: str
    login_password: str | None
    login_db: str
    ca_content: str | None
    connect_timeout_seconds: int
    version_table: str

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> SchemaParams:
        """Refuse bad values before any connection is opened."""
        require(params, RULES, filled=("login_host", "login_user", "login_db"))
        return cls(**{field.name: params[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class Table:
    """Names of what a table consists of; of its indexes those that no constraint made."""

    columns: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ImageSchema:
    """What an image expects of one of MLflow's databases."""

    head: str
    # By revision, the ones that it follows.
    parents: t.Mapping[str, t.Sequence[str]]
    # As they are at the head; none when that is not known.
    tables: t.Mapping[str, Table] = field(default_factory=dict)
    # Revisions of MLflow's other databases, and where those are kept.
    elsewhere: t.Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_module(cls, given: t.Mapping[str, t.Any], version_table: str) -> ImageSchema | None:
        """None when the image's answer is unusable, which is a finding and not a failure."""
        try:
            wanted = given[version_table]
            head, parents = wanted["head"], {str(one): tuple(before) for one, before in wanted["parents"].items()}
            tables = {
                str(name): Table(frozenset(parts["columns"]), frozenset(parts["indexes"]))
                for name, parts in (wanted.get("tables") or {}).items()
            }
            elsewhere = {one: name for name in given if name != version_table for one in given[name]["parents"]}
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return cls(head, parents, tables, elsewhere) if head in parents else None

    def history(self, revision: str) -> set[str]:
        """A revision and all that came before it."""
        found: set[str] = set()
        todo = [revision]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo.extend(self.parents.get(one, ()))
        return found

    def pending(self, revision: str) -> list[str] | None:
        """What brings a revision to the head, in order; None when the head does not come from it."""
        todo = self.history(self.head)
        if revision not in todo:
            return None
        todo -= self.history(revision)
        order: list[str] = []
        while todo:
            # A revision waits for those it follows; nothing is left over, for Alembic loads no circle.
            ready = sorted(one for one in todo if not todo.intersection(self.parents.get(one, ())))
            order += ready
            todo -= set(ready or todo)
        return order


@dataclass(frozen=True)
class FoundSchema:
    """What the database's current schema holds."""

    database: str
    schema: str | None
    tables: t.Mapping[str, Table]
    # None when the table of revisions is missing or cannot be read; then problem says why.
    revisions: tuple[str, ...] | None
    problem: str = ""
    # By name, the columns that an index of ours was made for; None when it was not finished.
    extra_indexes: t.Mapping[str, str | None] = field(default_factory=dict)
    # Of the database: owner, size_bytes, server_version, encoding, collation.
    facts: t.Mapping[str, t.Any] = field(default_factory=dict)
    # How the session calls itself that changes the schema now.
    locked_by: str | None = None

    @property
    def revision(self) -> str | None:
        return self.revisions[0] if self.revisions and len(self.revisions) == 1 else None


class SchemaReader(t.Protocol):
    def read(self) -> FoundSchema:
        """Look at the database without changing it. DatabaseError says why that is impossible."""


class Differences(t.NamedTuple):
    """Names of what the image expects and the database lacks, and the other way round; columns as table.column."""

    missing_tables: list[str]
    unexpected_tables: list[str]
    missing_columns: list[str]
    unexpected_columns: list[str]
    missing_indexes: list[str]
    unexpected_indexes: list[str]


def compare(found: t.Mapping[str, Table], wanted: t.Mapping[str, Table], version_table: str) -> Differences:
    """Of tables that one side does not have, nothing more is told."""
    both = found.keys() & wanted.keys()
    columns = [{f"{name}.{column}" for name in both for column in side[name].columns} for side in (wanted, found)]
    indexes = [{index for name in both for index in side[name].indexes} for side in (wanted, found)]
    return Differences(
        sorted(wanted.keys() - found.keys()),
        sorted(found.keys() - wanted.keys() - {version_table}),
        sorted(columns[0] - columns[1]),
        sorted(columns[1] - columns[0]),
        sorted(indexes[0] - indexes[1]),
        sorted(one for one in indexes[1] - indexes[0] if not one.startswith(OWN_PREFIX)),
    )


class Judgement(t.NamedTuple):
    verdict: str
    # The sentence that explains it.
    summary: str
    pending: t.Sequence[str] = ()
    differences: Differences = Differences([], [], [], [], [], [])


def judge(found: FoundSchema, image: ImageSchema | None, version_table: str) -> Judgement:
    name = f'Database "{found.database}"'
    if found.schema is None:
        return Judgement(
            UNKNOWN, f"{name} has no schema in its search path; create the schema public or correct the search path."
        )
    if not found.tables:
        at = f" at revision {image.head}" if image else ""
        return Judgement(EMPTY, f"{name} holds no tables; MLflow creates its schema{at} when it first starts.")
    known = image is not None and found.revision in image.parents
    marks = MARK_TABLES[version_table]
    if not known and not found.tables.keys() >= set(marks):
        return Judgement(
            FOREIGN,
            f"{name} holds {_some(sorted(found.tables))}, but not MLflow's {_tables(marks)}; "
            "give MLflow a database of its own that is empty.",
        )
    lost = sorted({*marks, *CORE_TABLES.get(version_table, ())} - found.tables.keys())
    if lost:
        return Judgement(PARTIAL, f"{name} lacks MLflow's {_tables(lost)}; restore a backup.")
    doubt = _doubt(found, image, version_table)
    if doubt or image is None or found.revision is None:
        at = f" at revision {image.head}" if image else ""
        return Judgement(UNKNOWN, f"{name} cannot be compared with the image{at}: {doubt}.")
    return _compared(name, found, image, version_table)


def _compared(name: str, found: FoundSchema, image: ImageSchema, version_table: str) -> Judgement:
    """Of a database with one revision, that an image can be compared with."""
    revision = str(found.revision)
    if revision not in image.parents:
        return Judgement(
            AHEAD,
            f"{name} is at schema revision {revision}, which is unknown to the image at {image.head}; "
            "there is no downgrade, so use an image at least as new as the one that wrote it, "
            "or restore a backup made before its upgrade.",
        )
    differences = compare(found.tables, image.tables, version_table) if image.tables else Judgement("", "").differences
    pending = image.pending(revision)
    if pending is None:
        return Judgement(
            UNKNOWN,
            f"{name} cannot be compared with the image: no migration leads from its schema revision {revision} to the "
            f"image's {image.head}; use the image that wrote it.",
        )
    if pending:
        return Judgement(
            BEHIND,
            f"{name} is at schema revision {revision}, older than the image's {image.head}; "
            "back the database up and allow the upgrade, or keep the older image.",
            pending,
            differences,
        )
    lost = differences.missing_tables + differences.missing_columns
    if lost:
        return Judgement(
            PARTIAL,
            f"{name} is at schema revision {revision}, which is the image's, but lacks {_some(lost, '')}; "
            "restore a backup.",
            (),
            differences,
        )
    slow = differences.missing_indexes
    return Judgement(
        CURRENT,
        f"{name} is at schema revision {revision}, which is the image's"
        f"{', but lacks the index ' + _some(slow, '') + ': what needs it is slow' if slow else ''}.",
        (),
        differences,
    )


def _doubt(found: FoundSchema, image: ImageSchema | None, version_table: str) -> str:
    """Why no order can be told; empty when it can."""
    if found.revisions is None:
        return f"{found.problem}; restore a backup or repair the table"
    if len(found.revisions) != 1:
        rows = ", ".join(found.revisions) or "no row"
        return f"{version_table} must hold one revision but holds {rows}; finish or undo the interrupted upgrade"
    revision = found.revisions[0]
    if image is None:
        return (
            f"it is at schema revision {revision} and image_schema names no head of {version_table} among its "
            "revisions; read both from the image again"
        )
    if revision not in image.parents and revision in image.elsewhere:
        return (
            f"{version_table} holds {revision}, which is a revision of {image.elsewhere[revision]}; "
            "restore a backup or repair the table"
        )
    return ""


def _tables(names: t.Sequence[str]) -> str:
    return f"table{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def _some(names: t.Sequence[str], kind: str = "the table") -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    plural = "s" if kind and len(names) > 1 else ""
    return f"{kind}{plural} {', '.join(names[:3])}{more}".strip()


def run(reader: SchemaReader, image: ImageSchema | None, params: SchemaParams) -> dict[str, t.Any]:
    found = FoundSchema(params.login_db, None, {}, None)
    try:
        found = reader.read()
    except DatabaseError as exc:
        judged = Judgement(UNREACHABLE, str(exc))
    else:
        judged = judge(found, image, params.version_table)
    return {
        "changed": False,
        "verdict": judged.verdict,
        "summary": judged.summary,
        "database_revision": found.revision,
        "image_revision": image.head if image else None,
        "pending_revisions": list(judged.pending),
        **judged.differences._asdict(),
        "database_owner": found.facts.get("owner"),
        "size_bytes": found.facts.get("size_bytes"),
        "server_version": found.facts.get("server_version"),
        "encoding": found.facts.get("encoding"),
        "collation": found.facts.get("collation"),
        "schema": found.schema,
        "tables": sorted(found.tables),
        "extra_indexes": dict(found.extra_indexes),
        "locked_by": found.locked_by,
    }
