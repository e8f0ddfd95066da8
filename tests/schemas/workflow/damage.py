"""One thing at a time made wrong in a valid workflow, with the code and the step that a check has to name.

A damage looks for a place where it applies and answers None where there is none. Nothing here uses the rules:
types come from the catalogue, and the trigger's own roots are what every step can see.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from schemas.catalog import tasks
from schemas.catalog.environment import family, fields_of, root_type
from schemas.workflow.model import (
    ACTION,
    FOREACH,
    Path,
    PathValue,
    Step,
    Value,
    Workflow,
)


@dataclass(frozen=True)
class Damaged:
    """A workflow with one thing wrong: `step` by canonical number, -1 for the workflow itself."""

    workflow: Workflow
    step: int
    field: str = ""


T = TypeVar("T")
Apply = Callable[[Workflow, random.Random], Damaged | None]


@dataclass(frozen=True)
class Damage:
    """One class of damage and the code that names it."""

    name: str
    code: str
    apply: Apply


DAMAGES: dict[str, Damage] = {}


def damage(code: str) -> Callable[[Apply], Apply]:
    """Register a class of damage under the name of its function."""

    def register(apply: Apply) -> Apply:
        assert apply.__name__ not in DAMAGES
        DAMAGES[apply.__name__] = Damage(apply.__name__, code, apply)
        return apply

    return register


# -- workflows ------------------------------------------------------------------------------------------


def with_step(workflow: Workflow, number: int, step: Step) -> Workflow:
    steps = list(workflow.steps)
    steps[number] = step
    return replace(workflow, steps=tuple(steps))


def with_value(workflow: Workflow, number: int, field: str, value: Value) -> Damaged:
    """A field set to a value, in its place or at the end."""
    step = workflow.steps[number]
    fields = dict(step.fields) | {field: value}
    return Damaged(with_step(workflow, number, replace(step, fields=tuple(fields.items()))), number, field)


def holding(workflow: Workflow, *kinds: type) -> list[tuple[int, str]]:
    """(step, field) of every value of these kinds."""
    return [
        (number, field)
        for number, step in enumerate(workflow.steps)
        for field, value in step.fields
        if isinstance(value, kinds)
    ]


def value_of(workflow: Workflow, number: int, field: str) -> Value:
    return dict(workflow.steps[number].fields)[field]


def of_task(workflow: Workflow, task: str) -> list[int]:
    return [number for number, step in enumerate(workflow.steps) if step.task_id == task]


def pick(draw: random.Random, found: list[T]) -> T | None:
    return draw.choice(found) if found else None


# -- places ---------------------------------------------------------------------------------------------


def roots_of(workflow: Workflow) -> dict[str, str]:
    """What every step can see: the trigger's objects and the shop."""
    task = tasks.TASKS.get(workflow.trigger.task_id)
    known = {root: root_type(root) for root in (task.roots if task else ())}
    return {root: kind for root, kind in known.items() if fields_of(kind)} | {"shop": "Shop"}


def patched_handles(workflow: Workflow) -> set[str]:
    return {patched.handle for patched in workflow.patched_fields}


def places(workflow: Workflow) -> Iterator[tuple[str, str, str]]:
    """(path, type of its owner, type notation) of every field of every root.

    Not of metaobjects: their fields are the merchant's, so none of them is wrong.
    """
    for root, kind in roots_of(workflow).items():
        if kind == "Metaobject":
            continue
        for field, notation in fields_of(kind).items():
            yield f"{root}.{field}", kind, notation


def a_scalar(workflow: Workflow, draw: random.Random, *groups: str) -> str | None:
    """The path of a scalar of one of these families."""
    return pick(
        draw,
        [
            path
            for path, _, kind in places(workflow)
            if kind[0] != "[" and kind != "JSON" and family(kind) in groups  # what JSON holds, nobody says
        ],
    )


def an_object(workflow: Workflow, draw: random.Random) -> str | None:
    """The path of an object with fields, or a root itself."""
    found = [path for path, _, kind in places(workflow) if kind[0] != "[" and fields_of(kind)]
    return pick(draw, [*found, *roots_of(workflow)])


def a_list(workflow: Workflow, draw: random.Random) -> tuple[str, str] | None:
    """The path of a list of objects that have an id, and the type of its items."""
    lists = [(path, kind[1:-1]) for path, _, kind in places(workflow) if kind[0] == "["]
    return pick(draw, [(path, kind) for path, kind in lists if "id" in fields_of(kind)])


def names_are_known(workflow: Workflow) -> bool:
    """Whether the trigger's names are all there is: an app's may be any."""
    trigger = workflow.trigger.task_id
    return trigger in tasks.TASKS and not tasks.is_app(trigger)


def misspelled(workflow: Workflow, draw: random.Random) -> str:
    """A path to a field that its type does not have."""
    path, owner, _ = draw.choice(list(places(workflow)))
    known = {*fields_of(owner), *patched_handles(workflow)}
    wrong = path.rpartition(".")[2]
    while wrong in known:
        at = draw.randrange(len(wrong) + 1)
        wrong = wrong[:at] + draw.choice("qxz") + wrong[at:]
    return f"{path.rpartition('.')[0]}.{wrong}"


def a_path(text: str) -> Path:
    return Path(tuple(text.split(".")))


def reachable(workflow: Workflow, start: int, ports: tuple[str, ...] = ()) -> set[int]:
    """The steps behind a step, or behind some of its ports."""
    found: set[int] = set()
    waiting = [
        link.target for link in workflow.links if link.source == start and (not ports or link.port in ports)
    ]
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting += [link.target for link in workflow.links if link.source == step]
    return found


def strangers(workflow: Workflow, draw: random.Random, asking: set[int]) -> tuple[int, str] | None:
    """A step of `asking`, and the item of a loop that it is not inside of."""
    loops: dict[str, set[int]] = {}
    for number, step in enumerate(workflow.steps):
        for _, value in step.fields:
            if step.kind == FOREACH and isinstance(value, PathValue):
                item = value.path.segments[-1] + "Foreachitem"
                loops.setdefault(item, set()).update(reachable(workflow, number, ("loop_body",)))
    return pick(draw, sorted((number, item) for item, inside in loops.items() for number in asking - inside))


def too_early(workflow: Workflow, draw: random.Random, asking: set[int]) -> tuple[int, str] | None:
    """A step of `asking`, and the only output of its name, of a step that does not come before it."""
    if not names_are_known(workflow):
        return None
    givers: dict[str, list[int]] = {}
    for number, step in enumerate(workflow.steps):
        name = tasks.output_name(step.task_id)
        if name is not None and step.name is None and step.kind == ACTION:
            givers.setdefault(name, []).append(number)
    return pick(
        draw,
        sorted(
            (number, name)
            for name, steps in givers.items()
            if len(steps) == 1
            for number in asking - reachable(workflow, steps[0])
        ),
    )
