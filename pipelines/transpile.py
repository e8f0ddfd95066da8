"""Bronze workflows to silver: every row goes through the round-trip gate, and every row comes out.

The work is done a batch at a time on the executors; Spark reads, spreads and commits. A row that cannot be
carried without loss keeps its place, with the code and the place of the refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from schemas.envelope import place_of, workflow_text
from schemas.tables import SILVER_WORKFLOWS
from schemas.workflow import LANGUAGE_VERSION, Inspection, Problem, inspect

_READ: Final = ("record_id", "workflow_id", "shop_id", "source_file", "source_line", "raw")
_SCHEMA: Final = SILVER_WORKFLOWS.schema


def untranspiled(bronze: DataFrame, silver: DataFrame) -> DataFrame:
    """Bronze rows with a sound envelope that this version of the language has not seen."""
    done = silver.where(F.col("language_version") == LANGUAGE_VERSION).select("record_id")
    return bronze.where(F.col("problem_code").isNull()).join(done, "record_id", "left_anti")


def transpile(bronze: DataFrame) -> DataFrame:
    """One silver row for each bronze row."""
    return bronze.select(*_READ).mapInArrow(_transpile_batches, spark_schema(SILVER_WORKFLOWS))


def _transpile_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [_silver_row(row) for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def _silver_row(row: dict[str, Any]) -> dict[str, Any]:
    found = inspect(workflow_text(row["raw"]))
    refusal = next((problem for problem in found.problems if problem.severity == "error"), None)
    return {
        "record_id": row["record_id"],
        "workflow_id": row["workflow_id"],
        "shop_id": row["shop_id"],
        "spelling": found.spelling,
        "python": found.python,
        "layout": found.layout,
        "descriptor": found.descriptor,
        "trigger": found.trigger,
        "tasks": sorted(found.tasks),
        "exact": found.exact,
        "semantic": found.semantic,
        "problem_code": refusal.code if refusal else _gate(found),
        "problem": _sentence(row, refusal) if refusal else None,
        "problem_path": refusal.path if refusal else None,
        "language_version": LANGUAGE_VERSION,
    }


def _gate(found: Inspection) -> str | None:
    """Lossless or refused: silence about a problem is not consent."""
    return None if found.lossless or (found.spelling == "python" and found.semantic) else "ROUND_TRIP"


def _sentence(row: dict[str, Any], refusal: Problem) -> str:
    step = f", step {refusal.step}" if refusal.step else ""
    place = place_of(row["source_file"], row["source_line"])
    return f"{place}, workflow {row['workflow_id']}{step} at {refusal.path or '/'}: {refusal.message}"
