"""The difference of two workflows: what a person did, and nothing that means nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from schemas.workflow import from_python, read, to_python, write
from schemas.workflow.difference import Change, FieldChange, difference
from tests.schemas.workflow.small import compact, in_function
from tests.schemas.workflow.strategies import documents

BEFORE = """\
if order.note == "x" and order.total_price > 100:
    add_order_tags(order_id=order.id, tags=["a"])
    send_email(address="a@b.c", subject="Hi", message="one")
else:
    capture_payment(order_id=order.id)
"""


def changes(*edits: tuple[str, str]) -> tuple[Change, ...]:
    after = BEFORE
    for old, new in edits:
        assert after.count(old) == 1, old
        after = after.replace(old, new)
    return difference(from_python(in_function(BEFORE)), from_python(in_function(after)))


def changed(field: str, before: str | None, after: str | None) -> tuple[FieldChange, ...]:
    return (FieldChange(field, before, after),)


def test_a_changed_value_is_told_as_python_with_its_field() -> None:
    (change,) = changes(('tags=["a"]', 'tags=["b", "c"]'))
    assert (change.kind, change.what) == ("changed", "add_order_tags")
    assert change.place == 'under if order.note == "x" and order.total_price > 100'
    assert change.fields == changed("tags", '["a"]', '["b", "c"]')


def test_a_value_more_or_less_is_none_on_the_other_side() -> None:
    (change,) = changes((', message="one"', ""))
    assert change.fields == changed("message", '"one"', None)
    (change,) = changes(('message="one"', 'message="one", reply_to="x"'))
    assert change.fields == changed("reply_to", None, '"x"')


def test_of_a_condition_the_terms_that_differ_are_told() -> None:
    (change,) = changes(("> 100", ">= 200"))
    assert change.what == 'if order.note == "x" and order.total_price >= 200'
    assert change.fields == changed("condition", "order.total_price > 100", "order.total_price >= 200")
    (change,) = changes((" and order.total_price > 100", ""))
    assert change.fields == changed(
        "condition", 'order.note == "x" and order.total_price > 100', 'order.note == "x"'
    )
    (change,) = changes(("> 100", "> 100 and order.name is None"))
    assert change.fields == changed("condition", None, "order.name is None")


def test_an_added_step_says_where_it_stands_and_moves_nobody() -> None:
    (change,) = changes(("    send_email", '    log_output(output="o")\n    send_email'))
    assert change == Change("added", 'log_output(output="o")', "after add_order_tags")
    (change,) = changes(("else:\n", "    cancel_order(order_id=order.id)\nelse:\n"))
    assert change == Change("added", "cancel_order(order_id=order.id)", "after send_email")


def test_a_removed_step_says_where_it_stood() -> None:
    (change,) = changes(('    add_order_tags(order_id=order.id, tags=["a"])\n', ""))
    assert (change.kind, change.what) == ("removed", 'add_order_tags(order_id=order.id, tags=["a"])')
    assert change.place == 'under if order.note == "x" and order.total_price > 100'


def test_a_moved_step_says_from_where_to_where() -> None:
    tag = '    add_order_tags(order_id=order.id, tags=["a"])\n'
    found = changes((tag, ""), ("else:\n", f"else:\n{tag}"))
    assert [(change.kind, change.what) for change in found] == [
        ("moved", "send_email"),
        ("moved", "add_order_tags"),
        ("moved", "capture_payment"),
    ]
    moved = next(change for change in found if change.what == "add_order_tags")
    assert moved.was == 'under if order.note == "x" and order.total_price > 100'
    assert moved.place == 'under the else of if order.note == "x" and order.total_price > 100'


def test_a_step_that_came_under_a_condition_moved() -> None:
    found = changes(
        (
            "    capture_payment(order_id=order.id)",
            "    if order.name is None:\n        capture_payment(order_id=order.id)",
        )
    )
    assert [(change.kind, change.what) for change in found] == [
        ("added", "if order.name is None"),
        ("moved", "capture_payment"),
    ]


def test_another_trigger_and_another_title_are_told() -> None:
    source = in_function(BEFORE)
    after = source.replace("@order_created", "@order_paid").replace("def tag_orders", "def tag_all")
    title, trigger = difference(from_python(source), from_python(after))
    assert title == Change("changed", "the workflow", fields=changed("title", '"Tag orders"', '"Tag all"'))
    assert trigger == Change(
        "changed", "@order_paid", fields=changed("task", '"order_created"', '"order_paid"')
    )


def test_a_timetable_is_told_word_by_word() -> None:
    source = (
        '@scheduled(every="day", at="17:00", timezone="UTC", starting="2026-01-01")\ndef f():\n    pass\n'
    )
    (change,) = difference(from_python(source), from_python(source.replace("17:00", "18:30")))
    assert change.fields == changed("at", '"17:00"', '"18:30"')


def test_a_patched_field_is_told_by_owner_and_handle() -> None:
    line = '@patched_field("Order", "gift", metafield(key="gift", namespace="custom"))\n'
    source = in_function(BEFORE)
    after = source.replace("def ", f"{line}def ", 1)
    (change,) = difference(from_python(source), from_python(after))
    assert (change.kind, change.what) == ("added", "patched field Order.gift")
    (change,) = difference(from_python(after), from_python(after.replace('key="gift"', 'key="g"')))
    assert (change.kind, change.what) == ("changed", "patched field Order.gift")


def test_a_difference_is_plain_json() -> None:
    (change,) = changes(("> 100", "> 200"))
    told = json.loads(json.dumps(change.to_dict()))
    assert told["kind"] == "changed"
    assert told["fields"][0]["after"] == "order.total_price > 200"


def test_spelling_ids_places_order_and_names_are_no_difference(shared_data: Path) -> None:
    for path in sorted(shared_data.glob("flow_*/*.flow")):
        workflow = read(path.read_bytes().decode()).workflow
        for spelling in ("flow", "agent", "cli"):
            assert difference(workflow, read(write(workflow, None, spelling)).workflow) == ()


@pytest.mark.parametrize("name", ["line_item", "x"])
def test_the_name_of_a_variable_is_no_difference(name: str) -> None:
    loop = "for line_item in order.line_items:\n    add_order_tags(order_id=line_item.id)\n"
    after = loop.replace("line_item.", f"{name}.").replace("line_item in", f"{name} in")
    assert difference(from_python(in_function(loop)), from_python(in_function(after))) == ()


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=50)
@given(documents(), documents())
def test_any_two_workflows_have_a_difference_exactly_if_they_differ(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    before, after = read(compact(one)).workflow, read(compact(other)).workflow
    assert difference(before, from_python(to_python(before))) == ()
    if to_python(before) != to_python(after):
        assert difference(before, after)
