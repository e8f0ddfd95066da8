"""Events: boundary values, a search that meets conditions, records that a query finds, small examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.catalog.environment import NOTHING_LOCAL
from schemas.workflow import Workflow, from_python
from schemas.workflow.model import Compare, Condition, ConditionValue, Constant, Path
from serving.equivalence import covered_by, equivalent
from serving.equivalence.counterexample import shrunk
from serving.equivalence.events import events
from serving.equivalence.goals import Holds, Search
from serving.equivalence.ground import Ground
from serving.equivalence.making import Maker
from serving.equivalence.records import fitted
from serving.equivalence.values import Asked, asked_by, boundary_values
from serving.simulator.conditions import prepared
from serving.simulator.fetch import fetch

CONDITIONS = [
    "order.total_price > 500 and order.note == 'gift'",
    "order.total_price > 500 or order.note == 'gift' or order.test",
    "any(l.sku == 'A' for l in order.line_items)",
    "all(l.sku == 'A' for l in order.line_items)",
    "not any(l.sku == 'A' for l in order.line_items)",
    "any(all(t == 'x' for t in l.product.tags) for l in order.line_items)",
    "all(any(t == 'x' for t in l.product.tags) and l.quantity >= 3 for l in order.line_items)",
    "any(l.sku == 'A' for l in order.line_items) and all(l.quantity > 2 for l in order.line_items)",
    "any(l.sku == 'A' for l in order.line_items) and any(l.sku == 'B' for l in order.line_items)",
    "order.customer is None or order.customer.email.endswith('@example.com')",
    "order.total_price > order.subtotal_price",
    "order.created_at >= '2026-01-01T00:00:00Z' and order.display_financial_status in ['PAID', 'PENDING']",
]


def asking(text: str) -> tuple[Workflow, Condition]:
    body = f"    if {text}:\n        capture_payment(order_id=order.id)\n"
    found = from_python(f"@order_created\ndef w(order):\n{body}")
    value = found.steps[1].fields[0][1]
    assert isinstance(value, ConditionValue)
    assert value.condition is not None
    return found, value.condition


@pytest.mark.parametrize("text", CONDITIONS)
@pytest.mark.parametrize("wanted", [True, False])
def test_the_search_meets_a_condition(text: str, wanted: bool) -> None:
    workflow, condition = asking(text)
    ground = Ground(workflow, workflow)
    search = Search(frozenset(["order", "shop"]), {}, ground.values, ground.type_of)
    types = ground.sides[0].environment
    test = prepared(condition, lambda place, items: types.resolve(1, place.text, items))
    states = [state for state, _ in zip(search.states([Holds(condition, wanted)]), range(5), strict=False)]
    assert states
    for seed, state in enumerate(states):
        assert test(Maker(ground, seed).roots(state)) == wanted, state


def test_every_branch_of_nested_alternatives_is_taken() -> None:
    lines, indent = [], "    "
    fields = ("note", "email", "phone", "po_number", "source_name", "name", "client_ip")
    for field in fields:
        lines += [
            f"{indent}if order.{field} != 'the {field}':",
            f"{indent}    log_output(output='{field}')",
            f"{indent}else:",
        ]
        indent += "    "
    lines.append(f"{indent}log_output(output='all of them')")
    coverage = covered_by(from_python("@order_created\ndef w(order):\n" + "\n".join(lines) + "\n"))
    assert len(coverage.branches) == 2 * len(fields)
    assert coverage.covered == coverage.branches


VALUES = [
    ("Money", [(">", "500", "number")], ["500.00", "500.01", "499.99"]),
    ("Int", [(">=", "3", "number"), ("<", "10", "number")], [3, 4, 2, 10, 11, 9]),
    ("Boolean", [("==", "true", "boolean")], [True, False]),
    ("OrderDisplayFinancialStatus", [("==", "PAID", "string")], ["PAID"]),
    ("DateTime", [(">", "2026-01-01T00:00:00Z", "string")], ["2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"]),
    ("String", [("include?", "VIP", "string")], ["VIP", "something else", "some VIP", "vip", "VI", ""]),
    ("", [(">", "1.5", "number")], [1.5, 1.51, 1.49]),
]


@pytest.mark.parametrize(("kind", "asked", "wanted"), VALUES)
def test_values_lie_below_at_and_above_each_literal(
    kind: str, asked: list[tuple[str, str, str]], wanted: list[Any]
) -> None:
    found = boundary_values(kind, [Asked(*each) for each in asked], NOTHING_LOCAL)
    assert found[-1] is None
    assert [value for value in found if value in wanted] == sorted(wanted, key=found.index)
    assert len(found) > len(wanted)


def test_each_part_of_a_list_is_a_literal() -> None:
    compare = Compare("in?", Path(("order", "note")), Constant("a, b,c"))
    assert [each.text for each in asked_by(compare)] == ["a", "b", "c"]


QUERIES = [
    "tag:VIP AND -tag:hold",
    "financial_status:paid fulfillment_status:unfulfilled",
    "created_at:>'2026-10-01' OR name:1001",
    "status:open AND (total_weight:>100 OR email:ada@example.com)",
    "NOT (tag:a OR tag:b)",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("wanted", [True, False])
def test_a_record_is_made_to_fit_a_query(query: str, wanted: bool) -> None:
    text = json.dumps(query)
    workflow = from_python(
        f"@order_created\ndef w(order):\n    orders = get_orders(query={text})\n"
        "    for each in orders:\n        capture_payment(order_id=each.id)\n"
    )
    ground = Ground(workflow, workflow)
    for seed in range(6):
        record = Maker(ground, seed, wild=True).roots({})["getOrderData"][0]

        def values(path: tuple[str, ...], asked: Any) -> Any:
            return ground.values_beside(("getOrderData", *path), asked)

        other = fitted(record, "orders", query, values, lambda path: False, wanted=wanted)
        assert bool(fetch("orders", query, None, 1, [other])) == wanted


def test_the_same_target_of_both_is_tried_once() -> None:
    workflow, _ = asking(CONDITIONS[0])
    found = [json.dumps(roots, sort_keys=True) for roots in events(Ground(workflow, workflow), 0)]
    assert len(found) == 200
    assert len(set(found)) > 190  # wild ones may be alike
    assert found == [json.dumps(roots, sort_keys=True) for roots in events(Ground(workflow, workflow), 0)]


def test_a_small_event_has_nothing_that_does_not_matter() -> None:
    lines = [{"sku": "A", "x": 1}, {"sku": "B", "x": 2}]
    roots = {"order": {"name": "1", "lines": lines}, "shop": {"name": 2}}

    def still(found: Any) -> bool:
        return any(line.get("sku") == "B" for line in found.get("order", {}).get("lines", []))

    assert shrunk(roots, still) == {"order": {"lines": [{"sku": "B"}]}}


def test_what_a_counterexample_shows_is_what_matters() -> None:
    text = (
        "@order_created\ndef w(order):\n"
        "    log_output(output='{{ order.name }} {{ order.email }} {{ shop.name }}')\n"
        "    if order.total_price > 500:\n        capture_payment(order_id=order.id)\n"
    )
    found = equivalent(from_python(text), from_python(text.replace("500", "400"))).counterexample
    assert found is not None
    assert found.event is not None
    assert set(found.event.roots["order"]) == {"id", "totalPrice"}
    assert found.roots == ("order",)
