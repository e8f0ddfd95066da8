"""What the lake holds: every table as a pyarrow schema with its layer, key, partitions and one sentence.

A table's name is `layer.table`; its folder in the lake is `layer/table`. Times are UTC with microseconds.
Texts that have structure (a layout, a workflow) are stored as text, never as structs: a union of structs
puts nulls where nothing was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

FATES: Final = ("training", "quarantine", "rejected", "erased")
"""Where a record may end; every record has exactly one."""


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


def _column(name: str, type_: pa.DataType, doc: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"doc": doc})


_RECORD_ID = _column("record_id", pa.string(), "BLAKE2b-128 of the record's bytes, in hex.", nullable=False)
_WORKFLOW_ID = _column(
    "workflow_id", pa.string(), "The workflow's id in production; `file:PLACE@DIGEST` for a bare export."
)
_SHOP_ID = _column("shop_id", pa.string(), "The shop that owns the workflow; null for a bare export.")
_NUM_RUNS = _column("num_runs_7d", pa.int64(), "Runs in the 7 days before the dump; null when unknown.")
_DESCRIPTOR = _column(
    "descriptor", pa.string(), "The shape of the workflow without its values; one example each is kept."
)

BRONZE_WORKFLOWS: Final = Table(
    name="bronze.workflows",
    about="One row per distinct record that came in, malformed ones too, with its bytes as they were.",
    schema=pa.schema(
        [
            _RECORD_ID,
            _column(
                "source_file",
                pa.string(),
                "URI of the file; the smallest one when several hold the same bytes.",
            ),
            _column("source_offset", pa.int64(), "Byte at which the record begins, after unpacking."),
            _column(
                "source_line",
                pa.int64(),
                "Line of the file, from 1; 0 when the record is the whole file.",
            ),
            _column("raw", pa.binary(), "The exact bytes; null when over the size cap."),
            _column("num_bytes", pa.int64(), "Length of the record in bytes."),
            _WORKFLOW_ID,
            _SHOP_ID,
            _column("created_at", TIMESTAMP, "When the merchant made the workflow."),
            _column("updated_at", TIMESTAMP, "When it last changed."),
            _column("last_run_at", TIMESTAMP, "When it last ran; null when it never did or nobody knows."),
            _NUM_RUNS,
            _column("active", pa.bool_(), "Whether it is switched on; null when unknown."),
            _column("problem_code", pa.string(), "What is wrong with the envelope; null when nothing is."),
            _column("problem", pa.string(), "A sentence that names file, line and path inside."),
        ]
    ),
    key=("record_id",),
    statistics=("updated_at", "last_run_at", "num_runs_7d"),
)

SILVER_WORKFLOWS: Final = Table(
    name="silver.workflows",
    about="One row per bronze record whose envelope is fine, with its Python or the reason for refusal.",
    schema=pa.schema(
        [
            _RECORD_ID,
            _WORKFLOW_ID,
            _SHOP_ID,
            _column(
                "spelling", pa.string(), "`flow`, `agent`, `cli` or `python`; empty when not recognised."
            ),
            _column("python", pa.string(), "The workflow as canonical Python; empty when refused."),
            _column(
                "layout",
                pa.string(),
                "What has no meaning to a model, as canonical JSON; empty when refused.",
            ),
            _DESCRIPTOR,
            _column("trigger", pa.string(), "Name of the trigger's task."),
            _column("tasks", pa.list_(pa.string()), "Names of the tasks that are used, sorted."),
            _column("exact", pa.bool_(), "Whether source and layout give the bytes back."),
            _column("semantic", pa.bool_(), "Whether the source alone gives the same graph and values back."),
            _column("problem_code", pa.string(), "Why it is refused; null when it is not."),
            _column("problem", pa.string(), "A sentence that names file, line and path inside."),
            _column(
                "problem_path", pa.string(), "JSON pointer into the workflow, or line:column for Python."
            ),
            _column("language_version", pa.string(), "Version of the language that wrote the Python."),
        ]
    ),
    key=("record_id",),
    statistics=("spelling", "trigger"),
)

GOLD_FATES: Final = Table(
    name="gold.fates",
    about="One row per record and week: where it ended and why. The commit point of curation.",
    schema=pa.schema(
        [
            _RECORD_ID,
            _column("week", pa.string(), "ISO week of the curation, `2026-W47`.", nullable=False),
            _WORKFLOW_ID,
            _SHOP_ID,
            _column("fate", pa.string(), "`training`, `quarantine`, `rejected` or `erased`.", nullable=False),
            _column("reason", pa.string(), "Short code of why."),
            _column("detail", pa.string(), "A sentence that names file, record and path inside."),
            _DESCRIPTOR,
            _NUM_RUNS,
            _column("policy_version", pa.string(), "Version of the rules that decided."),
        ]
    ),
    key=("week", "record_id"),
    partitions=("week",),
    statistics=("fate", "reason", "num_runs_7d"),
)

TABLES: Final[Mapping[str, Table]] = {
    table.name: table for table in (BRONZE_WORKFLOWS, SILVER_WORKFLOWS, GOLD_FATES)
}
"""Every table of the lake by name."""
