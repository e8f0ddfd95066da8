"""What the agent is told about the tasks that it asks for: the whole configuration of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.catalog import tasks
from schemas.catalog.catalogue import UNCONFIRMED, Catalogue, Task
from schemas.catalog.environment import fields_of
from schemas.catalog.fields import ConfigField
from schemas.workflow.model import CONDITION, FOREACH, TRIGGER
from schemas.workflow.names import function_of, snake

__all__ = ["configuration"]

_GUESSED_FIELD: Final = "Unconfirmed, a guess from like tasks."
_OWN_TYPES: Final = frozenset({"SendHttpResponse"})
"""Types that the Admin API does not have."""
_HOLDS: Final[Mapping[str, str]] = {
    "integer": "A whole number.",
    "float": "A number.",
    "boolean": "True or False.",
    "path": "A path of the environment.",
    "strings": "A list of texts.",
    "map": "A dictionary of texts.",
    "object": "A JSON object.",
    "api_call": "A mutation and its input.",
    "recurrence": "A timetable.",
    "condition": "A condition.",
}
"""What the Python of a field is, where it is no text and no path to an object."""


def configuration(task_id: str, version: str, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """One task in full; one that the catalogue lacks, or lacks in this version, is an error inside it."""
    task = (catalogue or tasks.SHIPPED).get(task_id)
    if task is None:
        message = "no task has this id; use ids that task_search gave"
        return _configuration_error(task_id, version, "TASK_NOT_FOUND", message)
    if version not in task.usual_versions:
        message = f"this task has no such version; take {task.default_version}"
        return _configuration_error(task_id, version, "TASK_NOT_AVAILABLE", message)
    fields = task.fields_in(version)
    return {
        "id": task.id,
        "version": version,
        "task_type": task.kind,
        "input_port_id": task.input_port,
        "output_port_ids": list(task.output_ports),
        "config_fields": [_field(field) for field in fields],
        "return_fields": _returns(task),
        "config_instructions": _instructions(task, version, [field.id for field in fields]),
        "error": None,
    }


def _configuration_error(task_id: str, version: str, code: str, message: str) -> dict[str, Any]:
    """The answer about a task that cannot be read: every key is there, and none says anything about it."""
    return {
        "id": task_id,
        "version": version,
        "task_type": None,
        "input_port_id": None,
        "output_port_ids": [],
        "config_fields": [],
        "return_fields": [],
        "config_instructions": None,
        "error": {"code": code, "message": message},
    }


def _field(field: ConfigField) -> dict[str, Any]:
    is_reference = field.value_type == "reference"
    said = [
        "" if field.known else _GUESSED_FIELD,
        field.description,
        _HOLDS.get(field.value_type, ""),
        "Required." if field.required else "",
    ]
    return {
        "id": field.id,
        "label": field.label or field.id.replace("_", " ").capitalize(),
        "description": " ".join(filter(None, said)),
        "default_value": field.default,
        "validations": _validations(field),
        "possible_object_types": list(field.object_types),
        # In Python an object is a path; the braces around it are the spelling's, not the writer's.
        "supports_liquid": field.liquid and not is_reference,
    }


def _validations(field: ConfigField) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if field.allowed:
        said = "Take one of the options."
        found.append({"id": "Includes", "options": list(field.allowed), "error_message": said})
    ends = {"minimum": field.minimum, "maximum": field.maximum}
    options = {name: end for name, end in ends.items() if end is not None}
    if options:
        said = "Take a number in this range."
        found.append({"id": "Range", "options": options, "error_message": said})
    if field.pattern:
        said = "Take a text that matches."
        found.append({"id": "MatchesPattern", "options": {"pattern": field.pattern}, "error_message": said})
    return found


def _returns(task: Task) -> list[dict[str, str]]:
    """What the task gives; of a type that the Admin API does not have, its parts."""
    found = []
    for name, kind in task.returns.items():
        parts = fields_of(kind) if kind in _OWN_TYPES else {}
        found += [{"name": f"{name}.{part}", "type": held or "unknown"} for part, held in parts.items()]
        if not parts:
            found.append({"name": name, "type": kind or "unknown"})
    return found


def _instructions(task: Task, version: str, fields: list[str]) -> str:
    """How the task is written in Python."""
    function = function_of(task.id)
    named = [] if function else [f'"{task.id}"', f'"{version}"']
    if task.kind == TRIGGER:
        decorator = f"@{function}" if function else f"@task({', '.join(named)})"
        arguments = ", ".join(filter(None, map(snake, task.roots)))
        said = f"Python: {decorator} above def title({arguments})."
    elif task.kind in (CONDITION, FOREACH):
        said = "Python: if/elif/else." if task.kind == CONDITION else "Python: for item in a_list."
    else:
        older = [f'task_version="{version}"'] if function and version != task.default_version else []
        arguments = ", ".join([*named, *(f"{field}=..." for field in fields), *older])
        said = f"Python: {function or 'task'}({arguments})."
    return said if task.known else f"{UNCONFIRMED} {said}"
