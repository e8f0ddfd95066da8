"""The examples of Shopify's own Flow skill: valid ones are taken, invalid ones refused with their place."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow import inspect, require_valid
from tests.schemas.workflow.small import document, in_function, link, python_of, step

LIST = "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE"
INVALID = {
    "(shop.email == '')": ("INVALID_CONDITION_VALUE", "empty_or_nil?"),
    "(order.totalPrice empty_or_nil?)": ("CONDITION_TYPE_ERROR", "order.totalPrice is a number; use nil?"),
    "(order.createdAt not_empty_and_not_nil?)": ("CONDITION_TYPE_ERROR", "is a date; use not_nil?"),
    "(order.tags include? 'vip')": (LIST, "order.tags is a list"),
    "(product.tags start_with? 'presale')": (LIST, "product.tags is a list"),
    "(getOrderData.id not_empty_and_not_nil?)": (LIST, "getOrderData is a list"),
    "(getCustomerDataForeachitem.lastOrder.createdAt < '{{ scheduledAt | date_minus: \"6 months\" }}')": (
        "INVALID_CONDITION_VALUE",
        "Liquid",
    ),
}
TASKS = {"(Send HTTP request)": "shopify::flow::send_http"}


@pytest.fixture(scope="session")
def examples(shared_data: Path) -> dict[str, Any]:
    return json.loads((shared_data / "flow_official_examples.json").read_text(encoding="utf-8"))


def agent_step(number: int, kind: str, task: str, **fields: str) -> dict[str, Any]:
    """A step as the agent writes it: no position, no captions."""
    made = step(number, task, **fields) | {"task_type": kind}
    return {key: value for key, value in made.items() if value is not None and key != "step_position"}


def agent_text(steps: list[dict[str, Any]], links: list[dict[str, Any]], **root: Any) -> str:
    return json.dumps(document(steps, links, **root), indent=2)


def test_the_workflow_is_carried_and_reads_like_python(examples: dict[str, Any]) -> None:
    for indent in (None, 2):
        assert python_of(json.dumps(examples["workflow"], indent=indent)) == (
            "@draft_order_created\n"
            "def tag_draft_orders_with_new(draft_order):\n"
            '    """Tag draft orders with NEW"""\n'
            '    add_draft_order_tags(draft_order_id=draft_order.id, tags=["NEW"])\n'
        )


def test_the_single_steps_are_carried_inside_a_workflow(examples: dict[str, Any]) -> None:
    trigger = agent_step(1, "TRIGGER", "shopify::admin::order_created")
    steps = examples["steps"]
    links = [link(1, each["step_id"]) for each in steps]
    python = python_of(agent_text([trigger, *steps], links))
    assert "if order.total_price > 100:" in python
    assert "for line_item in order.line_items:" in python
    assert "send_shopify_alert_for_errors()" in python


def test_the_config_values_of_every_documented_task_are_carried(examples: dict[str, Any]) -> None:
    assert len(examples["config_field_values"]) == 3
    for example in examples["config_field_values"]:
        task = TASKS.get(example["task_id"], example["task_id"])
        values = {entry["config_field_id"]: entry["value"] for entry in example["config_field_values"]}
        if task.endswith("scheduled_time"):
            python = python_of(agent_text([agent_step(1, "TRIGGER", task, **values)], []))
            assert '@scheduled(every="10 minutes", timezone="America/Toronto", starting=' in python
            continue
        trigger = agent_step(1, "TRIGGER", "shopify::admin::order_created")
        python = python_of(agent_text([trigger, agent_step(2, "ACTION", task, **values)], [link(1, 2)]))
        for field in values:
            assert f"{field}=" in python


def test_admin_api_calls_read_as_calls_of_the_mutation(examples: dict[str, Any]) -> None:
    for call in examples["api_call_values"]:
        trigger = agent_step(1, "TRIGGER", "shopify::admin::order_created")
        task = "shopify::admin::admin_api_operation"
        action = agent_step(2, "ACTION", task, api_call=json.dumps(call))
        assert f"api_call={call['name']}(" in python_of(agent_text([trigger, action], [link(1, 2)]))


def test_patched_fields_read_as_decorators(examples: dict[str, Any]) -> None:
    trigger = agent_step(1, "TRIGGER", "shopify::admin::order_created")
    python = python_of(agent_text([trigger], [], patched_fields=examples["patched_fields"]))
    assert python.count("@patched_field(") == len(examples["patched_fields"]) == 3
    assert 'metafield(key="loyalty_tier", namespace="custom")' in python


def test_the_step_graphs_are_carried(examples: dict[str, Any]) -> None:
    assert len(examples["graphs"]) == 6
    for graph in examples["graphs"]:
        steps = []
        for number, words in enumerate(graph["steps"], 1):
            kind, _, rest = words.partition(" ")
            if kind == "CONDITION":
                steps.append(agent_step(number, kind, "shopify::flow::condition", condition=rest))
            elif kind == "FOREACH":
                steps.append(agent_step(number, kind, "shopify::flow::foreach", listpath=rest))
            else:
                steps.append(agent_step(number, kind, rest.split(" ")[0]))
        links = [
            link(int(source), int(target), port)
            for source, port, target in re.findall(r"(\d+)\[(\w+)\]->(\d+)", graph["links"])
        ]
        assert len(links) == graph["links"].count("->")
        python_of(agent_text(steps, links))


BRINGS = {
    "product.": "shopify::admin::product_added",
    "customer.": "shopify::admin::customer_created",
    "orderRiskLevel": "shopify::admin::order_risk_analyzed",
}
GIVES = {
    "getOrderData": ("shopify::flow::fetch::orders", {"query": "tag:VIP"}),
    "getCustomerData": ("shopify::flow::fetch::customers", {"query": "tag:VIP"}),
    "runCode": (
        "shopify::flow::run_code",
        {
            "input": "query { order { id } }",
            "script": "export default function main(input) { return { fragileTotal: 1.5 }; }",
            "output_schema": "type Output { fragileTotal: Float! }",
        },
    ),
}


def at_home(condition: str) -> str:
    """A workflow in which a condition finds what it asks about; the condition is the step "test"."""
    brought = next((task for word, task in BRINGS.items() if condition.startswith(f"({word}")), None)
    steps = [agent_step(1, "TRIGGER", brought or "shopify::admin::order_created")]
    if "getCustomerDataForeachitem" in condition or "getOrderData" in condition or "runCode" in condition:
        task, fields = next(found for word, found in GIVES.items() if word in condition)
        steps.append(agent_step(2, "ACTION", task, version="v1" if "fetch" in task else "0.1", **fields))
    if "Foreachitem" in condition:
        listed = condition.partition("Foreachitem")[0].rpartition("(")[2]
        path = listed if listed.startswith("get") else f"order.{listed}"
        steps.append(agent_step(3, "FOREACH", "shopify::flow::foreach", listpath=path))
    steps.append(agent_step("test", "CONDITION", "shopify::flow::condition", condition=condition))
    ports = {"FOREACH": "loop_body"}
    links = [
        link(before["step_id"], after["step_id"], ports.get(before["task_type"], "output"))
        for before, after in pairwise(steps)
    ]
    return agent_text(steps, links)


def test_every_valid_condition_is_taken_and_comes_back(examples: dict[str, Any]) -> None:
    assert len(examples["conditions_valid"]) == 23
    for condition in examples["conditions_valid"]:
        require_valid(condition)
        text = at_home(condition)
        assert "if " in python_of(text)
        assert inspect(text).problems == ()
        found = inspect(text).findings
        if condition == "(order.createdAt > customer.lastOrderDate)":  # no trigger brings both
            assert [finding.code for finding in found] == ["CONDITION_INCOMPATIBILITY"]
        else:
            assert found == (), condition


def test_every_invalid_condition_is_refused_with_column_and_reason(examples: dict[str, Any]) -> None:
    assert {example["condition"] for example in examples["conditions_invalid"]} == set(INVALID)
    for condition, (code, reason) in INVALID.items():
        with pytest.raises(WorkflowRefused) as refused:
            require_valid(condition)
        column = condition.index(" ") + 2  # where the operator stands
        assert (refused.value.code, refused.value.path) == (code, str(column))
        assert reason in refused.value.message


def test_an_invalid_condition_in_a_workflow_is_carried_and_found(examples: dict[str, Any]) -> None:
    for example in examples["conditions_invalid"]:
        found = inspect(at_home(example["condition"]))
        assert found.lossless
        (finding,) = found.findings
        assert (finding.severity, finding.step, finding.field) == ("error", "test", "condition")
        assert finding.code == INVALID[example["condition"]][0]


def test_the_same_rules_hold_for_a_workflow_written_in_python() -> None:
    found = inspect(in_function('if "vip" in order.tags:\n    add_order_tags(order_id=order.id, tags=[])'))
    assert [(finding.code, finding.severity) for finding in found.findings] == [(LIST, "error")]
    assert found.lossless
