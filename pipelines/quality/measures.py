"""Count what a table's rows are like: one pass of Spark whatever the number of rules, and no value leaves it.

Keys are counted in a pass of their own, over all rows together: beside the weeks' sums it would double every
row twice.

| measure | what it is |
|---|---|
| `rows` | how many there are |
| `repeated` | how many are beyond the first of their key, of all rows together |
| `fate.unknown` | how many break that row rule; see `schemas.row_rules` |
| `shop_id.null_rate` | the share of null in a column that may be null |
| `shops` | about how many shops there are (HyperLogLog, 5 %) |
| `activated` | a share of the table's plan |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import breaks
from pipelines.quality.plans import Plan
from schemas.row_rules import row_rules
from schemas.tables import Table

__all__ = ["ALL", "REPEATED", "ROWS", "SHOPS", "Measured", "measure", "null_rate"]

ALL: Final = ""
"""The week of measures of all rows together."""

ROWS: Final = "rows"
REPEATED: Final = "repeated"
SHOPS: Final = "shops"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was counted of the rows of one week, or of all."""

    week: str
    values: Mapping[str, float]
    """Counts, and shares from 0 to 1; a share of nothing is left out."""
    sizes: Mapping[str, int]
    """Of how many rows each share is."""


def null_rate(column: str) -> str:
    """What the share of null in `column` is called."""
    return f"{column}.null_rate"


def measure(
    df: DataFrame, table: Table, plan: Plan, weeks: Iterable[str] = (), *, label: str = ALL
) -> list[Measured]:
    """All rows together first, then each week, oldest first; `weeks` are there without a row too.

    The rows are read once, and their keys once more. A table without weeks gives the first alone, under the
    week `label`.
    """
    wanted = _counts(table, plan)
    aggregates = [column.alias(f"c{number}") for number, column in enumerate(wanted.values())]
    if plan.week is None:
        found = df.agg(*aggregates).withColumns({"week": F.lit(ALL), "is_all": F.lit(1)}).collect()
    else:
        by_week = df.withColumn("_week", F.expr(plan.week)).rollup("_week")
        found = by_week.agg(F.grouping("_week").alias("is_all"), *aggregates).collect()
        found = [Row(**{**row.asDict(), "week": row["_week"]}) for row in found]
    counted = {
        ALL if row["is_all"] else row["week"]: {name: row[f"c{n}"] for n, name in enumerate(wanted)}
        for row in found
        if row["is_all"] or row["week"] is not None
    }
    nothing = dict.fromkeys(wanted, 0)
    listed = sorted({ALL, *counted, *(weeks if plan.week is not None else ())})
    measured = [_measured(week, counted.get(week, nothing), table, plan) for week in listed]
    measured[0] = replace(measured[0], values={**measured[0].values, REPEATED: _num_repeated(df, table)})
    return measured if plan.week is not None else [replace(measured[0], week=label)]


def _num_repeated(df: DataFrame, table: Table) -> int:
    of_key = df.dropna(subset=list(table.key)).groupBy(*table.key).agg(F.count(F.lit(1)).alias("_num"))
    found = of_key.agg(F.sum(F.col("_num") - 1)).first()
    return 0 if found is None else int(found[0] or 0)


def _counts(table: Table, plan: Plan) -> dict[str, Column]:
    """What is counted, by name; shares follow from it."""
    counts = {ROWS: F.count(F.lit(1))}
    counts |= {rule.measure: F.count_if(breaks(rule)) for rule in row_rules(table)}
    counts |= {null_rate(name): F.count_if(F.col(name).isNull()) for name in _nullable(table)}
    if "shop_id" in table.schema.names:
        counts[SHOPS] = F.approx_count_distinct("shop_id")
    for name, share in plan.shares.items():
        of = F.coalesce(F.expr(share.of), F.lit(False))
        counts |= {name: F.count_if(of & F.expr(share.hit)), f"{name}.of": F.count_if(of)}
    return counts


def _nullable(table: Table) -> list[str]:
    return [field.name for field in table.schema if field.nullable]


def _measured(week: str, counted: Mapping[str, int], table: Table, plan: Plan) -> Measured:
    values: dict[str, float] = {ROWS: counted[ROWS]}
    values |= {rule.measure: counted[rule.measure] for rule in row_rules(table)}
    if SHOPS in counted:
        values[SHOPS] = counted[SHOPS]
    sizes = {null_rate(name): counted[ROWS] for name in _nullable(table)}
    sizes |= {name: counted[f"{name}.of"] for name in plan.shares}
    values |= {name: counted[name] / size for name, size in sizes.items() if size}
    return Measured(week=week, values=values, sizes=sizes)
