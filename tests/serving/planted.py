"""The workflows that changes are planted in, and when a change that nobody saw is none.

`excused` is a rule on conditions alone: a changed condition that answers as before on 3,000 random
environments, drawn from the boundary values of all that both ask and from each of their literals in turn, has
kept its meaning (`x > 10 and x <= 0` is never true, whatever becomes of the 10). It knows nothing of the
verdict, nor of the events behind it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.generator import Plan, draw_block
from pipelines.generator.language import language_workflow
from schemas.errors import WorkflowRefused
from schemas.workflow import Workflow, read
from schemas.workflow.environment import environment_of, loop_source
from schemas.workflow.model import Compare, Condition, ConditionValue, Constant, Logic, Quantifier
from schemas.workflow.scope import item_of
from serving.equivalence.ground import Ground
from serving.equivalence.making import Maker
from serving.simulator.conditions import Test, prepared
from serving.simulator.environment import lookup
from serving.simulator.events import Json
from serving.simulator.trace import SimulationError

WEEK_END = 1_795_478_400
NUM_ENVIRONMENTS = 3_000


def real_workflows(folder: Path) -> list[Workflow]:
    return [read(path.read_text(encoding="utf-8")).workflow for path in sorted(folder.glob("flow_*/*.flow"))]


def merchants_workflows(num: int) -> Iterator[Workflow]:
    """What merchants would have; a file that the language refuses is none."""
    plan = Plan(seed=7, num=num, week_end=WEEK_END, bad_share=0)
    for block in range(plan.num_blocks):
        for line in draw_block(plan, block).lines:
            try:
                yield read(json.loads(line)["workflow"]).workflow
            except WorkflowRefused:
                continue


def language_workflows(num: int) -> Iterator[Workflow]:
    return (language_workflow(seed) for seed in range(num))


def excused(before: Workflow, after: Workflow) -> bool:
    """Whether all that changed is conditions, and each answers as before."""
    if len(before.steps) != len(after.steps) or before.links != after.links:
        return False
    changed = [number for number, step in enumerate(before.steps) if step != after.steps[number]]
    pairs = [(number, _condition(before, number), _condition(after, number)) for number in changed]
    return all(a and b and _same_answers(before, after, number, a, b) for number, a, b in pairs)


def _condition(workflow: Workflow, number: int) -> Condition | None:
    values = (value for _, value in workflow.steps[number].fields)
    return next((value.condition for value in values if isinstance(value, ConditionValue)), None)


def _same_answers(before: Workflow, after: Workflow, number: int, a: Condition, b: Condition) -> bool:
    ground = Ground(before, after)
    tests = [_test(workflow, number, condition) for workflow, condition in ((before, a), (after, b))]
    draw = random.Random(number)
    named = list(dict.fromkeys([*_named(a, {}), *_named(b, {})]))
    for seed in range(NUM_ENVIRONMENTS):
        environment = _with_items(before, Maker(ground, 10_000 + seed, wild=True).roots({}), draw)
        if named:
            place, text = named[seed % len(named)]
            environment = _with_text(environment, place, text)
        if _answer(tests[0], environment) != _answer(tests[1], environment):
            return False
    return True


def _named(condition: Condition, items: dict[str, tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each literal with the place that it is compared with: all of them, whatever `Ground` leaves out."""

    def placed(segments: tuple[str, ...]) -> tuple[str, ...]:
        return (*items.get(segments[0], segments[:1]), *segments[1:])

    match condition:
        case Compare(operator=operator, left=left, right=Constant(text=text)):
            for part in text.split(",") if operator in ("in?", "not_in?") else [text]:
                yield placed(left.segments), part.strip()
        case Logic(terms=terms):
            for term in terms:
                yield from _named(term, items)
        case Quantifier(source=source, item=item, body=body):
            yield from _named(body, {**items, item: placed(source.segments)})


def _with_text(at: Any, place: tuple[str, ...], text: str) -> Any:
    """The environment with a literal where a text is, in the first item of each list on the way."""
    if isinstance(at, list):
        return [_with_text(at[0], place, text), *at[1:]] if at else at
    if not place:
        return text if isinstance(at, str) else at
    if not isinstance(at, dict) or place[0] not in at:
        return at
    return {**at, place[0]: _with_text(at[place[0]], place[1:], text)}


def _test(workflow: Workflow, number: int, condition: Condition) -> Test:
    types = environment_of(workflow)
    return prepared(condition, lambda place, items: types.resolve(number, place.text, items))


def _answer(test: Test, environment: dict[str, Json]) -> object:
    try:
        return test(environment)
    except SimulationError as error:
        return error.code


def _with_items(workflow: Workflow, environment: dict[str, Json], draw: random.Random) -> dict[str, Json]:
    """The environment with some item of every loop, and some output of every count and sum."""
    found = {"count": draw.randrange(8), "sum": draw.randrange(800)} | environment
    for step in workflow.steps:
        source = loop_source(step)
        items = lookup(found, source) if source else None
        if source and isinstance(items, list) and items:
            found[item_of(source)] = draw.choice(items)
    return found
