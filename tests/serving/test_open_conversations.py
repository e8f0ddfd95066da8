"""What comes after the answer, over real HTTP: conversations that go on, and what the merchant did."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from schemas.chat import Message
from schemas.conversation import Event, messages_of, read_event
from schemas.errors import Transient
from schemas.tools import Contract
from serving.agent import Budget, Completion
from serving.app import create_app
from serving.loopback import on_loopback
from serving.oracle import ScriptedOracle
from serving.recorder import Recorder
from serving.scripted_engine import ScriptedEngine

SECONDS = 30
SHOP = "shop-7"
PYTHON = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["vip"])\n'
GOLD = PYTHON.replace("vip", "gold")
TAG, CHANGE, THANKS = "Tag my orders", 'Change the tag to "gold"', "Thanks"


class Engine(ScriptedEngine):
    """A script that can be held up and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.failure: Exception | None = None

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        self.asked.set()
        assert self.go_on.wait(SECONDS)
        if self.failure is not None:
            raise self.failure
        return super().complete(messages, contract, budget)


@dataclass
class Server:
    """A server that remembers three conversations."""

    address: tuple[str, int]
    engine: Engine
    folder: Path

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*self.address, timeout=SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def begin(self, request: str = TAG) -> str:
        status, found = self.post("/agent", request=request, shop_id=SHOP)
        assert status == 200
        return str(found["conversation_id"])

    def events(self, conversation_id: str) -> list[Event]:
        lines = [line for path in self.folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]
        return [event for event in map(read_event, lines) if event.conversation_id == conversation_id]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    engine = Engine()
    engine.expect((TAG,), ScriptedOracle(PYTHON))
    engine.expect((TAG, CHANGE), ScriptedOracle(GOLD, workflow_id="workflow-1", workflow_version=1))
    engine.expect((TAG, CHANGE, THANKS), ScriptedOracle(None, answer="You are welcome."))
    recorder = Recorder(tmp_path, model=engine.name)
    with on_loopback(create_app(engine, recorder, num_remembered=3)) as address:
        yield Server(address, engine, tmp_path)
    recorder.close()


def test_a_conversation_goes_on_with_its_history_and_its_shop(server: Server) -> None:
    first = server.begin()
    status, found = server.post("/agent", request=CHANGE, shop_id=SHOP, conversation_id=first)
    assert (status, found["conversation_id"], found["reason"]) == (200, first, "answered")
    assert (found["workflow_id"], found["workflow_version"]) == ("workflow-1", 2)
    assert found["workflow_python"] == GOLD
    status, found = server.post("/agent", request=THANKS, shop_id=SHOP, conversation_id=first)
    assert (status, found["answer"], found["workflow_id"]) == (200, "You are welcome.", None)
    events = server.events(first)
    assert [event.sequence for event in events] == list(range(len(events)))
    assert len({event.event_id for event in events}) == len(events)
    said = [(message["role"], message["content"]) for message in messages_of(events)]
    assert [text for role, text in said if role == "user"] == [TAG, CHANGE, THANKS]
    assert said[-1] == ("assistant", "You are welcome.")
    proposed = [event.value for event in events if event.kind == "workflow_proposed"]
    assert [(each["workflow_version"], each["python"]) for each in proposed] == [(1, PYTHON), (2, GOLD)]


def test_conversations_of_one_shop_do_not_mix(server: Server) -> None:
    one, other = server.begin(), server.begin()
    status, found = server.post("/agent", request=CHANGE, shop_id=SHOP, conversation_id=other)
    assert (status, found["workflow_version"]) == (200, 2)
    assert len(server.events(one)) < len(server.events(other))


WORKFLOW = {"workflow_id": "workflow-1", "workflow_version": 1}


def test_what_the_merchant_did_comes_home_in_order(server: Server) -> None:
    first = server.begin()
    untidy = GOLD.replace("    add", "        add")
    for number, body in enumerate(
        [
            {"kind": "activated", **WORKFLOW},
            {"kind": "edited", **WORKFLOW, "python": untidy},
            {"kind": "deactivated", **WORKFLOW},
            {"kind": "feedback", "rating": "down", "text": "Too slow"},
        ]
    ):
        num_before = len(server.events(first))
        status, found = server.post(f"/conversations/{first}/events", **body)
        assert (status, found["conversation_id"], found["sequence"]) == (200, first, num_before)
        assert found["event_id"] == f"{first}-{num_before}", number
    events = server.events(first)
    assert [event.sequence for event in events] == list(range(len(events)))
    assert [(event.kind, event.value) for event in events[-4:]] == [
        ("activated", WORKFLOW),
        ("edited", {**WORKFLOW, "python": GOLD}),
        ("deactivated", WORKFLOW),
        ("feedback", {"rating": "down", "text": "Too slow"}),
    ]
    assert {(event.shop_id, event.model) for event in events} == {(SHOP, "scripted-oracle")}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "kind"),
        ({"kind": "message", "role": "user", "content": "x"}, "kind"),
        ({"kind": ["activated"]}, "kind"),
        ({"kind": "activated"}, "workflow_id"),
        ({"kind": "activated", **WORKFLOW, "workflow_version": 2}, "workflow_id"),
        ({"kind": "deactivated", **WORKFLOW, "workflow_id": "workflow-2"}, "workflow_id"),
        ({"kind": "activated", **WORKFLOW, "workflow_version": True}, "workflow_version"),
        ({"kind": "activated", **WORKFLOW, "workflow_version": 1.0}, "workflow_version"),
        ({"kind": "activated", **WORKFLOW, "workflow_version": [1]}, "workflow_id"),
        ({"kind": "activated", **WORKFLOW, "at": "now"}, "at"),
        ({"kind": "edited", **WORKFLOW, "python": 7}, "python"),
        ({"kind": "edited", **WORKFLOW, "python": "import os"}, "1:1"),
        ({"kind": "feedback", "rating": "sideways", "text": ""}, "rating"),
        ({"kind": "feedback", "rating": "up"}, "text"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_name_and_not_recorded(
    body: Any, param: str, server: Server
) -> None:
    first = server.begin()
    before = server.events(first)
    status, found = server.post(f"/conversations/{first}/events", **body)
    assert (status, found["error"]["param"]) == (400, param), found
    assert found["error"]["type"] == "invalid_request_error"
    assert server.events(first) == before
    _, found = server.post(f"/conversations/{first}/events", kind="feedback", rating="up", text="")
    assert found["sequence"] == len(before)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"shop_id": "s"}, "request"),
        ({"request": " \n", "shop_id": "s"}, "request"),
        ({"request": "x" * 70_000, "shop_id": "s"}, "request"),
        ({"request": 7, "shop_id": "s"}, "request"),
        ({"request": "hi"}, "shop_id"),
        ({"request": "hi", "shop_id": ""}, "shop_id"),
        ({"request": "hi", "shop_id": "a\nb"}, "shop_id"),
        ({"request": "hi", "shop_id": "s", "conversation_id": ""}, "conversation_id"),
        ({"request": "hi", "shop_id": "s", "conversation_id": 7}, "conversation_id"),
        ({"request": "hi", "shop_id": "s", "model": "x"}, "model"),
    ],
)
def test_a_bad_request_to_the_agent_is_refused_by_name_and_not_recorded(
    body: Any, param: str, server: Server
) -> None:
    status, found = server.post("/agent", **body)
    assert (status, found["error"]["param"]) == (400, param)
    assert list(server.folder.glob("*.jsonl")) == []
    assert not server.engine.asked.is_set()


def test_a_conversation_that_nobody_knows(server: Server) -> None:
    first = server.begin()
    feedback = {"kind": "feedback", "rating": "up", "text": ""}
    for path, body in [
        ("/conversations/unknown/events", feedback),
        ("/agent", {"request": "x", "shop_id": SHOP, "conversation_id": "unknown"}),
        ("/agent", {"request": "x", "shop_id": "another shop", "conversation_id": first}),
    ]:
        status, found = server.post(path, **body)
        assert (status, found["error"]["code"]) == (404, "conversation_not_found")
        assert "the last 3" in found["error"]["message"]
    assert len(list(server.folder.glob("*.jsonl"))) == 1


def test_the_one_that_was_used_longest_ago_is_forgotten_first(server: Server) -> None:
    feedback = {"kind": "feedback", "rating": "up", "text": ""}
    kept, forgotten, *_ = [server.begin() for _ in range(3)]
    assert server.post(f"/conversations/{kept}/events", **feedback)[0] == 200
    server.begin()
    assert server.post(f"/conversations/{kept}/events", **feedback)[0] == 200
    assert server.post(f"/conversations/{forgotten}/events", **feedback)[0] == 404


def test_what_ended_without_an_answer_takes_events_and_no_request(server: Server) -> None:
    first = server.begin("nobody announced this")
    status, found = server.post("/agent", request=CHANGE, shop_id=SHOP, conversation_id=first)
    assert (status, found["error"]["code"]) == (400, "conversation_ended")
    assert "model_silent" in found["error"]["message"]
    _, found = server.post(f"/conversations/{first}/events", kind="feedback", rating="down", text="?")
    assert found["sequence"] == 2  # after what was said and how it ended


def test_what_an_error_cut_off_does_not_go_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    first = server.begin()
    server.engine.failure = RuntimeError("a bug")
    assert server.post("/agent", request=CHANGE, shop_id=SHOP, conversation_id=first)[0] == 500
    server.engine.failure = None
    status, found = server.post("/agent", request=CHANGE, shop_id=SHOP, conversation_id=first)
    assert (status, found["error"]["code"]) == (400, "conversation_ended")


def test_a_long_history_is_let_go(server: Server) -> None:
    server.engine.expect(("x",), ScriptedOracle(None, answer="y" * (256 << 10)))
    first = server.begin("x")
    status, found = server.post("/agent", request=CHANGE, shop_id=SHOP, conversation_id=first)
    assert (status, found["error"]["code"]) == (400, "conversation_ended")
    assert "characters" in found["error"]["message"]


def test_nobody_speaks_into_an_answer(server: Server) -> None:
    """Two requests at once would tear the order of events; the second is told to wait."""
    first = server.begin()
    server.engine.go_on.clear()
    server.engine.asked.clear()
    ask = {"request": CHANGE, "shop_id": SHOP, "conversation_id": first}
    answers: list[tuple[int, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(server.post("/agent", **ask)))
    thread.start()
    assert server.engine.asked.wait(SECONDS)
    event = {"kind": "activated", **WORKFLOW}
    refused = [server.post("/agent", **ask), server.post(f"/conversations/{first}/events", **event)]
    server.engine.go_on.set()
    thread.join(SECONDS)
    assert [(status, found["error"]["code"]) for status, found in refused] == [(409, "conversation_busy")] * 2
    assert answers[0][0] == 200
    assert server.post(f"/conversations/{first}/events", **event)[0] == 200


def test_a_busy_disk_costs_no_number(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    first = server.begin()
    num_before = len(server.events(first))
    feedback = {"kind": "feedback", "rating": "up", "text": ""}

    def full(*args: Any) -> Event:
        raise Transient("Cannot record.")

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "_write", full)
        assert server.post(f"/conversations/{first}/events", **feedback)[0] == 503
    status, found = server.post(f"/conversations/{first}/events", **feedback)
    assert (status, found["sequence"]) == (200, num_before)
