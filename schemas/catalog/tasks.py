"""The tasks of Shopify Flow: ids, versions, fields and the type that each field's text holds.

Ids come from `tasks.json`, never from a label: the naming is irregular (Product created is `product_added`).
A task whose `known` is false carries an id that was guessed from the naming pattern; nothing may present it
as real. A task that is not in the table at all (an app's task under a bare UUID) is legal: every function
answers with the defaults.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast

__all__ = [
    "TASKS",
    "Task",
    "ValueType",
    "default_kind",
    "default_step_name",
    "default_version",
    "field_order",
    "is_app",
    "output_name",
    "value_type",
]

ValueType = Literal[
    "text",  # plain text or code, Liquid where allowed
    "integer",
    "float",
    "boolean",
    "reference",  # one object: {"value":"","default_value":"order.id"} as text; older files: a bare path
    "path",  # a bare environment path
    "strings",  # a JSON array of strings
    "map",  # a JSON array of [key, value] pairs
    "object",  # a JSON object
    "api_call",  # {"name":"mutation","blob":"JSON text, perhaps only after Liquid ran"}
    "recurrence",  # a JSON array of one iCalendar text
    "condition",  # the AST as JSON text, or condition text in the agent spelling
]

FETCH_PREFIX = "shopify::flow::fetch::"
OWN_PREFIX = "shopify::"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task of the catalogue."""

    id: str
    """`publisher::connector::name`, or a bare UUID for an app's task."""
    kind: Literal["TRIGGER", "CONDITION", "ACTION", "FOREACH", "WAIT"]
    """The `task_type` that a step of this task carries."""
    label: str
    """What the editor calls it."""
    versions: tuple[str, ...]
    """The versions seen; the last one is the default."""
    known: bool
    """Whether the id itself was seen; a guess from the naming pattern is false."""
    roots: tuple[str, ...] = ()
    """What a trigger adds to the environment, camelCase, in order."""
    fields: Mapping[str, ValueType]
    """Config fields in catalogue order, each with the type its text holds."""
    output: str | None = None
    """The environment name of the step's output, before any number for repeats."""
    step_name: str | None = None
    """What exports write as the step's `name`, where they write one."""


TASKS: Mapping[str, Task]
"""Every task by id. Loaded at first use."""


def value_type(task_id: str, field_id: str) -> ValueType:
    """What the text of a field holds: by task, else by the field's name, else `text`."""
    task = _tasks().get(task_id)
    declared = task.fields.get(field_id) if task else None
    if declared:
        return declared
    by_name = _field_defaults().get(field_id)
    if by_name:
        return by_name
    return "reference" if field_id.endswith("_id") else "text"


def default_kind(task_id: str) -> Literal["ACTION", "WAIT"]:
    """The `task_type` of a step of this task that is neither trigger, condition nor loop."""
    task = _tasks().get(task_id)
    return "WAIT" if task and task.kind == "WAIT" else "ACTION"


def default_version(task_id: str) -> str:
    """The newest version seen; `v1` for Get data tasks and `0.1` for all others where none was seen."""
    task = _tasks().get(task_id)
    if task and task.versions:
        return task.versions[-1]
    return "v1" if task_id.startswith(FETCH_PREFIX) else "0.1"


def is_app(task_id: str) -> bool:
    """Whether a task comes from an app, which a shop may not have: Shopify's own say so in their ids."""
    return not task_id.startswith(OWN_PREFIX)


def field_order(task_id: str) -> tuple[str, ...]:
    """The field ids in catalogue order; empty where no field is known."""
    task = _tasks().get(task_id)
    return tuple(task.fields) if task else ()


def output_name(task_id: str) -> str | None:
    """The environment name of what the step gives (`runCode`, `getOrderData`); None without output."""
    task = _tasks().get(task_id)
    return task.output if task else None


def default_step_name(task_id: str) -> str | None:
    """The `name` that exports write for a step of this task.

    Send HTTP request has an output but no name: the one export seen leaves it null.
    """
    task = _tasks().get(task_id)
    return task.step_name if task else None


def __getattr__(name: str) -> Mapping[str, Task]:
    if name == "TASKS":
        return _tasks()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _table() -> dict[str, object]:
    text = files("schemas.catalog").joinpath("tasks.json").read_text(encoding="utf-8")
    return cast("dict[str, object]", json.loads(text))


@functools.cache
def _field_defaults() -> Mapping[str, ValueType]:
    return cast("Mapping[str, ValueType]", _table()["field_defaults"])


@functools.cache
def _tasks() -> Mapping[str, Task]:
    tasks = {}
    for row in cast("list[dict[str, object]]", _table()["tasks"]):
        lists = {key: tuple(cast("list[str]", row.get(key, ()))) for key in ("versions", "roots")}
        fields = MappingProxyType(cast("dict[str, ValueType]", row.get("fields", {})))
        task = Task(**{**row, **lists, "fields": fields})  # type: ignore[arg-type]  # the test checks each row
        tasks[task.id] = task
    return MappingProxyType(tasks)
