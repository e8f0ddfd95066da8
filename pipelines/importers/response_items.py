"""Items of OpenAI's Responses API as messages.

Types and fields are those of `ResponseInputItemParam` and `ResponseOutputItem` of OpenAI's client (package
openai 3.57): `message`, `function_call` (`call_id`, `name`, `arguments`), `function_call_output` (`call_id`,
`output`). A message and the calls after it are one turn of the assistant. Reasoning is counted and left out.
Not here yet: tools that the provider runs (web search, code, files), whose items are refused by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from pipelines.importers.chat_messages import MIDWAY, count_unread, read_messages, text_of, tool_call
from pipelines.importers.exchanges import INVALID, NO_CONTENT, NOT_TEXT, is_name
from schemas.chat import Message
from schemas.errors import BadRecord

__all__ = ["read_items"]

_LEFT_OUT: Final = frozenset({"reasoning"})
_MESSAGE: Final = frozenset({"type", "id", "status", "role", "content"})
_CALL: Final = frozenset({"type", "id", "status", "call_id", "name", "arguments"})
_OUTPUT: Final = frozenset({"type", "id", "status", "call_id", "output"})


def read_items(items: Any, path: str, unread: Counter[str]) -> tuple[str | None, list[Message]]:
    """The system text and the messages of an input or an output.

    Raises:
        BadRecord: with the path of what is no item, or of an item that is no text and no call.
    """
    if isinstance(items, str):
        return None, [{"role": "user", "content": items}]
    if not isinstance(items, list):
        raise BadRecord(INVALID, "items must be a list, or one text", path=path)
    system: list[str] = []
    messages: list[Message] = []
    for number, item in enumerate(items):
        where = f"{path}/{number}"
        if not isinstance(item, dict):
            raise BadRecord(INVALID, "an item is an object", path=where)
        kind = item.get("type", "message")
        if kind == "message":
            told, said = read_messages([{key: item.get(key) for key in ("role", "content")}], where, unread)
            if told is not None and messages:
                raise BadRecord(MIDWAY, "instructions in the midst of a conversation", path=where)
            system += [] if told is None else [told]
            messages += said
            count_unread(item, _MESSAGE, "item", unread)
        elif kind == "function_call":
            _add_call(messages, item, where)
            count_unread(item, _CALL, "item", unread)
        elif kind == "function_call_output":
            messages.append(_output(item, where))
            count_unread(item, _OUTPUT, "item", unread)
        elif isinstance(kind, str) and kind in _LEFT_OUT:
            unread[f"item.{kind}"] += 1
        else:
            raise BadRecord(NOT_TEXT, f"an item of type {str(kind)[:40]!r} is not carried", path=where)
    return "\n".join(system) if system else None, messages


def _add_call(messages: list[Message], item: Mapping[str, Any], path: str) -> None:
    call = tool_call(item.get("call_id"), item.get("name"), item.get("arguments"), path)
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _output(item: Mapping[str, Any], path: str) -> Message:
    identity, content = item.get("call_id"), text_of(item.get("output"), path)
    if not isinstance(identity, str) or not is_name(identity):
        raise BadRecord(INVALID, "an output must say which call it answers", path=path)
    if content is None:
        raise BadRecord(NO_CONTENT, "an output without text", path=path)
    return {"role": "tool", "content": content, "tool_call_id": identity}
