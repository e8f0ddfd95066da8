"""What a step may name: roots with their types, and the typed paths that start at them.

A type is written as in `schemas.catalog.environment`: `Order`, a list of it `[Order]`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.generator.draw import Draw
from schemas.catalog.environment import family, fields_of
from schemas.workflow.model import Path

__all__ = ["GROUPS", "Place", "Scope"]

GROUPS = ("string", "number", "boolean", "date", "id", "enum")
"""Families of scalars, as `environment.family` names them."""

MAX_SEGMENTS = 3
"""Segments after the root; deeper paths exist and say nothing new."""

Found = tuple[tuple[str, ...], str]
"""Segments after the root, and the type at the end."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path and the type at its end."""

    path: Path
    type: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What paths from one type lead to, none of them through a list."""

    scalars: Mapping[str, tuple[Found, ...]]
    """By family."""
    lists: tuple[Found, ...]
    """Each with the type of its element."""
    objects: Mapping[str, tuple[Found, ...]]
    """By type."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The environment at one place of a workflow."""

    roots: Mapping[str, str]
    own: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Dotted paths, with their types, that only this workflow adds to a type: what a code step gives back,
    patched fields."""

    def plus(self, name: str, notation: str, own: Mapping[str, str] | None = None) -> Scope:
        """With one more root; `own` are the fields of a type that is in no schema."""
        more = {notation: tuple(own.items())} if own else {}
        return Scope({**self.roots, name: notation}, {**self.own, **more})

    def scalar(self, draw: Draw, groups: Sequence[str] = GROUPS) -> Place | None:
        """A scalar of one of these families, not inside a list; None where there is none."""
        return self._place(draw, lambda reach: reach.scalars.get(draw.pick(groups), ()))

    def any_list(self, draw: Draw) -> Place | None:
        """A list; the type is its element's."""
        return self._place(draw, lambda reach: reach.lists)

    def object(self, draw: Draw, wanted: str = "") -> Place | None:
        """An object of the type `wanted`, or of any type."""
        if wanted:
            return self._place(draw, lambda reach: reach.objects.get(wanted, ()))
        return self._place(draw, lambda reach: [found for each in reach.objects.values() for found in each])

    def _place(self, draw: Draw, choose: Callable[[Reach], Sequence[Found]]) -> Place | None:
        for name in draw.mixed(tuple(self.roots)):
            found = choose(_reach(self.roots[name], self.own))
            if found:
                segments, leaf = draw.pick(found)
                return Place(Path((name, *segments)), leaf)
        return None


def _reach(notation: str, own: Mapping[str, tuple[tuple[str, str], ...]]) -> Reach:
    mine = own.get(notation)
    return _of_type(notation) if mine is None else _with_own(notation, mine)


@functools.cache
def _of_type(notation: str) -> Reach:
    if notation.startswith("["):
        return _sorted_out([((), notation)])
    return _sorted_out([((), notation), *_paths(notation, (), MAX_SEGMENTS)])


@functools.lru_cache(maxsize=256)
def _with_own(notation: str, mine: tuple[tuple[str, str], ...]) -> Reach:
    added = [(tuple(path.split(".")), kind) for path, kind in mine]
    return _sorted_out([((), notation), *_paths(notation, (), MAX_SEGMENTS), *added])


def _paths(name: str, before: tuple[str, ...], room: int) -> Iterable[Found]:
    """Every path from an object type, level by level as far as there is room; lists end a path."""
    for segment, notation in fields_of(name).items():
        here = (*before, segment)
        yield here, notation
        if room > 1 and family(notation) == "object":
            yield from _paths(notation, here, room - 1)


def _sorted_out(paths: Iterable[Found]) -> Reach:
    scalars: dict[str, list[Found]] = {}
    objects: dict[str, list[Found]] = {}
    lists: list[Found] = []
    for segments, notation in paths:
        group = family(notation)
        if notation.startswith("["):
            lists.append((segments, notation[1:-1]))
        elif group == "object":
            objects.setdefault(notation, []).append((segments, notation))
        elif group != "unknown":
            scalars.setdefault(group, []).append((segments, notation))
    return Reach(
        {group: tuple(found) for group, found in scalars.items()},
        tuple(lists),
        {name: tuple(found) for name, found in objects.items()},
    )
