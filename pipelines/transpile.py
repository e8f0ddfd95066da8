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
from pipelines.redact import Redactor
from schemas.envelope import ENCODING, place_of, workflow_text
from schemas.tables import SILVER_WORKFLOWS
from schemas.workflow import LANGUAGE_VERSION, Inspection, Problem, inspect

_READ: Final = ("record_id", "workflow_id", "shop_id", "source_file", "source_line", "raw")
_SCHEMA: Final = SILVER_WORKFLOWS.schema


def untranspiled(bronze: DataFrame, silver: DataFrame) -> DataFrame:
    """Bronze rows with a sound envelope that this version of the language has not seen.

    Ids are compared alone, and counted at once: unless very many rows are new to a lake that has others, the
    ids go to the rows and no record's bytes travel.
    """
    sound = bronze.where(F.col("problem_code").isNull())
    done = silver.where(F.col("language_version") == LANGUAGE_VERSION).select("record_id")
    if done.isEmpty():
        return sound
    new = sound.select("record_id").join(done, "record_id", "left_anti").persist()
    new.count()
    return sound.join(new, "record_id", "left_semi")


def transpile(bronze: DataFrame) -> DataFrame:
    """One silver row for each bronze row."""
    return bronze.select(*_READ).mapInArrow(_transpile_batches, spark_schema(SILVER_WORKFLOWS))


def _transpile_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [_silver_row(row) for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def _silver_row(row: dict[str, Any]) -> dict[str, Any]:
    found = _inspected(row["raw"])
    refusal = next((problem for problem in found.problems if problem.severity == "error"), None)
    if refusal is None and not _passes(found):
        refusal = _refusal("ROUND_TRIP", "what comes back is not what went in")
    return {
        "record_id": row["record_id"],
        "workflow_id": row["workflow_id"],
        "shop_id": row["shop_id"],
        "spelling": found.spelling,
        "python": "" if refusal else found.python,
        "layout": "" if refusal else found.layout,
        "descriptor": found.descriptor,
        "trigger": found.trigger,
        "tasks": sorted(found.tasks),
        "exact": found.exact,
        "semantic": found.semantic,
        "problem_code": refusal.code if refusal else None,
        "problem": _sentence(row, refusal) if refusal else None,
        "problem_path": refusal.path if refusal else None,
        "language_version": LANGUAGE_VERSION,
    }


def _inspected(raw: bytes | None) -> Inspection:
    if raw is None:
        return _refused("NO_BYTES", "its bytes were not kept")
    try:
        found = inspect(workflow_text(raw), with_findings=False)
        for text in (found.python, found.layout, found.descriptor):
            text.encode()
    except UnicodeDecodeError as error:
        return _refused(ENCODING, f"byte {error.start} is not UTF-8")
    except UnicodeEncodeError:
        return _refused(ENCODING, "half of a surrogate pair stands alone")
    except Exception as error:  # noqa: BLE001 - a row that trips over a bug must not hold up all the others
        return _refused("INSPECTION_FAILED", f"{type(error).__name__}, which is a bug in the language")
    return found


def _passes(found: Inspection) -> bool:
    """Lossless or refused: silence about a problem is not consent."""
    lossless = found.lossless or (found.spelling == "python" and found.semantic)
    return lossless and found.python != "" and found.descriptor != ""


def _refused(code: str, message: str) -> Inspection:
    return Inspection("", problems=(_refusal(code, message),))


def _refusal(code: str, message: str) -> Problem:
    return Problem(code, "error", "", "", message)


def _sentence(row: dict[str, Any], refusal: Problem) -> str:
    place = place_of(row["source_file"], row["source_line"])
    workflow = f", workflow {row['workflow_id']}" if row["workflow_id"] else ""
    step = f", step {refusal.step}" if refusal.step else ""
    return f"{place}{workflow}{step} at {refusal.path or '/'}: {Redactor().text(refusal.message)}"
