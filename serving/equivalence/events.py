"""Events that take every branch of two workflows, at the boundaries of what they ask.

For each condition that the trigger leads to, in either workflow: events that reach it and make it true, and
false; and for each comparison in it events with every value that matters (`values.py`) where that comparison
alone decides, so that `>` and `>=`, `and` and `or`, `any?` and `all?` come apart. For each step that does
something, events that reach it with values of its own at every place, and with absent and empty ones. The
rest are wild. All in a fixed order, the telling ones first, and the same ones for the same seed.

A step can be reached on several ways; the shortest few are tried. What no event reached, the coverage of the
verdict says: it is measured by running, not promised.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.catalog.environment import Resolved
from schemas.workflow.condition_tree import lowered
from schemas.workflow.environment import loop_source
from schemas.workflow.model import (
    CONDITION,
    Compare,
    Condition,
    Constant,
    Logic,
    Path,
    Quantifier,
)
from serving.equivalence.goals import Enter, Give, Goal, Holds, Length, Search
from serving.equivalence.ground import Ground, Side
from serving.equivalence.making import Maker
from serving.equivalence.records import fitted
from serving.equivalence.state import FREE, Cell, State, look
from serving.equivalence.values import Asked, asked_by
from serving.equivalence.ways import Way, condition_of, ways_of
from serving.simulator.events import Json
from serving.simulator.reads import Place

__all__ = ["MOST_EVENTS", "events"]

MOST_EVENTS: Final = 200
"""Of one pair; wild ones fill up what the targets leave."""
_WILD: Final = 24
_FITTED: Final = 8
"""Records of one event that are made to fit a search one by one."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Goals in the order in which a search meets them: lists first, then given values, then conditions."""

    side: Side
    goals: tuple[Goal, ...]
    edits: tuple[tuple[Place, Json], ...] = ()
    """Places that get a value in the end, in all items of lists."""
    wild: bool = False
    round: int = 0
    """The same target once more, with other values where it is free."""


def events(ground: Ground, seed: int, most: int = MOST_EVENTS) -> Iterator[dict[str, Json]]:
    """The roots of the events of a pair, `most` of them; no target twice."""
    searches = {id(side): _search(ground, side) for side in ground.sides}
    given: set[tuple[str, bool, int]] = set()
    plain = max(most - _WILD, most // 2)
    for target in _in_turn(ground):
        if len(given) == plain:
            break
        state = next(searches[id(target.side)].states(target.goals), None)
        if state is None:
            continue
        fixed, state = state, _pooled(target.side, state)
        # Most targets of two workflows that resemble each other are the same.
        key = (f"{state}{target.edits}", target.wild, target.round)
        if key not in given:
            given.add(key)
            maker = Maker(ground, seed * 1_000 + len(given), wild=target.wild)
            roots = _found(ground, target.side, maker.roots(state), fixed)
            yield _edited(roots, target.edits)
    for more in range(most - len(given)):
        roots = Maker(ground, seed * 1_000 + 500 + more, wild=True).roots({})
        yield _found(ground, ground.sides[more % 2], roots, {})


def _search(ground: Ground, side: Side) -> Search:
    return Search(
        frozenset([*ground.read, *side.environment.trigger_roots, *side.pools]),
        side.measures,
        lambda place: ground.values(side.pooled(place)),
        lambda place: ground.type_of(side.pooled(place)),
    )


def _found(ground: Ground, side: Side, roots: dict[str, Json], fixed: State) -> dict[str, Json]:
    """The roots with records that the searches of one workflow find: all that the state fixes, else some."""
    event = None
    for output, sought in side.sought.items():
        pool = side.pools[output]
        records = roots.get(pool)
        if not isinstance(records, list) or not sought.query.strip():
            continue
        event = event or ground.event(roots)
        query = sought.rendered(event)
        is_fixed = isinstance(fixed.get(output), list)
        wanted = len(records) if is_fixed else (len(records) + 1) // 2
        fitting: list[Json] = []
        for number, record in enumerate(records[:wanted]):
            if number >= _FITTED and look(fixed, (output, number)) is FREE:
                # The further ones are there to be many; what the first is made for, they do too.
                fitting.append({**fitting[0], "id": record["id"]})
                continue

            def values(path: Place, asked: Sequence[Asked], pool: str = pool) -> Sequence[Json]:
                return ground.values_beside((pool, *path), asked)

            def taken(path: Place, cell: Cell = (output, number)) -> bool:
                return look(fixed, (*cell, *path)) is not FREE

            fitting.append(fitted(record, sought.kind, query, values, taken))
        roots[pool] = [*fitting, *records[wanted:]]
    return roots


def _edited(roots: dict[str, Json], edits: tuple[tuple[Place, Json], ...]) -> dict[str, Json]:
    for place, value in edits:
        if place[0] in roots:
            roots[place[0]] = _set(roots[place[0]], place[1:], value)
    return roots


def _pooled(side: Side, state: State) -> State:
    """The state under the names of the event; of steps that fix the records of a task the first wins."""
    found: State = {}
    for root, value in state.items():
        found.setdefault(side.pools.get(root, root), value)
    return _renamed(found, side.handles) if side.handles else found


def _renamed(state: Any, handles: Mapping[str, str]) -> Any:
    if isinstance(state, list):
        return [_renamed(item, handles) for item in state]
    if not isinstance(state, dict):
        return state
    return {handles.get(field, field): _renamed(value, handles) for field, value in state.items()}


def _set(at: Json, rest: Place, value: Json) -> Json:
    if isinstance(at, list) and rest:
        return [_set(item, rest, value) for item in at]
    if not rest:
        return value if not isinstance(at, list) or isinstance(value, list) else at
    if not isinstance(at, dict):
        return at
    return {**at, rest[0]: _set(at.get(rest[0]), rest[1:], value)}


# -- targets --------------------------------------------------------------------------------------------


def _in_turn(ground: Ground) -> Iterator[_Target]:
    """Targets of both workflows, one of each kind in turn, so that a bound cuts all of them alike."""
    waiting: deque[Iterator[_Target]] = deque()
    for side in ground.sides:
        waiting.extend(_of_side(side, ground))
    while waiting:
        kind = waiting.popleft()
        target = next(kind, None)
        if target is not None:
            yield target
            waiting.append(kind)


def _of_side(side: Side, ground: Ground) -> Iterator[Iterator[_Target]]:
    ways = ways_of(side.workflow)
    for number in sorted(ways):
        condition = condition_of(side.workflow.steps[number])
        if condition is not None:
            for way in ways[number]:
                yield _outcomes(side, way, condition)
            yield _decided(side, ground, ways[number][0], condition)
        elif number and side.workflow.steps[number].kind != CONDITION:
            yield _of_step(side, ground, number, ways[number])


def _outcomes(side: Side, way: Way, condition: Condition) -> Iterator[_Target]:
    for wanted in (True, False):
        yield _Target(side, (*way.enters, *way.holds, Holds(condition, wanted)))
        # The other order finds what the first cannot: the way may fix a value that the condition needs.
        yield _Target(side, (*way.enters, Holds(condition, wanted), *way.holds), wild=True)


def _decided(side: Side, ground: Ground, way: Way, condition: Condition) -> Iterator[_Target]:
    """Every value of every comparison, where no other term of the condition decides."""
    turns = [_values_of(side, ground, way, found) for found in _contexts(condition)]
    while turns:
        for turn in list(turns):
            target = next(turn, None)
            if target is None:
                turns.remove(turn)
            else:
                yield target


@dataclass(frozen=True, slots=True)
class _Context:
    """One comparison, and what makes it decide: lists with items, neighbours that stay out of the way."""

    leaf: Compare
    enters: tuple[Goal, ...] = ()
    holds: tuple[Holds, ...] = ()
    items: Mapping[str, Path] = field(default_factory=dict)
    has_companion: bool = False


def _contexts(condition: Condition) -> Iterator[_Context]:
    match condition:
        case Compare():
            yield _Context(condition)
        case Logic(operator=operator, terms=terms):
            for number, term in enumerate(terms):
                others = tuple(
                    Holds(other, operator == "and") for place, other in enumerate(terms) if place != number
                )
                for found in _contexts(term):
                    yield replace(found, holds=(*found.holds, *others))
        case Quantifier(source=source, item=item, body=body):
            for found in _contexts(body):
                for companion in (None, (body, True), (body, False)):
                    if companion is not None and found.has_companion:
                        continue  # one second item at a time
                    yield _Context(
                        found.leaf,
                        (Enter(source, item, companion), *found.enters),
                        found.holds,
                        {item: source, **found.items},
                        found.has_companion or companion is not None,
                    )


def _values_of(side: Side, ground: Ground, way: Way, found: _Context) -> Iterator[_Target]:
    leaf = found.leaf
    start = (*way.enters, *found.enters)
    rest = (*found.holds, *way.holds)
    if found.has_companion:
        for wanted in (True, False):
            yield _Target(side, (*start, Holds(leaf, wanted), *rest))
        return
    root = lowered(leaf.left).root
    measure = side.measures.get(root)
    if measure is not None:
        for value in ground.values((root,)):
            if isinstance(value, int | float) and not isinstance(value, bool):
                same = Compare("==", leaf.left, _number(value))
                yield _Target(side, (*start, Holds(same, True), *rest))
    else:
        place = _place(side, leaf.left, found.items)
        for value in ground.values_beside(place, list(asked_by(leaf))):
            yield _Target(side, (*start, Give(leaf.left, value), *rest))
    if isinstance(leaf.right, Path):
        for wanted in (True, False):
            yield _Target(side, (*start, Holds(leaf, wanted), *rest))
            yield _Target(side, (*start, Holds(Compare("==", leaf.left, leaf.right), wanted), *rest))
    for enter in found.enters:
        if isinstance(enter, Enter) and enter.companion is None:
            before = found.enters[: found.enters.index(enter)]
            yield _Target(side, (*way.enters, *before, Length(enter.source, 0), *way.holds))


def _of_step(side: Side, ground: Ground, number: int, ways: Sequence[Way]) -> Iterator[_Target]:
    """Values of its own at every place that a step reads, and absent and empty ones."""
    way = ways[0]
    goals: tuple[Goal, ...] = (*way.enters, *way.holds)
    for turn, each in enumerate((*ways, way)):
        yield _Target(side, (*each.enters, *each.holds), round=turn)
    step = side.workflow.steps[number]
    source = loop_source(step)
    output = side.outputs[number] or ""
    measured = side.measures.get(output)
    listed = source or (measured.place if measured else None)
    if listed is not None:
        for length in (0, 1, 3):
            yield _Target(side, (*way.enters, Length(listed, length), *way.holds))
    sought = side.sought.get(output)
    if sought is not None:
        for length in (1, sought.first, sought.first + 1):
            yield _Target(side, (*way.enters, Length(Path((output,)), length), *way.holds))
    for enter in way.enters:
        found = side.sought.get(enter.source.text)
        for length in () if found is None else (found.first, found.first + 1):
            yield _Target(side, (*way.enters, Length(enter.source, length), *way.holds))
    for place in _objects(side, number):
        yield _Target(side, goals, ((place, None),))
    for place in side.places[number]:
        place = side.pooled(place)
        resolved = ground.type_of(place)
        if resolved.kind == "list":
            yield _Target(side, goals, ((place, []),))
        if place[0] in ground.read and len(place) > 1:
            for value in (*(ground.values(place)[:3] if _is_few(resolved) else ()), None, ""):
                if value != "" or resolved.type in ("", "String"):
                    yield _Target(side, goals, ((place, value),))
    yield _Target(side, goals, wild=True)


def _objects(side: Side, number: int) -> list[Place]:
    """The objects on the way to what a step reads, which may all be absent."""
    places = [side.pooled(place) for place in side.places[number]]
    return list(dict.fromkeys(place[:end] for place in places for end in range(2, len(place))))


def _is_few(resolved: Resolved) -> bool:
    """Whether the type has so few values that two places share them by accident."""
    return resolved.graphql_kind == "enum" or resolved.type == "Boolean"


def _place(side: Side, path: Path, items: Mapping[str, Path]) -> Place:
    """The place of an event that a path inside a condition means."""
    lists: dict[str, tuple[Place, ...]] = {}
    for item, source in items.items():
        lists[item] = side.reading.places(source.segments, lists)
    found = side.reading.places(path.segments, lists)
    return side.pooled(found[0] if found else path.segments)


def _number(value: float) -> Constant:
    text = str(value)
    return Constant(text, "number")
