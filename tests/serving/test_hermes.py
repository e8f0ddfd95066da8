"""Ids to messages: what the renderer writes for the assistant is read back, and junk stays content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chat import Message, render
from schemas.tools import CONTRACT
from serving.hermes import message_of
from tests.schemas.conversations import CONVERSATIONS, says, tiny_tokenizer


def written_by_the_assistant(messages: list[Message]) -> list[list[int]]:
    """The ids of each turn, without its end."""
    rendered = render(messages, CONTRACT, tiny_tokenizer())
    end = tiny_tokenizer().control["<|im_end|>"]
    turns: list[list[int]] = [[]]
    for number, written in zip(rendered.ids, rendered.mask, strict=True):
        if written and number == end:
            turns.append([])
        elif written:
            turns[-1].append(number)
    return turns[:-1]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_what_was_rendered_for_training_is_read_back(name: str) -> None:
    messages = CONVERSATIONS[name]
    said = [(place, message) for place, message in enumerate(messages, 1) if message["role"] == "assistant"]
    turns = written_by_the_assistant(messages)
    assert len(turns) == len(said)
    for ids, (place, message) in zip(turns, said, strict=True):
        read = message_of(ids, tiny_tokenizer(), place)
        calls = read.get("tool_calls", [])
        assert [call["id"] for call in calls] == [f"call_{place}_{n}" for n in range(len(calls))]
        assert read["content"] == message["content"]
        assert [call["function"] for call in calls] == [
            call["function"] for call in message.get("tool_calls", [])
        ]


def ids_of(*texts: str) -> list[int]:
    tokenizer = tiny_tokenizer()
    return [
        number
        for text in texts
        for number in ([tokenizer.control[text]] if text in tokenizer.control else tokenizer.encode(text))
    ]


CALL = '\n{"name": "task_search", "arguments": {"b": 1, "a": ["é"]}}\n'


def test_arguments_come_out_canonical() -> None:
    read = message_of(ids_of("<tool_call>", CALL, "</tool_call>", "\n"), tiny_tokenizer(), 4)
    assert read == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_4_0",
                "type": "function",
                "function": {"name": "task_search", "arguments": '{"a":["é"],"b":1}'},
            }
        ],
    }


@pytest.mark.parametrize(
    "texts",
    [
        ("<tool_call>", CALL),
        ("<tool_call>",),
        ("</tool_call>",),
        ("<tool_call>", "</tool_call>"),
        ("<tool_call>", "junk", "</tool_call>"),
        ("<tool_call>", "[1]", "</tool_call>"),
        ("<tool_call>", '"name arguments"', "</tool_call>"),
        ("<tool_call>", '{"name": "a"}', "</tool_call>"),
        ("<tool_call>", '{"name": 7, "arguments": {}}', "</tool_call>"),
        ("<tool_call>", '{"name": "a", "arguments": "{}"}', "</tool_call>"),
        ("<tool_call>", '{"name": "a", "arguments": {}, "more": 1}', "</tool_call>"),
        ("<tool_call>", '{"name": "a", "arguments": {"x": 1, "x": 2}}', "</tool_call>"),
        ("<tool_call>", '{"name": "a", "arguments": {"x": NaN}}', "</tool_call>"),
        ("<tool_call>", "[" * 5000, "</tool_call>"),
        ("<tool_call>", CALL, "</tool_call>", "\n", "<tool_call>", "junk", "</tool_call>"),
        ("<tool_call>", CALL, "</tool_call>", " and then?"),
        ("<tool_call>", CALL, "<tool_call>", CALL, "</tool_call>"),
        ("a", "<think>", "b", "<|im_start|>"),
    ],
)
def test_junk_stays_content(texts: tuple[str, ...]) -> None:
    assert message_of(ids_of(*texts), tiny_tokenizer(), 1) == says("".join(texts))


def test_the_words_of_a_control_token_call_nothing() -> None:
    text = f"<tool_call>{CALL}</tool_call>"
    assert message_of(tiny_tokenizer().encode(text), tiny_tokenizer(), 1) == says(text)


def test_the_words_may_stand_before_a_call() -> None:
    ids = [*tiny_tokenizer().encode("<tool_call> means:\n"), *ids_of("<tool_call>", CALL, "</tool_call>")]
    read = message_of(ids, tiny_tokenizer(), 1)
    assert read["content"] == "<tool_call> means:"
    assert len(read["tool_calls"]) == 1


@given(st.lists(st.integers(0, tiny_tokenizer().num_tokens - 1), max_size=40))
def test_any_ids_are_a_message(ids: list[int]) -> None:
    read = message_of(ids, tiny_tokenizer(), 1)
    assert read["role"] == "assistant"
    assert read["content"] is not None or read["tool_calls"]
