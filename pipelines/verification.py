"""A second look at what was written: which identifiers are left in it, by column and kind.

    left_in_shard(table)      # {} where nothing is left, else {"messages": {"email": 2}}

It reads the written rows, not what the redactor says of itself, leaf by leaf: strings of JSON, literals and
comments of Python. An id that Flow gave the workflow of the conversation may stay. Synthetic rows are not
looked at: their workflows are not redacted yet, which is said here because a shard holds both. Not here yet:
the same look at each table when it is published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from pipelines.identifier_arrays import find_in_array, kind_of
from pipelines.identifiers import is_surrogate
from pipelines.pool import messages_in
from pipelines.redact import texts_of_messages, texts_of_python
from schemas.shards import RECORDED

__all__ = ["VERIFIED_COLUMNS", "left_in_shard"]

VERIFIED_COLUMNS: Final = ("source", "request", "python", "messages")
_FLOW: Final = "gid://shopify/Flow/"


def left_in_shard(rows: pa.Table) -> dict[str, dict[str, int]]:
    """Column -> kind -> how many identifiers are left in the recorded rows; nothing of what is clean."""
    recorded = [row for row in rows.select(VERIFIED_COLUMNS).to_pylist() if row["source"] == RECORDED]
    columns: dict[str, Iterator[str]] = {
        "request": (row["request"] for row in recorded),
        "python": (text for row in recorded for text in texts_of_python(row["python"])),
        "messages": (text for row in recorded for text in texts_of_messages(messages_in(row["messages"]))),
    }
    left = {}
    for name, texts in columns.items():
        found = find_in_array(pa.array(texts, pa.string()))
        kinds = Counter(
            kind_of(one) for _, each in found for one in each if one.kind != _FLOW and not is_surrogate(one)
        )
        if kinds:
            left[name] = dict(sorted(kinds.items()))
    return left
