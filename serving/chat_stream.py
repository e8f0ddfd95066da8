"""A streamed chat completion put together: deltas to one assistant message, and whether it is all there.

A server that sends half a stream ends it, with or without breaking the connection, before any chunk says why
the message is finished: that is told apart from a whole answer. Not here yet: showing the words as they come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import BadRecord, Transient

__all__ = ["joined"]

_MAX_CALLS: Final = 256
"""Calls that deltas may open; the agent refuses far fewer, and a hostile index must not cost memory."""


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)


def joined(chunks: Iterable[Any]) -> tuple[dict[str, Any], int, Any]:
    """The message of the first choice, how many tokens the server says it took (0 where it is silent), and
    why it ended.

    Raises:
        Transient: where the stream ends before the message does.
        BadRecord: JUNK for chunks that are none, or none at all.
    """
    content: list[str] = []
    calls: dict[int, _Call] = {}
    num_chunks = num_tokens = 0
    finished: Any = None
    for chunk in chunks:
        num_chunks += 1
        try:
            usage = chunk.usage
            num_tokens = usage.completion_tokens if usage else num_tokens
            for choice in chunk.choices[:1]:
                finished = choice.finish_reason if finished is None else finished
                content.append(_text(choice.delta.content))
                for delta in choice.delta.tool_calls or []:
                    _add(calls, delta)
        except (AttributeError, TypeError, IndexError, KeyError):
            raise BadRecord("JUNK", "a chunk of its stream is none of a chat completion") from None
    if not num_chunks:
        raise BadRecord("JUNK", "it sent no stream, or an empty one")
    if finished is None:
        raise Transient(f"its stream stopped midway, after {num_chunks} chunks")
    made = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": "".join(call.name), "arguments": "".join(call.arguments)},
        }
        for _, call in sorted(calls.items())
    ]
    message = {"role": "assistant", "content": "".join(content) or None, "tool_calls": made}
    return message, num_tokens if isinstance(num_tokens, int) and num_tokens > 0 else 0, finished


def _add(calls: dict[int, _Call], delta: Any) -> None:
    index = delta.index
    if not isinstance(index, int) or not 0 <= index < _MAX_CALLS:
        raise BadRecord("JUNK", "a call in its stream has no place")
    call = calls.setdefault(index, _Call())
    call.id = call.id or _text(delta.id)
    if delta.function is not None:
        call.name.append(_text(delta.function.name))
        call.arguments.append(_text(delta.function.arguments))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
