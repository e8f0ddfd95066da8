"""Conversations of a whole lake, or of what changed in it: the same rows either way.

A build of what changed reads the events of those conversations alone, from the files that may hold them: the
files of bronze tell the times of their events and no ids. What time changed needs no events: the rows keep
the times that say so. Conversations whose events came into bronze without a build wait for one of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.conversations.policy import ConversationPolicy
from pipelines.conversations.rows import SPOKEN, Unread, conversation_row
from pipelines.conversations.settling import TIMES, columns_at, settled, time_of, unsettled_at
from pipelines.lake import Lake
from pipelines.mirror.stored import keep_migrated
from schemas.conversation import Event
from schemas.errors import BrokenLaw
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS

__all__ = ["build", "build_changed", "count_conversations", "joined_spans"]

_READ: Final = (
    *("event_id", "conversation_id", "shop_id", "sequence", "event_time", "kind", "payload"),
    *("model", "contract", "arm"),
)
_BYTES_BESIDE_THE_PAYLOAD: Final = 256
_MOST_SPANS: Final = 24
_HOUR: Final = timedelta(hours=1)

Span = tuple[datetime, datetime]


def build(bronze: DataFrame, policy: ConversationPolicy) -> DataFrame:
    """One `silver.conversations` row for each conversation that a sound event belongs to, not yet settled."""
    together = Window.partitionBy("conversation_id")
    size = F.sum(F.length("payload") + F.lit(_BYTES_BESIDE_THE_PAYLOAD)).over(together)
    spoken = F.max(F.when(F.col("kind").isin(*SPOKEN), F.col("event_time"))).over(together)
    ended = F.max("event_time").over(together)
    place = F.row_number().over(together.orderBy("sequence", "event_id", "record_id"))
    events = (
        bronze.where(F.col("problem_code").isNull())
        .select("record_id", *_READ)
        .withColumn("large", size > policy.max_bytes)
        .withColumn("num_events", F.count(F.lit(1)).over(together))
        .withColumn("started_at", F.min("event_time").over(together))
        .withColumn("ended_at", ended)
        .withColumn("spoken_at", F.coalesce(spoken, ended))
        .withColumn("place", place)
        # Of what is too large for an executor the first event stands for all, without its words.
        .where(~F.col("large") | (F.col("place") == 1))
        .withColumn("payload", F.when(~F.col("large"), F.col("payload")))
    )
    return events.groupBy("conversation_id").applyInArrow(
        _builder(policy), spark_schema(SILVER_CONVERSATIONS)
    )


def build_changed(lake: Lake, changed: DataFrame, policy: ConversationPolicy) -> dict[str, int]:
    """Bring conversations with new events, and what time changed, into `silver.conversations`.

    `changed` has a row a conversation: `conversation_id`, and the least and the greatest `event_time` of what
    came, `first_time` and `last_time`. Doing it again changes nothing. A row that another job migrates to a
    new contract at the same moment may lose that, and gets it back the next time.

    Returns how many conversations were looked at, are new, changed, and were settled by time alone.

    Raises:
        Transient: where another writer was faster; trying again is safe.
    """
    ids = changed.where(F.col("conversation_id").isNotNull()).persist()
    stored = lake.read(SILVER_CONVERSATIONS)
    spans = _spans(stored, ids)
    facts = build(_of(lake.read(BRONZE_EVENTS).where(_within("event_time", spans)), ids), policy).persist()
    others = stored.join(F.broadcast(ids), "conversation_id", "left_anti")
    times = ("shop_id", *TIMES)
    as_of = time_of(others.select(*times).unionByName(facts.select(*times)), policy)
    before = _of(stored.where(_within("started_at", spans)), ids).persist()
    rows = keep_migrated(settled(facts, as_of, policy), before)
    written = lake.merge(rows, SILVER_CONVERSATIONS, distinct=True, known=before)
    late = columns_at(as_of, policy)
    num_settled = lake.update(SILVER_CONVERSATIONS, late, where=unsettled_at(as_of, policy))
    num = facts.count()
    for cached in (ids, facts, before):
        cached.unpersist()
    return {
        "conversations": num,
        "new": written.num_inserted,
        "changed": written.num_updated,
        "settled": num_settled,
    }


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


def joined_spans(spans: Iterable[Span], most: int = _MOST_SPANS) -> list[Span]:
    """At most so many spans that hold all of these, in order and apart: the nearest ones become one."""
    apart: list[Span] = []
    for first, last in sorted(spans):
        if apart and first <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(last, apart[-1][1]))
        else:
            apart.append((first, last))
    gaps = sorted(range(1, len(apart)), key=lambda place: apart[place][0] - apart[place - 1][1])
    closed = set(gaps[: max(0, len(apart) - most)])
    joined: list[Span] = []
    for place, (first, last) in enumerate(apart):
        if place in closed:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _spans(stored: DataFrame, ids: DataFrame) -> list[Span]:
    """When the events of these conversations happened, those of before and those that came, by the hour."""
    # What an earlier build left has no `spoken_at`, and may have events before its `started_at`.
    since = F.when(F.col("spoken_at").isNotNull(), F.col("started_at"))
    before = _of(stored, ids).select(
        "conversation_id",
        F.coalesce(since, F.timestamp_micros(F.lit(0))).alias("first_time"),
        F.col("ended_at").alias("last_time"),
    )
    hours = (
        before.unionByName(ids.select("conversation_id", "first_time", "last_time"))
        .groupBy("conversation_id")
        .agg(F.min("first_time").alias("first"), F.max("last_time").alias("last"))
        .select(*(F.unix_seconds(F.date_trunc("hour", name)).alias(name) for name in ("first", "last")))
        .distinct()
    )
    return joined_spans(
        (datetime.fromtimestamp(row["first"], UTC), datetime.fromtimestamp(row["last"], UTC) + _HOUR)
        for row in hours.collect()
    )


def _of(rows: DataFrame, ids: DataFrame) -> DataFrame:
    """Those of the rows that belong to one of the conversations."""
    return rows.join(F.broadcast(ids.select("conversation_id")), "conversation_id", "left_semi")


def _within(column: str, spans: Iterable[Span]) -> Column:
    """Whether the column is in one of the spans: what lets Delta leave out the files that hold none."""
    inside = ((F.col(column) >= F.lit(first)) & (F.col(column) < F.lit(last)) for first, last in spans)
    return reduce(Column.__or__, inside, F.lit(False))


def _builder(policy: ConversationPolicy) -> Callable[[pa.Table], pa.Table]:
    def run(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        events = [
            Event(time=row["event_time"], **{name: row[name] for name in _READ if name != "event_time"})
            for row in rows
        ]
        known = {field.name: rows[0][field.name] for field in fields(Unread)}
        unread = Unread(**known) if rows[0]["large"] else None
        made = conversation_row(events, policy, unread=unread)
        return pa.Table.from_pylist([made], schema=SILVER_CONVERSATIONS.schema)

    return run
