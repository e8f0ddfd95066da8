"""Sixty requests through the agent with the scripted model, judged by what their workflows do on events."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from schemas.workflow import Workflow, from_python
from schemas.workflow.model import SCHEDULE_TASK, Json, Step, Text
from serving.agent import Budget, Outcome, converse
from serving.equivalence import equivalent
from serving.scripted_model import ScriptedModel
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.serving.free_requests import SEEN, UNSEEN, Asked
from tests.serving.later_requests import LATER

MAIL = "shopify::flow::send_email"
BEYOND = {
    "tag orders over 100 as medium and orders over 500 as large",
    "High-risk orders should be cancelled automatically and the fraud team (fraud@shop.co) notified",
    "label wholesale customers' orders with b2b (they have the tag wholesale)",
    "orders with no shipping address must be tagged digital",
    "archive paid and fulfilled orders",
}
"""Requests that it does not do; it says so, and builds nothing."""
EVERY = (*SEEN, *UNSEEN, *LATER)


def answer(request: str) -> Outcome:
    shop = InMemoryShop()
    return converse(request, ScriptedModel(), Tools(shop), Budget(), clock=lambda: 0.0)


def loosened(workflow: Workflow, *, names_address: bool) -> Workflow:
    """The same text for what a request leaves open: a mail's words, an address, a timetable's zone, start."""
    return replace(workflow, steps=tuple(_loosened(step, names_address) for step in workflow.steps))


def _loosened(step: Step, names_address: bool) -> Step:
    if step.task_id == MAIL:
        words = {"subject", "message", *(() if names_address else ("address",))}
        fields = tuple((name, Text("open") if name in words else value) for name, value in step.fields)
        return replace(step, fields=fields)
    if step.task_id == SCHEDULE_TASK:
        fields = tuple(
            (name, Json(re.sub(r"DTSTART;TZID=[^:]*:\d{8}", "DTSTART", value.text)))
            if isinstance(value, Json)
            else (name, value)
            for name, value in step.fields
        )
        return replace(step, fields=fields)
    return step


def does_what_was_asked(asked: Asked) -> bool:
    outcome = answer(asked.request)
    assert outcome.reason == "answered"
    if outcome.python is None or not asked.wanted:
        return outcome.python is None and not asked.wanted
    made = loosened(from_python(outcome.python), names_address=asked.names_address)
    return any(
        equivalent(made, loosened(from_python(wanted), names_address=asked.names_address)).equal
        for wanted in asked.wanted
    )


@pytest.mark.parametrize("asked", EVERY, ids=lambda asked: asked.request)
def test_a_free_request_gets_what_it_asks_for(asked: Asked) -> None:
    assert does_what_was_asked(asked) == (asked.request not in BEYOND)


def test_the_sets_are_of_the_size_that_is_told() -> None:
    assert (len(SEEN), len(UNSEEN), len(LATER)) == (24, 16, 20)
    assert {asked.request for asked in EVERY} >= BEYOND


def test_what_it_cannot_do_it_says_and_leaves_undone() -> None:
    for request in BEYOND:
        outcome = answer(request)
        assert outcome.python is None
        assert "rules, no model" in (outcome.messages[-1]["content"] or "")
