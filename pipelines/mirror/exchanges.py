"""The calls of a conversation with their answers, and how each differs from today's contract.

A call that was refused is a mistake of the model, rightly answered, and no difference; one that production
accepted and today's contract would not is. Not here yet: calls whose answer is in no event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipelines.mirror.answers import Told, read_answer, shape_differences
from pipelines.mirror.differences import Difference, argument_names, renamed, shown, today_name
from schemas.chat import Call, Message
from schemas.conversation import Event
from schemas.errors import BadRecord
from schemas.tools import Contract, Tool, canonical_json, read_arguments
from schemas.workflow.jsontext import read_json

__all__ = [
    "Exchange",
    "exchanges_in",
    "exchanges_of",
    "form_differences",
    "is_accepted",
    "meant_tool",
    "paired",
]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and what it was answered."""

    place: int
    """The number of the answer: of its message, or of its event."""
    name: str
    arguments: str
    answer: str


def exchanges_in(messages: Sequence[Message]) -> list[Exchange]:
    """The exchanges of messages, in order; a call without an answer is none."""
    return [exchange for exchange, _ in paired(messages)]


def paired(messages: Sequence[Message]) -> list[tuple[Exchange, Call]]:
    """The exchanges of messages, each with the call inside them that it is about."""
    calls: dict[str, Call] = {}
    found = []
    for place, message in enumerate(messages):
        for call in message.get("tool_calls") or ():
            calls[call["id"]] = call["function"]
        if message["role"] == "tool" and (call_id := message.get("tool_call_id", "")) in calls:
            called = calls.pop(call_id)
            answer = message["content"] or ""
            found.append((Exchange(place, called["name"], called["arguments"], answer), called))
    return found


def meant_tool(exchange: Exchange, today: Contract, recorded: Contract | None = None) -> Tool | None:
    """Today's tool that a call means, whatever it was called then.

    None where there is none, and where a model called a tool that was none and was told so.
    """
    was_one = recorded is not None and recorded.tool(exchange.name) is not None
    if today.tool(exchange.name) is None and not was_one and not is_accepted(exchange.answer):
        return None
    name = today_name(exchange.name, today)
    return None if name is None else today.tool(name)


def exchanges_of(events: Iterable[Event]) -> list[Exchange]:
    """The exchanges of one conversation's events, which are in order."""
    calls: dict[str, tuple[str, str]] = {}
    found = []
    for event in events:
        if event.kind == "tool_call":
            value = event.value
            calls[value["id"]] = (value["name"], value["arguments"])
        elif event.kind == "tool_result" and (value := event.value)["tool_call_id"] in calls:
            call = calls.pop(value["tool_call_id"])
            found.append(Exchange(event.sequence, *call, value["content"]))
    return found


def form_differences(exchange: Exchange, today: Contract, recorded: Contract | None = None) -> Iterator[Told]:
    """How the form of one exchange differs; `recorded` is the contract that it was had under, where known."""
    tool = meant_tool(exchange, today, recorded)
    if tool is None:
        if is_accepted(exchange.answer):
            yield Difference(f"tools.{shown(exchange.name)}", "extra tool"), ""
        return
    if tool.name != exchange.name:
        yield renamed(tool.name, exchange.name), shown(exchange.name)
    yield from _call_differences(exchange, tool, recorded)
    yield from shape_differences(tool, exchange.answer, today)


def _call_differences(exchange: Exchange, tool: Tool, recorded: Contract | None) -> Iterator[Told]:
    try:
        arguments = read_json(exchange.arguments, limit=len(exchange.arguments))
    except BadRecord:
        return
    if not isinstance(arguments, dict):
        return
    if canonical_json(arguments) != exchange.arguments:
        yield Difference(f"tools.{tool.name}.arguments", "not canonical"), ""
    if not is_accepted(exchange.answer):
        return
    place = f"tools.{tool.name}.parameters"
    theirs = recorded.tool(exchange.name) if recorded else None
    names = argument_names(theirs, tool) if theirs else {}
    known = tool.schema["properties"]
    for key in arguments:
        if key in names:
            yield Difference(f"{place}.{names[key]}", "renamed", shown(key)), shown(key)
        elif key not in known:
            yield Difference(place, "extra argument", shown(key)), ", ".join(map(shown, arguments))
    given = {names.get(key, key): value for key, value in arguments.items()}
    try:
        read_arguments(canonical_json({key: value for key, value in given.items() if key in known}), tool)
    except BadRecord as refused:
        where = place + "".join(
            f".{part}" for part in refused.path.split("/") if not part.isdecimal() and part
        )
        yield Difference(where, "other value", shown(refused.message)), ""


def is_accepted(answer: str) -> bool:
    """Whether production did what was asked."""
    try:
        return read_answer(answer).get("ok") is True
    except BadRecord:
        return False
