"""A second look at what was written: which identifiers are left in it, by column and kind.

    left_in_shard(table)      # {} where nothing is left, else {"messages": {"email": 2}}

It reads the written rows, not what the redactor says of itself, leaf by leaf: strings of JSON, literals and
comments of Python. An id that Flow gave the workflow of the conversation may stay, also where it is nothing
but a number, which the redactor keeps. Synthetic rows are not
looked at: their workflows are not redacted yet, which is said here because a shard holds both. Not here yet:
the same look at each table when it is published.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from pipelines.identifier_arrays import find_in_array, kind_of
from pipelines.identifiers import is_surrogate
from pipelines.pool import messages_in
from pipelines.redact import texts_of_messages, texts_of_python
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.shards import RECORDED
from schemas.workflow.jsontext import read_json

__all__ = ["VERIFIED_COLUMNS", "left_in_shard"]

VERIFIED_COLUMNS: Final = ("source", "request", "python", "messages")
_FLOW: Final = "gid://shopify/Flow/"


def left_in_shard(rows: pa.Table) -> dict[str, dict[str, int]]:
    """Column -> kind -> how many identifiers are left in the recorded rows; nothing of what is clean."""
    recorded = [row for row in rows.select(VERIFIED_COLUMNS).to_pylist() if row["source"] == RECORDED]
    columns: dict[str, Iterator[str]] = {
        "request": (row["request"] for row in recorded),
        "python": (text for row in recorded for text in texts_of_python(row["python"])),
        "messages": (text for row in recorded for text in _texts_said(messages_in(row["messages"]))),
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


def _texts_said(messages: Sequence[Message]) -> Iterator[str]:
    """The texts of a conversation but those that are wholly the id of a workflow that a tool told of."""
    ids = set(_workflow_ids(messages))
    return (text for text in texts_of_messages(messages) if text not in ids)


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
