"""What an event holds that no workflow could read: misspelled fields, and values of another kind."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Final

from jobs._console import printable
from schemas.catalog.environment import field_type, graphql_kind, has_open_fields, patchable_fields
from schemas.workflow.names import camel
from serving.simulator import Event, Json, Simulator

__all__ = ["unknown_fields"]

_MOST: Final = 10
_MOST_ITEMS: Final = 100
"""Of a list, and of objects inside each other."""


def unknown_fields(simulator: Simulator, event: Event) -> list[str]:
    """A sentence for each thing in an event that its types do not have, ten at most.

    What may be there and is of no known type (an app's objects, metafields) is left in peace.
    """
    return list(islice(dict.fromkeys(_found(simulator, event)), _MOST))


def _found(simulator: Simulator, event: Event) -> Iterator[str]:
    types = simulator.types
    known = [*types.trigger_roots, *(name for name in simulator.outputs if name)]
    for name, value in event.roots.items():
        if name in simulator.outputs:
            continue  # what the outside answers a step
        kind = types.root(0, name)
        if kind is None and name != "scheduledAt":
            yield f"nothing in this workflow reads a root {_shown(name)}{_meant(name, known)}"
        elif kind:
            yield from _below(simulator, name, value, kind, 0)


def _below(simulator: Simulator, place: str, value: Json, kind: str, depth: int) -> Iterator[str]:
    name = kind.strip("[]")
    local = simulator.types.local
    if value is None or depth > _MOST_ITEMS:
        return
    if kind.startswith("["):
        if not isinstance(value, list):
            yield f"{_shown(place)} is a list of {name}, and the event has {_kind(value)} there"
            return
        for item in value[:_MOST_ITEMS]:
            yield from _below(simulator, place, item, kind[1:-1], depth + 1)
        return
    if graphql_kind(name, local) != "object":
        return
    if not isinstance(value, dict):
        yield f"{_shown(place)} is an object ({name}), and the event has {_kind(value)} there"
        return
    fields = simulator.types.fields(name)
    for field, below in value.items():
        found = field_type(name, field, local)
        if found is not None:
            yield from _below(simulator, f"{place}.{field}", below, found, depth + 1) if found else ()
        elif field != "__typename" and not has_open_fields(name) and field not in patchable_fields(name):
            yield f"{name} has no field {_shown(field)}{_meant(field, list(fields))}"


def _meant(name: str, known: list[str]) -> str:
    meant = camel(name)
    near = [meant] if meant in known else get_close_matches(meant[:100], known, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _kind(value: Json) -> str:
    kinds = {str: "a text", list: "a list", dict: "an object", bool: "true or false"}
    return kinds.get(type(value), "a number")


def _shown(name: str) -> str:
    return printable(name[:100])
