"""Part of an event: the values that a search has fixed so far; everything else is free.

A cell is a place of one event, with the number of each item: `("order", "lineItems", 0, "sku")`. A list that
is there has exactly the items that it shows; what is free is `FREE`, or not there. States are never changed:
`put` and `resized` answer with another one.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from serving.simulator.events import Json

__all__ = ["FREE", "Cell", "Conflict", "State", "look", "place_of", "put", "resized"]

Cell: TypeAlias = tuple[str | int, ...]
State: TypeAlias = dict[str, Any]


class Conflict(Exception):
    """What is fixed leaves no room for a value."""


class _Free:
    def __repr__(self) -> str:
        return "FREE"


FREE: Final = _Free()


def place_of(cell: Cell) -> tuple[str, ...]:
    """The cell without the numbers of items."""
    return tuple(part for part in cell if isinstance(part, str))


def look(state: Any, cell: Cell) -> Any:
    """What a cell holds: FREE where nothing says; None where it, or something before it, is absent."""
    at = state
    for part in cell:
        if at is None:
            return None
        if isinstance(part, int):
            at = at[part] if isinstance(at, list) and part < len(at) else FREE
        else:
            at = at.get(part, FREE) if isinstance(at, dict) else FREE
        if at is FREE:
            return FREE
    return at


def put(state: Any, cell: Cell, value: Json) -> Any:
    """A state where the cell holds the value; an empty object says that one is there.

    Raises:
        Conflict: where the cell holds another value, or something before it is absent.
    """
    if not cell:
        if state is FREE or (isinstance(state, dict) and value == {}):
            return value if state is FREE else state
        if state == value and type(state) is type(value):
            return value
        raise Conflict
    part, rest = cell[0], cell[1:]
    if isinstance(part, int):
        if not isinstance(state, list) or part >= len(state):
            raise Conflict
        return [*state[:part], put(state[part], rest, value), *state[part + 1 :]]
    if state is FREE:
        state = {}
    if not isinstance(state, dict):
        raise Conflict
    return {**state, part: put(state.get(part, FREE), rest, value)}


def resized(state: Any, cell: Cell, length: int) -> Any:
    """A state where the list at the cell has so many items; a shorter one is made longer.

    Raises:
        Conflict: where it has more items already, or there can be no list.
    """
    if not cell:
        if state is FREE:
            return [FREE] * length
        if not isinstance(state, list) or len(state) > length:
            raise Conflict
        return [*state, *[FREE] * (length - len(state))]
    part, rest = cell[0], cell[1:]
    if isinstance(part, int):
        if not isinstance(state, list) or part >= len(state):
            raise Conflict
        return [*state[:part], resized(state[part], rest, length), *state[part + 1 :]]
    if state is FREE:
        state = {}
    if not isinstance(state, dict):
        raise Conflict
    return {**state, part: resized(state.get(part, FREE), rest, length)}
