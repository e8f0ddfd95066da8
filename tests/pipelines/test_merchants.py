"""Simulated merchants: what they say and do, and a whole week of them at the real server over HTTP."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.merchants import (
    FIRST_WORDING,
    Act,
    Got,
    Merchant,
    Plan,
    Turn,
    can_be_on,
    in_trial,
    is_right,
    merchants_of,
)
from pipelines.simulation import simulate
from pipelines.wording import NUM_WORDINGS, create_request
from schemas.chat import Message
from schemas.conversation import CUT, KIND, Event, messages_of, read_event
from schemas.errors import BadRecord, Transient, UsageError
from schemas.requests import request_kind_of
from schemas.tools import CONTRACT, SAVE, Contract, canonical_json
from schemas.weeks import Week
from schemas.workflow import canonical, from_python, to_python
from serving.agent import Budget, Completion
from serving.generation import Generation, Sampling
from serving.shop import Saved

WEEK = Week.parse("2026-W47")
TAG = '@order_created\ndef tag_orders(order):\n    add_order_tags(order_id=order.id, tags=["vip"])\n'
BIG = """\
@order_paid
def mark_big_orders(order):
    if order.total_price_set.shop_money.amount > 500:
        add_order_tags(order_id=order.id, tags=["big"])
"""
WISHES = [to_python(from_python(python)) for python in (TAG, BIG, TAG.replace("vip", "gold"))]
WANTED = from_python(WISHES[0])
CHANGED = from_python(WISHES[2])


class Stubborn:
    """A model on trial that builds the same workflow whatever it is asked."""

    name = "sidewheel-stubborn"
    contract = CONTRACT
    failures: int = 0

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("killed")
        if messages[-1]["role"] == "tool":
            return Completion({"role": "assistant", "content": "Done. Turn it on."})
        function = {"name": SAVE, "arguments": canonical_json({"workflow_python": WISHES[2]})}
        call: Any = {"id": "1", "type": "function", "function": function}
        return Completion({"role": "assistant", "content": None, "tool_calls": [call]})

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        raise NotImplementedError


def run(
    folder: Path, *, week: Week = WEEK, load: Callable[[], Any] = Stubborn, **plan: Any
) -> dict[str, int]:
    asked = Plan(**{"num": 30, "trained_share": 0.4, **plan})
    return simulate(WISHES, Stubborn.name, load, folder / str(week), week, asked)


def events_in(folder: Path) -> list[Event]:
    lines = [line for path in folder.rglob("events-*.jsonl") for line in path.read_bytes().splitlines()]
    return sorted(map(read_event, lines), key=lambda event: event.time)


def by_conversation(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.conversation_id, []).append(event)
    return found


def bytes_in(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    folder = tmp_path_factory.mktemp("week")
    return folder, run(folder, num=60, num_damaged=7)


# -- one merchant ---------------------------------------------------------------------------------------


def test_they_ask_in_other_words_than_training_heard() -> None:
    merchants = merchants_of(WISHES, Plan(num=300), WEEK)
    said = [turn.request for merchant in merchants for turn in merchant.turns[:1] if turn.wanted]
    wished = [from_python(python) for python in WISHES]
    trained = tuple(create_request(each, wording) for each in wished for wording in range(FIRST_WORDING))
    ours = {
        create_request(each, wording): 0 for each in wished for wording in range(FIRST_WORDING, NUM_WORDINGS)
    }
    assert not [request for request in said if request.startswith(trained)]
    for request in said:
        ours[max(words for words in ours if request.startswith(words))] += 1
    assert min(ours.values()) > 0


def test_what_they_say_is_of_the_kind_that_they_want() -> None:
    merchants = merchants_of(WISHES, Plan(num=300), WEEK)
    kinds = Counter(
        (request_kind_of(turn.request, follows_workflow=number > 0), turn.wanted is None, number)
        for merchant in merchants
        for number, turn in enumerate(merchant.turns)
    )
    assert kinds.keys() == {("create", False, 0), ("edit", False, 1), ("question", True, 0)}
    assert min(kinds.values()) > 20


def test_some_add_who_they_are() -> None:
    requests = [merchant.turns[0].request for merchant in merchants_of(WISHES, Plan(num=300), WEEK)]
    for planted in ("@example.com", "+1 415 555 01", ".myshopify.com"):
        assert 10 < sum(planted in request for request in requests) < 100


def test_a_merchant_depends_on_week_and_seed_and_the_arm_on_the_shop_alone() -> None:
    plan, later = Plan(num=100), Week.parse("2026-W48")
    merchants = merchants_of(WISHES, plan, WEEK)
    assert merchants == merchants_of(WISHES, plan, WEEK)
    assert merchants != merchants_of(WISHES, replace(plan, seed=1), WEEK)
    assert merchants != merchants_of(WISHES, plan, later)
    shops = [merchant.shop_id for merchant in merchants]
    assert shops == [merchant.shop_id for merchant in merchants_of(WISHES, plan, later)]
    assert len(set(shops)) == 100
    trials = {share: {shop for shop in shops if in_trial(shop, share)} for share in (0.0, 0.33, 0.66, 1.0)}
    assert [len(trial) for trial in trials.values()] == [0, 42, 69, 100]  # a hash, not a quota
    assert trials[0.33] < trials[0.66]  # whoever was in stays in where the share grows


def merchant(**falls: float) -> Merchant:
    decisions = dict.fromkeys(("activates", "rates", "approves", "edits", "regrets"), 0.99) | falls
    turns = (Turn("Tag", WANTED),)
    return Merchant(shop_id="s", turns=turns, own_change=CHANGED, pause=7, **decisions)


RIGHT, WRONG = Saved("w", 2, WISHES[0]), Saved("w", 2, WISHES[1])
ON: dict[str, Any] = {"workflow_id": "w", "workflow_version": 2}
UP = {"rating": "up", "text": "Just what I needed."}
DOWN = {"rating": "down", "text": "That is not what I asked for."}


@pytest.mark.parametrize(
    ("falls", "proposed", "acts"),
    [
        ({}, RIGHT, []),
        ({"activates": 0.5}, RIGHT, [Act(7, "activated", ON)]),
        ({"activates": 0.5}, WRONG, []),
        ({"activates": 0.05}, WRONG, [Act(7, "activated", ON)]),
        ({"activates": 0.0, "regrets": 0.0, "rates": 0.0}, None, [Act(7, "feedback", DOWN)]),
        ({"activates": 0.5, "regrets": 0.0}, RIGHT, [Act(7, "activated", ON), Act(42, "deactivated", ON)]),
        ({"rates": 0.1, "approves": 0.5}, RIGHT, [Act(7, "feedback", UP)]),
        ({"rates": 0.1, "approves": 0.5}, WRONG, [Act(7, "feedback", DOWN)]),
        ({"rates": 0.1, "approves": 0.95}, RIGHT, [Act(7, "feedback", DOWN)]),
        ({"edits": 0.0}, RIGHT, [Act(7, "edited", {**ON, "python": WISHES[2]})]),
        ({"edits": 0.0}, WRONG, [Act(7, "edited", {**ON, "python": WISHES[0]})]),
    ],
)
def test_what_a_merchant_does(falls: dict[str, float], proposed: Saved | None, acts: list[Act]) -> None:
    them = merchant(**falls)
    assert list(them.acts(them.turns[0], Got("", proposed))) == acts


def test_a_workflow_that_flow_objects_to_is_not_turned_on() -> None:
    foreign = '@order_created\ndef x(order):\n    task("no-such-app", "1.0", order_id=order.id)\n'
    python = to_python(from_python(foreign))
    assert (can_be_on(WISHES[0]), can_be_on(python)) == (True, False)
    them = merchant(activates=0.0)
    assert list(them.acts(Turn("x", from_python(python)), Got("", Saved("w", 1, python)))) == []


def test_a_question_is_answered_by_an_answer() -> None:
    turn = Turn("What does it do?", None, "It tags an order.")
    assert is_right(turn, Got("Oh, it tags the order for you."))
    assert not is_right(turn, Got("_or_or_or"))
    assert not is_right(turn, Got(turn.answer, RIGHT))


# -- a week of them -------------------------------------------------------------------------------------


def test_events_are_whole_labelled_and_of_the_week(week: tuple[Path, dict[str, int]]) -> None:
    folder, counts = week
    events = events_in(folder)
    assert len(events) == counts["events"]
    assert len({event.time for event in events}) == len(events)
    assert {Week.of(event.time) for event in events} == {WEEK}
    assert events[-1].time - events[0].time > timedelta(days=4)
    conversations = by_conversation(events)
    assert len(conversations) == counts["merchants"] == 60
    for conversation_id, told in conversations.items():
        assert conversation_id.startswith("simulated-")
        assert [event.sequence for event in told] == list(range(len(told)))
        (shop_id,) = {event.shop_id for event in told}
        assert shop_id.startswith("simulated-shop-")
        expected = (
            ("challenger", Stubborn.name) if in_trial(shop_id, 0.4) else ("champion", "scripted-oracle")
        )
        assert {(event.arm, event.model) for event in told} == {expected}
        assert messages_of(told)[-1]["role"] == "assistant"
        acts = [event for event in told if event.kind in ("activated", "edited", "feedback")]
        asked = max(event.time for event in told if event not in acts and event.kind != "deactivated")
        assert all(event.time - asked > timedelta(minutes=1) for event in acts)


def test_what_is_counted_is_in_the_files(week: tuple[Path, dict[str, int]]) -> None:
    folder, counts = week
    conversations = by_conversation(events_in(folder))
    arms = Counter(told[0].arm for told in conversations.values())
    kinds = [Counter(event.kind for event in told) for told in conversations.values()]
    assert counts == {
        **{"merchants": 60, "events": sum(map(len, conversations.values())), "damaged": 7},
        **{"champion": arms["champion"], "challenger": arms["challenger"]},
        "proposed": sum("workflow_proposed" in found for found in kinds),
        "as_wanted": counts["as_wanted"],
        "activated": sum(found["activated"] for found in kinds),
        "deactivated": sum(found["deactivated"] for found in kinds),
        "edited": sum(found["edited"] for found in kinds),
        "rated": sum(found["feedback"] for found in kinds),
    }
    assert 0 < counts["deactivated"] < counts["activated"] < counts["proposed"]
    assert min(counts.values()) > 0


def test_the_script_gives_what_is_wanted_and_the_stubborn_one_mostly_not(
    week: tuple[Path, dict[str, int]],
) -> None:
    folder, counts = week
    wants = {merchant.shop_id: merchant.turns for merchant in merchants_of(WISHES, Plan(num=60), WEEK)}
    right: Counter[tuple[str, bool]] = Counter()
    activated: Counter[tuple[str, bool]] = Counter()
    for told in by_conversation(events_in(folder)).values():
        proposals = [event.value["python"] for event in told if event.kind == "workflow_proposed"]
        wanted = wants[told[0].shop_id][-1].wanted
        if proposals:
            is_it = wanted is not None and canonical(from_python(proposals[-1])) == canonical(wanted)
            right[told[0].arm, is_it] += 1
            activated[told[0].arm, is_it] += "activated" in {event.kind for event in told}
    assert right["champion", False] == 0
    assert right["champion", True] + right["challenger", True] == counts["as_wanted"]
    assert right["challenger", False] > right["challenger", True]
    assert activated["champion", True] > 0.6 * right["champion", True]
    assert activated["challenger", False] < 0.4 * right["challenger", False]


def test_conversations_go_on_in_the_same_shop(week: tuple[Path, dict[str, int]]) -> None:
    told = by_conversation(events_in(week[0])).values()
    edits = [
        events
        for events in told
        if events[0].arm == "champion"
        and sum(message["role"] == "user" for message in messages_of(events)) == 2
    ]
    versions = [
        [event.value["workflow_version"] for event in events if event.kind == "workflow_proposed"]
        for events in edits
    ]
    assert len(edits) > 3
    assert versions == [[1, 2]] * len(edits)


def test_damaged_lines_lie_in_a_file_of_their_own(week: tuple[Path, dict[str, int]]) -> None:
    (path,) = week[0].rglob("damaged.jsonl")
    whole = {line for file in week[0].rglob("events-*.jsonl") for line in file.read_bytes().splitlines()}
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(read_event(line) is not None and line in whole)
        except BadRecord as refused:
            found.append(refused.code)
    assert found == [CUT, True, KIND, CUT, True, KIND, CUT]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    told = [run(tmp_path / name, num_damaged=3) for name in ("one", "other")]
    assert told[0] == told[1]
    assert bytes_in(tmp_path / "one") == bytes_in(tmp_path / "other")
    run(tmp_path / "third", num_damaged=3, seed=1)
    assert bytes_in(tmp_path / "third") != bytes_in(tmp_path / "one")


def test_what_is_finished_is_left_alone_and_what_differs_is_named(tmp_path: Path) -> None:
    counts = run(tmp_path, num=6)
    before = bytes_in(tmp_path)

    def load() -> Any:
        raise AssertionError("no model is needed")

    assert run(tmp_path, num=6, load=load) == counts
    for key, value in (("num", 7), ("seed", 1), ("tokens", 9), ("trained_share", 0.5), ("num_damaged", 1)):
        with pytest.raises(UsageError, match=f"another {key}"):
            run(tmp_path, load=load, **{"num": 6, key: value})
    with pytest.raises(UsageError, match="another wishes"):
        simulate([TAG], Stubborn.name, load, tmp_path / str(WEEK), WEEK, Plan(num=6, trained_share=0.4))
    with pytest.raises(UsageError, match="another challenger"):
        simulate(WISHES, "other", load, tmp_path / str(WEEK), WEEK, Plan(num=6, trained_share=0.4))
    assert bytes_in(tmp_path) == before
    (tmp_path / str(WEEK) / "_simulation.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="no finished simulation"):
        run(tmp_path, num=6, load=load)


def test_a_killed_week_is_done_again(tmp_path: Path) -> None:
    broken = Stubborn()
    broken.failures = 1
    with pytest.raises(RuntimeError, match="answered 500"):
        run(tmp_path / "killed", load=lambda: broken)
    assert not (tmp_path / "killed" / str(WEEK)).exists()
    run(tmp_path / "killed", load=lambda: broken)
    run(tmp_path / "whole")
    assert bytes_in(tmp_path / "killed") == bytes_in(tmp_path / "whole")


def test_a_full_disk_is_worth_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.recorder import Recorder

    def full(*args: Any) -> Event:
        raise Transient("Cannot record: no space left on device.")

    monkeypatch.setattr(Recorder, "_write", full)
    with pytest.raises(Transient, match="no space left"):
        run(tmp_path)
    assert not (tmp_path / str(WEEK)).exists()


@pytest.mark.parametrize(
    ("wrong", "flag"),
    [
        ({"num": 0}, "--num "),
        ({"num": 10_001}, "--num "),
        ({"trained_share": 1.1}, "--trained-share"),
        ({"num_damaged": -1}, "--num-damaged"),
        ({"tokens": 0}, "--tokens"),
    ],
)
def test_a_plan_that_cannot_be(wrong: dict[str, Any], flag: str) -> None:
    with pytest.raises(ValueError, match=flag):
        Plan(**wrong)
