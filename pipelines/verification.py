"""A second look at what was written: which identifiers are left in it, by column and kind.

    left_in_shard(table)                        # {} where nothing is left, else {"messages": {"email": 2}}
    verify_anonymity(rows, SILVER_SYNTHETIC)    # the same of the rows of a table, on the executors

It reads the written rows, not what the redactor says of itself, leaf by leaf: strings of JSON, literals and
comments of Python. An id that Flow gave the workflow of the conversation may stay, also where it is nothing
but a number, which the redactor keeps. Recorded and synthetic rows are held to the same. `VERIFIED` names the
columns of each table that leaves bronze and trains or is shown; `silver.workflows` is none of them: it holds
what merchants wrote as it is, beside bronze, and what is made from it is redacted first.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.identifier_arrays import find_in_array, kind_of
from pipelines.identifiers import is_surrogate
from pipelines.pool import messages_in
from pipelines.redact import texts_of_messages, texts_of_python
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_SYNTHETIC, Table
from schemas.workflow.jsontext import read_json

__all__ = ["VERIFIED", "VERIFIED_COLUMNS", "left_in_shard", "verify_anonymity"]

VERIFIED_COLUMNS: Final = ("request", "python", "messages")
VERIFIED: Final[Mapping[str, Sequence[str]]] = {
    SILVER_CONVERSATIONS.name: (*VERIFIED_COLUMNS, "problem"),
    SILVER_SYNTHETIC.name: (*VERIFIED_COLUMNS, "problem"),
    GOLD_FATES.name: ("detail",),
}
"""Table -> its columns of free text."""
_FLOW: Final = "gid://shopify/Flow/"
_SLICE_ROWS: Final = 256
"""Rows whose texts are held as Python objects at a time."""

Left = dict[str, dict[str, int]]
"""Column -> kind -> how many; nothing of what is clean."""


def left_in_shard(rows: pa.Table) -> Left:
    """How many identifiers are left in the rows of a shard."""
    return _by_column(_left(rows, VERIFIED_COLUMNS))


def verify_anonymity(rows: DataFrame, table: Table) -> Left:
    """How many identifiers are left in the written rows of a table, counted where they lie.

    Raises:
        KeyError: for a table that `VERIFIED` does not name.
    """
    columns = VERIFIED[table.name]

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            left = _left(batch, columns).items()
            found = [{"column": column, "kind": kind, "num": num} for (column, kind), num in left]
            yield pa.RecordBatch.from_pylist(found, schema=_LEFT)

    counted = rows.select(*columns).mapInArrow(count, "column string, kind string, num long")
    sums = counted.groupBy("column", "kind").agg(F.sum("num").alias("num")).collect()
    return _by_column({(row["column"], row["kind"]): int(row["num"]) for row in sums})


_LEFT: Final = pa.schema(
    [pa.field("column", pa.string()), pa.field("kind", pa.string()), pa.field("num", pa.int64())]
)


def _by_column(left: Mapping[tuple[str, str], int]) -> Left:
    found: Left = {}
    for (column, kind), num in sorted(left.items()):
        found.setdefault(column, {})[kind] = num
    return found


def _left(rows: pa.Table | pa.RecordBatch, columns: Sequence[str]) -> Counter[tuple[str, str]]:
    """By column and kind."""
    left: Counter[tuple[str, str]] = Counter()
    for name in columns:
        for start in range(0, rows.num_rows, _SLICE_ROWS):
            left += _left_in(name, rows.column(name).slice(start, _SLICE_ROWS).to_pylist())
    return left


def _left_in(name: str, values: Sequence[Any]) -> Counter[tuple[str, str]]:
    texts = [text for value in values if value for text in _TEXTS.get(name, _plain)(value)]
    return Counter(
        (name, kind_of(one))
        for _, found in find_in_array(pa.array(texts, pa.string()))
        for one in found
        if one.kind != _FLOW and not is_surrogate(one)
    )


def _plain(text: str) -> Iterator[str]:
    yield text


def _said(text: str) -> Iterator[str]:
    """The texts of a conversation but those that are wholly the id of a workflow that a tool told of."""
    try:
        messages = messages_in(text)
    except BadRecord:  # whatever it is, it is looked at
        return _plain(text)
    ids = set(_workflow_ids(messages))
    return (text for text in texts_of_messages(messages) if text not in ids)


_TEXTS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {"messages": _said, "python": texts_of_python}
"""Column -> how its texts are taken apart; the others are plain."""


def _workflow_ids(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        if message["role"] == "tool":
            content = message["content"] or ""
            with contextlib.suppress(BadRecord):
                answer = read_json(content, limit=len(content))
                data = answer.get("data") if isinstance(answer, dict) else None
                identity = data.get("workflow_id") if isinstance(data, dict) else None
                if isinstance(identity, str):
                    yield identity
