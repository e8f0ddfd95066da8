"""Events of bronze to conversations of silver: ordered, without repetition, redacted, with what came of them.

A conversation is the events of one id, whatever order and files they came in. What a merchant did afterwards
counts within a window from the proposal; whether the window is over is told by the newest event of the lake,
never by a clock. A conversation that breaks a rule keeps its row, with the reason and without its words.
Malformed events are in no conversation. Not here yet: building anew only what changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.redact import REDACTOR_VERSION, Redactor
from schemas.chat import Message, render_text
from schemas.conversation import Event, conversation_record_id, messages_of
from schemas.errors import BadRecord, BrokenLaw
from schemas.requests import request_kind_of
from schemas.tables import SILVER_CONVERSATIONS
from schemas.tools import CONTRACT, canonical_json
from schemas.weeks import Week
from schemas.workflow import from_python
from schemas.workflow.jsontext import read_json
from schemas.workflow.tags import NO_TAGS, tags_of

__all__ = ["ConversationPolicy", "build", "conversation_row", "count_conversations"]

CONTRADICTION: Final = "CONTRADICTION"
GAP: Final = "GAP"
MIXED: Final = "MIXED_CONVERSATION"
NO_REQUEST: Final = "NO_REQUEST"
UNFINISHED: Final = "UNFINISHED"
LEAK: Final = "REDACTION"
TOO_LARGE: Final = "CONVERSATION_TOO_LARGE"
FAILED: Final = "BUILD_FAILED"

_READ: Final = (
    *("event_id", "conversation_id", "shop_id", "sequence", "event_time", "kind", "payload"),
    *("model", "contract", "arm"),
)
_SPOKEN: Final = frozenset({"message", "tool_call", "tool_result", "workflow_proposed", "ended"})
_BYTES_BESIDE_THE_PAYLOAD: Final = 256
_MOST_DAYS: Final = 3650


@dataclass(frozen=True, kw_only=True)
class ConversationPolicy:
    """How conversations are put together."""

    window_days: Annotated[int, "What the merchant does in this many days after the proposal counts."] = 7
    max_bytes: Annotated[int, "A conversation whose events have more bytes is refused."] = 16 << 20

    def __post_init__(self) -> None:
        if not 1 <= self.window_days <= _MOST_DAYS:
            raise ValueError(f"--window-days must be from 1 to {_MOST_DAYS}.")
        if self.max_bytes < 1:
            raise ValueError("--max-bytes must be at least 1.")


def build(bronze: DataFrame, policy: ConversationPolicy) -> DataFrame:
    """One `silver.conversations` row for each conversation that a sound event belongs to."""
    sound = bronze.where(F.col("problem_code").isNull())
    newest = sound.agg(F.unix_micros(F.max("event_time")).alias("newest")).collect()[0]["newest"]
    together = Window.partitionBy("conversation_id")
    size = F.sum(F.length("payload") + F.lit(_BYTES_BESIDE_THE_PAYLOAD)).over(together)
    place = F.row_number().over(together.orderBy("sequence", "record_id"))
    events = (
        sound.select("record_id", *_READ)
        .withColumn("num_rows", F.count(F.lit(1)).over(together))
        .withColumn("large", size > policy.max_bytes)
        .withColumn("place", place)
        # Of what is too large for an executor the first event stands for all, without its words.
        .where(~F.col("large") | (F.col("place") == 1))
        .withColumn("payload", F.when(~F.col("large"), F.col("payload")))
    )
    as_of = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=newest or 0)
    return events.groupBy("conversation_id").applyInArrow(
        _builder(policy, as_of), spark_schema(SILVER_CONVERSATIONS)
    )


def count_conversations(bronze: DataFrame, built: DataFrame) -> dict[str, int]:
    """How many events were read and where they are, and what the conversations are.

    Raises:
        BrokenLaw: when an event is nowhere, or twice.
    """
    came = bronze.agg(
        F.count(F.lit(1)).alias("events"),
        F.count("problem_code").alias("malformed"),
    ).collect()[0]
    made = built.agg(
        *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("num_events", "num_repeated")),
        F.coalesce(F.sum("num_redacted"), F.lit(0)).alias("redacted"),
        F.count("problem_code").alias("refused"),
        F.count(F.lit(1)).alias("conversations"),
    ).collect()[0]
    counted = {
        "events": int(came["events"]),
        "in_conversations": int(made["num_events"]),
        "repeated": int(made["num_repeated"]),
        "malformed": int(came["malformed"]),
    }
    if counted["events"] != counted["in_conversations"] + counted["repeated"] + counted["malformed"]:
        raise BrokenLaw(f"conservation: {counted} do not add up")
    return {**counted, **{name: int(made[name]) for name in ("conversations", "refused", "redacted")}}


def _builder(policy: ConversationPolicy, as_of: datetime) -> Callable[[pa.Table], pa.Table]:
    def run(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        events = [
            Event(time=row["event_time"], **{name: row[name] for name in _READ if name != "event_time"})
            for row in rows
        ]
        num_rows = rows[0]["num_rows"] if rows[0]["large"] else None
        made = conversation_row(events, policy, as_of, num_unread=num_rows)
        return pa.Table.from_pylist([made], schema=SILVER_CONVERSATIONS.schema)

    return run


def conversation_row(
    events: Sequence[Event], policy: ConversationPolicy, as_of: datetime, *, num_unread: int | None = None
) -> dict[str, Any]:
    """The silver row of one conversation, from its events in any order.

    `num_unread` is how many events it has where they are too many to be given; then the first stands alone.
    """
    ordered = sorted(set(events), key=lambda event: (event.sequence, event.event_id, repr(event)))
    first = ordered[0]
    row: dict[str, Any] = {
        "record_id": conversation_record_id(first.conversation_id),
        "conversation_id": first.conversation_id,
        "shop_id": first.shop_id,
        "week": str(Week.of(first.time)),
        "started_at": first.time,
        "ended_at": max(event.time for event in ordered),
        "num_events": num_unread or len(ordered),
        "num_repeated": 0 if num_unread else len(events) - len(ordered),
        "model": first.model,
        "contract": first.contract,
        "arm": first.arm,
        **dict.fromkeys(("request", "messages", "python"), ""),
        **NO_TAGS.columns(),
        "num_redacted": 0,
        "redactor_version": REDACTOR_VERSION,
    }
    redactor = Redactor(_workflow_ids(ordered) if not num_unread else ())
    try:
        if num_unread:
            raise BadRecord(TOO_LARGE, f"its {num_unread} events have more than {policy.max_bytes} bytes")
        _require_whole(ordered)
        return row | _read(ordered, policy, as_of, redactor)
    except BadRecord as bad:
        code, said = bad.code, redactor.text(bad.message)
        where = f" at {bad.path}" if bad.path else ""
    except Exception as error:  # noqa: BLE001 - one conversation that trips over a bug must not hold up the others
        code, said, where = FAILED, f"{type(error).__name__}, which is a bug in the build", ""
    return row | {"problem_code": code, "problem": f"conversation {first.conversation_id}{where}: {said}"}


def _require_whole(events: Sequence[Event]) -> None:
    """Every event once, from 0 on, of one shop and one model.

    Raises:
        BadRecord: CONTRADICTION, MIXED_CONVERSATION or GAP, with the event's number as the path.
    """
    by_id: dict[str, Event] = {}
    for event in events:
        if by_id.setdefault(event.event_id, event) is not event:
            raise BadRecord(CONTRADICTION, "two events of one id differ", path=f"event {event.sequence}")
    first = events[0]
    for number, event in enumerate(events):
        path = f"event {event.sequence}"
        if event.sequence < number:
            raise BadRecord(CONTRADICTION, "two events have one place", path=path)
        if event.shop_id != first.shop_id:
            raise BadRecord(MIXED, "it is of another shop than the first", path=path)
        same = (event.model, event.contract, event.arm) == (first.model, first.contract, first.arm)
        if event.kind in _SPOKEN and not same:
            raise BadRecord(MIXED, "it is of another model, contract or arm than the first", path=path)
        if event.sequence > number:
            raise BadRecord(GAP, f"event {number} is missing", path=path)


def _read(
    events: Sequence[Event], policy: ConversationPolicy, as_of: datetime, redactor: Redactor
) -> dict[str, Any]:
    """What a whole conversation says, without identifiers.

    Raises:
        BadRecord: where nobody asked, nobody answered, or the renderer or the language refuses what was said.
    """
    spoken = [_with_canonical_calls(message) for message in messages_of(events)]
    asked = [event for event in events if event.kind == "message" and event.value["role"] == "user"]
    if not asked:
        raise BadRecord(NO_REQUEST, "no person said anything")
    if spoken[-1]["role"] != "assistant" or spoken[-1].get("tool_calls"):
        how = next((event.value["reason"] for event in reversed(events) if event.kind == "ended"), "")
        raise BadRecord(UNFINISHED, f"it ends without an answer{how and f': {how}'}")
    messages = redactor.messages(spoken)
    render_text(messages, CONTRACT)
    num_redacted = redactor.num_replaced
    proposals = [event for event in events if event.kind == "workflow_proposed"]
    python = redactor.python(proposals[-1].value["python"]) if proposals else ""
    request = _last_request(messages)
    follows = any(event.sequence < asked[-1].sequence for event in proposals)
    found = {
        "request": request,
        "request_kind": request_kind_of(request, follows_workflow=follows),
        "messages": canonical_json(messages),
        "python": python,
        **(tags_of(from_python(python)) if python else NO_TAGS).columns(),
        **_outcome(events, proposals[-1] if proposals else None, policy, as_of),
        "num_redacted": num_redacted,
    }
    if redactor.leaks(found["messages"]) or redactor.leaks(python):
        raise BadRecord(LEAK, "an identifier is left somewhere that nobody looks for one")
    return found


def _with_canonical_calls(message: Message) -> Message:
    """The message with the arguments of its calls written in the one way: order and spacing mean nothing.

    What is no JSON stays as it is, for the renderer to refuse.
    """
    for call in message.get("tool_calls", []):
        function = call["function"]
        with contextlib.suppress(BadRecord):
            function["arguments"] = canonical_json(
                read_json(function["arguments"], limit=len(function["arguments"]))
            )
    return message


def _outcome(
    events: Sequence[Event], proposal: Event | None, policy: ConversationPolicy, as_of: datetime
) -> dict[str, Any]:
    """What the merchant did within the window with the workflow that was proposed last."""
    window = timedelta(days=policy.window_days)
    anchor = proposal or next(event for event in reversed(events) if event.kind in _SPOKEN)
    within = [event for event in events if event.time - anchor.time <= window]
    ratings = [event.value["rating"] for event in within if event.kind == "feedback"]
    if proposal is None:
        return {"edited": False, "rating": ratings[-1] if ratings else None}
    wanted = proposal.value
    acts = [event for event in within if event.sequence > proposal.sequence and event.kind not in _SPOKEN]
    about = [event for event in acts if event.value.get("workflow_id") == wanted["workflow_id"]]
    newer = [event for event in about if event.value["workflow_version"] >= wanted["workflow_version"]]
    on = [event for event in newer if event.kind == "activated"]
    off = any(event.kind == "deactivated" for event in newer)
    over = as_of - proposal.time > window
    return {
        "workflow_id": wanted["workflow_id"],
        "proposed_at": proposal.time,
        "activated": False if off else True if on else False if over else None,
        "activated_at": on[0].time if on else None,
        "edited": any(event.kind == "edited" for event in about),
        "rating": ratings[-1] if ratings else None,
    }


def _workflow_ids(events: Sequence[Event]) -> set[str]:
    """Ids that the shop gave."""
    return {event.value["workflow_id"] for event in events if event.kind == "workflow_proposed"}


def _last_request(messages: Sequence[Message]) -> str:
    return next(message["content"] or "" for message in reversed(messages) if message["role"] == "user")
