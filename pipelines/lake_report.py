"""What is in a lake, how fresh and how large: by the Delta logs and a few counts of DuckDB, without Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pyarrow.fs as pafs

from pipelines.adhoc import connect
from pipelines.delta_log import DeltaState, read_state
from pipelines.storage import filesystem_of
from schemas.shards import MANIFEST
from schemas.table import Table
from schemas.tables import BRONZE_EVENTS, GOLD_FATES, OPS_ERASURES, TABLES

__all__ = ["SMALL_FILE_BYTES", "LakeReport", "ShardSetReport", "TableReport", "report"]

SMALL_FILE_BYTES: Final = 16 << 20
"""A data file below this is small: many of them make every reader slow."""

_NEWEST_WEEKS: Final = 3
_TIMES: Final = ("event_time", "started_at", "updated_at", "week")
"""Columns that say when, in the order in which they are asked; each is where its table keeps statistics."""
_COUNTED: Final = """
    SELECT count(*) FILTER (problem_code IS NOT NULL) AS malformed,
        count(*) FILTER (rescued IS NOT NULL) AS rescued
    FROM bronze.conversation_events"""
_FATES: Final = f"""
    SELECT week || ' ' || kind AS what, fate, count(*) AS n FROM gold.fates
    WHERE week IN (SELECT DISTINCT week FROM gold.fates ORDER BY week DESC LIMIT {_NEWEST_WEEKS})
    GROUP BY ALL ORDER BY what DESC, fate"""  # noqa: S608
_ERASURES: Final = "SELECT kind, count(*) AS n FROM ops.erasures GROUP BY ALL ORDER BY kind"


@dataclass(frozen=True)
class TableReport:
    """One table as its log says; sizes in bytes, `committed_at` in UTC."""

    name: str
    about: str
    rows: int | None
    files: int
    bytes: int
    small_files: int
    commits_since_checkpoint: int
    version: int
    committed_at: datetime | None
    newest: str | None
    """Newest time or week of the rows, where the log knows one."""


@dataclass(frozen=True)
class ShardSetReport:
    """One shard set; `erased_rows` were taken out since it was written."""

    path: str
    rows: int
    held_out: int
    bytes: int
    erased_rows: int


@dataclass(frozen=True)
class LakeReport:
    """A lake at one look."""

    tables: list[TableReport]
    missing: list[str]
    """Tables that were never written."""
    malformed_events: int
    rescued_events: int
    fates: dict[str, dict[str, int]]
    """`week kind` -> fate -> how many, of the newest weeks."""
    shard_sets: list[ShardSetReport]
    erasures: dict[str, int]
    """Kind -> how many asked to be forgotten."""


def report(lake: str) -> LakeReport:
    """Look at the lake.

    Raises:
        UsageError: where there is no lake.
        BrokenLaw: where a table's log cannot be read.
    """
    root = lake.rstrip("/")
    states = {table: read_state(f"{root}/{table.path}") for table in TABLES.values()}
    there = {table: state for table, state in states.items() if state is not None}
    questions = {BRONZE_EVENTS: _COUNTED, GOLD_FATES: _FATES, OPS_ERASURES: _ERASURES}
    asked = {table: sql for table, sql in questions.items() if table in there}
    with connect(lake, asked) as connection:  # which says plainly where there is no lake
        told = {table: _rows(connection, sql) for table, sql in asked.items()}
    fates: dict[str, dict[str, int]] = {}
    for row in told.get(GOLD_FATES, []):
        fates.setdefault(row["what"], {})[row["fate"]] = row["n"]
    (events,) = told.get(BRONZE_EVENTS, [{}])
    return LakeReport(
        tables=[_table(table, state) for table, state in there.items()],
        missing=[table.name for table in states if table not in there],
        malformed_events=events.get("malformed", 0),
        rescued_events=events.get("rescued", 0),
        fates=fates,
        shard_sets=sorted(_shard_sets(root), key=lambda found: found.path),
        erasures={row["kind"]: row["n"] for row in told.get(OPS_ERASURES, [])},
    )


def _table(table: Table, state: DeltaState) -> TableReport:
    committed = state.committed_at
    return TableReport(
        name=table.name,
        about=table.about,
        rows=state.num_rows,
        files=len(state.live),
        bytes=state.num_bytes,
        small_files=sum(file.num_bytes < SMALL_FILE_BYTES for file in state.live.values()),
        commits_since_checkpoint=state.num_commits,
        version=state.version,
        committed_at=None if committed is None else datetime.fromtimestamp(committed / 1000, UTC),
        newest=_newest(table, state),
    )


def _newest(table: Table, state: DeltaState) -> str | None:
    for column in _TIMES:
        if column in table.partitions:
            found = [
                part.partition("=")[2]
                for path in state.live
                for part in path.split("/")
                if part.startswith(f"{column}=")
            ]
        elif column in table.statistics:
            told = (orjson.loads(file.stats or "{}") for file in state.live.values())
            found = [value for each in told if (value := (each.get("maxValues") or {}).get(column))]
        else:
            continue
        return max(found, default=None)
    return None


def _rows(connection: Any, sql: str) -> list[dict[str, Any]]:
    """Not through Arrow, for which DuckDB imports pandas: that takes longer than the answer."""
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _shard_sets(root: str) -> Iterator[ShardSetReport]:
    filesystem, folder = filesystem_of(f"{root}/gold/shards")
    for info in filesystem.get_file_info(pafs.FileSelector(folder, allow_not_found=True)):
        path = f"{info.path}/{MANIFEST}"
        if filesystem.get_file_info(path).type != pafs.FileType.File:
            continue
        with filesystem.open_input_stream(path) as stream:
            manifest: dict[str, Any] = json.loads(stream.read())
        files = (*manifest["shards"], *manifest["held_out"])
        yield ShardSetReport(
            path=info.base_name,
            rows=manifest["num_rows"],
            held_out=manifest["num_held_out"],
            bytes=sum(file["num_bytes"] for file in files),
            erased_rows=sum(note["num_rows"] + note["num_held_out"] for note in manifest.get("erased", [])),
        )
