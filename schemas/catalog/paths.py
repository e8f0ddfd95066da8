"""Paths that a person's words mean: `customer email` from an Order is `order.customer.email`.

The answer has the keys of Shopify's own `environment_paths_search` (Flow format section 13). Its ranking is
not public; ours is lexical:

    score = 2 * coverage + precision - 0.1 * (fields - 1)

* coverage: the mean over the words of the term of the best match in the path (1 for the same word, 0.95 for
  its singular or plural, 0.5 where one begins with the other and has three letters at least);
* precision: the mean over the fields of the path of how well the term explains the name, which is the mean
  over its words of the best match in the term;
* fields: how many fields the path has after its root.

Words are split at capitals and in lower case. A path needs a match beyond its root, and at least
half of the best coverage found. Equal scores: shorter first, then by name. Not here: synonyms and other
languages.
"""

from __future__ import annotations

import functools
import heapq
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

from schemas.catalog.environment import (
    NOTHING_LOCAL,
    Local,
    fields_in,
    fields_of,
    graphql_kind,
    root_type,
    roots_of,
)

__all__ = ["MAX_FIELDS", "PathHit", "environment_paths_search", "singular", "words"]

Category = Literal["SCALAR", "SCALAR_IN_LIST", "LIST", "ALL"]
DataTypeFilter = Literal["LIST", "ALL"]

MAX_FIELDS: Final = 4
"""Fields that a path has after its root, at most."""
MAX_PATHS: Final = 20_000
"""Paths that one search looks at, nearest first."""
MAX_HITS: Final = 10
MAX_WORDS: Final = 12
MAX_CHARACTERS: Final = 200
_SHORTEST_PREFIX: Final = 3
_DEPTH_PENALTY: Final = 0.1
_OTHER_NUMBER: Final = 0.95
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


@dataclass(frozen=True, slots=True)
class PathHit:
    """One path that fits."""

    path: str
    search_categories: tuple[Category, ...]
    """What a condition has to do: nothing (SCALAR), ask one list (SCALAR_IN_LIST), ask a list of objects
    (LIST), or ask lists inside lists (ALL alone)."""
    path_elements_types: tuple[str, ...]
    """The type of every element: `("order:Order", "tags:String")`."""
    leaf_type: str
    """The type of one value at the end."""

    def to_dict(self) -> dict[str, Any]:
        """The hit as the tool answers it."""
        return asdict(self)


def environment_paths_search(
    root_type: str,
    search_term: str,
    data_type_filter: DataTypeFilter = "ALL",
    *,
    roots: Mapping[str, str] | None = None,
    local: Local = NOTHING_LOCAL,
) -> tuple[PathHit, ...]:
    """The ten paths that fit a term best, best first; none where nothing fits or the root is unknown.

    `root_type` is a type (`Order`) or the name of a root (`order`, `getOrderData`). `roots` and `local` are
    what a workflow has (`schemas/workflow/environment.py`); a type then stands for every root of that type.
    """
    wanted = tuple(dict.fromkeys(words(search_term[:MAX_CHARACTERS])))[:MAX_WORDS]
    found = [
        hit
        for name, notation in (_starts(root_type, roots) if wanted else ())
        for hit in _walk(name, notation, wanted, local)
        if data_type_filter == "ALL" or data_type_filter in hit.categories
    ]
    least = max((hit.coverage for hit in found), default=0.0) / 2
    return tuple(_told(hit) for hit in heapq.nsmallest(MAX_HITS, (h for h in found if h.coverage >= least)))


def _starts(wanted: str, roots: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Names and types to begin at."""
    if roots is not None:
        by_type = [(name, kind) for name, kind in roots.items() if kind.strip("[]") == wanted]
        return by_type or [(name, kind) for name, kind in roots.items() if name == wanted]
    if fields_of(wanted):
        return [(name, wanted) for name in roots_of(wanted) or (wanted[:1].lower() + wanted[1:],)]
    notation = root_type(wanted)
    return [(wanted, notation)] if notation else []


class _Place(NamedTuple):
    """A path on the way: what it is called, what it has matched, and where it may go on."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    num_lists: int
    matched: tuple[float, ...]
    """For each word of the term its best match in the path."""
    told: float
    """The sum over the path's fields of how well the term explains them."""


class _Hit(NamedTuple):
    """A path that fits; the first three say its place among the others."""

    cost: float
    num_fields: int
    names: tuple[str, ...]
    types: tuple[str, ...]
    categories: tuple[Category, ...]
    coverage: float


def _told(hit: _Hit) -> PathHit:
    elements = tuple(f"{name}:{kind}" for name, kind in zip(hit.names, hit.types, strict=True))
    return PathHit(".".join(hit.names), hit.categories, elements, hit.types[-1])


def _walk(name: str, notation: str, wanted: Sequence[str], local: Local) -> Iterator[_Hit]:
    """Every path from one root that fits, nearest first."""
    known: dict[str, _Matches] = {}
    start = _matches(name, wanted).by_wanted
    waiting = deque([_Place((name,), (notation.strip("[]"),), notation.startswith("["), start, 0.0)])
    num_paths = 0
    while waiting:
        place = waiting.popleft()
        num_fields = len(place.names)
        for field, kind in fields_in(place.types[-1], local).items():
            num_paths += 1
            if num_paths > MAX_PATHS:
                return
            own = known.get(field) or known.setdefault(field, _matches(field, wanted))
            told = place.told + own.told
            matched = tuple(map(max, place.matched, own.by_wanted)) if own.told else place.matched
            bare = kind.strip("[]")
            is_object = graphql_kind(bare, local) == "object"
            goes_on = is_object and num_fields < MAX_FIELDS and bare not in place.types
            if not told and not goes_on:
                continue
            names, types = (*place.names, field), (*place.types, bare)
            num_lists = place.num_lists + kind.startswith("[")
            if goes_on:
                waiting.append(_Place(names, types, num_lists, matched, told))
            categories = _categories(num_lists, is_object, kind) if told and bare else ()
            if categories:
                coverage = sum(matched) / len(wanted)
                score = 2 * coverage + told / num_fields - _DEPTH_PENALTY * (num_fields - 1)
                yield _Hit(-score, num_fields, names, types, categories, coverage)


def _categories(num_lists: int, is_object: bool, notation: str) -> tuple[Category, ...]:
    """The categories of a path; none for one object, which no field or condition takes as it is."""
    if is_object and not notation.startswith("["):
        return ()
    if num_lists == 0:
        return ("SCALAR", "ALL")
    if num_lists == 1:
        return ("LIST" if is_object else "SCALAR_IN_LIST", "ALL")
    return ("ALL",)


class _Matches(NamedTuple):
    """How a name fits a term."""

    by_wanted: tuple[float, ...]
    told: float
    """The mean over the name's words of their best match in the term."""


def _matches(name: str, wanted: Sequence[str]) -> _Matches:
    own = words(name)
    table = [[_match(word, other) for other in own] for word in wanted]
    told = sum(max(row[column] for row in table) for column in range(len(own)))
    return _Matches(tuple(max(row, default=0.0) for row in table), told / max(len(own), 1))


def _match(one: str, other: str) -> float:
    if one == other:
        return 1.0
    shorter, longer = sorted((singular(one), singular(other)), key=len)
    if shorter == longer:
        return _OTHER_NUMBER
    return 0.5 if len(shorter) >= _SHORTEST_PREFIX and longer.startswith(shorter) else 0.0


@functools.lru_cache(maxsize=10_000)
def words(text: str) -> tuple[str, ...]:
    """The words of a name or a term: `lineItems` gives `("line", "items")`."""
    return tuple(word.lower() for word in _WORD.findall(text))


def singular(word: str) -> str:
    """`addresses`, `statuses`, `taxes`, `companies` and `tags` without their plural; `status` as it is."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "uses", "xes", "ches", "shes")) else word[:-1]
