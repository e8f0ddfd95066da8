"""Descriptors: the kind of a workflow in one line, blind to what one merchant chose."""

from __future__ import annotations

import pytest

from schemas.workflow import from_python, inspect
from schemas.workflow.descriptor import descriptor_of
from tests.schemas.workflow.small import in_function

TAGGED = 'if order.total_price > 100:\n    add_order_tags(order_id=order.id, tags=["VIP"])'


def descriptor(body: str) -> str:
    return descriptor_of(from_python(in_function(body)))


def test_a_descriptor_tells_trigger_conditions_and_tasks() -> None:
    assert descriptor(TAGGED) == "order_created: if (order.totalPrice >) { add_order_tags }"
    assert inspect(in_function(TAGGED)).descriptor == descriptor(TAGGED)


@pytest.mark.parametrize(
    ("old", "new"),
    [("100", "5"), ('"VIP"', '"gold", "silver"'), ("tag_orders", "my_own"), ("order_id=order.id, ", "")],
)
def test_what_one_merchant_chose_is_not_in_it(old: str, new: str) -> None:
    python = in_function(TAGGED)
    assert old in python
    assert descriptor_of(from_python(python.replace(old, new))) == descriptor(TAGGED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("order_created", "order_paid"),
        (">", ">="),
        ("total_price", "subtotal_price"),
        ("add_order_tags", "remove_order_tags"),
        (":\n        add", ":\n        pass\n    else:\n        add"),
        ("100", "order.subtotal_price"),
    ],
)
def test_what_makes_it_another_kind_is_in_it(old: str, new: str) -> None:
    python = in_function(TAGGED)
    assert old in python
    assert descriptor_of(from_python(python.replace(old, new))) != descriptor(TAGGED)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", ""),
        ("send_email()\nsend_email()", "send_email; send_email"),
        ("if ...:\n    pass", "if (...) {  }"),
        ("if order.note:\n    pass\nelse:\n    send_email()",
         "if (order.note not_empty_and_not_nil?) {  } else { send_email }"),
        ("for line_item in order.line_items:\n    send_email()\nsend_email()",
         "for order.lineItems { send_email }; send_email"),
        ("for item in ...:\n    pass", "for ... {  }"),
        ("with branch():\n    send_email()\nrun_code()", "branch { send_email }; run_code"),
        ("with unconnected():\n    send_email()", " unconnected { send_email }"),
        ("def join_1():\n    send_email()\n\nif order.note:\n    join_1()\nelse:\n    join_1()",
         "if (order.note not_empty_and_not_nil?) { join } else { join } join { send_email }"),
        ('if order.note == "x" and (order.a == "y" or order.b is None):\n    pass',
         "if ((order.note ==) and ((order.a ==) or (order.b nil?))) {  }"),
        ('if any(tag == "x" for tag in order.tags):\n    pass', "if (order.tags any (tags_item ==)) {  }"),
        ('task("b99ddae5-9dbe-4829-bbce-5d6200aa1216", "0.1")', "b99ddae5-9dbe-4829-bbce-5d6200aa1216"),
    ],
)  # fmt: skip
def test_every_shape_has_its_words(body: str, expected: str) -> None:
    assert descriptor(body) == f"order_created: {expected}"
