"""What was measured before, in `ops.measures`: the weeks that a new one is held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipelines.lake import Lake
from pipelines.quality.expectations import History
from pipelines.quality.measures import Measured
from pipelines.quality.validation import Verdict
from schemas.tables import OPS_MEASURES, Table

__all__ = ["Recorded", "history_of", "read_recorded", "record"]

Recorded = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""Rows of `ops.measures` of one table, by their key."""


def read_recorded(lake: Lake, table: Table) -> Recorded:
    """What was recorded of `table`, every part and week: some hundred rows a year."""
    rows = lake.read(OPS_MEASURES).where(f"table_name = '{table.name}'").collect()
    return {tuple(row[name] for name in OPS_MEASURES.key): row.asDict() for row in rows}


def history_of(recorded: Recorded, part: str) -> History:
    """What was let through of `part`, by week."""
    weeks: dict[str, dict[str, float]] = {}
    for row in recorded.values():
        if row["published"] and row["part"] == part and row["value"] is not None:
            weeks.setdefault(row["week"], {})[row["measure"]] = row["value"]
    return weeks


def record(
    lake: Lake,
    table: Table,
    part: str,
    recorded: Recorded,
    measured: Iterable[Measured],
    verdicts: Sequence[Verdict],
    *,
    published: bool,
) -> None:
    """Put what was measured in the place of what was there for the same weeks; nothing where it is the same.

    It is recorded before the table is written: a job that is killed between the two and run again ends with
    the same rows here as one that was not.
    """
    passed: dict[tuple[str, str], bool] = {}
    for verdict in verdicts:
        name = (verdict.expectation.week, verdict.expectation.measure)
        passed[name] = passed.get(name, True) and verdict.passed
    new = {
        (table.name, part, batch.week, published, measure): {
            "table_name": table.name,
            "part": part,
            "week": batch.week,
            "published": published,
            "measure": measure,
            "value": float(value),
            "passed": passed.get((batch.week, measure)),
        }
        for batch in measured
        for measure, value in batch.values.items()
    }
    replaced = {(key[2], key[3]) for key in new}
    kept = {key: row for key, row in recorded.items() if key[1] != part or (key[2], key[3]) not in replaced}
    if {**kept, **new} == dict(recorded):
        return
    rows = pa.Table.from_pylist([*kept.values(), *new.values()], schema=OPS_MEASURES.schema)
    frame = lake.spark.createDataFrame(rows).coalesce(1)
    lake.replace(frame, OPS_MEASURES, partition={"table_name": table.name}, distinct=True)
