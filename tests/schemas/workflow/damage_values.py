"""Damage to config values: Liquid, timetables, JSON texts, code steps and calls of the Admin API."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from schemas.catalog import tasks
from schemas.workflow.jsontext import compact
from schemas.workflow.model import ApiCall, Json, Text, Value, Workflow
from tests.schemas.workflow.damage import (
    Damaged,
    a_list,
    a_scalar,
    an_object,
    damage,
    holding,
    misspelled,
    names_are_known,
    of_task,
    pick,
    strangers,
    too_early,
    value_of,
    with_value,
)

FREE_TEXT = ("message", "subject", "note", "body", "value", "output", "row", "query")
RUN_CODE = "shopify::flow::run_code"
ADMIN_API = "shopify::admin::admin_api_operation"
RESOLUTION = "CONFIG_FIELD_RESOLUTION_ERROR"
PATH = "CONFIG_FIELD_PATH_VALIDATION_ERROR"
PRIMITIVE = "CONFIG_FIELD_NON_PRIMITIVE_ERROR"
VALIDATION = "CONFIG_FIELD_PARTNER_VALIDATION_ERROR"
JSON = "CONFIG_FIELD_JSON_PARSE_ERROR"
QUERY = "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
SCHEMA = "CONFIG_FIELD_GRAPHQL_SCHEMA_ERROR"


# -- Liquid ---------------------------------------------------------------------------------------------


def _texts(workflow: Workflow) -> list[tuple[int, str]]:
    """Texts that Liquid runs in, and lists of texts."""
    found = [each for each in holding(workflow, Text) if each[1] in FREE_TEXT]
    return found + [each for each in holding(workflow, Json) if each[1] == "tags"]


def _write(
    workflow: Workflow, draw: random.Random, liquid: str | None, place: tuple[int, str] | None = None
) -> Damaged | None:
    """Liquid behind a text, or as one more text of a list."""
    found = place or pick(draw, _texts(workflow))
    if found is None or liquid is None:
        return None
    value = value_of(workflow, *found)
    made: Value
    if isinstance(value, Json):
        made = Json(compact([*json.loads(value.text), f"a {liquid}"]))
    else:
        assert isinstance(value, Text)
        made = Text(f"{value.text or ''} {liquid}")
    return with_value(workflow, *found, made)


def liquid(code: str, name: str, write: Callable[[Workflow, random.Random], str | None]) -> None:
    """Register damage that only writes Liquid."""

    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        return _write(workflow, draw, write(workflow, draw))

    apply.__name__ = name
    damage(code)(apply)


def _around(
    form: str, find: Callable[[Workflow, random.Random], Any]
) -> Callable[[Workflow, random.Random], str | None]:
    """A form with `@` for a path."""

    def write(workflow: Workflow, draw: random.Random) -> str | None:
        found = find(workflow, draw)
        path = found[0] if isinstance(found, tuple) else found
        return form.replace("@", path) if path else None

    return write


def _unknown(text: str) -> Callable[[Workflow, random.Random], str | None]:
    """A text with a root that no step can see."""
    return lambda workflow, draw: text if names_are_known(workflow) else None


def _scalar(workflow: Workflow, draw: random.Random) -> str | None:
    return a_scalar(workflow, draw, "string", "number")


liquid(RESOLUTION, "liquid_output_never_closed", _around("{{ @", _scalar))
liquid(RESOLUTION, "liquid_tag_never_closed", _around("{% if @", _scalar))
liquid(RESOLUTION, "liquid_if_without_end", _around("{% if @ %}yes", _scalar))
liquid(RESOLUTION, "liquid_for_without_end", _around("{% for x in @ %}{{ x.id }}", a_list))
liquid(RESOLUTION, "liquid_end_of_nothing", lambda *_: "{% endif %}")
liquid(
    RESOLUTION,
    "liquid_ends_crossed",
    _around("{% if @ %}{% for x in shop.orders %}{% endif %}{% endfor %}", _scalar),
)
liquid(RESOLUTION, "liquid_filter_in_a_comparison", _around("{% if @ | size > 3 %}x{% endif %}", _scalar))
liquid(RESOLUTION, "liquid_loop_without_in", _around("{% for x of @ %}{% endfor %}", a_list))
liquid(PRIMITIVE, "liquid_whole_object", _around("{{ @ }}", an_object))
liquid(PRIMITIVE, "liquid_whole_list", _around("{{ @ }}", a_list))
liquid(PRIMITIVE, "liquid_json_of_an_object", _around("{{ @ | json }}", an_object))
liquid(PRIMITIVE, "liquid_field_of_a_list", _around("{{ @.id }}", a_list))
liquid(PRIMITIVE, "liquid_first_as_filter", _around("{{ @ | first }}", a_list))
liquid(PATH, "liquid_item_by_number", _around("{{ @[0].id }}", a_list))
liquid(PATH, "liquid_dot_first", _around("{{ @.first.id }}", a_list))
liquid(PATH, "liquid_dot_last", _around("{% assign x = @.last %}", a_list))
liquid(PATH, "liquid_dot_size", _around("{{ @.size }}", a_list))
liquid(PATH, "liquid_edges", _around("{% for x in @.edges %}{{ x.node.id }}{% endfor %}", a_list))
liquid(PATH, "liquid_nodes", _around("{{ @.nodes }}", a_list))
liquid(PATH, "liquid_field_that_is_not_there", _around("{{ @ }}", misspelled))
liquid(PATH, "liquid_field_of_a_scalar", _around("{{ @.amount }}", _scalar))
liquid(
    "CONFIG_FIELD_MAP_OVER_INVALID_TYPE",
    "liquid_loop_over_a_scalar",
    _around("{% for x in @ %}{% endfor %}", _scalar),
)
liquid("CONFIG_FIELD_NAME_RESOLUTION_ERROR", "liquid_name_that_nothing_fills", _unknown("{{ ordre.name }}"))


@damage(PATH)
def liquid_item_outside_its_loop(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = strangers(workflow, draw, {number for number, _ in _texts(workflow)})
    if found is None:
        return None
    field = next(name for number, name in _texts(workflow) if number == found[0])
    return _write(workflow, draw, f"{{{{ {found[1]}.id }}}}", (found[0], field))


@damage("CONFIG_FIELD_EMPTY_WORKFLOW_VARIABLE")
def liquid_output_before_its_step(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = too_early(workflow, draw, {number for number, _ in _texts(workflow)})
    if found is None:
        return None
    field = next(name for number, name in _texts(workflow) if number == found[0])
    return _write(workflow, draw, f"{{{{ {found[1]} }}}}", (found[0], field))


# -- timetables -----------------------------------------------------------------------------------------

START = "DTSTART;TZID=Europe/Berlin:20370105T090000"
TIMETABLES = {
    "timetable_too_often": f"{START}\nRRULE:FREQ=MINUTELY;INTERVAL=9;WKST=MO",
    "timetable_too_seldom": f"{START}\nRRULE:FREQ=MONTHLY;INTERVAL=13;WKST=MO",
    "timetable_every_other_year": f"{START}\nRRULE:FREQ=YEARLY;INTERVAL=2;WKST=MO",
    "timetable_of_seconds": f"{START}\nRRULE:FREQ=SECONDLY;INTERVAL=900",
    "timetable_without_unit": f"{START}\nRRULE:INTERVAL=1;WKST=MO",
    "timetable_with_an_end": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1;COUNT=5",
    "timetable_by_month_day": f"{START}\nRRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15",
    "timetable_of_no_day": f"{START}\nRRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=XX",
    "timetable_of_no_hour": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=25;BYMINUTE=0;BYSECOND=0",
    "timetable_of_no_interval": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=0",
    "timetable_with_an_hour_twice": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=8;BYHOUR=9",
    "timetable_without_rule": START,
    "timetable_without_zone": "DTSTART:20370105T090000\nRRULE:FREQ=DAILY;INTERVAL=1",
    "timetable_from_no_day": "DTSTART;TZID=Europe/Berlin:20370230T090000\nRRULE:FREQ=DAILY;INTERVAL=1",
}


def _timetable(name: str, value: Value, code: str) -> None:
    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        found = pick(draw, [each for each in holding(workflow, Json) if each[1] == "recurrence"])
        return with_value(workflow, *found, value) if found else None

    apply.__name__ = name
    damage(code)(apply)


for each, text in TIMETABLES.items():
    _timetable(each, Json(compact([text])), VALIDATION)
_timetable("timetable_of_two_texts", Json(compact([TIMETABLES["timetable_of_no_day"]] * 2)), VALIDATION)
_timetable("timetable_that_is_no_json", Text(f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1"), JSON)


# -- JSON texts -----------------------------------------------------------------------------------------


def _json(name: str, field: str, text: str) -> None:
    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        places = [each for each in holding(workflow, Json) if each[1] == field]
        found = pick(draw, [each for each in places if workflow.steps[each[0]].task_id in tasks.TASKS])
        return with_value(workflow, *found, Text(text)) if found else None

    apply.__name__ = name
    damage(JSON)(apply)


_json("tags_that_are_no_json", "tags", "VIP, gift")
_json("tags_with_a_comma_too_much", "tags", '["VIP",]')
_json("headers_that_are_no_json", "headers", "content-type: application/json")
_json("metafield_that_is_no_json", "metafield", "custom.points")
_json("sorting_that_is_no_json", "sort_by", "CREATED_AT")


@damage(VALIDATION)
def metafield_without_a_part(workflow: Workflow, draw: random.Random) -> Damaged | None:
    places = [each for each in holding(workflow, Json) if each[1] == "metafield"]
    found = pick(draw, [each for each in places if workflow.steps[each[0]].task_id in tasks.TASKS])
    parts = {"namespace": "custom", "key": "points", "type": "number_integer"}
    del parts[draw.choice(("namespace", "key"))]
    return with_value(workflow, *found, Json(compact(parts))) if found else None


def _fetched(workflow: Workflow, draw: random.Random) -> tuple[int, str] | None:
    found = [each for each in holding(workflow, Json) if each[1] == "sort_by"]
    prefix = "shopify::flow::fetch::"
    return pick(draw, [each for each in found if workflow.steps[each[0]].task_id.startswith(prefix)])


@damage("CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY")
def sort_key_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = _fetched(workflow, draw)
    key = draw.choice(("created_at", "CREATED", "PRICE", ""))
    return (
        with_value(workflow, *found, Json(compact({"sortKey": key, "order": "ASCENDING"}))) if found else None
    )


@damage("CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY")
def sort_order_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = _fetched(workflow, draw)
    return with_value(workflow, *found, Json(compact({"sortKey": "ID", "order": "DESC"}))) if found else None


# -- code steps -----------------------------------------------------------------------------------------


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
code(QUERY, "query_into_a_scalar", "input", _query("@ { amount }", _scalar))
code(QUERY, "query_with_edges", "input", _query("@ { edges { node { id } } }", a_list))
code(QUERY, "query_with_nodes", "input", _query("@ { nodes { id } }", a_list))
code(QUERY, "query_of_a_root_that_is_not_there", "input", _unknown("query { ordre { id } }"))
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
