"""An import as a whole: parsed lines in, lines of events and a report of everything else out.

The events are sound: each line was read by `read_event`. Contents are what the log has; the lake redacts.
Not here yet: `workflow_proposed` where a log shows that our own tools saved a workflow, and what a merchant
did afterwards, which no log of a model holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pipelines.importers.exchanges import Exchange, ImportPolicy, digest_of
from pipelines.importers.genai_spans import Execution, Telemetry, read_telemetry
from pipelines.importers.openai_logs import read_call
from pipelines.importers.otlp import Signal, read_signals
from pipelines.importers.threads import Said, Thread, Threads, unanswered, with_models
from pipelines.importers.told import Contracts
from schemas.conversation import Event, Kind, write_event
from schemas.errors import BadRecord, BrokenLaw
from schemas.tools import canonical_json

__all__ = ["Format", "Imported", "Line", "import_lines"]

Format = Literal["openai", "otel"]
Line = tuple[str, Any]
"""The place of a line, and its JSON value or the reason why it has none."""

_PLAIN: Final = "{}"


@dataclass(slots=True)
class Imported:
    """Lines of events, each with its newline, conversation by conversation."""

    events: list[bytes] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    refused: list[tuple[str, BadRecord]] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    """Fields that hold something and are in no event."""

    def report(self) -> str:
        """Counts, fields without a place, and each refusal with its reason, as canonical JSON."""
        refused = [
            {"place": place, "code": bad.code, "path": bad.path, "problem": bad.message}
            for place, bad in self.refused
        ]
        return canonical_json({"counts": self.counts, "unread": dict(self.unread), "refused": refused})


def import_lines(lines: Iterable[Line], form: Format, policy: ImportPolicy, contracts: Contracts) -> Imported:
    """All lines of a log, in memory. A line that cannot be read is in `refused` and stops no other.

    Raises:
        BrokenLaw: when a call would be lost.
    """
    found = Imported()
    telemetry = _telemetry(lines, form, policy, found)
    threads = Threads.of(telemetry.exchanges)
    found.refused += [*telemetry.refused, *threads.refused]
    if len(telemetry.exchanges) != threads.num_taken + threads.num_repeated + len(threads.refused):
        raise BrokenLaw(f"conservation: {len(telemetry.exchanges)} calls, and not all are somewhere")
    num_filled = num_conversations = 0
    for thread in threads.threads:
        try:
            filled, events = _events(thread, policy, contracts, telemetry.executions)
            found.events += [write_event(event) for event in events]
        except BadRecord as refused:
            found.refused.append((f"conversation {thread.conversation_id}", refused))
            continue
        num_conversations += 1
        num_filled += filled
    found.counts |= {
        "calls": len(telemetry.exchanges),
        "repeated": threads.num_repeated + telemetry.num_repeated,
        "forked": threads.num_forked,
        "conversations": num_conversations,
        "events": len(found.events),
        "answers_from_tool_spans": num_filled,
        "without_content": telemetry.num_without_content,
        "agent_spans": telemetry.num_agents,
        "other_signals": telemetry.num_others,
        "malformed": len(found.refused),
        "unread_fields": found.unread.total(),
        "contracts": len(contracts.written),
    }
    return found


def _telemetry(lines: Iterable[Line], form: Format, policy: ImportPolicy, found: Imported) -> Telemetry:
    """The calls that the lines tell of, whatever their format."""
    num_lines = 0

    def sound() -> Iterator[Line]:
        nonlocal num_lines
        for place, value in lines:
            num_lines += 1
            if isinstance(value, BadRecord):
                found.refused.append((place, value))
            else:
                yield place, value

    if form == "otel":
        num_repeated: Counter[str] = Counter()
        signals = _signals(_each_once(sound(), num_repeated), found)
        telemetry = read_telemetry(signals, policy, found.unread)
        telemetry.num_repeated += num_repeated.total()
    else:
        telemetry = Telemetry(exchanges=list(_calls(sound(), policy, found)))
    found.counts["lines"] = num_lines
    return telemetry


def _each_once(lines: Iterable[Line], repeated: Counter[str]) -> Iterator[Line]:
    """The lines without those that were there before, word by word: a log record has no id of its own."""
    seen: set[str] = set()
    for place, value in lines:
        digest = digest_of(value)
        if digest in seen:
            repeated[digest] += 1
        else:
            seen.add(digest)
            yield place, value


def _calls(lines: Iterable[Line], policy: ImportPolicy, found: Imported) -> Iterator[Exchange]:
    for place, value in lines:
        try:
            yield read_call(value, place, policy, found.unread)
        except BadRecord as refused:
            found.refused.append((place, refused))


def _signals(lines: Iterable[Line], found: Imported) -> Iterator[Signal]:
    for place, value in lines:
        try:
            for signal in read_signals(value, place):
                if isinstance(signal, Signal):
                    yield signal
                else:
                    found.refused.append(signal)
        except BadRecord as refused:
            found.refused.append((place, refused))


def _events(
    thread: Thread,
    policy: ImportPolicy,
    contracts: Contracts,
    executions: Mapping[tuple[str, str], Execution],
) -> tuple[int, list[Event]]:
    """How many answers the spans of tools gave, and the events in order, counted from 0."""
    events: list[Event] = []
    num_filled = 0

    def add(said: Said, model: str, kind: Kind, payload: Mapping[str, Any], at: Any = None) -> None:
        events.append(
            Event(
                event_id=f"{thread.conversation_id}-{len(events)}",
                conversation_id=thread.conversation_id,
                shop_id=said.exchange.shop_id,
                sequence=len(events),
                time=at or said.at,
                kind=kind,
                payload=canonical_json(payload),
                model=model,
                contract=contracts.of(said.exchange.told),
                arm=said.exchange.arm,
            )
        )

    missing = unanswered(thread.said)
    for number, (said, model) in enumerate(with_models(thread, policy.model)):
        for kind, payload in _payloads(said, executions):
            add(said, model, kind, payload)
        for caller, identity in missing.get(number, ()):
            run = executions.get((caller.exchange.trace, identity))
            if run is not None and run.result is not None:
                answer = {"tool_call_id": identity, "content": run.result}
                add(said, model, "tool_result", answer, run.at)
                num_filled += 1
    return num_filled, events


def _payloads(
    said: Said, executions: Mapping[tuple[str, str], Execution]
) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """The events of one message, which `messages_of` makes that message again.

    It takes a call that follows a message of the assistant for a part of it, as the Responses API does.
    """
    message = said.message
    if message["role"] == "tool":
        yield "tool_result", {"tool_call_id": message["tool_call_id"], "content": message["content"]}
        return
    if message["content"] is not None:
        yield "message", {"role": message["role"], "content": message["content"]}
    for call in message.get("tool_calls", ()):
        arguments = call["function"]["arguments"]
        run = executions.get((said.exchange.trace, call["id"]))
        if arguments == _PLAIN and run is not None and run.arguments is not None:
            arguments = run.arguments
        yield "tool_call", {"id": call["id"], "name": call["function"]["name"], "arguments": arguments}
