"""The row ledger: what came in has exactly one fate, or nothing is published."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from schemas.errors import BrokenLaw
from schemas.tables import FATES, GOLD_FATES

_MANY = 2


def ledger(fates: DataFrame, read: DataFrame) -> dict[str, int]:
    """`{"read": ..., "training": ..., "quarantine": ..., "rejected": ..., "erased": ...}`.

    Records are held against their fates one by one, by `record_id`: totals alone would agree when one record
    has two fates and another has none. One shuffle of ids; a handful of rows reaches the driver.

    Raises:
        BrokenLaw: when a record that was read has not exactly one fate, or a fate belongs to no such record.
    """
    no_fate = F.lit(None).cast("string")
    came = read.select("record_id", F.lit(1).alias("reads"), F.lit(0).alias("ends"), no_fate.alias("fate"))
    ended = fates.select(
        "record_id",
        F.lit(0).alias("reads"),
        F.lit(1).alias("ends"),
        F.coalesce("fate", F.lit("null")).alias("fate"),
    )
    balanced = (
        came.unionByName(ended)
        .groupBy("record_id")
        .agg(_sum("reads"), _sum("ends"), F.max("fate").alias("fate"))
        .groupBy("reads", "ends", "fate")
        .agg(F.count(F.lit(1)).alias("num"), F.min("record_id").alias("example"))
        .collect()
    )
    totals = dict.fromkeys(FATES, 0)
    for row in sorted(balanced, key=lambda row: (row["reads"], row["ends"], row["fate"] or "")):
        wrong = _imbalance(row["reads"], row["ends"], row["fate"])
        if wrong:
            raise BrokenLaw(f"conservation: {row['num']} records, {row['example']} among them, {wrong}")
        totals[row["fate"]] += int(row["num"])
    return {"read": sum(totals.values()), **totals}


def erased_fates(
    fates: DataFrame, weeks: Sequence[str], kinds: Sequence[str], records: DataFrame
) -> DataFrame:
    """The fates `erased` of some weeks and kinds, which stay when those are decided anew.

    Their records are gone, so nothing would give them a fate again; one that is among `records` has another.
    """
    there = fates.where((F.col("fate") == "erased") & F.col("week").isin(*weeks) & F.col("kind").isin(*kinds))
    there = there.join(records.select("record_id"), "record_id", "left_anti")
    return there.select(*GOLD_FATES.schema.names)


def with_erased(records: DataFrame, kept: DataFrame) -> DataFrame:
    """Ids of the records that are there and of those that were erased: what the ledger is held against."""
    return records.select("record_id").unionByName(kept.select("record_id"))


def _sum(column: str) -> Column:
    """How often, as 0, 1 or many."""
    return F.least(F.sum(column), F.lit(_MANY)).alias(column)


def _imbalance(reads: int, ends: int, fate: str | None) -> str:
    if reads == 0:
        return "have a fate and were not read"
    if reads == _MANY:
        return "were read more than once"
    if ends == 0:
        return "have no fate"
    if ends == _MANY:
        return "have more than one fate"
    return "" if fate in FATES else f"have the fate {fate!r}, which is none"
