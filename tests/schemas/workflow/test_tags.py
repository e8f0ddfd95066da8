from __future__ import annotations

from dataclasses import replace

from schemas.workflow import from_python
from schemas.workflow.tags import NO_TAGS, tags_of

PYTHON = """@order_created
def vip(order):
    if (
        order.customer.number_of_orders >= 5
        and any(line_item.quantity > 1 for line_item in order.line_items)
    ):
        add_customer_tags(customer_id=order.customer.id, tags=["regular"])
        add_customer_tags(customer_id=order.customer.id, tags=["vip"])
    else:
        send_email(address="a@example.com", subject="s", message="m")
"""


def test_tags_name_trigger_actions_and_operators_once_and_sorted() -> None:
    tags = tags_of(from_python(PYTHON))
    assert tags.trigger == "order_created"
    assert tags.actions == ("add_customer_tags", "send_email")
    assert tags.operators == (">", ">=", "and", "any")
    assert tags.connectors == ()
    assert tags.descriptor.startswith("order_created: if ")


def test_an_app_is_a_connector() -> None:
    workflow = from_python(PYTHON)
    steps = tuple(
        replace(step, task_id="acme::desk::open_ticket") if step.task_id.endswith("send_email") else step
        for step in workflow.steps
    )
    tags = tags_of(replace(workflow, steps=steps))
    assert tags.connectors == ("acme::desk",)
    assert tags.actions == ("acme::desk::open_ticket", "add_customer_tags")


def test_no_workflow_has_no_tags() -> None:
    assert (NO_TAGS.trigger, NO_TAGS.actions, NO_TAGS.descriptor) == ("", (), "")
