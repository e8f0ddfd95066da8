"""Gold: where every record ended, and what models made of what was held out."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas.table import Table, column
from schemas.tables.columns import DESCRIPTOR, MODEL, NUM_RUNS, RECORD_ID, REQUEST_KIND, SHOP_ID, WORKFLOW_ID

__all__ = ["FATES", "GOLD_EVALUATIONS", "GOLD_FATES", "KINDS"]

FATES: Final = ("training", "quarantine", "rejected", "erased")
"""Where a record may end; every record has exactly one."""

KINDS: Final = ("workflow", "conversation", "event")
"""What a record with a fate is; an event has one of its own only where no conversation can hold it."""

GOLD_FATES: Final = Table(
    name="gold.fates",
    about="One row per record and week: where it ended and why. What trains is decided here.",
    schema=pa.schema(
        [
            RECORD_ID,
            column("week", pa.string(), "ISO week of the curation, `2026-W47`.", nullable=False),
            column(
                "kind",
                pa.string(),
                "What it is: `workflow`, `conversation` or `event`.",
                nullable=False,
                words=KINDS,
            ),
            WORKFLOW_ID,
            SHOP_ID,
            column(
                "fate",
                pa.string(),
                "`training`, `quarantine`, `rejected` or `erased`.",
                nullable=False,
                words=FATES,
            ),
            column("reason", pa.string(), "Short code of why."),
            column("detail", pa.string(), "A sentence that names file, record and path inside."),
            DESCRIPTOR,
            NUM_RUNS,
            column("policy_version", pa.string(), "Version of the rules that decided."),
        ]
    ),
    key=("week", "record_id"),
    partitions=("week", "kind"),
    statistics=("fate", "reason", "num_runs_7d"),
)

GOLD_EVALUATIONS: Final = Table(
    name="gold.evaluations",
    about="One row per evaluated model and held-out request: what came of it.",
    schema=pa.schema(
        [
            column("evaluation_id", pa.string(), "Digest of model, shards and budget.", nullable=False),
            column("record_id", pa.string(), "The held-out conversation.", nullable=False),
            column("week", pa.string(), "ISO week of the shards.", nullable=False),
            MODEL,
            column(
                "model_kind",
                pa.string(),
                "`trained`, `untrained` or `oracle`.",
                words=("trained", "untrained", "oracle"),
            ),
            column("shards", pa.string(), "SHA-256 over the content of the shard set."),
            REQUEST_KIND,
            column("trigger", pa.string(), "Name of the expected workflow's trigger."),
            column("reason", pa.string(), "How the conversation ended."),
            column(
                "parses", pa.bool_(), "Whether what it wrote last is a workflow; null where none is wanted."
            ),
            column(
                "valid", pa.bool_(), "Whether Flow would object to nothing in it; null where none is wanted."
            ),
            column("equal", pa.bool_(), "Whether it is the expected workflow, or rightly none."),
            column("latency_seconds", pa.float64(), "From request to end."),
            column("num_tokens", pa.int64(), "Tokens that the model wrote."),
            column("num_turns", pa.int64(), "Messages that the model wrote."),
        ]
    ),
    key=("week", "evaluation_id", "record_id"),
    partitions=("week",),
    statistics=("model_kind", "request_kind", "trigger"),
)
