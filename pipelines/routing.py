"""One fate for every conversation, and for every line that no conversation can hold.

    not closed, so that more may come                    quarantine open
    problem of the row                                   rejected, its code
    another contract than today's, or not to be brought
    to it by `check_mirror --migrate`                    quarantine other_contract
    a wish that no workflow was proposed for             quarantine nothing_proposed
    a facet that this judge has not judged as it stands  quarantine no_judgment
    a facet without a score, or below its threshold      quarantine judge_<facet>
    rated down                                           quarantine rated_down
    a question, answered without a workflow              training   answered
    nobody knows whether it was turned on, or it was not quarantine activation_unknown, not_activated
    changed by the merchant afterwards                   quarantine edited_by_merchant
    turned on as it was proposed                         training   activated

The first line that fits decides, and what no line fits is quarantine. A conversation's fate stands in the
week of its first event; a line without a readable event has no time, so its fate stands in the week that was
routed when it was first seen. What was erased keeps that fate. Not here yet: a judge's licence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.facets import FACETS
from pipelines.judge import JUDGE_VERSION, conversation_digest
from schemas.errors import BrokenLaw
from schemas.tools import CONTRACT
from schemas.weeks import Week

__all__ = ["ROUTED", "RoutingPolicy", "route", "to_route", "unbuilt", "weeks_to_route"]

ROUTED: Final = ("conversation", "event")
"""The kinds of record that get their fate here."""
_NEEDS_A_WORKFLOW: Final = ("syntax", "components")
"""Facets that have nothing to judge where a question was answered in words."""


@dataclass(frozen=True, kw_only=True)
class RoutingPolicy:
    """What a conversation needs to train."""

    min_syntax: Annotated[float, "Least score for what was written to count as a workflow."] = 1.0
    min_components: Annotated[float, "Least share of tasks, values and actions that must be right."] = 1.0
    min_appropriateness: Annotated[float, "Least score for a workflow where one is wanted."] = 1.0
    min_next_steps: Annotated[float, "Least score for the words that it ends with."] = 1.0

    def __post_init__(self) -> None:
        for facet, least in self.thresholds.items():
            if not 0 < least <= 1:
                raise ValueError(f"--min-{facet.replace('_', '-')} must be above 0 and at most 1.")

    @property
    def thresholds(self) -> dict[str, float]:
        return {facet: getattr(self, f"min_{facet}") for facet in FACETS}

    @property
    def version(self) -> str:
        rules = " ".join(f"{facet}>={least:g}" for facet, least in self.thresholds.items())
        return f"routing_v2 {rules} judge={JUDGE_VERSION}"


def weeks_to_route(conversations: DataFrame, fates: DataFrame, week: Week) -> list[str]:
    """`week` and the one before it, for what merchants did late; and the weeks that need mending.

    Those are earlier ones with a conversation that has no fate there, because its events came late, or whose
    fate is that of another contract although it was migrated since; and any with a fate of a conversation
    that is not there any more, because its first event came late.

    Raises:
        BrokenLaw: where a conversation has no week, which would leave it without a fate for ever.
    """
    kept = (F.col("reason") == "other_contract") & F.col("migrated")
    is_migrated = F.col("contract").eqNullSafe(CONTRACT.fingerprint()) & F.col("migration_problem").isNull()
    migrated = conversations.select("record_id", "week", is_migrated.alias("migrated"))
    decided = fates.where((F.col("kind") == "conversation") & (F.col("fate") != "erased"))
    fated = decided.join(migrated, ["record_id", "week"], "left")
    held = fated.select("record_id", "week")
    settled = fated.where(~F.coalesce(kept, F.lit(False))).select("record_id", "week")
    there = conversations.select("record_id", "week")
    lacking = there.join(settled, ["record_id", "week"], "left_anti")
    lacking = lacking.where(F.coalesce("week", F.lit("")) < str(week))
    left = held.join(there, ["record_id", "week"], "left_anti")
    found = {row["week"] for row in lacking.unionByName(left).select("week").distinct().collect()}
    if None in found:
        raise BrokenLaw("conservation: a conversation has no week; silver.conversations must be built again")
    return sorted({str(week), str(Week.of(week.start - timedelta(days=7))), *found})


def unbuilt(events: DataFrame, conversations: DataFrame) -> DataFrame:
    """Ids of conversations that came in and are not in silver yet: nobody could give them a fate."""
    sound = events.where(F.col("problem_code").isNull()).select("conversation_id").distinct()
    return sound.join(conversations.select("conversation_id"), "conversation_id", "left_anti")


def to_route(conversations: DataFrame, events: DataFrame, fates: DataFrame, weeks: list[str]) -> DataFrame:
    """Ids of all that must have its one fate in `weeks`: what the ledger holds the fates against."""
    elsewhere = fates.where((F.col("kind") == "event") & ~F.col("week").isin(weeks)).select("record_id")
    malformed = events.where(F.col("problem_code").isNotNull()).select("record_id")
    there = conversations.where(F.col("week").isin(weeks)).select("record_id")
    return there.unionByName(malformed.join(elsewhere, "record_id", "left_anti"))


def route(
    conversations: DataFrame,
    judgments: DataFrame,
    events: DataFrame,
    fates: DataFrame,
    week: Week,
    weeks: list[str],
    policy: RoutingPolicy,
) -> DataFrame:
    """The `gold.fates` rows of `weeks`; `fates` are those of before, and `week` is the one that is routed."""
    lines = _events(events, fates, str(week), policy)
    both = _conversations(conversations, judgments, policy).unionByName(lines)
    return both.where(F.col("week").isin(weeks))


def _conversations(conversations: DataFrame, judgments: DataFrame, policy: RoutingPolicy) -> DataFrame:
    """One `gold.fates` row for each of the `silver.conversations`."""
    judged = conversations.withColumn("conversation_digest", conversation_digest())
    judged = judged.join(_scores(judgments), ["record_id", "conversation_digest"], "left")
    judged = judged.withColumn("reason", _reason(policy))
    return judged.select(
        "record_id",
        "week",
        F.lit("conversation").alias("kind"),
        "workflow_id",
        "shop_id",
        _fate().alias("fate"),
        "reason",
        _detail().alias("detail"),
        "descriptor",
        F.lit(None).cast("bigint").alias("num_runs_7d"),
        F.lit(policy.version).alias("policy_version"),
    )


def _events(events: DataFrame, fates: DataFrame, week: str, policy: RoutingPolicy) -> DataFrame:
    """One `gold.fates` row for each malformed line: in the week that it has already, else in `week`.

    Its detail names the place alone: the sentence of bronze may repeat what stands there, not redacted.
    """
    known = fates.where(F.col("kind") == "event").select("record_id", F.col("week").alias("first_week"))
    malformed = events.where(F.col("problem_code").isNotNull()).join(known, "record_id", "left")
    line = F.when(F.col("source_line") > 0, F.concat(F.lit(" line "), F.col("source_line").cast("string")))
    return malformed.select(
        "record_id",
        F.coalesce("first_week", F.lit(week)).alias("week"),
        F.lit("event").alias("kind"),
        F.lit(None).cast("string").alias("workflow_id"),
        "shop_id",
        F.lit("rejected").alias("fate"),
        F.col("problem_code").alias("reason"),
        F.concat("source_file", F.coalesce(line, F.lit("")), F.lit(": no readable event")).alias("detail"),
        F.lit(None).cast("string").alias("descriptor"),
        F.lit(None).cast("bigint").alias("num_runs_7d"),
        F.lit(policy.version).alias("policy_version"),
    )


def _scores(judgments: DataFrame) -> DataFrame:
    """One row for each judged conversation as it was: how many facets, and each one's score and sentence."""

    def of(facet: str, column: str) -> Column:
        return F.max(F.when(F.col("facet") == facet, F.col(column)))

    return (
        judgments.where((F.col("judge_version") == JUDGE_VERSION) & F.col("facet").isin(*FACETS))
        .groupBy("record_id", "conversation_digest")
        .agg(
            F.count_distinct("facet").alias("num_facets"),
            *(of(facet, "score").alias(f"{facet}_score") for facet in FACETS),
            *(of(facet, "detail").alias(f"{facet}_detail") for facet in FACETS),
        )
    )


def _reason(policy: RoutingPolicy) -> Column:
    """The first rule that fits; each reads a null as what does not train."""
    question = F.col("request_kind").eqNullSafe("question")
    proposed = F.coalesce("python", F.lit("")) != ""
    activated, edited = F.col("activated"), F.col("edited")
    reason = (
        F.when(_open(), "open")
        .when(F.col("problem_code").isNotNull(), F.col("problem_code"))
        .when(~F.col("contract").eqNullSafe(CONTRACT.fingerprint()), "other_contract")
        .when(F.col("migration_problem").isNotNull(), "other_contract")
        .when(~proposed & ~question, "nothing_proposed")
        .when(~F.col("num_facets").eqNullSafe(len(FACETS)), "no_judgment")
    )
    for facet, passes in _passes(policy, proposed):
        reason = reason.when(~passes, f"judge_{facet}")
    return (
        reason.when(~F.coalesce("rating", F.lit("up")).eqNullSafe("up"), "rated_down")
        .when(~proposed & question, "answered")
        .when(activated.isNull(), "activation_unknown")
        .when(~activated, "not_activated")
        .when(~edited.eqNullSafe(F.lit(False)), "edited_by_merchant")
        .when(proposed & activated, "activated")
        .otherwise("undecided")
    )


def _passes(policy: RoutingPolicy, proposed: Column) -> Iterator[tuple[str, Column]]:
    for facet, least in policy.thresholds.items():
        score = F.col(f"{facet}_score")
        # NaN is larger than every number to Spark, so the upper bound is what refuses it.
        enough = F.coalesce(score.between(least, 1.0), F.lit(False))
        yield facet, (enough | (score.isNull() & ~proposed) if facet in _NEEDS_A_WORKFLOW else enough)


def _open() -> Column:
    """Whether it may go on; where nobody says, it may."""
    return ~F.coalesce("closed", F.lit(False))


def _fate() -> Column:
    return (
        F.when(_open(), "quarantine")
        .when(F.col("problem_code").isNotNull(), "rejected")
        .when(F.col("reason").isin("activated", "answered"), "training")
        .otherwise("quarantine")
    )


def _detail() -> Column:
    """Words for a person; none where the reason says it all."""
    detail = F.when(_open(), None).when(F.col("problem_code").isNotNull(), F.col("problem"))
    for facet in FACETS:
        detail = detail.when(F.col("reason") == f"judge_{facet}", F.col(f"{facet}_detail"))
    return detail.when(
        F.col("reason") == "other_contract",
        F.concat(
            F.lit("contract "),
            F.coalesce("contract", F.lit("none")),
            F.coalesce(F.concat(F.lit(": "), "migration_problem"), F.lit("")),
        ),
    )
