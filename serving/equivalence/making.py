"""An event out of a state: what the search fixed, and for all the rest values that can be told apart.

Two places never share a value by accident where their type has enough of them, so that `{{ order.name }}` and
`{{ order.email }}` differ. Every value depends on the seed and its place alone. A *plain* event has
everything in it; a *wild* one has values at the boundaries of conditions, absent fields, and lists of any
length.

Not here: objects that are one and the same on two places, sums that add up (`serving/synthetic_shop.py` has
people in whose shop the numbers look likely; here they only have to differ).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from schemas.catalog.environment import WHOLE_NUMBERS, enum_values, family, field_type, graphql_kind
from serving.equivalence.ground import NOW, Ground
from serving.equivalence.state import FREE, Cell, State, place_of
from serving.simulator.events import Json
from serving.synthetic_shop import Tree
from serving.synthetic_values import chance, draw

__all__ = ["Maker"]

_SCHEDULED: Final = "scheduledAt"
_PLAIN_ITEMS: Final = 2
_RECORDS: Final = 6
_FULL_LISTS: Final = 3
"""Lists inside each other of several items; below them one item each, or thirty loops double thirty times."""
_HINTED: Final = frozenset({"string", "number", "unknown"})


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the events of one pair with one seed."""

    ground: Ground
    seed: int
    wild: bool = False

    def roots(self, state: State) -> dict[str, Json]:
        """The roots of the event: all that either workflow reads."""
        roots: dict[str, Json] = {}
        for root in dict.fromkeys([*self.ground.read, *state]):
            if root != _SCHEDULED:
                notation = self.ground.notation(root)
                tree = self.ground.read.get(root, {})
                roots[root] = self.value(state.get(root, FREE), notation, tree, (root,))
        return roots

    def value(self, state: Any, notation: str, tree: Tree, cell: Cell) -> Json:
        """What is at one cell."""
        is_item = isinstance(cell[-1], int)
        if notation.startswith("[") or isinstance(state, list):
            return self.list(state, notation.strip("[]"), tree, cell)
        if state is None or (state is not FREE and not isinstance(state, dict)):
            return state
        is_object = (
            bool(tree) or isinstance(state, dict) or graphql_kind(notation, self.ground.local) == "object"
        )
        if state is FREE and self.wild and not is_item and len(cell) > 1 and self.luck(cell, "nil") < 0.07:
            return None
        if is_object:
            return self.object(state, notation, tree, cell)
        return self.scalar(notation, cell)

    def list(self, state: Any, kind: str, tree: Tree, cell: Cell) -> Json:
        length = len(state) if isinstance(state, list) else self.length(cell)
        items = state if isinstance(state, list) else [FREE] * length
        return [self.value(item, kind, tree, (*cell, number)) for number, item in enumerate(items)]

    def length(self, cell: Cell) -> int:
        if len(cell) == 1:
            return _RECORDS
        if sum(isinstance(part, int) for part in cell) >= _FULL_LISTS:
            return 1
        if not self.wild:
            return _PLAIN_ITEMS
        return (0, 1, 1, 2, 2, 3)[self.number(cell, "length") % 6]

    def object(self, state: Any, kind: str, tree: Tree, cell: Cell) -> Json:
        fixed: Mapping[str, Any] = state if isinstance(state, dict) else {}
        found = {}
        for field in dict.fromkeys([*tree, *fixed]):
            notation = field_type(kind, field, self.ground.local) if kind else ""
            below = tree.get(field, {})
            found[field] = self.value(fixed.get(field, FREE), notation or "", below, (*cell, field))
        if not found:
            found["id"] = self.scalar("ID", (*cell, "id"))
        return found

    def scalar(self, kind: str, cell: Cell) -> Json:
        place = place_of(cell)
        if self.wild or (len(cell) > 1 and isinstance(cell[1], int)):  # records should be of all kinds
            if self.ground.is_asked(place) and self.luck(cell, "asked") < 0.75:
                values = self.ground.values(place)
                return values[self.number(cell, "value") % len(values)]
            hints = self.ground.hints(place) if family(kind) in _HINTED else ()
            if hints and self.luck(cell, "hint") < 0.4:
                return _typed(hints[self.number(cell, "hint") % len(hints)], kind)
        return self.plain(kind, cell)

    def plain(self, kind: str, cell: Cell) -> Json:
        """A value that no other place is likely to have."""
        number = self.number(cell, "plain")
        constants = self.ground.local.enums.get(kind) or enum_values(kind)
        if constants:
            return constants[number % len(constants)]
        name = next(part for part in reversed(cell) if isinstance(part, str))
        match family(kind) if kind else "unknown":
            case "boolean":
                return number % 2 == 0
            case "number":
                return _number(kind, number)
            case "date":
                moment = NOW - timedelta(minutes=number % 400_000)
                text = (
                    moment.date().isoformat() if kind == "Date" else moment.replace(tzinfo=None).isoformat()
                )
                return text if kind == "Date" else f"{text}Z"
            case "id":
                return f"gid://shopify/{self.owner(cell)}/{number % 10**7}"
            case _:
                if "email" in name.lower():
                    return f"{name}{number % 1000}@example.com"
                return f"{name} {number % 10_000}"

    def owner(self, cell: Cell) -> str:
        """The type of the object that has the field."""
        place = place_of(cell)[:-1]
        return (self.ground.type_of(place).type if place else "") or "Node"

    def luck(self, cell: Cell, what: str) -> float:
        return chance(f"{self.seed}/{cell}/{what}")

    def number(self, cell: Cell, what: str) -> int:
        return draw(f"{self.seed}/{cell}/{what}")


def _number(kind: str, number: int) -> Json:
    if kind == "Int":
        return number % 900 + 3
    if kind == "Float":
        return (number % 90_000 + 300) / 100
    if kind in WHOLE_NUMBERS:
        return str(number % 10**6 + 3)
    return f"{(number % 90_000 + 300) / 100:.2f}"


def _typed(text: str, kind: str) -> Json:
    """A hint as the field would hold it."""
    if family(kind) != "number":
        return text
    try:
        number = float(text)
    except ValueError:
        return _number(kind, len(text))
    if kind == "Int":
        return int(number)
    return number if kind == "Float" else f"{number:.2f}"
