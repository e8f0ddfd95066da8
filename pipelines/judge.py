"""Judge conversations by program: four facets each, one row a facet, beside the data.

A judgment is of what was said and written; what a merchant does later changes no score. A facet over which
the judge trips has no score and says so: the others go on. Not here yet: judges that are models, their
calibration and their licence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.facets import FACETS, Conversation, Verdict
from pipelines.trajectory import turns_of
from schemas.errors import BadRecord
from schemas.tables import SILVER_JUDGMENTS
from schemas.tools import CONTRACT
from schemas.workflow import LANGUAGE_VERSION

__all__ = ["JUDGE_VERSION", "conversation_digest", "judge", "unjudged"]

_RULES: Final = "program_judge_v1"
"""Changes with every change of what `facets` or `claims` say of the same conversation."""
_LONGEST: Final = 1_000
_SCHEMA: Final = SILVER_JUDGMENTS.schema


def _version() -> str:
    """The rules' own name, and a digest of what they look at: language, contract and catalogue."""
    catalogue = files("schemas.catalog").joinpath("tasks.json").read_bytes()
    told = b"\n".join([LANGUAGE_VERSION.encode(), CONTRACT.fingerprint().encode(), catalogue])
    return f"{_RULES} {hashlib.sha256(told).hexdigest()[:12]}"


JUDGE_VERSION: Final = _version()


def conversation_digest() -> Column:
    """SHA-256 of what is judged; a control character, which no JSON text holds bare, stands between."""
    texts = (F.coalesce(F.col(name), F.lit("")) for name in ("messages", "python"))
    return F.sha2(F.concat_ws("\x1f", *texts), 256)


def unjudged(conversations: DataFrame, judgments: DataFrame) -> DataFrame:
    """Sound conversations that this judge has not judged, or that were others when it did."""
    sound = conversations.where(F.col("problem_code").isNull())
    sound = sound.select(
        "record_id", "messages", "python", conversation_digest().alias("conversation_digest")
    )
    done = (
        judgments.where(F.col("judge_version") == JUDGE_VERSION)
        .groupBy("record_id", "conversation_digest")
        .agg(F.count_distinct("facet").alias("num_facets"))
        .where(F.col("num_facets") == len(FACETS))
    )
    return sound.join(done, ["record_id", "conversation_digest"], "left_anti")


def judge(conversations: DataFrame) -> DataFrame:
    """One `silver.judgments` row for each of the conversations and each facet."""
    read = conversations.select(
        "record_id",
        "messages",
        "python",
        F.lit(JUDGE_VERSION).alias("judge_version"),
        conversation_digest().alias("conversation_digest"),
    )
    return read.mapInArrow(_judge_batches, spark_schema(SILVER_JUDGMENTS))


def _judge_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [row for conversation in batch.to_pylist() for row in _rows(conversation)]
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def _rows(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for facet, verdict in _verdicts(row["messages"] or "", row["python"] or "").items():
        yield {
            "record_id": row["record_id"],
            "facet": facet,
            "judge_version": row["judge_version"],
            "conversation_digest": row["conversation_digest"],
            "score": verdict.score,
            "detail": verdict.detail[:_LONGEST].encode(errors="replace").decode(),
        }


def _verdicts(messages: str, python: str) -> dict[str, Verdict]:
    try:
        conversation = Conversation(turns_of(messages), python)
    except BadRecord as refused:
        return dict.fromkeys(FACETS, Verdict(None, refused.message))
    return {facet: _verdict(facet, conversation) for facet in FACETS}


def _verdict(facet: str, conversation: Conversation) -> Verdict:
    try:
        return FACETS[facet](conversation)
    except Exception as error:  # noqa: BLE001 - a row that trips over a bug must not hold up all the others
        return Verdict(None, f"{type(error).__name__}, which is a bug in the judge")
