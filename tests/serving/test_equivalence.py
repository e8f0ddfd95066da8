"""Verdicts on pairs of workflows, and what a person reads of them."""

from __future__ import annotations

import pytest

from schemas.workflow import from_python
from serving.equivalence import Verdict, covered_by, equivalent

HEAD = "@order_created\ndef w(order):\n"


def verdict(a: str, b: str, **given: int) -> Verdict:
    texts = [HEAD + "".join(f"    {line}\n" for line in text.splitlines()) for text in (a, b)]
    return equivalent(from_python(texts[0]), from_python(texts[1]), **given)


TAG = 'add_order_tags(order_id=order.id, tags=["{}"])'
IF = "if {}:\n    " + TAG.format("A")
ANY = "any(l.sku == 'A' for l in order.line_items)"

DIFFERENT = {
    "bound": (IF.format("order.total_price > 500"), IF.format("order.total_price >= 500")),
    "cent": (IF.format("order.total_price > 500"), IF.format("order.total_price > 500.01")),
    "any and all": (IF.format(ANY), IF.format(ANY.replace("any", "all"))),
    "empty list": (IF.format("all(l.sku == 'A' for l in order.line_items)"), IF.format(
        f"all(l.sku == 'A' for l in order.line_items) and {ANY}"
    )),
    "one item, two terms": (
        IF.format("any(l.sku == 'A' and l.quantity > 3 for l in order.line_items)"),
        IF.format(f"{ANY} and any(l.quantity > 3 for l in order.line_items)"),
    ),
    "absent and empty": (IF.format("order.note == 'A'"), IF.format("order.note is not None")),
    "letter of a prefix": (IF.format("order.note.startswith('VIP')"), IF.format("'VIP' in order.note")),
    "field of a text": ("log_output(output='{{ order.name }}')", "log_output(output='{{ order.email }}')"),
    "order of steps": (TAG.format("A") + "\n" + TAG.format("B"), TAG.format("B") + "\n" + TAG.format("A")),
    "once and for each": (
        TAG.format("A"),
        "for l in order.line_items:\n    " + TAG.format("A"),
    ),
    "deep": (
        "if order.total_price > 500:\n    if order.note == 'gift':\n        "
        "if any(t == 'VIP' for t in order.tags):\n            " + TAG.format("A"),
        "if order.total_price > 500:\n    if order.note == 'gift':\n        "
        "if any(t == 'VIP' for t in order.tags):\n            " + TAG.format("B"),
    ),
    "count": (
        "n = count(order.line_items)\nif n > 3:\n    " + TAG.format("A"),
        "n = count(order.line_items)\nif n > 4:\n    " + TAG.format("A"),
    ),
    "sum": (
        "n = sum_of(l.quantity for l in order.line_items)\nif n > 30:\n    " + TAG.format("A"),
        "n = sum_of(l.quantity for l in order.line_items)\nif n >= 30:\n    " + TAG.format("A"),
    ),
}  # fmt: skip

SAME = {
    "decimal": (IF.format("order.total_price > 500"), IF.format("order.total_price > 500.0")),
    "case": (IF.format("order.note == 'vip'"), IF.format("order.note == 'VIP'")),
    "terms": (
        IF.format("order.note == 'vip' and order.total_price > 5"),
        IF.format("order.total_price > 5 and order.note == 'vip'"),
    ),
    "nested": (
        IF.format("order.note == 'vip' and order.total_price > 5"),
        "if order.total_price > 5:\n    if order.note == 'vip':\n        " + TAG.format("A"),
    ),
    "parallel": (
        "with branch():\n    " + TAG.format("A") + "\n" + TAG.format("B"),
        "with branch():\n    " + TAG.format("B") + "\n" + TAG.format("A"),
    ),
    "a read that nobody uses": (TAG.format("A"), "n = count(order.line_items)\n" + TAG.format("A")),
    "tags are a set": (
        TAG.format("A").replace('"A"', '"A", "B"'),
        TAG.format("A").replace('"A"', '"B", "A"'),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_workflows_are_told_apart(name: str) -> None:
    found = verdict(*DIFFERENT[name])
    assert not found.equal
    assert found.counterexample is not None
    assert len(str(found).splitlines()) <= 20


@pytest.mark.parametrize("name", SAME)
def test_the_same_meaning_is_no_difference(name: str) -> None:
    found = verdict(*SAME[name])
    assert found.equal, str(found)
    assert found.covered == found.num_branches
    assert found.num_events >= 100 or found.num_branches == 0


def test_a_counterexample_is_small_and_says_where_they_part() -> None:
    body = "if order.total_price > 500 and order.note == 'gift':\n    " + TAG.format("A")
    found = verdict(body, body.replace("500", "501"))
    assert found.counterexample is not None
    event = found.counterexample.event
    assert event is not None
    assert set(event.roots["order"]) == {"id", "note", "totalPrice"}
    assert str(found.counterexample).splitlines()[-1] == "Only the first leaves add_order_tags."


def test_another_trigger_is_a_difference_by_itself() -> None:
    text = HEAD + "    " + TAG.format("A") + "\n"
    found = equivalent(from_python(text), from_python(text.replace("order_created", "order_paid")))
    assert (found.equal, found.num_events) == (False, 0)
    assert "They do not start with the same event" in str(found)


def test_the_same_seed_gives_the_same_verdict() -> None:
    pair = DIFFERENT["deep"]
    assert verdict(*pair, seed=4) == verdict(*pair, seed=4)
    assert str(verdict(*pair, seed=4)) != str(verdict(*pair, seed=5))


def test_what_no_event_can_reach_is_said() -> None:
    impossible = IF.format("order.total_price > 500 and order.total_price < 400")
    found = verdict(impossible, impossible)
    assert found.equal
    assert (found.covered, found.num_branches) == (2, 4)
    assert found.uncovered == ("first, step 1: true", "second, step 1: true")


def test_nested_conditions_are_reached() -> None:
    lines, indent = [], ""
    for number in range(12):
        lines.append(f"{indent}if order.total_price > {number * 10} and order.note != '{number}':")
        indent += "    "
    lines.append(indent + TAG.format("A"))
    text = HEAD + "".join(f"    {line}\n" for line in lines)
    coverage = covered_by(from_python(text))
    assert coverage.covered == coverage.branches
    assert len(coverage.branches) == 24


def test_of_many_literals_the_one_that_only_one_side_names_is_tried() -> None:
    words = [f"word{number}" for number in range(100)]
    for gone in (50, 99):
        fewer = [word for number, word in enumerate(words) if number != gone]
        assert not verdict(IF.format(f"order.note in {words}"), IF.format(f"order.note in {fewer}")).equal


def test_waits_are_the_same_where_they_last_as_long() -> None:
    tag = "\n" + TAG.format("A")
    assert verdict("wait(duration='P1D')" + tag, "wait(duration='PT24H')" + tag).equal
    assert verdict("wait(duration='P7D')" + tag, "wait(duration='P1W')" + tag).equal
    assert not verdict("wait(duration='P1D')" + tag, "wait(duration='PT25H')" + tag).equal


def test_a_step_that_fails_in_both_is_no_silent_agreement() -> None:
    amount = "order.currentTotalPriceSet.shopMoney.amount"
    log = "log_output(output='{{% if " + amount + " > 100.0 %}}{}{{% endif %}}')"
    found = verdict(log.format("x"), log.format("y"))
    assert found.equal
    assert found.failed_in_both[0][1] >= 150
    assert "log_output failed in both on" in str(found)
    assert found.to_json()["failed_in_both"] == dict(found.failed_in_both)
