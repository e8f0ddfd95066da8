"""Print what is in a lake: each table's rows, files, age and newest row; fates, shard sets and erasures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from jobs._console import fitted, print_table, write
from pipelines.lake_report import LakeReport, TableReport, report

__all__ = ["age_text", "lake_text", "show_lake", "size_text"]

_UNITS: Final = ("B", "KB", "MB", "GB", "TB")
_THOUSAND: Final = 1000
_AGES: Final = ((timedelta(days=2), "days", 86_400), (timedelta(hours=2), "hours", 3600))


def show_lake(lake: str, *, as_json: bool) -> int:
    """Print the report. Raises UsageError where there is no lake."""
    found, now = report(lake), datetime.now(UTC)
    if as_json:
        write(json.dumps(asdict(found), default=_iso) + "\n")
        return 0
    headers = ("table", "rows", "files", "small", "size", "log", "committed", "newest")
    print_table(headers, [_cells(table, now) for table in found.tables])
    write(lake_text(found))
    return 0


def lake_text(found: LakeReport) -> str:
    """What stands below the table."""
    return "\n".join(fitted(line) for line in _lines(found)) + "\n"


def size_text(num_bytes: int) -> str:
    """`1.2 MB`."""
    size = float(num_bytes)
    for unit in _UNITS:
        if size < _THOUSAND or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _THOUSAND
    raise AssertionError


def age_text(moment: datetime | None, now: datetime) -> str:
    """`3 hours ago`; a clock that is behind makes it `just now`."""
    if moment is None:
        return ""
    age = now - moment
    for least, unit, seconds in _AGES:
        if age >= least:
            return f"{int(age.total_seconds() // seconds)} {unit} ago"
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min ago" if minutes > 0 else "just now"


def _cells(table: TableReport, now: datetime) -> list[str]:
    rows = "" if table.rows is None else str(table.rows)
    numbers = (table.files, table.small_files)
    return [
        *(table.name, rows, *map(str, numbers), size_text(table.bytes), str(table.commits_since_checkpoint)),
        *(age_text(table.committed_at, now), (table.newest or "")[:19]),
    ]


def _lines(found: LakeReport) -> Iterator[str]:
    yield "small: files below 16 MiB; log: commits since the newest checkpoint; newest: of the rows"
    yield ""
    yield from (f"{table.name}: {table.about}" for table in found.tables)
    if found.missing:
        yield f"never written: {', '.join(found.missing)}"
    yield ""
    yield f"events: {found.malformed_events} malformed, {found.rescued_events} with fields that nobody knows"
    for what, fates in found.fates.items():
        yield f"fates of {what}s: " + ", ".join(f"{count} {fate}" for fate, count in fates.items())
    for each in found.shard_sets:
        erased = f", {each.erased_rows} erased" if each.erased_rows else ""
        size = size_text(each.bytes)
        yield f"shards {each.path}: {each.rows} rows, {each.held_out} held out, {size}{erased}"
    erasures = ", ".join(f"{count} {kind}s" for kind, count in found.erasures.items())
    yield f"asked to be forgotten: {erasures or 'nobody'}"


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
