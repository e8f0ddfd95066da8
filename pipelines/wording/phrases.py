"""Names, paths and values in words: every phrase says which one is meant, and every literal stands as it is.

Not here yet: the names that the admin shows for fields (`Total price` for `totalPriceSet.shopMoney.amount`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, Final

from pipelines.wording.styles import Style
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import (
    ApiCall,
    Bare,
    ConditionValue,
    Json,
    Path,
    PathValue,
    Reference,
    Text,
    Value,
)
from schemas.workflow.names import singular, snake
from schemas.workflow.scope import ITEM

__all__ = ["Phrases", "a", "capital", "listed", "noun_of", "parts_of", "words"]

_LONGEST: Final = 200
"""A longer text stands below the request."""
_OWNS: Final = "'s "
_QUOTES: Final = ('"', "'")
_ONE_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*")
_CAMEL: Final = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)*")
_CAPITAL: Final = re.compile("[A-Z]")
_FETCHED: Final = re.compile(r"get([A-Z][a-z]+(?:[A-Z][a-z]+)*)Data(\d*)")
_MONEY: Final = {"shopMoney": "in shop currency", "presentmentMoney": "in presentment currency"}


class Phrases:
    """Phrases of one request in one style; texts that do not fit into a sentence are collected in `below`."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.below: list[str] = []

    def quote(self, text: str) -> str:
        """A text as it is: in quotes that it does not hold, or below the request."""
        if len(text) <= _LONGEST and _ONE_LINE.fullmatch(text):
            for mark in _QUOTES:
                if mark not in text:
                    return f"{mark}{text}{mark}"
        if text not in self.below:
            self.below.append(text)
        return f"text {self.below.index(text) + 1}"

    def appendix(self) -> str:
        """The texts below, each between two fences that it does not hold."""
        parts = []
        for number, text in enumerate(self.below, 1):
            longest = max((len(run) for run in re.findall("`+", text)), default=0)
            fence = "`" * max(3, longest + 1)
            parts.append(f"\n\nText {number}:\n{fence}\n{text}\n{fence}")
        return "".join(parts)

    # -- paths ------------------------------------------------------------------------------------------

    def path(self, place: Path, items: Sequence[str] = ()) -> str:
        """A place of the environment; `items` are the variables of the lists around it, innermost last."""
        if self.style.paths == "dotted" and place.root not in items:
            return place.text
        if place.root in items:
            root = "it" if place.root == items[-1] else f"that {_item(place.root)}"
        else:
            root = _root(place.root)
        rest = parts_of(place.segments[1:])
        if not rest:
            return root
        if root == "it":
            root = "its"
            if self.style.paths != "of" or len(rest) == 1:
                return " ".join([root, _OWNS.join(rest)])
        if self.style.paths == "of":
            *outer, first = (f"the {part}" for part in reversed(rest))
            first = f"its {rest[0]}" if root == "its" else f"{first} of {root}"
            return " of ".join([*outer, first])
        return _OWNS.join([root, *rest])

    def thing(self, place: Path) -> str:
        """The object that a reference means: `order.customer.id` is the order's customer."""
        if self.style.paths == "dotted":
            return place.text
        if place.segments[-1] == "id" and len(place.segments) > 1:
            return self.path(Path(place.segments[:-1]))
        return f"whatever {self.path(place)} holds"

    # -- values -----------------------------------------------------------------------------------------

    def value(self, value: Value, *, is_text: bool = True) -> str:
        """A config value; `is_text` says whether its field holds plain text."""
        match value:
            case Text(text=None):
                return "null"
            case Text(text=str(text)):
                return self.quote(text) if is_text else f"the raw text {self.quote(text)}"
            case Bare(text=text):
                return text
            case Reference(target=Path() as place):
                return self.thing(place)
            case Reference(target=text):
                return self.quote(str(text))
            case PathValue(path=place):
                return self.path(place)
            case Json(text=text):
                return self.json(text)
            case ApiCall(name=name, arguments=arguments, blob=blob):
                input_ = (
                    self.json(arguments) if arguments is not None else f"the raw input {self.quote(blob)}"
                )
                return f"the mutation {name} with {input_}"
            case ConditionValue():
                return "a condition"
        raise AssertionError(value)

    def json(self, text: str) -> str:
        """A list of texts as a list, anything else as JSON."""
        found: Any = read_json(text)
        if isinstance(found, list) and found and all(isinstance(part, str) for part in found):
            return listed([self.quote(part) for part in found])
        return "an empty list" if found == [] else f"the JSON {self.quote(text)}"


def listed(parts: Sequence[str], last: str = " and ") -> str:
    """`a, b and c`."""
    return last.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def a(noun: str) -> str:
    """With its article: `an order`."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


@functools.lru_cache(maxsize=1 << 12)
def words(segment: str) -> str:
    """`lineItems` as `line items`; a name that would not come back is quoted."""
    return _CAPITAL.sub(r" \g<0>", segment).lower() if _CAMEL.fullmatch(segment) else f'"{segment}"'


def noun_of(place: Path) -> str:
    """What kind of object a reference such as `order.customer.id` means, by its last word: `customer`."""
    name = place.segments[-2]
    if not name.endswith(ITEM) or name == ITEM or len(place.segments) > 2:
        return words(name)
    found = _FETCHED.fullmatch(name.removesuffix(ITEM))
    return words(found[1][0].lower() + found[1][1:]) if found else _one(name.removesuffix(ITEM))


def parts_of(segments: Sequence[str]) -> list[str]:
    """The words of a path after its root; an amount of money is one part."""
    parts: list[str] = []
    place = 0
    while place < len(segments):
        head, *rest = segments[place : place + 3]
        if head.endswith("Set") and len(rest) == 2 and rest[0] in _MONEY and rest[1] == "amount":
            parts.append(f"{words(head.removesuffix('Set'))} {_MONEY[rest[0]]}")
            place += 3
        else:
            parts.append(words(head))
            place += 1
    return parts


def _root(name: str) -> str:
    if name.endswith(ITEM) and name != ITEM:
        source = name.removesuffix(ITEM)
        if found := _FETCHED.fullmatch(source):
            return f"this fetched {words(found[1][0].lower() + found[1][1:])}{_number(found[2])}"
        return f"this {_one(source)}"
    if found := _FETCHED.fullmatch(name):
        return f"the fetched {words(found[1][0].lower() + found[1][1:])} data{_number(found[2])}"
    return f"the {words(name)}"


def _number(digits: str) -> str:
    return f" no. {digits}" if digits else ""


def _item(name: str) -> str:
    """The variable of a list: `lineItems_item` is a line item."""
    return _one(name.removesuffix("_item")) if name.endswith("_item") else words(name)


def _one(plural: str) -> str:
    name = snake(plural)
    return singular(name).replace("_", " ") if name else f'"{plural}"'
