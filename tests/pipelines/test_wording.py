"""Requests in words: one workflow one text, different workflows different texts, kinds that agree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings

from pipelines.generator import BLOCK_LINES, Plan, draw_block
from pipelines.wording import NUM_WORDINGS, asked_task, create_request, edit_request, question_request
from pipelines.wording.phrases import Phrases
from pipelines.wording.styles import STYLES
from pipelines.wording.tasks import when_words
from schemas.catalog.tasks import TASKS
from schemas.envelope import workflow_text
from schemas.errors import WorkflowRefused
from schemas.requests import request_kind_of
from schemas.weeks import Week
from schemas.workflow import Workflow, canonical, from_python, inspect, read, to_python
from schemas.workflow.model import Bare, ConditionValue, Step, Text
from tests.schemas.workflow.strategies import documents

WORDINGS = range(NUM_WORDINGS)
TAG = '@order_created\ndef tag_orders(order):\n    add_order_tags(order_id=order.id, tags=["vip"])\n'


@cache
def generated() -> tuple[Workflow, ...]:
    """A thousand workflows as merchants have them, the mess included; each one once."""
    plan = Plan(seed=11, week_end=int(Week.parse("2026-W47").end.timestamp()), bad_share=0.0, num=1000)
    lines = [line for block in range(-(-1000 // BLOCK_LINES)) for line in draw_block(plan, block).lines]
    found = {inspect(workflow_text(line)).python for line in lines}
    return tuple(from_python(python) for python in sorted(found) if python)


def said(python: str, wording: int = 0) -> str:
    return create_request(from_python(python), wording)


def variants(workflow: Workflow) -> Iterator[Workflow]:
    """The workflow with one thing changed: each step's version, kind of value, and every field of text."""
    yield replace(workflow, name=workflow.name + "!")
    for place, step in enumerate(workflow.steps):
        for changed in _changed(step):
            steps = list(workflow.steps)
            steps[place] = changed
            yield replace(workflow, steps=tuple(steps))
    if workflow.links:
        yield replace(workflow, links=workflow.links[:-1])


def _changed(step: Step) -> Iterator[Step]:
    yield replace(step, version=step.version + "1")
    yield replace(step, name="A name of its own")
    for number, (name, value) in enumerate(step.fields):
        if isinstance(value, ConditionValue):
            if value.condition is not None:
                yield replace(step, fields=(*step.fields[:number], (name, ConditionValue(None))))
            continue
        for other in (Text(None), Text(""), Text("another")):
            if other != value:
                yield replace(step, fields=(*step.fields[:number], (name, other), *step.fields[number + 1 :]))
        yield replace(step, fields=(*step.fields[:number], *step.fields[number + 1 :]))


# -- requests that create -------------------------------------------------------------------------------


def test_a_request_as_a_merchant_types_it_in_every_wording() -> None:
    asked = [said(TAG, wording) for wording in WORDINGS]
    assert asked == [
        'When an order is created, add the tag "vip" to the order. Call the workflow "Tag orders".',
        'Put the tag "vip" on the order whenever an order is created. The name should be "Tag orders".',
        'I want a workflow named "Tag orders". It starts when an order is created and it should label the '
        'order with the tag "vip".',
        '"Tag orders": order created -> add the tag "vip" to order.id',
        'Could you build "Tag orders" for me? As soon as an order is created, please give the order the tag '
        '"vip".',
        'Set up an automation titled "Tag orders" that runs each time an order is created. Have it mark the '
        'order with the tag "vip".',
    ]


def test_a_condition_with_two_sides_is_told_in_sentences() -> None:
    python = (
        "@order_created\ndef route(order):\n"
        "    if order.total_price > 100 and (order.test is False or any(t == 'a' for t in order.tags)):\n"
        '        capture_payment(order_id=order.id)\n        wait(duration="P3D")\n'
        "    else:\n        add_customer_tags(customer_id=order.customer.id, tags=['a', 'b'])\n"
    )
    assert said(python) == (
        "When an order is created, if the order's total price is more than 100 and (the order's test is "
        'false or (at least one of the order\'s tags is "a")), capture payment for the order and then wait 3 '
        'days. Otherwise, add the tags "a" and "b" to the order\'s customer. Call the workflow "Route".'
    )


def test_loops_and_nested_conditions_are_told_as_a_list() -> None:
    python = (
        '@scheduled(every="2 weeks", on=["MO", "FR"], at="09:00", timezone="UTC", starting="2026-01-02")\n'
        "def tidy(scheduled_at):\n"
        '    orders = get_orders(sort_by={"sortKey": "ID", "order": "ASCENDING"}, max_root_records=5,'
        ' query="q")\n'
        "    for order in orders:\n"
        "        if order.note is None:\n"
        "            capture_payment(order_id=order.id)\n"
        "        elif order.test is True:\n"
        '            send_email(address="a@b.c", subject="s", message="one\\ntwo")\n'
        "        else:\n            pass\n"
        "    num_orders = count(orders)\n"
    )
    assert said(python) == (
        "Every 2 weeks on Monday and Friday at 09:00 (time zone UTC, starting 2026-01-02), do this. "
        'Call the workflow "Tidy".\n'
        '- get at most 5 orders matching "q", sorted by ID ascending\n'
        "- for each of the fetched order data:\n"
        "  - if this fetched order's note is not set:\n"
        "    - capture payment for this fetched order\n"
        "    otherwise, if this fetched order's test is true:\n"
        '    - email "a@b.c" with the subject "s" and the message text 1\n'
        "- count the fetched order data\n"
        "\nText 1:\n```\none\ntwo\n```"
    )


def test_what_no_sentence_can_hold_stands_below_between_fences_it_does_not_hold() -> None:
    python = '@order_created\ndef tag_orders(order):\n    log_output(output="a\\n```\\n\'b\\"")\n'
    assert said(python).endswith("\n\nText 1:\n````\na\n```\n'b\"\n````")


@pytest.mark.parametrize("wording", WORDINGS)
def test_different_workflows_get_different_requests(wording: int) -> None:
    workflows = generated()
    assert len(workflows) > 700
    assert len({create_request(workflow, wording) for workflow in workflows}) == len(workflows)


@pytest.mark.parametrize("wording", WORDINGS)
def test_whatever_changes_in_a_workflow_changes_its_request(wording: int) -> None:
    num_variants = 0
    for workflow in generated()[::25]:
        asked = {create_request(workflow, wording): canonical(workflow)}
        for variant in variants(workflow):
            num_variants += 1
            known = asked.setdefault(create_request(variant, wording), canonical(variant))
            assert known == canonical(variant), create_request(variant, wording)
    assert num_variants > 500


@settings(max_examples=60, deadline=None)
@given(documents())
def test_no_construct_of_the_language_is_without_words(document: dict[str, Any]) -> None:
    try:
        workflow = from_python(to_python(read(json.dumps(document)).workflow))
    except WorkflowRefused:
        assume(False)
    for wording in WORDINGS:
        asked = create_request(workflow, wording)
        for variant in variants(workflow):
            assert (create_request(variant, wording) == asked) == (canonical(variant) == canonical(workflow))
        assert canonical(edit_request(workflow, wording)[1]) != canonical(workflow)
        assert question_request(workflow, wording)[0].endswith("?")


@pytest.mark.parametrize("wording", WORDINGS)
def test_every_trigger_of_the_catalogue_has_words_of_its_own(wording: int) -> None:
    triggers = [Step("TRIGGER", task.id, "0.1") for task in TASKS.values() if task.kind == "TRIGGER"]
    said = {when_words(trigger, Phrases(STYLES[wording])) for trigger in triggers}
    assert len(said) == len(triggers)
    assert sum("the trigger" in words for words in said) <= 2  # the timetable without one, and an app's


@pytest.mark.parametrize("wording", [-1, NUM_WORDINGS])
def test_there_are_no_other_wordings(wording: int) -> None:
    with pytest.raises(IndexError):
        said(TAG, wording)


# -- kinds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", WORDINGS)
def test_the_words_of_a_request_tell_its_kind(wording: int) -> None:
    for workflow in generated():
        assert request_kind_of(create_request(workflow, wording), follows_workflow=False) == "create"
    for workflow in generated()[wording::3]:
        assert request_kind_of(edit_request(workflow, wording)[0], follows_workflow=True) == "edit"
        for follows in (False, True):
            assert (
                request_kind_of(question_request(workflow, wording)[0], follows_workflow=follows)
                == "question"
            )


# -- edits ----------------------------------------------------------------------------------------------


def test_an_edit_names_what_changes_and_leads_to_it() -> None:
    asked, edited = edit_request(from_python(TAG))
    change = re.fullmatch(r'Change the tag "vip" to "(.+)"\.', asked)
    assert change
    assert to_python(edited) == TAG.replace("vip", change[1])


@pytest.mark.parametrize("wording", WORDINGS)
def test_an_edit_changes_one_line_and_the_old_value_stands_once(wording: int) -> None:
    renamed = 0
    for workflow in generated()[wording::3]:
        asked, edited = edit_request(workflow, wording)
        assert edit_request(workflow, wording) == (asked, edited)
        assert canonical(from_python(to_python(edited))) == canonical(edited) != canonical(workflow)
        before, after = to_python(workflow).splitlines(), to_python(edited).splitlines()
        renamed += edited.name != workflow.name
        if edited.name == workflow.name and len(before) == len(after):
            assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    assert renamed < len(generated()) / 3 / 5


def test_a_literal_that_stands_twice_is_not_the_one_that_changes() -> None:
    twice = TAG + '    add_customer_tags(customer_id=order.customer.id, tags=["vip"])\n'
    asked, edited = edit_request(from_python(twice))
    assert asked.startswith('Change the name of the workflow "Tag orders" to "Tag orders - ')
    assert edited.name != "Tag orders"


def test_an_edited_enumeration_stays_one() -> None:
    python = '@order_created\ndef a(order):\n    if order.display_financial_status == "PAID":\n        pass\n'
    _, edited = edit_request(from_python(python))
    assert inspect(to_python(edited)).problems == ()


# -- questions ------------------------------------------------------------------------------------------


def test_an_edited_number_stays_within_what_its_field_takes() -> None:
    limits = set()
    for most in range(60, 101):
        python = (
            '@scheduled(every="day", at="09:00", timezone="UTC", starting="2026-01-02")\n'
            "def tidy(scheduled_at):\n"
            '    orders = get_orders(sort_by={"sortKey": "ID", "order": "ASCENDING"}, '
            f"max_root_records={most})\n"
            "    num_orders = count(orders)\n"
        )
        asked, edited = edit_request(from_python(python))
        if "number of records" in asked:
            (new,) = (value.text for _, value in edited.steps[1].fields if isinstance(value, Bare))
            assert new in asked
            limits.add(int(new))
    assert len(limits) > 5
    assert max(limits) <= 100


def test_a_question_is_about_a_task_of_the_workflow_and_the_answer_is_the_catalogues() -> None:
    workflow = from_python(TAG.replace("@order_created", "@order_paid"))
    assert asked_task(workflow).id == "shopify::admin::add_order_tags"  # the trigger's id is a guess
    assert question_request(workflow) == (
        "What does Add order tags do?",
        '"Add order tags" is an action: a step that does something. It takes order_id and tags. '
        "Tell me what should happen in your shop, and I build the workflow.",
    )


def test_an_answer_says_where_the_catalogue_is_not_sure() -> None:
    _, answer = question_request(from_python("@order_paid\ndef f(order):\n    pass\n"))
    assert "It provides order." in answer
    assert "not confirmed" in answer


def test_fields_that_are_guessed_are_not_told_as_facts() -> None:
    guessed = from_python("@order_paid\ndef f(order):\n    archive_order(order_id=order.id)\n")
    answers = [question_request(guessed, wording)[1] for wording in WORDINGS]
    about = [answer for answer in answers if answer.startswith('"Archive order"')]
    assert about
    assert all("it should take order_id" in answer and "It takes" not in answer for answer in about)
