"""What the operators of conditions say of two values (Flow format section 8.2).

Values have a *family* (`schemas/catalog/environment.py`): text, ids and enums are compared without regard to
case, numbers by value (`"500.00"` is 500), dates as instants (a date alone is midnight UTC; the shop's time
zone is not simulated). A value whose family nobody knows goes by its literal: with a number it is compared
as a number where it is one, with true and false as a boolean, else as text.

| operator | something and nil | nil and something | nil and nil |
|---|---|---|---|
| `==` | false | false | true |
| `!=` | true | true | false |
| `>` `>=` `<` `<=` | false | false | false |
| `include?` `start_with?` `end_with?` | false | false | false |
| `not_include?` `not_start_with?` `not_end_with?` | true | true | true |
| `in?` | false | false | false |
| `not_in?` | true | true | true |

Each `not_` is the opposite of its operator, nil or not. `nil?` and `not_nil?` ask for nil alone, so an empty
text exists; `empty_or_nil?` is true of nil and the empty text, not of spaces. `in?` with nothing in its list
is false (Shopify's help centre: any of, with an empty array); it takes its literal apart at commas, without
the spaces around each part, and empty parts count for nothing.

Of the table all is inferred, and of the paragraph below it all but the empty array: no public source says
what Flow makes of nil.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from schemas.catalog.environment import Family
from serving.simulator.environment import text_of
from serving.simulator.events import Json
from serving.simulator.trace import SimulationError

__all__ = ["KINDS", "OPPOSITES", "Kind", "as_instant", "as_number", "holds", "is_nil_or_empty"]

Kind: TypeAlias = Literal["text", "number", "boolean", "date", "unknown"]
"""How values are compared."""

KINDS: Final[Mapping[Family, Kind]] = {
    "string": "text",
    "id": "text",
    "enum": "text",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "object": "unknown",
    "unknown": "unknown",
}
"""Family of a type -> how its values are compared."""
OPPOSITES: Final[Mapping[str, str]] = {
    "!=": "==",
    "not_include?": "include?",
    "not_start_with?": "start_with?",
    "not_end_with?": "end_with?",
    "not_in?": "in?",
    "not_nil?": "nil?",
    "not_empty_and_not_nil?": "empty_or_nil?",
}
"""Operator -> the one whose opposite it is."""
_TEXTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "include?": lambda left, right: right in left,
    "start_with?": lambda left, right: left.startswith(right),
    "end_with?": lambda left, right: left.endswith(right),
}
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_TYPE_ERROR: Final = "CONDITION_TYPE_ERROR"


def holds(operator: str, left: Json, right: Json, kind: Kind) -> bool:
    """Whether `left operator right` is so; `operator` is none that asks for nil, and no list is among them
    but the right side of `in?`.

    Raises:
        SimulationError: CONDITION_TYPE_ERROR, CONDITION_INVALID_DATE_VALUE or CONDITION_NON_PRIMITIVE for a
            value that cannot be compared so, INVALID_CONDITION_VALUE for an operator that does not exist.
    """
    if operator in OPPOSITES:
        return not holds(OPPOSITES[operator], left, right, kind)
    if operator == "in?":
        return left is not None and any(_same(left, part, kind) for part in _parts(right))
    if operator == "==":
        return left is right if left is None or right is None else _same(left, right, kind)
    if operator not in _TEXTS and operator not in _ORDERS:
        raise SimulationError("INVALID_CONDITION_VALUE", f"there is no operator {operator[:40]!r}")
    if left is None or right is None:
        return False
    if operator in _TEXTS:
        return _TEXTS[operator](_as_text(left), _as_text(right))
    return _ORDERS[operator](*_in_order(operator, left, right, kind))


def is_nil_or_empty(value: Json) -> bool:
    """Whether there is nothing, or an empty text."""
    return value is None or value == ""


def as_number(value: Json) -> Decimal:
    """The number that a value or its text is.

    Raises:
        SimulationError: CONDITION_TYPE_ERROR.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return Decimal(repr(value))
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise SimulationError(_TYPE_ERROR, f"{_shown(value)} is no number")


def as_instant(value: Json) -> datetime:
    """The moment that an ISO 8601 text says; without a zone it is UTC.

    Raises:
        SimulationError: CONDITION_INVALID_DATE_VALUE.
    """
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if found is not None:
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise SimulationError("CONDITION_INVALID_DATE_VALUE", f"{_shown(value)} is no date or time in ISO 8601")


def _same(left: Json, right: Json, kind: Kind) -> bool:
    if kind == "number":
        return as_number(left) == as_number(right)
    if kind == "date":
        return as_instant(left) == as_instant(right)
    if kind == "boolean":
        return _as_boolean(left) == _as_boolean(right)
    if kind == "unknown" and (_is_number(left) or _is_number(right)):
        numbers = _numbers(left, right)
        if numbers is not None:
            return numbers[0] == numbers[1]
    return _as_text(left) == _as_text(right)


def _in_order(operator: str, left: Json, right: Json, kind: Kind) -> tuple[Any, Any]:
    if kind == "number":
        return as_number(left), as_number(right)
    if kind == "date":
        return as_instant(left), as_instant(right)
    if kind == "unknown":
        numbers = _numbers(left, right)
        return numbers or (as_instant(left), as_instant(right))
    raise SimulationError(_TYPE_ERROR, f"{operator} is for numbers and dates, {_shown(left)} is {kind}")


def _numbers(left: Json, right: Json) -> tuple[Decimal, Decimal] | None:
    try:
        return as_number(left), as_number(right)
    except SimulationError:
        return None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_boolean(value: Json) -> bool:
    text = _as_text(value)
    if text not in ("true", "false"):
        raise SimulationError(_TYPE_ERROR, f"{_shown(value)} is neither true nor false")
    return text == "true"


def _as_text(value: Json) -> str:
    if isinstance(value, dict | list):
        kind = "a list" if isinstance(value, list) else "a whole object"
        raise SimulationError("CONDITION_NON_PRIMITIVE", f"{kind} cannot be compared; take one of its fields")
    return text_of(value).casefold()


def _parts(right: Json) -> list[Json]:
    """What `in?` looks for: the parts of a text, or the items of a list."""
    if isinstance(right, list):
        return right
    if right is None:
        return []
    return [part for part in map(str.strip, text_of(right).split(",")) if part]


def _shown(value: Json) -> str:
    text = repr(value) if not isinstance(value, dict | list) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."
