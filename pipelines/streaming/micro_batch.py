"""One micro-batch: its records become rows of bronze once, whoever is killed when, and silver follows.

Spark promises to give the same records again where a batch was not finished, and that is all. To write twice
is prevented twice: the commit carries the batch's number, so that Delta skips it the second time, and the
merge goes by the record's digest, so that nothing is written twice even where the checkpoint is lost or a
recorder sent a line again. The same bytes have the same time, malformed or not, so the search for what is
there is kept to the times of the batch: Delta reads no file of other times.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import pyarrow as pa
from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import LongType

from pipelines.contracts import spark_schema
from pipelines.conversation_events import rescued_fields
from pipelines.conversations.settling import WITNESSES
from pipelines.erasure import ErasedSubjects, purge_later
from pipelines.ingest import Form, bronze_row, is_erased
from pipelines.lake import Lake, Merged
from pipelines.records import Record, record_id_of
from pipelines.retries import retried
from pipelines.streaming.watermark import Watermark
from pipelines.time_spans import joined_spans, moment, spans_sql
from schemas.envelope import MAX_RECORD_BYTES
from schemas.errors import BrokenLaw

__all__ = ["Batch", "Totals", "Writer", "event_rows", "patiently", "time_ranges"]

_ATTEMPTS: Final = 6
_FIRST_WAIT_SECONDS: Final = 0.4
_HOUR: Final = 3_600_000_000

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one micro-batch held: `read` records, of which each is new, known, repeated or of one erased.

    `malformed`, `rescued` and `late` ones are among them.
    """

    read: int
    new: int
    known: int
    repeated: int
    erased: int
    malformed: int
    rescued: int
    late: int


@dataclass(slots=True)
class Totals:
    """What all micro-batches of a run held."""

    num_batches: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)


def event_rows(form: Form) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """From the bytes of records (`RAW_ROWS`) to rows of the form's table, with how often each was there.

    Equal records that stand close together become one row here, so that a flood of copies costs nothing
    later.
    """
    schema = form.table.schema.append(pa.field("copies", pa.int64()))

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found: dict[str, dict[str, Any]] = {}
            for row in batch.to_pylist():
                record = _record(row)
                if record.record_id in found:
                    found[record.record_id]["copies"] += 1
                    continue
                made = bronze_row(row["source_file"], record, form, place=_place(row), damage=row["damage"])
                if row["source_line"] is None and "source_line" in made:
                    made["source_line"] = None
                found[record.record_id] = made | {"copies": 1}
            yield pa.RecordBatch.from_pylist(list(found.values()), schema=schema)

    return run


def _record(row: dict[str, Any]) -> Record:
    if row["record_id"] is not None:
        return Record(
            row["source_line"], row["source_offset"], row["num_bytes"], row["raw"], row["record_id"]
        )
    raw = (row["raw"] or b"").removesuffix(b"\n").removesuffix(b"\r")
    kept = raw if len(raw) <= MAX_RECORD_BYTES else None
    return Record(0, row["source_offset"], len(raw), kept, record_id_of(raw))


def _place(row: dict[str, Any]) -> str | None:
    """Where a record without a line is."""
    return None if row["source_line"] is not None else f"{row['source_file']} offset {row['source_offset']}"


@dataclass(slots=True)
class Writer:
    """Commits micro-batches of one application to one lake; called by Spark with a batch and its number."""

    lake: Lake
    form: Form
    application: str
    follow: Callable[[DataFrame], dict[str, int]] | None = None
    """Brings silver along, from the conversations that the batch touched."""
    before: Callable[[], None] | None = None
    """What has to be in the lake before the batch."""
    watermark: Watermark | None = None
    totals: Totals = field(default_factory=Totals)

    def __call__(self, raw: DataFrame, number: int) -> None:
        started = time.monotonic()
        form = replace(self.form, erased=ErasedSubjects.of(self.lake))
        if self.before is not None:
            self.before()
        schema = spark_schema(self.form.table).add("copies", LongType())
        # Several records of one digest are one row, at its first place.
        same = Window.partitionBy("record_id")
        place = F.row_number().over(same.orderBy("source_file", "source_offset"))
        rows = (
            raw.mapInArrow(event_rows(form), schema)
            .withColumn("place", place)
            .withColumn("copies", F.sum("copies").over(same))
            .where("place = 1")
            .drop("place")
            .persist()
        )
        try:
            batch = self._commit(rows, number)
            purge_later(self.lake, form.erased)
        finally:
            rows.unpersist()
        self.totals.num_batches += 1
        seconds = time.monotonic() - started
        counts = " ".join(f"{name}={getattr(batch, name)}" for name in Batch.__slots__)
        logger.info("batch %d: %s seconds=%.1f", number, counts, seconds)

    def _commit(self, rows: DataFrame, number: int) -> Batch:
        watermark = self.watermark
        hours = _by_hour(rows, None if watermark is None else watermark.micros)
        num_distinct = sum(row["num"] - row["erased"] for row in hours)
        num_read = sum(row["copies"] for row in hours)
        num_erased = sum(row["erased"] for row in hours)
        num_rescued = sum(row["rescued"] for row in hours)
        fields = rescued_fields(rows) if num_rescued else {}
        written = rows.where(~is_erased()).drop("copies")
        if self.form.settle is not None:
            written, _ = self.form.settle(written)
        within = time_ranges(hours)
        merged = Merged(num_inserted=0, num_updated=0)
        if num_distinct:
            txn = (self.application, number)
            merged = patiently(lambda: self._merge(written, within, txn), f"batch {number}")
        if merged.num_inserted > num_distinct:
            raise BrokenLaw(f"conservation: {num_distinct} records came, {merged.num_inserted} were written")
        follow = self.follow
        if follow is not None:
            changed = changed_conversations(rows)
            self.totals.counts.update(patiently(lambda: follow(changed), f"batch {number}"))
        batch = Batch(
            read=num_read,
            new=merged.num_inserted,
            known=num_distinct - merged.num_inserted,
            repeated=num_read - num_distinct - num_erased,
            erased=num_erased,
            malformed=sum(row["malformed"] for row in hours) - num_erased,
            rescued=num_rescued,
            late=sum(row["late"] for row in hours),
        )
        if watermark is not None:
            watermark.saw(hours)
        for name in Batch.__slots__:
            self.totals.counts[name] += getattr(batch, name)
        self.totals.fields.update(fields)
        return batch

    def _merge(self, rows: DataFrame, within: str, txn: tuple[str, int]) -> Merged:
        return self.lake.merge(rows, self.form.table, insert_only=True, distinct=True, within=within, txn=txn)


def patiently(work: Callable[[], Result], what: str) -> Result:
    """Do it, and when another writer was faster, again: a stream waits longer than a job."""
    return retried(work, attempts=_ATTEMPTS, first_seconds=_FIRST_WAIT_SECONDS, what=what)


def changed_conversations(rows: DataFrame) -> DataFrame:
    """The conversations that these rows belong to, with the first and the last time of what came."""
    sound = rows.where(F.col("problem_code").isNull())
    return sound.groupBy("conversation_id").agg(
        F.min("event_time").alias("first_time"), F.max("event_time").alias("last_time")
    )


def _by_hour(rows: DataFrame, late_before: int | None) -> list[Row]:
    """Counts of the rows by the hour of their time; null is the hour of those without."""
    micros = F.unix_micros("event_time")
    return (
        rows.groupBy(F.floor(micros / _HOUR).alias("hour"))
        .agg(
            F.min(micros).alias("first"),
            F.max(micros).alias("last"),
            F.count(F.lit(1)).alias("num"),
            F.sum("copies").alias("copies"),
            F.count("problem_code").alias("malformed"),
            F.count("rescued").alias("rescued"),
            F.count_if(is_erased()).alias("erased"),
            F.count_if(micros < F.lit(late_before)).alias("late"),
            F.slice(F.sort_array(F.collect_set("shop_id")), 1, WITNESSES).alias("shops"),
        )
        .collect()
    )


def time_ranges(hours: Sequence[Row]) -> str:
    """A condition of `there` that holds for each event of these times: a span for each hour, if not too many.

    One event of another year costs the files of its hour, not those of all years between.
    """
    timed = [(row["first"], row["last"]) for row in hours if row["hour"] is not None]
    spans = joined_spans((moment(first), moment(last)) for first, last in timed)
    found = [spans_sql("there.event_time", spans)] if spans else []
    if len(timed) < len(hours):
        found.append("there.event_time IS NULL")
    return " OR ".join(found)
