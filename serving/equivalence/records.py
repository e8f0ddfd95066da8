"""Records that Get data finds, or just does not: what a search asks, and objects made to fit it.

An event fixes what the items of a list shall be; where a search brings that list, its records have to fit the
search too. Each term of a query is met by a value that its fields can have, boundaries of the term included,
and the search itself (`fetch`) says when it is met. Of `a OR b` the first is met; what an event has fixed is
left alone. A query that prints what a later step gives is not fitted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.catalog.catalogue import FETCH_PREFIX
from schemas.workflow.checks.liquid_text import has_liquid
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import Bare, Step, Text
from schemas.workflow.model import Json as JsonField
from serving.equivalence.values import Asked
from serving.simulator.events import Event, Json
from serving.simulator.fetch import MOST_RECORDS, asked, fetch
from serving.simulator.fetch_filters import EVERYWHERE, FILTERS
from serving.simulator.liquid import render
from serving.simulator.reads import Place
from serving.simulator.search_syntax import All, Either, Node, Not, Term, parse, terms
from serving.simulator.trace import Limits, SimulationError
from serving.synthetic_shop import Tree

__all__ = ["Sought", "fitted", "sought_by"]

_MOST_COMBINATIONS: Final = 200
_LIMITS: Final = Limits(seconds=0.1, liquid_iterations=1_000)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a Get data step asks for."""

    kind: str
    query: str
    sort_by: Json
    first: int

    @property
    def tree(self) -> Tree:
        """The fields of a record that the search looks at."""
        try:
            return asked(self.kind, self.query, self.sort_by)
        except SimulationError:
            return {}

    def literals(self) -> Iterator[tuple[Place, Asked]]:
        """The values that the query names, by the field compared with them; none that Liquid prints."""
        for term in _terms(self.query):
            if not has_liquid(term.value):
                for path in _paths(self.kind, term):
                    for part in term.value.split(","):
                        yield tuple(path.split(".")), _asked(term, part.strip())

    def rendered(self, event: Event) -> str:
        """The query as the step asks it on an event, as far as its roots tell."""
        if not has_liquid(self.query):
            return self.query
        moment = f"{event.time.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
        try:
            return render(self.query, {"scheduledAt": moment, **event.roots}, now=event.time, limits=_LIMITS)
        except SimulationError:
            return ""


def sought_by(step: Step) -> Sought | None:
    """The search of a Get data step; None for any other step."""
    if not step.task_id.startswith(FETCH_PREFIX):
        return None
    kind = step.task_id.removeprefix(FETCH_PREFIX)
    if kind not in FILTERS:
        return None
    fields = dict(step.fields)
    query, sort_by, first = fields.get("query"), fields.get("sort_by"), fields.get("max_root_records")
    return Sought(
        kind,
        (query.text or "") if isinstance(query, Text) else "",
        read_json(sort_by.text) if isinstance(sort_by, JsonField) else None,
        int(first.text) if isinstance(first, Bare) and first.text.isdecimal() else MOST_RECORDS,
    )


def fitted(
    record: Json,
    kind: str,
    query: str,
    values: Callable[[Place, Sequence[Asked]], Sequence[Json]],
    is_fixed: Callable[[Place], bool],
    *,
    wanted: bool = True,
) -> Json:
    """The record changed until the query finds it, or does not; as far as that goes.

    `values` are those to try at a field with the literals that it is compared with.
    """
    try:
        return _Fitting(kind, values, is_fixed).met(parse(query).root, record, wanted)
    except SimulationError:
        return record


@dataclass(frozen=True, slots=True)
class _Fitting:
    kind: str
    values: Callable[[Place, Sequence[Asked]], Sequence[Json]]
    is_fixed: Callable[[Place], bool]

    def met(self, node: Node, record: Json, wanted: bool) -> Json:
        match node:
            case Term():
                return self.term(node, record, wanted)
            case Not(below):
                return self.met(below, record, not wanted)
            case All(below) | Either(below):
                one_is_enough = isinstance(node, Either) == wanted
                for part in below[:1] if one_is_enough else below:
                    record = self.met(part, record, wanted)
        return record

    def term(self, term: Term, record: Json, wanted: bool) -> Json:
        text = _written(term)
        if self.finds(text, record) == wanted:
            return record
        paths = [tuple(path.split(".")) for path in _paths(self.kind, term)]
        free = [path for path in paths if not self.is_fixed(path)]
        parts = [_asked(term, part.strip()) for part in term.value.split(",")]
        # None last: a list that is to lack a tag may have to be empty.
        choices = [[(path, value) for value in (*self.values(path, parts), None)] for path in free]
        singles = ((choice,) for options in choices for choice in options)
        several = itertools.product(*choices) if len(choices) > 1 else ()
        for combination in itertools.islice(itertools.chain(singles, several), _MOST_COMBINATIONS):
            other = record
            for path, value in combination:
                other = _assigned(other, path, value)
            if self.finds(text, other) == wanted:
                return other
        return record

    def finds(self, text: str, record: Json) -> bool:
        return bool(fetch(self.kind, text, None, 1, [record]))


def _terms(query: str) -> list[Term]:
    try:
        return terms(parse(query).root)
    except SimulationError:
        return []


def _paths(kind: str, term: Term) -> tuple[str, ...]:
    if kind == "orders" and term.field == "status":
        return ("closed", "cancelledAt")
    if not term.field:
        return EVERYWHERE.get(kind, ())
    known = FILTERS[kind].get(term.field)
    return known.paths if known else ()


def _asked(term: Term, text: str) -> Asked:
    return Asked(term.operator[1:] or "==", text, "string")


def _written(term: Term) -> str:
    """The term as a query of its own."""
    quoted = term.value.replace("\\", "\\\\").replace("'", "\\'")
    value = f"'{quoted}'"
    if term.prefix:
        value = "".join(each if each.isalnum() else f"\\{each}" for each in term.value) + "*"
    return f"{term.field}{term.operator}{value}" if term.field else value


def _assigned(record: Json, path: Place, value: Json) -> Any:
    """The record with a value at a path; of a list the first item has it, and nothing means an empty list."""
    if isinstance(record, list):
        if not path:
            return [] if value is None else [value, *record[1:]]
        first = _assigned(record[0] if record else {}, path, value)
        return [first, *record[1:]]
    if not path:
        return value
    fields: Mapping[str, Json] = record if isinstance(record, dict) else {}
    return {**fields, path[0]: _assigned(fields.get(path[0]), path[1:], value)}
