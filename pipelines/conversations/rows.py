"""The events of one conversation to its row, whatever order and files they came in.

What a merchant did afterwards counts within a window from the proposal. What only time tells, whether the
conversation is closed and whether a silent merchant's window is over, is left null here: `settling` says it
from the times that the row keeps. A conversation that breaks a rule keeps its row, with the reason and
without its words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, get_args

from pipelines.conversations.policy import ConversationPolicy
from pipelines.recognizers import recognizer_of
from pipelines.redact import Redactor
from schemas.chat import Message, render_text
from schemas.conversation import Event, conversation_record_id, messages_of
from schemas.errors import BadRecord
from schemas.requests import request_kind_of
from schemas.tools import CONTRACT, canonical_json
from schemas.weeks import Week
from schemas.workflow import from_python
from schemas.workflow.jsontext import read_json
from schemas.workflow.tags import NO_TAGS, tags_of
from serving.agent import Reason
from serving.recorded_agent import CRASHED

__all__ = ["SPOKEN", "Unread", "conversation_row"]

CONTRADICTION: Final = "CONTRADICTION"
GAP: Final = "GAP"
MIXED: Final = "MIXED_CONVERSATION"
NO_REQUEST: Final = "NO_REQUEST"
UNFINISHED: Final = "UNFINISHED"
LEAK: Final = "REDACTION"
TOO_LARGE: Final = "CONVERSATION_TOO_LARGE"
FAILED: Final = "BUILD_FAILED"

SPOKEN: Final = ("message", "tool_call", "tool_result", "workflow_proposed", "ended")
"""Kinds that are the talk itself; the others are what a merchant did about it."""
_REASONS: Final = frozenset({*get_args(Reason), CRASHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What is known of the events of a conversation that is too large to be read."""

    num_events: int
    started_at: datetime
    ended_at: datetime
    spoken_at: datetime


def conversation_row(
    events: Sequence[Event], policy: ConversationPolicy, *, unread: Unread | None = None
) -> dict[str, Any]:
    """The silver row of one conversation, from its events in any order, but for what only time tells.

    `unread` is what is known of them where they are too many to be given; then the first stands alone.
    """
    ordered = sorted(set(events), key=lambda event: (event.sequence, event.event_id, repr(event)))
    first = ordered[0]
    spoken = [event for event in ordered if event.kind in SPOKEN]
    found = unread or Unread(
        num_events=len(ordered),
        started_at=min(event.time for event in ordered),
        ended_at=max(event.time for event in ordered),
        spoken_at=max(event.time for event in spoken or ordered),
    )
    row: dict[str, Any] = {
        "record_id": conversation_record_id(first.conversation_id),
        "conversation_id": first.conversation_id,
        "shop_id": first.shop_id,
        "week": str(Week.of(first.time)),
        **asdict(found),
        "end_reason": None if unread else _end_reason(ordered),
        "num_repeated": 0 if unread else len(events) - len(ordered),
        "model": first.model,
        "contract": first.contract,
        "arm": first.arm,
        **dict.fromkeys(("request", "messages", "python"), ""),
        **NO_TAGS.columns(),
        "num_redacted": 0,
        "redactor_version": policy.redactor_version,
    }
    recognizer = recognizer_of(policy.recognizer)
    redactor = Redactor(() if unread else _workflow_ids(ordered), recognizer)
    try:
        if unread:
            raise BadRecord(
                TOO_LARGE, f"its {unread.num_events} events have more than {policy.max_bytes} bytes"
            )
        _require_whole(ordered)
        return row | _read(ordered, policy, redactor)
    except BadRecord as bad:
        code, said = bad.code, redactor.text(bad.message)
        where = f" at {bad.path}" if bad.path else ""
    except Exception as error:  # noqa: BLE001 - one conversation that trips over a bug must not hold up the others
        code, said, where = FAILED, f"{type(error).__name__}, which is a bug in the build", ""
    return row | {"problem_code": code, "problem": f"conversation {first.conversation_id}{where}: {said}"}


def _end_reason(events: Sequence[Event]) -> str | None:
    """How the last request ended; None while nobody said, or where events before that are missing.

    A word that no agent of ours says may hold anything, so it does not come through.
    """
    last = next((event for event in reversed(events) if event.kind in SPOKEN), None)
    whole = [event.sequence for event in events] == list(range(len(events)))
    if last is None or last.kind != "ended" or not whole:
        return None
    reason = last.value["reason"]
    return reason if reason in _REASONS else "other"


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
        if event.kind in SPOKEN and not same:
            raise BadRecord(MIXED, "it is of another model, contract or arm than the first", path=path)
        if event.sequence > number:
            raise BadRecord(GAP, f"event {number} is missing", path=path)


def _read(events: Sequence[Event], policy: ConversationPolicy, redactor: Redactor) -> dict[str, Any]:
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
        **_outcome(events, proposals[-1] if proposals else None, policy),
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


def _outcome(events: Sequence[Event], proposal: Event | None, policy: ConversationPolicy) -> dict[str, Any]:
    """What the merchant did within the window with the workflow that was proposed last."""
    anchor = proposal or next(event for event in reversed(events) if event.kind in SPOKEN)
    within = [event for event in events if event.time - anchor.time <= policy.window]
    ratings = [event.value["rating"] for event in within if event.kind == "feedback"]
    if proposal is None:
        return {"edited": False, "rating": ratings[-1] if ratings else None}
    wanted = proposal.value
    acts = [event for event in within if event.sequence > proposal.sequence and event.kind not in SPOKEN]
    about = [event for event in acts if event.value.get("workflow_id") == wanted["workflow_id"]]
    newer = [event for event in about if event.value["workflow_version"] >= wanted["workflow_version"]]
    on = [event for event in newer if event.kind == "activated"]
    off = [event for event in newer if event.kind == "deactivated"]
    return {
        "workflow_id": wanted["workflow_id"],
        "proposed_at": proposal.time,
        "activated_at": on[0].time if on else None,
        "deactivated_at": off[0].time if off else None,
        "edited": any(event.kind == "edited" for event in about),
        "rating": ratings[-1] if ratings else None,
    }


def _workflow_ids(events: Sequence[Event]) -> set[str]:
    """Ids that the shop gave."""
    return {event.value["workflow_id"] for event in events if event.kind == "workflow_proposed"}


def _last_request(messages: Sequence[Message]) -> str:
    return next(message["content"] or "" for message in reversed(messages) if message["role"] == "user")
