"""Damage to conditions: one comparison of a valid condition becomes a wrong one."""

from __future__ import annotations

import random

from schemas.catalog.environment import enum_values, family, fields_of
from schemas.workflow.model import (
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Logic,
    Path,
    Quantifier,
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
    places,
    strangers,
    too_early,
    value_of,
    with_value,
)

TEXT_OPERATORS = ("include?", "not_include?", "start_with?", "not_start_with?", "end_with?", "not_end_with?")
ORDER_OPERATORS = (">", ">=", "<", "<=")
EQUAL = ("==", "!=")


def _leaves(condition: Condition) -> int:
    match condition:
        case Logic(terms=terms):
            return sum(map(_leaves, terms))
        case Quantifier(body=body):
            return _leaves(body)
    return 1


def _planted(condition: Condition, number: int, wrong: Condition) -> Condition:
    """The condition with its n-th comparison exchanged."""
    match condition:
        case Logic(operator=operator, terms=terms):
            made = []
            for term in terms:
                size = _leaves(term)
                made.append(_planted(term, number, wrong) if 0 <= number < size else term)
                number -= size
            return Logic(operator, tuple(made))
        case Quantifier(operator=operator, source=source, item=item, body=body):
            return Quantifier(operator, source, item, _planted(body, number, wrong))
    return wrong


def _asked(workflow: Workflow) -> list[tuple[int, str]]:
    """Every condition that asks something."""
    found = holding(workflow, ConditionValue)
    return [each for each in found if _condition(workflow, each) is not None]


def _condition(workflow: Workflow, place: tuple[int, str]) -> Condition | None:
    value = value_of(workflow, *place)
    return value.condition if isinstance(value, ConditionValue) else None


def _plant(
    workflow: Workflow, draw: random.Random, wrong: Condition | None, number: int | None = None
) -> Damaged | None:
    found = [each for each in _asked(workflow) if number is None or each[0] == number]
    place = pick(draw, found)
    condition = _condition(workflow, place) if place else None
    if place is None or condition is None or wrong is None:
        return None
    made = _planted(condition, draw.randrange(_leaves(condition)), wrong)
    return with_value(workflow, *place, ConditionValue(made))


def _compare(
    workflow: Workflow, draw: random.Random, operator: str, path: str | None, literal: str | None
) -> Damaged | None:
    right = None if literal is None else Constant(literal)
    return _plant(workflow, draw, Compare(operator, a_path(path), right) if path else None)


# -- operators ------------------------------------------------------------------------------------------


@damage("CONDITION_TYPE_ERROR")
def text_operator_on_what_is_no_text(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "number", "date", "boolean")
    return _compare(workflow, draw, draw.choice(TEXT_OPERATORS), path, "5")


@damage("CONDITION_TYPE_ERROR")
def empty_asked_of_what_is_no_text(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "number", "date", "boolean")
    return _compare(workflow, draw, draw.choice(("empty_or_nil?", "not_empty_and_not_nil?")), path, None)


@damage("CONDITION_TYPE_ERROR")
def order_operator_on_what_has_no_order(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "string", "boolean", "enum", "id")
    return _compare(workflow, draw, draw.choice(ORDER_OPERATORS), path, "5")


@damage("CONDITION_TYPE_ERROR")
def set_operator_on_date_or_boolean(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "date", "boolean")
    return _compare(workflow, draw, draw.choice(("in?", "not_in?")), path, "true,false")


@damage("CONDITION_TYPE_ERROR")
def nil_asked_of_a_text(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(
        workflow, draw, draw.choice(("nil?", "not_nil?")), a_scalar(workflow, draw, "string"), None
    )


@damage("INVALID_CONDITION_VALUE")
def operator_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    wrong = draw.choice(("=", "equals", "includes?", "contains", "present?"))
    return _compare(workflow, draw, wrong, a_scalar(workflow, draw, "string"), "VIP")


@damage("INVALID_CONDITION_VALUE")
def existence_with_a_right_side(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(workflow, draw, "not_nil?", a_scalar(workflow, draw, "number", "date"), "5")


@damage("INVALID_CONDITION_VALUE")
def comparison_without_a_right_side(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(workflow, draw, draw.choice(EQUAL), a_scalar(workflow, draw, "number", "string"), None)


# -- literals -------------------------------------------------------------------------------------------


@damage("CONDITION_TYPE_ERROR")
def number_that_is_none(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path, literal = a_scalar(workflow, draw, "number"), draw.choice(("many", "1,5 EUR", "1e", "12 345"))
    return _compare(workflow, draw, draw.choice((*EQUAL, *ORDER_OPERATORS)), path, literal)


@damage("CONDITION_TYPE_ERROR")
def number_of_a_set_that_is_none(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(workflow, draw, "in?", a_scalar(workflow, draw, "number"), "1,two,3")


@damage("CONDITION_TYPE_ERROR")
def boolean_that_is_none(workflow: Workflow, draw: random.Random) -> Damaged | None:
    literal = draw.choice(("yes", "1", "True", "on"))
    return _compare(workflow, draw, draw.choice(EQUAL), a_scalar(workflow, draw, "boolean"), literal)


@damage("CONDITION_INVALID_DATE_VALUE")
def date_that_is_none(workflow: Workflow, draw: random.Random) -> Damaged | None:
    literal = draw.choice(("yesterday", "24.12.2026", "2026-13-01", "2026-02-30T08:00:00Z", "12/24/2026"))
    path = a_scalar(workflow, draw, "date")
    return _compare(workflow, draw, draw.choice((*EQUAL, *ORDER_OPERATORS)), path, literal)


@damage("CONDITION_INVALID_ENUM_VALUE")
def constant_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "enum")
    kind = next((kind for each, _, kind in places(workflow) if each == path), "")
    if not enum_values(kind):
        return None
    operator = draw.choice((*EQUAL, "in?"))
    literal = draw.choice(("NO_SUCH_VALUE", "paid or so", enum_values(kind)[0] + "X"))
    if operator == "in?":
        literal = f"{enum_values(kind)[0]},{literal}"
    return _compare(workflow, draw, operator, path, literal)


@damage("INVALID_CONDITION_VALUE")
def liquid_in_a_condition(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "string", "date", "number")
    literal = draw.choice(
        ("{{ shop.name }}", '{{ "now" | date_minus: "6 months" }}', "{% if x %}1{% endif %}")
    )
    return _compare(workflow, draw, "==", path, literal)


@damage("INVALID_CONDITION_VALUE")
def comparison_with_nothing(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(workflow, draw, draw.choice(EQUAL), a_scalar(workflow, draw, "string"), "")


# -- paths ----------------------------------------------------------------------------------------------


@damage("CONDITION_NON_PRIMITIVE")
def whole_object_compared(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(workflow, draw, draw.choice(EQUAL), an_object(workflow, draw), "x")


@damage("CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE")
def whole_list_compared(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = a_list(workflow, draw)
    return _compare(workflow, draw, draw.choice(("==", "include?")), found[0] if found else None, "x")


@damage("CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE")
def field_of_a_list_compared(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = a_list(workflow, draw)
    scalars = [
        field for field, kind in fields_of(found[1] if found else "").items() if family(kind) == "string"
    ]
    field = pick(draw, scalars)
    return _compare(workflow, draw, "==", f"{found[0]}.{field}" if found and field else None, "x")


@damage("CONDITION_MAP_OVER_INVALID_TYPE")
def items_asked_of_what_is_no_list(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_scalar(workflow, draw, "string", "number") or an_object(workflow, draw)
    if path is None:
        return None
    item = f"{path.rpartition('.')[2]}_item"
    asked = Quantifier(
        draw.choice(("any", "all", "none")), a_path(path), item, Compare("==", Path((item,)), Constant("x"))
    )
    return _plant(workflow, draw, asked)


@damage("CONDITION_RESOURCE_NOT_FOUND")
def field_that_its_type_lacks(workflow: Workflow, draw: random.Random) -> Damaged | None:
    return _compare(workflow, draw, draw.choice(EQUAL), misspelled(workflow, draw), "x")


@damage("CONDITION_RESOURCE_NOT_FOUND")
def list_that_its_type_lacks(workflow: Workflow, draw: random.Random) -> Damaged | None:
    path = a_path(misspelled(workflow, draw))
    return _plant(
        workflow, draw, Quantifier("any", path, "it_item", Compare("==", a_path("it_item.x"), Constant("x")))
    )


@damage("CONDITION_INCOMPATIBILITY")
def root_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    if not names_are_known(workflow):
        return None
    wrong = draw.choice(("ordre.name", "event.payload", "input.order.name", "line_item.title"))
    return _compare(workflow, draw, "==", wrong, "x")


@damage("CONFIG_FIELD_PATH_VALIDATION_ERROR")
def item_compared_outside_its_loop(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = strangers(workflow, draw, {number for number, _ in _asked(workflow)})
    if found is None:
        return None
    return _plant(workflow, draw, Compare("==", a_path(f"{found[1]}.id"), Constant("x")), found[0])


@damage("CONDITION_EMPTY_WORKFLOW_VARIABLE")
def output_compared_before_its_step(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = too_early(workflow, draw, {number for number, _ in _asked(workflow)})
    return _plant(workflow, draw, Compare("not_nil?", a_path(found[1]), None), found[0]) if found else None


@damage("CONDITION_TYPE_ERROR")
def sides_of_two_kinds(workflow: Workflow, draw: random.Random) -> Damaged | None:
    groups = draw.sample(("string", "number", "date", "boolean"), 2)
    left, right = (a_scalar(workflow, draw, group) for group in groups)
    return _plant(workflow, draw, Compare("==", a_path(left), a_path(right)) if left and right else None)


@damage("STEP_CONDITION_EMPTY")
def condition_that_asks_nothing(workflow: Workflow, draw: random.Random) -> Damaged | None:
    place = pick(draw, _asked(workflow))
    return with_value(workflow, *place, ConditionValue(None)) if place else None
