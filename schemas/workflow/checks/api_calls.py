"""Send Admin API request: the mutation that is called, and its arguments against the Admin schema.

Arguments whose text is JSON only after Liquid ran are not judged; neither is a value that Liquid makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.catalog.input_values import InputValue, base_type
from schemas.catalog.mutations import Mutation, input_enum, input_type, mutation, mutation_names
from schemas.errors import WorkflowRefused
from schemas.workflow.checks.findings import Finding, cut, did_you_mean, listed
from schemas.workflow.checks.liquid_text import has_liquid
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import ApiCall, Text, Value

__all__ = ["ADMIN_API", "check_api_calls"]

ADMIN_API: Final = "shopify::admin::admin_api_operation"
_JSON: Final = "CONFIG_FIELD_JSON_PARSE_ERROR"
_ARGUMENTS: Final = "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
_MAX_DEPTH: Final = 40


def check_api_calls(around: Surroundings) -> Iterator[Finding]:
    """Every call of the Admin API."""
    for number, step in enumerate(around.workflow.steps):
        if step.task_id != ADMIN_API:
            continue
        calls = [value for field, value in step.fields if field == "api_call"]
        for value in calls or [Text("")]:
            left_empty = isinstance(value, Text) and not value.text
            for code, message in _value(value):
                yield Finding(code, number, "api_call", message, "warning" if left_empty else "error")


def _value(value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, ApiCall):
        yield from _call(value)
    elif isinstance(value, Text) and (not value.text or _is_unnamed(value.text)):
        yield "CONFIG_FIELD_MUTATION_NOT_SELECTED", "no mutation is selected; name one, such as orderUpdate"
    else:
        yield _JSON, 'write {"name": "mutationName", "blob": "its arguments as JSON"}'


def _is_unnamed(text: str) -> bool:
    try:
        call = read_json(text)
    except WorkflowRefused:
        return False
    return isinstance(call, dict) and call.get("name") == ""


def _call(call: ApiCall) -> Iterator[tuple[str, str]]:
    called = mutation(call.name)
    if called is None:
        hint = did_you_mean(call.name, mutation_names())
        yield "CONFIG_FIELD_MUTATION_NOT_FOUND", f"the Admin API has no mutation {cut(call.name)!r}{hint}"
    if call.arguments is not None:
        if called is not None:
            arguments = read_json(call.arguments)
            yield from ((_ARGUMENTS, words) for words in _given(called, arguments))
    elif not has_liquid(call.blob):
        try:
            read_json(call.blob)
            words = "the arguments are no JSON object; write one key for each argument"
        except WorkflowRefused as refusal:
            words = f"the arguments are no JSON: {refusal.message}"
        yield _JSON, words


def _given(called: Mutation, arguments: Mapping[str, Any]) -> Iterator[str]:
    yield from _object(called.name, called.arguments, arguments, 0)


def _object(
    where: str, fields: Mapping[str, InputValue], given: Mapping[str, Any], depth: int
) -> Iterator[str]:
    """The keys of an object against the fields of its type."""
    for name, field in fields.items():
        if field.required and given.get(name) is None:
            yield f"{where} lacks {name} ({field.type}), which it needs"
    for key, value in given.items():
        if key not in fields:
            hint = did_you_mean(key, fields) or f"; it has {listed(fields)}"
            yield f"{where} has no {cut(key)!r}{hint}"
        elif depth < _MAX_DEPTH:
            yield from _input(f"{where}.{key}", fields[key].type, value, depth)


def _input(where: str, notation: str, value: Any, depth: int) -> Iterator[str]:
    """A value against a type; one value stands for a list of one, as in GraphQL."""
    if value is None or (isinstance(value, str) and has_liquid(value)):
        return
    kind = notation.removesuffix("!")
    if kind.startswith("["):
        for part in value if isinstance(value, list) else [value]:
            yield from _input(where, kind[1:-1], part, depth + 1)
        return
    name = base_type(kind)
    found = input_type(name)
    if found is not None:
        if isinstance(value, dict):
            yield from _object(where, found.fields, value, depth + 1)
        else:
            yield f"{where} is an object ({name}); it has {listed(found.fields)}"
        return
    constants = input_enum(name)
    if constants and value not in constants:
        hint = did_you_mean(str(value), constants) or f"; it is one of {listed(constants)}"
        yield f"{where} is no {cut(str(value))!r}{hint}"
    elif isinstance(value, dict | list) and name != "JSON":
        yield f"{where} is one value ({name}), not {'a list' if isinstance(value, list) else 'an object'}"
