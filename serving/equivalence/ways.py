"""How a step is reached: the answers of conditions and the loops on the way from the trigger."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from schemas.workflow.environment import loop_source
from schemas.workflow.model import CONDITION, FOREACH, Condition, ConditionValue, Step, Workflow
from schemas.workflow.scope import item_of
from serving.equivalence.goals import Enter, Holds

__all__ = ["Branch", "Way", "branches", "condition_of", "ways_of"]

_MOST_WAYS: Final = 3
_MOST_STEPS: Final = 400
"""Of a way that is looked for."""

Branch: TypeAlias = tuple[int, bool]
"""A condition step and its answer."""


@dataclass(frozen=True, slots=True)
class Way:
    """What leads to a step."""

    enters: tuple[Enter, ...] = ()
    holds: tuple[Holds, ...] = ()
    steps: frozenset[int] = frozenset()


def branches(workflow: Workflow) -> frozenset[Branch]:
    """Both answers of every condition that the trigger leads to and that asks something."""
    return frozenset(
        (number, answer)
        for number in ways_of(workflow)
        if condition_of(workflow.steps[number]) is not None
        for answer in (True, False)
    )


def ways_of(workflow: Workflow) -> Mapping[int, list[Way]]:
    """The shortest few ways to each step, none of which comes by a step twice."""
    onward: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for link in workflow.links:
        onward[link.source].append((link.port, link.target))
    found: dict[int, list[Way]] = defaultdict(list)
    waiting = deque([(0, Way(steps=frozenset([0])))])
    while waiting:
        number, way = waiting.popleft()
        if len(found[number]) == _MOST_WAYS or len(way.steps) > _MOST_STEPS:
            continue
        found[number].append(way)
        for port, target in onward[number]:
            if target not in way.steps and 0 < target < len(workflow.steps):
                further = _further(workflow.steps[number], port, way)
                if further is not None:
                    waiting.append((target, replace(further, steps=way.steps | {target})))
    return found


def _further(step: Step, port: str, way: Way) -> Way | None:
    """The way that goes on behind a port; None where nothing ever does."""
    if step.kind == CONDITION:
        condition = condition_of(step)
        if condition is None:
            return None
        return replace(way, holds=(*way.holds, Holds(condition, port == "true")))
    if step.kind == FOREACH and port == "loop_body":
        source = loop_source(step)
        if source is None:
            return None
        return replace(way, enters=(*way.enters, Enter(source, item_of(source))))
    return way


def condition_of(step: Step) -> Condition | None:
    values = (value for _, value in step.fields)
    return next((value.condition for value in values if isinstance(value, ConditionValue)), None)
