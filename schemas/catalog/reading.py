"""A catalogue from JSON, read strictly: what is unknown, missing or mistyped is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeVar, get_args

from schemas.catalog.catalogue import (
    CATALOGUE_VERSION,
    PUBLISHERS,
    Catalogue,
    Task,
    TaskKind,
    UnidentifiedTask,
)
from schemas.catalog.fields import FIELD_TYPES, ConfigField
from schemas.catalog.shapes import (
    FLAG,
    LIST,
    NAME,
    NUMBER,
    TEXT,
    TEXTS,
    Check,
    Shape,
    checked,
    one_of,
    parse_json,
    refused,
)

__all__ = ["MAX_CHARACTERS", "read_catalogue"]

MAX_CHARACTERS: Final = 8 << 20
"""The longest catalogue that is read; the one that ships is a hundredth of it."""

_TYPES: Final[Check] = (
    lambda value: isinstance(value, dict) and all(map(NAME[0], value)) and all(map(TEXT[0], value.values())),
    "an object of texts",
)
_KIND: Final = one_of(get_args(TaskKind))

_CATALOGUE: Final[Shape] = {
    "about": TEXT,
    "version": one_of((CATALOGUE_VERSION,)),
    "tasks": LIST,
    "unidentified": LIST,
}
_TASK: Final[Shape] = {
    "id": NAME,
    "kind": _KIND,
    "label": TEXT,
    "description": TEXT,
    "publisher": one_of(PUBLISHERS),
    "connector": TEXT,
    "versions": TEXTS,
    "known": FLAG,
    "returns": _TYPES,
    "step_name": TEXT,
    "fields": LIST,
    "output_ports": TEXTS,
}
_FIELD: Final[Shape] = {
    "id": NAME,
    "label": TEXT,
    "description": TEXT,
    "type": one_of(tuple(FIELD_TYPES)),
    "required": FLAG,
    "allowed": TEXTS,
    "minimum": NUMBER,
    "maximum": NUMBER,
    "pattern": TEXT,
    "object_types": TEXTS,
    "default": TEXT,
    "liquid": FLAG,
    "wrapped": FLAG,
    "versions": TEXTS,
    "known": FLAG,
}
_UNIDENTIFIED: Final[Shape] = {
    **dict.fromkeys(("label", "description", "connector"), TEXT),
    "kind": _KIND,
    "publisher": _TASK["publisher"],
}

KeptT = TypeVar("KeptT", Task, ConfigField)


def read_catalogue(text: str) -> Catalogue:
    """The catalogue that a JSON text holds.

    Raises:
        BadRecord: INVALID_CATALOGUE with a path such as `tasks[3].fields[0].type` and what must be there.
    """
    table = checked(parse_json(text, MAX_CHARACTERS), _CATALOGUE, ("version", "tasks"), "")
    tasks = [_task(row, f"tasks[{number}]") for number, row in enumerate(table["tasks"])]
    unidentified = tuple(
        UnidentifiedTask(**checked(row, _UNIDENTIFIED, tuple(_UNIDENTIFIED), f"unidentified[{number}]"))
        for number, row in enumerate(table.get("unidentified", ()))
    )
    return Catalogue(_by_id(tasks, "tasks"), unidentified)


def _task(found: object, where: str) -> Task:
    row = checked(found, _TASK, ("id", "kind", "label", "publisher", "known"), where)
    fields = [_field(each, f"{where}.fields[{number}]") for number, each in enumerate(row.pop("fields", ()))]
    if "returns" in row:
        row["returns"] = MappingProxyType(row["returns"])
    return Task(**row, config_fields=_by_id(fields, f"{where}.fields"))


def _field(found: object, where: str) -> ConfigField:
    return ConfigField(**checked(found, _FIELD, ("id",), where))


def _by_id(kept: list[KeptT], where: str) -> Mapping[str, KeptT]:
    found: dict[str, KeptT] = {}
    for number, each in enumerate(kept):
        if found.setdefault(each.id, each) is not each:
            raise refused(f"the id {each.id!r} is there twice", f"{where}[{number}]")
    return MappingProxyType(found)
