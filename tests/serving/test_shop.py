"""A shop that keeps versions: what an edit leaves alone is byte for byte as it came in."""

from __future__ import annotations

import difflib
import json

import pytest

from schemas.errors import BadRecord, WorkflowRefused
from schemas.tools import RESOURCE_TYPES
from schemas.workflow import from_python, read, to_python, write
from serving.shop import InMemoryShop, Saved, ShopBackend
from serving.synthetic_shop import RESOURCES

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["a"])\n'


def export() -> str:
    """An export of the format, made here: a trigger, a condition, two actions, places and notes."""
    python = (
        "@order_created\ndef welcome(order):\n    if order.total_price > 5:\n"
        '        add_order_tags(order_id=order.id, tags=["big"])\n'
        '    send_email(address="a@example.com", subject="s", message="m")\n'
    )
    document = json.loads(write(from_python(python)))
    root = document.get("root", document)
    for number, step in enumerate(root["steps"]):
        step["step_position"] = [100 * number + 7, 31]
        step["note"] = f"note {number}"
    return "0" * 64 + ":" + json.dumps(document, separators=(",", ":"))


def lines(text: str) -> list[str]:
    return text.replace(",", ",\n").replace("{", "{\n").splitlines()


def changed(one: str, other: str) -> list[str]:
    """The parts that an edit took out and put in."""
    compared = difflib.ndiff(lines(one), lines(other))
    return [line for line in compared if line[:1] in "+-"]


def test_an_adopted_export_comes_back_without_its_signature() -> None:
    shop = InMemoryShop()
    saved = shop.adopt(export())
    assert saved.to_json() == export().partition(":")[2]
    assert saved.python == to_python(read(export()).workflow)
    assert (saved.workflow_id, saved.workflow_version) == ("workflow-1", 1)
    assert shop.newest("workflow-1") == saved


def test_an_edit_changes_only_what_it_edits() -> None:
    shop = InMemoryShop()
    before = shop.adopt(export())
    after = shop.update("workflow-1", 1, before.python.replace('"big"', '"large"'))
    assert changed(before.to_json(), after.to_json()) == [
        line for line in changed(before.to_json(), after.to_json()) if "big" in line or "large" in line
    ]
    assert len(changed(before.to_json(), after.to_json())) == 2


def test_a_new_step_keeps_its_id_in_the_edits_after() -> None:
    shop = InMemoryShop()
    saved = shop.adopt(export())
    more = '    add_customer_tags(customer_id=order.customer.id, tags=["x"])\n'
    second = shop.update("workflow-1", 1, saved.python + more)
    between = "    capture_payment(order_id=order.id)\n"
    third = shop.update("workflow-1", 2, saved.python + between + more.replace('"x"', '"y"'))

    def steps(version: Saved) -> dict[str, str]:
        document = json.loads(version.to_json())
        return {step["task_id"]: step["step_id"] for step in document.get("root", document)["steps"]}

    assert steps(saved).items() < steps(second).items() < steps(third).items()
    assert "note 3" in third.to_json()


def test_an_agent_configuration_stays_in_its_spelling() -> None:
    text = write(from_python(TAG), None, "agent")
    shop = InMemoryShop()
    assert shop.adopt(text).to_json() == text
    edited = shop.update("workflow-1", 1, TAG.replace('"a"', '"b"'))
    assert edited.to_json() == write(from_python(edited.python), None, "agent")


def test_python_is_adopted_too_and_is_the_agents_json() -> None:
    saved = InMemoryShop().adopt(TAG.replace("[", "[ "))
    assert saved.python == TAG
    assert saved.to_json() == write(from_python(TAG), None, "agent")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"root":{}}', "import os", "x" * 100])
def test_what_is_no_workflow_is_not_adopted(text: str) -> None:
    shop = InMemoryShop()
    with pytest.raises(WorkflowRefused):
        shop.adopt(text)
    assert shop == InMemoryShop()


def test_old_versions_stay_readable() -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    other = TAG.replace('"a"', '"b"')
    shop.update("workflow-1", 1, other)
    assert [shop.version("workflow-1", number) for number in (1, 2, 3)] == [
        Saved("workflow-1", 1, TAG),
        Saved("workflow-1", 2, other),
        None,
    ]
    assert shop.version("nobody", 1) is None
    with pytest.raises(BadRecord, match="OUTDATED_WORKFLOW"):
        shop.update("workflow-1", 1, TAG)


def test_a_refused_edit_leaves_the_shop_as_it_was() -> None:
    shop = InMemoryShop()
    before = shop.adopt(export())
    with pytest.raises(WorkflowRefused):
        shop.update("workflow-1", 1, "import os")
    assert shop.newest("workflow-1") == before
    assert shop.older == {}


def test_the_contract_names_the_kinds_that_the_shop_has() -> None:
    assert set(RESOURCE_TYPES) == set(RESOURCES)
    shop: ShopBackend = InMemoryShop()
    for kind in RESOURCE_TYPES:
        assert len(shop.resources(kind, "", 50)) <= 50
    assert InMemoryShop(seed=1).resources("product", "", 3) == InMemoryShop(seed=1).resources(
        "product", "", 3
    )
