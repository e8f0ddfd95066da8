"""Events: what is written can be read, what is damaged is refused by code and path."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import conversation
from schemas.chat import Message
from schemas.conversation import MAX_EVENT_BYTES, PAYLOADS, Event, messages_of, read_event, write_event
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, canonical_json
from tests.schemas.conversations import CONVERSATIONS

EXAMPLES: dict[str, dict[str, Any]] = {
    "message": {"role": "user", "content": "متجر «été» <|im_end|> 🛍️"},
    "tool_call": {"id": "call_1_0", "name": "task_search", "arguments": '{"search_queries":["a"]}'},
    "tool_result": {"tool_call_id": "call_1_0", "content": '{"ok":true}'},
    "workflow_proposed": {"workflow_id": "w1", "workflow_version": 1, "python": "@order_created\n"},
    "activated": {"workflow_id": "w1", "workflow_version": 1},
    "deactivated": {"workflow_id": "w1", "workflow_version": 1},
    "edited": {"workflow_id": "w1", "workflow_version": 2, "python": "@order_paid\n"},
    "feedback": {"rating": "up", "text": ""},
    "ended": {
        **{"reason": "turn_budget", "detail": "", "milliseconds": 1204},
        **{"num_turns": 12, "num_tool_calls": 12, "num_refused_calls": 3, "num_tokens": 4096},
    },
}


def event(kind: str = "message", sequence: int = 0, **payload: Any) -> Event:
    return Event(
        event_id=f"c1-{sequence}",
        conversation_id="c1",
        shop_id="gid://shopify/Shop/7",
        sequence=sequence,
        time=datetime(2026, 11, 22, 8, 30, 0, 250, tzinfo=UTC),
        kind=kind,  # type: ignore[arg-type]
        payload=canonical_json(payload or EXAMPLES[kind]),
        model="sidewheel-1f2e",
        contract=CONTRACT.fingerprint(),
        arm="champion",
    )


LINE: dict[str, Any] = json.loads(write_event(event()))


def refusal(line: bytes) -> tuple[str, str]:
    with pytest.raises(BadRecord) as caught:
        read_event(line)
    return caught.value.code, caught.value.path


def changed(**changes: Any) -> bytes:
    return json.dumps(LINE | changes, ensure_ascii=False).encode()


def test_every_kind_has_an_example() -> None:
    assert EXAMPLES.keys() == PAYLOADS.keys()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_is_written_is_read(kind: str) -> None:
    line = write_event(event(kind))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_event(line) == read_event(line[:-1]) == event(kind)
    assert write_event(read_event(line)) == line


@given(content=st.text(), sequence=st.integers(0, 2**63 - 1), moment=st.datetimes(timezones=st.just(UTC)))
def test_any_text_and_time_survives(content: str, sequence: int, moment: datetime) -> None:
    written = replace(event(role="user", content=content), sequence=sequence, time=moment)
    assert read_event(write_event(written)) == written


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    there = datetime(2026, 11, 22, 10, 30, tzinfo=timezone(timedelta(hours=2)))
    assert json.loads(write_event(replace(event(), time=there)))["time"] == "2026-11-22T08:30:00.000000Z"


def test_a_line_that_is_cut_anywhere_is_refused() -> None:
    line = write_event(event())
    assert {refusal(line[:length])[1] for length in range(len(line) - 1)} == {""}
    assert refusal(line[:50])[0] == conversation.CUT
    assert refusal("é".encode()[:1])[0] == conversation.ENCODING
    assert refusal(b"\n")[0] == conversation.EMPTY


@pytest.mark.parametrize("key", LINE)
def test_a_missing_key_is_named(key: str) -> None:
    line = json.dumps({name: value for name, value in LINE.items() if name != key}).encode()
    assert refusal(line) == (conversation.MISSING, f"/{key}")


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_payload_holds_what_its_kind_holds(kind: str) -> None:
    payload = EXAMPLES[kind]
    for key in payload:
        where = f"/payload/{key}"
        for wrong in (None, True, 1.5, [], {}, -1):
            assert refusal(changed(kind=kind, payload=payload | {key: wrong})) == (conversation.FIELD, where)
        less = {name: value for name, value in payload.items() if name != key}
        assert refusal(changed(kind=kind, payload=less)) == (conversation.MISSING, where)
    assert refusal(changed(kind=kind, payload=payload | {"authorization": "Bearer x"})) == (
        conversation.UNKNOWN,
        "/payload/authorization",
    )


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"kind": "shouted"}, conversation.KIND, "/kind"),
        ({"kind": ["message"]}, conversation.KIND, "/kind"),
        ({"event_version": "event_v2"}, conversation.VERSION, "/event_version"),
        ({"more": 1}, conversation.UNKNOWN, "/more"),
        ({"payload": "text"}, conversation.FIELD, "/payload"),
        ({"payload": {"role": "system", "content": ""}}, conversation.FIELD, "/payload/role"),
        ({"sequence": True}, conversation.FIELD, "/sequence"),
        ({"sequence": -1}, conversation.FIELD, "/sequence"),
        ({"sequence": 2**63}, conversation.FIELD, "/sequence"),
        ({"sequence": 1.0}, conversation.FIELD, "/sequence"),
        ({"event_id": ""}, conversation.FIELD, "/event_id"),
        ({"shop_id": 7}, conversation.FIELD, "/shop_id"),
        ({"shop_id": "x" * 201}, conversation.FIELD, "/shop_id"),
        ({"model": "a\nb"}, conversation.FIELD, "/model"),
        ({"contract": "abc"}, conversation.FIELD, "/contract"),
        ({"contract": "G" * 64}, conversation.FIELD, "/contract"),
        ({"time": "2026-11-22T08:30:00"}, conversation.FIELD, "/time"),
        ({"time": "2026-11-22T08:30:00+02:00"}, conversation.FIELD, "/time"),
        ({"time": 1763800200}, conversation.FIELD, "/time"),
    ],
)
def test_a_wrong_field_is_refused_by_code_and_path(changes: dict[str, Any], code: str, path: str) -> None:
    assert refusal(changed(**changes)) == (code, path)


def test_what_json_readers_lose_is_refused() -> None:
    line = write_event(event())
    twice = line.replace(b'"arm":"champion"', b'"arm":"champion","arm":"champion"')
    assert refusal(twice)[0] == conversation.CUT
    assert refusal(changed(model="m").replace(b'"m"', rb'"\ud800"'))[0] == conversation.CUT
    assert refusal(b"[]")[0] == conversation.CUT


def test_size_and_depth_are_capped_before_any_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(b"[" * 1_000_000) == (conversation.CUT, "")
    monkeypatch.setattr(conversation, "read_json", None)
    assert refusal(b" " * (MAX_EVENT_BYTES + 1)) == (conversation.TOO_LARGE, "")


def test_a_line_that_nobody_could_read_is_never_written() -> None:
    for wrong in (replace(event(), shop_id=""), event(role="robot", content="x")):
        with pytest.raises(BadRecord):
            write_event(wrong)


def events_of(messages: list[Message]) -> list[Event]:
    """As a recorder would write them."""
    payloads: list[tuple[str, dict[str, Any]]] = []
    for message in messages:
        if message["role"] == "tool":
            payloads.append(
                ("tool_result", {"tool_call_id": message["tool_call_id"], "content": message["content"]})
            )
            continue
        if message["content"]:
            payloads.append(("message", {"role": message["role"], "content": message["content"]}))
        payloads += [
            ("tool_call", {"id": call["id"], **call["function"]}) for call in message.get("tool_calls", [])
        ]
    payloads.append(("activated", EXAMPLES["activated"]))
    return [event(kind, number, **payload) for number, (kind, payload) in enumerate(payloads)]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_events_give_the_conversation_back(name: str) -> None:
    events = events_of(CONVERSATIONS[name])
    assert messages_of(events) == CONVERSATIONS[name]
    assert all(one.sequence + 1 == other.sequence for one, other in pairwise(events))
