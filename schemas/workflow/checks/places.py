"""What lies at the end of a path, and where the path leaves what the types know.

`schemas.catalog.environment.resolve` answers for a whole path; a rule also has to say which segment is wrong
and what the type has instead.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from schemas.catalog.environment import (
    NOTHING_LOCAL,
    Family,
    Local,
    family,
    field_type,
    fields_of,
    graphql_kind,
    has_open_fields,
    patchable_fields,
)
from schemas.workflow.checks.findings import cut, did_you_mean

__all__ = ["Place", "element_of", "follow", "missing_field"]

_REMEMBERED: Final = 200
"""Characters of the longest path that is worth remembering."""
_OF_LISTS: Final = frozenset({"edges", "nodes", "first", "last", "size", "length"})
"""What other languages ask of a list; whatever its items are, it is none of their fields."""


@dataclass(frozen=True, slots=True)
class Place:
    """The end of a path."""

    type: str
    """The type notation (`Order`, `[Order]`), empty when unknown."""
    family: Family = "unknown"
    """Of one value."""
    lists: tuple[int, ...] = ()
    """How many segments each proper prefix has that is a list, outermost first."""
    missing: int = -1
    """The number of the segment that its owner does not have, -1 where none is missing."""
    owner: str = ""
    """The type that the last segment is a field of, or the type that lacks the missing one."""

    @property
    def name(self) -> str:
        return self.type.strip("[]")

    @property
    def is_list(self) -> bool:
        return self.type.startswith("[")

    @property
    def in_list(self) -> bool:
        return self.is_list or bool(self.lists)


def follow(root: str, segments: tuple[str, ...], local: Local = NOTHING_LOCAL) -> Place:
    """Follow a path from the type of its root, which `segments[0]` names; an unknown one has no end."""
    if local is NOTHING_LOCAL and sum(map(len, segments)) <= _REMEMBERED:
        return _followed(root, segments)
    return _walk(root, segments, local)


@functools.lru_cache(maxsize=8192)
def _followed(root: str, segments: tuple[str, ...]) -> Place:
    return _walk(root, segments, NOTHING_LOCAL)


def _walk(root: str, segments: tuple[str, ...], local: Local) -> Place:
    notation, owner = root, ""
    lists: list[int] = []
    for number, segment in enumerate(segments[1:], start=1):
        if notation.startswith("["):
            lists.append(number)
        owner = notation.strip("[]")
        if not owner:
            return Place("", lists=tuple(lists))
        found = field_type(owner, segment, local)
        if found is None:
            lacks = notation.startswith("[") and segment in _OF_LISTS
            lacks = lacks or not _is_open(owner)
            return Place("", lists=tuple(lists), missing=number if lacks else -1, owner=owner)
        notation = found
    name = notation.strip("[]")
    group = "enum" if graphql_kind(name, local) == "enum" else family(name)
    return Place(notation, group, tuple(lists), owner=owner)


def _is_open(owner: str) -> bool:
    """Whether a type may have fields that stand in no schema.

    How an answer of the Admin API lies in the environment is not public.
    """
    return has_open_fields(owner) or owner.endswith("Payload")


def element_of(place: Place) -> str:
    """The type of one item of a list, empty when unknown."""
    return place.name if place.is_list else ""


def missing_field(segments: tuple[str, ...], place: Place, local: Local = NOTHING_LOCAL) -> str:
    """A sentence on the segment that is missing, and what to write instead."""
    segment, parent = segments[place.missing], cut(".".join(segments[: place.missing]))
    fields = [*fields_of(place.owner), *local.fields.get(place.owner, ())]
    if segment in ("edges", "node", "nodes"):
        return f"{parent} has no {segment!r}: lists are flat here, leave it out"
    if not fields:
        return f"{parent} is a {place.owner} and has no fields; leave out .{cut(segment)}"
    if segment in patchable_fields(place.owner):
        return f"{parent}.{segment} needs arguments; add a patched field, and use its handle"
    return f"{parent} ({place.owner}) has no field {cut(segment)!r}{did_you_mean(segment, fields)}"
