"""The rows of erased subjects: found by digest, removed from every table, and what is left of them in fates.

Nothing here writes an id: rows are found by salted digests, or by the words in them, and deleted by their
keys, so that no predicate in a Delta log names anybody. What was made from a shop's workflow or conversation
goes with it. Keys pass through the driver: they are those of one subject, not of a lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.delta_log import data_files, read_state
from pipelines.erasure.files import Files
from pipelines.erasure.subjects import ErasedSubjects
from pipelines.lake import Lake
from schemas.conversation import conversation_record_id
from schemas.table import Table
from schemas.tables import (
    BRONZE_EVENTS,
    BRONZE_WORKFLOWS,
    GOLD_EVALUATIONS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
    SILVER_JUDGMENTS,
    SILVER_SYNTHETIC,
    SILVER_WORKFLOWS,
    TABLES,
)

__all__ = ["ERASED", "Found", "find", "purge", "purge_later", "remove"]

ERASED: Final = "erased"
"""The fate of a record whose subject was forgotten, and its reason."""

_BLANKED: Final = ("workflow_id", "shop_id", "detail", "descriptor", "num_runs_7d")
_SOURCES: Final = (SILVER_WORKFLOWS, SILVER_CONVERSATIONS, BRONZE_WORKFLOWS, BRONZE_EVENTS)
_REMOVED: Final = (SILVER_JUDGMENTS, GOLD_EVALUATIONS, SILVER_SYNTHETIC, *_SOURCES)
"""In the order of removal: what was made from others first, because it is found by them."""

Keys = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Found:
    """What is there of some subjects: for each table the keys of its rows, and the records behind them."""

    keys: Mapping[str, Keys]
    """By the table's name."""
    records: frozenset[str]
    """Ids of every workflow, conversation and line among them."""


def find(lake: Lake, subjects: ErasedSubjects, words: str | None = None) -> Found:
    """What the lake has of `subjects`, and of rows in which the regular expression `words` is found.

    By the words malformed lines are found, and what others said of the subject. Conversations are found by
    bronze's ids too: whatever silver calls them, the record is the same.
    """
    keys: dict[str, Keys] = {}
    records: set[str] = set()
    for table in _SOURCES:
        keys[table.name] = _rows(lake, table, _of(table, subjects) | _said(table, words))
        records |= {row[0] for row in keys[table.name]}
    records |= {conversation_record_id(row[0]) for row in _conversations(lake, subjects)}
    records |= {
        row[1] for row in _rows(lake, GOLD_FATES, _of(GOLD_FATES, subjects) | _said(GOLD_FATES, words))
    }
    conversations = _among(lake, SILVER_CONVERSATIONS, "record_id", records)
    keys[SILVER_CONVERSATIONS.name] |= conversations
    # Beyond bronze a shop may be a pseudonym: the record is the same.
    keys[SILVER_WORKFLOWS.name] |= _among(lake, SILVER_WORKFLOWS, "record_id", records)
    made = _among(lake, SILVER_SYNTHETIC, "workflow_record_id", records)
    keys[SILVER_SYNTHETIC.name] = made | _rows(lake, SILVER_SYNTHETIC, _said(SILVER_SYNTHETIC, words))
    judged = records | {row[0] for row in keys[SILVER_SYNTHETIC.name]}
    for table in (SILVER_JUDGMENTS, GOLD_EVALUATIONS):
        said = _rows(lake, table, _said(table, words))
        keys[table.name] = said | _among(lake, table, "record_id", judged)
    return Found(keys, frozenset(records))


def remove(lake: Lake, found: Found) -> dict[str, int]:
    """Delete what was found; fates of its records become `erased` and name nothing. Gives rows by table.

    Fates are settled first: a run that is killed after them finds the records by bronze, which goes last.
    """
    removed = {GOLD_FATES.name: _settle_fates(lake, found.records)}
    for table in _REMOVED:
        keys = found.keys[table.name]
        removed[table.name] = lake.delete(_frame(lake, table.key, keys), table) if keys else 0
    return removed


def purge(lake: Lake, subjects: ErasedSubjects) -> dict[str, int]:
    """Delete the rows of `subjects` from every table, by digests alone; gives how many went of each.

    This is what ingest calls for subjects that were buried while it wrote: the erasure may have looked at
    every byte by then, so the data files that held the rows go too. Safe to repeat.
    """
    if not subjects:
        return {}
    removed = remove(lake, find(lake, subjects))
    files = Files()
    for name, num_rows in removed.items():
        state = read_state(f"{lake.root}/{TABLES[name].path}")
        if state is None or not num_rows:
            continue
        for path, info in data_files(state):
            if path in state.removed:
                files.remove(info.path)
    return removed


def purge_later(lake: Lake, before: ErasedSubjects) -> None:
    """Remove again what belongs to those who were erased while it was written, since `before` was read."""
    purge(lake, ErasedSubjects.of(lake).since(before))


def _of(table: Table, subjects: ErasedSubjects) -> Column:
    names = table.schema.names
    return subjects.condition(
        shop=F.col("shop_id") if "shop_id" in names else None,
        conversation=F.col("conversation_id") if "conversation_id" in names else None,
    )


def _said(table: Table, words: str | None) -> Column:
    """Whether any text of a row has the words."""
    if words is None:
        return F.lit(False)
    texts = [
        F.coalesce(F.col(each.name).cast("string").rlike(words), F.lit(False))
        for each in table.schema
        if each.type in (pa.string(), pa.binary()) and each.name not in table.key
    ]
    return reduce(Column.__or__, texts)


def _conversations(lake: Lake, subjects: ErasedSubjects) -> Keys:
    """Conversations of bronze that are of the subjects: not those of others that only mention them."""
    if not lake.exists(BRONZE_EVENTS):
        return frozenset()
    rows = lake.read(BRONZE_EVENTS).where(_of(BRONZE_EVENTS, subjects) & F.col("conversation_id").isNotNull())
    return frozenset(tuple(row) for row in rows.select("conversation_id").distinct().collect())


def _rows(lake: Lake, table: Table, where: Column) -> Keys:
    if not lake.exists(table):
        return frozenset()
    rows = lake.read(table).where(where).select(*table.key)
    return frozenset(tuple(row) for row in rows.collect())


def _among(lake: Lake, table: Table, column: str, records: Iterable[str]) -> Keys:
    """Keys of the rows whose `column` is one of the records."""
    wanted = frozenset((each,) for each in records)
    if not wanted or not lake.exists(table):
        return frozenset()
    rows = lake.read(table).join(F.broadcast(_frame(lake, (column,), wanted)), column, "left_semi")
    return frozenset(tuple(row) for row in rows.select(*table.key).collect())


def _settle_fates(lake: Lake, records: frozenset[str]) -> int:
    if not records or not lake.exists(GOLD_FATES):
        return 0
    stored = lake.read(GOLD_FATES)
    wanted = F.broadcast(_frame(lake, ("record_id",), frozenset((each,) for each in records)))
    fates = stored.join(wanted, "record_id", "left_semi").where(F.col("fate") != ERASED)
    blank = {name: F.lit(None).cast(stored.schema[name].dataType) for name in _BLANKED}
    settled = fates.withColumns({**blank, "fate": F.lit(ERASED), "reason": F.lit(ERASED)})
    return lake.merge(settled.localCheckpoint(), GOLD_FATES).num_updated


def _frame(lake: Lake, columns: Iterable[str], rows: Keys) -> DataFrame:
    names = tuple(columns)
    values = [pa.array(column, pa.string()) for column in zip(*sorted(rows), strict=True)]
    return lake.spark.createDataFrame(pa.table(values, names=list(names)))
