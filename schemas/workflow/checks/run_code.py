"""Run code steps: the query of what the code reads, the schema of what it gives, and its main function.

The query runs on the workflow's environment, not on the Admin API: lists are flat, and there is nothing to
ask for but what the step can name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.errors import WorkflowRefused
from schemas.workflow.checks.findings import Finding, cut
from schemas.workflow.checks.places import follow, missing_field
from schemas.workflow.checks.selections import QUERY_ERROR, Selection, read_query
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.model import Text
from schemas.workflow.output_schema import read_output_schema

__all__ = ["RUN_CODE", "check_run_code"]

RUN_CODE: Final = "shopify::flow::run_code"
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
    except WorkflowRefused as refusal:
        yield Finding(QUERY_ERROR, number, "input", refusal.message)
        return
    for root in roots:
        kind = around.root(number, root.name)
        if kind is None:
            unnamed = around.unnamed(number, root.name)
            outside = unnamed.reason == "loop"
            words = f"{unnamed.message} ({_place(text, root)})"
            yield Finding(QUERY_ERROR, number, "input", words, unnamed.severity, outside_loop=outside)
            continue
        for field, words in _selected(around, (root.name,), root, kind):
            yield Finding(QUERY_ERROR, number, "input", f"{words} ({_place(text, field)})")


def _place(text: str, field: Selection) -> str:
    return f"line {text.count(chr(10), 0, field.at) + 1}"


def _selected(
    around: Surroundings, path: tuple[str, ...], field: Selection, kind: str
) -> Iterator[tuple[Selection, str]]:
    """What is wrong with a field of the type `kind`, or with one below it; a root's type is its own."""
    segments = ("", field.name) if len(path) > 1 else ("",)
    place = follow(kind, segments, around.local)
    if place.missing >= 0:
        yield field, missing_field(path[-2:], place, around.local)
    elif not place.type:
        return
    elif place.family == "object" and not field.below:
        yield field, f"{cut('.'.join(path))} is a whole {place.name}; name its fields in braces"
    elif field.below and place.family not in ("object", "unknown"):
        yield field, f"{cut('.'.join(path))} is a {place.name} and has no fields"
    else:
        for below in field.below:
            if below.name != "__typename":
                yield from _selected(around, (*path, below.name), below, place.type)


def _schema(number: int, text: str) -> Iterator[Finding]:
    try:
        schema = read_output_schema(text)
    except WorkflowRefused as refusal:
        yield Finding(_SCHEMA, number, "output_schema", refusal.message)
        return
    for name in schema.undefined:
        words = f"no type is called {cut(name)}; write String, Int, Float, Boolean, ID, or define it"
        yield Finding(_SCHEMA, number, "output_schema", words)


def _script(number: int, text: str) -> Iterator[Finding]:
    if not _MAIN.search(text):
        yield Finding(_SCRIPT, number, "script", "there is no export default function main(input) { ... }")
    for pattern, words in _NOT_IN_FLOW:
        if pattern.search(text):
            yield Finding(_SCRIPT, number, "script", f"Run code {words}", "warning")
