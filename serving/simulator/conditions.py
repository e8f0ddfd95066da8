"""Conditions as a run asks them: true or false of one environment.

    test = prepared(condition, lambda place, items: environment.resolve(step, place.text, items))
    test({"order": {"totalPrice": "600.00"}})      # True for (order.totalPrice > 500)

What operators say of values, nil among them, is `comparisons.py`. Here is the rest:

* `any?` of an empty list is false, `none?` is true (Shopify's help centre) and `all?` is true (inferred: no
  item speaks against it). A list that is nil is an empty list (inferred).
* A path that ends in a list, or crosses one, stands for many values. Outside `any?`, `all?` and `none?` Flow
  does not save such a comparison (CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE), so here it is that
  error, whatever the list holds. Only `in?` may have a list on its right, from another path (inferred).
* Every term of `&&` and `||` is asked, so an error in one is an error of the whole, and the order of terms
  means nothing. The body of a list operator is asked of every item for the same reason.
* An empty condition is the error STEP_CONDITION_EMPTY.
* How two values are compared follows the type of the left path, else that of the right one, else the literal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from schemas.catalog.environment import Resolved, family
from schemas.workflow.condition_text import OPERATORS
from schemas.workflow.model import UNARY, Compare, Condition, Constant, Logic, Path, Quantifier
from serving.simulator.comparisons import KINDS, OPPOSITES, Kind, holds, is_nil_or_empty
from serving.simulator.environment import items_at, lookup
from serving.simulator.events import Json
from serving.simulator.trace import SimulationError

__all__ = ["Test", "TypeOf", "prepared", "seen"]

Test: TypeAlias = Callable[[Mapping[str, Json]], bool]
"""Asks one environment; raises SimulationError."""
TypeOf: TypeAlias = Callable[[Path, Mapping[str, str]], Resolved]
"""The type at the end of a path, given the types of the variables that list operators bind."""

_INSIDE_LIST: Final = "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE"
_NO_LIST: Final = "CONDITION_MAP_OVER_INVALID_TYPE"
_NO_ITEMS: Final[Mapping[str, str]] = {}


def prepared(condition: Condition | None, type_of: TypeOf) -> Test:
    """A condition ready to be asked many times. What is wrong with it is raised when it is asked."""
    if condition is None:
        return _failing(SimulationError("STEP_CONDITION_EMPTY", "the condition asks nothing"))
    return _prepared(condition, type_of, _NO_ITEMS)


def seen(condition: Condition | None, environment: Mapping[str, Json]) -> dict[str, Json]:
    """The values that a condition looks at, by path: of a list its `num_items`, `{}` for an object.

    What lies inside `any?`, `all?` and `none?` differs from item to item, so it is left out.
    """
    found: dict[str, Json] = {}
    places: list[Path] = []
    waiting = [condition] if condition else []
    while waiting:
        match waiting.pop(0):
            case Compare(left=left, right=right):
                places += [side for side in (left, right) if isinstance(side, Path)]
            case Logic(terms=terms):
                waiting[:0] = terms
            case Quantifier(source=source):
                places.append(source)
    for place in places:
        value = lookup(environment, place)
        if isinstance(value, list):
            value = {"num_items": len(value)}
        elif isinstance(value, dict):
            value = {}
        found[place.text] = value
    return found


def _prepared(condition: Condition, type_of: TypeOf, items: Mapping[str, str]) -> Test:
    match condition:
        case Compare():
            return _comparison(condition, type_of, items)
        case Logic(operator=operator, terms=terms):
            tests = [_prepared(term, type_of, items) for term in terms]
            decide = all if operator == "and" else any
            return lambda environment: decide([test(environment) for test in tests])
        case Quantifier(operator=operator, source=source, item=item, body=body):
            found = type_of(source, items)
            test = _prepared(body, type_of, {**items, item: found.type if found.kind == "list" else ""})
            return _quantified(operator, source, item, test)


def _quantified(operator: str, source: Path, item: str, test: Test) -> Test:
    def asked(environment: Mapping[str, Json]) -> bool:
        items = items_at(environment, source, _NO_LIST)
        answers = [test({**environment, item: value}) for value in items]
        if operator == "any":
            return any(answers)
        return all(answers) if operator == "all" else not any(answers)

    return asked


def _comparison(found: Compare, type_of: TypeOf, items: Mapping[str, str]) -> Test:
    operator, left, right = found.operator, found.left, found.right
    if operator not in OPERATORS:
        words = f"there is no operator {operator[:40]!r}"
        return _failing(SimulationError("INVALID_CONDITION_VALUE", words))
    if right is None and operator not in UNARY:
        return _failing(SimulationError("INVALID_CONDITION_VALUE", f"{operator} needs a right side"))
    ours = type_of(left, items)
    theirs = type_of(right, items) if isinstance(right, Path) else None
    for place, resolved in ((left, ours), (right, theirs)):
        if resolved is not None and isinstance(place, Path) and _is_many(resolved, place is right, operator):
            return _failing(_inside_list(place))
    if operator in UNARY:
        return _unary(operator, left)
    kind = KINDS[family(ours.type)]
    if kind == "unknown" and theirs is not None:
        kind = KINDS[family(theirs.type)]
    if isinstance(right, Constant):
        literal = _literal(right, kind)

        def with_literal(environment: Mapping[str, Json]) -> bool:
            return holds(operator, _single(environment, left), literal, kind)

        return with_literal
    assert right is not None  # looked at above

    def with_path(environment: Mapping[str, Json]) -> bool:
        value = lookup(environment, right) if operator in _SETS else _single(environment, right)
        return holds(operator, _single(environment, left), value, kind)

    return with_path


_SETS: Final = frozenset({"in?", "not_in?"})


def _is_many(resolved: Resolved, is_right: bool, operator: str) -> bool:
    if is_right and operator in _SETS:
        return False
    return resolved.kind == "list" or bool(resolved.list_prefixes)


def _unary(operator: str, left: Path) -> Test:
    """`nil?` and its kin. A right side that a file holds all the same means nothing."""
    positive = OPPOSITES.get(operator, operator)
    empty_too = positive == "empty_or_nil?"

    def asked(environment: Mapping[str, Json]) -> bool:
        value = _single(environment, left)
        found = is_nil_or_empty(value) if empty_too else value is None
        return found == (operator == positive)

    return asked


def _literal(literal: Constant, kind: Kind) -> Json:
    """The literal as a value: where the type of the path is not known, its own kind decides."""
    if kind != "unknown" or literal.kind == "string":
        return literal.text
    if literal.kind == "boolean":
        return literal.text == "true"
    return float(literal.text) if "." in literal.text else int(literal.text)


def _single(environment: Mapping[str, Json], place: Path) -> Json:
    value = lookup(environment, place)
    if isinstance(value, list):
        raise _inside_list(place)
    return value


def _inside_list(place: Path) -> SimulationError:
    return SimulationError(
        _INSIDE_LIST, f"{place.text} are the values of a list; ask any?, all? or none? of it"
    )


def _failing(error: SimulationError) -> Test:
    def asked(environment: Mapping[str, Json]) -> bool:
        raise SimulationError(error.code, error.message)

    return asked
