"""Damage to links, the trigger and names, to tasks and to what their fields take."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from schemas.catalog import tasks
from schemas.catalog.fields import ConfigField
from schemas.workflow.model import (
    ACTION,
    TRIGGER,
    Link,
    PatchedField,
    Step,
    Text,
    Workflow,
)
from tests.schemas.workflow.damage import (
    Damaged,
    damage,
    pick,
    reachable,
    with_step,
    with_value,
)


def _link(workflow: Workflow, draw: random.Random) -> int | None:
    return pick(draw, list(range(len(workflow.links))))


def _with_link(workflow: Workflow, number: int, link: Link) -> Workflow:
    links = list(workflow.links)
    links[number : number + 1] = [link]
    return replace(workflow, links=tuple(links))


@damage("INVALID_LINK")
def port_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    number = _link(workflow, draw)
    if number is None:
        return None
    link = workflow.links[number]
    ports = {"output", "true", "false", "loop_body", "after", "input", ""}
    kind = workflow.steps[link.source].kind
    right = {"CONDITION": {"true", "false"}, "FOREACH": {"loop_body", "after"}}.get(kind, {"output"})
    wrong = draw.choice(sorted(ports - right))
    return Damaged(_with_link(workflow, number, replace(link, port=wrong)), link.source)


@damage("INVALID_LINK")
def link_to_nowhere(workflow: Workflow, draw: random.Random) -> Damaged | None:
    number = _link(workflow, draw)
    if number is None:
        return None
    away = draw.choice((-1, len(workflow.steps), 10**6))
    return Damaged(_with_link(workflow, number, replace(workflow.links[number], target=away)), -1)


@damage("INVALID_LINK")
def link_into_the_trigger(workflow: Workflow, draw: random.Random) -> Damaged | None:
    number = _link(workflow, draw)
    if number is None:
        return None
    return Damaged(_with_link(workflow, number, replace(workflow.links[number], target=0)), 0)


@damage("INVALID_LINK")
def link_that_stands_twice(workflow: Workflow, draw: random.Random) -> Damaged | None:
    number = _link(workflow, draw)
    if number is None:
        return None
    link = workflow.links[number]
    return Damaged(replace(workflow, links=(*workflow.links, link)), link.source)


@damage("WORKFLOW_STRUCTURE_INVALID")
def circle(workflow: Workflow, draw: random.Random) -> Damaged | None:
    ways_in = [link.target for link in workflow.links]
    if len(ways_in) != len(set(ways_in)):
        return None  # with joins, where a circle is entered is a matter of taste
    pairs = [
        (source, target)
        for target in range(1, len(workflow.steps))
        for source in sorted(reachable(workflow, target))
    ]
    found = pick(draw, pairs)
    if found is None:
        return None
    port = {"CONDITION": "true", "FOREACH": "after"}.get(workflow.steps[found[0]].kind, "output")
    return Damaged(replace(workflow, links=(*workflow.links, Link(found[0], port, found[1]))), found[0])


@damage("MULTIPLE_TRIGGER_STEPS")
def second_trigger(workflow: Workflow, draw: random.Random) -> Damaged | None:
    more = Step(TRIGGER, draw.choice(("shopify::admin::order_created", workflow.trigger.task_id)), "0.1")
    return Damaged(replace(workflow, steps=(*workflow.steps, more)), len(workflow.steps))


@damage("WORKFLOW_STRUCTURE_INVALID")
def no_trigger(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return Damaged(with_step(workflow, 0, replace(workflow.trigger, kind=ACTION)), -1)


@damage("WORKFLOW_STRUCTURE_INVALID")
def no_steps(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return Damaged(replace(workflow, steps=(), links=()), -1)


@damage("WORKFLOW_NAME_REQUIRED")
def no_name(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return Damaged(replace(workflow, name=draw.choice(("", " ", "\n\t"))), -1)


@damage("WORKFLOW_STRUCTURE_INVALID")
def handle_of_two_meanings(workflow: Workflow, draw: random.Random) -> Damaged | None:
    one = PatchedField("Product", "mark", "metafield", '{"key":"a","namespace":"custom"}')
    two = replace(one, arguments='{"key":"b","namespace":"custom"}')
    return Damaged(replace(workflow, patched_fields=(*workflow.patched_fields, one, two)), -1)


@damage("INVALID_STEP_NAME")
def name_that_is_not_the_label(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = pick(
        draw,
        [
            number
            for number, step in enumerate(workflow.steps)
            if step.kind == ACTION and (task := tasks.TASKS.get(step.task_id)) and task.known
        ],
    )
    if found is None:
        return None
    return Damaged(with_step(workflow, found, replace(workflow.steps[found], name="My step")), found)


# -- tasks and fields -----------------------------------------------------------------------------------


def _known(workflow: Workflow, draw: random.Random, *kinds: str) -> int | None:
    """A step whose task is in the catalogue, and no guess."""
    return pick(
        draw,
        [
            number
            for number, step in enumerate(workflow.steps)
            if (task := tasks.TASKS.get(step.task_id)) and task.known and (not kinds or step.kind in kinds)
        ],
    )


@damage("TASK_NOT_FOUND")
def task_that_nobody_knows(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = [number for number, step in enumerate(workflow.steps) if step.kind == ACTION]
    number = pick(draw, [each for each in found if not tasks.is_app(workflow.steps[each].task_id)])
    if number is None:
        return None
    step = workflow.steps[number]
    wrong = draw.choice((step.task_id + "s", step.task_id.replace("_", "", 1) + "x", "shopify::flow::do_it"))
    return Damaged(with_step(workflow, number, replace(step, task_id=wrong)), number)


@damage("TASK_NOT_FOUND")
def task_of_another_kind(workflow: Workflow, draw: random.Random) -> Damaged | None:
    number = _known(workflow, draw, ACTION)
    if number is None:
        return None
    return Damaged(with_step(workflow, number, replace(workflow.steps[number], kind="WAIT")), number)


@damage("TASK_NOT_AVAILABLE")
def version_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    number = _known(workflow, draw)
    if number is None:
        return None
    wrong = draw.choice(("9.9", "v2", "0.1.0", ""))
    return Damaged(with_step(workflow, number, replace(workflow.steps[number], version=wrong)), number)


@damage("CONFIG_FIELD_RESOLUTION_ERROR")
def field_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = [
        number
        for number, step in enumerate(workflow.steps)
        if (task := tasks.TASKS.get(step.task_id)) and task.fields and step.fields
    ]
    number = pick(draw, found)
    if number is None:
        return None
    step = workflow.steps[number]
    place = draw.randrange(len(step.fields))
    name, value = step.fields[place]
    wrong = name + draw.choice("sxz")
    fields = (*step.fields[:place], (wrong, value), *step.fields[place + 1 :])
    return Damaged(with_step(workflow, number, replace(step, fields=fields)), number, wrong)


def _described(
    workflow: Workflow, draw: random.Random, fits: Callable[[ConfigField], bool]
) -> tuple[int, ConfigField] | None:
    """A field that a step has and the catalogue knows."""
    return pick(
        draw,
        [
            (number, field)
            for number, step in enumerate(workflow.steps)
            if (task := tasks.TASKS.get(step.task_id)) and task.known
            for field in task.fields_in(step.version)
            if fits(field) and field.id in dict(step.fields)
        ],
    )


@damage("CONFIG_FIELD_RESOLUTION_ERROR")
def required_field_left_out(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = _described(
        workflow, draw, lambda field: field.required and field.type not in ("Condition", "ApiCall")
    )
    if found is None:
        return None
    number, left_out = found
    step = workflow.steps[number]
    fields = tuple((name, value) for name, value in step.fields if name != left_out.id)
    return Damaged(with_step(workflow, number, replace(step, fields=fields)), number, left_out.id)


@damage("CONFIG_FIELD_RESOLUTION_ERROR")
def required_field_left_empty(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = _described(
        workflow, draw, lambda field: field.required and field.type not in ("Condition", "ApiCall")
    )
    return with_value(workflow, found[0], found[1].id, Text(draw.choice(("", None)))) if found else None


@damage("CONFIG_FIELD_RESOLUTION_ERROR")
def field_of_another_version(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = pick(
        draw,
        [
            (number, field.id)
            for number, step in enumerate(workflow.steps)
            if (task := tasks.TASKS.get(step.task_id))
            for field in task.config_fields.values()
            if not field.exists_in(step.version) and step.version in task.versions
        ],
    )
    return with_value(workflow, *found, Text("custom")) if found else None


def _wrong_value(name: str, fits: Callable[[ConfigField], bool], *values: str) -> None:
    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        found = _described(workflow, draw, fits)
        return with_value(workflow, found[0], found[1].id, Text(draw.choice(values))) if found else None

    apply.__name__ = name
    damage("CONFIG_FIELD_PARTNER_VALIDATION_ERROR")(apply)


_wrong_value("integer_that_is_none", lambda field: field.type == "Integer", "ten", "1.5", "1,000", "0x10")
_wrong_value("integer_above_its_range", lambda field: field.maximum is not None, "101", "250", "9" * 30)
_wrong_value("integer_below_its_range", lambda field: field.minimum is not None, "0", "-5")
_wrong_value("boolean_field_that_is_none", lambda field: field.type == "Boolean", "yes", "True", "1")
_wrong_value("choice_that_is_not_there", lambda field: bool(field.allowed), "SEND", "post", "later")
_wrong_value(
    "liquid_where_it_does_not_run",
    lambda field: not field.liquid and field.type in ("Integer", "Boolean", "Enum"),
    "{{ shop.name }}",
)
