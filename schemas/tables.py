"""What the lake holds: every table as a pyarrow schema with its layer, key, partitions and one sentence.

A table's name is `layer.table`; its folder in the lake is `layer/table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from schemas.table import TIMESTAMP, Table, column

__all__ = [
    "BRONZE_CONTRACTS",
    "BRONZE_EVENTS",
    "BRONZE_WORKFLOWS",
    "FATES",
    "GOLD_EVALUATIONS",
    "GOLD_FATES",
    "KINDS",
    "SILVER_CONVERSATIONS",
    "SILVER_JUDGMENTS",
    "SILVER_SYNTHETIC",
    "SILVER_WORKFLOWS",
    "TABLES",
    "TIMESTAMP",
    "Table",
]

FATES: Final = ("training", "quarantine", "rejected", "erased")
"""Where a record may end; every record has exactly one."""

KINDS: Final = ("workflow", "conversation", "event")
"""What a record with a fate is; an event has one of its own only where no conversation can hold it."""

_RECORD_ID = column("record_id", pa.string(), "BLAKE2b-128 of the record's bytes, in hex.", nullable=False)
_WORKFLOW_ID = column(
    "workflow_id", pa.string(), "The workflow's id in production; `file:PLACE@DIGEST` for a bare export."
)
_SHOP_ID = column("shop_id", pa.string(), "The shop that owns the workflow; null for a bare export.")
_NUM_RUNS = column("num_runs_7d", pa.int64(), "Runs in the 7 days before the dump; null when unknown.")
_DESCRIPTOR = column(
    "descriptor", pa.string(), "The shape of the workflow without its values; one example each is kept."
)

_PLACE: Final = (
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

BRONZE_WORKFLOWS: Final = Table(
    name="bronze.workflows",
    about="One row per distinct record that came in, malformed ones too, with its bytes as they were.",
    schema=pa.schema(
        [
            _RECORD_ID,
            *_PLACE,
            _WORKFLOW_ID,
            _SHOP_ID,
            column("created_at", TIMESTAMP, "When the merchant made the workflow."),
            column("updated_at", TIMESTAMP, "When it last changed."),
            column("last_run_at", TIMESTAMP, "When it last ran; null when it never did or nobody knows."),
            _NUM_RUNS,
            column("active", pa.bool_(), "Whether it is switched on; null when unknown."),
            column("problem_code", pa.string(), "What is wrong with the envelope; null when nothing is."),
            column("problem", pa.string(), "A sentence that names file, line and path inside."),
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
            column("spelling", pa.string(), "`flow`, `agent`, `cli` or `python`; empty when not recognised."),
            column("python", pa.string(), "The workflow as canonical Python; empty when refused."),
            column(
                "layout",
                pa.string(),
                "What has no meaning to a model, as canonical JSON; empty when refused.",
            ),
            _DESCRIPTOR,
            column("trigger", pa.string(), "Name of the trigger's task."),
            column("tasks", pa.list_(pa.string()), "Names of the tasks that are used, sorted."),
            column("exact", pa.bool_(), "Whether source and layout give the bytes back."),
            column("semantic", pa.bool_(), "Whether the source alone gives the same graph and values back."),
            column("problem_code", pa.string(), "Why it is refused; null when it is not."),
            column("problem", pa.string(), "A sentence that names file, line and path inside."),
            column("problem_path", pa.string(), "JSON pointer into the workflow, or line:column for Python."),
            column("language_version", pa.string(), "Version of the language that wrote the Python."),
        ]
    ),
    key=("record_id",),
    statistics=("spelling", "trigger"),
)

_MODEL: Final = column(
    "model", pa.string(), "Name of the model that answered, `scripted-oracle` for the script."
)
_CONTRACT: Final = column(
    "contract", pa.string(), "Fingerprint of the tool contract under which it happened."
)
_PROBLEM_CODE: Final = column("problem_code", pa.string(), "Why it is refused; null when it is not.")
_MESSAGES: Final = column(
    "messages", pa.string(), "The messages as the renderer takes them, as canonical JSON; empty when refused."
)
_REQUEST: Final = column("request", pa.string(), "What the person said last, in words.")
_REQUEST_KIND: Final = column("request_kind", pa.string(), "`create`, `edit` or `question`.")
_MIGRATION: Final = (
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
_TAGS: Final = (
    _DESCRIPTOR,
    column("trigger", pa.string(), "Name of the trigger's task; empty without a workflow."),
    column(
        "actions",
        pa.list_(pa.string()),
        "Names of the tasks that act, sorted; conditions and loops left out.",
    ),
    column("operators", pa.list_(pa.string()), "Operators of the conditions, sorted."),
    column("connectors", pa.list_(pa.string()), "Connectors of the tasks beyond Shopify's own, sorted."),
)

BRONZE_CONTRACTS: Final = Table(
    name="bronze.contracts",
    about="One row per distinct file in which a recorder left what it told its model, malformed ones too.",
    schema=pa.schema(
        [
            _RECORD_ID,
            *_PLACE,
            column("contract", pa.string(), "Fingerprint of the tool contract: SHA-256 of its text, in hex."),
            column("version", pa.string(), "The version that the contract gives itself."),
            column("text", pa.string(), "The contract as canonical JSON."),
            column("problem_code", pa.string(), "Why it cannot be read; null when it can."),
            column("problem", pa.string(), "A sentence that names the file and the path inside."),
        ]
    ),
    key=("record_id",),
)

BRONZE_EVENTS: Final = Table(
    name="bronze.conversation_events",
    about="One row per distinct line that a recorder left, malformed ones too, with its bytes as they were.",
    schema=pa.schema(
        [
            _RECORD_ID,
            *_PLACE,
            column("event_id", pa.string(), "The event's own id; null when the line cannot be read."),
            column("conversation_id", pa.string(), "The conversation that it belongs to."),
            _SHOP_ID,
            column("sequence", pa.int64(), "Its place in the conversation, from 0."),
            column("event_time", TIMESTAMP, "When it happened, as the recorder says."),
            column("kind", pa.string(), "What happened; `schemas.conversation.PAYLOADS` lists the kinds."),
            column("payload", pa.string(), "What belongs to the kind, as canonical JSON, not redacted."),
            _MODEL,
            _CONTRACT,
            column("arm", pa.string(), "Arm of the experiment that the conversation is in."),
            column("problem_code", pa.string(), "What is wrong with the line; null when nothing is."),
            column("problem", pa.string(), "A sentence that names file, line and path inside."),
        ]
    ),
    key=("record_id",),
    statistics=("event_time", "kind"),
)

SILVER_CONVERSATIONS: Final = Table(
    name="silver.conversations",
    about="One row per recorded conversation, redacted, with what the merchant did afterwards.",
    schema=pa.schema(
        [
            column(
                "record_id",
                pa.string(),
                "BLAKE2b-128 of `conversation:` and the conversation's id, in hex.",
                nullable=False,
            ),
            column("conversation_id", pa.string(), "The id that the recorder gave it."),
            _SHOP_ID,
            column("week", pa.string(), "ISO week of its first event."),
            column("started_at", TIMESTAMP, "When its first event happened."),
            column("ended_at", TIMESTAMP, "When its last event happened, the merchant's own included."),
            column("num_events", pa.int64(), "Distinct events that it is made of."),
            column("num_repeated", pa.int64(), "Events that came again and were left out."),
            _MODEL,
            _CONTRACT,
            column("arm", pa.string(), "Arm of the experiment that it is in."),
            _REQUEST,
            _REQUEST_KIND,
            _MESSAGES,
            column("python", pa.string(), "The workflow proposed last; empty without one."),
            column("workflow_id", pa.string(), "The id of that workflow in the shop; null without one."),
            column("proposed_at", TIMESTAMP, "When it was proposed; null without one."),
            column(
                "activated",
                pa.bool_(),
                "Whether the merchant turned it on within the window; null while nobody knows.",
            ),
            column("activated_at", TIMESTAMP, "When it was first turned on; null when it was not."),
            column("edited", pa.bool_(), "Whether the merchant changed the workflow afterwards."),
            column("rating", pa.string(), "The last feedback, `up` or `down`; null without one."),
            *_TAGS,
            column("num_redacted", pa.int64(), "How many identifiers were replaced."),
            column("redactor_version", pa.string(), "Version of the rules that replaced them."),
            *_MIGRATION,
            _PROBLEM_CODE,
            column("problem", pa.string(), "A sentence that names the conversation and the event."),
        ]
    ),
    key=("record_id",),
    statistics=("week", "started_at", "trigger", "request_kind"),
)

SILVER_SYNTHETIC: Final = Table(
    name="silver.synthetic_conversations",
    about="One row per curated workflow and wording: a request made from it, and the oracle's way to it.",
    schema=pa.schema(
        [
            column(
                "record_id",
                pa.string(),
                "BLAKE2b-128 of the workflow's record id, the request kind and the wording, in hex.",
                nullable=False,
            ),
            column("workflow_record_id", pa.string(), "The bronze record that it was made from."),
            column("wording", pa.int64(), "Which of the wordings it is, from 0."),
            _REQUEST,
            _REQUEST_KIND,
            _MESSAGES,
            column("python", pa.string(), "The workflow that it ends with; empty for a question."),
            *_TAGS,
            _MODEL,
            _CONTRACT,
            column("synthesis_version", pa.string(), "Version of the grammar and of the language."),
            *_MIGRATION,
            _PROBLEM_CODE,
            column("problem", pa.string(), "A sentence that names the workflow and what went wrong."),
        ]
    ),
    key=("record_id",),
    statistics=("trigger", "request_kind"),
)

SILVER_JUDGMENTS: Final = Table(
    name="silver.judgments",
    about="One row per conversation, facet and judge: a score, or none where the judge could not tell.",
    schema=pa.schema(
        [
            column("record_id", pa.string(), "The conversation that was judged.", nullable=False),
            column(
                "facet",
                pa.string(),
                "`syntax`, `components`, `appropriateness` or `next_steps`.",
                nullable=False,
            ),
            column("judge_version", pa.string(), "Name and version of the judge.", nullable=False),
            column(
                "conversation_digest",
                pa.string(),
                "SHA-256 of the columns that were judged, in hex: another one asks for another judgment.",
            ),
            column("score", pa.float64(), "From 0 to 1; null is no score."),
            column("detail", pa.string(), "A sentence that says why."),
        ]
    ),
    key=("record_id", "facet", "judge_version"),
    statistics=("facet", "score"),
)

GOLD_EVALUATIONS: Final = Table(
    name="gold.evaluations",
    about="One row per evaluated model and held-out request: what came of it.",
    schema=pa.schema(
        [
            column("evaluation_id", pa.string(), "Digest of model, shards and budget.", nullable=False),
            column("record_id", pa.string(), "The held-out conversation.", nullable=False),
            column("week", pa.string(), "ISO week of the shards.", nullable=False),
            _MODEL,
            column("model_kind", pa.string(), "`trained`, `untrained` or `oracle`."),
            column("shards", pa.string(), "SHA-256 over the content of the shard set."),
            _REQUEST_KIND,
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

GOLD_FATES: Final = Table(
    name="gold.fates",
    about="One row per record and week: where it ended and why. What trains is decided here.",
    schema=pa.schema(
        [
            _RECORD_ID,
            column("week", pa.string(), "ISO week of the curation, `2026-W47`.", nullable=False),
            column("kind", pa.string(), "What it is: `workflow`, `conversation` or `event`.", nullable=False),
            _WORKFLOW_ID,
            _SHOP_ID,
            column("fate", pa.string(), "`training`, `quarantine`, `rejected` or `erased`.", nullable=False),
            column("reason", pa.string(), "Short code of why."),
            column("detail", pa.string(), "A sentence that names file, record and path inside."),
            _DESCRIPTOR,
            _NUM_RUNS,
            column("policy_version", pa.string(), "Version of the rules that decided."),
        ]
    ),
    key=("week", "record_id"),
    partitions=("week", "kind"),
    statistics=("fate", "reason", "num_runs_7d"),
)

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        BRONZE_WORKFLOWS,
        BRONZE_CONTRACTS,
        BRONZE_EVENTS,
        SILVER_WORKFLOWS,
        SILVER_SYNTHETIC,
        SILVER_CONVERSATIONS,
        SILVER_JUDGMENTS,
        GOLD_FATES,
        GOLD_EVALUATIONS,
    )
}
"""Every table of the lake by name."""
