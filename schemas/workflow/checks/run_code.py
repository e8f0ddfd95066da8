"""Run code steps: the query of what the code reads, the schema of what it gives, and its main function.

The query runs on the workflow's environment, not on the Admin API: lists are flat, and there is nothing to
ask for but what the step can name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.workflow.checks.findings import Finding, cut
from schemas.workflow.checks.graphql import SCALARS, GraphqlError, Selection, read_query, read_schema
from schemas.workflow.checks.places import follow, missing_field
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.model import Text
from schemas.workflow.problems import Severity

__all__ = ["RUN_CODE", "check_run_code"]

RUN_CODE: Final = "shopify::flow::run_code"
_QUERY: Final = "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
_SCHEMA: Final = "CONFIG_FIELD_GRAPHQL_SCHEMA_ERROR"
_SCRIPT: Final = "CONFIG_FIELD_JAVASCRIPT_ERROR"
_MAIN = re.compile(r"\bexport\s+default\s+(?:async\s+)?(?:function\b|\(|\w)")
_NOT_IN_FLOW: Final = (
    (re.compile(r"(?m)^\s*import\s+[\w{*'\"]"), "imports nothing; put the code into the script"),
    (re.compile(r"\bfetch\s*\("), "has no network; use Send HTTP request"),
    (re.compile(r"\basync\b|\bawait\b"), "runs nothing asynchronous; leave async and await out"),
)


def check_run_code(around: Surroundings) -> Iterator[Finding]:
    """The three texts of every code step."""
    for number, step in enumerate(around.workflow.steps):
        if step.task_id != RUN_CODE:
            continue
        for field, value in step.fields:
            if not isinstance(value, Text) or not value.text or not value.text.strip():
                continue
            if field == "input":
                yield from _query(around, number, value.text)
            elif field == "output_schema":
                yield from _schema(number, value.text)
            elif field == "script":
                yield from _script(number, value.text)


def _query(around: Surroundings, number: int, text: str) -> Iterator[Finding]:
    try:
        roots = read_query(text)
    except GraphqlError as error:
        yield Finding(_QUERY, number, "input", str(error))
        return
    for root in roots:
        kind = around.visible[number].get(root.name)
        if kind is None:
            unnamed = around.unnamed(number, root.name)
            words, outside = f"line {root.line}: {unnamed.message}", unnamed.reason == "loop"
            yield Finding(_QUERY, number, "input", words, unnamed.severity, outside_loop=outside)
            continue
        yield from _selected(around, number, (root.name,), root, kind)


def _selected(
    around: Surroundings, number: int, path: tuple[str, ...], field: Selection, kind: str
) -> Iterator[Finding]:
    place = follow(kind, ("", field.name), around.local) if len(path) > 1 else follow(kind, ("",))
    if place.missing >= 0:
        severity: Severity = "error"
        words = missing_field(("", *path)[-2:], place, around.local)
        yield Finding(_QUERY, number, "input", f"line {field.line}: {words}", severity)
        return
    if not place.type:
        return
    is_object = place.family == "object"
    shown = cut(".".join(path))
    if is_object and not field.has_block:
        words = f"{shown} is a whole {place.name}; name its fields in braces"
        yield Finding(_QUERY, number, "input", f"line {field.line}: {words}")
    elif field.has_block and not is_object and place.family != "unknown":
        words = f"{shown} is a {place.name} and has no fields"
        yield Finding(_QUERY, number, "input", f"line {field.line}: {words}")
    else:
        for below in field.below:
            if below.name != "__typename":
                yield from _selected(around, number, (*path, below.name), below, place.type)


def _schema(number: int, text: str) -> Iterator[Finding]:
    try:
        types = read_schema(text)
    except GraphqlError as error:
        yield Finding(_SCHEMA, number, "output_schema", str(error))
        return
    if "Output" not in types:
        yield Finding(
            _SCHEMA, number, "output_schema", "there is no type Output; call the type of the result so"
        )
    for name, fields in types.items():
        for field, kind in fields.items():
            plain = kind.strip("[]")
            if plain and plain not in SCALARS and plain not in types:
                words = f"{name}.{field} is of the type {cut(plain)}, which is not there"
                yield Finding(_SCHEMA, number, "output_schema", words)


def _script(number: int, text: str) -> Iterator[Finding]:
    if not _MAIN.search(text):
        yield Finding(_SCRIPT, number, "script", "there is no export default function main(input) { ... }")
    for pattern, words in _NOT_IN_FLOW:
        if pattern.search(text):
            yield Finding(_SCRIPT, number, "script", f"Run code {words}", "warning")
