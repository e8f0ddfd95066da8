"""A catalogue from JSON, read strictly: what is unknown, missing or mistyped is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args

from schemas.catalog.catalogue import (
    CATALOGUE_VERSION,
    PUBLISHERS,
    Catalogue,
    Task,
    TaskKind,
    UnidentifiedTask,
)
from schemas.catalog.fields import FIELD_TYPES, ConfigField
from schemas.errors import BadRecord

__all__ = ["MAX_CHARACTERS", "read_catalogue"]

MAX_CHARACTERS: Final = 8 << 20
"""The longest catalogue that is read; the one that ships is a hundredth of it."""
_MAX_TEXT: Final = 10_000

Check = tuple[Callable[[Any], bool], str]
Shape = Mapping[str, Check]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


def _one_of(allowed: tuple[str, ...]) -> Check:
    known = frozenset(allowed)
    return lambda value: isinstance(value, str) and value in known, " or ".join(sorted(known))


_TEXT: Final[Check] = (_is_text, f"a text of at most {_MAX_TEXT} characters")
_NAME: Final[Check] = (_is_name, "a text of 1 to 200 characters")
_TEXTS: Final[Check] = (
    lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "a list of texts",
)
_FLAG: Final[Check] = (lambda value: isinstance(value, bool), "true or false")
_NUMBER: Final[Check] = (lambda value: type(value) is int, "a whole number")
_LIST: Final[Check] = (lambda value: isinstance(value, list), "a list")
_TYPES: Final[Check] = (
    lambda value: (
        isinstance(value, dict) and all(map(_is_name, value)) and all(map(_is_text, value.values()))
    ),
    "an object of texts",
)
_KIND: Final = _one_of(get_args(TaskKind))

_CATALOGUE: Final[Shape] = {
    "about": _TEXT,
    "version": _one_of((CATALOGUE_VERSION,)),
    "tasks": _LIST,
    "unidentified": _LIST,
}
_TASK: Final[Shape] = {
    "id": _NAME,
    "kind": _KIND,
    "label": _TEXT,
    "description": _TEXT,
    "publisher": _one_of(PUBLISHERS),
    "connector": _TEXT,
    "versions": _TEXTS,
    "known": _FLAG,
    "returns": _TYPES,
    "step_name": _TEXT,
    "fields": _LIST,
    "output_ports": _TEXTS,
}
_FIELD: Final[Shape] = {
    "id": _NAME,
    "label": _TEXT,
    "description": _TEXT,
    "type": _one_of(tuple(FIELD_TYPES)),
    "required": _FLAG,
    "allowed": _TEXTS,
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "pattern": _TEXT,
    "object_types": _TEXTS,
    "default": _TEXT,
    "liquid": _FLAG,
    "wrapped": _FLAG,
    "versions": _TEXTS,
    "known": _FLAG,
}
_UNIDENTIFIED: Final[Shape] = {
    **dict.fromkeys(("label", "description", "connector"), _TEXT),
    "kind": _KIND,
    "publisher": _TASK["publisher"],
}

KeptT = TypeVar("KeptT", Task, ConfigField)


def read_catalogue(text: str) -> Catalogue:
    """The catalogue that a JSON text holds.

    Raises:
        BadRecord: INVALID_CATALOGUE with a path such as `tasks[3].fields[0].type` and what must be there.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refused(f"{len(text)} characters, the limit is {MAX_CHARACTERS}")
    try:
        found = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _refused(f"no JSON: {error}") from None
    table = _checked(found, _CATALOGUE, ("version", "tasks"), "")
    tasks = [_task(row, f"tasks[{number}]") for number, row in enumerate(table["tasks"])]
    unidentified = tuple(
        UnidentifiedTask(**_checked(row, _UNIDENTIFIED, tuple(_UNIDENTIFIED), f"unidentified[{number}]"))
        for number, row in enumerate(table.get("unidentified", ()))
    )
    return Catalogue(_by_id(tasks, "tasks"), unidentified)


def _task(found: object, where: str) -> Task:
    row = _checked(found, _TASK, ("id", "kind", "label", "publisher", "known"), where)
    fields = [_field(each, f"{where}.fields[{number}]") for number, each in enumerate(row.pop("fields", ()))]
    if "returns" in row:
        row["returns"] = MappingProxyType(row["returns"])
    return Task(**row, config_fields=_by_id(fields, f"{where}.fields"))


def _field(found: object, where: str) -> ConfigField:
    return ConfigField(**_checked(found, _FIELD, ("id",), where))


def _checked(found: object, shape: Shape, required: tuple[str, ...], where: str) -> dict[str, Any]:
    """The object, with tuples for its lists of texts."""
    if not isinstance(found, dict):
        raise _refused("must be an object", where)
    for key in required:
        if key not in found:
            raise _refused(f"lacks {key!r}", where)
    for key, value in found.items():
        at = f"{where}.{key}".removeprefix(".")
        if key not in shape:
            raise _refused(f"there is no such key; there are {', '.join(shape)}", at)
        fits, said = shape[key]
        if not fits(value):
            raise _refused(f"must be {said}", at)
    return {key: tuple(value) if shape[key] is _TEXTS else value for key, value in found.items()}


def _by_id(kept: list[KeptT], where: str) -> Mapping[str, KeptT]:
    found: dict[str, KeptT] = {}
    for number, each in enumerate(kept):
        if found.setdefault(each.id, each) is not each:
            raise _refused(f"the id {each.id!r} is there twice", f"{where}[{number}]")
    return MappingProxyType(found)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return found


def _refused(message: str, path: str = "") -> BadRecord:
    return BadRecord("INVALID_CATALOGUE", message, path=path)
