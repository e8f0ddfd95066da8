"""What a model wrote, as ids, becomes an assistant message: text, and the calls between `<tool_call>` tokens.

The template tells the model to write calls this way (the Hermes form). A call counts only between control
tokens, so the words `<tool_call>` in a text stay words. Where one call is malformed, or text follows a call,
nothing is called: the whole stays content, as it was written. Not here yet: calls out of other forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord
from schemas.tokens import JsonTokenizer
from schemas.tools import canonical_json
from schemas.workflow.jsontext import read_json

__all__ = ["CLOSE", "OPEN", "message_of"]

OPEN: Final = "<tool_call>"
CLOSE: Final = "</tool_call>"


def message_of(ids: Sequence[int], tokenizer: JsonTokenizer, place: int) -> Message:
    """The message of `ids`, without its closing token; `place` is where it will stand in the conversation."""
    stretches = list(_stretches(ids, tokenizer))
    whole = "".join(text for _, text in stretches)
    opened = next((n for n, (control, text) in enumerate(stretches) if control and text == OPEN), None)
    if opened is None:
        return {"role": "assistant", "content": whole}
    calls = _calls(stretches[opened:], place)
    if calls is None:
        return {"role": "assistant", "content": whole}
    content = "".join(text for _, text in stretches[:opened]).removesuffix("\n")
    return {"role": "assistant", "content": content or None, "tool_calls": calls}


def _stretches(ids: Sequence[int], tokenizer: JsonTokenizer) -> Iterator[tuple[bool, str]]:
    """(whether it is a control token, its text), in order."""
    names = {number: token for token, number in tokenizer.control.items()}
    plain: list[int] = []
    for number in ids:
        if number in names:
            if plain:
                yield False, tokenizer.decode(plain)
            plain = []
            yield True, names[number]
        else:
            plain.append(number)
    if plain:
        yield False, tokenizer.decode(plain)


def _calls(stretches: Sequence[tuple[bool, str]], place: int) -> list[ToolCall] | None:
    """The calls of a text that is nothing but calls, None for any other."""
    calls: list[ToolCall] = []
    rest = list(stretches)
    while rest:
        if not rest[0][0] and not rest[0][1].strip():
            rest = rest[1:]
            continue
        shape = [(control, text if control else "") for control, text in rest[:3]]
        if shape != [(True, OPEN), (False, ""), (True, CLOSE)]:
            return None
        call = _call(rest[1][1], f"call_{place}_{len(calls)}")
        if call is None:
            return None
        calls.append(call)
        rest = rest[3:]
    return calls


def _call(text: str, identity: str) -> ToolCall | None:
    try:
        value: Any = read_json(text.strip())
        if value.keys() != {"name", "arguments"}:
            return None
        name, arguments = value["name"], value["arguments"]
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return None
        return {
            "id": identity,
            "type": "function",
            "function": {"name": name, "arguments": canonical_json(arguments)},
        }
    except (BadRecord, AttributeError):
        return None
