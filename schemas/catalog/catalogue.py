"""A catalogue of Flow's tasks as a value: look-ups, one JSON spelling, one fingerprint.

`schemas.catalog.tasks` answers from the catalogue that ships. A shop's own one, made by
`jobs/import_catalog.py` from what the real tools answer, has the same form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final, Literal, get_args

from schemas.catalog.fields import ConfigField, ValueType

__all__ = [
    "CATALOGUE_VERSION",
    "FETCH_PREFIX",
    "OUTPUT_PORTS",
    "PUBLISHERS",
    "UNCONFIRMED",
    "Catalogue",
    "Publisher",
    "Task",
    "TaskKind",
    "UnidentifiedTask",
    "is_app",
]

CATALOGUE_VERSION: Final = "catalogue_v1"
"""The form of a catalogue's JSON; what it says is told apart by `Catalogue.fingerprint`."""

TaskKind = Literal["TRIGGER", "CONDITION", "ACTION", "FOREACH", "WAIT"]
Publisher = Literal["shopify", "flow", "flow-connectors", "shopify-app", "non-shopify-app"]
PUBLISHERS: Final[tuple[str, ...]] = get_args(Publisher)
"""In the order in which Flow's agent prefers their tasks."""

UNCONFIRMED: Final = "Unconfirmed id, a guess from the naming pattern."
"""How our own answers begin about a guess, so that nobody takes one for real, `import_catalog` neither."""

OUTPUT_PORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "TRIGGER": ("output",),
    "CONDITION": ("true", "false"),
    "ACTION": ("output",),
    "FOREACH": ("loop_body", "after"),
    "WAIT": ("output",),
}
"""Kind -> the ports that links leave from."""

FETCH_PREFIX: Final = "shopify::flow::fetch::"
OWN_PREFIX: Final = "shopify::"

# What a field holds by its name alone, for tasks that nobody has described.
BY_NAME: Final[Mapping[str, ValueType]] = {
    "api_call": "api_call",
    "condition": "condition",
    "headers": "map",
    "listpath": "path",
    "max_root_records": "integer",
    "metafield": "object",
    "numberpath": "path",
    "recurrence": "recurrence",
    "sort_by": "object",
    "tags": "strings",
}


def is_app(task_id: str) -> bool:
    """Whether a task comes from an app, which a shop may not have: Shopify's own say so in their ids."""
    return not task_id.startswith(OWN_PREFIX)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task of the catalogue."""

    id: str
    """`publisher::connector::name`, or a bare UUID for an app's task."""
    kind: TaskKind
    """The `task_type` that a step of this task carries."""
    label: str
    """What the editor calls it."""
    description: str = ""
    """What it does, in one or two sentences."""
    publisher: Publisher
    connector: str = ""
    """The id of its connector, such as `admin`; empty where none is public."""
    versions: tuple[str, ...] = ()
    """The versions seen; the last one is the default."""
    known: bool
    """Whether the id itself was seen; a guess from the naming pattern is false."""
    returns: Mapping[str, str] = field(default_factory=dict)
    """What it adds to the environment, camelCase and before any number for repeats, in order: name -> type
    (`Order`, `[Order]`, empty where unknown or the step's own matter)."""
    step_name: str | None = None
    """What exports write as the step's `name`, where they write one."""
    config_fields: Mapping[str, ConfigField] = field(default_factory=dict)
    """Config fields by id, in catalogue order."""
    output_ports: tuple[str, ...] = ()
    """The ports that links leave from; those of its kind where none are given."""
    input_port: str | None = field(init=False)
    """The port that links arrive at; None for a trigger."""
    roots: tuple[str, ...] = field(init=False)
    """The names that a trigger adds to the environment."""
    output: str | None = field(init=False)
    """The name of what any other step gives; None where it gives nothing."""
    fields: Mapping[str, ValueType] = field(init=False)
    """Config fields in catalogue order, each with the type that its text holds."""

    def __post_init__(self) -> None:
        names = tuple(self.returns)
        is_trigger = self.kind == "TRIGGER"
        derived = {
            "output_ports": self.output_ports or OUTPUT_PORTS[self.kind],
            "input_port": None if is_trigger else "input",
            "roots": names if is_trigger else (),
            "output": names[0] if names and not is_trigger else None,
            "fields": MappingProxyType({name: kept.value_type for name, kept in self.config_fields.items()}),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def default_version(self) -> str:
        """The newest version seen; `v1` for Get data tasks and `0.1` for all others where none was seen."""
        return self.versions[-1] if self.versions else _unseen_version(self.id)

    @property
    def usual_versions(self) -> tuple[str, ...]:
        """The versions that a step may carry: those seen, else the one that new workflows carry."""
        return self.versions or (self.default_version,)

    def fields_in(self, version: str) -> tuple[ConfigField, ...]:
        """The config fields of one version, in catalogue order."""
        return tuple(kept for kept in self.config_fields.values() if kept.exists_in(version))


@dataclass(frozen=True, kw_only=True, slots=True)
class UnidentifiedTask:
    """A task that exists and whose id nobody has published: it can be found, and no workflow can use it."""

    kind: TaskKind
    label: str
    description: str
    publisher: Publisher
    connector: str
    """The name of its connector, such as `Slack`: the id is as unknown as the task's."""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Every task that is known of, in order. Two catalogues say the same where `fingerprint` is equal."""

    tasks: Mapping[str, Task]
    """By id."""
    unidentified: tuple[UnidentifiedTask, ...] = ()

    def get(self, task_id: str) -> Task | None:
        """The task of an id. None is no error: apps bring tasks that no catalogue has."""
        return self.tasks.get(task_id)

    def value_type(self, task_id: str, field_id: str) -> ValueType:
        """What the text of a field holds: by task, else by the field's name, else `text`."""
        task = self.tasks.get(task_id)
        declared = task.fields.get(field_id) if task else None
        return declared or BY_NAME.get(field_id) or ("reference" if field_id.endswith("_id") else "text")

    def default_version(self, task_id: str) -> str:
        """The version that a new step of the task carries; `0.1` for tasks that the catalogue lacks."""
        task = self.tasks.get(task_id)
        return task.default_version if task else _unseen_version(task_id)

    def to_json(self) -> str:
        """The catalogue as JSON, a task a line; `schemas.catalog.reading.read_catalogue` is the way back."""
        tasks = ",\n".join(_line(_row(task)) for task in self.tasks.values())
        unidentified = ",\n".join(_line(_row(task)) for task in self.unidentified)
        return (
            f'{{\n"version": {_line(CATALOGUE_VERSION)},\n"tasks": [\n{tasks}\n],\n'
            f'"unidentified": [\n{unidentified}\n]}}\n'
        )

    def fingerprint(self) -> str:
        """SHA-256 of `to_json`, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _unseen_version(task_id: str) -> str:
    return "v1" if task_id.startswith(FETCH_PREFIX) else "0.1"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _row(told: Task | UnidentifiedTask | ConfigField) -> dict[str, object]:
    """What was given, in the order of the class; what has its default is left out."""
    row: dict[str, object] = {}
    for part in fields(told):
        value = getattr(told, part.name)
        if not part.init or value in (part.default, {}):
            continue
        if part.name == "config_fields":
            row["fields"] = [_row(kept) for kept in value.values()]
        elif part.name != "output_ports" or value != OUTPUT_PORTS[told.kind]:  # type: ignore[union-attr]
            row[part.name] = dict(value) if isinstance(value, Mapping) else value
    return row
