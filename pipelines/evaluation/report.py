"""Rows of gold.evaluations as a table for people: each rate with its interval, each time with its number.

Not here yet: a comparison in pairs, and slices other than the kinds of requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.evaluation.scoring import Rate, quantile
from schemas.requests import REQUEST_KINDS

__all__ = ["HEADERS", "rate", "table"]

HEADERS: Final = (
    *("model", "requests", "n", "parses (95%)", "valid (95%)", "equal (95%)"),
    *("seconds median", "p95", "tokens/s", "ended"),
)

Row = Mapping[str, Any]


def rate(rows: Sequence[Row], column: str) -> Rate:
    """How many are true of those that are not null."""
    values = [row[column] for row in rows if row[column] is not None]
    return Rate(sum(values), len(values))


def table(rows: Sequence[Row]) -> Iterator[list[str]]:
    """A line a model in the order of `rows`, and for a trained one a line a kind of request below it."""
    models = dict.fromkeys((row["model_kind"], row["model"]) for row in rows)
    for kind, model in models:
        mine = [row for row in rows if (row["model_kind"], row["model"]) == (kind, model)]
        yield _line(f"{model} (script)" if kind == "oracle" else model, "all", mine, timed=kind != "oracle")
        if kind == "trained":
            for request_kind in REQUEST_KINDS:
                some = [row for row in mine if row["request_kind"] == request_kind]
                if some:
                    yield _line("", request_kind, some, timed=True)


def _line(model: str, requests: str, rows: Sequence[Row], *, timed: bool) -> list[str]:
    rates = [str(rate(rows, column)) for column in ("parses", "valid", "equal")]
    seconds = [row["latency_seconds"] for row in rows]
    times = [f"{quantile(seconds, share):.2f}" for share in (0.5, 0.95)]
    speed = sum(row["num_tokens"] for row in rows) / max(sum(seconds), 1e-9)
    times += [f"{speed:.0f}"]
    ended = Counter(row["reason"] for row in rows)
    told = ", ".join(f"{reason} {num}" for reason, num in ended.most_common())
    return [model, requests, str(len(rows)), *rates, *(times if timed else ["-"] * 3), told]
