"""An answer that came in pieces, put together as the one that would have come whole.

    merged([{"object": "chat.completion.chunk", ...}, ...])     # {"object": "chat.completion", ...}

Pieces are those of `ChatCompletionChunk` of OpenAI's client (package openai 3.57), as a list or as the text
of server-sent events (`data: {...}`). Texts and arguments are joined in the order in which they came; a call
of a tool is told by its index. A stream that was cut, which no `finish_reason` ends, is refused: half an
answer is another one. Not here yet: events of the Responses API, and chunks that lie on lines of their own,
which say nothing of what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.importers.exchanges import INVALID
from schemas.errors import BadRecord
from schemas.workflow.jsontext import read_json

__all__ = ["CUT", "merged"]

CUT: Final = "STREAM_CUT"
_CHUNK: Final = "chat.completion.chunk"
_DONE: Final = "[DONE]"
_WHERE: Final = "/response"
_ONCE: Final = ("id", "created", "model", "system_fingerprint", "service_tier", "usage")
"""What pieces repeat, or only the last one has."""


def merged(streamed: Sequence[Any] | str) -> Mapping[str, Any]:
    """The whole answer.

    Raises:
        BadRecord: INVALID_LOG where these are no pieces, STREAM_CUT where the last ones are missing.
    """
    chunks = list(_chunks(streamed))
    if not chunks:
        raise BadRecord(INVALID, "a stream without a piece", path=_WHERE)
    whole: dict[str, Any] = {"object": "chat.completion"}
    choices: dict[int, dict[str, Any]] = {}
    for number, chunk in enumerate(chunks):
        if chunk.get("object") != _CHUNK or not isinstance(chunk.get("choices", []), list):
            raise BadRecord(INVALID, f"only {_CHUNK} is a piece of an answer", path=f"{_WHERE}/{number}")
        if chunk.get("id") != chunks[0].get("id"):
            raise BadRecord(INVALID, "pieces of two answers", path=f"{_WHERE}/{number}")
        whole |= {key: chunk[key] for key in _ONCE if chunk.get(key) is not None}
        for choice in chunk.get("choices", []):
            _add(choice, choices, f"{_WHERE}/{number}")
    if not choices or any(choice["finish_reason"] is None for choice in choices.values()):
        raise BadRecord(CUT, "the stream ends before the answer does", path=_WHERE)
    whole["choices"] = [_choice(choices[index]) for index in sorted(choices)]
    return whole


def _chunks(streamed: Sequence[Any] | str) -> Iterator[Mapping[str, Any]]:
    pieces = list(_events(streamed)) if isinstance(streamed, str) else streamed
    for number, piece in enumerate(pieces):
        if not isinstance(piece, dict):
            raise BadRecord(INVALID, "a piece of an answer is an object", path=f"{_WHERE}/{number}")
        yield piece


def _events(text: str) -> Iterator[Any]:
    """The data of server-sent events; comments and other fields say nothing of the answer."""
    for line in text.splitlines():
        said = line.removeprefix("data:").strip()
        if line.startswith("data:") and said and said != _DONE:
            try:
                yield read_json(said, limit=len(said))
            except BadRecord as refused:
                raise BadRecord(INVALID, refused.message, path=_WHERE) from None


def _add(choice: Any, choices: dict[int, dict[str, Any]], where: str) -> None:
    delta = choice.get("delta") if isinstance(choice, dict) else None
    if not isinstance(delta, dict) or not isinstance(choice.get("index"), int):
        raise BadRecord(INVALID, "a choice of a piece has an index and a delta", path=where)
    kept = choices.setdefault(choice["index"], {"message": {}, "calls": {}, "finish_reason": None})
    kept["finish_reason"] = choice.get("finish_reason") or kept["finish_reason"]
    for key, value in delta.items():
        if key == "tool_calls":
            for call in value or []:
                _add_call(call, kept["calls"], where)
        elif key == "function_call" and isinstance(value, dict):
            _join(kept["message"].setdefault(key, {}), value)
        elif key == "role":
            kept["message"][key] = value
        elif value is not None:
            _join(kept["message"], {key: value})


def _add_call(call: Any, calls: dict[int, dict[str, Any]], where: str) -> None:
    if not isinstance(call, dict) or not isinstance(call.get("index"), int):
        raise BadRecord(INVALID, "a call in a piece has an index", path=where)
    kept = calls.setdefault(call["index"], {"function": {}})
    kept |= {key: call[key] for key in ("id", "type") if call.get(key)}
    if isinstance(call.get("function"), dict):
        _join(kept["function"], call["function"])


def _join(kept: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        before = kept.get(key)
        kept[key] = before + value if isinstance(before, str) and isinstance(value, str) else value


def _choice(kept: Mapping[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **kept["message"]}
    if kept["calls"]:
        message["tool_calls"] = [kept["calls"][index] for index in sorted(kept["calls"])]
    return {"message": message, "finish_reason": kept["finish_reason"]}
