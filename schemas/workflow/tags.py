"""What slices are made of: a workflow's trigger, actions, condition operators and connectors.

    tags_of(from_python(python))  # Tags(trigger="order_created", actions=("add_order_tags",), ...)

Not here yet: e-mail content, literals, nesting depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from schemas.catalog.tasks import is_app
from schemas.workflow.descriptor import descriptor_of, task_name
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    Compare,
    Condition,
    ConditionValue,
    Logic,
    Quantifier,
    Workflow,
)

__all__ = ["NO_TAGS", "Tags", "tags_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tags:
    """Sorted and without repetition; the fields are columns of the lake's tables."""

    descriptor: str
    trigger: str
    actions: tuple[str, ...]
    operators: tuple[str, ...]
    connectors: tuple[str, ...]
    """`publisher::connector` of tasks that are not Shopify's own; the id itself where it is bare."""

    def columns(self) -> dict[str, Any]:
        """The tags as the tables hold them: texts, and lists of texts."""
        return {name: list(tag) if isinstance(tag, tuple) else tag for name, tag in asdict(self).items()}


NO_TAGS = Tags(descriptor="", trigger="", actions=(), operators=(), connectors=())
"""Of a conversation that ends without a workflow."""


def tags_of(workflow: Workflow) -> Tags:
    """The tags of a workflow; waits count as actions, conditions and loops do not."""
    trigger = workflow.trigger
    acting = [
        step for step in workflow.steps if step is not trigger and step.kind not in (CONDITION, FOREACH)
    ]
    operators = {
        operator
        for step in workflow.steps
        for _, value in step.fields
        if isinstance(value, ConditionValue) and value.condition is not None
        for operator in _operators(value.condition)
    }
    foreign = {"::".join(step.task_id.split("::")[:2]) for step in workflow.steps if is_app(step.task_id)}
    return Tags(
        descriptor=descriptor_of(workflow),
        trigger=task_name(trigger),
        actions=tuple(sorted({task_name(step) for step in acting})),
        operators=tuple(sorted(operators)),
        connectors=tuple(sorted(foreign)),
    )


def _operators(condition: Condition) -> Iterator[str]:
    match condition:
        case Compare(operator=operator):
            yield operator
        case Logic(operator=operator, terms=terms):
            yield operator
            for term in terms:
                yield from _operators(term)
        case Quantifier(operator=operator, body=body):
            yield operator
            yield from _operators(body)
