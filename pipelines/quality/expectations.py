"""What is expected of a table's measures, from its contract and from the weeks before.

| of what | bound | severity |
|---|---|---|
| row rules, repeated keys | 0 rows | critical |
| rows of a week | usual and last: from the smaller / 4 to the greater x 4 | critical |
| rows of a week that was published with some | at least 1 | critical |
| shops of a week | as rows | warning |
| share of null, shares of the plan | usual, 0.2 and 1/sqrt(rows) to each side | warning |
| the same | usual, 0.5 and 1/sqrt(rows) to each side | critical |
| shares of the plan | the most that the plan allows | warning |

Usual is the median of the last 8 weeks, last is the last of them. 1/sqrt(rows) is two standard errors of a
share at worst. With fewer than 3 weeks before, what would be critical is a warning, and with none there is
no bound but those that need none. Empty weeks before the first with rows are none: what begins is not held to
nothing. Not here yet: seasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from statistics import median
from typing import Annotated, Final, Literal

from pipelines.quality.measures import ALL, REPEATED, ROWS, SHOPS, Measured, null_rate
from pipelines.quality.plans import Plan
from schemas.row_rules import row_rules
from schemas.tables import Table

__all__ = ["Expectation", "History", "QualityPolicy", "Severity", "expectations", "named"]

Severity = Literal["critical", "warning"]
History = Mapping[str, Mapping[str, float]]
"""Week -> measure -> value, as it was when the week was last published."""

FEWEST_WEEKS: Final = 3
_WEEKS_LOOKED_AT: Final = 2


@dataclass(frozen=True, kw_only=True)
class QualityPolicy:
    """How far a week may be from those before it."""

    volume_factor: Annotated[
        float, "How many times more or fewer rows than in the weeks before stop a publish; 0 never does."
    ] = 4.0
    history_weeks: Annotated[int, "How many weeks before count."] = 8
    drift: Annotated[float, "How far a share may be from the weeks before until it is a warning."] = 0.2
    collapse: Annotated[float, "How far a share may be from the weeks before until it stops a publish."] = 0.5

    def __post_init__(self) -> None:
        if self.volume_factor != 0 and not 1 <= self.volume_factor < math.inf:
            raise ValueError("--volume-factor must be 1 or more, or 0 to let any number of rows pass.")
        if self.history_weeks < FEWEST_WEEKS:
            raise ValueError(f"--history-weeks must be at least {FEWEST_WEEKS}.")
        if not 0 < self.drift <= self.collapse <= 1:
            raise ValueError("--drift and --collapse must be from 0 to 1, and --drift not the greater.")
        if (others := getattr(super(), "__post_init__", None)) is not None:
            others()  # a job's config has several policies


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One bound of one measure."""

    measure: str
    week: str = ALL
    least: float | None = None
    most: float | None = None
    severity: Severity = "critical"
    says: str
    """Why, for a person."""

    @property
    def name(self) -> str:
        """The measure, with its week where it has one: `2026-W47 rows`."""
        return named(self.week, self.measure)


def named(week: str, measure: str) -> str:
    """One word for a measure of a week."""
    return f"{week} {measure}" if week else measure


def expectations(
    table: Table, plan: Plan, measured: Sequence[Measured], history: History, policy: QualityPolicy
) -> list[Expectation]:
    """What is expected of `measured`: of all its rows, and of its newest weeks."""
    whole = measured[0].week
    found = [
        Expectation(measure=rule.measure, week=whole, most=0, says=f"{rule.column} {rule.says}")
        for rule in row_rules(table)
    ]
    found.append(
        Expectation(measure=REPEATED, week=whole, most=0, says=f"{' and '.join(table.key)} name one row")
    )
    if policy.volume_factor:
        found += [
            Expectation(
                measure=ROWS, week=batch.week, least=1, says="the week is published with rows already"
            )
            for batch in measured
            if not batch.values[ROWS] and batch.week and history.get(batch.week, {}).get(ROWS)
        ]
    weeks = [batch for batch in measured if batch.week != ALL] or list(measured)
    for batch in weeks[-_WEEKS_LOOKED_AT:]:
        before = [history[week] for week in sorted(history) if week and week < batch.week]
        before = before[-policy.history_weeks :]
        is_open = plan.growing and batch is weeks[-1]
        if plan.week is not None and policy.volume_factor:
            found += _volume(batch, before, policy, is_open=is_open)
        found += _shares(table, plan, batch, before, policy)
    return found


def _volume(
    batch: Measured,
    before: Sequence[Mapping[str, float]],
    policy: QualityPolicy,
    *,
    is_open: bool,
) -> Iterator[Expectation]:
    for name in (ROWS, SHOPS):
        values = list(dropwhile(lambda value: value == 0, (week[name] for week in before if name in week)))
        if not values or name not in batch.values:
            continue
        usual, last = median(values), values[-1]
        least = math.floor(min(usual, last) / policy.volume_factor)
        yield Expectation(
            measure=name,
            week=batch.week,
            least=None if is_open else least,
            most=max(1, math.ceil(max(usual, last) * policy.volume_factor)),
            severity="critical" if name == ROWS and len(values) >= FEWEST_WEEKS else "warning",
            says=f"{_weeks(values)} had {usual:g} in the middle and {last:g} in the last; "
            f"--volume-factor is {policy.volume_factor:g}{', the week may be under way' if is_open else ''}",
        )


def _shares(
    table: Table, plan: Plan, batch: Measured, before: Sequence[Mapping[str, float]], policy: QualityPolicy
) -> Iterator[Expectation]:
    nullable = [field.name for field in table.schema if field.nullable and field.name not in plan.settles]
    told = {null_rate(name): f"{name}: the share of null" for name in nullable}
    told |= {name: share.says for name, share in plan.shares.items()}
    for name, says in told.items():
        if name not in batch.values:
            continue
        share = plan.shares.get(name)
        if share is not None and share.most is not None:
            yield Expectation(measure=name, week=batch.week, most=share.most, severity="warning", says=says)
        values = [week[name] for week in before if name in week]
        if not values:
            continue
        usual, blur = median(values), 1 / math.sqrt(batch.sizes[name])
        kinds: list[tuple[Severity, float]] = [("warning", policy.drift)]
        if len(values) >= FEWEST_WEEKS:
            kinds.append(("critical", policy.collapse))
        for severity, room in kinds:
            least, most = usual - room - blur, usual + room + blur
            if least > 0 or most < 1:
                yield Expectation(
                    measure=name,
                    week=batch.week,
                    least=least if least > 0 else None,
                    most=most if most < 1 else None,
                    severity=severity,
                    says=f"{says}; {_weeks(values)} had {usual:.3g} in the middle",
                )


def _weeks(values: Sequence[float]) -> str:
    num = len(values)
    short = " (too few to stop for)" if num < FEWEST_WEEKS else ""
    return f"{num} {'week' if num == 1 else 'weeks'} before{short}"
