"""Columns that several tables share."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas.requests import REQUEST_KINDS
from schemas.table import column

__all__ = [
    "CONTRACT",
    "DESCRIPTOR",
    "MESSAGES",
    "MIGRATION",
    "MODEL",
    "NUM_RUNS",
    "PLACE",
    "PROBLEM_CODE",
    "RECORD_ID",
    "REQUEST",
    "REQUEST_KIND",
    "SHOP_ID",
    "TAGS",
    "WORKFLOW_ID",
]

RECORD_ID = column("record_id", pa.string(), "BLAKE2b-128 of the record's bytes, in hex.", nullable=False)
WORKFLOW_ID = column(
    "workflow_id", pa.string(), "The workflow's id in production; `file:PLACE@DIGEST` for a bare export."
)
SHOP_ID = column("shop_id", pa.string(), "The shop that owns the workflow; null for a bare export.")
NUM_RUNS = column("num_runs_7d", pa.int64(), "Runs in the 7 days before the dump; null when unknown.")
DESCRIPTOR = column(
    "descriptor", pa.string(), "The shape of the workflow without its values; one example each is kept."
)

PLACE: Final = (
    column(
        "source_file",
        pa.string(),
        "URI of the file; the smallest one when several hold the same bytes.",
    ),
    column("source_offset", pa.int64(), "Byte at which the record begins, after unpacking."),
    column(
        "source_line",
        pa.int64(),
        "Line of the file, from 1; 0 when the record is the whole file.",
    ),
    column("raw", pa.binary(), "The exact bytes; null when over the size cap."),
    column("num_bytes", pa.int64(), "Length of the record in bytes."),
)

MODEL: Final = column(
    "model", pa.string(), "Name of the model that answered, `scripted-oracle` for the script."
)
CONTRACT: Final = column("contract", pa.string(), "Fingerprint of the tool contract under which it happened.")
PROBLEM_CODE: Final = column("problem_code", pa.string(), "Why it is refused; null when it is not.")
MESSAGES: Final = column(
    "messages", pa.string(), "The messages as the renderer takes them, as canonical JSON; empty when refused."
)
REQUEST: Final = column("request", pa.string(), "What the person said last, in words.")
REQUEST_KIND: Final = column(
    "request_kind", pa.string(), "`create`, `edit` or `question`.", words=REQUEST_KINDS
)
MIGRATION: Final = (
    column(
        "recorded_contract",
        pa.string(),
        "Fingerprint under which it was had, where it was brought to today's contract since; null where not.",
    ),
    column(
        "recorded_sha256",
        pa.string(),
        "SHA-256 of the messages and the Python as they were then, in hex; null where nothing was changed.",
    ),
    column(
        "migration_problem",
        pa.string(),
        "Why it cannot be brought to today's contract, so that it does not train; null where it can.",
    ),
)
TAGS: Final = (
    DESCRIPTOR,
    column("trigger", pa.string(), "Name of the trigger's task; empty without a workflow."),
    column(
        "actions",
        pa.list_(pa.string()),
        "Names of the tasks that act, sorted; conditions and loops left out.",
    ),
    column("operators", pa.list_(pa.string()), "Operators of the conditions, sorted."),
    column("connectors", pa.list_(pa.string()), "Connectors of the tasks beyond Shopify's own, sorted."),
)
