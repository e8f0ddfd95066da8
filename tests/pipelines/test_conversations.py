"""Events to one row, whatever order, copies and contradictions they come with."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.conversations import ConversationPolicy, Unread, conversation_row
from schemas.conversation import Event, conversation_record_id
from schemas.tables import SILVER_CONVERSATIONS
from schemas.tools import canonical_json
from schemas.workflow import from_python, to_python
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from tests.pipelines.recordings import PYTHON, START, Recorded, canonical, events_of

ONLY_TIME_TELLS = {"activated", "closed"}
MIGRATION = {"recorded_contract", "recorded_sha256", "migration_problem"}
PROBLEMS = {"problem_code", "problem"}
REQUEST = "Tag big orders as vip"
POLICY = ConversationPolicy()
LATER = START + timedelta(days=30)


def row(events: list[Event], *, policy: ConversationPolicy = POLICY) -> dict[str, Any]:
    return conversation_row(events, policy)


def problem(events: list[Event]) -> str:
    made = row(events)
    assert (made["messages"], made["request"], made["python"], made["trigger"]) == ("", "", "", "")
    assert "proposed_at" not in made
    return str(made["problem_code"])


def act(events: list[Event], kind: str, *, days: float = 1, version: int = 1, **payload: Any) -> list[Event]:
    """The events and one more by the merchant, so many days after the first."""
    about = {} if kind == "feedback" else {"workflow_id": "workflow-1", "workflow_version": version}
    last = events[-1]
    number = last.sequence + 1
    more = replace(
        last,
        event_id=f"c1-{number}",
        sequence=number,
        time=START + timedelta(days=days),
        kind=kind,  # type: ignore[arg-type]
        payload=canonical_json({**about, **payload}),
    )
    return [*events, more]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return events_of(REQUEST)


def test_the_row_of_a_conversation(events: list[Event]) -> None:
    made = row(events)
    assert made["record_id"] == conversation_record_id("c1")
    assert (made["conversation_id"], made["shop_id"], made["arm"]) == ("c1", "shop-1", "champion")
    assert (made["week"], made["model"]) == ("2026-W47", "scripted-oracle")
    assert (made["started_at"], made["ended_at"]) == (events[0].time, events[-1].time)
    assert (made["num_events"], made["num_repeated"], made["num_redacted"]) == (len(events), 0, 0)
    assert (made["request"], made["request_kind"]) == (REQUEST, "create")
    assert (made["python"], made["workflow_id"]) == (PYTHON, "workflow-1")
    assert made["proposed_at"] == next(event.time for event in events if event.kind == "workflow_proposed")
    assert (made["trigger"], made["actions"], made["operators"]) == (
        "order_created",
        ["add_order_tags"],
        [">"],
    )
    assert [message["role"] for message in json.loads(made["messages"])][::7] == ["user", "assistant"]
    assert made["messages"] == canonical_json(json.loads(made["messages"]))
    assert (made["activated_at"], made["deactivated_at"], made["edited"], made["rating"]) == (
        None,
        None,
        False,
        None,
    )
    assert (made["end_reason"], made["spoken_at"]) == ("answered", events[-1].time)
    assert set(SILVER_CONVERSATIONS.schema.names) - made.keys() == ONLY_TIME_TELLS | MIGRATION | PROBLEMS
    assert made.keys() <= set(SILVER_CONVERSATIONS.schema.names)


@pytest.mark.parametrize("seed", range(5))
def test_neither_order_nor_copies_change_it(events: list[Event], seed: int) -> None:
    chance = random.Random(seed)
    copies = chance.choices(events, k=4)
    shuffled = [*events, *copies]
    chance.shuffle(shuffled)
    assert row(shuffled) == row(events) | {"num_repeated": 4}


DAMAGES: dict[str, tuple[str, Callable[[list[Event]], list[Event]]]] = {
    "a missing beginning": ("GAP", lambda e: e[1:]),
    "a missing event": ("GAP", lambda e: e[:3] + e[4:]),
    "one id, two contents": ("CONTRADICTION", lambda e: [*e, replace(e[2], time=LATER)]),
    "one place, two events": ("CONTRADICTION", lambda e: [*e, replace(e[2], event_id="other")]),
    "one id, two places": ("CONTRADICTION", lambda e: [*e, replace(e[2], sequence=len(e))]),
    "another shop": ("MIXED_CONVERSATION", lambda e: [*e[:-1], replace(e[-1], shop_id="shop-2")]),
    "another shop's merchant": (
        "MIXED_CONVERSATION",
        lambda e: [*e, replace(act(e, "activated")[-1], shop_id="shop-2")],
    ),
    "another model": ("MIXED_CONVERSATION", lambda e: [*e[:-1], replace(e[-1], model="other")]),
    "another contract": ("MIXED_CONVERSATION", lambda e: [*e[:-1], replace(e[-1], contract="0" * 64)]),
    "no answer": ("UNFINISHED", lambda e: e[:-2]),
    "an end without an answer": ("UNFINISHED", lambda e: numbered([*e[:-2], e[-1]])),
    "a call without its result": ("UNFINISHED", lambda e: e[:2]),
    "only a request": ("UNFINISHED", lambda e: e[:1]),
    "nobody asked": ("NO_REQUEST", lambda e: [replace(e[-1], sequence=0, event_id="c1-0")]),
    "answers out of turn": ("TOOL_CALL", lambda e: numbered([e[0], *e[2:]])),
    "a workflow that is none": ("PYTHON_SYNTAX", lambda e: proposing(e, "def (")),
}


END = {"end_reason", "ended_at", "spoken_at", "num_events"}


def test_how_it_ended_is_said_and_may_be_missing(events: list[Event]) -> None:
    """Logs from before `ended` have none; the silver row says the same."""
    told = {name: row(events)[name] for name in row(events) if name not in END}
    assert events[-1].kind == "ended"
    assert told.items() <= row(events[:-1]).items()
    cut = ending(events[-1], "turn_budget")
    assert row(numbered([*events[:-2], cut]))["problem"].endswith("ends without an answer: turn_budget")
    assert row(numbered([*events[:-2], cut]))["end_reason"] == "turn_budget"
    assert row([*events[:-1], ending(events[-1], "ann@corp.com")])["end_reason"] == "other"
    asked = replace(events[0], sequence=len(events), event_id="c1-next")
    assert row([*events, asked])["end_reason"] is None
    assert row(events[:3] + events[4:])["end_reason"] is None  # what is missing may still come


def ending(event: Event, reason: str) -> Event:
    return replace(event, payload=canonical_json(event.value | {"reason": reason}))


def numbered(events: list[Event]) -> list[Event]:
    return [replace(event, sequence=n, event_id=f"c1-{n}") for n, event in enumerate(events)]


def proposing(events: list[Event], python: str) -> list[Event]:
    return [
        replace(event, payload=canonical_json(event.value | {"python": python}))
        if event.kind == "workflow_proposed"
        else event
        for event in events
    ]


@pytest.mark.parametrize("name", DAMAGES)
def test_a_conversation_that_breaks_a_rule_keeps_its_row(events: list[Event], name: str) -> None:
    code, damage = DAMAGES[name]
    damaged = damage(events)
    assert problem(damaged) == code
    assert problem(damaged[::-1]) == code
    made = row(damaged)
    assert made["num_events"] + made["num_repeated"] == len(damaged)
    assert str(made["problem"]).startswith("conversation c1")


def test_the_event_is_named(events: list[Event]) -> None:
    assert row(events[:3] + events[4:])["problem"] == "conversation c1 at event 4: event 3 is missing"


def test_merchants_may_act_through_another_model_s_recorder(events: list[Event]) -> None:
    acted = act(events, "activated")
    assert row([*events, replace(acted[-1], model="newer", arm="challenger")])["activated_at"]


@pytest.mark.parametrize(
    ("acts", "on", "off"),
    [
        ([], None, None),
        ([("activated", 1)], 1, None),
        ([("activated", 6.9)], 6.9, None),
        ([("activated", 7.1)], None, None),
        ([("activated", 1), ("deactivated", 2)], 1, 2),
        ([("activated", 1), ("deactivated", 8)], 1, None),
        ([("activated", 1), ("deactivated", 2), ("activated", 3), ("deactivated", 4)], 1, 2),
        ([("deactivated", 1)], None, 1),
    ],
)
def test_what_the_merchant_does_counts_within_the_window(
    events: list[Event], acts: list[tuple[str, float]], on: float | None, off: float | None
) -> None:
    acted = events
    for kind, days in acts:
        acted = act(acted, kind, days=days)
    made = row(acted)
    assert (made["activated_at"], made["deactivated_at"]) == tuple(
        None if days is None else START + timedelta(days=days) for days in (on, off)
    )
    assert made["num_events"] == len(acted)
    assert (made["spoken_at"], made["ended_at"]) == (events[-1].time, acted[-1].time)
    assert made["end_reason"] == "answered"  # what a merchant does afterwards begins nothing anew


def test_the_window_is_a_choice(events: list[Event]) -> None:
    acted = act(events, "activated", days=3)
    assert row(acted, policy=ConversationPolicy(window_days=2))["activated_at"] is None
    for wrong in ({"window_days": 0}, {"window_days": 4000}, {"inactivity_minutes": 0}, {"max_bytes": 0}):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} must be"):
            ConversationPolicy(**wrong)


def test_only_what_was_proposed_last_counts(events: list[Event]) -> None:
    other = act(events, "activated", workflow_id="workflow-9")
    assert row(other)["activated_at"] is None
    assert row(act(events, "edited", python=PYTHON, version=2))["edited"] is True
    rated = act(act(events, "feedback", rating="up", text=""), "feedback", rating="down", text="no")
    assert row(rated)["rating"] == "down"
    assert row(act(events, "feedback", days=9, rating="down", text=""))["rating"] is None


def test_an_edit_after_a_first_proposal(tmp_path: Path) -> None:
    recorded, shop = Recorded(tmp_path), InMemoryShop()
    recording, outcome = recorded.ask(REQUEST, shop=shop)
    recording.append("activated", {"workflow_id": "workflow-1", "workflow_version": 1})
    gold = PYTHON.replace("vip", "gold")
    recorded.ask(
        'Change the tag "vip" to "gold"',
        oracle=ScriptedOracle(gold, workflow_id="workflow-1", workflow_version=1),
        recording=recording,
        shop=shop,
        history=outcome,
    )
    made = row(recorded.events())
    assert (made.get("problem"), made["request_kind"]) == (None, "edit")
    assert (made["request"], made["python"]) == ('Change the tag "vip" to "gold"', gold)
    assert made["activated_at"] is None  # it was the first version that was turned on
    assert json.loads(made["messages"])[0] == {"role": "user", "content": REQUEST}
    recording.append("activated", {"workflow_id": "workflow-1", "workflow_version": 1})
    assert row(recorded.events())["activated_at"] is None
    recording.append("activated", {"workflow_id": "workflow-1", "workflow_version": 2})
    assert row(recorded.events())["activated_at"] is not None


def test_a_question_needs_no_workflow() -> None:
    made = row(
        act(events_of("What does Flow do?", None, "It runs workflows."), "feedback", rating="up", text="")
    )
    assert (made["request_kind"], made["python"], made["trigger"], made["rating"]) == (
        "question",
        "",
        "",
        "up",
    )
    assert "problem" not in made
    assert made.get("activated_at") is None


PERSONAL = canonical(
    """@order_created
def tell_ann(order):
    if order.email == "ann@corp.com":
        send_email(address="ann@corp.com", subject="{{ order.name }}", message="+1 415 555 0100 or https://x-1.myshopify.com")
"""
)
SECRETS = ("ann@corp.com", "415", "x-1.myshopify", "Bearer abcdef", "4111")


def test_no_identifier_is_in_the_row() -> None:
    events = events_of(
        "Mail Ann@corp.com, card 4111 1111 1111 1111, Bearer abcdef1234567890 when ann@corp.com buys",
        PERSONAL,
    )
    events = act(events, "edited", version=2, python=PERSONAL)
    events = act(events, "feedback", rating="down", text="I am ann@corp.com")
    made = row(events)
    assert "problem" not in made
    whole = repr(made).casefold()
    assert [secret for secret in SECRETS if secret.casefold() in whole] == []
    assert made["request"] == (
        "Mail email_1@redacted.invalid, card 0000-0000-0000-0001, Bearer redacted_1 "
        "when email_1@redacted.invalid buys"
    )
    assert made["python"].count("email_1@redacted.invalid") == 2
    assert to_python(from_python(made["python"])) == made["python"]
    assert (
        canonical_json(made["python"])[1:-1]
        in json.loads(made["messages"])[5]["tool_calls"][0]["function"]["arguments"]
    )
    assert made["num_redacted"] == 8
    assert made["redactor_version"] == "redactor_v2"


def test_a_refusal_does_not_quote_an_identifier(events: list[Event]) -> None:
    call = replace(events[1], payload=canonical_json(events[1].value | {"id": "ann@corp.com"}))
    made = row([events[0], call, *events[2:]])
    assert made["problem_code"] == "TOOL_CALL"
    assert made["problem"].endswith("the next answer must be to 'email_1@redacted.invalid'")


@pytest.mark.parametrize(
    ("python", "answer"),
    [(PYTHON.replace("vip", "x5551234567"), None), (None, "I wrote down x5551234567.")],
)
def test_an_identifier_that_is_left_refuses_the_row(python: str | None, answer: str | None) -> None:
    made = row(events_of("My phone: 5551234567", python, answer))
    assert (made["problem_code"], made["messages"], made["python"]) == ("REDACTION", "", "")
    assert "5551234567" not in repr(made)


def test_what_is_too_large_stands_as_its_first_event(events: list[Event]) -> None:
    first = replace(events[0], payload=None)  # type: ignore[arg-type]
    times = {"started_at": START, "spoken_at": START + timedelta(days=1), "ended_at": LATER}
    made = conversation_row([first], POLICY, unread=Unread(num_events=1000, **times))
    assert (made["problem_code"], made["num_events"], made["num_repeated"]) == (
        "CONVERSATION_TOO_LARGE",
        1000,
        0,
    )
    assert times.items() <= made.items()
    assert made["end_reason"] is None


def test_a_bug_holds_up_nobody(events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.conversations.rows.messages_of", lambda events: 1 / 0)
    assert problem(events) == "BUILD_FAILED"


def test_the_week_is_that_of_the_first_event(events: list[Event]) -> None:
    sunday = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    late = [replace(event, time=sunday + timedelta(seconds=n)) for n, event in enumerate(events)]
    assert row(late)["week"] == "2026-W47"
