"""Damage to code steps and to calls of the Admin API."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from schemas.workflow.jsontext import compact
from schemas.workflow.model import ApiCall, Text, Value, Workflow
from tests.schemas.workflow.damage import (
    Damaged,
    a_list,
    an_object,
    damage,
    misspelled,
    of_task,
    pick,
    with_value,
)
from tests.schemas.workflow.damage_liquid import scalar, unknown

RUN_CODE = "shopify::flow::run_code"
ADMIN_API = "shopify::admin::admin_api_operation"
JSON = "CONFIG_FIELD_JSON_PARSE_ERROR"
QUERY = "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
SCHEMA = "CONFIG_FIELD_GRAPHQL_SCHEMA_ERROR"


def code(error: str, name: str, field: str, write: Callable[[Workflow, random.Random], str | None]) -> None:
    """Register damage that writes one text of a code step."""

    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        number, text = pick(draw, of_task(workflow, RUN_CODE)), write(workflow, draw)
        return with_value(workflow, number, field, Text(text)) if number is not None and text else None

    apply.__name__ = name
    damage(error)(apply)


def _query(
    form: str, find: Callable[[Workflow, random.Random], Any]
) -> Callable[[Workflow, random.Random], str | None]:
    """A query of a path, `@` in the form; what stands behind `@` is inside the last field."""

    def write(workflow: Workflow, draw: random.Random) -> str | None:
        found = find(workflow, draw)
        path = found[0] if isinstance(found, tuple) else found
        if not path:
            return None
        segments = path.split(".")
        inner = form.replace("@", segments[-1])
        return "query { " + " { ".join([*segments[:-1], inner]) + " }" * len(segments)

    return write


code(QUERY, "query_with_a_brace_too_few", "input", lambda *_: "query { shop { name }")
code(QUERY, "query_with_a_brace_too_many", "input", lambda *_: "query { shop { name } } }")
code(QUERY, "query_with_a_stray_sign", "input", lambda *_: "query { shop { name; } }")
code(QUERY, "query_that_selects_nothing", "input", lambda *_: "query { shop { } }")
code(QUERY, "query_that_is_a_mutation", "input", lambda *_: "mutation { shop { name } }")
code(QUERY, "query_of_a_field_that_is_not_there", "input", _query("@", misspelled))
code(
    QUERY,
    "query_of_a_whole_object",
    "input",
    _query("@", lambda w, d: next((p for p in [an_object(w, d)] if p and "." in p), None)),
)
code(QUERY, "query_of_a_whole_list", "input", _query("@", a_list))
code(QUERY, "query_into_a_scalar", "input", _query("@ { amount }", scalar))
code(QUERY, "query_with_edges", "input", _query("@ { edges { node { id } } }", a_list))
code(QUERY, "query_with_nodes", "input", _query("@ { nodes { id } }", a_list))
code(QUERY, "query_of_a_root_that_is_not_there", "input", unknown("query { ordre { id } }"))
code(SCHEMA, "schema_never_closed", "output_schema", lambda *_: "type Output { total: Int!")
code(SCHEMA, "schema_without_output", "output_schema", lambda *_: "type Result { total: Int! }")
code(SCHEMA, "schema_without_types", "output_schema", lambda *_: "type Output { total }")
code(
    SCHEMA,
    "schema_of_a_type_that_is_not_there",
    "output_schema",
    lambda *_: "type Output { total: Integer! }",
)
code(SCHEMA, "schema_in_json", "output_schema", lambda *_: '{"total": "Int"}')
code(
    "CONFIG_FIELD_JAVASCRIPT_ERROR",
    "script_without_main",
    "script",
    lambda *_: "function main(input) { return {} }",
)
code(
    "CONFIG_FIELD_JAVASCRIPT_ERROR",
    "script_that_waits",
    "script",
    lambda *_: "export default async function main(input) { return await input.shop; }",
)
code(
    "CONFIG_FIELD_JAVASCRIPT_ERROR",
    "script_that_fetches",
    "script",
    lambda *_: "export default function main(input) { return fetch('https://example.com'); }",
)


# -- calls of the Admin API -----------------------------------------------------------------------------


def call(error: str, name: str, value: Value) -> None:
    """Register damage that makes another call."""

    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        number = pick(draw, of_task(workflow, ADMIN_API))
        return None if number is None else with_value(workflow, number, "api_call", value)

    apply.__name__ = name
    damage(error)(apply)


def _call(name: str, **arguments: Any) -> ApiCall:
    return ApiCall(name, compact(arguments))


GID = "gid://shopify/Product/1"
call(
    "CONFIG_FIELD_MUTATION_NOT_FOUND",
    "mutation_that_is_not_there",
    _call("productUpdat", product={"id": GID}),
)
call("CONFIG_FIELD_MUTATION_NOT_FOUND", "mutation_that_is_a_query", _call("products", first=1))
call("CONFIG_FIELD_MUTATION_NOT_SELECTED", "mutation_never_selected", Text('{"name":"","blob":""}'))
call("CONFIG_FIELD_MUTATION_NOT_SELECTED", "mutation_field_left_empty", Text(""))
call(QUERY, "argument_that_is_not_there", _call("tagsAdd", id=GID, tags=["x"], notify=True))
call(QUERY, "argument_that_is_missing", _call("tagsAdd", tags=["x"]))
call(QUERY, "argument_that_is_null", _call("tagsAdd", id=None, tags=["x"]))
call(QUERY, "argument_field_that_is_not_there", _call("productUpdate", product={"id": GID, "titel": "x"}))
call(QUERY, "argument_field_that_is_missing", _call("orderUpdate", input={"note": "x"}))
call(
    QUERY,
    "argument_constant_that_is_not_there",
    _call("productUpdate", product={"id": GID, "status": "LIVE"}),
)
call(QUERY, "argument_that_is_an_object", _call("tagsAdd", id={"gid": GID}, tags=["x"]))
call(QUERY, "argument_that_should_be_an_object", _call("productUpdate", product=GID))
call(JSON, "blob_that_is_no_json", ApiCall("tagsAdd", None, '{"id": "gid://shopify/Product/1", }'))
call(JSON, "blob_that_is_a_list", ApiCall("tagsAdd", None, '["x"]'))
call(JSON, "call_that_is_no_json", Text("tagsAdd(id: 1)"))
