"""What came lately, built alone, leaves the rows that a build of everything leaves."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import functions as F  # noqa: E402

from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.conversations import (  # noqa: E402
    ConversationPolicy,
    build,
    build_changed,
    count_conversations,
    settle,
    settled,
    time_of,
)
from pipelines.lake import Lake  # noqa: E402
from schemas.conversation import Event  # noqa: E402
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS  # noqa: E402
from schemas.tools import canonical_json  # noqa: E402
from tests.pipelines.recordings import events_of  # noqa: E402

POLICY = ConversationPolicy()
TALK = events_of("Tag big orders as vip")
BLANK = dict.fromkeys(BRONZE_EVENTS.schema.names)


def talk(name: str, *, days: float = 0, shop: str = "", until: int | None = None) -> list[Event]:
    """The recorded conversation under another name, so many days later, or its first `until` events."""
    return [
        replace(
            event,
            event_id=f"{name}-{event.sequence}",
            conversation_id=name,
            shop_id=shop or f"shop-{name}",
            time=event.time + timedelta(days=days),
        )
        for event in TALK[:until]
    ]


def acts(talked: list[Event], kind: str, days: float) -> Event:
    last = talked[-1]
    about = {"workflow_id": "workflow-1", "workflow_version": 1}
    return replace(
        last,
        event_id=f"{last.conversation_id}-{kind}",
        sequence=last.sequence + 1,
        time=talked[0].time + timedelta(days=days),
        kind=kind,  # type: ignore[arg-type]
        payload=canonical_json(about),
    )


def bring(lake: Lake, events: Iterable[Event]) -> dict[str, int]:
    """Append the events to bronze, build what changed as of the time before, and settle it."""
    rows = [
        {
            **BLANK,
            **{name: getattr(event, name) for name in Event.__slots__ if name != "time"},
            "event_time": event.time,
            "record_id": f"{event.event_id}@{event.time}",
        }
        for event in events
    ]
    frame = lake.spark.createDataFrame(rows, spark_schema(BRONZE_EVENTS))
    lake.append(frame, BRONZE_EVENTS)
    as_of = time_of(lake.read(SILVER_CONVERSATIONS), POLICY)
    counts = build_changed(lake, changed_by(lake, rows), POLICY, as_of)
    return {**counts, "settled": settle(lake, POLICY)[1]}


def changed_by(lake: Lake, rows: list[dict[str, Any]]) -> Any:
    frame = lake.spark.createDataFrame(rows, spark_schema(BRONZE_EVENTS))
    return frame.groupBy("conversation_id").agg(
        F.min("event_time").alias("first_time"), F.max("event_time").alias("last_time")
    )


def stored(lake: Lake) -> list[dict[str, Any]]:
    return sorted(lake.read(SILVER_CONVERSATIONS).toArrow().to_pylist(), key=lambda row: row["record_id"])


def whole(lake: Lake) -> list[dict[str, Any]]:
    """What a build of everything gives at this moment."""
    facts = build(lake.read(BRONZE_EVENTS), POLICY).persist()
    as_of = time_of(facts, POLICY)
    rows = settled(facts, as_of, POLICY)
    count_conversations(lake.read(BRONZE_EVENTS), lake.read(SILVER_CONVERSATIONS), as_of)
    found = rows.select(*SILVER_CONVERSATIONS.schema.names).toArrow().to_pylist()
    facts.unpersist()
    return sorted(found, key=lambda row: row["record_id"])


def test_in_any_order_of_arrival_the_rows_are_those_of_one_build(lake: Lake) -> None:
    on, off, late = talk("on"), talk("off", days=1), talk("late", days=2)
    events = [
        *on, acts(on, "activated", 1), *off, acts(off, "deactivated", 2), *late, acts(late, "activated", 6.5),
        *talk("silent", days=3), *talk("broken", days=4, until=5), *talk("cut", days=12.5, until=7),
        *talk("newest", days=12.52), *talk("skewed", days=4000),
    ]  # fmt: skip
    random.Random(5).shuffle(events)
    half = len(events) // 2
    for some in (events[:half], events[half:]):
        bring(lake, some)
        assert stored(lake) == whole(lake)
    told = {row["conversation_id"]: (row["activated"], row["closed"]) for row in stored(lake)}
    assert told == {
        "on": (True, True), "off": (False, True), "late": (True, True), "silent": (False, True),
        "broken": (None, True), "cut": (None, False), "newest": (None, True), "skewed": (None, True),
    }  # fmt: skip
