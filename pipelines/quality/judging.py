"""Judge what was measured of a table, and keep it; judge the tables of a lake as they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.lake import Lake
from pipelines.quality.expectations import QualityPolicy, expectations, named
from pipelines.quality.history import history_of, read_recorded, record
from pipelines.quality.measures import Measured, measure
from pipelines.quality.plans import PLANS
from pipelines.quality.validation import Verdict, validate
from schemas.tables import TABLES, Table

__all__ = ["Judged", "judge_lake", "judge_measures"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What became of the expectations of one table, or of one part of it."""

    table: Table
    part: str
    verdicts: Sequence[Verdict]

    @property
    def failed(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.passed]


def judge_measures(
    lake: Lake,
    table: Table,
    part: str,
    measured: Sequence[Measured],
    policy: QualityPolicy,
    *,
    docs: Path | None = None,
) -> Judged:
    """Hold `measured` against what is expected after the weeks in `ops.measures`, and keep it there.

    What fails is logged: counts and shares, never what a row says.
    """
    recorded = read_recorded(lake, table)
    wanted = expectations(table, PLANS[table.name], measured, history_of(recorded, part), policy)
    values = {named(batch.week, name): value for batch in measured for name, value in batch.values.items()}
    verdicts = validate(f"{table.name} {part}".rstrip(), wanted, values, docs=docs)
    judged = Judged(table=table, part=part, verdicts=verdicts)
    for verdict in judged.failed:
        logger.warning("%s: %s: %s", verdict.expectation.severity, table.name, verdict)
    critical = any(verdict.expectation.severity == "critical" for verdict in judged.failed)
    kept = [*measured[:1], *measured[1:][-policy.history_weeks - 1 :]]
    record(lake, table, part, recorded, kept, verdicts, published=not critical)
    return judged


def judge_lake(lake: Lake, policy: QualityPolicy, docs: Path | None) -> Iterator[Judged]:
    """Judge every table that is there, a part after the other, and write Data Docs of them all to `docs`."""
    parts = [
        (TABLES[name], part, where)
        for name, plan in PLANS.items()
        if lake.exists(TABLES[name])
        for part, where in plan.parts.items()
    ]
    for number, (table, part, where) in enumerate(parts, 1):
        measured = measure(lake.read(table).where(where), table, PLANS[table.name])
        last = docs if number == len(parts) else None
        yield judge_measures(lake, table, part, measured, policy, docs=last)
