"""A workflow's descriptor: its kind in one line, without the values that one merchant chose.

Two workflows that tag orders above some total with some tag have one descriptor:
`order_created: if (order.totalPrice >) { add_order_tags }`. Diversity rules count descriptors.
"""

from __future__ import annotations

from schemas.workflow import graph
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    Compare,
    Condition,
    ConditionValue,
    Logic,
    Path,
    PathValue,
    Quantifier,
    Step,
    Workflow,
)
from schemas.workflow.names import function_of

VERSION = "descriptor_v1"


def descriptor_of(workflow: Workflow) -> str:
    """Trigger, control flow, condition paths with operators, and tasks; no literal, no Liquid, no name."""
    steps = workflow.steps
    edges = workflow.edges
    found = graph.structure([step.kind for step in steps], edges)

    def block(statements: graph.Block) -> str:
        return "; ".join(statement(each) for each in statements)

    def statement(each: graph.Statement) -> str:
        match each:
            case graph.Do(step=step):
                return task_name(steps[step])
            case graph.If(step=step, then=then, orelse=orelse):
                text = f"if {_tested(steps[step])} {{ {block(then)} }}"
                return f"{text} else {{ {block(orelse)} }}" if orelse else text
            case graph.For(step=step, body=body):
                return f"for {_listed(steps[step])} {{ {block(body)} }}"
            case graph.Branch(body=body):
                return f"branch {{ {block(body)} }}"
            case graph.Jump():
                return "join"

    parts = [f"{task_name(workflow.trigger)}: {block(found.body)}"]
    parts += [f"join {{ {block(shared)} }}" for shared in found.shared.values()]
    parts += [f"unconnected {{ {block(loose)} }}" for loose in found.unconnected]
    return " ".join(parts)


def task_name(step: Step) -> str:
    """The short name of a step's task (`condition` and `foreach` for the control steps), or its id."""
    if step.kind in (CONDITION, FOREACH):
        return step.kind.lower()
    return function_of(step.task_id) or step.task_id


def _tested(step: Step) -> str:
    value = step.fields[0][1]
    condition = value.condition if isinstance(value, ConditionValue) else None
    return "(...)" if condition is None else _skeleton(condition)


def _listed(step: Step) -> str:
    value = step.fields[0][1]
    return value.path.text if isinstance(value, PathValue) else "..."


def _skeleton(condition: Condition) -> str:
    match condition:
        case Compare(operator=operator, left=left, right=right):
            other = f" {right.text}" if isinstance(right, Path) else ""
            return f"({left.text} {operator}{other})"
        case Logic(operator=operator, terms=terms):
            return f"({f' {operator} '.join(_skeleton(term) for term in terms)})"
        case Quantifier(operator=operator, source=source, body=body):
            return f"({source.text} {operator} {_skeleton(body)})"
