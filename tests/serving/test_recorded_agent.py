"""Every end of a request is the last thing that is recorded of it, in its own words, whatever ended it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from schemas.chat import Message
from schemas.conversation import Event, messages_of, read_event
from schemas.errors import BadRecord, Transient, UsageError
from schemas.tools import CONTRACT, SAVE, Contract
from serving.agent import Budget, Completion, Outcome
from serving.recorded_agent import CRASHED, converse_recorded
from serving.recorder import Recorder, Recording
from serving.shop import InMemoryShop, Saved
from tests.serving.model_server import call

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["a"])\n'
DONE = {"role": "assistant", "content": "Done."}
SEARCH = call("task_search", {"search_queries": ["order"]})


class Script:
    """A model that says these things in turn, the last for ever; an exception is raised."""

    name = "script"

    def __init__(self, *said: Any) -> None:
        self.said = said
        self.turn = 0

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        said = self.said[min(self.turn, len(self.said) - 1)]
        self.turn += 1
        if isinstance(said, Exception):
            raise said
        return Completion(said)


def record(recording: Recording, model: Script, *, shop: InMemoryShop | None = None, **more: Any) -> Outcome:
    ticks = count(0.0, 0.5)
    return converse_recorded(
        *("Tag orders", model, shop or InMemoryShop(), CONTRACT, more.pop("budget", Budget()), recording),
        clock=lambda: next(ticks),
        **more,
    )


def events_in(folder: Path) -> list[Event]:
    (path,) = folder.glob("*.jsonl")
    return [read_event(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([SEARCH, DONE], "answered"),
        ([SEARCH], "model_repeats"),
        (
            [call("task_search", "{"), call("no_such", "{}"), {"role": "assistant", "content": "Ok"}],
            "answered",
        ),
        ([call("task_search", {"search_queries": [str(n)]}) for n in range(9)], "turn_budget"),
        ([SEARCH, "junk"], "model_junk"),
        ([SEARCH, {"role": "assistant", "content": "\ud800"}], "model_junk"),
        ([SEARCH, {"role": "assistant", "content": " "}], "model_silent"),
        ([SEARCH, Transient("busy \ud800 " + "x" * 9000)], "model_unavailable"),
        ([SEARCH, UsageError("who are you?")], "model_refused"),
        ([SEARCH, BadRecord("JUNK", "<html>")], "model_junk"),
    ],
)
def test_how_it_ended_is_the_last_event(tmp_path: Path, said: list[Any], reason: str) -> None:
    recorder = Recorder(tmp_path, model="script")
    outcome = record(recorder.begin("s"), Script(*said), budget=Budget(turns=5))
    recorder.close()
    *before, last = events_in(tmp_path)
    assert (outcome.reason, last.kind) == (reason, "ended")
    told = last.value
    assert (told["reason"], told["detail"]) == (outcome.reason, outcome.detail)
    assert told["num_turns"] == outcome.counts.num_turns
    assert (
        told["num_tool_calls"] == outcome.counts.num_tool_calls == sum(e.kind == "tool_call" for e in before)
    )
    assert told["num_refused_calls"] == outcome.counts.num_refused_calls
    assert told["milliseconds"] == round(outcome.seconds * 1000) > 0
    assert messages_of([*before, last]) == list(outcome.messages)
    assert len(told["detail"]) <= 500


def test_each_request_of_a_conversation_has_its_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, model="script")
    recording = recorder.begin("s")
    answer = {"role": "assistant", "content": "Yes."}
    first = record(recording, Script(answer))
    second = record(recording, Script(answer), history=first.messages)
    recorder.close()
    events = events_in(tmp_path)
    assert [event.kind for event in events] == ["message", "message", "ended"] * 2
    assert messages_of(events) == list(second.messages)


class BrokenShop(InMemoryShop):
    def create(self, python: str) -> Saved:
        raise ZeroDivisionError("secret of the shop")


def test_a_bug_of_ours_is_recorded_by_its_kind_and_raised(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, model="script")
    with pytest.raises(ZeroDivisionError):
        record(recorder.begin("s"), Script(call(SAVE, {"workflow_python": TAG})), shop=BrokenShop())
    recorder.close()
    last = events_in(tmp_path)[-1]
    assert (last.kind, last.value["reason"], last.value["detail"]) == ("ended", CRASHED, "ZeroDivisionError")
    assert "secret" not in last.payload


def test_calls_that_came_too_late_are_recorded_with_their_answers(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, model="script")
    said = SEARCH | {"tool_calls": SEARCH["tool_calls"] * 4}
    outcome = record(recorder.begin("s"), Script(said), budget=Budget(seconds=2.0))
    recorder.close()
    assert (outcome.reason, outcome.counts.num_refused_calls > 0) == ("time_budget", True)
    assert messages_of(events_in(tmp_path)) == list(outcome.messages)


@pytest.mark.parametrize("error", [BadRecord("FIELD", "no event"), Transient("disk full")])
@pytest.mark.parametrize("kind", ["tool_result", "message"])
def test_what_the_recorder_refuses_has_its_end_too(
    tmp_path: Path, error: Exception, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle and at the end of a conversation."""
    append = Recording.append

    def refuses(self: Recording, of: Any, payload: Any) -> Event:
        if of == kind and payload.get("role") != "user":
            raise error
        return append(self, of, payload)

    monkeypatch.setattr(Recording, "append", refuses)
    recorder = Recorder(tmp_path, model="script")
    with pytest.raises(type(error)):
        record(recorder.begin("s"), Script(SEARCH, DONE))
    recorder.close()
    last = events_in(tmp_path)[-1]
    assert (last.kind, last.value["reason"], last.value["detail"]) == ("ended", CRASHED, type(error).__name__)
