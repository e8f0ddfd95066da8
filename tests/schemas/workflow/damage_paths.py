"""Damage to the paths that config fields hold: objects to work on, and lists."""

from __future__ import annotations

import random

from schemas.catalog.environment import family, fields_of
from schemas.workflow.model import (
    Path,
    PathValue,
    Reference,
    Text,
    Workflow,
)
from tests.schemas.workflow.damage import (
    Damaged,
    a_list,
    a_path,
    a_scalar,
    an_object,
    damage,
    holding,
    misspelled,
    names_are_known,
    pick,
    strangers,
    too_early,
    with_value,
)


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
