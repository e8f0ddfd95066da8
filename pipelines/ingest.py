"""Files to bronze: every record becomes a row, malformed ones too, and each is there once.

Two passes over the files, because a record's bytes should travel once: the first gives each record its
digest, and Spark finds out which are new; the second reads those again and says what they hold. A `Form` says
what: `WORKFLOWS` are envelopes, those of `conversation_events.py` are the lines of a recorder.

A recorder may be writing. A last line without its newline is a record as it stands: a malformed one where it
is cut, and it stays one. Once the file has grown, the whole line is another record, and a line that lacked
nothing but its newline is the same one. Files that were read before are looked at again; `streaming/` goes on
where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.erasure import ErasedSubjects, purge_later
from pipelines.lake import Lake
from pipelines.records import Record, Split, damage_of, identify, plan_splits, read_split, whole_file
from pipelines.storage import Inputs
from schemas.envelope import DAMAGED_FILE, Columns, place_of, read_envelope, too_large
from schemas.errors import BadRecord, BrokenLaw, SidewheelError
from schemas.table import Table
from schemas.tables import BRONZE_WORKFLOWS

_IDENTIFIED: Final = pa.schema(
    [("task", pa.int32()), ("split", pa.int32()), ("line", pa.int64()), ("record_id", pa.string())]
)
_ROWS_A_BATCH: Final = 1024
_IDS_A_BATCH: Final = 65_536

ERASED: Final = "ERASED_SUBJECT"
NOBODY: Final = ErasedSubjects()

Counts = dict[str, int | str]
"""By name, as the closing line has them."""
Tasks = Sequence[Sequence[Split]]
Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of record: the table that holds it, and what its columns are."""

    table: Table
    columns: Callable[[Record, str], Columns]
    """From a record and its place (`dump.jsonl line 17`); raises BadRecord for a malformed one."""
    on_change: type[SidewheelError]
    """What a file that changes between the passes is: another try helps where it only grows."""
    settle: Callable[[DataFrame], tuple[DataFrame, Counts]] | None = None
    """From new rows to those that are written, and what was left out of them."""
    of_malformed: Callable[[Record], Columns] | None = None
    """What is known of a malformed one all the same."""
    counted: tuple[str, ...] = ("problem_code",)
    """Columns of which to count the rows that have them."""
    report: Callable[[DataFrame], Counts] | None = None
    """What else to say of the rows that bronze has of what was read, where any has the last of `counted`."""
    erased: ErasedSubjects = NOBODY
    """Whose records do not come in: each becomes a row of nothing but its digest and `ERASED`."""


def _envelope(record: Record, place: str) -> Columns:
    if record.raw is None:
        raise too_large(record.num_bytes)
    # Of two versions of one bare file nobody knows which is newer: each is a workflow of its own.
    return read_envelope(record.raw, f"file:{place}@{record.record_id[:12]}")


WORKFLOWS: Final = Form(BRONZE_WORKFLOWS, _envelope, BrokenLaw)


def ingest(lake: Lake, found: Inputs, form: Form) -> Counts:
    """Bring every record of the files into the form's table. Counts each: new, known from before, repeated.

    Raises:
        BrokenLaw: with nothing written, when a record would be lost.
    """
    if not found.files:
        counts = ("files", "skipped_files", "read", "new", "known", "repeated", "malformed")
        return {**dict.fromkeys(counts, 0), "skipped_files": found.num_skipped}
    form = replace(form, erased=ErasedSubjects.of(lake))
    tasks = plan_splits(found.files)
    identified = identify_records(lake.spark, tasks).persist()
    num_read, num_distinct = count_records(identified)
    new = new_records(identified, lake.read(form.table)).persist()
    num_new = new.count()
    num_known = num_distinct - num_new
    num_erased = 0
    left_out: Counts = {}
    if num_new:
        rows = bronze_rows(new, tasks, first_lines(identified, tasks), form)
        if form.erased:
            rows = rows.persist()
            num_erased = rows.where(is_erased()).count()
            rows = rows.where(~is_erased())
        if form.settle is not None:
            rows, left_out = form.settle(rows.persist())
        written = lake.merge(rows, form.table, insert_only=True, distinct=True)
        num_new -= num_erased
        if written.num_inserted != num_new:
            raise BrokenLaw(f"conservation: {num_new} records are new, {written.num_inserted} were written")
        purge_later(lake, form.erased)
    held = _held(identified, lake.read(form.table))
    counted = held.agg(*(F.count(name).alias(name) for name in form.counted)).collect()[0]
    return {
        "files": len(found.files),
        "skipped_files": found.num_skipped,
        "read": num_read,
        "new": num_new,
        "known": num_known,
        "repeated": num_read - num_distinct,
        **({"erased": num_erased} if form.erased else {}),
        "malformed": int(counted["problem_code"]),
        **left_out,
        **({} if form.report is None or not counted[form.counted[-1]] else form.report(held)),
    }


def is_erased() -> Column:
    """Whether a row stands for a record that does not come in."""
    return F.col("problem_code").eqNullSafe(ERASED)


def identify_records(spark: SparkSession, tasks: Tasks) -> DataFrame:
    """One narrow row a record: columns task, split (place in the task), line, record_id."""
    numbers = spark.range(0, len(tasks), 1, len(tasks))
    return numbers.mapInArrow(_identifier(tasks), "task int, split int, line long, record_id string")


def count_records(identified: DataFrame) -> tuple[int, int]:
    """How many records there are, and how many of them are distinct."""
    counted = identified.agg(F.count(F.lit(1)).alias("all"), F.count_distinct("record_id").alias("distinct"))
    row = counted.collect()[0]
    return int(row["all"]), int(row["distinct"])


def new_records(identified: DataFrame, bronze: DataFrame) -> DataFrame:
    """The records that bronze does not hold, each at its first place: the smallest file's first line."""
    place = F.min(F.struct("task", "split", "line")).alias("place")
    first = identified.groupBy("record_id").agg(place).select("place.*", "record_id")
    return first.join(bronze.select("record_id"), "record_id", "left_anti")


def first_lines(identified: DataFrame, tasks: Tasks) -> dict[tuple[int, int], int]:
    """By (task, split): how many lines of the same file come before; only for files of several splits."""
    shared = [
        (task, place)
        for task, splits in enumerate(tasks)
        for place, split in enumerate(splits)
        if split.start or (task + 1 < len(tasks) and tasks[task + 1][0].uri == split.uri)
    ]
    if not shared:
        return {}
    counted = identified.where(F.col("task").isin(sorted({task for task, _ in shared})))
    rows = counted.groupBy("task", "split").count().collect()
    lines = {(row["task"], row["split"]): int(row["count"]) for row in rows}
    before: dict[tuple[int, int], int] = {}
    total, uri = 0, ""
    for task, place in shared:
        split = tasks[task][place]
        total = total if split.uri == uri else 0
        before[task, place], uri = total, split.uri
        total += lines.get((task, place), 0)
    return before


def bronze_rows(
    new: DataFrame, tasks: Tasks, before: dict[tuple[int, int], int], form: Form = WORKFLOWS
) -> DataFrame:
    """One row of the form's table for each of the `new` records."""
    place = F.struct("split", "line", "record_id")
    work = new.groupBy("task").agg(F.sort_array(F.collect_list(place)).alias("kept"))
    spread = work.repartition(len(tasks), "task")
    return spread.mapInArrow(_reader(tasks, before, form), spark_schema(form.table))


def malformed_records(identified: DataFrame, bronze: DataFrame) -> DataFrame:
    """Ids of those of the records that bronze calls malformed."""
    return _held(identified, bronze).where(F.col("problem_code").isNotNull()).select("record_id")


def _held(identified: DataFrame, bronze: DataFrame) -> DataFrame:
    return bronze.join(identified.select("record_id"), "record_id", "left_semi")


def _identifier(tasks: Tasks) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for place, split in enumerate(tasks[task]):
                    found = identify(split)
                    while some := list(islice(found, _IDS_A_BATCH)):
                        lines, ids = zip(*some, strict=True)
                        columns = [[task] * len(ids), [place] * len(ids), lines, ids]
                        yield pa.RecordBatch.from_pydict(
                            dict(zip(_IDENTIFIED.names, columns, strict=True)), schema=_IDENTIFIED
                        )

    return run


def _reader(
    tasks: Tasks, before: dict[tuple[int, int], int], form: Form
) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for work in batch.to_pylist():
                rows = _rows_of(work, tasks[work["task"]], before, form)
                while some := list(islice(rows, _ROWS_A_BATCH)):
                    yield pa.RecordBatch.from_pylist(some, schema=form.table.schema)

    return run


def _rows_of(
    work: dict[str, Any], splits: Sequence[Split], before: dict[tuple[int, int], int], form: Form
) -> Iterator[dict[str, Any]]:
    kept: dict[int, dict[int, str]] = {}
    for place in work["kept"]:
        kept.setdefault(place["split"], {})[place["line"]] = place["record_id"]
    for place, wanted in kept.items():
        split = splits[place]
        lines_before = before.get((work["task"], place), 0)
        for record, damage in _read_again(split, wanted, form):
            yield bronze_row(split.uri, record, form, lines_before=lines_before, damage=damage)


def _read_again(split: Split, wanted: dict[int, str], form: Form) -> Iterator[tuple[Record, str | None]]:
    """The wanted records of `split`, which must be what they were in the first pass."""
    damage = damage_of(split) if split.end is None and 0 in wanted else None
    records = iter([whole_file(split.uri)]) if damage else read_split(split)
    num_found = 0
    for record in records:
        expected = wanted.get(record.line)
        if expected is None:
            continue
        if record.record_id != expected:
            break
        num_found += 1
        yield record, damage
    if num_found != len(wanted):
        raise form.on_change(
            f"{split.uri} changed while it was read; ingest it again when nobody writes to it"
        )


def bronze_row(
    uri: str,
    record: Record,
    form: Form = WORKFLOWS,
    *,
    lines_before: int = 0,
    place: str | None = None,
    damage: str | None = None,
) -> dict[str, Any]:
    """The bronze row of one record, its problem included; `place` says where a record without a line is."""
    line = record.line + lines_before if record.line else 0
    row: dict[str, Any] = {
        "record_id": record.record_id,
        "source_file": uri,
        "source_offset": record.offset,
        "source_line": line,
        "raw": record.raw,
        "num_bytes": record.num_bytes,
    }
    place = place or place_of(uri, line)
    try:
        if damage is not None:
            row["raw"] = None
            raise BadRecord(DAMAGED_FILE, damage)
        row |= form.columns(record, place)
    except BadRecord as bad:
        where = f" at {bad.path}" if bad.path else ""
        row |= {"problem_code": bad.code, "problem": f"{place}{where}: {bad.message}"}
        if form.of_malformed is not None and row["raw"] is not None:
            row |= form.of_malformed(record)
    if form.erased and _names(form.erased, row):
        return {"record_id": record.record_id, "problem_code": ERASED}
    return row


def _names(erased: ErasedSubjects, row: dict[str, Any]) -> bool:
    if "problem_code" in row:
        return erased.named_in(row["raw"])
    return erased.holds(row.get("shop_id"), row.get("conversation_id"))
