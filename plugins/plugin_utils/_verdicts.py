# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Whether what was found of a deployed stack is good, degraded or bad. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GOOD, DEGRADED, BAD = "good", "degraded", "bad"
# The worst first
ORDER = (BAD, DEGRADED, GOOD)
COLUMNS = ("verdict", "check", "where")
HOUR, DAY = 3600, 86400
# Of a certificate's days, which part may be left before it is late. All renew theirs before a quarter is left.
LATE_PART = 6
# What the programs say with --version. The first that fits.
ENGINES = (("SeaweedFS", r"SeaweedFS (\S+)"), ("MinIO or its fork", r"(RELEASE[.][0-9TZ-]+)"))
NOT_FOUND, SERVER_ERROR = 404, 500

Found = Mapping[str, Any]
Row = dict[str, Any]
# Verdict and reason
Fault = tuple[str, str]


def worst(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=ORDER.index, default=GOOD)


def row(check: str, where: str, said: str, faults: Sequence[Fault] = (), **values: Any) -> Row:
    """Make one line. said: what there is, after what is wrong with it. values: the same for programs."""
    told = [reason for _verdict, reason in faults] + ([said] if said else [])
    verdict = worst(verdict for verdict, _reason in faults)
    return {"check": check, "where": where, "verdict": verdict, "said": "; ".join(told), "values": values}


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def span(seconds: int) -> str:
    for unit, length in (("day", DAY), ("hour", HOUR), ("minute", 60), ("second", 1)):
        if seconds >= length or length == 1:
            return number(seconds // length, unit)
    return ""


def number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def counted(tally: Found, thing: str) -> str:
    text = f"{number(tally['count'], thing)}, {size(tally['bytes'])}"
    return text if tally["complete"] else f"at least {text}"


def container_faults(found: Found, limits: Mapping[str, int]) -> list[Fault]:
    faults = []
    if found["state"] != "running":
        since = "" if found["seconds"] is None else f" for {span(found['seconds'])}"
        code = "" if found["exit_code"] is None else f", exit code {found['exit_code']}"
        faults.append((BAD, f"it does not run: {found['state']}{since}{code}"))
    elif found["health"] == "unhealthy":
        faults.append((BAD, "it is unhealthy"))
    elif found["health"] == "starting":
        faults.append((DEGRADED, "it is still starting"))
    if found["restarts"] and (found["seconds"] or 0) < limits["restart_hours"] * HOUR:
        last = f", the last {span(found['seconds'])} ago" if found["state"] == "running" else ""
        faults.append((DEGRADED, f"it was restarted {number(found['restarts'], 'time')}{last}"))
    if found["out_of_memory"] or found["out_of_memory_kills"]:
        limit = size(found["memory_limit_bytes"]) if found["memory_limit_bytes"] else "none"
        killed = found["out_of_memory_kills"] or 1
        faults.append(
            (DEGRADED, f"processes killed for want of memory: {killed} since its start, with a limit of {limit}")
        )
    return faults


def container_row(found: Found, limits: Mapping[str, int]) -> Row:
    health = f", {found['health']}" if found["health"] != "none" else ""
    runs = f"running for {span(found['seconds'] or 0)}{health}; " if found["state"] == "running" else ""
    return row("container", found["name"], runs + found["image"], container_faults(found, limits), **found)


def container_rows(containers: Sequence[Found], expected: Iterable[str], limits: Mapping[str, int]) -> list[Row]:
    services = {found["service"] for found in containers}
    rows = [container_row(found, limits) for found in containers]
    missing = [service for service in expected if service not in services]
    return rows + [row("container", service, "", [(BAD, "it has no container")]) for service in missing]


def engine_of(said: str, server: str) -> tuple[str, str]:
    """Name and version of the store. said: by its program, empty when nobody asked it. server: by its answers."""
    for engine, pattern in ENGINES:
        match = re.search(pattern, said)
        if match:
            return engine, match.group(1)
    # Of a proxy in front it is that one's name.
    name, _slash, version = server.partition("/")
    # SeaweedFS's own header has words between the two.
    return name, version.split(" ")[-1]


def store_rows(found: Found, limits: Mapping[str, int]) -> list[Row]:
    """found: the endpoint, the bucket's name, what minio_bucket_info returned, and what the program said."""
    where, bucket = str(found["endpoint"]), found["answer"]
    if "exists" not in bucket:
        return [row("object store", where, "", [(BAD, problem(bucket))])]
    if not bucket["exists"]:
        return [row("object store", where, "", [(BAD, f"it has no bucket {found['bucket']}")])]
    engine, version = engine_of(found["program"], bucket["server"])
    said = f"{engine} {version}" if version else f"it calls itself {engine}" if engine else "it does not tell its name"
    rows = [row("object store", where, said, engine=engine, version=version)]
    name = str(found["bucket"])
    rows.append(row("objects", name, counted(bucket["objects"], "object"), **bucket["objects"]))
    old = bucket["old_versions"]
    if old is None:
        rows.append(row("old versions", name, "the server does not tell"))
    else:
        markers = bucket["delete_markers"]
        said = counted(old, "version") + (f", {number(markers, 'delete marker')}" if markers else "")
        rows.append(row("old versions", name, said, **old, delete_markers=markers, versioning=bucket["versioning"]))
    return [*rows, upload_row(name, bucket["incomplete_uploads"], limits)]


def upload_row(bucket: str, uploads: Found | None, limits: Mapping[str, int]) -> Row:
    if uploads is None:
        return row("incomplete uploads", bucket, "the server does not tell")
    oldest = uploads["oldest_seconds"]
    said = counted(uploads, "upload") + ("" if oldest is None else f", the oldest begun {span(oldest)} ago")
    late = oldest is not None and oldest >= limits["upload_days"] * DAY
    faults = [(DEGRADED, f"begun {limits['upload_days']} days ago or earlier, and not completed")] if late else []
    return row("incomplete uploads", bucket, said, faults, **uploads)


def problem(answer: Found) -> str:
    """Why a module could not tell, in one line."""
    return " ".join(str(answer.get("msg") or "it could not be asked").split())


def share_fault(value: float, limits: Mapping[str, int], name: str, reason: str) -> list[Fault]:
    """What is above a limit."""
    for verdict in (BAD, DEGRADED):
        if value >= limits[f"{name}_{verdict}_percent"]:
            return [(verdict, reason)]
    return []


def database_rows(found: Found, limits: Mapping[str, int]) -> list[Row]:
    """found: where it is, its name, and what postgresql_query returned."""
    where, answer = str(found["where"]), found["answer"]
    if not answer.get("query_result"):
        return [row("database", where, "", [(BAD, problem(answer))])]
    told = answer["query_result"][0]
    version, held = str(told["version"]), int(told["bytes"])
    used, most = int(told["connections"]), int(told["most"])
    percent = round(100 * used / most, 1)
    faults = share_fault(percent, limits, "connections", f"{percent} % of the connections are used")
    said = f"PostgreSQL {version}; {found['name']} holds {size(held)}"
    return [
        row("database", where, said, version=version, bytes=held),
        row("connections", where, f"{used} of {most}", faults, used=used, most=most, percent=percent),
    ]


def file_system_row(found: Found, limits: Mapping[str, int]) -> Row:
    faults: list[Fault] = []
    for key, thing in (("free_percent", "of the space"), ("free_files_percent", "of the files")):
        left = found[key]
        # What is free below a limit is what is used above another.
        verdicts = [one for one in (BAD, DEGRADED) if left is not None and left < limits[f"free_{one}_percent"]]
        faults += [(one, f"only {left} % {thing} is left") for one in verdicts[:1]]
    said = f"{size(found['free_bytes'])} of {size(found['total_bytes'])} free ({found['free_percent']} %)"
    return row("file system", found["mount"], f"{said}: {', '.join(found['paths'])}", faults, **found)


def address_rows(found: Found, limits: Mapping[str, int]) -> list[Row]:
    host, status, certificate = str(found["host"]), found["status"], found["certificate"]
    rows = []
    if status is None:
        rows.append(row("address", host, "", [(BAD, found["error"])], status=None))
    elif status == NOT_FOUND or status >= SERVER_ERROR:
        rows.append(row("address", host, "", [(BAD, f"it answers {status}: nothing is behind it")], status=status))
    else:
        rows.append(row("address", host, f"it answers {status}", status=status))
    if certificate is not None:
        left = certificate["days_left"]
        late = left < min(limits["certificate_days"], certificate["days_valid"] / LATE_PART)
        faults = [(DEGRADED, "it should have been renewed")] if late else []
        said = f"{left:.0f} of {certificate['days_valid']:.0f} days left, signed by {certificate['issuer']}"
        rows.append(row("certificate", host, said, faults, **certificate))
    return rows


def backup_row(found: Found, limits: Mapping[str, int]) -> Row:
    """found: the target, the seconds since 1970 now, last, the name and the end of the last bundle, or nothing, and the
    bundle whose restore was begun and has not ended, or nothing.
    """
    where, last = str(found["target"]), found["last"]
    begun = [
        (DEGRADED, f"the restore of {found['restoring']} was begun and is not complete: no bundle is made until then")
    ]
    faults = begun if found["restoring"] else []
    if not last:
        faults = [*faults, (DEGRADED, "no bundle was made yet")]
        return row("backup", where, "", faults, name=None, age_seconds=None)
    age = max(0, int(found["now"]) - int(last["finished"]))
    late = age >= limits["backup_hours"] * HOUR
    faults = [*faults, (DEGRADED, f"none was made for {limits['backup_hours']} hours")] if late else faults
    return row("backup", where, f"{last['name']}, made {span(age)} ago", faults, name=last["name"], age_seconds=age)


def judge(found: Found, limits: Mapping[str, int]) -> list[Row]:
    """All lines. found: what the role status looked at; a part that was not looked at is empty."""
    stack = str(found["stack"])
    if found["engine_error"]:
        return [row("engine", stack, "", [(BAD, found["engine_error"])])]
    if not found["containers"]:
        return [row("stack", stack, "", [(BAD, f"nothing of the stack {stack} is deployed on {found['host']}")])]
    rows = container_rows(found["containers"], found["expected"], limits)
    rows += store_rows(found["store"], limits) if found["store"] else []
    rows += database_rows(found["database"], limits) if found["database"] else []
    rows += [backup_row(found["backup"], limits)] if found["backup"] else []
    rows += [file_system_row(one, limits) for one in found["file_systems"]]
    return rows + [one for address in found["addresses"] for one in address_rows(address, limits)]


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of text, the worst first."""
    head = {"verdict": "verdict", "check": "check", "where": "where", "said": "what"}
    lines = [head, *sorted(rows, key=lambda one: ORDER.index(one["verdict"]))]
    widths = [max(len(line[column]) for line in lines) for column in COLUMNS]
    cells = [[*(line[column].ljust(width) for column, width in zip(COLUMNS, widths)), line["said"]] for line in lines]
    return ["  ".join(one).rstrip() for one in cells]
