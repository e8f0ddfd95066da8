"""What deleted rows leave on the disk: data files that no version shows, old checkpoints, words in the log.

`VACUUM` with no retention also removes what another job is about to commit, and a log that is cut short lets
that job commit a version that was there already. So here only files go that a commit removed, or that are too
old to be of a running job; and a commit that holds an id is written anew without what describes it, so that
its number stays taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
import pyarrow.fs as pafs

from pipelines.adhoc import query
from pipelines.delta_log import LOG, DeltaState, data_files, read_state
from pipelines.erasure.files import Files
from pipelines.erasure.scan import holds
from pipelines.erasure.spellings import Spellings
from pipelines.lake import Lake
from schemas.errors import BrokenLaw
from schemas.table import Table

__all__ = ["Expunged", "expunge", "require_readable"]

_VECTORS: Final = "delta.enableDeletionVectors"
_DESCRIBES: Final = ("operationParameters", "userMetadata", "job", "notebook")


@dataclass
class Expunged:
    """What went of one table's files."""

    version: int | None = None
    """Of the table afterwards."""
    num_rows: int | None = None
    num_files: int = 0
    """Data files that were removed."""
    num_log_files: int = 0
    """Files of the log that were removed or written anew."""
    in_flight: list[str] = field(default_factory=list)
    """Data files that hold an id, belong to no commit, and may be of a job that still runs."""


def expunge(
    lake: Lake, table: Table, spellings: Spellings, files: Files, *, now: datetime, grace: timedelta
) -> Expunged:
    """Remove what no version of `table` shows any more, then ids from its log.

    A file of no commit that is younger than `grace` at `now` stays, and is named where it holds an id.
    """
    place = f"{lake.root}/{table.path}"
    state = read_state(place)
    if state is None:
        return Expunged()
    if state.properties.get(_VECTORS) == "true":
        lake.command(table, "REORG TABLE {table} APPLY (PURGE)")
        state = _again(place)
    done = Expunged(version=state.version, num_rows=state.num_rows)
    for path, info in list(data_files(state)):
        if path in state.live:
            continue
        if path in state.removed or _is_old(info, now, grace):
            files.remove(info.path)
            done.num_files += 1
        elif holds(info.path, spellings, files) is not None:
            done.in_flight.append(info.path)
    _clean_log(lake, table, state, spellings, files, done)
    return done


def _clean_log(
    lake: Lake, table: Table, state: DeltaState, spellings: Spellings, files: Files, done: Expunged
) -> None:
    folder = f"{state.root}/{LOG}"
    named = [f"{folder}/{name}" for name in state.log_files]
    found = [path for path in named if holds(path, spellings, files) is not None]
    if not found:
        return
    if state.checkpoint != state.version or any(".checkpoint." in path for path in found):
        # A new version first: a checkpoint of the same number would be written over by the same rows.
        lake.checkpoint(table)
    kept = _again(f"{lake.root}/{table.path}")
    newest = f"{kept.checkpoint or 0:020}.checkpoint"
    for path in found:
        name = path.rpartition("/")[2]
        if name.endswith(".json") and ".checkpoint." not in name and name[:20].isdigit():
            files.replace(path, _without_words(files.read(path)))
            files.drop_checksum(path)
        elif ".checkpoint" not in name or not name.startswith(newest):
            files.remove(path)
        else:
            continue
        done.num_log_files += 1


def _without_words(commit: bytes) -> Iterator[bytes]:
    """The same actions without what only describes them: predicates, statistics beyond the count of rows."""
    for line in commit.splitlines():
        action = orjson.loads(line)
        for name in _DESCRIBES:
            action.get("commitInfo", {}).pop(name, None)
        for kind in ("add", "remove"):
            if (stats := action.get(kind, {}).get("stats")) is not None:
                told = orjson.loads(stats)
                action[kind]["stats"] = orjson.dumps({"numRecords": told.get("numRecords")}).decode()
        yield orjson.dumps(action) + b"\n"


def _is_old(info: pafs.FileInfo, now: datetime, grace: timedelta) -> bool:
    return info.mtime is not None and now - info.mtime.astimezone(UTC) >= grace


def _again(uri: str) -> DeltaState:
    state = read_state(uri)
    if state is None:
        raise BrokenLaw(f"the table in {uri} went while it was cleaned")
    return state


def require_readable(lake: Lake, done: Mapping[Table, Expunged]) -> None:
    """DuckDB reads as many rows as the logs told; a table that was written to meanwhile is not held to it.

    Raises:
        BrokenLaw: naming the table that reads otherwise.
    """
    told = {table: each.num_rows for table, each in done.items() if each.num_rows is not None}
    if not told:
        return
    counts = (f"SELECT '{table.name}' AS name, count(*) AS n FROM {table.name}" for table in told)  # noqa: S608
    rows = {row["name"]: row["n"] for row in query(lake.root, " UNION ALL ".join(counts)).to_pylist()}
    for table, num in told.items():
        is_same = _again(f"{lake.root}/{table.path}").version == done[table].version
        if is_same and rows[table.name] != num:
            raise BrokenLaw(f"{table.name} had {num} rows and reads {rows[table.name]} since it was cleaned")
