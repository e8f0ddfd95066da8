"""The gate over a lake: production of a week and what would train in it, held against today's contract.

    report, counts = check(lake, Week.parse("2026-W47"))
    if report.failures: ...     # a build of that week would show the model something else

Production is what was recorded in the week and the one before it. What would train is the week's synthetic
conversations, recorded ones that were routed to training, and those that were not routed yet. It is out of
line where a row that would train has a difference, and where production ran another contract that nobody has
the text of, that is newer than training's, or of which sound conversations were not migrated. What differs
elsewhere is told and stops nothing. Not here yet: conversations of more than `MAX_BYTES`, which are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.lake import Lake
from pipelines.mirror.differences import Difference, is_newer
from pipelines.mirror.findings import Finding, findings_in_events, findings_in_row
from pipelines.mirror.report import MOST_DIFFERENCES, Counts, Example, Ran, Report, Seen
from pipelines.mirror.stored import migrate
from pipelines.routing import unbuilt
from schemas.conversation import Event
from schemas.errors import UsageError
from schemas.table import TIMESTAMP
from schemas.tables import (
    BRONZE_CONTRACTS,
    BRONZE_EVENTS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
    SILVER_SYNTHETIC,
)
from schemas.tools import CONTRACT, Contract
from schemas.weeks import Week

__all__ = ["MAX_BYTES", "check", "migrate_stored"]

MAX_BYTES: Final = 16 << 20
"""A conversation whose calls and answers have more bytes is not looked at: silver refuses it."""

_EVENT: Final = (
    *("event_id", "conversation_id", "shop_id", "sequence", "event_time", "kind", "payload"),
    *("model", "contract", "arm"),
)
_SPOKEN: Final = ("message", "tool_call", "tool_result")
_FOUND: Final = pa.schema(
    [
        *(
            pa.field(name, pa.string())
            for name in ("name", "kind", "detail", "conversation", "place", "excerpt")
        ),
        pa.field("at", TIMESTAMP),
        pa.field("num_events", pa.int64()),
        pa.field("trains", pa.bool_()),
    ]
)
_DIFFERENCE: Final = ("name", "kind", "detail")
_ROWS_A_BATCH: Final = 1024
_NAMED: Final = 3
"""Differences that a failure names; it counts the others."""

Batches = Iterable[pa.RecordBatch]


def check(lake: Lake, week: Week) -> tuple[Report, Counts]:
    """What differs, and how much was looked at.

    Raises:
        UsageError: where conversations came in that silver does not have yet.
    """
    all_events, conversations = lake.read(BRONZE_EVENTS), lake.read(SILVER_CONVERSATIONS)
    if num_unbuilt := unbuilt(all_events, conversations).count():
        raise UsageError(f"{num_unbuilt} conversations have only events; run build_conversations first.")
    texts = _texts(lake)
    events = _of_production(all_events, week).persist()
    rows = _rows(_conversations(lake, week), F.col("conversation_id"), F.col("started_at")).unionByName(
        _rows(_synthetic(lake, week), F.col("record_id"), F.lit(None).cast("timestamp"))
    )
    rows = rows.persist()
    small = events.where(~F.col("large"))
    found = small.groupBy("conversation_id").applyInArrow(_in_events(texts), from_arrow_schema(_FOUND))
    found = found.unionByName(rows.mapInArrow(_in_rows(texts), from_arrow_schema(_FOUND))).persist()
    seen, num_differences = _seen(found)
    looked_at = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if("trains").alias("training"),
        F.count("migration_problem").alias("not_migrated"),
    )
    counted = {name: int(number) for name, number in looked_at.collect()[0].asDict().items()}
    ran, num_large = _ran(events, texts)
    failures = [*_of_rows(found), *_of_contracts(ran, texts, conversations, week)]
    for cached in (events, rows, found):
        cached.unpersist()
    report = Report(
        ran=ran,
        seen=seen,
        num_rows=counted["rows"],
        num_training=counted["training"],
        failures=failures,
    )
    return report, {
        "week": str(week),
        "conversations": sum(each.num_conversations for each in ran),
        "events": sum(each.num_events for each in ran),
        "too_large": num_large,
        **counted,
        "differences": num_differences,
    }


def migrate_stored(lake: Lake, week: Week) -> dict[str, int]:
    """Bring what would train, or is kept from it by its contract alone, to today's contract.

    Counts the rows that were brought there now; `check` counts those that cannot be.
    """
    texts = _texts(lake)
    num_migrated = 0
    for table, chosen in (
        (SILVER_CONVERSATIONS, _conversations(lake, week)),
        (SILVER_SYNTHETIC, _synthetic(lake, week)),
    ):
        changed = migrate(chosen, table, texts).persist()
        sound = F.col("migration_problem").isNull() & F.col("recorded_contract").isNotNull()
        numbers = changed.agg(F.count(F.lit(1)).alias("all"), F.count_if(sound).alias("migrated"))
        counted = numbers.collect()[0]
        if counted["all"]:
            lake.merge(changed, table, distinct=True)
        changed.unpersist()
        num_migrated += int(counted["migrated"])
    return {"migrated": num_migrated}


# -- what is looked at ----------------------------------------------------------------------------------


def _texts(lake: Lake) -> dict[str, str]:
    """Contracts that production told of, by fingerprint."""
    known = lake.read(BRONZE_CONTRACTS).where(F.col("problem_code").isNull()).select("contract", "text")
    return {row["contract"]: row["text"] for row in known.collect()}


def _of_production(events: DataFrame, week: Week) -> DataFrame:
    """What was said in the week and the one before it, with whether its conversation is `large`."""
    size = F.sum(F.length("payload")).over(Window.partitionBy("conversation_id"))
    start, end = (F.lit(moment) for moment in (_before(week).start, week.start + timedelta(days=7)))
    return (
        events.where(F.col("problem_code").isNull() & F.col("kind").isin(*_SPOKEN))
        .where((F.col("event_time") >= start) & (F.col("event_time") < end))
        .select(*_EVENT)
        .withColumn("large", size > MAX_BYTES)
    )


def _conversations(lake: Lake, week: Week) -> DataFrame:
    """Sound conversations that train, may yet, or do not because of their contract; with `trains`."""
    fates = lake.read(GOLD_FATES).where((F.col("kind") == "conversation") & (F.col("week") <= str(week)))
    fated = fates.groupBy("record_id").agg(
        F.bool_or(F.col("fate") == "training").alias("_admitted"),
        F.bool_or(F.col("reason") == "other_contract").alias("_other"),
    )
    sound = lake.read(SILVER_CONVERSATIONS).where(
        F.col("problem_code").isNull() & (F.col("week") <= str(week))
    )
    may_train = F.coalesce("_admitted", F.lit(True))
    recent = F.col("week") >= str(_before(week))
    return (
        sound.join(fated, "record_id", "left")
        .where(may_train | F.coalesce("_other", F.lit(False)) | recent)
        .withColumn("trains", may_train & F.col("migration_problem").isNull())
        .drop("_admitted", "_other")
    )


def _synthetic(lake: Lake, week: Week) -> DataFrame:
    """Sound synthetic conversations of the week's workflows; with `trains`."""
    admitted = lake.read(GOLD_FATES).where(
        (F.col("kind") == "workflow") & (F.col("week") == str(week)) & (F.col("fate") == "training")
    )
    workflows = admitted.select(F.col("record_id").alias("workflow_record_id"))
    sound = lake.read(SILVER_SYNTHETIC).where(F.col("problem_code").isNull())
    return sound.join(workflows, "workflow_record_id", "left_semi").withColumn(
        "trains", F.col("migration_problem").isNull()
    )


def _rows(chosen: DataFrame, conversation: Column, at: Column) -> DataFrame:
    named = conversation.alias("conversation"), at.alias("at")
    return chosen.select(*named, "messages", "contract", "trains", "migration_problem")


def _before(week: Week) -> Week:
    return Week.of(week.start - timedelta(days=7))


# -- on the executors -----------------------------------------------------------------------------------


def _in_events(texts: Mapping[str, str]) -> Callable[[pa.Table], pa.Table]:
    def run(table: pa.Table) -> pa.Table:
        events = [
            Event(time=row["event_time"], **{name: row[name] for name in _EVENT if name != "event_time"})
            for row in table.to_pylist()
        ]
        by_place = {event.sequence: event for event in events}
        ordered = [by_place[place] for place in sorted(by_place)]
        found = [_plain(each) for each in findings_in_events(ordered, texts)]
        return pa.Table.from_pylist(found, schema=_FOUND)

    return run


def _in_rows(texts: Mapping[str, str]) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found: list[dict[str, Any]] = []
            for number in range(batch.num_rows):
                row = batch.slice(number, 1).to_pylist()[0]
                found += map(_plain, findings_in_row(row, texts))
                if len(found) >= _ROWS_A_BATCH:
                    yield pa.RecordBatch.from_pylist(found, schema=_FOUND)
                    found = []
            yield pa.RecordBatch.from_pylist(found, schema=_FOUND)

    return run


def _plain(finding: Finding) -> dict[str, Any]:
    told = asdict(finding)
    return {**told.pop("difference"), **told}


# -- what comes of it -----------------------------------------------------------------------------------


def _seen(found: DataFrame) -> tuple[list[Seen], int]:
    """The most frequent differences, and how many there are."""
    example = F.struct("conversation", "place", "excerpt")
    counted = found.groupBy(*_DIFFERENCE).agg(
        F.count_distinct("conversation").alias("num_conversations"),
        F.sum("num_events").alias("num_events"),
        F.count_distinct(F.when(F.col("trains"), F.col("conversation"))).alias("num_training"),
        F.min("at").alias("first"),
        F.max("at").alias("last"),
        # Three at most, without holding all of them: the first, the last and the earliest.
        F.array(F.min(example), F.max(example), F.min_by(example, "at")).alias("examples"),
    )
    counted = counted.persist()
    order = [F.desc("num_conversations"), F.desc("num_events"), *map(F.col, _DIFFERENCE)]
    rows = counted.orderBy(*order).limit(MOST_DIFFERENCES).toArrow().to_pylist()
    seen = [
        Seen(
            difference=Difference(row["name"], row["kind"], row["detail"]),
            examples=tuple(sorted({Example(**each) for each in row["examples"] if each})),
            **{
                name: row[name]
                for name in ("num_conversations", "num_events", "num_training", "first", "last")
            },
        )
        for row in rows
    ]
    num_differences = len(seen) if len(seen) < MOST_DIFFERENCES else counted.count()
    counted.unpersist()
    return seen, num_differences


def _ran(events: DataFrame, texts: Mapping[str, str]) -> tuple[list[Ran], int]:
    """The contracts that production ran, and how many conversations were too large to look at."""
    counted = events.groupBy("contract").agg(
        F.count_distinct("conversation_id").alias("num_conversations"),
        F.count(F.lit(1)).alias("num_events"),
        F.count_distinct(F.when(F.col("large"), F.col("conversation_id"))).alias("num_large"),
    )
    rows = counted.orderBy(F.desc("num_conversations"), "contract").toArrow().to_pylist()
    num_large = sum(row.pop("num_large") for row in rows)
    known = {**texts, CONTRACT.fingerprint(): CONTRACT.to_json()}
    versions = {name: Contract.from_json(text).version for name, text in known.items()}
    return [Ran(version=versions.get(row["contract"], ""), **row) for row in rows], num_large


def _of_rows(found: DataFrame) -> list[str]:
    """Why the rows that would train are out of line; no limit of the report hides one."""
    training = found.where("trains")
    num = training.select("conversation").distinct().count()
    if not num:
        return []
    counted = training.groupBy(*_DIFFERENCE).agg(F.count_distinct("conversation").alias("num")).persist()
    order = [F.desc("num"), *map(F.col, _DIFFERENCE)]
    named = [Difference(*row[:-1]) for row in counted.orderBy(*order).limit(_NAMED).collect()]
    more = counted.count() - len(named)
    counted.unpersist()
    return [
        f"{num} conversations that would train show the model something else "
        f"({'; '.join(map(str, named))}{f'; and {more} more' if more else ''})"
    ]


def _of_contracts(
    ran: Sequence[Ran], texts: Mapping[str, str], conversations: DataFrame, week: Week
) -> Iterator[str]:
    """Why what production ran is no contract to build for."""
    for each in ran:
        if each.contract == CONTRACT.fingerprint():
            continue
        named = f"production ran contract {each.contract[:12]}"
        if each.contract not in texts:
            yield (
                f"{named}, and nobody has its text: ingest its .contract.json with the events "
                "(contract.json of the checkpoint that answered is the same text)"
            )
        elif is_newer(Contract.from_json(texts[each.contract]), CONTRACT):
            yield f"{named} ({each.version}), newer than training's {CONTRACT.version}: update training"
        else:
            waiting = conversations.where(
                (F.col("contract") == each.contract)
                & F.col("problem_code").isNull()
                & F.col("migration_problem").isNull()
                & F.col("week").between(str(_before(week)), str(week))
            ).count()
            if waiting:
                yield f"{named} ({each.version}), and {waiting} of its conversations were not migrated"
