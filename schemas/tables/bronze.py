"""Bronze: what came in, byte for byte, malformed or not."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas.table import TIMESTAMP, Table, column
from schemas.tables.columns import CONTRACT, MODEL, NUM_RUNS, PLACE, RECORD_ID, SHOP_ID, WORKFLOW_ID

__all__ = ["BRONZE_CONTRACTS", "BRONZE_EVENTS", "BRONZE_WORKFLOWS", "EVENT_KINDS"]

BRONZE_WORKFLOWS: Final = Table(
    name="bronze.workflows",
    about="One row per distinct record that came in, malformed ones too, with its bytes as they were.",
    schema=pa.schema(
        [
            RECORD_ID,
            *PLACE,
            WORKFLOW_ID,
            SHOP_ID,
            column("created_at", TIMESTAMP, "When the merchant made the workflow."),
            column("updated_at", TIMESTAMP, "When it last changed."),
            column("last_run_at", TIMESTAMP, "When it last ran; null when it never did or nobody knows."),
            NUM_RUNS,
            column("active", pa.bool_(), "Whether it is switched on; null when unknown."),
            column("problem_code", pa.string(), "What is wrong with the envelope; null when nothing is."),
            column("problem", pa.string(), "A sentence that names file, line and path inside."),
        ]
    ),
    key=("record_id",),
    statistics=("updated_at", "last_run_at", "num_runs_7d"),
)

BRONZE_CONTRACTS: Final = Table(
    name="bronze.contracts",
    about="One row per distinct file in which a recorder left what it told its model, malformed ones too.",
    schema=pa.schema(
        [
            RECORD_ID,
            *PLACE,
            column("contract", pa.string(), "Fingerprint of the tool contract: SHA-256 of its text, in hex."),
            column("version", pa.string(), "The version that the contract gives itself."),
            column("text", pa.string(), "The contract as canonical JSON."),
            column("problem_code", pa.string(), "Why it cannot be read; null when it can."),
            column("problem", pa.string(), "A sentence that names the file and the path inside."),
        ]
    ),
    key=("record_id",),
)

EVENT_KINDS: Final = (
    *("message", "tool_call", "tool_result", "workflow_proposed"),
    *("activated", "deactivated", "edited", "feedback", "ended"),
)
"""The keys of `schemas.conversation.PAYLOADS`, here without the contract of tools that it reads."""

BRONZE_EVENTS: Final = Table(
    name="bronze.conversation_events",
    about="One row per distinct line that a recorder left, malformed ones too, with its bytes as they were.",
    schema=pa.schema(
        [
            RECORD_ID,
            *PLACE,
            column("event_id", pa.string(), "The event's own id; null when the line cannot be read."),
            column("conversation_id", pa.string(), "The conversation that it belongs to."),
            SHOP_ID,
            column("sequence", pa.int64(), "Its place in the conversation, from 0."),
            column(
                "event_time",
                TIMESTAMP,
                "When it happened, as the recorder says; malformed lines too, where it is read.",
            ),
            column(
                "kind",
                pa.string(),
                "What happened; `schemas.conversation.PAYLOADS` lists the kinds.",
                words=EVENT_KINDS,
            ),
            column("payload", pa.string(), "What belongs to the kind, as canonical JSON, not redacted."),
            MODEL,
            CONTRACT,
            column("arm", pa.string(), "Arm of the experiment that the conversation is in."),
            column(
                "rescued",
                pa.string(),
                "Fields that nobody knows, as canonical JSON by JSON pointer; null where there are none.",
            ),
            column("problem_code", pa.string(), "What is wrong with the line; null when nothing is."),
            column("problem", pa.string(), "A sentence that names file, line and path inside."),
        ]
    ),
    key=("record_id",),
    statistics=("event_time", "kind"),
)
