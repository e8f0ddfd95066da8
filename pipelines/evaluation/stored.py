"""Rows of gold.evaluations: what the lake holds already is not asked again, so a run that was killed goes on.

Not here yet: commits within one model's conversations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.evaluation.entrants import Asks, ask, evaluation_id
from pipelines.evaluation.held_out import Chosen
from pipelines.lake import Lake
from schemas.tables import GOLD_EVALUATIONS
from serving.agent import Budget

__all__ = ["Told", "ask_and_store"]

Row = dict[str, Any]
_SCORES: Final = ("parses", "valid", "equal")


class Advance(Protocol):
    """Hears that `steps` more conversations are done."""

    def __call__(self, steps: int = 1) -> object: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What an evaluation has to tell: its rows, model by model, and what was not asked."""

    chosen: Chosen
    rows: Sequence[Row]
    num_new: int
    """Rows that were not in the lake before."""

    def counts(self) -> dict[str, str | int]:
        """Of the trained model: how many conversations came out how; those left out nobody can be asked."""
        trained = [row for row in self.rows if row["model_kind"] == "trained"]
        parsed, valid, equal = (sum(map(bool, (row[of] for row in trained))) for of in _SCORES)
        return {
            "week": self.chosen.week,
            "n": len(trained),
            **{f"left_out_{code.lower()}": num for code, num in sorted(self.chosen.left_out.items())},
            "parsed": parsed,
            "valid": valid,
            "equal": equal,
            "new": self.num_new,
        }


def ask_and_store(
    lake: Lake,
    asks: Asks,
    chosen: Chosen,
    budget: Budget,
    *,
    clock: Callable[[], float],
    advance: Advance,
) -> Told:
    """Ask each entrant its conversations, some of `chosen`; what is new of an entrant is one commit."""
    rows: list[Row] = []
    num_new = 0
    for entrant, conversations in asks:
        known = _known(lake, chosen.week, evaluation_id(entrant, chosen, budget))
        missing = [each for each in conversations if each.record_id not in known]
        advance(len(conversations) - len(missing))
        new = []
        for row in ask(entrant, chosen, missing, budget=budget, clock=clock):
            new.append(row)
            advance()
        if new:
            made = lake.spark.createDataFrame(new, spark_schema(GOLD_EVALUATIONS))
            lake.merge(made, GOLD_EVALUATIONS, insert_only=True, distinct=True)
        known |= {row["record_id"]: row for row in new}
        rows += [known[each.record_id] for each in conversations]
        num_new += len(new)
    return Told(chosen, rows, num_new)


def _known(lake: Lake, week: str, evaluation: str) -> dict[str, Row]:
    """Record id -> row."""
    of_this = (F.col("week") == week) & (F.col("evaluation_id") == evaluation)
    found = lake.read(GOLD_EVALUATIONS).where(of_this).collect()
    return {row["record_id"]: row.asDict() for row in found}
