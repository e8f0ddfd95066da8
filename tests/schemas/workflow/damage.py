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
from schemas.catalog.fields import ConfigField
from schemas.workflow.model import (
    ACTION,
    FOREACH,
    TRIGGER,
    Link,
    PatchedField,
    Path,
    PathValue,
    Reference,
    Step,
    Text,
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


# -- the graph ------------------------------------------------------------------------------------------


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


# -- references -----------------------------------------------------------------------------------------


def _reference(workflow: Workflow, draw: random.Random, target: Path | str | None) -> Damaged | None:
    found = pick(draw, holding(workflow, Reference))
    return with_value(workflow, *found, Reference(target)) if found and target else None


@damage("CONFIG_FIELD_NON_PRIMITIVE_ERROR")
def whole_object_as_reference(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = an_object(workflow, draw)
    return _reference(workflow, draw, a_path(found) if found else None)


@damage("CONFIG_FIELD_NON_PRIMITIVE_ERROR")
def reference_through_a_list(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = a_list(workflow, draw)
    return _reference(workflow, draw, a_path(f"{found[0]}.id") if found else None)


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def reference_to_what_is_no_id(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = a_scalar(workflow, draw, "string", "number", "date", "boolean", "enum")
    return _reference(workflow, draw, a_path(found) if found else None)


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def reference_to_a_field_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _reference(workflow, draw, a_path(misspelled(workflow, draw)))


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def reference_to_a_root_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    if not names_are_known(workflow):
        return None
    return _reference(workflow, draw, a_path(draw.choice(("ordre.id", "event.order.id", "input.id"))))


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def reference_to_another_kind_of_object(workflow: Workflow, draw: random.Random) -> Damaged | None:
    wanted = [
        each for each in holding(workflow, Reference) if each[1] in ("order_id", "product_id", "customer_id")
    ]
    found = pick(draw, wanted)
    if found is None:
        return None
    target: Path | str = draw.choice(
        (a_path("shop.id"), "gid://shopify/Shop/1", "gid://shopify/Metaobject/9")
    )
    return with_value(workflow, *found, Reference(target))


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def reference_that_is_plain_text(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _reference(workflow, draw, draw.choice(("the order", "#1001", "order", "12345")))


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def reference_outside_its_loop(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = strangers(workflow, draw, {number for number, _ in holding(workflow, Reference)})
    if found is None:
        return None
    field = next(name for number, name in holding(workflow, Reference) if number == found[0])
    return with_value(workflow, found[0], field, Reference(a_path(f"{found[1]}.id")))


@damage("CONFIG_FIELD_EMPTY_WORKFLOW_VARIABLE")
def reference_before_its_step(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = too_early(workflow, draw, {number for number, _ in holding(workflow, Reference)})
    if found is None:
        return None
    field = next(name for number, name in holding(workflow, Reference) if number == found[0])
    return with_value(workflow, found[0], field, Reference(a_path(f"{found[1]}.id")))


# -- lists ----------------------------------------------------------------------------------------------


def _looped(workflow: Workflow, draw: random.Random, field: str = "listpath") -> tuple[int, str] | None:
    return pick(draw, [each for each in holding(workflow, PathValue) if each[1] == field])


@damage("CONFIG_FIELD_MAP_OVER_INVALID_TYPE")
def list_that_is_no_list(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = pick(draw, holding(workflow, PathValue))
    path = a_scalar(workflow, draw, "string", "number", "date") or an_object(workflow, draw)
    return with_value(workflow, *found, PathValue(a_path(path))) if found and path else None


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def list_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = pick(draw, holding(workflow, PathValue))
    return with_value(workflow, *found, PathValue(a_path(misspelled(workflow, draw)))) if found else None


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def list_that_is_no_path(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = pick(draw, holding(workflow, PathValue))
    wrong = draw.choice(("{{ order.lineItems }}", "order line items", "order.lineItems[0]"))
    return with_value(workflow, *found, Text(wrong)) if found else None


@damage("CONFIG_FIELD_MAP_OVER_INVALID_TYPE")
def sum_of_what_is_no_number(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found, items = _looped(workflow, draw, "numberpath"), a_list(workflow, draw)
    if found is None or items is None:
        return None
    words = [field for field, kind in fields_of(items[1]).items() if family(kind) in ("string", "date", "id")]
    field = pick(draw, words)
    return with_value(workflow, *found, PathValue(a_path(f"{items[0]}.{field}"))) if field else None
