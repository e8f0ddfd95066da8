"""What a contract of one lake table is: schema, key, partitions, and a sentence for each column.

Times are UTC with microseconds. Texts that have structure (a layout, a workflow, messages) are stored as
text, never as structs: a union of structs puts nulls where nothing was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

__all__ = ["TIMESTAMP", "Table", "column"]

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, kw_only=True)
class Table:
    """The contract of one lake table."""

    name: str
    """`layer.table`, as SQL spells it."""

    about: str
    """One sentence: what a row is."""

    schema: pa.Schema
    """Columns in order; each carries its own sentence, and the key's columns are not nullable."""

    key: tuple[str, ...]
    """Columns that together name a row."""

    partitions: tuple[str, ...] = ()
    """Columns whose values are folders."""

    statistics: tuple[str, ...] = ()
    """Columns whose minimum and maximum each file keeps: never ids or free text, which must be erasable."""

    def __post_init__(self) -> None:
        if self.layer not in ("bronze", "silver", "gold", "ops") or not self.name.partition(".")[2]:
            raise ValueError(f"{self.name!r} is not layer.table with a layer of bronze, silver, gold or ops")
        for column in (*self.key, *self.partitions, *self.statistics):
            if column not in self.schema.names:
                raise ValueError(f"{self.name} has no column {column!r}")
        nullable = [column for column in self.key if self.schema.field(column).nullable]
        if not self.key or nullable:
            raise ValueError(
                f"{self.name} needs a key without nulls (nullable: {', '.join(nullable) or 'none'})"
            )

    @property
    def layer(self) -> str:
        """`bronze`, `silver`, `gold` or `ops`."""
        return self.name.partition(".")[0]

    @property
    def path(self) -> str:
        """The table's folder, relative to the lake."""
        return self.name.replace(".", "/")

    def doc(self, column: str) -> str:
        """Return the sentence that says what `column` holds."""
        return str(self.schema.field(column).metadata[b"doc"], "utf-8")

    def words(self, column: str) -> tuple[str, ...]:
        """The only values that `column` may hold besides null; none where it may hold any."""
        found = self.schema.field(column).metadata.get(b"words")
        return tuple(str(found, "utf-8").split("|")) if found is not None else ()


def column(
    name: str, type_: pa.DataType, doc: str, *, nullable: bool = True, words: Sequence[str] = ()
) -> pa.Field:
    """A column with the sentence that says what it holds and, where it holds one of a few words, these."""
    metadata = {"doc": doc} | ({"words": "|".join(words)} if words else {})
    return pa.field(name, type_, nullable=nullable, metadata=metadata)
