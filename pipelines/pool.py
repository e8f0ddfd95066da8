"""The pool of one week: every conversation that may train, looked at row by row, none silently left out.

A workflow that the week's fates admit brings the conversations that were made from it; a recorded
conversation is admitted by a fate of its own, of this week or an earlier one. What cannot be rendered, was
had under another tool contract or repeats another keeps its place with a reason. Not here yet: weights, and
a share of each slice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.lake import Lake
from schemas.chat import Message, render_text
from schemas.errors import BadRecord, UsageError
from schemas.shards import HELD_OUT_SHARE, RECORDED, SHARD_SCHEMA, SYNTHETIC, is_held_out, keys_of, split_key
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_SYNTHETIC
from schemas.tools import CONTRACT, SAVE, canonical_json
from schemas.weeks import Week
from schemas.workflow import from_python
from schemas.workflow.descriptor import descriptor_of
from schemas.workflow.jsontext import read_json

__all__ = [
    "MAX_MESSAGES_CHARACTERS",
    "OTHER_CONTRACT",
    "REPEATED",
    "PoolPolicy",
    "examine",
    "messages_in",
    "pool",
    "pool_versions",
    "read_pool",
    "training_texts",
]

NO_CONVERSATION: Final = "NO_CONVERSATION"
"""It was admitted and there is nothing to render: nothing was synthesised, or silver refused it."""
OTHER_CONTRACT: Final = "OTHER_CONTRACT"
SILENT: Final = "SILENT"
"""The assistant says nothing in it."""
HELD_OUT_WORKFLOW: Final = "HELD_OUT_WORKFLOW"
"""It would train, but a workflow that is held out was saved on the way."""
HELD_OUT_REQUEST: Final = "HELD_OUT_REQUEST"
"""It would train, but asks in the same words for what is held out."""
REPEATED: Final = "REPEATED"

MAX_MESSAGES_CHARACTERS: Final = 16 << 20
SLICE_ROWS: Final = 64
"""Rows that are held as Python objects at a time."""

_TAGS: Final = ("descriptor", "trigger", "actions", "operators", "connectors")
_COLUMNS: Final = tuple(name for name in SHARD_SCHEMA.names if name not in ("ids", "mask"))
_POOL: Final = pa.schema(
    [
        *(pa.field(name, SHARD_SCHEMA.field(name).type) for name in _COLUMNS),
        pa.field("contract", pa.string()),
        pa.field("migration_problem", pa.string()),
        pa.field("policy_version", pa.string()),
    ]
)
_FOUND: Final = pa.schema(
    [
        pa.field("held_out", pa.bool_()),
        pa.field("left_out", pa.string()),
        pa.field("text_sha256", pa.binary()),
        pa.field("row_sha256", pa.binary()),
        pa.field("keys", pa.list_(pa.string())),
    ]
)
_EXAMINED: Final = pa.schema([*_POOL, *_FOUND])
_TEXT: Final = pa.schema([pa.field("record_id", pa.string()), pa.field("text", pa.string())])


@dataclass(frozen=True, kw_only=True)
class PoolPolicy:
    """What every job on a pool must be told alike."""

    held_out_share: Annotated[
        float, "Share of the workflows for evaluation alone; the tokenizer's and the shards' must agree."
    ] = HELD_OUT_SHARE

    def __post_init__(self) -> None:
        if not 0 <= self.held_out_share < 1:
            raise ValueError("--held-out-share must be from 0 to below 1.")


def read_pool(lake: Lake, week: Week) -> DataFrame:
    """The pool of `week` as the lake has it.

    Raises:
        UsageError: where the week was not curated, or nothing was admitted or made from what was.
    """
    fates = lake.read(GOLD_FATES)
    curated = fates.where((F.col("week") == str(week)) & (F.col("kind") == "workflow"))
    if curated.isEmpty():
        raise UsageError(f"Week {week} has no fates yet; run curate_workflows --week {week} first.")
    rows = pool(fates, lake.read(SILVER_SYNTHETIC), lake.read(SILVER_CONVERSATIONS), week)
    if rows.where(F.col("messages") != "").isEmpty():
        raise UsageError(
            f"Nothing is in the pool of week {week}; run synthesize_conversations --week {week} first."
        )
    return rows


def pool_versions(lake: Lake) -> dict[str, int | None]:
    """The newest commit of each table that a pool is read from."""
    return {table.name: lake.version(table) for table in (GOLD_FATES, SILVER_SYNTHETIC, SILVER_CONVERSATIONS)}


def pool(fates: DataFrame, synthetic: DataFrame, conversations: DataFrame, week: Week) -> DataFrame:
    """What was admitted, a row a conversation; an admitted record without one is a row without messages."""
    admitted = fates.where(F.col("fate") == "training")
    workflows = admitted.where((F.col("kind") == "workflow") & (F.col("week") == str(week)))
    workflows = workflows.select(F.col("record_id").alias("workflow_record_id"), "week", "policy_version")
    made = workflows.join(synthetic.where(F.col("problem_code").isNull()), "workflow_record_id", "left")
    made = made.withColumn("record_id", F.coalesce("record_id", "workflow_record_id"))
    recorded = admitted.where((F.col("kind") == "conversation") & (F.col("week") <= str(week)))
    recorded = recorded.select("record_id", "week", "policy_version")
    recorded = recorded.join(conversations.drop("week"), "record_id", "left")
    return _as_pool(made, SYNTHETIC, "workflow_record_id").unionByName(
        _as_pool(recorded, RECORDED, "record_id")
    )


def _as_pool(rows: DataFrame, source: str, source_id: str) -> DataFrame:
    given: dict[str, Column] = {
        "source": F.lit(source),
        "source_ids": F.array(source_id),
        **{name: F.col(name) for name in ("record_id", "week", "contract", "policy_version")},
    }
    empty = {field.name: F.array() if pa.types.is_list(field.type) else F.lit("") for field in _POOL}
    return rows.select(
        *(
            given.get(name, F.coalesce(F.col(name) if name in rows.columns else F.lit(None), empty[name]))
            .cast(from_arrow_schema(_POOL)[name].dataType)
            .alias(name)
            for name in _POOL.names
        )
    )


def examine(rows: DataFrame, share: float) -> DataFrame:
    """Add to each row of a pool `held_out`, `left_out` (a reason or null), digests of text and row, and keys.

    Of rows with equal text the one with the smallest record id stays.
    """
    examined = rows.mapInArrow(_mapped(_examined, _EXAMINED, share), from_arrow_schema(_EXAMINED)).persist()
    sound = examined.where(F.col("left_out").isNull())
    same_text = Window.partitionBy("text_sha256").orderBy("record_id")
    repeated = (
        sound.select("record_id", F.row_number().over(same_text).alias("place"))
        .where(F.col("place") > 1)
        .select("record_id", F.lit(REPEATED).alias("repeated"))
    )
    keys = sound.select("record_id", "held_out", F.explode("keys").alias("key"))
    held_out = keys.where(F.col("held_out")).select("key").distinct()
    asked = keys.where(~F.col("held_out")).join(held_out, "key", "left_semi").select("record_id").distinct()
    asked = asked.withColumn("asked", F.lit(HELD_OUT_REQUEST))
    return (
        examined.join(repeated, "record_id", "left")
        .join(asked, "record_id", "left")
        .withColumn("left_out", F.coalesce("left_out", "asked", "repeated"))
        .select(*_EXAMINED.names)
    )


def training_texts(examined: DataFrame, limit: int) -> DataFrame:
    """Texts to learn a tokenizer from, none of which is held out: at most `limit`, chosen by their digest."""
    chosen = examined.where(F.col("left_out").isNull() & ~F.col("held_out"))
    chosen = chosen.orderBy("text_sha256").limit(limit).select(*_POOL.names)
    return chosen.mapInArrow(_mapped(_with_text, _TEXT, 0.0), from_arrow_schema(_TEXT))


def messages_in(text: str) -> list[Message]:
    """The messages of a row. Raises BadRecord where the text is none."""
    if len(text) > MAX_MESSAGES_CHARACTERS:
        raise BadRecord("TOO_LONG", f"{len(text)} characters, the limit is {MAX_MESSAGES_CHARACTERS}")
    messages: Any = read_json(text, limit=MAX_MESSAGES_CHARACTERS)
    if not isinstance(messages, list):
        raise BadRecord("CONTENT", "these are no messages")
    return messages


# -- on the executors -----------------------------------------------------------------------------------

_Row = dict[str, Any]


def _mapped(
    change: Callable[[_Row, float], _Row], schema: pa.Schema, share: float
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` that holds few rows at a time."""

    def batches(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in given:
            for start in range(0, batch.num_rows, SLICE_ROWS):
                rows = [change(row, share) for row in batch.slice(start, SLICE_ROWS).to_pylist()]
                yield pa.RecordBatch.from_pylist(rows, schema=schema)

    return batches


def _with_text(row: _Row, share: float) -> _Row:
    return {"record_id": row["record_id"], "text": render_text(messages_in(row["messages"]), CONTRACT)}


def _examined(row: _Row, share: float) -> _Row:
    held_out = is_held_out(split_key(row["descriptor"], row["request"]), share)
    found: _Row = {"held_out": held_out, "left_out": None, "text_sha256": None}
    try:
        text = _text_of(row, None if held_out else share)
        found["text_sha256"] = hashlib.sha256(text.encode()).digest()
    except BadRecord as refused:
        found["left_out"] = refused.code
    content = canonical_json([row[name] for name in _COLUMNS])
    found["row_sha256"] = hashlib.sha256(content.encode()).digest()
    return {**row, **found, "keys": keys_of(row["descriptor"], row["request"], row["request_kind"])}


def _text_of(row: _Row, share: float | None) -> str:
    """The text that trains. Raises BadRecord with the reason for which the row does not."""
    if not row["messages"]:
        raise BadRecord(NO_CONVERSATION, "there are no messages")
    if row["contract"] != CONTRACT.fingerprint() or row["migration_problem"]:
        raise BadRecord(OTHER_CONTRACT, "it was had under another tool contract")
    messages = messages_in(row["messages"])
    text = render_text(messages, CONTRACT)
    if not any(message["role"] == "assistant" for message in messages):
        raise BadRecord(SILENT, "the assistant says nothing")
    if share is not None and any(
        is_held_out(found, share) for found in _descriptors(messages, row["python"])
    ):
        raise BadRecord(HELD_OUT_WORKFLOW, "a workflow that is held out was saved on the way")
    return text


def _descriptors(messages: list[Message], python: str) -> Iterator[str]:
    """Shapes of the workflows that were saved on the way to `python`."""
    for message in messages:
        for call in message.get("tool_calls") or []:
            if call["function"]["name"] != SAVE:
                continue
            arguments: Any = read_json(call["function"]["arguments"])
            saved = arguments.get("workflow_python")
            if isinstance(saved, str) and saved != python:
                try:
                    yield descriptor_of(from_python(saved))
                except BadRecord:  # the tool refused it: it is no workflow
                    continue
