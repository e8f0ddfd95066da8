"""Keep tables quick to read: small files made one, old ones removed, the log short. Rows never change.

Compaction commits that no data changed, so a stream beside it reads nothing again; where it meets another
writer, one of the two is tried again. A vacuum leaves what is younger than the retention: a running job may
be about to commit it, a reader may be in an older version. What nobody needs done is not done: a second run
commits nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pipelines.delta_log import DeltaState, data_files, read_state
from pipelines.lake import Lake
from schemas.errors import BrokenLaw
from schemas.table import Table

__all__ = ["Upkeep", "UpkeepPolicy", "maintain"]

_MEGABYTE: Final = 1 << 20
_LEAST_DAYS: Final = 7
_CLUSTERED_BY: Final = ("event_time", "started_at", "updated_at", "reason", "facet")
"""What rows are asked for by, where the table keeps statistics of it; the first that it has."""


@dataclass(frozen=True, kw_only=True)
class UpkeepPolicy:
    """When a table wants care."""

    target_megabytes: Annotated[int, "Size of the files that small ones are put together to."] = 128
    retention_days: Annotated[int, "Files that no version shows stay this long; at least 7."] = _LEAST_DAYS
    max_commits: Annotated[int, "A log with more commits since its checkpoint gets a new one."] = 10
    cluster: Annotated[bool, "Sort what is compacted by time, which rewrites whole partitions."] = False

    def __post_init__(self) -> None:
        if self.target_megabytes < 1 or self.max_commits < 1:
            raise ValueError("--target-megabytes and --max-commits must be at least 1.")
        if self.retention_days < _LEAST_DAYS:
            raise ValueError(
                f"--retention-days must be at least {_LEAST_DAYS}: a running job may need younger files, "
                "and sidewheel erase removes at once what was erased."
            )


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What was done to one table."""

    table: str
    files_before: int
    files_after: int
    vacuumed: int
    """Data files that went."""
    orphans: int
    """Data files that are left and that no commit names: of a killed job, or of one that runs."""
    checkpoint: str
    """Why one was written, `missing pointer` or `12 commits`; empty where the log is in order."""
    commits: int
    """Commits after the newest checkpoint, at the end."""

    @property
    def changed(self) -> bool:
        return self.files_before != self.files_after or self.vacuumed > 0 or bool(self.checkpoint)


def maintain(lake: Lake, table: Table, policy: UpkeepPolicy, now: datetime) -> Upkeep | None:
    """Care for one table; None where there is none.

    Raises:
        Transient: when another writer was faster.
        BrokenLaw: when the log cannot be read, or rows would be lost.
    """
    before = _state(lake, table)
    if before is None:
        return None
    if _is_fragmented(before, policy.target_megabytes * _MEGABYTE):
        _compact(lake, table, policy)
    state = _required(lake, table)
    if state.version == before.version + 1 and state.num_rows != before.num_rows:
        raise BrokenLaw(f"{table.name} had {before.num_rows} rows and has {state.num_rows} when compacted")
    vacuumed = _vacuum(lake, table, state, policy, now)
    why = _unhealthy(state, policy)
    if why:
        lake.checkpoint(table)
    after = _required(lake, table)
    known = {*after.live, *after.removed}
    return Upkeep(
        table=table.name,
        files_before=len(before.live),
        files_after=len(after.live),
        vacuumed=vacuumed,
        orphans=sum(path not in known for path, _ in _files(after)),
        checkpoint=why,
        commits=after.num_commits,
    )


def _is_fragmented(state: DeltaState, target: int) -> bool:
    """Whether some partition has two files that one would hold."""
    small: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for path, file in state.live.items():
        if file.num_bytes < target:
            folder = path.rpartition("/")[0]
            small[folder] += 1
            sizes[folder] += file.num_bytes
    # Two files of nearly the target's size do not fit into one; the third finds its place.
    return any(count > 1 and (sizes[folder] <= target or count > 2) for folder, count in small.items())


def _compact(lake: Lake, table: Table, policy: UpkeepPolicy) -> None:
    by = next((name for name in _CLUSTERED_BY if name in table.statistics), None)
    ordered = f" ZORDER BY (`{by}`)" if policy.cluster and by else ""
    target = str(policy.target_megabytes * _MEGABYTE)
    sizes = dict.fromkeys(("minFileSize", "maxFileSize"), target)
    lake.command(
        table,
        f"OPTIMIZE {{table}}{ordered}",
        {f"spark.databricks.delta.optimize.{name}": value for name, value in sizes.items()},
    )


def _vacuum(lake: Lake, table: Table, state: DeltaState, policy: UpkeepPolicy, now: datetime) -> int:
    """Only where something is old enough: a vacuum lists the whole folder, and notes itself in the log."""
    oldest = now - timedelta(days=policy.retention_days)
    dead = [path for path, moment in _files(state) if path not in state.live and moment < oldest]
    if not dead:
        return 0
    lake.command(table, f"VACUUM {{table}} RETAIN {policy.retention_days * 24} HOURS")
    left = {path for path, _ in _files(_required(lake, table))}
    return sum(path not in left for path in dead)


def _unhealthy(state: DeltaState, policy: UpkeepPolicy) -> str:
    if state.num_commits > policy.max_commits:
        return f"{state.num_commits} commits"
    if state.checkpoint is not None and state.pointer is None:
        return "missing pointer"
    if state.checkpoint is not None and state.pointer != state.checkpoint:
        return f"pointer at {state.pointer}"
    return ""


def _files(state: DeltaState) -> list[tuple[str, datetime]]:
    """Path below the table and last change of each data file."""
    return [(path, info.mtime.astimezone(UTC)) for path, info in data_files(state)]


def _state(lake: Lake, table: Table) -> DeltaState | None:
    return read_state(f"{lake.root}/{table.path}")


def _required(lake: Lake, table: Table) -> DeltaState:
    state = _state(lake, table)
    if state is None:
        raise BrokenLaw(f"{table.name} went while it was cared for")
    return state
