"""Stored conversations brought to today's contract, and kept there.

A migrated row keeps what it means: its words, its calls, its Python, its tags and what the merchant did. It
has other messages, so a judge is asked again. A row that cannot be migrated stays as it was recorded and
says why, which keeps it from training. Doing it again changes nothing. Not here yet: rows that were looked
at before under the same contract and catalogue, and need no second look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.judge import conversation_digest
from pipelines.mirror.migration import differences_in, migrated
from pipelines.pool import messages_in
from schemas.errors import BadRecord
from schemas.table import Table
from schemas.tools import CONTRACT, Contract, canonical_json

__all__ = ["contract_of", "keep_migrated", "migrate"]

_CHANGED: Final = ("messages", "contract", "recorded_contract", "recorded_sha256", "migration_problem")
_LONGEST: Final = 500

Row = dict[str, Any]


def keep_migrated(built: DataFrame, stored: DataFrame) -> DataFrame:
    """The `built` conversations, with what was migrated since where the recorded words are still the same.

    Words that another version of the redactor left are not, though they read the same: what was made of them
    is made anew.
    """
    settled = (F.col("contract") == CONTRACT.fingerprint()) | F.col("migration_problem").isNotNull()
    kept = stored.where(F.col("recorded_sha256").isNotNull() & settled).select(
        F.col("record_id").alias("_id"),
        F.col("redactor_version").alias("_redactor_version"),
        *(F.col(name).alias(f"_{name}") for name in _CHANGED),
    )
    same = (
        (F.col("record_id") == F.col("_id"))
        & (F.col("redactor_version") == F.col("_redactor_version"))
        & (conversation_digest() == F.col("_recorded_sha256"))
    )
    joined = built.join(kept, same, "left")
    is_kept = F.col("_id").isNotNull()
    columns = [
        F.when(is_kept, F.col(f"_{name}")).otherwise(F.col(name)).alias(name)
        if name in _CHANGED
        else F.col(name)
        for name in built.columns
    ]
    return joined.select(*columns)


def migrate(rows: DataFrame, table: Table, texts: Mapping[str, str]) -> DataFrame:
    """Those of the rows of `table` that change, as they are to be; `texts` are recorded contracts."""

    def batches(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in found:
            for number in range(batch.num_rows):
                row = batch.slice(number, 1).to_pylist()[0]
                if (changed := migrated_row(row, texts)) != row:
                    yield pa.RecordBatch.from_pylist([changed], schema=table.schema)

    return rows.select(*table.schema.names).mapInArrow(batches, spark_schema(table))


def migrated_row(row: Row, texts: Mapping[str, str]) -> Row:
    """The row under today's contract, or as it is with the reason why it cannot be there."""
    try:
        recorded = contract_of(row["contract"], texts)
        said = messages_in(row["messages"])
        if recorded == CONTRACT and not any(differences_in(said, CONTRACT)):
            return {**row, "migration_problem": None} if row["recorded_contract"] else _untouched(row)
        messages = canonical_json(migrated(said, CONTRACT, recorded))
    except BadRecord as refused:
        where = f" at {refused.path}" if refused.path else ""
        problem = f"{refused.code}{where}: {refused.message}"[:_LONGEST]
    except Exception as error:  # noqa: BLE001 - one row that trips over a bug must not hold up the others
        problem = f"MIGRATION_FAILED: {type(error).__name__}, which is a bug in the migration"
    else:
        return {
            **row,
            "messages": messages,
            "contract": CONTRACT.fingerprint(),
            "recorded_contract": row["recorded_contract"] or row["contract"],
            "recorded_sha256": row["recorded_sha256"] or _sha256(row),
            "migration_problem": None,
        }
    return {
        **row,
        "recorded_sha256": row["recorded_sha256"] or _sha256(row),
        "migration_problem": problem,
    }


def contract_of(fingerprint: str | None, texts: Mapping[str, str]) -> Contract:
    """The contract of a row.

    Raises:
        BadRecord: UNKNOWN_CONTRACT where nobody has its text, CONTRACT where it cannot be read.
    """
    if fingerprint == CONTRACT.fingerprint():
        return CONTRACT
    if fingerprint is None or fingerprint not in texts:
        raise BadRecord("UNKNOWN_CONTRACT", f"nobody has the text of contract {str(fingerprint)[:12]}")
    return Contract.from_json(texts[fingerprint])


def _untouched(row: Row) -> Row:
    """A row that fits as it was recorded; what was said of it under an earlier contract is over."""
    return {**row, "recorded_sha256": None, "migration_problem": None}


def _sha256(row: Row) -> str:
    """What `conversation_digest` makes of the row."""
    return hashlib.sha256(f"{row['messages'] or ''}\x1f{row['python'] or ''}".encode()).hexdigest()
