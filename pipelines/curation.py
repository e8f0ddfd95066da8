"""Which workflows train: the three filters of the cold start, as of one week's end.

A workflow qualifies when it went through the round-trip gate, ran in the seven days before the week's end,
and its shop has at least two workflows that did. Of those that qualify, one per descriptor is kept: the one
that ran most, then the one that changed last, then the smallest record id. A shape that fewer than
`--min-shops` shops have could tell who its shop is (k-anonymity), so it waits in quarantine until more have
it; shops are counted among all records that could be read, not only those that qualify.

Of several records of one workflow the newest counts. A record that tells of a change or a run after the
week's end is of a later time and changes nothing for the others, so a week can be done again later. Nothing
depends on the order of rows.

Every bronze record gets one fate. What is not known (no run statistics, no shop) is quarantine, never
consent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F  # noqa: N812

from schemas.weeks import Week

MAX_WINDOW_DAYS: Final = 3650


@dataclass(frozen=True, kw_only=True)
class CurationPolicy:
    """The rules of one curation."""

    window_days: Annotated[int, "A workflow must have run in this many days before the week's end."] = 7
    min_workflows: Annotated[int, "A shop must have this many workflows that ran."] = 2
    min_shops: Annotated[int, "A workflow's shape must be seen in this many shops; 1 lets all pass."] = 1
    accept_unknown_runs: Annotated[
        bool, "Let workflows without run statistics in, such as a folder of bare exports."
    ] = False

    def __post_init__(self) -> None:
        if not 1 <= self.window_days <= MAX_WINDOW_DAYS:
            raise ValueError(f"--window-days must be from 1 to {MAX_WINDOW_DAYS}.")
        if self.min_workflows < 1:
            raise ValueError("--min-workflows must be at least 1.")
        if self.min_shops < 1:
            raise ValueError("--min-shops must be at least 1.")

    @property
    def version(self) -> str:
        unknown = "accepted" if self.accept_unknown_runs else "quarantined"
        rules = f"window={self.window_days}d min_workflows={self.min_workflows} min_shops={self.min_shops}"
        return f"curation_v2 {rules} unknown_runs={unknown}"


def curate(records: DataFrame, week: Week, policy: CurationPolicy) -> DataFrame:
    """One `gold.fates` row for each of the `records`: four shuffles, none of which a join recomputes."""
    judged = records.withColumn("newest_id", _newest(week)).withColumn("reason", _reason_of_one(week, policy))
    judged = judged.withColumn("num_qualified", _num_qualified())
    judged = judged.withColumn(
        "reason", F.coalesce("reason", F.when(_too_few(policy), F.lit("shop_below_minimum")))
    )
    judged = _with_shops(judged).withColumn(
        "reason", F.coalesce("reason", F.when(_rare(policy), F.lit("rare_descriptor")))
    )
    judged = judged.withColumn("kept_id", _kept()).withColumn(
        "reason",
        F.coalesce(
            "reason",
            F.when(F.col("kept_id") == F.col("record_id"), F.lit("accepted")),
            F.lit("descriptor_taken"),
        ),
    )
    return judged.select(
        "record_id",
        F.lit(str(week)).alias("week"),
        F.lit("workflow").alias("kind"),
        "workflow_id",
        "shop_id",
        _fate().alias("fate"),
        "reason",
        _detail(policy).alias("detail"),
        "descriptor",
        "num_runs_7d",
        F.lit(policy.version).alias("policy_version"),
    )


def records_of(bronze: DataFrame, silver: DataFrame) -> DataFrame:
    """What the rules look at: each bronze row without its bytes, beside what the language said of it."""
    read = silver.select(
        "record_id",
        "descriptor",
        F.col("problem_code").alias("refusal"),
        F.col("problem").alias("refusal_detail"),
        F.lit(True).alias("transpiled"),
    )
    envelope = bronze.select(
        "record_id",
        "workflow_id",
        "shop_id",
        "updated_at",
        "last_run_at",
        "num_runs_7d",
        "problem_code",
        "problem",
    )
    return envelope.join(read, "record_id", "left")


def _newest(week: Week) -> Column:
    """The newest record of each record's workflow, among those that had happened by the week's end.

    A dump that finds a workflow unchanged gives it a new record all the same. Of such records the one that
    knows the latest run is the newest; of those that know the same run, the one with the most runs: its seven
    days reach back the furthest, so it was there first, and a later dump takes nothing from it.
    """
    happened = (
        F.col("problem_code").isNull()
        & F.col("workflow_id").isNotNull()
        & ~_after(F.col("updated_at"), week)
        & ~_after(F.col("last_run_at"), week)
    )
    versions = _alone_where_null("workflow_id").orderBy(
        happened.desc(), *_largest("updated_at", "last_run_at", "num_runs_7d"), "record_id"
    )
    return F.when(F.first(happened).over(versions), F.first("record_id").over(versions))


def _alone_where_null(column: str) -> WindowSpec:
    """Rows of one value together; rows without one apart, lest they all meet in one task."""
    return Window.partitionBy(column, F.when(F.col(column).isNull(), F.col("record_id")))


def _largest(*columns: str) -> Iterator[Column]:
    """Largest first; null is smallest."""
    return (F.col(column).desc_nulls_last() for column in columns)


def _after(moment: Column, week: Week) -> Column:
    return F.coalesce(moment >= F.lit(week.end), F.lit(False))


def _unknown_runs() -> Column:
    """Whether nobody knows when it last ran; no run in the last seven days is knowledge too."""
    return F.col("last_run_at").isNull() & ~F.col("num_runs_7d").eqNullSafe(F.lit(0))


def _reason_of_one(week: Week, policy: CurationPolicy) -> Column:
    """Why one record falls, looking at nothing but itself; null when it does not."""
    ran, unknown = F.col("last_run_at"), _unknown_runs()
    opens = F.lit(week.end - timedelta(days=policy.window_days))
    return (
        F.when(F.col("problem_code").isNotNull(), F.col("problem_code"))
        .when(_after(F.col("updated_at"), week), F.lit("changed_after_week"))
        .when(_after(ran, week), F.lit("ran_after_week"))
        .when(F.col("workflow_id").isNull(), F.lit("no_workflow_id"))
        .when(F.col("newest_id") != F.col("record_id"), F.lit("superseded"))
        .when(F.col("transpiled").isNull(), F.lit("not_transpiled"))
        .when(F.col("refusal").isNotNull(), F.col("refusal"))
        .when(F.coalesce("descriptor", F.lit("")) == "", F.lit("no_descriptor"))
        .when(unknown & F.lit(not policy.accept_unknown_runs), F.lit("no_run_statistics"))
        .when(~unknown & (ran.isNull() | (ran < opens)), F.lit("not_run_recently"))
        .when(~unknown & F.col("shop_id").isNull(), F.lit("no_shop"))
    )


def _num_qualified() -> Column:
    """How many of the shop's records have no reason to fall."""
    of_shop = F.count_if(F.col("reason").isNull()).over(_alone_where_null("shop_id"))
    return F.when(F.col("shop_id").isNotNull(), of_shop)


def _too_few(policy: CurationPolicy) -> Column:
    """Rows without run statistics were let in on request; the rule about shops cannot speak of them."""
    return (F.coalesce("num_qualified", F.lit(0)) < policy.min_workflows) & ~_unknown_runs()


def _with_shops(judged: DataFrame) -> DataFrame:
    """Add `num_shops`: in how many shops the record's shape is seen, as of the week's end."""
    later = F.coalesce(F.col("reason").isin("changed_after_week", "ran_after_week"), F.lit(False))
    seen = (
        F.col("shop_id").isNotNull()
        & (F.coalesce("descriptor", F.lit("")) != "")
        & F.col("problem_code").isNull()
        & ~later
    )
    same = Window.partitionBy(F.when(seen, F.col("descriptor")), F.when(~seen, F.col("record_id")))
    # Distinct shops by their ranks: a set of them would travel with each row.
    ranked = judged.withColumn("shop_rank", F.dense_rank().over(same.orderBy("shop_id")))
    return ranked.withColumn("num_shops", F.when(seen, F.max("shop_rank").over(same)))


def _rare(policy: CurationPolicy) -> Column:
    """As the rule about a shop's workflows, it cannot speak of what was let in without run statistics."""
    return (F.coalesce("num_shops", F.lit(0)) < policy.min_shops) & ~_unknown_runs()


def _kept() -> Column:
    """The record that is kept of each descriptor; only records that qualify look at each other."""
    qualified = F.col("reason").isNull()
    same = Window.partitionBy(F.when(qualified, F.col("descriptor")), F.when(~qualified, F.col("record_id")))
    order = same.orderBy(*_largest("num_runs_7d", "updated_at"), "record_id")
    return F.when(qualified, F.first("record_id").over(order))


def _fate() -> Column:
    filtered = (
        "changed_after_week",
        "superseded",
        "ran_after_week",
        "not_run_recently",
        "shop_below_minimum",
        "descriptor_taken",
    )
    reason = F.col("reason")
    return (
        F.when(reason == "accepted", "training")
        .when(F.col("problem_code").isNotNull() | reason.isin(*filtered), "rejected")
        .otherwise("quarantine")
    )


def _detail(policy: CurationPolicy) -> Column:
    """Words for a person; none where the reason says it all."""
    reason, ran = F.col("reason"), F.col("last_run_at").cast("string")
    few = F.coalesce("num_qualified", F.lit(0)).cast("string")
    return (
        F.when(F.col("problem_code").isNotNull(), F.col("problem"))
        .when(F.col("refusal").isNotNull() & (reason == F.col("refusal")), F.col("refusal_detail"))
        .when(reason == "superseded", F.concat(F.lit("newer record "), "newest_id"))
        .when(reason == "changed_after_week", F.concat(F.lit("changed "), F.col("updated_at").cast("string")))
        .when(
            reason.isin("not_run_recently", "ran_after_week"),
            F.concat(F.lit("last run "), F.coalesce(ran, F.lit("never"))),
        )
        .when(
            reason == "shop_below_minimum",
            F.concat(few, F.lit(f" of its shop's workflows qualify, {policy.min_workflows} are needed")),
        )
        .when(
            reason == "rare_descriptor",
            F.concat(
                F.lit("its shape is seen in "),
                F.coalesce("num_shops", F.lit(0)).cast("string"),
                F.lit(f" shops, {policy.min_shops} are needed"),
            ),
        )
        .when(reason == "descriptor_taken", F.concat(F.lit("kept record "), "kept_id"))
    )
