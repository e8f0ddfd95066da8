"""What holding a table to its contract costs: our one pass of measures beside Great Expectations on Spark.

Both look at the same rows of `gold.fates` in one session, after a first run that is not counted: a row rule
is an expectation of the library's own there (`ExpectColumnValuesToNotBeNull` and its like), and one of a
count here. Both have to find the same broken rows: one in a thousand has an unknown fate, and as many no
week. Wall seconds; every size is measured `RUNS` times and the fastest run counts.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import conform, spark_schema
from pipelines.quality.expectations import Expectation, named
from pipelines.quality.measures import ALL, REPEATED, measure
from pipelines.quality.plans import PLANS
from pipelines.quality.validation import validate
from pipelines.session import SMALL_BYTES, spark_session
from schemas.row_rules import WEEK_PATTERN, RowRule, row_rules
from schemas.tables import GOLD_FATES

RUNS = 2
BROKEN_ONE_IN = 1000


def fates(spark: Any, num: int, folder: Path) -> DataFrame:
    """`num` rows, read back from files."""
    made = {
        "record_id": F.sha2(F.col("id").cast("string"), 256),
        "week": F.when(F.col("id") % BROKEN_ONE_IN == 1, "2026-W99").otherwise("2026-W47"),
        "kind": F.lit("workflow"),
        "fate": F.when(F.col("id") % BROKEN_ONE_IN == 0, "lost").otherwise("training"),
        "shop_id": (F.col("id") % 5000).cast("string"),
        "num_runs_7d": F.col("id") % 100,
    }
    rows = spark.range(num, numPartitions=8).select(
        *(
            made.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name)
            for field in spark_schema(GOLD_FATES)
        )
    )
    path = str(folder / f"fates-{num}")
    rows.write.parquet(path)
    return conform(spark.read.parquet(path), GOLD_FATES)


def ours(rows: DataFrame) -> dict[str, int]:
    """Broken rows by rule, the way a job publishes: measured by Spark, judged by the library."""
    (measured, *_) = measure(rows, GOLD_FATES, PLANS[GOLD_FATES.name])
    values = {named(ALL, name): value for name, value in measured.values.items()}
    names = [*(rule.measure for rule in row_rules(GOLD_FATES)), REPEATED]
    wanted = [Expectation(measure=name, most=0, says="no row breaks it") for name in names]
    verdicts = validate(GOLD_FATES.name, wanted, values)
    return {verdict.expectation.measure: int(verdict.value) for verdict in verdicts}


def theirs(rows: DataFrame) -> dict[str, int]:
    """Broken rows by rule, by the library's own expectations of rows."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    rules = row_rules(GOLD_FATES)
    expected = [_expectation(gx, rule, number) for number, rule in enumerate(rules)]
    keys = {"column_list": list(GOLD_FATES.key), "meta": {"number": len(rules)}}
    expected.append(gx.expectations.ExpectCompoundColumnsToBeUnique(**keys))
    suite = context.suites.add(gx.ExpectationSuite(name="rows", expectations=expected))
    asset = context.data_sources.add_spark("spark").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("rows")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="rows", data=batch, suite=suite)
    )
    ran = definition.run(batch_parameters={"dataframe": rows}, result_format="BASIC")
    found = {
        result.expectation_config.meta["number"]: int(result.result["unexpected_count"])
        for result in ran.results
    }
    return {name: found[n] for n, name in enumerate([*(rule.measure for rule in rules), REPEATED])}


def _expectation(gx: Any, rule: RowRule, number: int) -> Any:
    column, meta = rule.column, {"number": number}
    kinds: dict[str, Callable[[], Any]] = {
        "null": lambda: gx.expectations.ExpectColumnValuesToNotBeNull(column=column, meta=meta),
        "unknown": lambda: gx.expectations.ExpectColumnValuesToBeInSet(
            column=column, value_set=list(rule.words), meta=meta
        ),
        "negative": lambda: gx.expectations.ExpectColumnValuesToBeBetween(
            column=column, min_value=0, meta=meta
        ),
        "no_week": lambda: gx.expectations.ExpectColumnValuesToMatchRegex(
            column=column, regex=WEEK_PATTERN, meta=meta
        ),
    }
    return kinds[rule.name]()


def fastest(work: Callable[[], dict[str, int]]) -> tuple[float, dict[str, int]]:
    took = []
    for _ in range(RUNS):
        started = perf_counter()
        found = work()
        took.append(perf_counter() - started)
    return min(took), found


def main() -> None:
    parser = argparse.ArgumentParser(description="What holding a table to its contract costs.")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10_000, 1_000_000, 4_000_000], help="rows of each table"
    )
    sizes = parser.parse_args().sizes
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    spark = spark_session("quality", num_bytes=SMALL_BYTES)
    print(f"{'rows':>10}{'ours s':>9}{'theirs s':>10}{'x ours':>8}  same broken rows")
    with tempfile.TemporaryDirectory(prefix="quality-") as name:
        for number, num in enumerate([min(sizes), *sizes]):
            rows = fates(spark, num, Path(name, str(number)))
            (mine, found), (other, wanted) = fastest(lambda: ours(rows)), fastest(lambda: theirs(rows))  # noqa: B023
            if number:
                same = "yes" if found == wanted else f"no: {found} {wanted}"
                print(f"{num:10,}{mine:9.1f}{other:10.1f}{other / mine:8.1f}  {same}", flush=True)


if __name__ == "__main__":
    main()
