"""What lies at the end of a path, and how values are written."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.workflow.model import path
from serving.simulator import SimulationError
from serving.simulator.environment import items_at, label_of, lookup, text_of

ORDER: Any = {
    "name": "#1",
    "deliveryDate": {"value": "2026-11-02"},
    "customer": None,
    "lineItems": [
        {"sku": "a", "product": {"tags": ["x", "y"]}},
        {"sku": None, "product": None},
        {"product": {"tags": []}},
        {"sku": "c", "product": {"tags": ["z", None]}},
    ],
}
ROOTS: Any = {"order": ORDER, "getOrderData": [{"tags": ["p"]}, {"tags": ["q", "r"]}], "count": 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.name", "#1"),
        ("Order.name", "#1"),
        ("order.deliveryDate.value", "2026-11-02"),
        ("order.deliveryDate.value.amount", None),
        ("order.customer.email", None),
        ("order.nothing", None),
        ("nobody.name", None),
        ("count", 3),
        ("order.lineItems.sku", ["a", "c"]),
        ("order.lineItems.product", [{"tags": ["x", "y"]}, {"tags": []}, {"tags": ["z", None]}]),
        ("order.lineItems.product.tags", ["x", "y", "z", None]),
        ("getOrderData.tags", ["p", "q", "r"]),
        ("order.lineItems.nothing.at.all", []),
        ("", None),
    ],
)
def test_a_path(text: str, expected: Any) -> None:
    assert lookup(ROOTS, path(text)) == expected


def test_items_are_those_of_a_list_and_none_of_nil() -> None:
    assert items_at(ROOTS, path("order.lineItems.sku"), "CODE") == ["a", "c"]
    assert items_at(ROOTS, path("order.customer"), "CODE") == []
    with pytest.raises(SimulationError) as caught:
        items_at(ROOTS, path("order.name"), "CODE")
    assert (caught.value.code, "order.name" in caught.value.message) == ("CODE", True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(True, "true"), (False, "false"), (5, "5"), (5.0, "5"), (0.1, "0.1"), (1e21, "1" + "0" * 21)],
        *[(1e-7, "0.0000001"), (-2.50, "-2.5"), ("5.00", "5.00"), (None, "")],
    ],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [[], {}, ["a"]])
def test_no_text_of_lists_and_objects(value: Any) -> None:
    with pytest.raises(SimulationError, match="no single value"):
        text_of(value)


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ({"id": "gid", "title": "Shirt"}, "Shirt"),
        ({"id": "gid"}, "gid"),
        ({"price": "5"}, None),
        ("VIP", "VIP"),
        (5, "5"),
        ([], None),
        (None, None),
        ({"name": "n" * 500}, "n" * 80),
    ],
)
def test_how_a_person_would_call_an_item(item: Any, label: str | None) -> None:
    assert label_of(item) == label
