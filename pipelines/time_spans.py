"""Spans of time as conditions by which Delta leaves out the files that hold none of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["EPOCH", "MOST_SPANS", "Span", "joined_spans", "moment", "spans_sql"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_SPANS: Final = 24
"""More conditions than these cost more than the files that they leave out."""

Span = tuple[datetime, datetime]
"""First and last moment, both of them in it."""


def joined_spans(spans: Iterable[Span], most: int = MOST_SPANS) -> list[Span]:
    """At most so many spans that hold all of these, in order and apart: the nearest ones become one."""
    apart: list[Span] = []
    for first, last in sorted(spans):
        if apart and first <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(last, apart[-1][1]))
        else:
            apart.append((first, last))
    gaps = sorted(range(1, len(apart)), key=lambda place: apart[place][0] - apart[place - 1][1])
    closed = set(gaps[: max(0, len(apart) - most)])
    joined: list[Span] = []
    for place, (first, last) in enumerate(apart):
        if place in closed:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def spans_sql(column: str, spans: Iterable[Span]) -> str:
    """Whether the column is in one of the spans, as SQL; no row is in none of them."""
    found = [f"{column} BETWEEN {_literal(first)} AND {_literal(last)}" for first, last in spans]
    return " OR ".join(found) or "false"


def moment(micros: int) -> datetime:
    """The moment so many microseconds after 1970 began."""
    return EPOCH + timedelta(microseconds=micros)


def _literal(time: datetime) -> str:
    """A time as a literal of SQL: only those does Delta compare with the least and greatest of a file."""
    text = time.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return f"TIMESTAMP'{text}Z'"
