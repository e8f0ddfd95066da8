"""Conversations of a whole lake, or of what changed in it: the same rows either way.

A build of what changed reads the events of those conversations alone, from the files that may hold them: the
files of bronze tell the times of their events and no ids. What time changed needs no events: the rows keep
the times that say so, and `settle` reads nothing else. Conversations whose events came into bronze without a
build wait for one of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.conversations.policy import ConversationPolicy
from pipelines.conversations.rows import SPOKEN, Unread, conversation_row
from pipelines.conversations.settling import columns_at, settled, time_of, unsettled_at
from pipelines.lake import Lake
from pipelines.mirror.stored import keep_migrated
from pipelines.time_spans import Span, joined_spans, spans_sql
from schemas.conversation import Event
from schemas.errors import BrokenLaw
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS

__all__ = ["build", "build_changed", "count_conversations", "settle"]

_READ: Final = (
    *("event_id", "conversation_id", "shop_id", "sequence", "event_time", "kind", "payload"),
    *("model", "contract", "arm"),
)
_BYTES_BESIDE_THE_PAYLOAD: Final = 256
_HOUR: Final = timedelta(hours=1)
_ROWS_A_BATCH: Final = 64
_CHARACTERS_A_BATCH: Final = 4 << 20


def build(bronze: DataFrame, policy: ConversationPolicy) -> DataFrame:
    """One `silver.conversations` row for each conversation that a sound event belongs to, not yet settled."""
    together = Window.partitionBy("conversation_id")
    size = F.sum(F.length("payload") + F.lit(_BYTES_BESIDE_THE_PAYLOAD)).over(together)
    spoken = F.max(F.when(F.col("kind").isin(*SPOKEN), F.col("event_time"))).over(together)
    ended = F.max("event_time").over(together)
    place = F.row_number().over(together.orderBy("sequence", "event_id", "record_id"))
    found = {
        "large": size > policy.max_bytes,
        "num_events": F.count(F.lit(1)).over(together),
        "started_at": F.min("event_time").over(together),
        "ended_at": ended,
        "spoken_at": F.coalesce(spoken, ended),
        "place": place,
    }
    events = (
        bronze.where(F.col("problem_code").isNull())
        .select("record_id", *_READ)
        .withColumns(found)
        # Of what is too large for an executor the first event stands for all, without its words.
        .where(~F.col("large") | (F.col("place") == 1))
        .withColumn("payload", F.when(~F.col("large"), F.col("payload")))
    )
    # The windows have put each conversation into one partition. A call of Python for each would cost more
    # than its row.
    return events.sortWithinPartitions("conversation_id").mapInArrow(
        _builder(policy), spark_schema(SILVER_CONVERSATIONS)
    )


def build_changed(
    lake: Lake, changed: DataFrame, policy: ConversationPolicy, as_of: datetime | None
) -> dict[str, int]:
    """Bring conversations with new events into `silver.conversations`, as they are at `as_of`.

    `changed` has a row a conversation: `conversation_id`, and the least and the greatest `event_time` of what
    came, `first_time` and `last_time`. Doing it again changes nothing. A row that another job migrates to a
    new contract at the same moment may lose that, and gets it back the next time. The events that came may
    have moved time on: `settle` says so in the end, of these rows and of all others.

    Returns how many conversations are new and how many changed.

    Raises:
        Transient: where another writer was faster; trying again is safe.
    """
    ids = changed.where(F.col("conversation_id").isNotNull()).persist()
    stored = lake.read(SILVER_CONVERSATIONS)
    spans = _spans(stored, ids)
    events = lake.read(BRONZE_EVENTS).where(spans_sql("event_time", spans))
    facts = build(_of(events, ids), policy)
    before = _of(stored.where(spans_sql("started_at", spans)), ids).persist()
    rows = keep_migrated(settled(facts, as_of, policy), before)  # the merge computes them once
    within = spans_sql("there.started_at", spans)
    try:
        written = lake.merge(rows, SILVER_CONVERSATIONS, distinct=True, known=before, within=within)
    finally:
        for cached in (ids, before):
            cached.unpersist()
    return {"new": written.num_inserted, "changed": written.num_updated}


def settle(lake: Lake, policy: ConversationPolicy) -> tuple[datetime | None, int]:
    """Bring the stored conversations to the lake's time; gives that, and how many rows it changed.

    Raises:
        Transient: where another writer was faster; trying again is safe.
    """
    as_of = time_of(lake.read(SILVER_CONVERSATIONS), policy)
    late = columns_at(as_of, policy)
    return as_of, lake.update(SILVER_CONVERSATIONS, late, where=unsettled_at(as_of, policy))


def count_conversations(bronze: DataFrame, built: DataFrame, as_of: datetime | None) -> dict[str, int]:
    """How many events were read and where they are, and what the conversations are.

    `open` are those that may go on, `ahead` those of which something happened later than `as_of`.

    Raises:
        BrokenLaw: when an event is nowhere, or twice.
    """
    came = bronze.agg(
        F.count(F.lit(1)).alias("events"),
        F.count("problem_code").alias("malformed"),
    ).collect()[0]
    made = built.agg(
        *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("num_events", "num_repeated")),
        F.coalesce(F.sum("num_redacted"), F.lit(0)).alias("redacted"),
        F.count("problem_code").alias("refused"),
        F.count_if(~F.col("closed")).alias("open"),
        F.count_if(F.col("ended_at") > F.lit(as_of)).alias("ahead"),
        F.count(F.lit(1)).alias("conversations"),
    ).collect()[0]
    counted = {
        "events": int(came["events"]),
        "in_conversations": int(made["num_events"]),
        "repeated": int(made["num_repeated"]),
        "malformed": int(came["malformed"]),
    }
    if counted["events"] != counted["in_conversations"] + counted["repeated"] + counted["malformed"]:
        raise BrokenLaw(f"conservation: {counted} do not add up")
    kinds = ("conversations", "refused", "open", "ahead", "redacted")
    return {**counted, **{name: int(made[name]) for name in kinds}}


def _spans(stored: DataFrame, ids: DataFrame) -> list[Span]:
    """When the events of these conversations happened, those of before and those that came, by the hour."""
    # What an earlier build left has no `spoken_at`, and may have events before its `started_at`.
    since = F.when(F.col("spoken_at").isNotNull(), F.col("started_at"))
    before = _of(stored, ids).select(
        F.coalesce(since, F.timestamp_micros(F.lit(0))).alias("first"), F.col("ended_at").alias("last")
    )
    both = before.unionByName(
        ids.select(F.col("first_time").alias("first"), F.col("last_time").alias("last"))
    )
    hours = both.select(*(F.unix_seconds(F.date_trunc("hour", name)).alias(name) for name in both.columns))
    return joined_spans(
        (datetime.fromtimestamp(row["first"], UTC), datetime.fromtimestamp(row["last"], UTC) + _HOUR)
        for row in hours.distinct().collect()
    )


def _of(rows: DataFrame, ids: DataFrame) -> DataFrame:
    """Those of the rows that belong to one of the conversations."""
    return rows.join(F.broadcast(ids.select("conversation_id")), "conversation_id", "left_semi")


def _builder(policy: ConversationPolicy) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """From events, those of one conversation next to each other, to rows."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        events = (row for batch in batches for row in batch.to_pylist())
        together = (list(rows) for _, rows in groupby(events, key=itemgetter("conversation_id")))
        for some in _in_batches(_row(rows, policy) for rows in together):
            yield pa.RecordBatch.from_pylist(some, schema=SILVER_CONVERSATIONS.schema)

    return run


def _in_batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows, so many together that their words take little memory."""
    some: list[dict[str, Any]] = []
    num_characters = 0
    for row in rows:
        some.append(row)
        num_characters += len(row["messages"])
        if len(some) == _ROWS_A_BATCH or num_characters >= _CHARACTERS_A_BATCH:
            yield some
            some, num_characters = [], 0
    if some:
        yield some


def _row(rows: Sequence[dict[str, Any]], policy: ConversationPolicy) -> dict[str, Any]:
    """The row of one conversation from those of its events."""
    events = [
        Event(time=row["event_time"], **{name: row[name] for name in _READ if name != "event_time"})
        for row in rows
    ]
    known = {field.name: rows[0][field.name] for field in fields(Unread)}
    return conversation_row(events, policy, unread=Unread(**known) if rows[0]["large"] else None)
