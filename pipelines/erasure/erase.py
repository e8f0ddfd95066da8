"""One erasure from the tombstone to the certificate. Every step can be killed and done again.

tombstone      ingest refuses the subject from here on
landing files  their lines go first: bronze, which tells where they are, still has its rows
shards         rows made from the subject's records
rows           of every table, what was made from others first; fates become `erased`
files          of the tables, then words in their logs
scan           every byte of every place; what is found is removed once more, or named
certificate    only when nothing was found
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pyspark.sql import functions as F  # noqa: N812

from pipelines.delta_log import read_state
from pipelines.erasure.certificate import Certificate, TableErased, text_of
from pipelines.erasure.files import Files
from pipelines.erasure.landing import Landed, clean
from pipelines.erasure.rows import ERASED, Found, find, remove
from pipelines.erasure.scan import Hit, scan
from pipelines.erasure.shard_rows import Rewritten, contents_with, rewrite, sets_below
from pipelines.erasure.spellings import Spellings
from pipelines.erasure.subjects import ErasedSubjects, Subject, bury, would_bury
from pipelines.erasure.tables import expunge, require_readable
from pipelines.erasure.tainted import tainted_by
from pipelines.lake import Lake, lake_root
from schemas.errors import BrokenLaw, Transient
from schemas.tables import (
    BRONZE_CONTRACTS,
    BRONZE_EVENTS,
    BRONZE_WORKFLOWS,
    GOLD_FATES,
    OPS_ERASURES,
    OPS_MEASURES,
    TABLES,
)

__all__ = ["Request", "count", "erase"]

_ROUNDS: Final = 3
"""How often rows that came in meanwhile are looked for before they are a fault."""
_MOST_NAMED: Final = 5
_NO_SUBJECTS: Final = (BRONZE_CONTRACTS, OPS_ERASURES, OPS_MEASURES)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to forget, and where besides the lake."""

    subjects: tuple[Subject, ...]
    inputs: tuple[str, ...] = ()
    """Files and folders that were ingested; none stands for those that bronze names."""
    checkpoints: tuple[str, ...] = ()
    """Folders of checkpoints, releases and trackers: searched for tainted models, and scanned."""
    also: tuple[str, ...] = ()
    """Further places to scan."""
    output: str | None = None
    requested_at: datetime
    now: datetime
    grace: timedelta = timedelta(hours=24)
    """Age from which a data file that no commit names cannot be of a running job."""


@dataclass
class _Run:
    lake: Lake
    request: Request
    files: Files
    buried: ErasedSubjects
    spellings: Spellings
    tables: dict[str, TableErased] = field(default_factory=dict)
    landing: Landed = field(default_factory=Landed)
    shards: list[Rewritten] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    """Of the landing files."""


def count(lake: Lake, request: Request, files: Files | None = None) -> dict[str, int]:
    """What there is of the subjects; nothing is changed, not even a tombstone written."""
    spellings = Spellings(request.subjects)
    buried = would_bury(lake, request.subjects)
    run = _Run(lake, request, files or Files(), buried, spellings)
    run.places = _landing_places(run)
    found = find(lake, buried, spellings.text)
    counted = {name: len(keys) for name, keys in found.keys.items()}
    for place in run.places:
        _add(run.landing, clean(place, spellings, run.files, dry_run=True))
    _rewrite_shards(run, found, dry_run=True)
    _, hits = scan(_places(run), spellings, run.files)
    return {
        **counted,
        "lines": run.landing.num_lines,
        "shard_rows": sum(each.num_rows + each.num_held_out for each in run.shards),
        "files": len(hits),
    }


def erase(lake: Lake, request: Request, files: Files | None = None) -> tuple[str, dict[str, Any]]:
    """Forget the subjects; gives where the certificate is and what it says.

    Raises:
        Transient: where a recorder or a job still holds a file with the subject; the rest is done.
        BrokenLaw: where the scan finds an id all the same; no certificate is written.
    """
    buried = bury(lake, request.subjects, request.requested_at)
    run = _Run(lake, request, files or Files(), buried, Spellings(request.subjects))
    for table in TABLES.values():
        state = read_state(f"{lake.root}/{table.path}")
        if state is not None:
            run.tables[table.name] = TableErased(version_before=state.version)
    num_files, hits = 0, [Hit("", "")]
    run.places = _landing_places(run)
    for _ in range(_ROUNDS):
        if not hits:
            break
        _one_round(run)
        num_files, hits = scan(_places(run), run.spellings, run.files)
    _require_gone(run, hits)
    certificate = Certificate(
        subjects=sorted(buried.digests),
        requested_at=request.requested_at,
        finished_at=request.now,
        tables=run.tables,
        landing=run.landing,
        shards=run.shards,
        tainted=tainted_by(_tainting(run), (lake.root, *request.checkpoints), run.files),
        scanned_places=_places(run),
        scanned_files=num_files,
    )
    return _write(run, certificate.content(run.spellings))


def _one_round(run: _Run) -> None:
    run.landing.open.clear()
    run.in_flight.clear()
    for place in run.places:
        _add(run.landing, clean(place, run.spellings, run.files))
    found = find(run.lake, run.buried, run.spellings.text)
    _rewrite_shards(run, found)
    for name, num in remove(run.lake, found).items():
        if name in run.tables:
            run.tables[name].rows += num
    # A shard set that was written from the tables of before is found by the fates that are settled now.
    _rewrite_shards(run, None)
    now, grace = run.request.now, run.request.grace
    expunged = {
        table: expunge(run.lake, table, run.spellings, run.files, now=now, grace=grace)
        for table in TABLES.values()
        if table.name in run.tables
    }
    require_readable(run.lake, expunged)
    for table, done in expunged.items():
        told = run.tables[table.name]
        told.version_after = done.version
        told.data_files += done.num_files
        told.log_files += done.num_log_files
        run.in_flight += done.in_flight


def _rewrite_shards(run: _Run, found: Found | None, *, dry_run: bool = False) -> None:
    """By the records that were found, and by those whose fate is `erased` already, since whenever."""
    sets = sets_below(run.lake.root, run.files)
    if not sets:
        return
    fates = run.lake.read(GOLD_FATES).where(F.col("fate") == ERASED).select("record_id").distinct()
    ids = frozenset(row[0] for row in fates.collect()) | (found.records if found else frozenset())
    for folder in sets:
        done = rewrite(folder, ids, sorted(run.buried.digests), run.spellings, run.files, dry_run=dry_run)
        if done is not None:
            run.shards.append(done)


def _landing_places(run: _Run) -> list[str]:
    """Where the lines came from: what was given, else each file that bronze names and that is there."""
    if run.request.inputs:
        return [lake_root(each) for each in run.request.inputs]
    named = set()
    for table in (BRONZE_WORKFLOWS, BRONZE_EVENTS, BRONZE_CONTRACTS):
        rows = run.lake.read(table).select("source_file").distinct().collect()
        named |= {row[0] for row in rows if row[0]}
    return sorted(each for each in named if "://" in each or Path(each).is_file())


def _places(run: _Run) -> list[str]:
    given = (*run.request.checkpoints, *run.request.also)
    return sorted({run.lake.root, *run.places, *map(lake_root, given)})


def _tainting(run: _Run) -> set[str]:
    digests = sorted(run.buried.digests)
    folders = sets_below(run.lake.root, run.files)
    return {each for folder in folders for each in contents_with(folder, digests, run.files)}


def _require_gone(run: _Run, hits: Sequence[Hit]) -> None:
    held = {*run.landing.open, *run.in_flight}
    left = [hit for hit in hits if hit.path not in held]
    if left:
        raise BrokenLaw(f"{len(left)} files still hold an id: {_named(run, [hit.path for hit in left])}")
    if run.landing.open:
        raise Transient(
            f"a recorder still writes {_named(run, run.landing.open)}, which hold an id; all else is erased"
        )
    if run.in_flight:
        raise Transient(
            f"no commit names {_named(run, run.in_flight)}, which hold an id and may be of a running job; "
            "they go when they are older than --grace-hours"
        )


def _named(run: _Run, paths: Sequence[str]) -> str:
    shown = [run.spellings.masked(path) for path in sorted(paths)[:_MOST_NAMED]]
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(shown) + more


def _write(run: _Run, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    # Not in the folder of ops.erasures: a table's folder is vacuumed of what no commit names.
    default = f"{run.lake.root}/ops/certificates/erasure-{content['sha256'][:12]}.json"
    where = lake_root(run.request.output) if run.request.output else default
    text = where.removesuffix(".json") + ".txt"
    run.files.replace(text, [text_of(content).encode()])
    run.files.replace(where, [json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"])
    return where, content


def _add(all_of_it: Landed, some: Landed) -> None:
    for name in ("num_files", "num_rewritten", "num_removed", "num_lines"):
        setattr(all_of_it, name, getattr(all_of_it, name) + getattr(some, name))
    all_of_it.open += some.open
