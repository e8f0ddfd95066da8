"""Normal form of conditions: what makes two conditions the same condition.

Terms of one operator are flat, the variable of a list operator is `<last segment>_item` (numbered where
that would capture another name), the capital first letter of older paths is lowered, and a literal is a
number or boolean only in its canonical text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from schemas.workflow.model import Compare, Condition, Constant, Logic, Path, Quantifier
from schemas.workflow.names import free

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,15}", re.ASCII)
MAX_NESTING: Final = 60
"""Levels of quantifiers and groups that a condition may have; Python text needs room for brackets."""


def is_number(text: str) -> bool:
    """Whether a Python number literal prints this very text again."""
    if _INTEGER.fullmatch(text):
        return text != "-0"
    return bool(_DECIMAL.fullmatch(text)) and repr(float(text)) == text


def constant(text: str, kind: str) -> Constant:
    """A literal of the asked kind, or a string where the text is not canonical for that kind."""
    if kind == "number" and is_number(text):
        return Constant(text, "number")
    if kind == "boolean" and text in ("true", "false"):
        return Constant(text, "boolean")
    return Constant(text)


def join(operator: Literal["and", "or"], terms: list[Condition]) -> Condition:
    """Terms under one operator, flat."""
    flat: list[Condition] = []
    for term in terms:
        if isinstance(term, Logic) and term.operator == operator:
            flat.extend(term.terms)
        else:
            flat.append(term)
    return flat[0] if len(flat) == 1 else Logic(operator, tuple(flat))


def item_name(source: Path) -> str:
    """The variable that Flow gives to an element of a list: `order.lineItems` gives `lineItems_item`."""
    return source.segments[-1] + "_item"


def normalise(condition: Condition) -> Condition:
    """Rename list variables and lower old capitals; the meaning stays."""
    return _rename(condition, {}, frozenset(_free_roots(condition, frozenset())))


def leaves(condition: Condition) -> Iterator[Compare | Quantifier]:
    """Comparisons and quantifiers in reading order, not looking inside quantifiers."""
    if isinstance(condition, Logic):
        for term in condition.terms:
            yield from leaves(term)
    else:
        yield condition


def paths(condition: Condition) -> Iterator[Path]:
    """Every path in reading order, list variables included."""
    match condition:
        case Compare(left=left, right=right):
            yield left
            if isinstance(right, Path):
                yield right
        case Logic(terms=terms):
            for term in terms:
                yield from paths(term)
        case Quantifier(source=source, body=body):
            yield source
            yield from paths(body)


def free_roots(condition: Condition) -> Iterator[str]:
    """First segments that the environment must provide, in reading order."""
    return _free_roots(condition, frozenset())


def _free_roots(condition: Condition, bound: frozenset[str]) -> Iterator[str]:
    match condition:
        case Compare(left=left, right=right):
            for side in (left, right):
                if isinstance(side, Path) and side.root not in bound:
                    yield lowered(side).root
        case Logic(terms=terms):
            for term in terms:
                yield from _free_roots(term, bound)
        case Quantifier(source=source, item=item, body=body):
            if source.root not in bound:
                yield lowered(source).root
            yield from _free_roots(body, bound | {item})


def lowered(place: Path) -> Path:
    """Older files write `Order.lineItems` where newer ones write `order.lineItems`."""
    root = place.segments[0]
    if not root[:1].isupper():
        return place
    return Path((root[0].lower() + root[1:], *place.segments[1:]))


def _rename(condition: Condition, bound: dict[str, str], taken: frozenset[str]) -> Condition:
    match condition:
        case Compare(operator=operator, left=left, right=right):
            return Compare(
                operator, _moved(left, bound), _moved(right, bound) if isinstance(right, Path) else right
            )
        case Logic(operator=operator, terms=terms):
            return join(operator, [_rename(term, bound, taken) for term in terms])
        case Quantifier(operator=operator, source=source, item=item, body=body):
            place = _moved(source, bound)
            name = free(item_name(place), taken)
            return Quantifier(operator, place, name, _rename(body, {**bound, item: name}, taken | {name}))


def _moved(place: Path, bound: dict[str, str]) -> Path:
    name = bound.get(place.root)
    if name is None:
        return lowered(place)
    return place if name == place.root else Path((name, *place.segments[1:]))
