"""What each row of a table keeps, derived from the table's contract: the one list that all checks compile.

| rule | of which columns | a value breaks it that |
|---|---|---|
| `null` | not nullable | is null |
| `unknown` | with `words` | is none of them |
| `negative` | whole numbers | is below 0: every one of ours counts or places something |
| `no_week` | named `week` | is no ISO week |
| `no_time` | times | lies before 1970 or from 2100 on, as where a unit was mistaken |
| `no_score` | named `score` | is not from 0 to 1 |

Null breaks only `null`. A key that is there twice is no matter of one row: see `pipelines.contracts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import pyarrow as pa

from schemas.table import TIMESTAMP, Table

__all__ = ["FIRST_MOMENT", "LAST_MOMENT", "WEEK_PATTERN", "RowRule", "row_rules"]

FIRST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""The first moment that is too late. Fixed, because a row must not become right by waiting."""

WEEK_PATTERN: Final = "^[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])$"

RuleName = Literal["null", "unknown", "negative", "no_week", "no_time", "no_score"]


@dataclass(frozen=True, slots=True)
class RowRule:
    """One rule of one column."""

    name: RuleName
    column: str
    words: tuple[str, ...] = ()
    """What is allowed, for `unknown`."""

    @property
    def measure(self) -> str:
        """What the number of rows that break it is called: `fate.unknown`."""
        return f"{self.column}.{self.name}"

    @property
    def says(self) -> str:
        """What is asked of the column, for a person."""
        return {
            "null": "is never null",
            "unknown": f"is one of {', '.join(self.words)}",
            "negative": "is never below 0",
            "no_week": "is an ISO week",
            "no_time": f"lies from {FIRST_MOMENT:%Y} on and before {LAST_MOMENT:%Y}",
            "no_score": "is from 0 to 1",
        }[self.name]


def row_rules(table: Table) -> tuple[RowRule, ...]:
    """The rules of `table`, in the order of its columns."""
    return tuple(rule for field in table.schema for rule in _rules(table, field))


def _rules(table: Table, field: pa.Field) -> Iterator[RowRule]:
    if not field.nullable:
        yield RowRule("null", field.name)
    if words := table.words(field.name):
        yield RowRule("unknown", field.name, words)
    if pa.types.is_integer(field.type):
        yield RowRule("negative", field.name)
    if field.name == "week":
        yield RowRule("no_week", field.name)
    if field.type == TIMESTAMP:
        yield RowRule("no_time", field.name)
    if field.name == "score":
        yield RowRule("no_score", field.name)
