"""OpenAI's logs: each thing is said once, in order, under the contract of its request."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from pipelines.importers.exchanges import ImportPolicy, instant
from pipelines.importers.openai_logs import read_call
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, canonical_json
from tests.pipelines.model_logs import (
    FIFTY,
    JSON,
    POLICY,
    START,
    chat_pairs,
    conversations,
    damaged,
    imported,
    messages,
    reasons,
    with_system,
)
from tests.schemas.conversations import CONVERSATIONS, answer, calls, says, user

TOOLS = CONTRACT.openai()


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_requests_with_their_histories_are_the_conversation_again(name: str) -> None:
    said = CONVERSATIONS[name]
    pairs = chat_pairs(said)
    for pair in pairs:
        ChatCompletion.model_validate(pair["response"], strict=True)
    found = imported(pairs)
    assert messages(found) == [said]
    assert found.refused == []
    assert found.unread == {}


def test_fifty_turns_are_a_hundred_events_whatever_the_order_of_the_lines() -> None:
    pairs = chat_pairs(FIFTY)
    in_order = imported(pairs)
    random.Random(7).shuffle(pairs)
    shuffled = imported(pairs)
    assert messages(in_order) == [FIFTY]
    assert len(in_order.events) == 100
    assert shuffled.events == in_order.events
    (events,) = conversations(in_order).values()
    assert [event.time for event in events] == [instant(int(START.timestamp()) + n // 2) for n in range(100)]


def test_lines_that_come_twice_are_counted_and_change_nothing() -> None:
    pairs = chat_pairs(FIFTY)
    once, twice = imported(pairs), imported([*pairs, *pairs])
    assert twice.events == once.events
    assert twice.counts["repeated"] == 50
    assert imported(chat_pairs(FIFTY)).events == once.events


def test_a_log_that_has_grown_gives_what_it_gave_and_more() -> None:
    pairs = chat_pairs(FIFTY)
    before, after = imported(pairs[:20]), imported(pairs)
    assert after.events[: len(before.events)] == before.events


def test_two_conversations_that_open_alike_stay_two() -> None:
    one, other = (
        [user("Hello"), says("Hi."), user("A?"), says("A.")],
        [user("Hello"), says("Hi."), user("B?")],
    )
    lines = [*chat_pairs(one, "one"), *chat_pairs([*other, says("B.")], "other")]
    found = messages(imported(lines))
    assert sorted(map(canonical_json, found)) == sorted(map(canonical_json, [one, [*other, says("B.")]]))


def test_an_answer_made_anew_is_a_conversation_of_its_own() -> None:
    one, other = [*FIFTY[:3], says("One")], [*FIFTY[:3], says("Other")]
    found = imported([*chat_pairs(one, "one"), chat_pairs(other, "other")[1]])
    assert messages(found) == [one, other]
    assert found.counts["forked"] == 1


def test_the_same_words_in_two_shops_are_two_conversations() -> None:
    policy = ImportPolicy(shop_from="user", time="2026-11-22T08:30:00Z")
    lines = [{**pair, "user": shop} for shop in ("a", "b") for pair in chat_pairs(FIFTY[:4], shop)]
    found = conversations(imported(lines, policy=policy))
    shops = [[event.shop_id for event in events] for events in found.values()]
    assert sorted(shops) == [["a"] * 4, ["b"] * 4]


def test_calls_at_once_and_answers_that_never_came() -> None:
    said = [user("Two things"), calls(("a", {"x": 1}), ("b", {"y": "é"})), answer(1, "second"), says("Half.")]
    found = imported(chat_pairs(said))
    assert messages(found) == [said]
    kinds = [event.kind for event in conversations(found).popitem()[1]]
    assert kinds == ["message", "tool_call", "tool_call", "tool_result", "message"]


def test_a_failed_request_belongs_to_the_one_that_repeats_it() -> None:
    """Its model is the one that answers in the end, whether anything was answered before or not."""
    pairs = chat_pairs(FIFTY[:4])
    for number, at in ((0, "2026-11-22T08:29:59Z"), (1, "2026-11-22T08:30:00.5Z")):
        failed = {"request": pairs[number]["request"], "response": {"error": {"code": 503}}, "time": at}
        found = imported([failed, *pairs])
        assert messages(found) == [FIFTY[:4]]
        (events,) = conversations(found).values()
        assert {event.model for event in events} == {"gpt-x-0613"}


def test_an_empty_content_beside_calls_stays_as_it_is() -> None:
    said = [user("Do"), calls(("a", {}), content=""), answer(0, ""), says("Done.")]
    assert messages(imported(chat_pairs(said))) == [said]


def test_an_answer_made_anew_in_a_conversation_that_has_a_name() -> None:
    """It keeps its history, and a name of its own beside the first's."""
    one, other = [*FIFTY[:3], says("One")], [*FIFTY[:3], says("Other")]
    lines = [{**pair, "session": "s"} for pair in [*chat_pairs(one, "one"), chat_pairs(other, "other")[1]]]
    found = imported(lines, policy=replace(POLICY, conversation_from="session"))
    assert messages(found) == [one, other]
    assert [name[:2] for name in conversations(found)] == ["s", "s~"]
    assert found.counts["forked"] == 1


def test_one_name_in_two_shops_is_two_conversations() -> None:
    policy = replace(POLICY, conversation_from="session", shop_from="user")
    lines = [{**pair, "session": "s", "user": shop} for shop in "ab" for pair in chat_pairs(FIFTY[:4], shop)]
    found = conversations(imported(lines, policy=policy))
    assert [{event.shop_id for event in events} for events in found.values()] == [{"a"}, {"b"}]
    assert all(len(events) == 4 for events in found.values())


def test_two_answers_under_one_id_are_two_conversations() -> None:
    lines = [*chat_pairs([FIFTY[0], says("One")]), *chat_pairs([FIFTY[0], says("Other")])]
    assert messages(imported(lines)) == [[FIFTY[0], says("One")], [FIFTY[0], says("Other")]]


# -- stored conversations -------------------------------------------------------------------------------


def test_a_fine_tuning_file_and_bare_lists_of_messages() -> None:
    said = [CONVERSATIONS["whole_trajectory"], [user("Hello"), says("Hi.")]]
    lines = [{"messages": with_system(said[0]), "tools": TOOLS, "parallel_tool_calls": False}, said[1]]
    found = imported(lines)
    assert sorted(map(canonical_json, messages(found))) == sorted(map(canonical_json, said))
    assert found.unread == {}


def test_snapshots_of_one_conversation_are_one() -> None:
    lines = [{"messages": FIFTY[: 2 * n]} for n in range(1, 51)]
    assert messages(imported(reversed(lines))) == [FIFTY]


def test_the_deprecated_calls_of_functions() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}
    found = imported(
        [[user("Do"), called, {"role": "function", "name": "f", "content": "done"}, says("Yes.")]]
    )
    (said,) = messages(found)
    assert said[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert said[2] == {"role": "tool", "content": "done", "tool_call_id": said[1]["tool_calls"][0]["id"]}


def test_a_refusal_is_what_the_assistant_said_and_parts_are_one_text() -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "Do "}, {"type": "text", "text": "harm"}]}
    found = imported([[asked, {"role": "assistant", "content": None, "refusal": "No."}]])
    assert messages(found) == [[user("Do harm"), says("No.")]]


# -- the Responses API ----------------------------------------------------------------------------------


def response(name: str, output: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        **{"id": name, "object": "response", "created_at": START.timestamp(), "model": "gpt-x-0613"},
        **{"output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []},
        **more,
    }


def spoken(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content}


CALL = {
    "type": "function_call",
    "call_id": "call_0",
    "name": "task_search",
    "arguments": '{"search_queries":["é"]}',
}
OUTPUT = {"type": "function_call_output", "call_id": "call_0", "output": "{}"}
TURN: list[Message] = [
    user("Tag orders"),
    {**calls(("task_search", {"search_queries": ["é"]})), "content": "Let me look."},
    {"role": "tool", "content": "{}", "tool_call_id": "call_0"},
    says("Done."),
]


def test_responses_that_name_the_one_before() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": []}
    first = response("resp_1", [thought, spoken("Let me look."), CALL])
    second = response("resp_2", [spoken("Done.")], previous_response_id="resp_1")
    for each in (first, second):
        Response.model_validate(each)
    asked = {"model": "gpt-x", "input": "Tag orders", "instructions": "Help."}
    lines = [
        {
            "request": {"model": "gpt-x", "input": [OUTPUT], "previous_response_id": "resp_1"},
            "response": second,
        },
        {"request": asked, "response": first},
    ]
    found = imported(lines)
    assert messages(found) == [TURN]
    assert found.unread == {"item.reasoning": 1}


def test_responses_that_repeat_their_history() -> None:
    history = [{"role": "user", "content": "Tag orders"}]
    lines = [
        {
            "request": {"model": "m", "input": history},
            "response": response("r1", [spoken("Let me look."), CALL]),
        },
        {
            "request": {"model": "m", "input": [*history, spoken("Let me look."), CALL, OUTPUT]},
            "response": response("r2", [spoken("Done.")]),
        },
    ]
    assert messages(imported(lines)) == [TURN]


def test_a_conversation_that_the_api_keeps() -> None:
    lines = [
        {
            "model": "m",
            "input": text,
            "response": response(f"r{n}", [spoken("Yes.")], conversation={"id": "conv_1"}),
        }
        for n, text in enumerate(["Again?", "Again?"])
    ]
    found = imported(lines)
    assert messages(found) == [[user("Again?"), says("Yes."), user("Again?"), says("Yes.")]]
    assert set(conversations(found)) == {"conv_1"}


def test_a_response_whose_history_is_elsewhere_is_refused() -> None:
    found = imported([response("resp_2", [spoken("Done.")], previous_response_id="resp_1")])
    assert reasons(found) == {"NO_HISTORY": 1}
    assert found.events == []


# -- what cannot be read --------------------------------------------------------------------------------

BAD: dict[str, tuple[Any, str]] = {
    "text": ("hello", "INVALID_LOG"),
    "nothing known": ({"prompt": "Hello"}, "INVALID_LOG"),
    "image": ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "NOT_TEXT"),
    "silence": ([user("Hello"), {"role": "assistant", "content": None}], "NO_CONTENT"),
    "no messages": ({"messages": []}, "NO_CONTENT"),
    "role": ([{"role": "narrator", "content": "Once"}], "INVALID_LOG"),
    "midway": ([user("Hello"), {"role": "system", "content": "Be brief"}], "SYSTEM_MIDWAY"),
    "call without id": (
        [user("Hello"), {"role": "assistant", "tool_calls": [{"function": {}}]}],
        "INVALID_LOG",
    ),
    "custom tool": ([{"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]}], "INVALID_LOG"),
    "web search": ({"input": [{"type": "web_search_call", "id": "w"}]}, "NOT_TEXT"),
    "chunks": ({"messages": [user("Hello")], "response": [{"object": "chunk"}]}, "INVALID_LOG"),
    "the user answers": ({"messages": [user("a")], "choices": [{"message": user("b")}]}, "INVALID_LOG"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_has_a_reason_and_stops_no_other(name: str) -> None:
    line, code = BAD[name]
    found = imported([line, *chat_pairs(FIFTY[:2])])
    assert reasons(found) == {code: 1}
    assert found.refused[0][0] == "log line 1"
    assert messages(found) == [FIFTY[:2]]


def test_who_when_and_which_model_must_be_said() -> None:
    line = {"messages": FIFTY[:2]}
    for policy, code in (
        (ImportPolicy(shop_from="user", time="2026-11-22T08:30:00Z", model="m"), "NO_SHOP"),
        (ImportPolicy(shop="7", model="m"), "NO_TIME"),
        (ImportPolicy(shop="7", time="2026-11-22T08:30:00Z"), "NO_MODEL"),
    ):
        assert reasons(imported([line], policy=policy)) == {code: 1}
    with pytest.raises(ValueError, match="--shop"):
        ImportPolicy()
    with pytest.raises(ValueError, match="zone"):
        ImportPolicy(shop="7", time="2026-11-22T08:30:00")


def test_what_a_log_says_goes_before_what_the_flags_say() -> None:
    policy = ImportPolicy(
        **{
            "shop": "7",
            "shop_from": "metadata.shop",
            "conversation_from": "session",
            "arm_from": "metadata.arm",
        },
        **{"time_from": "logged_at", "model": "other"},
    )
    (pair,) = chat_pairs(FIFTY[:2], metadata={"shop": 42, "arm": "challenger"})
    found = imported([{**pair, "session": "s-1", "logged_at": 1795336200.25}], policy=policy)
    event = conversations(found)["s-1"][0]
    assert (event.shop_id, event.arm, event.model) == ("42", "challenger", "gpt-x-0613")
    assert event.time == instant("2026-11-22T08:30:00.25Z")


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_a_number_is_a_time_in_any_unit(unit: int) -> None:
    assert instant(int(START.timestamp()) * unit) == instant(str(int(START.timestamp()) * unit)) == START


def test_fields_without_a_place_are_counted_by_name() -> None:
    (pair,) = chat_pairs(FIFTY[:2])
    pair["response"]["choices"] *= 2
    pair["response"]["choices"][0]["message"]["reasoning_content"] = "Hm"
    pair["request"]["messages"] = [{**user("Question 0 🛍️"), "name": "Ada"}]
    found = imported([pair | {"trace": "x"}])
    assert found.unread == {
        **{"response.choices after the first": 1, "message.reasoning_content": 1, "message.name": 1},
        "line.trace": 1,
    }


SHAPES = [
    *chat_pairs(CONVERSATIONS["several_calls_at_once"], tools=TOOLS),
    {"request": {"input": [spoken("a"), CALL, OUTPUT], "tools": TOOLS}, "response": response("r", [CALL])},
]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_nothing_but_a_reason_comes_of_any_line(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(SHAPES))
    line = (
        data.draw(JSON)
        if data.draw(st.booleans())
        else damaged(shape, data.draw(st.lists(st.integers(0, 9))), data.draw(JSON))
    )
    try:
        read_call(line, "line", POLICY, imported([]).unread)
    except BadRecord as refused:
        assert refused.code  # noqa: PT017
    found = imported([line, *chat_pairs(FIFTY[:4])])
    assert FIFTY[:4] in messages(found)
    assert list(itertools.chain(found.events)) == imported([line, *chat_pairs(FIFTY[:4])]).events
