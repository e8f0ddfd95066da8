"""Spans of OpenTelemetry's GenAI conventions, as calls of a model and of tools.

Names of attributes are those of opentelemetry-semantic-conventions 0.66b2 and, where they moved after v1.41.0
of open-telemetry/semantic-conventions, of github.com/open-telemetry/semantic-conventions-genai
(docs/gen-ai/client-inference.md, execute-tool.md). Content is on the span, on its event
`gen_ai.client.inference.operation.details`, or, until v1.36.0, in an event a message (`gen_ai.user.message`,
`gen_ai.choice`), as a log record or on the span; spans and records may come in different files.

Content is captured only where somebody asked for it. A call without it is counted and says nothing that could
be imported. Spans of agents repeat what their calls say; they are read in traces whose calls say nothing. Not
here yet: `gen_ai.prompt` and `gen_ai.completion` of v1.27.0 and before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pipelines.importers.chat_messages import arguments_of, read_messages
from pipelines.importers.exchanges import (
    INVALID,
    NO_CONTENT,
    NO_MODEL,
    Exchange,
    ImportPolicy,
    Told,
    find_name,
    find_value,
    is_name,
    require,
)
from pipelines.importers.genai_messages import answer_text, instructions_of, read_told_messages
from pipelines.importers.otlp import Signal
from pipelines.importers.told import tools_of
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.workflow.jsontext import read_json

__all__ = ["Execution", "Telemetry", "read_telemetry"]

OPERATION: Final = "gen_ai.operation.name"
INPUT: Final = "gen_ai.input.messages"
OUTPUT: Final = "gen_ai.output.messages"
SYSTEM: Final = "gen_ai.system_instructions"
TOOLS: Final = "gen_ai.tool.definitions"
DETAILS: Final = "gen_ai.client.inference.operation.details"

_CALLS: Final = frozenset({"chat", "generate_content", "text_completion"})
_AGENTS: Final = frozenset({"invoke_agent", "invoke_workflow"})
_TOOL: Final = "execute_tool"
_ROLE_OF_EVENT: Final[Mapping[str, str]] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "choice",
}
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a tool; texts, None where its span does not hold them."""

    arguments: str | None
    result: str | None
    at: datetime | None


@dataclass(slots=True)
class Telemetry:
    """What spans told of; `refused` has places and reasons."""

    exchanges: list[Exchange] = field(default_factory=list)
    executions: dict[tuple[str, str], Execution] = field(default_factory=dict)
    """By trace and id of the call."""
    refused: list[tuple[str, BadRecord]] = field(default_factory=list)
    num_without_content: int = 0
    num_agents: int = 0
    """Spans of agents whose calls said it all."""
    num_others: int = 0
    """Spans and records that are of no call."""
    num_repeated: int = 0
    """Spans, and runs of tools, that were there already."""


@dataclass(slots=True)
class _Call:
    """All signals of one span."""

    span: Signal | None = None
    details: Signal | None = None
    events: list[Signal] = field(default_factory=list)

    @property
    def attributes(self) -> Mapping[str, Any]:
        tables = [found.attributes for found in (self.details, self.span) if found]
        return {key: value for table in tables for key, value in table.items()}

    @property
    def signals(self) -> list[Signal]:
        return [found for found in (self.span, self.details, *self.events) if found]


def read_telemetry(signals: Iterable[Signal], policy: ImportPolicy, unread: Counter[str]) -> Telemetry:
    """The calls of models and tools; never raises for what a span holds."""
    found = Telemetry()
    calls: dict[tuple[str, str], _Call] = {}
    for signal in signals:
        for each in (signal, *signal.events):
            _sort(each, calls, found)
    agents: list[_Call] = []
    talking: set[str] = set()
    for call in calls.values():
        operation = _operation(call)
        if operation == _TOOL:
            _execution(call, found)
        elif operation in _AGENTS:
            agents.append(call)
        elif operation not in _CALLS and not call.events and INPUT not in call.attributes:
            found.num_others += len([each for each in (call.span, call.details) if each])
        elif _exchange(call, policy, found, unread):
            talking.add(call.signals[0].trace_id)
    for call in agents:
        if call.signals[0].trace_id in talking or INPUT not in call.attributes:
            found.num_agents += 1
        else:
            _exchange(call, policy, found, unread)
    return found


def _sort(signal: Signal, calls: dict[tuple[str, str], _Call], found: Telemetry) -> None:
    """Put a signal to those of its span; one of which nothing is known here is counted."""
    if not (signal.is_span or signal.name == DETAILS or signal.name in _ROLE_OF_EVENT):
        found.num_others += 1
        return
    call = calls.setdefault((signal.trace_id, signal.span_id), _Call())
    if signal.name in _ROLE_OF_EVENT and not signal.is_span:
        call.events.append(signal)
    elif (call.span if signal.is_span else call.details) is not None:
        found.num_repeated += 1
    elif signal.is_span:
        call.span = signal
    else:
        call.details = signal


def _operation(call: _Call) -> str:
    found = call.attributes.get(OPERATION)
    return found if isinstance(found, str) else ""


def _exchange(call: _Call, policy: ImportPolicy, found: Telemetry, unread: Counter[str]) -> bool:
    """Add the call's exchange, or count why there is none. Whether it was added."""
    place = call.signals[0].place
    try:
        found.exchanges.append(_read(call, place, policy, unread))
    except BadRecord as refused:
        if refused.code == NO_CONTENT:
            found.num_without_content += 1
        else:
            found.refused.append((place, refused))
        return False
    return True


def _read(call: _Call, place: str, policy: ImportPolicy, unread: Counter[str]) -> Exchange:
    attributes, first = call.attributes, call.signals[0]
    if INPUT in attributes or OUTPUT in attributes:
        system, asked, answered = _of_attributes(attributes, unread)
    else:
        system, asked, answered = _of_events(call.events, unread)
    if not asked and not answered:
        raise BadRecord(NO_CONTENT, "no content was captured")
    tables = [attributes, *(signal.attributes for signal in call.events), first.resource]
    answered_model = find_name("gen_ai.response.model", *tables)
    model = find_name("gen_ai.request.model", *tables) or policy.model or answered_model
    named = find_name(policy.conversation_from, *tables) or find_name("gen_ai.conversation.id", *tables)
    times = (first.start, first.end, *(signal.start for signal in call.events))
    start = policy.time_of(find_value(policy.time_from, *tables), *(_text(moment) for moment in times))
    return Exchange(
        place=place,
        source_id=f"{first.trace_id}-{first.span_id}",
        named=True,
        shop_id=policy.shop_of(*tables),
        arm=policy.arm_of(*tables),
        asked_model=require(model, NO_MODEL, "nothing names its model; give --model"),
        answered_model=answered_model if answered and is_name(answered_model) else "",
        told=Told(system, tools_of(_json(attributes.get(TOOLS), TOOLS))),
        asked=tuple(asked),
        answered=tuple(answered),
        asked_at=start,
        answered_at=max(start, first.end or start),
        conversation=named,
        trace=first.trace_id,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _of_attributes(
    attributes: Mapping[str, Any], unread: Counter[str]
) -> tuple[str | None, list[Message], list[Message]]:
    system, asked = read_told_messages(_json(attributes.get(INPUT), INPUT) or [], INPUT, unread)
    output = _json(attributes.get(OUTPUT), OUTPUT) or []
    answered: list[Message] = []
    if output:
        if isinstance(output, list) and len(output) > 1:
            unread["choices after the first"] += len(output) - 1
        told, answered = read_told_messages(
            output[:1] if isinstance(output, list) else output, OUTPUT, unread, asked
        )
        if told is not None or any(message["role"] != "assistant" for message in answered):
            raise BadRecord(INVALID, "only the assistant answers", path=OUTPUT)
    given = attributes.get(SYSTEM)
    if not isinstance(given, str) or given.lstrip().startswith("["):  # some write the plain text
        given = _json(given, SYSTEM)
    texts = [text for text in (given and instructions_of(given, SYSTEM), system) if text]
    return "\n".join(texts) if texts else None, asked, answered


def _of_events(
    events: Iterable[Signal], unread: Counter[str]
) -> tuple[str | None, list[Message], list[Message]]:
    """Messages of events in the order of their times, those of one moment in the order of the log."""
    asked: list[dict[str, Any]] = []
    answered: list[dict[str, Any]] = []
    for event in sorted(events, key=lambda event: event.start or _START):
        role, body = _ROLE_OF_EVENT[event.name], _body(event)
        if role == "choice":
            message = body.get("message")
            message = dict(message) if isinstance(message, dict) else {}
            if body.get("tool_calls") is not None:
                message["tool_calls"] = body["tool_calls"]
            if answered:
                unread["choices after the first"] += 1
            else:
                answered.append({**message, "role": "assistant"})
        else:
            table = {key: body[key] for key in ("content", "tool_calls") if key in body}
            asked.append({**table, "role": role, "tool_call_id": body.get("id")})
    system, before = read_messages(asked, "events", unread)
    _, said = read_messages(answered, "gen_ai.choice", unread)
    return system, before, said


def _body(event: Signal) -> Mapping[str, Any]:
    """What an event says: its body, or, where it is on a span, its attributes or the JSON in one of them."""
    for given in (event.body, event.attributes.get("gen_ai.event.content")):
        found = _json(given, event.name) if isinstance(given, str) else given
        if isinstance(found, dict):
            return found
    return {
        key: _json(value, key) if key in ("tool_calls", "message") else value
        for key, value in event.attributes.items()
    }


def _execution(call: _Call, found: Telemetry) -> None:
    """Keep what one run of a tool took and gave."""
    attributes, first = call.attributes, call.signals[0]
    identity = attributes.get("gen_ai.tool.call.id")
    arguments, result = (attributes.get(f"gen_ai.tool.call.{name}") for name in ("arguments", "result"))
    if not isinstance(identity, str) or (arguments is None and result is None):
        found.num_without_content += 1
        return
    key = (first.trace_id, identity)
    if key in found.executions:
        found.num_repeated += 1
        return
    try:
        found.executions[key] = Execution(
            None if arguments is None else arguments_of(arguments),
            None if result is None else answer_text(result, "gen_ai.tool.call.result"),
            first.end or first.start,
        )
    except BadRecord as refused:
        found.refused.append((first.place, refused))


def _json(value: Any, path: str) -> Any:
    """An attribute that is structured, or JSON text where the SDK takes no structures."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value, limit=len(value))
    except BadRecord as refused:
        raise BadRecord(INVALID, f"no JSON: {refused.message}", path=path) from None
