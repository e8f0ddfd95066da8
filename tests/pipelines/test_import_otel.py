"""Spans and records of OpenTelemetry's GenAI conventions, current and old, on one span or in many pieces."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from pipelines.importers import genai_spans
from pipelines.importers.exchanges import ImportPolicy, instant
from pipelines.importers.otlp import read_signals
from schemas.errors import BadRecord
from schemas.tools import CONTRACT
from tests.pipelines.model_logs import (
    FIFTY,
    JSON,
    START,
    WEATHER,
    any_value,
    bare_span,
    chat_spans,
    conversations,
    damaged,
    logs,
    messages,
    old_records,
    otel,
    parts,
    reasons,
    span,
    traces,
    turns,
)
from tests.schemas.conversations import CONVERSATIONS, answer, calls, says, user

TEXT = {"type": "text", "content": CONTRACT.system_prompt}
TOOLS = [{"type": "function", **tool["function"]} for tool in CONTRACT.openai()]


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("structured", [False, True])
def test_spans_are_the_conversation_again(name: str, structured: bool) -> None:
    """Messages as JSON text, as SDKs without structured attributes write them, and structured."""
    said = CONVERSATIONS[name]
    spans = chat_spans(said)
    if structured:
        for each in spans:
            for attribute in each["attributes"]:
                if attribute["key"].endswith(".messages"):
                    attribute["value"] = any_value(json.loads(attribute["value"]["stringValue"]))
    ParseDict(traces(spans), TracesData())  # the fixture is OTLP/JSON
    found = otel(traces(spans))
    assert messages(found) == [said]
    assert found.refused == []
    assert found.unread == {}


def test_the_names_are_those_of_the_conventions() -> None:
    known = {value for key, value in vars(gen_ai_attributes).items() if key.startswith("GEN_AI_")}
    ours = {
        genai_spans.OPERATION,
        genai_spans.INPUT,
        genai_spans.OUTPUT,
        genai_spans.SYSTEM,
        genai_spans.TOOLS,
    }
    ours |= {"gen_ai.conversation.id", "gen_ai.request.model", "gen_ai.response.model"}
    ours |= {"gen_ai.tool.call.id", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"}
    assert ours <= known


def test_a_span_a_line_as_the_sdk_prints_it() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    start = int(START.timestamp()) * 10**9
    for number, (history, said) in enumerate(turns(WEATHER)):
        current = tracer.start_span("chat gpt-x", start_time=start + number)
        current.set_attribute("gen_ai.operation.name", "chat")
        current.set_attribute("gen_ai.request.model", "gpt-x")
        current.set_attribute("gen_ai.conversation.id", "conv_1")
        current.set_attribute("gen_ai.input.messages", json.dumps([parts(message) for message in history]))
        current.set_attribute("gen_ai.output.messages", json.dumps([parts(said)]))
        current.end(end_time=start + 10**9)
    printed: list[ReadableSpan] = list(kept.get_finished_spans())
    found = otel(*(json.loads(each.to_json(indent=None)) for each in printed))
    assert messages(found) == [WEATHER]
    (events,) = conversations(found).values()
    assert events[0].conversation_id == "conv_1"
    assert (events[0].time, events[-1].time) == (START, START + timedelta(seconds=1))


def test_time_shop_model_and_contract_of_a_span() -> None:
    told = {
        "gen_ai.system_instructions": json.dumps([TEXT]),
        "gen_ai.tool.definitions": json.dumps(TOOLS),
        "gen_ai.conversation.id": "conv_5j66UpCpwteGg4YSxUnt7lPY",
    }
    policy = ImportPolicy(shop_from="shop.id", arm_from="deployment.arm")
    line = traces(chat_spans(WEATHER, **told), **{"shop.id": "42", "deployment.arm": "challenger"})
    (events,) = conversations(otel(line, policy=policy)).values()
    assert {(event.shop_id, event.arm, event.model) for event in events} == {
        ("42", "challenger", "gpt-x-0613")
    }
    assert {event.contract for event in events} == {CONTRACT.fingerprint()}
    assert events[0].time == START
    assert events[1].time == instant(START.timestamp() + 0.5)
    assert events[0].event_id == "conv_5j66UpCpwteGg4YSxUnt7lPY-0"


def test_tool_definitions_without_their_schemas_are_no_contract() -> None:
    """Descriptions and parameters are left out by default."""
    names = [{"type": "function", "name": tool["name"]} for tool in TOOLS]
    told = {"gen_ai.system_instructions": json.dumps([TEXT]), "gen_ai.tool.definitions": json.dumps(names)}
    found = otel(traces(chat_spans(WEATHER, **told)))
    (events,) = conversations(found).values()
    assert events[0].contract != CONTRACT.fingerprint()
    assert found.counts["contracts"] == 0


# -- tools ----------------------------------------------------------------------------------------------


def test_a_span_of_a_tool_answers_what_no_request_shows() -> None:
    said = WEATHER[:2]
    run = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"}
    run |= {"gen_ai.tool.call.id": "call_0", "gen_ai.tool.call.result": {"sky": "rainy"}}
    spans = [*chat_spans(said), span(7, "execute_tool get_weather", run)]
    found = otel(traces(spans))
    assert messages(found) == [
        [*said, {"role": "tool", "content": '{"sky":"rainy"}', "tool_call_id": "call_0"}]
    ]
    assert found.counts["answers_from_tool_spans"] == 1
    assert conversations(found).popitem()[1][-1].time == instant(START.timestamp() + 7.5)
    assert messages(otel(traces([*chat_spans(WEATHER), span(7, "execute_tool", run)]))) == [WEATHER]


def test_calls_and_answers_without_ids_are_paired_by_their_order() -> None:
    said = [
        user("Two"),
        calls(("a", {"x": 1}), ("a", {"x": 2})),
        answer(0, "one"),
        answer(1, "two"),
        says("Done."),
    ]
    spans = chat_spans(said)
    for each in spans:
        for attribute in each["attributes"]:
            if attribute["key"].endswith(".messages"):
                text = attribute["value"]["stringValue"]
                attribute["value"]["stringValue"] = text.replace('"id": "call_0", ', "").replace(
                    '"id": "call_1", ', ""
                )
    (found,) = messages(otel(traces(spans)))
    ids = [call["id"] for call in found[1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert [message.get("tool_call_id") for message in found[2:4]] == ids
    assert [message["content"] for message in found] == [message["content"] for message in said]


def test_arguments_that_only_the_span_of_the_tool_has() -> None:
    run = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "call_0"}
    run |= {"gen_ai.tool.call.arguments": '{"location": "Paris"}'}
    said = [WEATHER[0], calls(("get_weather", {})), *WEATHER[2:]]
    (found,) = messages(otel(traces([*chat_spans(said), span(7, "execute_tool get_weather", run)])))
    assert found[1]["tool_calls"][0]["function"]["arguments"] == '{"location": "Paris"}'


def test_answers_without_ids_in_one_message() -> None:
    asked = [parts(user("Two")), parts(calls(("a", {"x": 1}), ("a", {"x": 2})))]
    answers = [{"type": "tool_call_response", "response": text} for text in ("one", "two")]
    for part in asked[1]["parts"]:
        del part["id"]
    listed = json.dumps([*asked, {"role": "tool", "parts": answers}])
    attributes = {"gen_ai.request.model": "m", "gen_ai.input.messages": listed}
    (found,) = messages(otel(span(0, "chat", attributes)))
    ids = [call["id"] for call in found[1]["tool_calls"]]
    assert [(m["tool_call_id"], m["content"]) for m in found[2:]] == list(
        zip(ids, ("one", "two"), strict=True)
    )


def test_answers_of_tools_in_a_message_of_the_user() -> None:
    listed = [parts(WEATHER[0]), parts(WEATHER[1]), {**parts(WEATHER[2]), "role": "user"}]
    listed[2]["parts"].append({"type": "text", "content": "And Rome?"})
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    attributes |= {
        "gen_ai.input.messages": json.dumps(listed),
        "gen_ai.output.messages": json.dumps([parts(says("Dry."))]),
    }
    found = otel(span(0, "chat", attributes))
    assert messages(found) == [[*WEATHER[:3], user("And Rome?"), says("Dry.")]]


# -- threads of one conversation ------------------------------------------------------------------------


def test_a_conversation_over_many_traces_whatever_of_it_each_call_repeats() -> None:
    """All of the history, the last four messages of it, or what is new alone."""
    for kept in (100, 4, 0):
        lines = []
        for number, each in enumerate(chat_spans(FIFTY[:20], **{"gen_ai.conversation.id": "conv_1"})):
            history = FIFTY[: 2 * number][-kept:] if kept else []
            asked = [parts(message) for message in [*history, FIFTY[2 * number]]]
            for attribute in each["attributes"]:
                if attribute["key"] == "gen_ai.input.messages":
                    attribute["value"]["stringValue"] = json.dumps(asked)
            lines.append(traces([{**each, "traceId": f"{number + 1:032x}"}]))
        found = otel(*lines)
        assert messages(found) == [FIFTY[:20]]
        assert otel(*lines, *lines).events == found.events


def test_two_agents_in_one_conversation_are_not_mixed() -> None:
    one = chat_spans(
        WEATHER, **{"gen_ai.conversation.id": "c", "gen_ai.system_instructions": json.dumps([TEXT])}
    )
    other = chat_spans([user("Subtask"), says("Done")], **{"gen_ai.conversation.id": "c"})
    other[0]["spanId"], other[0]["startTimeUnixNano"] = "ab" * 8, one[1]["startTimeUnixNano"]
    found = messages(otel(traces([*one, *other])))
    assert sorted(map(len, found)) == [2, 4]


# -- what cannot be read --------------------------------------------------------------------------------


def test_a_span_without_content_says_so_and_nothing_else() -> None:
    empty = {"role": "user", "parts": [{"type": "text"}]}
    hollow = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps([empty]),
    }
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "call_0", "gen_ai.tool.name": "t"}
    found = otel(traces([bare_span(), span(1, "chat m", hollow), span(2, "execute_tool t", tool)]))
    assert found.events == []
    assert found.refused == []
    assert found.counts["without_content"] == 3


def test_other_spans_are_counted() -> None:
    http = span(5, "GET /orders", {"http.request.method": "GET"})
    http["events"] = [{"name": "exception", "attributes": []}]
    found = otel(traces([*chat_spans(WEATHER), http]))
    assert messages(found) == [WEATHER]
    assert found.counts["other_signals"] == 2


BAD: dict[str, Any] = {
    "text": "hello",
    "no span": {"hello": 1},
    "spans that are no list": {"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]},
    "resource that is no object": {"resourceSpans": [7]},
    "cut JSON": traces(
        [span(9, "chat", {"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role": "us'})]
    ),
    "image": traces(
        [
            span(
                9,
                "chat",
                {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "blob"}]}])},
            )
        ]
    ),
    "span without ids": traces([{"name": "chat"}]),
    "attributes that are text": traces([{**bare_span(), "attributes": "x"}]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_span_has_a_reason_and_stops_no_other(name: str) -> None:
    found = otel(BAD[name], traces(chat_spans(WEATHER)))
    assert len(found.refused) == 1
    assert found.refused[0][0].startswith("log line 1")
    assert set(reasons(found)) <= {"INVALID_LOG", "NOT_TEXT"}
    assert messages(found) == [WEATHER]


def test_a_bad_span_beside_good_ones_of_one_line() -> None:
    spans = [chat_spans(WEATHER)[0], 7, {"name": "x"}, chat_spans(WEATHER)[1]]
    found = otel(traces(spans))
    assert [place for place, _ in found.refused] == [
        "log line 1/resourceSpans/0/scopeSpans/0/spans/1",
        "log line 1/resourceSpans/0/scopeSpans/0/spans/2",
    ]
    assert messages(found) == [WEATHER]


SHAPES = [traces(chat_spans(WEATHER)), logs(old_records()), chat_spans(WEATHER)[1]]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_nothing_but_a_reason_comes_of_any_line(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(SHAPES))
    path = data.draw(st.lists(st.integers(0, 9), max_size=12))
    line = data.draw(JSON) if data.draw(st.booleans()) else damaged(shape, path, data.draw(JSON))
    try:
        list(read_signals(line, "line"))
    except BadRecord as refused:
        assert refused.code  # noqa: PT017
    other = traces([{**each, "traceId": "f" * 32} for each in chat_spans(FIFTY[:4])])
    assert FIFTY[:4] in messages(otel(line, other))
