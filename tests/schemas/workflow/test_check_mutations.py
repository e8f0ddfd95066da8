"""Every class of damage is caught where it was done, with its code; nothing is said of what was sound.

The supply is the generator's: workflows from the whole language, and workflows as merchants have them.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator

import orjson
import pytest

from pipelines.generator import Plan, draw_block
from pipelines.generator.language import language_workflow
from schemas.workflow import Problem, Workflow, check, read
from schemas.workflow.model import CONDITION, Step
from tests.schemas.workflow import (
    damage_code,
    damage_conditions,
    damage_graph,
    damage_liquid,
    damage_paths,
    damage_values,
)
from tests.schemas.workflow.damage import DAMAGES, Damage

MODULES = (damage_code, damage_conditions, damage_graph, damage_liquid, damage_paths, damage_values)
"""Importing them is what registers their classes."""

WEEK_END = 1_795_305_600


def merchants(seed: int, num: int) -> Iterator[Workflow]:
    """Workflows as merchants have them, mess and all.

    Now and then one compares with `{{ order.sourceName }}`, which Shopify calls invalid: those are
    left out.
    """
    plan = Plan(seed=seed, num=num, week_end=WEEK_END, bad_share=0.0)
    for block in range(plan.num_blocks):
        for line in draw_block(plan, block).lines:
            workflow = read(orjson.loads(line)["workflow"]).workflow
            if not any(_compares_with_liquid(step) for step in workflow.steps):
                yield workflow


def _compares_with_liquid(step: Step) -> bool:
    return step.kind == CONDITION and b"{{" in orjson.dumps(step)


Place = tuple[str, str, str]


@functools.cache
def supply(num: int) -> tuple[tuple[Workflow, frozenset[Place]], ...]:
    """Half from the whole language, half as merchants have them; each with what is said of it undamaged."""
    sound = (*(language_workflow(seed) for seed in range(num // 2)), *merchants(20261125, num // 2))
    return tuple((workflow, places_of(workflow)) for workflow in sound)


def places_of(workflow: Workflow) -> frozenset[Place]:
    """Code, step and field of every problem."""
    return frozenset((problem.code, problem.step, problem.field) for problem in check(workflow))


def times_caught(found: Damage, num_workflows: int, wanted: int) -> int:
    """How often a class of damage was done, up to `wanted`: every time it has to be caught.

    A class that needs one task of two hundred is done to the same workflows again, in other places.
    """
    num_done = 0
    for again in range(wanted):
        before = num_done
        for number, (workflow, told_before) in enumerate(supply(num_workflows)):
            damaged = found.apply(workflow, random.Random(f"{found.name}/{number}/{again}"))
            if damaged is None:
                continue
            step = "" if damaged.step < 0 else str(damaged.step + 1)
            expected = (found.code, step, damaged.field)
            if expected in told_before:
                continue  # a merchant was there before us
            told = places_of(damaged.workflow)
            assert expected in told, (found.name, number, sorted(told), damaged)
            num_done += 1
            if num_done == wanted:
                return num_done
        if num_done == before:
            break
    return num_done


def errors(workflow: Workflow) -> list[Problem]:
    return [problem for problem in check(workflow) if problem.severity == "error"]


def test_there_are_enough_classes_of_damage() -> None:
    assert len(DAMAGES) >= 140
    assert len({found.code for found in DAMAGES.values()}) >= 28


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_caught_with_its_code_and_its_step(name: str) -> None:
    assert times_caught(DAMAGES[name], 600, 36) == 36


def test_sound_workflows_have_no_errors() -> None:
    assert [
        (number, errors(workflow)) for number, (workflow, _) in enumerate(supply(600)) if errors(workflow)
    ] == []


@pytest.mark.fuzz
@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_caught_in_thousands_of_workflows(name: str) -> None:
    assert times_caught(DAMAGES[name], 8000, 2000) == 2000


@pytest.mark.fuzz
def test_thousands_of_sound_workflows_have_no_errors() -> None:
    for seed in range(20_000):
        assert errors(language_workflow(seed)) == [], seed
    for number, workflow in enumerate(merchants(7, 20_000)):
        assert errors(workflow) == [], number
