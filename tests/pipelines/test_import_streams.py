"""A streamed answer is imported as the same answer that came whole; one that was cut is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.importers.exchanges import ImportPolicy
from pipelines.importers.imports import Imported, import_lines
from pipelines.importers.told import Contracts
from schemas.tools import CONTRACT
from tests.pipelines.model_logs import chat_pairs, with_system
from tests.schemas.conversations import CONVERSATIONS

PAIRS = chat_pairs(with_system(CONVERSATIONS["whole_trajectory"]), tools=CONTRACT.openai())


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({min(place, len(text)) for place in places} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def chunks(response: dict[str, Any], places: list[int]) -> list[dict[str, Any]]:
    """The pieces in which a server would have sent a response."""
    message = response["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": ""}
        if message["content"] is not None
        else {"role": "assistant", "content": None}
    ]
    deltas += [{"content": part} for part in cut(message["content"] or "", places) if part]
    for index, call in enumerate(message.get("tool_calls", [])):
        head = {"index": index, "id": call["id"], "type": "function"}
        deltas.append(
            {"tool_calls": [{**head, "function": {"name": call["function"]["name"], "arguments": ""}}]}
        )
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": part}}]}
            for part in cut(call["function"]["arguments"], places)
        ]
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": each, "finish_reason": None}] for each in deltas
    ]
    choices += [[{"index": 0, "delta": {}, "finish_reason": "stop"}], []]
    same = {key: response[key] for key in ("id", "created", "model")}
    return [{**same, "object": "chat.completion.chunk", "choices": each} for each in choices]


def imported(lines: list[dict[str, Any]]) -> Imported:
    numbered = [(f"line {number}", line) for number, line in enumerate(lines)]
    return import_lines(numbered, "openai", ImportPolicy(shop="7"), Contracts([CONTRACT]))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=8), st.booleans())
def test_pieces_are_the_whole(places: list[int], as_text: bool) -> None:
    lines = []
    for pair in PAIRS:
        sent: Any = chunks(pair["response"], places)
        if as_text:
            sent = (
                ": hello\n\n" + "".join(f"data: {json.dumps(each)}\n\n" for each in sent) + "data: [DONE]\n"
            )
        lines.append({**pair, "response": sent})
    found = imported(lines)
    assert found.refused == []
    assert found.events == imported(PAIRS).events


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda sent: sent[:-2], "STREAM_CUT"),
        (lambda sent: [], "INVALID_LOG"),
        (lambda sent: "data: {cut", "INVALID_LOG"),
        (lambda sent: [*sent, 7], "INVALID_LOG"),
        (lambda sent: [{**sent[0], "id": "another"}, *sent[1:]], "INVALID_LOG"),
        (lambda sent: [{"object": "chat.completion.chunk", "choices": [{"delta": {}}]}], "INVALID_LOG"),
    ],
)
def test_what_is_no_whole_stream_is_refused(change: Any, code: str) -> None:
    line = {**PAIRS[0], "response": change(chunks(PAIRS[0]["response"], [3]))}
    assert [bad.code for _, bad in imported([line]).refused] == [code]
