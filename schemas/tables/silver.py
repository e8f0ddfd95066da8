"""Silver: workflows, conversations, and what judges said of them."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas.table import TIMESTAMP, Table, column
from schemas.tables.columns import (
    CONTRACT,
    DESCRIPTOR,
    MESSAGES,
    MIGRATION,
    MODEL,
    PROBLEM_CODE,
    RECORD_ID,
    REQUEST,
    REQUEST_KIND,
    SHOP_ID,
    TAGS,
    WORKFLOW_ID,
)

__all__ = ["SILVER_CONVERSATIONS", "SILVER_JUDGMENTS", "SILVER_SYNTHETIC", "SILVER_WORKFLOWS"]

SILVER_WORKFLOWS: Final = Table(
    name="silver.workflows",
    about="One row per bronze record whose envelope is fine, with its Python or the reason for refusal.",
    schema=pa.schema(
        [
            RECORD_ID,
            WORKFLOW_ID,
            SHOP_ID,
            column(
                "spelling",
                pa.string(),
                "`flow`, `agent`, `cli` or `python`; empty when not recognised.",
                words=("flow", "agent", "cli", "python", ""),
            ),
            column("python", pa.string(), "The workflow as canonical Python; empty when refused."),
            column(
                "layout",
                pa.string(),
                "What has no meaning to a model, as canonical JSON; empty when refused.",
            ),
            DESCRIPTOR,
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
            SHOP_ID,
            column("week", pa.string(), "ISO week of its first event."),
            column("started_at", TIMESTAMP, "When its earliest event happened."),
            column("ended_at", TIMESTAMP, "When its latest event happened, the merchant's own included."),
            column("spoken_at", TIMESTAMP, "When the latest event happened that is not the merchant's own."),
            column(
                "end_reason",
                pa.string(),
                "How its last request ended, such as `answered`; null where nobody said or not all is there.",
            ),
            column(
                "closed",
                pa.bool_(),
                "Whether its last request ended, or `spoken_at` is so long ago that nobody goes on with it.",
            ),
            column("num_events", pa.int64(), "Distinct events that it is made of."),
            column("num_repeated", pa.int64(), "Events that came again and were left out."),
            MODEL,
            CONTRACT,
            column("arm", pa.string(), "Arm of the experiment that it is in."),
            REQUEST,
            REQUEST_KIND,
            MESSAGES,
            column("python", pa.string(), "The workflow proposed last; empty without one."),
            column("workflow_id", pa.string(), "The id of that workflow in the shop; null without one."),
            column("proposed_at", TIMESTAMP, "When it was proposed; null without one."),
            column(
                "activated",
                pa.bool_(),
                "Whether the merchant turned it on within the window; null while nobody knows.",
            ),
            column("activated_at", TIMESTAMP, "When it was first turned on; null when it was not."),
            column("deactivated_at", TIMESTAMP, "When it was first turned off again; null when it was not."),
            column("edited", pa.bool_(), "Whether the merchant changed the workflow afterwards."),
            column(
                "rating",
                pa.string(),
                "The last feedback, `up` or `down`; null without one.",
                words=("up", "down"),
            ),
            *TAGS,
            column("num_redacted", pa.int64(), "How many identifiers were replaced."),
            column("redactor_version", pa.string(), "Version of the rules that replaced them."),
            *MIGRATION,
            PROBLEM_CODE,
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
            REQUEST,
            REQUEST_KIND,
            MESSAGES,
            column("python", pa.string(), "The workflow that it ends with; empty for a question."),
            *TAGS,
            MODEL,
            CONTRACT,
            column(
                "synthesis_version", pa.string(), "Version of the grammar, the language and the redactor."
            ),
            *MIGRATION,
            PROBLEM_CODE,
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
                words=("syntax", "components", "appropriateness", "next_steps"),
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
