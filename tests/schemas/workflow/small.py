"""Small documents written by hand: a few steps, a few links, in the export's own key order."""

from __future__ import annotations

import json
from typing import Any

from schemas.workflow import Problem, inspect

SIGNATURE = "5e" * 32
CREATED = "shopify::admin::order_created"
TAG = "shopify::admin::add_order_tags"
CONDITION = "shopify::flow::condition"
FOREACH = "shopify::flow::foreach"
KINDS = {CREATED: "TRIGGER", CONDITION: "CONDITION", FOREACH: "FOREACH"}


def step(identity: str | int, task: str = TAG, version: str = "0.1", **fields: str | None) -> dict[str, Any]:
    return {
        "step_id": identity,
        "step_position": [0, 0],
        "config_field_values": [
            {"config_field_id": field, "value": value} for field, value in fields.items()
        ],
        "task_id": task,
        "task_version": version,
        "task_type": KINDS.get(task, "ACTION"),
        "description": None,
        "note": None,
        "name": None,
    }


def link(source: str | int, target: str | int, port: str = "output") -> dict[str, Any]:
    return {"from_step_id": source, "from_port_id": port, "to_step_id": target, "to_port_id": "input"}


def document(
    steps: list[dict[str, Any]], links: list[dict[str, Any]] | None = None, **root: Any
) -> dict[str, Any]:
    body = {"steps": steps, "links": links or [], **root, "workflow_name": "Tag orders"}
    return {"__metadata": {"version": 0.1}, "root": body}


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def export(steps: list[dict[str, Any]], links: list[dict[str, Any]] | None = None, **root: Any) -> str:
    """The text of a signed export."""
    return f"{SIGNATURE}:{compact(document(steps, links, **root))}"


def python_of(text: str) -> str:
    """The Python of a text that must come back without loss."""
    found = inspect(text)
    assert (found.exact, found.semantic) == (True, True), found.problems
    return found.python


def refusal(text: str) -> Problem:
    """The one error of a text that must be refused."""
    found = inspect(text)
    assert (found.lossless, found.python, found.layout) == (False, "", "")
    (problem,) = [each for each in found.problems if each.severity == "error"]
    assert problem.message
    return problem


def in_function(body: str, arguments: str = "order") -> str:
    """Python of a workflow on a new order, with this body at the margin."""
    indented = "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
    return f"@order_created\ndef tag_orders({arguments}):\n{indented}"
