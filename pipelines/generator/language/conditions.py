"""Conditions: well-typed ones that Flow accepts, and any that the tree can hold."""

from __future__ import annotations

from typing import Final, Literal

from pipelines.generator.draw import Draw
from pipelines.generator.language.odd import any_path, ascii_path
from pipelines.generator.language.places import Place, Scope
from pipelines.generator.language.wording import any_text, word
from schemas.catalog.environment import enum_values, family
from schemas.workflow.condition_tree import constant, join, normalise
from schemas.workflow.model import UNARY, Compare, Condition, Constant, Path, Quantifier

__all__ = ["OPERATORS", "QUANTIFIERS", "any_condition", "valid_condition"]

_EXISTS: Final = ("nil?", "not_nil?")
_ORDER: Final = (">", ">=", "<", "<=")
_EQUAL: Final = ("==", "!=")
_AMONG: Final = ("in?", "not_in?")
_TEXT: Final = (
    "include?", "not_include?", "start_with?", "not_start_with?", "end_with?", "not_end_with?",
    "empty_or_nil?",
    "not_empty_and_not_nil?",
)  # fmt: skip
OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "string": (*_EQUAL, *_TEXT, *_AMONG),
    "number": (*_EQUAL, *_ORDER, *_AMONG, *_EXISTS),
    "date": (*_EQUAL, *_ORDER, *_EXISTS),
    "boolean": (*_EQUAL, *_EXISTS),
    "id": (*_EQUAL, *_EXISTS),
    "enum": (*_EQUAL, *_AMONG, *_EXISTS),
    "object": _EXISTS,
}
"""What Flow offers for each family of types (Flow format section 8.2)."""

_EVERY: Final = tuple(dict.fromkeys(operator for group in OPERATORS.values() for operator in group))
QUANTIFIERS: Final[tuple[Literal["any", "all", "none"], ...]] = ("any", "all", "none")
LOGIC: Final[tuple[Literal["and", "or"], ...]] = ("and", "or")
_WHOLE: Final = ("Int", "BigInt", "UnsignedInt64")
_COUNTS: Final = ("0", "1", "2", "5", "10", "100", "250", "1000")
_AMOUNTS: Final = ("0", "50", "99.5", "100", "500", "1000", "0.01", "-12.75")
_NUMERALS: Final = (*_COUNTS, *_AMOUNTS, "007", "-0", "1e3", "9" * 18, "0." + "1" * 15)
_UNHEARD: Final = ("new_one?", "", "is", "any?", "+ -", "'")
_DATES: Final = ("2026-01-01T00:00:00Z", "2025-11-28T12:30:00Z", "2027-03-31T23:59:59Z")


def valid_condition(draw: Draw, scope: Scope, depth: int = 2) -> Condition:
    """A condition on what is in scope, every operator and literal of the type's own."""
    return normalise(_valid(draw, scope, depth))


def _valid(draw: Draw, scope: Scope, depth: int) -> Condition:
    choice = draw.random()
    if depth and choice < 0.25:
        terms = [_valid(draw, scope, depth - 1) for _ in range(draw.between(2, 4))]
        return join(draw.pick(LOGIC), terms)
    if depth and choice < 0.45:
        place = scope.any_list(draw)
        item = f"{place.path.segments[-1]}_item" if place else ""
        asked = _asked_of(draw, Scope({item: place.type})) if place else None
        if place and asked:
            body: Condition = asked
            if draw.chance(0.4):  # something else beside it, perhaps another list
                more = _valid(draw, scope.plus(item, place.type), depth - 1)
                body = join(draw.pick(LOGIC), draw.mixed((asked, more)))
            return Quantifier(draw.pick(QUANTIFIERS), place.path, item, body)
    found = scope.object(draw) if choice > 0.95 else scope.scalar(draw)
    return _asked(draw, found or Place(Path(("shop", "name")), "String"), scope)


def _asked_of(draw: Draw, scope: Scope) -> Compare | None:
    found = scope.scalar(draw) or scope.scalar(draw, ("string", "id"))
    return _asked(draw, found, scope) if found else None


def _asked(draw: Draw, place: Place, scope: Scope) -> Compare:
    group = family(place.type)
    operator = draw.pick(OPERATORS[group if group in OPERATORS else "string"])
    if operator in UNARY:
        return Compare(operator, place.path, None)
    if operator not in _AMONG and draw.chance(0.12):
        other = scope.scalar(draw, (group,))
        if other is not None and other.type == place.type:
            return Compare(operator, place.path, other.path)
    if operator in _AMONG:
        parts = dict.fromkeys(_literal(draw, place.type).text for _ in range(draw.between(1, 3)))
        return Compare(operator, place.path, Constant(",".join(parts)))
    return Compare(operator, place.path, _literal(draw, place.type))


def _literal(draw: Draw, kind: str) -> Constant:
    match family(kind):
        case "number":
            return constant(draw.pick(_COUNTS if kind in _WHOLE else _AMOUNTS), "number")
        case "boolean":
            return Constant(draw.pick(("true", "false")), "boolean")
        case "date":
            return Constant(draw.pick(_DATES))
        case "enum":
            return Constant(draw.pick(enum_values(kind)))
        case "id":
            return Constant(f"gid://shopify/Product/{draw.between(1, 10**12)}")
        case _:
            text = word(draw)
            return Constant("VIP" if "{{" in text or "," in text else text)


# -- any condition --------------------------------------------------------------------------------------


def any_condition(draw: Draw) -> Condition:
    """A condition with any paths, operators, literals and shapes that a tree can hold."""
    if draw.chance(0.01):
        return normalise(_deep(draw, draw.between(20, 50)))
    return normalise(_any(draw, draw.pick((1, 2, 3, 3, 6)), ()))


def _deep(draw: Draw, levels: int) -> Condition:
    """Lists and groups inside each other, many levels of them."""
    found = _any(draw, 0, ("x",))
    for level in range(levels):
        if draw.chance(0.5):
            found = Quantifier(draw.pick(QUANTIFIERS), ascii_path(draw), draw.pick(("x", "li")), found)
        else:
            found = join(LOGIC[level % 2], draw.mixed((found, _any(draw, 0, ("x",)))))
    return found


def _any(draw: Draw, depth: int, items: tuple[str, ...]) -> Condition:
    choice = draw.random()
    if depth and choice < 0.35:
        return join(draw.pick(LOGIC), [_any(draw, depth - 1, items) for _ in range(draw.between(2, 4))])
    if depth and choice < 0.6:
        source = _operand(draw, items)
        item = draw.pick((f"{source.segments[-1]}_item", "li", "x", *items))
        body = _any(draw, depth - 1, (*items, item))
        return Quantifier(draw.pick(QUANTIFIERS), source, item, body)
    operator = draw.pick(_EVERY if draw.chance(0.97) else _UNHEARD)
    left = _operand(draw, items)
    right = None if operator in UNARY and draw.chance(0.9) else _any_right(draw, items)
    if operator in UNARY and right == Constant(""):  # what every unary operator carries
        right = None
    return Compare(operator, left, right)


def _operand(draw: Draw, items: tuple[str, ...]) -> Path:
    if items and draw.chance(0.6):
        rest = any_path(draw, odd=0.05).segments[1:]
        return Path((draw.pick(items), *rest[:2]))
    return any_path(draw, odd=0.05)


def _any_right(draw: Draw, items: tuple[str, ...]) -> Path | Constant:
    choice = draw.random()
    if choice < 0.2:
        return _operand(draw, items)
    if choice < 0.35:
        return constant(draw.pick(_NUMERALS), "number")
    if choice < 0.45:
        return Constant(draw.pick(("true", "false")), "boolean")
    if choice < 0.55:
        return Constant(draw.pick(("true", "false", "100", "1.5", "a,b,,c", ",", "", " ")))
    return Constant(any_text(draw))
