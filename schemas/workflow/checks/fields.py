"""Tasks and their config fields against the catalogue: ids, versions, names, and what a field takes.

Where the catalogue only guesses, a finding is a warning. Nothing is said about the fields of an app's task
that nobody has seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.catalog.catalogue import Catalogue, Task, is_app
from schemas.catalog.fields import ConfigField
from schemas.workflow.checks.findings import Finding, cut, did_you_mean, listed
from schemas.workflow.checks.liquid_text import has_liquid
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import Bare, Json, Reference, Step, Text, Value
from schemas.workflow.problems import Severity

__all__ = ["check_fields"]

_FIELD: Final = "CONFIG_FIELD_RESOLUTION_ERROR"
_VALUE: Final = "CONFIG_FIELD_PARTNER_VALIDATION_ERROR"
_JSON: Final = "CONFIG_FIELD_JSON_PARSE_ERROR"
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_SHAPES: Final = {
    "strings": 'a JSON array of texts, such as ["VIP"]',
    "map": 'a JSON array of pairs, such as [["key", "value"]]',
    "object": 'a JSON object, such as {"key": "value"}',
    "recurrence": "a JSON array of one iCalendar text",
}


def check_fields(around: Surroundings) -> Iterator[Finding]:
    """Every step's task, and its fields."""
    for number, step in enumerate(around.workflow.steps):
        task = around.catalogue.get(step.task_id)
        if task is None:
            if not is_app(step.task_id):
                hint = did_you_mean(step.task_id, around.catalogue.tasks)
                yield Finding("TASK_NOT_FOUND", number, "", f"no task has the id {cut(step.task_id)!r}{hint}")
            continue
        sure: Severity = "error" if task.known else "warning"
        if task.kind != step.kind:
            words = f"{task.label} is a {task.kind}, the step says {cut(step.kind)}"
            yield Finding("TASK_NOT_FOUND", number, "", words, sure)
        if step.version not in task.usual_versions:
            words = f"{task.label} has no version {cut(step.version)!r}; it has {listed(task.usual_versions)}"
            yield Finding("TASK_NOT_AVAILABLE", number, "", words, sure)
        yield from _fields(number, step, task, sure)
        yield from _shapes(around.catalogue, number, step, task)


def _fields(number: int, step: Step, task: Task, sure: Severity) -> Iterator[Finding]:
    declared = task.config_fields
    given = dict(step.fields)
    if declared:
        for name in given:
            field = declared.get(name)
            if field is None:
                hint = did_you_mean(name, declared) or f"; it has {listed(declared)}"
                yield Finding(_FIELD, number, name, f"{task.label} has no field {cut(name)!r}{hint}", sure)
            elif not field.exists_in(step.version):
                words = f"{task.label} has {name} in version {listed(field.versions)} only"
                yield Finding(_FIELD, number, name, words, sure if field.known else "warning")
    for name, field in declared.items():
        value = given.get(name)
        if value is None or _is_empty(value):
            if field.required and field.exists_in(step.version) and name not in ("condition", "api_call"):
                words = f"{name} is missing; {task.label} needs it"
                certain = value is None and field.known
                yield Finding(_FIELD, number, name, words, sure if certain else "warning")
        else:
            for code, message in _value(field, value):
                yield Finding(code, number, name, message, sure if field.known else "warning")


def _shapes(catalogue: Catalogue, number: int, step: Step, task: Task) -> Iterator[Finding]:
    """JSON texts that are none; a field that the catalogue does not describe is known by its name alone."""
    for name, value in step.fields:
        if not isinstance(value, Text) or not value.text:
            continue
        shape = _SHAPES.get(catalogue.value_type(task.id, name))
        if shape is not None:
            field = task.config_fields.get(name)
            certain = task.known and field is not None and field.known
            yield Finding(_JSON, number, name, f"{name} is {shape}", "error" if certain else "warning")


def _is_empty(value: Value) -> bool:
    match value:
        case Text(text=text):
            return not text
        case Reference(target=target):
            return target == ""
        case _:
            return False


def _value(field: ConfigField, value: Value) -> Iterator[tuple[str, str]]:
    if field.type == "Metafield" and isinstance(value, Json):
        yield from _metafield(value.text)
    text = value.text if isinstance(value, Text | Bare) else None
    if text is None or field.value_type in _SHAPES:
        return
    if has_liquid(text):
        if not field.liquid and field.type != "Code":
            yield _VALUE, f"{field.id} takes no Liquid; write the value itself"
        return
    if field.value_type == "boolean" and text not in ("true", "false"):
        yield _VALUE, f"{cut(text)!r} is neither true nor false"
    elif field.value_type == "integer" and not _WHOLE.fullmatch(text):
        yield _VALUE, f"{cut(text)!r} is no whole number"
    elif field.value_type == "float" and not _DECIMAL.fullmatch(text):
        yield _VALUE, f"{cut(text)!r} is no number"
    elif field.value_type in ("integer", "float"):
        yield from _range(field, text)
    if field.allowed and text not in field.allowed:
        hint = did_you_mean(text, field.allowed) or f"; it is one of {listed(field.allowed)}"
        yield _VALUE, f"{cut(text)!r} is no {field.label or field.id}{hint}"


def _metafield(text: str) -> Iterator[tuple[str, str]]:
    given = read_json(text)
    lacking = [key for key in ("namespace", "key") if not given.get(key)]
    if lacking:
        shape = '{"namespace": "custom", "key": "points", "type": "number_integer"}'
        yield _VALUE, f"the metafield has no {' and no '.join(lacking)}; write {shape}"


def _range(field: ConfigField, text: str) -> Iterator[tuple[str, str]]:
    number = float(text) if len(text) < 20 else float("inf")
    if field.minimum is not None and number < field.minimum:
        yield _VALUE, f"{cut(text)} is less than {field.minimum}, the smallest {field.id}"
    if field.maximum is not None and number > field.maximum:
        yield _VALUE, f"{cut(text)} is more than {field.maximum}, the largest {field.id}"
