"""Messages of OpenTelemetry's GenAI conventions, in the form of `schemas.chat`.

A message has a role and parts: `text` (`content`), `tool_call` (`id`, `name`, `arguments`),
`tool_call_response` (`id`, `response`), `reasoning`. The schemas are `gen-ai-input-messages.json` and its
neighbours of github.com/open-telemetry/semantic-conventions-genai (schema gen-ai-dev/1.42.0-dev), the same in
these parts since v1.37.0 of open-telemetry/semantic-conventions. Before, a message was the body of an event
(`gen_ai.user.message`, `gen_ai.choice`; v1.36.0, docs/gen-ai/gen-ai-events.md) in the form of OpenAI's API.
An answer of a tool has whatever role the provider gave it. Ids of calls are optional: where there are none,
their place is the id, and answers come in the order of the calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.importers.chat_messages import MIDWAY, count_unread, read_messages, tool_call
from pipelines.importers.exchanges import INVALID, NO_CONTENT, NOT_TEXT, is_name
from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord
from schemas.tools import canonical_json

__all__ = ["answer_text", "instructions_of", "read_parts", "read_told_messages"]

_ROLES: Final[Mapping[str, str]] = {
    "user": "user",
    "assistant": "assistant",
    "model": "assistant",  # Gemini's word
    "tool": "tool",
    "system": "system",
    "developer": "system",
}
_LEFT_OUT: Final = frozenset({"reasoning"})
_MESSAGE: Final = frozenset({"role", "parts", "finish_reason"})


def read_told_messages(
    listed: Any, path: str, unread: Counter[str], before: Sequence[Message] = ()
) -> tuple[str | None, list[Message]]:
    """The system text, None where there is none, and the messages that go on from `before`.

    Raises:
        BadRecord: NO_CONTENT where the content was not captured, else with the path of what is wrong.
    """
    if not isinstance(listed, list):
        raise BadRecord(INVALID, "messages must be a list", path=path)
    if any(isinstance(item, dict) and "parts" not in item and "content" in item for item in listed):
        return read_messages(listed, path, unread)  # some instrumentations write OpenAI's own form
    system: list[str] = []
    messages = list(before)
    for number, item in enumerate(listed):
        where = f"{path}/{number}"
        role = item.get("role") if isinstance(item, dict) else None
        named = _ROLES.get(role) if isinstance(role, str) else None
        if named is None:
            raise BadRecord(INVALID, f"no message of role {str(role)[:40]!r}", path=where)
        if named == "system":
            if messages:
                raise BadRecord(MIDWAY, "instructions in the midst of a conversation", path=where)
            system.append(instructions_of(item.get("parts"), where))
        else:
            messages += list(read_parts(item.get("parts"), named, messages, where, unread))
        count_unread(item, _MESSAGE, "message", unread)
    return "\n".join(system) if system else None, messages[len(before) :]


def instructions_of(parts: Any, path: str) -> str:
    """The texts of parts that are nothing but text, a line each. Raises BadRecord."""
    if isinstance(parts, str):
        return parts
    if not isinstance(parts, list):
        raise BadRecord(INVALID, "parts must be a list", path=path)
    return "\n".join(_text(part, path) for part in parts)


def read_parts(
    parts: Any, role: str, before: Sequence[Message], path: str, unread: Counter[str]
) -> Iterator[Message]:
    """The messages of one: answers of tools first, then what was said and called."""
    if not isinstance(parts, list):
        raise BadRecord(INVALID, "parts must be a list", path=path)
    texts: list[str] = []
    calls: list[ToolCall] = []
    answers: list[Message] = []
    for number, part in enumerate(parts):
        where = f"{path}/parts/{number}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "tool_call":
            identity = part.get("id") or f"call_{len(before)}_{len(calls)}"
            calls.append(tool_call(identity, part.get("name"), part.get("arguments"), where))
        elif kind == "tool_call_response":
            answers.append(_answer(part, before, answers, where))
        elif isinstance(kind, str) and kind in _LEFT_OUT:
            unread[f"part.{kind}"] += 1
        else:
            texts.append(_text(part, where))
    yield from answers
    if role == "assistant" and (texts or calls):
        message: Message = {"role": "assistant", "content": "".join(texts) if texts else None}
        if calls:
            message["tool_calls"] = calls
        yield message
    elif role == "user" and texts and not calls:
        yield {"role": "user", "content": "".join(texts)}
    elif texts or calls:
        raise BadRecord(INVALID, f"a message of role {role} says or calls what it cannot", path=path)
    elif not answers:
        raise BadRecord(NO_CONTENT, "a message without content", path=path)


def answer_text(value: Any, path: str) -> str:
    """What a tool answered, as the text that a model reads. Raises BadRecord NO_CONTENT for nothing."""
    if value is None:
        raise BadRecord(NO_CONTENT, "an answer of a tool without content", path=path)
    return value if isinstance(value, str) else canonical_json(value)


def _text(part: Any, path: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind != "text":
        raise BadRecord(NOT_TEXT, f"a part of type {str(kind)[:40]!r}: only text is carried", path=path)
    if part.get("content") is None:
        raise BadRecord(NO_CONTENT, "a text without content", path=path)
    if not isinstance(part["content"], str):
        raise BadRecord(INVALID, "the content of a text is a text", path=path)
    return part["content"]


def _answer(part: Mapping[str, Any], before: Sequence[Message], beside: list[Message], path: str) -> Message:
    # pydantic-ai writes `result` where the schema says `response`.
    content = answer_text(part.get("response", part.get("result")), path)
    identity = part.get("id") or next(_waiting([*before, *beside]), None)
    if not isinstance(identity, str) or not is_name(identity):
        raise BadRecord(INVALID, "an answer without the id of a call, and no call waits", path=path)
    return {"role": "tool", "content": content, "tool_call_id": identity}


def _waiting(before: Sequence[Message]) -> Iterator[str]:
    """Ids of the calls that have no answer so far."""
    answered = {message.get("tool_call_id") for message in before}
    for message in before:
        for call in message.get("tool_calls", ()):
            if call["id"] not in answered:
                yield call["id"]
