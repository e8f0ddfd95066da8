"""What happened in a conversation: one event a line of JSON, written by the recorder and read by the lake.

    {"arm":"champion","contract":"<64 hex>","conversation_id":"c1","event_id":"c1-0",
     "event_version":"event_v1","kind":"message","model":"sidewheel-1f2e",
     "payload":{"content":"Tag big orders","role":"user"},"sequence":0,"shop_id":"7",
     "time":"2026-11-22T08:30:00.000000Z"}

Events of one conversation count from 0 without a gap. `PAYLOADS` says what each kind holds. A kind may be
added within a version: a file without it reads as before, and a reader that does not know it counts such a
line as malformed. Each request of a conversation is closed by an `ended`; logs from before that kind have
none. Fields that nobody knows, of the event or of its payload, can be told apart from those that are known
(`rescue_event`), so that a recorder may write more before its readers know it. Not here yet: other versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import canonical_json
from schemas.workflow.jsontext import read_json

__all__ = [
    "CUT",
    "EMPTY",
    "ENCODING",
    "EVENT_VERSION",
    "FIELD",
    "KIND",
    "MAX_EVENT_BYTES",
    "MISSING",
    "PAYLOADS",
    "TOO_LARGE",
    "UNKNOWN",
    "VERSION",
    "Event",
    "Kind",
    "conversation_record_id",
    "messages_of",
    "pointer",
    "read_event",
    "rescue_event",
    "time_of",
    "write_event",
]

EVENT_VERSION: Final = "event_v1"
MAX_EVENT_BYTES: Final = 8 << 20
"""A longer line is refused before it is parsed; brackets deeper than `read_json` takes are too."""

EMPTY: Final = "EMPTY_EVENT"
ENCODING: Final = "INVALID_ENCODING"
TOO_LARGE: Final = "EVENT_TOO_LARGE"
CUT: Final = "INVALID_EVENT_JSON"
MISSING: Final = "MISSING_EVENT_KEY"
UNKNOWN: Final = "UNKNOWN_EVENT_KEY"
VERSION: Final = "UNKNOWN_EVENT_VERSION"
KIND: Final = "UNKNOWN_EVENT_KIND"
FIELD: Final = "INVALID_EVENT_FIELD"

Kind = Literal[
    "message",
    "tool_call",
    "tool_result",
    "workflow_proposed",
    "activated",
    "deactivated",
    "edited",
    "feedback",
    "ended",
]

_WORKFLOW: Final = {"workflow_id": "name", "workflow_version": "count"}
PAYLOADS: Final[Mapping[str, Mapping[str, str]]] = {
    "message": {"role": "user|assistant", "content": "text"},
    "tool_call": {"id": "name", "name": "text", "arguments": "text"},
    "tool_result": {"tool_call_id": "name", "content": "text"},
    "workflow_proposed": {**_WORKFLOW, "python": "text"},
    "activated": _WORKFLOW,
    "deactivated": _WORKFLOW,
    "edited": {**_WORKFLOW, "python": "text"},
    "feedback": {"rating": "up|down", "text": "text"},
    # How the answer to one request ended: a reason of `serving.agent.Reason`, or `crashed`.
    "ended": {
        "reason": "name",
        "detail": "text",
        **dict.fromkeys(("num_turns", "num_tool_calls", "num_refused_calls", "num_tokens"), "count"),
        "milliseconds": "count",
    },
}
"""Kind -> key -> what it holds: `text`, `name` (a short one), `count`, or one word of several."""

_LONGEST_NAME: Final = 200
_MAX_INT64: Final = 2**63 - 1
_SHA256: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; `payload` is canonical JSON text, because kinds differ in their keys."""

    event_id: str
    conversation_id: str
    shop_id: str
    sequence: int
    time: datetime
    kind: Kind
    payload: str
    model: str
    contract: str
    """The fingerprint of the tool contract under which it happened."""
    arm: str
    """The arm of the experiment that the conversation is in, such as champion."""

    @property
    def value(self) -> dict[str, Any]:
        """The payload, parsed."""
        found: dict[str, Any] = read_json(self.payload, limit=MAX_EVENT_BYTES)
        return found


_KEYS: Final = frozenset({"event_version", *(field.name for field in fields(Event))})


def read_event(line: bytes) -> Event:
    """One line, with or without its newline.

    Raises:
        BadRecord: with a code of this module and a JSON pointer into the line, which is empty where the
            whole line cannot be read.
    """
    event, unknown = rescue_event(line)
    for path in unknown:
        raise BadRecord(UNKNOWN, f"nobody knows the field {path[:80]!r}", path=path[:80])
    return event


def rescue_event(line: bytes) -> tuple[Event, dict[str, Any]]:
    """The event of a line, and its fields that nobody knows: JSON pointer -> value, in no order.

    Raises:
        BadRecord: as `read_event`, but never for an unknown field.
    """
    found = _object(line)
    for key in sorted(_KEYS - found.keys()):
        raise BadRecord(MISSING, f"the event has no {key!r}", path=f"/{key}")
    if found["event_version"] != EVENT_VERSION:
        raise BadRecord(VERSION, f"only {EVENT_VERSION} can be read", path="/event_version")
    kind = found["kind"]
    if kind not in get_args(Kind):
        raise BadRecord(KIND, f"nobody knows the kind {_shown(kind)}", path="/kind")
    names = {
        key: _name(found[key], f"/{key}")
        for key in ("event_id", "conversation_id", "shop_id", "model", "arm")
    }
    event = Event(
        **names,
        sequence=_count(found["sequence"], "/sequence"),
        time=_moment(found["time"]),
        kind=kind,
        payload=_payload(found["payload"], kind),
        contract=_fingerprint(found["contract"]),
    )
    unknown = {pointer(key): found[key] for key in found.keys() - _KEYS}
    payload = found["payload"]
    unknown |= {pointer("payload", key): payload[key] for key in payload.keys() - PAYLOADS[kind].keys()}
    return event, unknown


def time_of(line: bytes) -> datetime | None:
    """When a line says it happened, though `read_event` refuses it for something else; None for no time."""
    try:
        return _moment(_object(line).get("time"))
    except BadRecord:
        return None


def pointer(*keys: str) -> str:
    """The JSON pointer (RFC 6901) that goes through these keys."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def write_event(event: Event) -> bytes:
    """The line of an event, with its newline.

    Raises:
        BadRecord: what `read_event` would raise: a line that nobody can read is never written.
    """
    table = {field.name: getattr(event, field.name) for field in fields(Event)}
    table |= {
        "event_version": EVENT_VERSION,
        "payload": event.value,
        "time": f"{event.time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
    }
    line = canonical_json(table).encode()
    read_event(line)
    return line + b"\n"


def conversation_record_id(conversation_id: str) -> str:
    """The lake's name for a conversation: BLAKE2b-128 of `conversation:` and its id, in hex."""
    return hashlib.blake2b(f"conversation:{conversation_id}".encode(), digest_size=16).hexdigest()


def messages_of(events: Iterable[Event]) -> list[Message]:
    """The conversation that the renderer takes, from its events in order; what a merchant did is left out."""
    messages: list[Message] = []
    previous: Kind | None = None
    for event in events:
        value = event.value
        if event.kind == "message":
            messages.append({"role": value["role"], "content": value["content"]})
        elif event.kind == "tool_result":
            messages.append({"role": "tool", **value})  # type: ignore[typeddict-item]
        elif event.kind == "tool_call":
            continues = previous == "tool_call" or (
                previous == "message" and messages[-1]["role"] == "assistant"
            )
            if not continues:
                messages.append({"role": "assistant", "content": None})
            function = {"name": value["name"], "arguments": value["arguments"]}
            call = {"id": value["id"], "type": "function", "function": function}
            messages[-1].setdefault("tool_calls", []).append(call)  # type: ignore[arg-type]
        previous = event.kind
    return messages


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_EVENT_BYTES:
        raise BadRecord(TOO_LARGE, f"{len(line)} bytes, the limit is {MAX_EVENT_BYTES}")
    if not line.strip():
        raise BadRecord(EMPTY, "there is nothing in it")
    try:
        found = read_json(line.removesuffix(b"\n").decode(), limit=MAX_EVENT_BYTES)
    except UnicodeDecodeError as error:
        raise BadRecord(ENCODING, f"byte {error.start} is not UTF-8") from None
    except BadRecord as refused:
        raise BadRecord(CUT, refused.message, path=refused.path) from None
    if not isinstance(found, dict):
        raise BadRecord(CUT, "an event is a JSON object; write one a line")
    return found


def _payload(value: Any, kind: str) -> str:
    """The canonical text of what a payload of this kind holds, without what nobody knows."""
    known = PAYLOADS[kind]
    if not isinstance(value, dict):
        raise BadRecord(FIELD, f"must be an object, is {_shown(value)}", path="/payload")
    for key in sorted(known.keys() - value.keys()):
        raise BadRecord(MISSING, f"a {kind} has no {key!r}", path=f"/payload/{key}")
    for key, holds in known.items():
        where, held = f"/payload/{key}", value[key]
        if holds == "count":
            _count(held, where)
        elif holds == "name":
            _name(held, where)
        elif not isinstance(held, str) or (holds != "text" and held not in holds.split("|")):
            wanted = "text" if holds == "text" else holds.replace("|", " or ")
            raise BadRecord(FIELD, f"must be {wanted}, is {_shown(held)}", path=where)
    return canonical_json({key: value[key] for key in known})


def _name(value: Any, where: str) -> str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable():
        return value
    raise BadRecord(FIELD, f"must be text of 1 to {_LONGEST_NAME} characters, is {_shown(value)}", path=where)


def _count(value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INT64:
        return value
    raise BadRecord(FIELD, f"must be a whole number from 0 on, is {_shown(value)}", path=where)


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.utcoffset() == timedelta(0):
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise BadRecord(
        FIELD, f"must be a UTC time such as 2026-11-22T08:30:00Z, is {_shown(value)}", path="/time"
    )


def _fingerprint(value: Any) -> str:
    if isinstance(value, str) and len(value) == _SHA256 and not set(value) - set("0123456789abcdef"):
        return value
    raise BadRecord(FIELD, f"must be a contract's fingerprint, is {_shown(value)}", path="/contract")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
