"""The rows of erased subjects: found by digest, removed from every table, and what is left of them in fates.

Nothing here spells an id: rows are found by salted digests and deleted by their keys, so that no predicate in
a Delta log names anybody. What was made from a shop's workflow or conversation goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.erasure.subjects import ErasedSubjects
from pipelines.lake import Lake
from schemas.conversation import conversation_record_id
from schemas.table import Table
from schemas.tables import (
    BRONZE_EVENTS,
    BRONZE_WORKFLOWS,
    GOLD_EVALUATIONS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
    SILVER_JUDGMENTS,
    SILVER_SYNTHETIC,
    SILVER_WORKFLOWS,
)

__all__ = ["ERASED", "Found", "erased_fates", "find", "purge", "remove"]

ERASED: Final = "erased"
"""The fate of a record whose subject was forgotten, and its reason."""

_BLANKED: Final = ("workflow_id", "shop_id", "detail", "descriptor", "num_runs_7d")


@dataclass(frozen=True)
class Found:
    """What is there of some subjects: for each table the keys of its rows, and the records behind them."""

    keys: Mapping[Table, DataFrame]
    """In the order of removal: what was made from others first, because it is found by them."""
    records: DataFrame
    """`record_id` of every workflow, conversation and malformed line among them."""


def find(lake: Lake, subjects: ErasedSubjects, mentions: Mapping[Table, DataFrame] | None = None) -> Found:
    """What the lake has of `subjects`; `mentions` are keys of further rows of some tables that name them.

    Conversations are found by bronze's ids too: whatever silver calls the shop, the record is the same.
    """
    named = mentions or {}
    of_shop = subjects.condition(shop=F.col("shop_id"))
    of_both = subjects.condition(shop=F.col("shop_id"), conversation=F.col("conversation_id"))
    events = lake.read(BRONZE_EVENTS).where(of_both)
    ids = [row[0] for row in events.select("conversation_id").distinct().collect() if row[0] is not None]
    derived = lake.spark.createDataFrame(
        [(conversation_record_id(each),) for each in ids], "record_id string"
    )
    fated = _ids(lake.read(GOLD_FATES).where(of_shop))
    workflows = _union(
        _ids(lake.read(BRONZE_WORKFLOWS).where(of_shop)),
        _ids(lake.read(SILVER_WORKFLOWS).where(of_shop)),
        *(_ids(named[table]) for table in (BRONZE_WORKFLOWS, SILVER_WORKFLOWS) if table in named),
    )
    conversations = _union(
        _ids(lake.read(SILVER_CONVERSATIONS).where(of_both)),
        derived,
        *(_ids(named[table]) for table in (SILVER_CONVERSATIONS,) if table in named),
    )
    lines = _union(_ids(events), *(_ids(named[table]) for table in (BRONZE_EVENTS,) if table in named))
    records = _union(workflows, conversations, lines, fated).persist()
    made_from = records.withColumnRenamed("record_id", "workflow_record_id")
    synthetic = _ids(lake.read(SILVER_SYNTHETIC).join(made_from, "workflow_record_id", "left_semi"))
    synthetic = _union(synthetic, *(_ids(named[table]) for table in (SILVER_SYNTHETIC,) if table in named))
    judged = _union(records, synthetic)
    keys = {}
    for table in (SILVER_JUDGMENTS, GOLD_EVALUATIONS):
        keys[table] = lake.read(table).join(judged, "record_id", "left_semi").select(*table.key)
        if table in named:
            keys[table] = _union(keys[table], named[table].select(*table.key))
    for table, wanted in (
        (SILVER_SYNTHETIC, synthetic),
        (SILVER_CONVERSATIONS, conversations),
        (SILVER_WORKFLOWS, workflows),
        (BRONZE_WORKFLOWS, workflows),
        (BRONZE_EVENTS, lines),
    ):
        keys[table] = _ids(lake.read(table).join(wanted, "record_id", "left_semi"))
    return Found(keys, records)


def remove(lake: Lake, found: Found) -> dict[str, int]:
    """Delete what was found; fates of its records become `erased` and name nothing. Gives rows by table.

    Fates are settled first: a run that is killed after them finds the records by bronze, which goes last.
    """
    removed = {GOLD_FATES.name: _settle_fates(lake, found.records)}
    for table, keys in found.keys.items():
        removed[table.name] = lake.delete(keys.localCheckpoint(), table) if lake.exists(table) else 0
    return removed


def purge(lake: Lake, subjects: ErasedSubjects) -> dict[str, int]:
    """Delete the rows of `subjects` from every table, by digests alone; gives how many went of each.

    This is what ingest calls for subjects that were buried while it wrote. Safe to repeat. What files still
    hold is for `erase`, which looks again until nothing is left.
    """
    return remove(lake, find(lake, subjects)) if subjects else {}


def erased_fates(fates: DataFrame, weeks: list[str], kinds: tuple[str, ...], records: DataFrame) -> DataFrame:
    """The fates `erased` of some weeks and kinds, which stay when those are decided anew.

    Their records are gone, so nothing would give them a fate again; one that is among `records` has another.
    """
    there = fates.where((F.col("fate") == ERASED) & F.col("week").isin(weeks) & F.col("kind").isin(*kinds))
    return there.join(_ids(records), "record_id", "left_anti").select(*GOLD_FATES.schema.names)


def _settle_fates(lake: Lake, records: DataFrame) -> int:
    if not lake.exists(GOLD_FATES):
        return 0
    stored = lake.read(GOLD_FATES)
    fates = stored.join(records, "record_id", "left_semi").where(F.col("fate") != ERASED)
    blank = {name: F.lit(None).cast(stored.schema[name].dataType) for name in _BLANKED}
    settled = fates.withColumns({**blank, "fate": F.lit(ERASED), "reason": F.lit(ERASED)})
    return lake.merge(settled.localCheckpoint(), GOLD_FATES).num_updated


def _ids(rows: DataFrame) -> DataFrame:
    return rows.select("record_id")


def _union(*frames: DataFrame) -> DataFrame:
    return reduce(DataFrame.unionByName, frames).distinct()
