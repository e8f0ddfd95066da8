"""What two workflows look at, together: the places, the literals they are compared with, the values to try.

Both are run on the same events, so everything here is of the pair: a boundary of one is tried in the other.
Outputs of steps that the outside would give (records of Get data, answers to requests) are roots of the event
too, one for all steps of a task: `getOrderData1` searches the records of `getOrderData`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.catalog import tasks
from schemas.catalog.catalogue import FETCH_PREFIX
from schemas.catalog.environment import UNKNOWN, Local, Resolved, follow
from schemas.workflow.checks.liquid import liquid_texts
from schemas.workflow.checks.run_code import RUN_CODE
from schemas.workflow.model import (
    Compare,
    Condition,
    ConditionValue,
    Logic,
    Path,
    PathValue,
    Quantifier,
    Step,
    Text,
    Workflow,
)
from schemas.workflow.scope import output_names
from serving.equivalence.goals import Measure
from serving.equivalence.records import Sought, sought_by
from serving.equivalence.values import Asked, asked_by, boundary_values
from serving.simulator.events import Event, Json
from serving.simulator.reads import Place, Reading, reads
from serving.synthetic_shop import Tree, merged

__all__ = ["NOW", "Ground", "Side"]

NOW: Final = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""When every event happens."""
_COUNT: Final = "shopify::flow::count"
_SUM: Final = "shopify::flow::sum"
_INNER: Final = frozenset({_COUNT, _SUM, RUN_CODE})
"""Tasks whose output the run works out by itself."""
_LITERAL: Final = re.compile(
    r"'([^'\n]{1,40})'|\"([^\"\n]{1,40})\"|(?<![\w.])(\d{1,9}(?:\.\d{1,4})?)(?![\w.])"
)
_MOST_LITERALS: Final = 12


class Side:
    """One of the two workflows."""

    def __init__(self, workflow: Workflow, handles: Mapping[str, str] | None = None) -> None:
        self.workflow = workflow
        self.handles = handles or {}
        """Handle of a patched field -> the one under which events hold it."""
        self.reading = Reading(workflow)
        self.environment = self.reading.environment
        self.places = self.reading.read()
        self.outputs = output_names(workflow.steps)
        self.pools: dict[str, str] = {}
        """Output -> the root of the event that its values come from."""
        self.measures: dict[str, Measure] = {}
        self.sought: dict[str, Sought] = {}
        """Output -> what the Get data step that gives it asks for."""
        for step, output in zip(workflow.steps, self.outputs, strict=True):
            if output is None:
                continue
            if step.task_id not in _INNER:
                self.pools[output] = tasks.output_name(step.task_id) or output
                sought = sought_by(step)
                if sought is not None:
                    self.sought[output] = sought
            elif step.task_id != RUN_CODE:
                for _, value in step.fields:
                    if isinstance(value, PathValue):
                        self.measures[output] = Measure(value.path, step.task_id == _COUNT)

    def pooled(self, place: Place) -> Place:
        """The place in an event."""
        below = (
            tuple(self.handles.get(segment, segment) for segment in place[1:]) if self.handles else place[1:]
        )
        return (self.pools.get(place[0], place[0]), *below)

    def conditions(self) -> Iterator[tuple[int, Condition]]:
        for number, step in enumerate(self.workflow.steps):
            for _, value in step.fields:
                if isinstance(value, ConditionValue) and value.condition is not None:
                    yield number, value.condition

    def notation(self, root: str) -> str | None:
        """The type of a root of the event; None where no step sees it."""
        names = [name for name, pool in self.pools.items() if pool == root] or [root]
        for name in names:
            for number in range(len(self.workflow.steps)):
                found = self.environment.root(number, name)
                if found is not None:
                    return found
        return None


class Ground:
    """The pair."""

    def __init__(self, a: Workflow, b: Workflow) -> None:
        self.sides = (Side(a), Side(b, _renamed_handles(a, b)))
        self.local = _both(self.sides[0].environment.local, self.sides[1].environment.local)
        self.read: dict[str, Tree] = {}
        for side in self.sides:
            for root, tree in reads(side.workflow).items():
                if side.pools.get(root) or root not in side.outputs:
                    pool = side.pools.get(root, root)
                    self.read[pool] = merged(self.read.get(pool, {}), _renamed(tree, side.handles))
        self.records = {
            tasks.output_name(step.task_id)
            for side in self.sides
            for step in side.workflow.steps
            if step.task_id.startswith(FETCH_PREFIX)
        }
        """Roots that hold the records of Get data."""
        self._asked: dict[Place, dict[Asked, None]] = defaultdict(dict)
        self._counted: dict[tuple[Place, Asked], Counter[int]] = defaultdict(Counter)
        """How often each side asks a literal of a place."""
        self._hints: dict[Place, dict[str, None]] = defaultdict(dict)
        self._linked: dict[Place, set[Place]] = defaultdict(set)
        for side in self.sides:
            for _, condition in side.conditions():
                self._ask(side, condition, {})
            for number, step in enumerate(side.workflow.steps):
                self._hint(side, number, step)
            for output, sought in side.sought.items():
                pool = side.pools[output]
                self.read[pool] = merged(self.read.get(pool, {}), sought.tree)
                for place, literal in sought.literals():
                    self._note(side, (pool, *place), literal)
        self._values: dict[Place, list[Json]] = {}
        self._types: dict[Place, Resolved] = {}
        self._notations: dict[str, str] = {}

    def notation(self, root: str) -> str:
        """The type of a root, empty where nobody knows it."""
        if root not in self._notations:
            found = (side.notation(root) for side in self.sides)
            self._notations[root] = next((kind for kind in found if kind), "")
        return self._notations[root]

    def type_of(self, place: Place) -> Resolved:
        """What lies at a place of the event."""
        if place not in self._types:
            root = self.notation(place[0])
            self._types[place] = follow(".".join(place), root, self.local) if root else UNKNOWN
        return self._types[place]

    def event(self, roots: Mapping[str, Json]) -> Event:
        """The event that both run on: each output and each handle under the names of both."""
        found = {"shop": {}, **roots}
        for side in self.sides:
            for output, pool in side.pools.items():
                if pool in roots:
                    found[output] = roots[pool]
                elif pool in self.records:
                    found[output] = []  # what nobody reads
        handles = self.sides[1].handles
        if handles:
            found = {name: _spread(value, handles) for name, value in found.items()}
        return Event(found, NOW)

    def read_by_output(self) -> Mapping[str, Tree]:
        """What both read, under the names of roots and outputs."""
        found = dict(self.read)
        for side in self.sides:
            for output, pool in side.pools.items():
                found[output] = self.read.get(pool, {})
        return found

    def values(self, place: Place) -> Sequence[Json]:
        """The values to try at a place, those that literals suggest first."""
        if place not in self._values:
            resolved = self.type_of(place)
            asked = list(self._asked.get(place, ()))
            for other in self._linked.get(place, ()):
                asked += self._asked.get(other, ())
            found = boundary_values(resolved.type, self._telling_first(place, asked), self.local)
            if resolved.kind == "list":
                found.remove(None)  # a list holds no nil
            self._values[place] = found
        return self._values[place]

    def values_beside(self, place: Place, asked: Sequence[Asked]) -> Sequence[Json]:
        """The values that these literals suggest at a place, and then those of all others."""
        own = boundary_values(self.type_of(place).type, self._telling_first(place, asked), self.local)
        others = [value for value in self.values(place) if value not in own]
        return [*own, *others]

    def _note(self, side: Side, place: Place, literal: Asked) -> None:
        self._asked[place][literal] = None
        self._counted[place, literal][self.sides.index(side)] += 1

    def _telling_first(self, place: Place, asked: Sequence[Asked]) -> list[Asked]:
        """Literals that one side asks more often first: of hundreds, no bound shall cut those off."""
        places = (place, *self._linked.get(place, ()))

        def is_shared(literal: Asked) -> bool:
            counts = [self._counted[each, literal] for each in places if (each, literal) in self._counted]
            return all(count[0] == count[1] for count in counts)

        return sorted(asked, key=is_shared)

    def hints(self, place: Place) -> Sequence[str]:
        """Texts and numbers that code, Liquid or a search names where it reads the place."""
        return list(self._hints.get(place, ()))

    def is_asked(self, place: Place) -> bool:
        """Whether a condition compares the place."""
        return place in self._asked or place in self._linked

    def _ask(self, side: Side, condition: Condition, items: Mapping[str, tuple[Place, ...]]) -> None:
        match condition:
            case Compare(left=left, right=right):
                lefts = [side.pooled(place) for place in side.reading.places(left.segments, items)]
                for place in lefts:
                    self._asked[place]  # asked, even where no literal is named
                    for literal in asked_by(condition):
                        self._note(side, place, literal)
                if isinstance(right, Path):
                    for other in side.reading.places(right.segments, items):
                        for place in lefts:
                            self._linked[place].add(side.pooled(other))
                            self._linked[side.pooled(other)].add(place)
            case Logic(terms=terms):
                for term in terms:
                    self._ask(side, term, items)
            case Quantifier(source=source, item=item, body=body):
                self._ask(side, body, {**items, item: side.reading.places(source.segments, items)})

    def _hint(self, side: Side, number: int, step: Step) -> None:
        texts = [
            text
            for field, value in step.fields
            for text in (
                [value.text or ""]
                if isinstance(value, Text) and (field == "script" or field == "query")
                else liquid_texts(value)
            )
        ]
        found = list(dict.fromkeys(literal for text in texts for literal in _literals(text)))
        for place in side.places[number]:
            self._hints[side.pooled(place)].update(dict.fromkeys(found[:_MOST_LITERALS]))


def _literals(text: str) -> Iterator[str]:
    for found in _LITERAL.finditer(text):
        yield found[1] or found[2] or found[3]


def _renamed_handles(a: Workflow, b: Workflow) -> Mapping[str, str]:
    """Handle of `b` -> the one that `a` has for the same field with the same arguments."""
    names = {(each.owner, each.field, each.arguments): each.handle for each in a.patched_fields}
    found = {}
    for each in b.patched_fields:
        name = names.get((each.owner, each.field, each.arguments), each.handle)
        if name != each.handle:
            found[each.handle] = name
    return found


def _renamed(tree: Tree, handles: Mapping[str, str]) -> Tree:
    return {handles.get(field, field): _renamed(below, handles) for field, below in tree.items()}


def _spread(value: Json, handles: Mapping[str, str]) -> Json:
    """The value with each renamed handle beside the name that events hold it under."""
    if isinstance(value, list):
        return [_spread(item, handles) for item in value]
    if not isinstance(value, dict):
        return value
    found = {field: _spread(inner, handles) for field, inner in value.items()}
    for handle, name in handles.items():
        if name in found and handle not in found:
            found[handle] = found[name]
    return found


def _both(a: Local, b: Local) -> Local:
    fields = {name: {**a.fields.get(name, {}), **b.fields.get(name, {})} for name in {**a.fields, **b.fields}}
    return Local(fields, {**a.enums, **b.enums})
