"""Which workflows train: the three filters of the cold start, as of one week's end.

A workflow qualifies when it went through the round-trip gate, ran in the seven days before the week's end,
and its shop has at least two workflows that did. Of those that qualify, one per descriptor is kept: the one
that ran most, then the one that changed last, then the smallest record id.

Of several records of one workflow the newest counts. A record that tells of a change or a run after the
week's end is of a later time and changes nothing for the others, so a week can be done again later. Nothing
depends on the order of rows.

Every bronze record gets one fate. What is not known (no run statistics, no shop) is quarantine, never
consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from schemas.weeks import Week

MAX_WINDOW_DAYS: Final = 3650


@dataclass(frozen=True, kw_only=True)
class CurationPolicy:
    """The rules of one curation."""

    window_days: Annotated[int, "A workflow must have run in this many days before the week's end."] = 7
    min_workflows: Annotated[int, "A shop must have this many workflows that ran."] = 2
    accept_unknown_runs: Annotated[
        bool, "Let workflows without run statistics in, such as a folder of bare exports."
    ] = False

    def __post_init__(self) -> None:
        if not 1 <= self.window_days <= MAX_WINDOW_DAYS:
            raise ValueError(f"--window-days must be from 1 to {MAX_WINDOW_DAYS}.")
        if self.min_workflows < 1:
            raise ValueError("--min-workflows must be at least 1.")

    @property
    def version(self) -> str:
        unknown = "accepted" if self.accept_unknown_runs else "quarantined"
        rules = f"window={self.window_days}d min_workflows={self.min_workflows} unknown_runs={unknown}"
        return f"curation_v1 {rules}"


def curate(records: DataFrame, week: Week, policy: CurationPolicy) -> DataFrame:
    """One `gold.fates` row for each of the `records`, which are read several times: cache them if many."""
    judged = _newest(records, week).withColumn("reason", _reason_of_one(week, policy))
    shops = _shops(judged.where(F.col("reason").isNull()))
    judged = judged.join(shops, "shop_id", "left").withColumn(
        "reason", F.coalesce("reason", F.when(_too_few(policy), F.lit("shop_below_minimum")))
    )
    kept = _one_per_descriptor(judged.where(F.col("reason").isNull()))
    judged = judged.join(kept, "descriptor", "left").withColumn(
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


def _newest(joined: DataFrame, week: Week) -> DataFrame:
    """Name for each record the newest one of its workflow, among those that had happened by the week's end.

    A dump that finds a workflow unchanged gives it a new record all the same. Of such records the one that
    knows the latest run is the newest; of those that know the same run, the one with the most runs: its seven
    days reach back the furthest, so it was there first, and a later dump takes nothing from it.
    """
    happened = joined.where(
        F.col("problem_code").isNull()
        & F.col("workflow_id").isNotNull()
        & ~_after(F.col("updated_at"), week)
        & ~_after(F.col("last_run_at"), week)
    )
    latest = happened.groupBy("workflow_id").agg(
        _first_by("updated_at", "last_run_at", "num_runs_7d").alias("newest_id")
    )
    return joined.join(latest, "workflow_id", "left")


def _first_by(*columns: str) -> Column:
    """The record id of the row with the largest columns (null is smallest), then of the smallest id."""
    # max_by takes the largest: compare complements of hex digits.
    turned = F.translate("record_id", "0123456789abcdef", "fedcba9876543210")
    return F.max_by("record_id", F.struct(*columns, turned))


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


def _shops(qualified: DataFrame) -> DataFrame:
    known = qualified.where(F.col("shop_id").isNotNull())
    return known.groupBy("shop_id").agg(F.count(F.lit(1)).alias("num_qualified"))


def _too_few(policy: CurationPolicy) -> Column:
    """Rows without run statistics were let in on request; the rule about shops cannot speak of them."""
    return (F.coalesce("num_qualified", F.lit(0)) < policy.min_workflows) & ~_unknown_runs()


def _one_per_descriptor(qualified: DataFrame) -> DataFrame:
    return qualified.groupBy("descriptor").agg(_first_by("num_runs_7d", "updated_at").alias("kept_id"))


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
        .when(reason == "descriptor_taken", F.concat(F.lit("kept record "), "kept_id"))
    )
