"""What a workflow reads of its environment: for each root the fields that any of its steps looks at.

    reads(workflow)     # {"order": {"lineItems": {"title": {}}, "name": {}}, "shop": {"email": {}}}

The synthetic shop makes those fields and no others, and the events that tell two workflows apart vary them.
Read are conditions, Liquid, references, the lists of loops and counts, the numbers of sums, and the queries
of code. The item of a loop and the variables of a list operator are read at the list itself, so that no name
of them is a root. A field that its type does not have is nothing that anybody could make, so it is left out;
one of an unknown type is kept, and so is a root that an app may bring.

Not here: what the search texts of Get data ask of the records (`serving/simulator/fetch.py` knows their
fields), what a script reads beyond its query (nothing), and whether a step is ever reached: all steps count.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from schemas.catalog.catalogue import Catalogue
from schemas.catalog.environment import first_missing, graphql_kind
from schemas.errors import WorkflowRefused
from schemas.workflow.checks.liquid import liquid_texts
from schemas.workflow.checks.liquid_text import End, Expression, Use, events
from schemas.workflow.checks.run_code import RUN_CODE
from schemas.workflow.checks.selections import Selection, read_query
from schemas.workflow.condition_tree import lowered
from schemas.workflow.environment import Environment, environment_of, loop_source
from schemas.workflow.model import (
    Compare,
    Condition,
    ConditionValue,
    Logic,
    Path,
    PathValue,
    Quantifier,
    Reference,
    Text,
    Value,
    Workflow,
)
from schemas.workflow.scope import item_of
from serving.synthetic_shop import Tree

__all__ = ["Place", "Reading", "reads"]

Place: TypeAlias = tuple[str, ...]
"""Segments of a path whose first is a root, never an item: `("order", "lineItems", "title")`."""

_Fields: TypeAlias = dict[str, "_Fields"]

_NO_ROOTS: Final = frozenset({"secrets", "forloop", "tablerowloop", "now", "today"})
"""What Liquid always has, beside the environment."""
_CODE_FIELDS: Final = frozenset({"script", "output_schema", "recurrence"})
_OF_LISTS: Final = frozenset({"first", "last", "size"})
"""What Liquid asks of a list itself."""
_KEEPS_ITEMS: Final = frozenset(
    {"where", "reject", "find", "sort", "sort_natural", "uniq", "compact", "reverse", "slice", "concat"}
    | {"first", "last", "default"}
)
_MAX_BELOW: Final = 2
"""Objects inside each other in which a scalar is looked for."""
_MAX_TRIED: Final = 200
"""Ways that are followed from the item of a loop to the lists behind it, the shortest first."""


class Reading:
    """The places of one workflow: which list an item comes from, and what each step reads."""

    def __init__(self, workflow: Workflow, catalogue: Catalogue | None = None) -> None:
        self.workflow = workflow
        self.environment: Environment = environment_of(workflow, catalogue)
        self._loops: dict[str, list[tuple[int, Path]]] = defaultdict(list)
        for number, step in enumerate(workflow.steps):
            source = loop_source(step)
            if source is not None:
                self._loops[item_of(source)].append((number, source))

    def places(
        self, segments: Place, items: Mapping[str, tuple[Place, ...]] | None = None
    ) -> tuple[Place, ...]:
        """Where a path of a step leads, from a root on; several where loops share the name of their item.

        `items` has the places of the lists behind variables that a condition or a Liquid text binds. Empty
        for a variable that stands for no list, and for loops that need themselves to know their item.
        """
        root = segments[0]
        if items is not None and root in items:
            return tuple((*place, *segments[1:]) for place in items[root])
        found: dict[Place, None] = {}
        waiting = deque([segments])
        tried = {segments}
        while waiting:
            root, *fields = lowered(Path(waiting.popleft())).segments
            if root not in self._loops:
                found[root, *fields] = None
            for _, source in self._loops.get(root, ()):
                further = (*source.segments, *fields)
                if further not in tried and len(tried) < _MAX_TRIED:
                    tried.add(further)
                    waiting.append(further)
        return tuple(found)

    def read(self) -> dict[int, dict[Place, None]]:
        """Step number -> the places that it reads, in reading order."""
        found: dict[int, dict[Place, None]] = {}
        for number, step in enumerate(self.workflow.steps):
            of_step = found[number] = {}
            for field, value in step.fields:
                if field in _CODE_FIELDS:
                    continue
                if step.task_id == RUN_CODE and field == "input" and isinstance(value, Text):
                    of_step.update(dict.fromkeys(self._queried(value.text or "")))
                else:
                    of_step.update(dict.fromkeys(self._value(value)))
        return found

    def _value(self, value: Value) -> Iterator[Place]:
        match value:
            case ConditionValue(condition=condition) if condition is not None:
                yield from self._condition(condition, {})
            case PathValue(path=place) | Reference(target=Path() as place):
                yield from self.places(place.segments)
            case _:
                for text in liquid_texts(value):
                    yield from self.liquid(text)

    def _condition(self, condition: Condition, items: Mapping[str, tuple[Place, ...]]) -> Iterator[Place]:
        match condition:
            case Compare(left=left, right=right):
                yield from self.places(left.segments, items)
                if isinstance(right, Path):
                    yield from self.places(right.segments, items)
            case Logic(terms=terms):
                for term in terms:
                    yield from self._condition(term, items)
            case Quantifier(source=source, item=item, body=body):
                lists = self.places(source.segments, items)
                yield from lists
                yield from self._condition(body, {**items, item: lists})

    def liquid(self, text: str) -> Iterator[Place]:
        """The places that a Liquid text reads."""
        names: dict[str, tuple[Place, ...]] = {}
        for event in events(text):
            match event:
                case End(name=name):
                    names.pop(name, None)
                case Use(kind=kind, value=value, name=name):
                    found = tuple(self._expression(value, names))
                    yield from found
                    for argument in value.arguments:
                        if argument[0] not in _NO_ROOTS:
                            yield from self.places(argument, names)
                    if kind in ("loop", "assign"):
                        keeps = _KEEPS_ITEMS.issuperset(value.filters) or "map" in value.filters
                        names[name] = found if keeps else ()

    def _expression(self, value: Expression, names: Mapping[str, tuple[Place, ...]]) -> Iterator[Place]:
        if not value.segments or value.segments[0] in _NO_ROOTS:
            return
        segments = (*value.segments, *value.after)
        for field in value.fields:
            yield from self.places((*segments, *field.split(".")), names)
        if "map" not in value.filters:
            yield from self.places(segments, names)

    def _queried(self, text: str) -> Iterator[Place]:
        try:
            roots = read_query(text)
        except WorkflowRefused:
            return  # the step that asks it fails
        for root in roots:
            for segments in _selected((root.name,), root):
                yield from self.places(segments)


def reads(workflow: Workflow, catalogue: Catalogue | None = None) -> Mapping[str, Tree]:
    """Root -> the fields that are read below it, outputs of steps (`getOrderData`) among the roots.

    Every leaf is a scalar wherever its type is known: an object or a list of objects of which nothing more
    is read has its `id`, or the nearest scalar; a union alone has none. Never raises;
    what cannot be read reads nothing. `catalogue` says what tasks bring; None is the one that ships.
    """
    reading = Reading(workflow, catalogue)
    found: dict[str, _Fields] = {}
    objects: list[tuple[_Fields, str]] = []
    for number, places in reading.read().items():
        for place in places:
            objects.extend(_add(found, reading.environment, number, place))
    for fields, kind in objects:
        at = fields
        for segment in () if at else _scalar_of(kind, reading.environment):
            at = at.setdefault(segment, {})
    return found


def _add(
    found: dict[str, _Fields], environment: Environment, step: int, place: Place
) -> Iterator[tuple[_Fields, str]]:
    """Add a place; nothing is added of one that cannot exist. Yields an object at its end, and its type."""
    root = environment.root(step, place[0])
    if root is None:
        return
    kind = root
    segments: list[str] = []
    for segment in place[1:]:
        if kind.startswith("[") and segment in _OF_LISTS:
            if segment == "size":
                break
            kind = kind.strip("[]")
            continue
        name = kind.strip("[]")
        if name and first_missing(f"_.{segment}", name, environment.local):
            return
        kind = environment.fields(name).get(segment, "") if name else ""
        segments.append(segment)
    name = kind.strip("[]")
    at = found.setdefault(place[0], {})
    for segment in segments:
        at = at.setdefault(segment, {})
    if graphql_kind(name, environment.local) == "object":
        yield at, name


def _scalar_of(type_name: str, environment: Environment) -> Place:
    """The shortest way to a scalar of an object, which makes the object be there; `id` first."""
    if "id" in environment.fields(type_name):
        return ("id",)
    ways: list[tuple[Place, str]] = [((), type_name)]
    for way, name in ways:
        if len(way) > _MAX_BELOW:
            break
        for field, notation in environment.fields(name).items():
            kind = notation.strip("[]")
            if graphql_kind(kind, environment.local) in ("scalar", "enum"):
                return (*way, field)
            ways.append(((*way, field), kind))
    return ()


def _selected(above: Place, selection: Selection) -> Iterator[Place]:
    if not selection.below:
        yield above
    for below in selection.below:
        if below.name != "__typename":
            yield from _selected((*above, below.name), below)
        elif len(selection.below) == 1:
            yield above
