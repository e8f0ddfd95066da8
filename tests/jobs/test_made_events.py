"""Events that are made up for a workflow: plausible, the same for a seed, and one on which it acts."""

from __future__ import annotations

from itertools import islice

import pytest

from jobs._made_events import acting_event, acts, brought_roots, made_event, made_events
from schemas.workflow import Workflow, from_python
from serving.simulator import Simulator, Trace
from serving.synthetic_shop import SyntheticShop


def on_order(*lines: str) -> Workflow:
    return from_python("@order_created\ndef w(order):\n" + "".join(f"    {line}\n" for line in lines))


def run(workflow: Workflow) -> Trace:
    simulator = Simulator(workflow)
    return simulator.run(acting_event(simulator), SyntheticShop(0))


def test_a_made_event_has_what_is_read_of_what_the_trigger_brings() -> None:
    workflow = from_python(
        "@order_risk_analyzed\ndef w(order, order_risk_level):\n"
        "    num = count(order.line_items)\n"
        "    if order_risk_level == 'HIGH' and num > 1:\n"
        "        log_output(output='{{ order.name }} {{ shop.name }}')\n"
    )
    simulator = Simulator(workflow)
    event = made_event(simulator, 3)
    assert set(brought_roots(simulator)) == set(event.roots) == {"order", "orderRiskLevel"}
    assert set(event.roots["order"]) == {"name", "lineItems"}
    assert isinstance(event.roots["orderRiskLevel"], str)
    assert made_event(simulator, 3) == event != made_event(simulator, 4)


@pytest.mark.parametrize(
    "condition",
    [
        "order.total_price > 100",
        'order.note == "a text that nobody writes by chance"',
        'any(line_item.sku == "WOM-1" for line_item in order.line_items) and order.total_price < 0.02',
        'all(tag == "x" for tag in order.tags) and order.customer is None',
    ],
)
def test_the_event_is_one_on_which_the_workflow_acts(condition: str) -> None:
    assert acts(run(on_order(f"if {condition}:", '    log_output(output="x")')))


def test_where_none_acts_it_is_a_plausible_one() -> None:
    simulator = Simulator(on_order("if order.total_price > 5 and order.total_price < 4:", "    log_output()"))
    assert acting_event(simulator) == made_event(simulator, 0)
    assert not acts(run(on_order('wait(duration="P1D")')))


def test_plausible_events_come_first_and_none_holds_an_empty_shop() -> None:
    simulator = Simulator(on_order('if order.name == "x":', '    log_output(output="{{ order.note }}")'))
    found = list(islice(made_events(simulator), 40))
    assert found[:20] == [made_event(simulator, seed) for seed in range(20)]
    assert all("shop" not in event.roots for event in found)
    assert any(event.roots["order"]["name"] == "x" for event in found[20:])


def test_loops_as_deep_as_they_may_be_have_events_too() -> None:
    lines = ["for a in order.line_items:", "    for b in a.product.collections:"]
    for depth in range(2, 40):
        lines.append(f"{'    ' * depth}for x{depth} in {'b' if depth == 2 else f'x{depth - 1}'}.products:")
        lines[-1] = lines[-1].replace(".products", ".products" if depth % 2 == 0 else ".collections")
    simulator = Simulator(on_order(*lines, f"{'    ' * 40}log_output(output='x')"))
    assert len(list(islice(made_events(simulator), 30))) == 30
