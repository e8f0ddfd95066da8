"""What is measured of each table beside its contract: shares, and columns whose nulls say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.tables import (
    BRONZE_CONTRACTS,
    BRONZE_EVENTS,
    BRONZE_WORKFLOWS,
    GOLD_EVALUATIONS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
    SILVER_JUDGMENTS,
    SILVER_SYNTHETIC,
    SILVER_WORKFLOWS,
)

__all__ = ["PLANS", "Plan", "Share"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of rows: those where `hit` is true among those where `of` is, both SQL over the table."""

    hit: str
    of: str = "true"
    says: str
    """What is shared, for a person: `of the proposals whose window is over, those turned on`."""
    most: float | None = None
    """The most that it may be without any history; above it is a warning."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured of one table."""

    shares: Mapping[str, Share]
    settles: tuple[str, ...] = ()
    """Columns that are filled in later, so that a new week has more nulls than an old one."""
    week: str | None = None
    """SQL for the ISO week of a row, where the table has one; its volume is held against earlier weeks."""
    parts: Mapping[str, str] = field(default_factory=lambda: {"": "true"})
    """The parts that are published apart, each with the SQL that is true of its rows."""
    growing: bool = False
    """Whether the newest week may be under way, so that few rows of it mean nothing."""


_REFUSED: Final = Share(hit="problem_code IS NOT NULL", says="of the rows, those refused", most=0.5)
_WEEK_OF_EVENT: Final = (
    "concat(lpad(extract(YEAROFWEEK FROM event_time), 4, '0'), '-W', "
    "lpad(extract(WEEK FROM event_time), 2, '0'))"
)
_MIGRATED: Final = ("recorded_contract", "recorded_sha256", "migration_problem")

PLANS: Final[Mapping[str, Plan]] = {
    plan[0].name: plan[1]
    for plan in (
        (BRONZE_WORKFLOWS, Plan(shares={"refused": _REFUSED})),
        (BRONZE_CONTRACTS, Plan(shares={"refused": _REFUSED})),
        (
            BRONZE_EVENTS,
            Plan(
                shares={
                    "refused": Share(
                        hit="problem_code IS NOT NULL", says="of the lines, those malformed", most=0.2
                    ),
                    "rescued": Share(
                        hit="rescued IS NOT NULL",
                        says="of the lines, those with fields that nobody knows",
                        most=0.05,
                    ),
                },
                week=_WEEK_OF_EVENT,
                growing=True,
            ),
        ),
        (SILVER_WORKFLOWS, Plan(shares={"refused": _REFUSED})),
        (SILVER_SYNTHETIC, Plan(shares={"refused": _REFUSED}, settles=_MIGRATED)),
        (
            SILVER_CONVERSATIONS,
            Plan(
                shares={
                    "refused": _REFUSED,
                    "activation_known": Share(
                        hit="activated IS NOT NULL",
                        of="workflow_id IS NOT NULL AND closed",
                        says="of the proposals in closed conversations, those whose activation is known",
                    ),
                    "activated": Share(
                        hit="activated",
                        of="workflow_id IS NOT NULL AND activated IS NOT NULL",
                        says="of the proposals whose activation is known, those turned on",
                    ),
                },
                settles=("closed", "activated", "activated_at", "rating", *_MIGRATED),
                week="week",
                growing=True,
            ),
        ),
        (
            SILVER_JUDGMENTS,
            Plan(
                shares={
                    "unscored": Share(hit="score IS NULL", says="of the judgments, those without a score")
                }
            ),
        ),
        (
            GOLD_FATES,
            Plan(
                shares={
                    "training": Share(hit="fate = 'training'", says="of the records, those that train"),
                    "refused": Share(hit="fate = 'rejected'", says="of the records, those rejected"),
                },
                week="week",
                parts={
                    "kind=workflow": "kind = 'workflow'",
                    "kind=conversation,event": "kind IN ('conversation', 'event')",
                },
            ),
        ),
        (GOLD_EVALUATIONS, Plan(shares={}, week="week")),
    )
}
"""By the table's name. A table without a plan is not checked: what it holds is about the lake itself."""
