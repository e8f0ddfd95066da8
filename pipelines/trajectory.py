"""A recorded conversation as turns: what was asked, which tools were called, what they said, how it closed.

    turns = turns_of(row["messages"])     # the canonical JSON text of silver.conversations
    turns[-1].saves[-1].ok                # whether the shop took what was written last

Read by the judge, which looks and never calls. Not here yet: what merchants do outside the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import BadRecord
from schemas.tools import CONFIGURE, CONTRACT, SAVE, SEARCH, read_arguments
from schemas.workflow import Workflow, from_python
from schemas.workflow.jsontext import read_json

__all__ = ["Called", "Turn", "turns_of", "workflow_in"]

_LONGEST: Final = 1 << 26
"""A longer conversation is not parsed."""


@dataclass(frozen=True, slots=True)
class Called:
    """One tool call; `answer` is empty where none came or it is no answer of a tool."""

    name: str
    arguments: str
    answer: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        return self.answer.get("ok") is True and isinstance(self.answer.get("data"), dict)

    @property
    def data(self) -> Mapping[str, Any]:
        """What the tool gave; empty where it refused."""
        return self.answer["data"] if self.ok else {}

    @property
    def tasks(self) -> tuple[Mapping[str, Any], ...]:
        """The tasks that it told of, without those of which it only said that they cannot be read."""
        found = self.data.get("tasks", ())
        if self.name == SEARCH and isinstance(found, dict):
            found = [task for summaries in found.values() for task in summaries]
        if self.name not in (SEARCH, CONFIGURE) or not isinstance(found, list):
            return ()
        return tuple(task for task in found if not task.get("error"))


@dataclass(frozen=True, slots=True)
class Turn:
    """One request and all that came of it; `closing` is empty where the assistant never closed it."""

    request: str
    calls: tuple[Called, ...]
    closing: str

    @property
    def saves(self) -> tuple[Called, ...]:
        return tuple(call for call in self.calls if call.name == SAVE)


def turns_of(messages: str) -> tuple[Turn, ...]:
    """The turns, in order.

    Raises:
        BadRecord: NOT_MESSAGES where the text is no list of messages, or nobody asks anything.
    """
    try:
        turns = _turns(read_json(messages, limit=_LONGEST))
    except BadRecord as refused:
        raise BadRecord("NOT_MESSAGES", refused.message) from None
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise BadRecord("NOT_MESSAGES", f"these are no messages: {type(error).__name__}") from None
    if not turns:
        raise BadRecord("NOT_MESSAGES", "nobody asks anything")
    return turns


def workflow_in(arguments: str) -> Workflow:
    """The workflow that the arguments of a save hold.

    Raises:
        BadRecord: where they are none of the contract's, or hold no workflow.
    """
    tool = CONTRACT.tool(SAVE)
    if tool is None:
        raise BadRecord("CONTRACT", f"the contract has no {SAVE}")
    return from_python(read_arguments(arguments, tool)["workflow_python"])


def _turns(messages: Any) -> tuple[Turn, ...]:
    starts = [number for number, message in enumerate(messages) if message["role"] == "user"]
    ends = [*starts, len(messages)][1:]
    return tuple(_turn(messages[start:end]) for start, end in zip(starts, ends, strict=True))


def _turn(messages: list[Mapping[str, Any]]) -> Turn:
    answers = {
        message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"
    }
    calls = tuple(
        Called(call["function"]["name"], call["function"]["arguments"], _answer(answers.get(call["id"])))
        for message in messages
        for call in message.get("tool_calls") or ()
    )
    last = messages[-1]
    closes = last["role"] == "assistant" and not last.get("tool_calls")
    return Turn(messages[0]["content"] or "", calls, (last["content"] or "") if closes else "")


def _answer(text: str | None) -> Mapping[str, Any]:
    try:
        found = read_json(text or "", limit=_LONGEST)
    except BadRecord:
        return {}
    return found if isinstance(found, dict) else {}
