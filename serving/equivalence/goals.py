"""What an event has to make true, and a search for values that do.

    goals = [Enter(path("order.lineItems"), "lineItems_item"), Holds(condition, True)]
    next(Search(...).states(goals))     # a State, such as {"order": {"lineItems": [{"sku": "A"}]}}

The values tried at a place are few (`values.py`), so the search tries them in turn, and steps back where
what is fixed leaves no room. It is bounded: after `MOST_TRIES` choices a goal counts as out of reach. A goal
on what nobody can fix, such as what code gives back, is passed over; the run tells what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from schemas.catalog.environment import Resolved
from schemas.workflow.condition_tree import lowered
from schemas.workflow.model import Compare, Condition, Logic, Path, Quantifier
from serving.equivalence.state import FREE, Cell, Conflict, State, look, place_of, put, resized
from serving.simulator.conditions import prepared
from serving.simulator.events import Json
from serving.simulator.trace import SimulationError

__all__ = ["Enter", "Give", "Goal", "Holds", "Length", "Measure", "Search"]

MOST_TRIES: Final = 400


@dataclass(frozen=True, slots=True)
class Enter:
    """The list has an item, which `item` names from here on."""

    source: Path
    item: str
    companion: tuple[Condition, bool] | None = None
    """A second item, for which this condition is true or false."""


@dataclass(frozen=True, slots=True)
class Give:
    """A place has a value."""

    place: Path
    value: Json


@dataclass(frozen=True, slots=True)
class Length:
    """A list has so many items."""

    source: Path
    length: int


@dataclass(frozen=True, slots=True)
class Holds:
    """A condition is true, or is false."""

    condition: Condition
    wanted: bool


Goal: TypeAlias = Enter | Give | Length | Holds


@dataclass(frozen=True, slots=True)
class Measure:
    """An output that counts or adds up a list: no value of the event, and still in its hands."""

    place: Path
    counts: bool
    """Whether it counts; else it adds up."""


@dataclass(frozen=True, slots=True)
class _Found:
    state: State
    items: Mapping[str, Cell]


class Search:
    """Looks for states in the world of one workflow.

    Args:
        roots: First segments that an event can fix.
        measures: What Count and Sum steps bring, by the name of their output.
        values: The values to try at a place, by what it is: a place without numbers of items.
        type_of: What lies at a place.
    """

    def __init__(
        self,
        roots: frozenset[str],
        measures: Mapping[str, Measure],
        values: Callable[[tuple[str, ...]], Sequence[Json]],
        type_of: Callable[[tuple[str, ...]], Resolved],
    ) -> None:
        self.roots = roots
        self.measures = measures
        self.values = values
        self.type_of = type_of
        self.tries = 0

    def states(self, goals: Sequence[Goal]) -> Iterator[State]:
        """States in which all goals are met, the first found first; nothing where none was found."""
        self.tries = 0
        for found in self._all(goals, _Found({}, {})):
            yield found.state

    def cell(self, place: Path, items: Mapping[str, Cell]) -> Cell | None:
        """Where a path leads; None where no event can say what is there."""
        root = place.root
        if root in items:
            return (*items[root], *place.segments[1:])
        place = lowered(place)
        return place.segments if place.root in self.roots else None

    def _reached(self, cell: Cell, state: State) -> tuple[Cell, State]:
        """The cell with the first item of each list on its way, which is made where it is free.

        Raises:
            Conflict: where such a list is empty.
        """
        inner: list[str | int] = []
        for number, part in enumerate(cell):
            inner.append(part)
            is_last = number == len(cell) - 1
            if is_last or isinstance(part, int) or isinstance(cell[number + 1], int):
                continue
            if self.type_of(place_of(tuple(inner))).kind == "list":
                already = look(state, tuple(inner))
                if already is FREE:
                    state = resized(state, tuple(inner), 1)
                elif not already:
                    raise Conflict
                inner.append(0)
        return tuple(inner), state

    def _all(self, goals: Sequence[Goal], found: _Found) -> Iterator[_Found]:
        if not goals:
            yield found
            return
        for after in self._met(goals[0], found):
            yield from self._all(goals[1:], after)

    def _met(self, goal: Goal, found: _Found) -> Iterator[_Found]:
        self.tries += 1
        if self.tries > MOST_TRIES:
            return
        try:
            match goal:
                case Holds(condition=condition, wanted=wanted):
                    yield from self._holds(condition, wanted, found)
                case Enter():
                    yield from self._entered(goal, found)
                case Give(place=place, value=value):
                    cell = self.cell(place, found.items)
                    if cell is not None:
                        cell, state = self._reached(cell, found.state)
                        yield _Found(put(state, cell, value), found.items)
                case Length(source=source, length=length):
                    cell = self.cell(source, found.items)
                    if cell is not None:
                        cell, state = self._reached(cell, found.state)
                        yield _Found(resized(state, cell, length), found.items)
        except Conflict:
            return

    def _entered(self, goal: Enter, found: _Found) -> Iterator[_Found]:
        cell = self.cell(goal.source, found.items)
        if cell is None:
            yield found  # nobody can say what is in the list; running the event tells
            return
        cell, state = self._reached(cell, found.state)
        already = look(state, cell)
        length = max(2 if goal.companion else 1, len(already) if isinstance(already, list) else 0)
        state = resized(state, cell, length)
        for number in range(length):
            within = _Found(state, {**found.items, goal.item: (*cell, number)})
            if goal.companion is None:
                yield within
                continue
            body, wanted = goal.companion
            for other in range(length):
                if other != number:
                    beside = {**found.items, goal.item: (*cell, other)}
                    for after in self._holds(body, wanted, _Found(state, beside)):
                        yield _Found(after.state, within.items)

    # -- conditions -------------------------------------------------------------------------------------

    def _holds(self, condition: Condition, wanted: bool, found: _Found) -> Iterator[_Found]:
        match condition:
            case Compare():
                yield from self._compared(condition, wanted, found)
            case Logic(operator=operator, terms=terms):
                if wanted == (operator == "and"):
                    yield from self._all([Holds(term, wanted) for term in terms], found)
                else:
                    for term in terms:
                        yield from self._met(Holds(term, wanted), found)
            case Quantifier():
                yield from self._quantified(condition, wanted, found)

    def _quantified(self, asked: Quantifier, wanted: bool, found: _Found) -> Iterator[_Found]:
        cell = self.cell(asked.source, found.items)
        if cell is None:
            yield found
            return
        some = wanted == (asked.operator == "any")
        of_body = wanted if asked.operator != "none" else not wanted
        already = look(found.state, cell)
        items = already if isinstance(already, list) else None
        if some:
            for number in range(len(items or ()) + 1):
                state = resized(found.state, cell, max(number + 1, len(items or ())))
                yield from self._item(asked, (*cell, number), of_body, _Found(state, found.items))
        elif items is None:
            state = resized(found.state, cell, 1)
            yield from self._item(asked, (*cell, 0), of_body, _Found(state, found.items))
            yield _Found(resized(found.state, cell, 0), found.items)
        else:
            yield from self._each(asked, cell, len(items), of_body, found)

    def _each(
        self, asked: Quantifier, cell: Cell, length: int, wanted: bool, found: _Found
    ) -> Iterator[_Found]:
        if length == 0:
            yield found
            return
        for after in self._item(asked, (*cell, length - 1), wanted, found):
            yield from self._each(asked, cell, length - 1, wanted, after)

    def _item(self, asked: Quantifier, item: Cell, wanted: bool, found: _Found) -> Iterator[_Found]:
        within = _Found(found.state, {**found.items, asked.item: item})
        for after in self._met(Holds(asked.body, wanted), within):
            yield _Found(after.state, found.items)

    def _compared(self, asked: Compare, wanted: bool, found: _Found) -> Iterator[_Found]:
        left = self.cell(asked.left, found.items)
        measure = self.measures.get(lowered(asked.left).root) if left is None else None
        if measure is not None:
            yield from self._measured(measure, asked, wanted, found)
            return
        right = self.cell(asked.right, found.items) if isinstance(asked.right, Path) else None
        if left is None or (isinstance(asked.right, Path) and right is None):
            yield found
            return
        for state, value in self._choices(left, found.state):
            if right is None:
                if self._answers(asked, left, value, None, wanted):
                    yield _Found(state, found.items)
                continue
            for both, other in self._choices(right, state):
                if self._answers(asked, left, value, other, wanted):
                    yield _Found(both, found.items)

    def _choices(self, cell: Cell, state: State) -> Iterator[tuple[State, Json]]:
        held = look(state, cell)
        if held is not FREE:
            yield state, held
            return
        for value in self.values(place_of(cell)):
            self.tries += 1
            try:
                after = put(state, cell, value)
            except Conflict:
                continue
            yield after, value

    def _answers(self, asked: Compare, cell: Cell, value: Json, other: Json, wanted: bool) -> bool:
        """Whether the comparison of these two values comes out as wanted; never where it is an error."""
        resolved = self.type_of(place_of(cell))
        one = Resolved("scalar", resolved.type, resolved.graphql_kind, ())
        right = Path(("right",)) if isinstance(asked.right, Path) else asked.right
        test = prepared(Compare(asked.operator, Path(("left",)), right), lambda place, items: one)
        try:
            return test({"left": value, "right": other}) == wanted
        except SimulationError:
            return False

    def _measured(self, measure: Measure, asked: Compare, wanted: bool, found: _Found) -> Iterator[_Found]:
        cell = self.cell(measure.place, found.items)
        if cell is None:
            yield found
            return
        kind = Resolved("scalar", "Int" if measure.counts else "Float", "scalar", ())
        test = prepared(Compare(asked.operator, Path(("left",)), asked.right), lambda place, items: kind)
        for value in self.values(lowered(asked.left).segments):
            try:
                if not isinstance(value, int | float) or test({"left": value}) != wanted:
                    continue
                yield _Found(self.measuring(measure, cell, value, found.state), found.items)
            except (Conflict, SimulationError):
                continue

    def measuring(self, measure: Measure, cell: Cell, value: float, state: State) -> State:
        """A state in which Count or Sum gives the value.

        Raises:
            Conflict: where it cannot.
        """
        if measure.counts:
            if value < 0 or value != int(value) or value > 250:
                raise Conflict
            inner, state = self._reached(cell, state)
            return dict(resized(state, inner, int(value)))
        inner, state = self._reached(cell, state)
        kind = self.type_of(place_of(cell)).type
        written: Json = value if kind in ("Int", "Float") else f"{value:.2f}"
        return dict(put(state, inner, written))
