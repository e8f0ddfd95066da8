"""Logs as others write them, made from conversations in our form.

OpenAI's shapes are checked against the types of its own client, OpenTelemetry's are what its SDK and the OTLP
file exporter write.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from pipelines.importers.exchanges import ImportPolicy
from pipelines.importers.imports import Format, Imported, import_lines
from pipelines.importers.told import Contracts
from schemas.chat import Message
from schemas.conversation import Event, messages_of, read_event
from schemas.tools import CONTRACT
from tests.schemas.conversations import answer, calls, says, user

START = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
TRACE = "5b8efff798038103d269b633813fc60c"
POLICY = ImportPolicy(shop="7", time="2026-11-22T08:30:00Z", model="some-model")


FIFTY: list[Message] = [
    message for turn in range(50) for message in (user(f"Question {turn} 🛍️"), says(f"Answer {turn}"))
]
WEATHER: list[Message] = [
    user("What's the weather in Paris?"),
    calls(("get_weather", {"location": "Paris"})),
    answer(0, "rainy, 57°F"),
    says("Rainy and overcast."),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def turns(messages: Sequence[Message]) -> Iterator[tuple[list[Message], Message]]:
    """(history, answer) of each call of the model that a conversation took."""
    for number, message in enumerate(messages):
        if message["role"] == "assistant":
            yield list(messages[:number]), message


def chat_pairs(messages: Sequence[Message], name: str = "c", **request: Any) -> list[dict[str, Any]]:
    """A request and its response a line, each request with the whole history."""
    lines = []
    for number, (history, reply) in enumerate(turns(messages)):
        body = {"model": "gpt-x", "temperature": 0, "messages": history, **request}
        told = {"role": "assistant", "refusal": None, "annotations": [], **reply}
        choice = {"index": 0, "message": told, "finish_reason": "stop", "logprobs": None}
        lines.append(
            {
                "request": body,
                "response": {
                    "id": f"chatcmpl-{name}-{number}",
                    "object": "chat.completion",
                    "created": int((START + timedelta(seconds=number)).timestamp()),
                    "model": "gpt-x-0613",
                    "choices": [choice],
                    "usage": {"prompt_tokens": 52, "completion_tokens": 47, "total_tokens": 99},
                },
            }
        )
    return lines


def with_system(messages: Sequence[Message]) -> list[Message]:
    return [{"role": "system", "content": CONTRACT.system_prompt}, *messages]


def parts(message: Message) -> dict[str, Any]:
    """A message of the GenAI conventions."""
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]}
        return {"role": "tool", "parts": [part]}
    said = [{"type": "text", "content": message["content"]}] if message["content"] is not None else []
    calls = [
        {
            "type": "tool_call",
            "id": call["id"],
            "name": call["function"]["name"],
            "arguments": json.loads(call["function"]["arguments"]),
        }
        for call in message.get("tool_calls", ())
    ]
    return {"role": message["role"], "parts": [*said, *calls]}


def chat_spans(messages: Sequence[Message], **attributes: Any) -> list[dict[str, Any]]:
    """A span of OTLP/JSON for each call of the model, all in one trace."""
    spans = []
    for number, (history, reply) in enumerate(turns(messages)):
        found = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.response.model": "gpt-x-0613",
            "gen_ai.input.messages": json.dumps([parts(message) for message in history], ensure_ascii=False),
            "gen_ai.output.messages": json.dumps([parts(reply) | {"finish_reason": "stop"}]),
            **attributes,
        }
        spans.append(span(number, "chat gpt-x", found))
    return spans


def span(number: int, name: str, attributes: dict[str, Any], trace: str = TRACE) -> dict[str, Any]:
    start = int((START + timedelta(seconds=number)).timestamp()) * 10**9
    return {
        "traceId": trace.upper(),
        "spanId": f"{number + 1:016x}",
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5 * 10**8),
        "attributes": [{"key": key, "value": any_value(value)} for key, value in attributes.items()],
        "status": {},
    }


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP/JSON types it."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if isinstance(value, dict):
        return {
            "kvlistValue": {"values": [{"key": key, "value": any_value(each)} for key, each in value.items()]}
        }
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def traces(spans: list[dict[str, Any]], **resource: Any) -> dict[str, Any]:
    """What one line of an OTLP file holds."""
    attributes = [{"key": key, "value": any_value(value)} for key, value in resource.items()]
    scopes = [{"scope": {"name": "opentelemetry.instrumentation.openai_v2"}, "spans": spans}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}]}


def imported(lines: Iterable[Any], form: Format = "openai", policy: ImportPolicy = POLICY) -> Imported:
    numbered = [(f"log line {number}", line) for number, line in enumerate(lines, 1)]
    return import_lines(numbered, form, policy, Contracts([CONTRACT]))


def conversations(found: Imported) -> dict[str, list[Event]]:
    """The events, each line read by the reader of the lake, by conversation; their numbers have no gap."""
    by_id: dict[str, list[Event]] = {}
    for line in found.events:
        event = read_event(line)
        by_id.setdefault(event.conversation_id, []).append(event)
    for events in by_id.values():
        assert [event.sequence for event in events] == list(range(len(events)))
    assert len({read_event(line).event_id for line in found.events}) == len(found.events)
    return by_id


def messages(found: Imported) -> list[list[Message]]:
    return [messages_of(events) for events in conversations(found).values()]


def reasons(found: Imported) -> Counter[str]:
    return Counter(bad.code for _, bad in found.refused)


def record(name: str, body: Any, number: int, **attributes: Any) -> dict[str, Any]:
    """A log record as OTLP/JSON has it; the name of the event as old SDKs write it."""
    return {
        "timeUnixNano": str(int(START.timestamp()) * 10**9 + number * 1000),
        "observedTimeUnixNano": str(int(START.timestamp()) * 10**9 + number * 1000),
        "severityNumber": 9,
        "body": any_value(body),
        "attributes": [
            {"key": key, "value": any_value(value)}
            for key, value in {"event.name": name, "gen_ai.system": "openai", **attributes}.items()
        ],
        "traceId": TRACE,
        "spanId": f"{1:016x}",
    }


def logs(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceLogs": [
            {"resource": {"attributes": []}, "scopeLogs": [{"scope": {}, "logRecords": records}]}
        ]
    }


def damaged(value: Any, path: list[int], other: Any) -> Any:
    """`value` with another value somewhere inside."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return other
    keys = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    changed = damaged(value[key], path[1:], other)
    if isinstance(value, dict):
        return {**value, key: changed}
    return [*value[:key], changed, *value[key + 1 :]]


def old_records() -> list[dict[str, Any]]:
    called: Any = {"role": "assistant", "tool_calls": WEATHER[1].get("tool_calls")}
    message = {"content": WEATHER[3]["content"], "role": "assistant"}
    return [
        record("gen_ai.system.message", {"content": CONTRACT.system_prompt}, 0),
        record("gen_ai.user.message", {"content": WEATHER[0]["content"]}, 1),
        record("gen_ai.assistant.message", called, 2),
        record("gen_ai.tool.message", {"content": "rainy, 57°F", "id": "call_0"}, 3),
        record("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": message}, 4),
        record("gen_ai.choice", {"index": 1, "finish_reason": "stop", "message": message}, 5),
    ]


def bare_span() -> dict[str, Any]:
    """A call as it is by default: without any content."""
    return span(0, "chat gpt-x", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x"})


def otel(*lines: Any, policy: ImportPolicy | None = None) -> Any:
    return imported(lines, "otel", policy or ImportPolicy(shop="7"))
