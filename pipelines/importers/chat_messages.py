"""Messages as OpenAI's chat completions API takes and gives them, in the form of `schemas.chat`.

Fields and roles are those of `ChatCompletionMessageParam` and `ChatCompletionMessage` of OpenAI's client
(package openai 3.57), the deprecated `function_call` and `function` among them. A refusal is what the
assistant said. System and developer messages come out apart: they open a conversation, and one in the midst
of it is refused. Not here yet: custom tools, whose input is no JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from pipelines.importers.exchanges import INVALID, NO_CONTENT, NOT_TEXT, is_name
from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord
from schemas.tools import canonical_json

__all__ = ["MIDWAY", "arguments_of", "count_unread", "read_messages", "text_of", "tool_call"]

MIDWAY: Final = "SYSTEM_MIDWAY"
_KNOWN: Final = frozenset(
    {"role", "content", "tool_calls", "tool_call_id", "refusal", "function_call"},
)
_TEXTS: Final[Mapping[str, str]] = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}
"""Type of a part -> the key of its text, in both APIs."""


def read_messages(items: Any, path: str, unread: Counter[str]) -> tuple[str | None, list[Message]]:
    """The system text, None where there is none, and the messages after it.

    Raises:
        BadRecord: with the path of what is no message, or of what is no text.
    """
    if not isinstance(items, list):
        raise BadRecord(INVALID, "messages must be a list", path=path)
    system: list[str] = []
    messages: list[Message] = []
    for number, item in enumerate(items):
        where = f"{path}/{number}"
        if not isinstance(item, dict):
            raise BadRecord(INVALID, "a message is an object", path=where)
        if item.get("role") in ("system", "developer"):
            if messages:
                raise BadRecord(MIDWAY, "instructions in the midst of a conversation", path=where)
            system.append(_required(text_of(item.get("content"), where), where))
        else:
            messages.append(_message(item, messages, where))
        count_unread(item, _KNOWN, "message", unread)
    return "\n".join(system) if system else None, messages


def count_unread(found: Mapping[str, Any], known: frozenset[str], what: str, unread: Counter[str]) -> None:
    """Count the fields that hold something and that nobody here reads."""
    for key in found.keys() - known:
        if found[key] not in (None, "", [], {}):
            plain = "".join(char if char.isprintable() else "?" for char in key[:60])
            unread[f"{what}.{plain}"] += 1


def text_of(content: Any, path: str) -> str | None:
    """A text, or the texts of a list of parts, joined. Raises BadRecord NOT_TEXT for any other part."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRecord(INVALID, "content must be text or a list of parts", path=path)
    return "".join(_part(part, f"{path}/content/{number}") for number, part in enumerate(content))


def tool_call(identity: Any, name: Any, arguments: Any, path: str) -> ToolCall:
    """One call of a tool; arguments that the log had parsed become canonical JSON. Raises BadRecord."""
    if not is_name(identity) or not isinstance(name, str):
        raise BadRecord(INVALID, "a call of a tool needs an id and a name", path=path)
    return {
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments_of(arguments)},
    }


def arguments_of(arguments: Any) -> str:
    """A model's own text stays as it is; no arguments are an empty object."""
    if isinstance(arguments, str):
        return arguments
    return "{}" if arguments is None else canonical_json(arguments)


def _part(part: Any, path: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    key = _TEXTS.get(kind) if isinstance(kind, str) else None
    text = part.get(key) if key else None
    if not isinstance(text, str):
        raise BadRecord(NOT_TEXT, f"a part of type {str(kind)[:40]!r}: only text is carried", path=path)
    return text


def _message(item: Mapping[str, Any], before: list[Message], path: str) -> Message:
    role = item.get("role")
    if role == "user":
        return {"role": "user", "content": _required(text_of(item.get("content"), path), path)}
    if role == "assistant":
        return _of_assistant(item, len(before), path)
    if role == "tool":
        identity = item.get("tool_call_id")
        if not is_name(identity):
            raise BadRecord(INVALID, "an answer of a tool must say which call it answers", path=path)
        content = _required(text_of(item.get("content"), path), path)
        return {"role": "tool", "content": content, "tool_call_id": cast("str", identity)}
    if role == "function":  # what `tool` was called before there were ids: it answers the call just before
        calls = before[-1].get("tool_calls") if before else None
        if not calls:
            raise BadRecord(INVALID, "a function answers without a call before it", path=path)
        content = _required(text_of(item.get("content"), path), path)
        return {"role": "tool", "content": content, "tool_call_id": calls[-1]["id"]}
    raise BadRecord(INVALID, f"nobody knows the role {str(role)[:40]!r}", path=path)


def _of_assistant(item: Mapping[str, Any], number: int, path: str) -> Message:
    content = text_of(item.get("content"), path)
    if content is None and isinstance(item.get("refusal"), str):
        content = item["refusal"]
    calls = list(_calls(item, number, path))
    if content is None and not calls:
        raise BadRecord(NO_CONTENT, "the assistant says nothing and calls nothing", path=path)
    message: Message = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    return message


def _calls(item: Mapping[str, Any], number: int, path: str) -> Iterator[ToolCall]:
    listed = item.get("tool_calls") or []
    if not isinstance(listed, list):
        raise BadRecord(INVALID, "tool_calls must be a list", path=f"{path}/tool_calls")
    for place, call in enumerate(listed):
        where = f"{path}/tool_calls/{place}"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise BadRecord(INVALID, "only calls of functions are carried", path=where)
        yield tool_call(call.get("id"), function.get("name"), function.get("arguments"), where)
    old = item.get("function_call")
    if isinstance(old, dict):
        yield tool_call(f"function_call_{number}", old.get("name"), old.get("arguments"), path)


def _required(text: str | None, path: str) -> str:
    if text is None:
        raise BadRecord(NO_CONTENT, "a message without content", path=path)
    return text
