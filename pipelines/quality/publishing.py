"""Publish a table only where it is as expected: measure what is to be written, judge it, write or stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyspark.sql import DataFrame

from pipelines.lake import Lake, Merged
from pipelines.quality.expectations import QualityPolicy
from pipelines.quality.judging import judge_measures
from pipelines.quality.measures import ALL, ROWS, measure
from pipelines.quality.plans import PLANS
from schemas.errors import BrokenLaw
from schemas.tables import Table

__all__ = ["Publisher"]


class Publisher:
    """Writes tables of `lake` as `Lake` does, where nothing critical is wrong with the rows.

    Rows are computed once, kept while they are measured and written. Raises BrokenLaw, with the last good
    version of the table in its place, when something critical is wrong; warnings are logged and counted.
    """

    def __init__(self, lake: Lake, policy: QualityPolicy) -> None:
        self.lake = lake
        self.policy = policy
        self.num_warnings = 0

    def merge(self, df: DataFrame, table: Table, *, week: str = ALL, distinct: bool = False) -> Merged:
        """`Lake.merge`; `week` is the week that the rows are of, where the table does not say it."""
        with _kept(df) as rows:
            if not self._require(rows, table, week=week):
                return Merged(num_inserted=0, num_updated=0)
            return self.lake.merge(rows, table, distinct=distinct)

    def replace(
        self,
        df: DataFrame,
        table: Table,
        *,
        partition: Mapping[str, str | Sequence[str]],
        if_changed: bool = False,
    ) -> None:
        """`Lake.replace` of some partitions; those without a row are measured too."""
        with _kept(df) as rows:
            listed = {name: _listed(values) for name, values in partition.items()}
            part = " ".join(f"{name}={','.join(values)}" for name, values in listed.items() if name != "week")
            self._require(rows, table, part=part, weeks=listed.get("week", []))
            self.lake.replace(rows, table, partition=partition, if_changed=if_changed)

    def counted(self) -> dict[str, int]:
        """What the closing line says of it."""
        return {"warnings": self.num_warnings}

    def _require(
        self,
        rows: DataFrame,
        table: Table,
        *,
        week: str = ALL,
        part: str = "",
        weeks: Sequence[str] | None = None,
    ) -> bool:
        """Whether there is anything to write. Raises BrokenLaw where it must not be written."""
        plan = PLANS[table.name]
        measured = measure(rows, table, plan, weeks or (), label=week)
        if not measured[0].values[ROWS] and weeks is None:
            return False
        failed = judge_measures(self.lake, table, part, measured, self.policy).failed
        critical = [verdict for verdict in failed if verdict.expectation.severity == "critical"]
        self.num_warnings += len(failed) - len(critical)
        if critical:
            raise BrokenLaw(
                f"{table.name} is not published: {'; '.join(map(str, critical))}; "
                "the table is as it was, and ops.measures has what was counted"
            )
        return True


@contextmanager
def _kept(df: DataFrame) -> Iterator[DataFrame]:
    """Compute the rows once, unless the caller saw to it."""
    if df.is_cached:
        yield df
        return
    df.persist()
    try:
        yield df
    finally:
        df.unpersist()


def _listed(values: str | Sequence[str]) -> list[str]:
    return [values] if isinstance(values, str) else list(values)
