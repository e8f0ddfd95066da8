"""The tasks of Shopify Flow, from the catalogue that ships: ids, versions, fields and what their texts hold.

Ids come from `tasks.json`, never from a label: the naming is irregular (Product created is `product_added`).
A task whose `known` is false carries an id that was guessed from the naming pattern; nothing may present it
as real. A task that is not in the catalogue at all (an app's task under a bare UUID) is legal: every function
answers with the defaults.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

from schemas.catalog.catalogue import Catalogue, Task, is_app
from schemas.catalog.fields import ValueType
from schemas.catalog.reading import read_catalogue

__all__ = [
    "SHIPPED",
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

SHIPPED: Catalogue
"""The catalogue that ships. Loaded at first use."""
TASKS: Mapping[str, Task]
"""Its tasks by id."""


def value_type(task_id: str, field_id: str) -> ValueType:
    """What the text of a field holds: by task, else by the field's name, else `text`."""
    return _shipped().value_type(task_id, field_id)


def default_kind(task_id: str) -> Literal["ACTION", "WAIT"]:
    """The `task_type` of a step of this task that is neither trigger, condition nor loop."""
    task = _shipped().get(task_id)
    return "WAIT" if task and task.kind == "WAIT" else "ACTION"


def default_version(task_id: str) -> str:
    """The newest version seen; `v1` for Get data tasks and `0.1` for all others where none was seen."""
    return _shipped().default_version(task_id)


def field_order(task_id: str) -> tuple[str, ...]:
    """The field ids in catalogue order; empty where no field is known."""
    task = _shipped().get(task_id)
    return tuple(task.fields) if task else ()


def output_name(task_id: str) -> str | None:
    """The environment name of what the step gives (`runCode`, `getOrderData`); None without output."""
    task = _shipped().get(task_id)
    return task.output if task else None


def default_step_name(task_id: str) -> str | None:
    """The `name` that exports write for a step of this task.

    Send HTTP request has an output but no name: the one export seen leaves it null.
    """
    task = _shipped().get(task_id)
    return task.step_name if task else None


def __getattr__(name: str) -> Catalogue | Mapping[str, Task]:
    if name == "SHIPPED":
        return _shipped()
    if name == "TASKS":
        return _shipped().tasks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _shipped() -> Catalogue:
    return read_catalogue(files("schemas.catalog").joinpath("tasks.json").read_text(encoding="utf-8"))
