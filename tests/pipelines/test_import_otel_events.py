"""One call in pieces: content on events of the old conventions, on the event of details, or on the agent."""

from __future__ import annotations

import json

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from tests.pipelines.model_logs import (
    START,
    WEATHER,
    any_value,
    bare_span,
    chat_spans,
    logs,
    messages,
    old_records,
    otel,
    parts,
    record,
    span,
    traces,
)
from tests.schemas.conversations import says, user


def test_events_of_the_old_conventions_in_a_file_of_their_own() -> None:
    ParseDict(logs(old_records()), LogsData())
    expected = [WEATHER[0], {**WEATHER[1], "content": None}, *WEATHER[2:]]
    for lines in (
        [logs(old_records()), traces([bare_span()])],
        [traces([bare_span()]), *(logs([each]) for each in reversed(old_records()))],
    ):
        found = otel(*lines)
        assert messages(found) == [expected]
        assert found.unread == {"choices after the first": 1}
        assert found.counts["without_content"] == 0


def test_records_that_were_exported_twice_are_there_once() -> None:
    lines = [logs([each]) for each in old_records()]
    assert otel(*lines, *lines).events == otel(*lines).events
    assert otel(*lines, *lines).counts["repeated"] == len(lines)


def test_events_of_the_old_conventions_on_the_span() -> None:
    events = [
        ("gen_ai.user.message", {"gen_ai.event.content": json.dumps({"content": "Hello"})}),
        ("gen_ai.choice", {"index": 0, "message": json.dumps({"content": "Hi."}), "finish_reason": "stop"}),
    ]
    each = bare_span()
    each["events"] = [
        {
            "name": name,
            "timeUnixNano": str(int(START.timestamp()) * 10**9 + number * 1000),
            "attributes": [{"key": key, "value": any_value(value)} for key, value in attributes.items()],
        }
        for number, (name, attributes) in enumerate(events)
    ]
    assert messages(otel(traces([each]))) == [[user("Hello"), says("Hi.")]]


def test_content_on_the_event_of_details() -> None:
    attributes = {
        "gen_ai.input.messages": [parts(user("Hello"))],
        "gen_ai.output.messages": [parts(says("Hi."))],
    }
    details = record("gen_ai.client.inference.operation.details", None, 0, **attributes)
    details = {**details, "eventName": "gen_ai.client.inference.operation.details"}
    details.pop("body")
    assert messages(otel(traces([bare_span()]), logs([details]))) == [[user("Hello"), says("Hi.")]]


def test_an_agents_span_counts_where_its_calls_say_nothing() -> None:
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}
    attributes |= {
        key: json.dumps([parts(message)])
        for key, message in (
            ("gen_ai.input.messages", user("Hello")),
            ("gen_ai.output.messages", says("Hi.")),
        )
    }
    agent = span(9, "invoke_agent helper", attributes)
    silent = otel(traces([bare_span(), agent]))
    assert messages(silent) == [[user("Hello"), says("Hi.")]]
    assert silent.counts["without_content"] == 1
    told = otel(traces([*chat_spans(WEATHER), agent]))
    assert messages(told) == [WEATHER]
    assert told.counts["agent_spans"] == 1
