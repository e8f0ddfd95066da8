"""Values at which a comparison changes its answer: just below, at and above each literal, present and absent.

    boundary_values("Money", [Asked(">", "500", "number")])
    # ["499.99", "500.00", "500.01", "0.00", "1500.01", None]

Several literals of one place give the boundaries of all of them, so that each stretch between two of them has
a value. Forms are those of `serving/simulator/events.py`: Decimal and Money are texts, Int and Float numbers,
dates are ISO 8601 texts in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from schemas.catalog.environment import WHOLE_NUMBERS, Local, enum_values, family
from schemas.workflow.model import Compare, Constant
from serving.simulator.events import Json

__all__ = ["Asked", "asked_by", "boundary_values"]

_AMONG: Final = frozenset({"in?", "not_in?"})
_NUMBERS: Final = frozenset({"Int", "Float"})
"""Number types whose values are JSON numbers; of the others they are texts."""
_OTHER_TEXT: Final = "something else"
_MOST_VALUES: Final = 40
"""Of one place; of hundreds of literals the first are tried."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One literal that a place is compared with."""

    operator: str
    text: str
    kind: str
    """`string`, `number` or `boolean`, as in `Constant`."""


def asked_by(comparison: Compare) -> Iterable[Asked]:
    """The literals of a comparison: each part of a list for `in?`."""
    right = comparison.right
    if not isinstance(right, Constant):
        return
    operator = comparison.operator
    parts = [part.strip() for part in right.text.split(",")] if operator in _AMONG else [right.text]
    for part in parts:
        yield Asked(operator, part, right.kind)


def boundary_values(type_name: str, asked: Sequence[Asked], local: Local) -> list[Json]:
    """The values that are worth trying at a place of this type, absent (None) last.

    Literals come in the order of `asked`: the first ones are sure to be tried. `type_name` is empty where
    nobody knows the type: the literals tell.
    """
    enums = local.enums.get(type_name) or enum_values(type_name)
    known = "enum" if enums else family(type_name)
    group = _group_of(asked) if known == "unknown" or not type_name else known
    found: list[Json]
    if group == "number":
        found = list(_numbers(type_name, asked))
    elif group == "boolean":
        found = [True, False]
    elif group == "date":
        found = list(_dates(type_name, asked))
    elif group == "enum":
        found = list(_constants(enums, asked))
    elif group == "id":
        found = list(_ids(asked))
    elif group == "object":
        found = [{}]
    else:
        found = list(_texts(asked))
    unique = {repr(value): value for value in found}
    return [*list(unique.values())[:_MOST_VALUES], None]


def _group_of(asked: Sequence[Asked]) -> str:
    kinds = {each.kind for each in asked}
    if kinds == {"number"} or kinds == {"boolean"}:
        return kinds.pop()
    if asked and all(_number(each.text) is not None for each in asked):
        return "number"
    if asked and all(_moment(each.text) is not None for each in asked):
        return "date"
    return "string"


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < 10**18 else None


def _numbers(type_name: str, asked: Sequence[Asked]) -> Iterable[Json]:
    literals = list(dict.fromkeys(number for each in asked if (number := _number(each.text)) is not None))
    whole = type_name in WHOLE_NUMBERS or (not type_name and all(x == x.to_integral() for x in literals))
    step = Decimal(1)
    if not whole:
        digits = max([2, *(-int(x.as_tuple().exponent) for x in literals)])
        step = Decimal(1).scaleb(-digits)
    near = [x + way * step for x in literals for way in (0, 1, -1)]
    most = max(literals, default=Decimal(2))
    for x in dict.fromkeys([*near, Decimal(0), most + 1000, Decimal(7)]):
        yield _written(x.to_integral() if whole else x, type_name)


def _written(x: Decimal, type_name: str) -> Json:
    if type_name == "Int" or (not type_name and x == x.to_integral()):
        return int(x)
    if type_name in _NUMBERS or not type_name:
        return float(x)
    if type_name in WHOLE_NUMBERS:
        return str(int(x))
    return f"{x:.2f}" if x == round(x, 2) else f"{x:f}"


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _dates(type_name: str, asked: Sequence[Asked]) -> Iterable[Json]:
    literals = list(dict.fromkeys(moment for each in asked if (moment := _moment(each.text)) is not None))
    literals = literals or [datetime(2026, 11, 2, tzinfo=UTC)]
    is_day = type_name == "Date"
    step = timedelta(days=1) if is_day else timedelta(seconds=1)
    far = timedelta(days=400)
    near = [moment + way * step for moment in literals for way in (0, 1, -1)]
    for moment in [*near, min(literals) - far, max(literals) + far]:
        yield moment.date().isoformat() if is_day else f"{moment.replace(tzinfo=None).isoformat()}Z"


def _constants(enums: Sequence[str], asked: Sequence[Asked]) -> Iterable[Json]:
    named = list(dict.fromkeys(each.text.upper() for each in asked if each.text.upper() in enums))
    yield from named
    yield from [constant for constant in enums if constant not in named][:2]


def _ids(asked: Sequence[Asked]) -> Iterable[Json]:
    named = list(dict.fromkeys(each.text for each in asked if each.text))
    yield from named
    for text in named:
        head, _, tail = text.rpartition("/")
        if tail.isdecimal():
            yield f"{head}/{int(tail) + 1}"
    if not named:
        yield "gid://shopify/Product/1"
        yield "gid://shopify/Product/2"


def _texts(asked: Sequence[Asked]) -> Iterable[Json]:
    named = list(dict.fromkeys(each.text for each in asked if each.text))
    yield from named
    yield _OTHER_TEXT
    for text in named:
        yield from (f"{text} and more", f"some {text}", f"so {text} it is", text.swapcase())
        if len(text) > 1:
            yield text[:-1]
            yield text[1:]
    yield ""
