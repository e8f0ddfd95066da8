"""Which workflows train: the three filters of the cold start, as of one week's end.

A workflow qualifies when it went through the round-trip gate, ran in the seven days before the week's end,
and its shop has at least two workflows that did. Of those that qualify, one per descriptor is kept: the one
that ran most, then the one that changed last, then the smallest record id. Nothing depends on the order of
rows, and nothing that happened after the week's end counts, so a week can be done again later.

Every bronze record gets one fate. What is not known (no run statistics, no shop) is quarantine, never
consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class CurationPolicy:
    """The rules of one curation."""

    window_days: Annotated[int, "A workflow must have run in this many days before the week's end."] = 7
    min_workflows: Annotated[int, "A shop must have this many workflows that ran."] = 2
    accept_unknown_runs: Annotated[
        bool, "Let workflows without run statistics in, such as a folder of bare exports."
    ] = False

    @property
    def version(self) -> str:
        unknown = "accepted" if self.accept_unknown_runs else "quarantined"
        rules = f"window={self.window_days}d min_workflows={self.min_workflows} unknown_runs={unknown}"
        return f"curation_v1 {rules}"


def curate(records: DataFrame, week: Week, policy: CurationPolicy) -> DataFrame:
    """One `gold.fates` row for each of the `records`, which are read several times: cache them if many."""
    judged = _newest(records, week)
    judged = judged.withColumn("reason", _reason_of_one(week, policy))
    qualified = judged.where(F.col("reason").isNull())
    shops = _shops(qualified)
    judged = judged.join(shops, "shop_id", "left").withColumn(
        "reason",
        F.when(F.col("reason").isNotNull(), F.col("reason")).when(
            _too_few(policy), F.lit("shop_below_minimum")
        ),
    )
    kept = _one_per_descriptor(judged.where(F.col("reason").isNull()))
    judged = judged.join(kept, "descriptor", "left").withColumn(
        "reason",
        F.when(F.col("reason").isNotNull(), F.col("reason"))
        .when(F.col("kept_id") == F.col("record_id"), F.lit("accepted"))
        .otherwise(F.lit("descriptor_taken")),
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
    """Mark the newest record of each workflow among those that had happened by the week's end."""
    happened = joined.where(F.col("problem_code").isNull() & ~_after(F.col("updated_at"), week))
    latest = happened.groupBy("workflow_id").agg(
        F.max_by(
            "record_id", F.struct(F.coalesce("updated_at", F.timestamp_seconds(F.lit(0))), "record_id")
        ).alias("newest_id")
    )
    return joined.join(latest, "workflow_id", "left")


def _after(moment: Column, week: Week) -> Column:
    return F.coalesce(moment >= F.lit(week.end), F.lit(False))


def _reason_of_one(week: Week, policy: CurationPolicy) -> Column:
    """Why one record falls, looking at nothing but itself; null when it does not."""
    ran, runs = F.col("last_run_at"), F.col("num_runs_7d")
    opens = F.lit(week.end - timedelta(days=policy.window_days))
    never_ran = ran.isNull() & (runs == 0)
    unknown = (ran.isNull() & ~F.coalesce(never_ran, F.lit(False))) | F.col("shop_id").isNull()
    reason = (
        F.when(F.col("problem_code").isNotNull(), F.col("problem_code"))
        .when(_after(F.col("updated_at"), week), F.lit("changed_after_week"))
        .when(F.col("newest_id") != F.col("record_id"), F.lit("superseded"))
        .when(F.col("transpiled").isNull(), F.lit("not_transpiled"))
        .when(F.col("refusal").isNotNull(), F.col("refusal"))
    )
    if policy.accept_unknown_runs:
        known_and = ~unknown
    else:
        reason = reason.when(unknown, F.lit("no_run_statistics"))
        known_and = F.lit(True)
    return reason.when(known_and & _after(ran, week), F.lit("ran_after_week")).when(
        known_and & (never_ran | (ran < opens)), F.lit("not_run_recently")
    )


def _shops(qualified: DataFrame) -> DataFrame:
    return (
        qualified.where(F.col("shop_id").isNotNull())
        .groupBy("shop_id")
        .agg(F.count(F.lit(1)).alias("num_qualified"))
    )


def _too_few(policy: CurationPolicy) -> Column:
    """Rows without run statistics were let in on request; the rule about shops cannot speak of them."""
    few = F.coalesce("num_qualified", F.lit(0)) < policy.min_workflows
    return few & F.col("last_run_at").isNotNull() if policy.accept_unknown_runs else few


def _one_per_descriptor(qualified: DataFrame) -> DataFrame:
    rank = F.struct(
        F.coalesce("num_runs_7d", F.lit(-1)),
        F.coalesce("updated_at", F.timestamp_seconds(F.lit(0))),
        # The smallest id wins, and max_by takes the largest: compare complements of hex digits.
        F.translate("record_id", "0123456789abcdef", "fedcba9876543210"),
    )
    return qualified.groupBy("descriptor").agg(F.max_by("record_id", rank).alias("kept_id"))


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
