# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a database holds, what an MLflow image expects, and the verdict. Nothing here touches the network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields

from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import integer, port
from ansible_collections.opengeoai.modelhub.plugins.module_utils._options import require

EMPTY, CURRENT, BEHIND, AHEAD, UNKNOWN, FOREIGN = "empty", "current", "behind", "ahead", "unknown", "foreign"

# MLflow's auth database and other programs keep tables called alembic_version too; these make it MLflow's tracking one.
MARK_TABLES = frozenset({"experiments", "runs"})
CORE_TABLES = MARK_TABLES | {"metrics", "params", "tags"}

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

    @classmethod
    def from_module(cls, params: dict[str, t.Any]) -> SchemaParams:
        """Refuse bad values before any connection is opened."""
        require(params, RULES, filled=("login_host", "login_user", "login_db"))
        return cls(**{field.name: params[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class ImageRevisions:
    head: str
    revisions: frozenset[str]

    @classmethod
    def from_module(cls, given: dict[str, t.Any]) -> ImageRevisions | None:
        """None when the image's answer is unusable, which is a finding and not a failure."""
        head, revisions = given.get("head"), given.get("revisions")
        if not head or not revisions or head not in revisions:
            return None
        return cls(head, frozenset(revisions))


@dataclass(frozen=True)
class FoundSchema:
    """What the database's current schema holds."""

    database: str
    owner: str
    schema: str | None
    tables: tuple[str, ...]
    # None when alembic_version is missing or cannot be read; then alembic_problem says why.
    revisions: tuple[str, ...] | None
    alembic_problem: str = "there is no table alembic_version"
    # By name, the columns that an index of ours was made for; None when it was not finished.
    extra_indexes: t.Mapping[str, str | None] = field(default_factory=dict)


class SchemaReader(t.Protocol):
    def read(self) -> FoundSchema:
        """Look at the database without changing it."""


def judge(found: FoundSchema, image: ImageRevisions | None) -> tuple[str, str]:
    """The verdict and the sentence that explains it."""
    name = f'Database "{found.database}"'
    if found.schema is None:
        return UNKNOWN, f"{name} has no schema in its search path; create the schema public or correct the search path."
    tables = set(found.tables)
    if not tables:
        return EMPTY, f"{name} holds no tables; MLflow creates its schema{_at_head(image)} when it first starts."
    revisions = found.revisions or ()
    known = image is not None and len(revisions) == 1 and revisions[0] in image.revisions
    if not tables >= MARK_TABLES and not known:
        return FOREIGN, (
            f"{name} holds {_some(found.tables)}, but not MLflow's tables experiments and runs; "
            "give MLflow a database of its own that is empty."
        )
    problem = _doubt(found, tables, image)
    if problem or image is None:
        return UNKNOWN, f"{name} cannot be compared with the image{_at_head(image)}: {problem}."
    revision = revisions[0]
    if revision == image.head:
        return CURRENT, f"{name} is at schema revision {revision}, which is the image's."
    if known:
        return BEHIND, (
            f"{name} is at schema revision {revision}, older than the image's {image.head}; "
            "back the database up and allow the upgrade, or keep the older image."
        )
    return AHEAD, (
        f"{name} is at schema revision {revision}, which is unknown to the image at {image.head}; "
        "there is no downgrade, so use an image at least as new as the one that wrote it, "
        "or restore a backup made before its upgrade."
    )


def _doubt(found: FoundSchema, tables: set[str], image: ImageRevisions | None) -> str:
    """Why no order can be told; empty when it can."""
    missing = CORE_TABLES - tables
    if missing:
        return f"MLflow's tables {', '.join(sorted(missing))} are missing; restore a backup"
    if found.revisions is None:
        return f"{found.alembic_problem}; restore a backup or repair the table"
    if len(found.revisions) != 1:
        rows = ", ".join(found.revisions) or "no row"
        return f"alembic_version must hold one revision but holds {rows}; finish or undo the interrupted upgrade"
    if image is None:
        return (
            f"it is at schema revision {found.revisions[0]} and image_revisions names no head among its revisions; "
            "read both from the image again"
        )
    return ""


def _at_head(image: ImageRevisions | None) -> str:
    return f" at revision {image.head}" if image else ""


def _some(tables: t.Sequence[str]) -> str:
    more = f" and {len(tables) - 3} more" if len(tables) > 3 else ""
    return f"the table{'s' if len(tables) > 1 else ''} {', '.join(tables[:3])}{more}"


def run(reader: SchemaReader, image: ImageRevisions | None) -> dict[str, t.Any]:
    found = reader.read()
    verdict, summary = judge(found, image)
    return {
        "changed": False,
        "verdict": verdict,
        "summary": summary,
        "database_revision": found.revisions[0] if found.revisions and len(found.revisions) == 1 else None,
        "image_revision": image.head if image else None,
        "database_owner": found.owner,
        "schema": found.schema,
        "tables": list(found.tables),
        "extra_indexes": dict(found.extra_indexes),
    }
