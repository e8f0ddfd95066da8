"""Paths in config fields: the object that an action works on, and the lists of loops, Count and Sum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.catalog.environment import fields_of
from schemas.workflow.checks.findings import Finding, cut
from schemas.workflow.checks.liquid_text import has_liquid
from schemas.workflow.checks.places import Place, missing_field
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.model import Path, PathValue, Reference, Text
from schemas.workflow.problems import Severity

__all__ = ["check_references"]

_PATH: Final = "CONFIG_FIELD_PATH_VALIDATION_ERROR"
_LIST: Final = "CONFIG_FIELD_MAP_OVER_INVALID_TYPE"
_GID = re.compile(r"gid://[\w-]+/(\w+)/\S+", re.ASCII)
_REASONS: Final = {"loop": _PATH, "early": "CONFIG_FIELD_EMPTY_WORKFLOW_VARIABLE"}


def check_references(around: Surroundings) -> Iterator[Finding]:
    """Every path that a config field holds by itself."""
    for number, step in enumerate(around.workflow.steps):
        for field, value in step.fields:
            match value:
                case Reference(target=Path() as path):
                    yield from _object(around, number, field, path)
                case Reference(target=str() as text) if text and not has_liquid(text):
                    yield from _literal(around, number, field, text)
                case PathValue(path=path):
                    yield from _listed(around, number, field, path)
                case Text(text=str() as text) if text and field in ("listpath", "numberpath"):
                    words = f"{cut(text)!r} is no path; write one, such as order.lineItems"
                    yield Finding(_PATH, number, field, words)
                case _:
                    pass


def _place(around: Surroundings, number: int, field: str, path: Path) -> Place | Finding:
    place = around.place(number, path)
    if place is None:
        unnamed = around.unnamed(number, path.root)
        code = _REASONS.get(unnamed.reason, _PATH)
        outside = unnamed.reason == "loop"
        return Finding(code, number, field, unnamed.message, unnamed.severity, outside_loop=outside)
    if place.missing >= 0:
        return Finding(_PATH, number, field, missing_field(path.segments, place, around.local))
    return place


def _object(around: Surroundings, number: int, field: str, path: Path) -> Iterator[Finding]:
    place = _place(around, number, field, path)
    if isinstance(place, Finding):
        yield place
        return
    text = cut(path.text)
    if place.in_list:
        words = f"{text} leads through a list, the step works on one object; put it into a loop"
        yield Finding("CONFIG_FIELD_NON_PRIMITIVE_ERROR", number, field, words, "warning")
    elif place.family == "object":
        words = f"{text} is a whole {place.name}; write {text}.id"
        yield Finding("CONFIG_FIELD_NON_PRIMITIVE_ERROR", number, field, words)
    elif place.family == "string" and not fields_of(place.owner):
        return  # code may give an ID as a text
    elif place.type and place.family != "id":
        words = f"{text} is a {place.name}, the step needs an ID; write the path of one, such as order.id"
        yield Finding(_PATH, number, field, words)
    elif place.type and path.segments[-1] == "id":
        yield from _wanted(around, number, field, text, place.owner)


def _literal(around: Surroundings, number: int, field: str, text: str) -> Iterator[Finding]:
    found = _GID.fullmatch(text)
    if found is None:
        words = f"{cut(text)!r} is neither a path nor a GID; write order.id or gid://shopify/Order/1"
        yield Finding(_PATH, number, field, words, "warning")
        return
    yield from _wanted(around, number, field, cut(text), found[1])


def _wanted(around: Surroundings, number: int, field: str, text: str, kind: str) -> Iterator[Finding]:
    """The type of an ID against what the catalogue says of the field."""
    task = around.catalogue.get(around.workflow.steps[number].task_id)
    declared = task.config_fields.get(field) if task else None
    if task is None or declared is None or not declared.object_types or kind in declared.object_types:
        return
    words = f"{text} is the ID of type {cut(kind)}; write one of type {' or '.join(declared.object_types)}"
    severity: Severity = "error" if task.known and declared.known else "warning"
    yield Finding(_PATH, number, field, words, severity)


def _listed(around: Surroundings, number: int, field: str, path: Path) -> Iterator[Finding]:
    place = _place(around, number, field, path)
    if isinstance(place, Finding):
        yield place
        return
    text = cut(path.text)
    if place.type and not place.in_list:
        words = f"{text} is a {place.name}, no list; write the path of a list, such as order.lineItems"
        yield Finding(_LIST, number, field, words)
    elif place.type and field == "numberpath" and place.family != "number":
        words = f"{text} holds no numbers but {place.name}; write the path of a number in a list"
        yield Finding(_LIST, number, field, words)
