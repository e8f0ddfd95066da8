"""Damaged files: each is refused with a code, the place inside the file, and a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow import inspect, read
from tests.schemas.workflow.small import (
    CONDITION,
    CREATED,
    FOREACH,
    SIGNATURE,
    TAG,
    compact,
    document,
    export,
    link,
    python_of,
    refusal,
    step,
)

JSON = "INVALID_WORKFLOW_JSON"
STRUCTURE = "WORKFLOW_STRUCTURE_INVALID"
UNKNOWN = "WORKFLOW_FIELD_NOT_ALLOWED"
ENVIRONMENT = {"uuid": "l", "value": "order.note", "comparison_value_type": "EnvironmentValue"}
LITERAL = {"uuid": "r", "value": "x", "comparison_value_type": "LiteralValue"}
COMPARISON = {
    "uuid": "c",
    "lhs": ENVIRONMENT,
    "rhs": LITERAL,
    "value_type": "EnvironmentScalarDefinition:String",
    "operator": "==",
    "operation_type": "Comparison",
}
TREE = {"uuid": "t", "lhs": COMPARISON, "operator": "AND", "operation_type": "LogicalExpression"}
PATCHED = {
    "id": "p",
    "handle": "gift",
    "field": "metafield",
    "patched_type": "Order",
    "arguments": '{"key":"gift","namespace":"custom"}',
    "merchant_configured": True,
}

Damage = Callable[[dict[str, Any]], Any]


def sound() -> dict[str, Any]:
    steps = [step("a", CREATED), step("b", CONDITION, condition=compact(TREE)), step("c", tags='["VIP"]')]
    return document(steps, [link("a", "b"), link("b", "c", "true")], patched_fields=[dict(PATCHED)])


def at(document: dict[str, Any], *keys: str | int) -> Any:
    for key in keys:
        document = document[key]  # type: ignore[index]
    return document


def put(value: Any, *keys: str | int) -> Damage:
    def damage(document: dict[str, Any]) -> None:
        at(document, *keys[:-1])[keys[-1]] = value

    return damage


def drop(*keys: str | int) -> Damage:
    def damage(document: dict[str, Any]) -> None:
        del at(document, *keys[:-1])[keys[-1]]

    return damage


def tree(value: Any) -> Damage:
    return put(compact(value), "root", "steps", 1, "config_field_values", 0, "value")


VALUE = "/root/steps/1/config_field_values/0/value"
DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "root is a list": (put([], "root"), STRUCTURE, "/root"),
    "unknown key beside root": (put(1, "extra"), UNKNOWN, "/extra"),
    "another version": (put(0.2, "__metadata", "version"), STRUCTURE, "/__metadata"),
    "version as text": (put("0.1", "__metadata", "version"), STRUCTURE, "/__metadata"),
    "unknown key in root": (put(None, "root", "colour"), UNKNOWN, "/root/colour"),
    "no steps": (drop("root", "steps"), STRUCTURE, "/root"),
    "no links": (drop("root", "links"), STRUCTURE, "/root"),
    "steps is an object": (put({}, "root", "steps"), STRUCTURE, "/root/steps"),
    "filled variables": (put([{"a": 1}], "root", "variables"), UNKNOWN, "/root/variables"),
    "name is a number": (put(5, "root", "workflow_name"), STRUCTURE, "/root/workflow_name"),
    "layout flag is text": (
        put("true", "root", "vertical_layout_enabled"),
        STRUCTURE,
        "/root/vertical_layout_enabled",
    ),
    "no trigger": (drop("root", "steps", 0), STRUCTURE, "/root/steps"),
    "two triggers": (
        lambda found: found["root"]["steps"].append(step("z", CREATED)),
        "MULTIPLE_TRIGGER_STEPS",
        "/root/steps/3",
    ),
    "one id twice": (put("a", "root", "steps", 2, "step_id"), "INVALID_STEP_ID", "/root/steps/2/step_id"),
    "step is text": (put("a", "root", "steps", 1), STRUCTURE, "/root/steps/1"),
    "unknown key in a step": (put(1, "root", "steps", 2, "retry"), UNKNOWN, "/root/steps/2/retry"),
    "step without id": (drop("root", "steps", 2, "step_id"), STRUCTURE, "/root/steps/2"),
    "step without task": (drop("root", "steps", 2, "task_id"), STRUCTURE, "/root/steps/2"),
    "id is a boolean": (put(True, "root", "steps", 2, "step_id"), STRUCTURE, "/root/steps/2/step_id"),
    "id is a float": (put(1.5, "root", "steps", 2, "step_id"), STRUCTURE, "/root/steps/2/step_id"),
    "three coordinates": (
        put([1, 2, 3], "root", "steps", 2, "step_position"),
        STRUCTURE,
        "/root/steps/2/step_position",
    ),
    "unknown task type": (
        put("LOOP", "root", "steps", 2, "task_type"),
        STRUCTURE,
        "/root/steps/2/task_type",
    ),
    "an action as a condition": (
        put("CONDITION", "root", "steps", 2, "task_type"),
        "TASK_NOT_FOUND",
        "/root/steps/2/task_id",
    ),
    "a condition as an action": (
        put("ACTION", "root", "steps", 1, "task_type"),
        "TASK_NOT_FOUND",
        "/root/steps/1/task_id",
    ),
    "unknown version of a condition": (
        put("2.0", "root", "steps", 1, "task_version"),
        "TASK_NOT_FOUND",
        "/root/steps/1/task_id",
    ),
    "value is a number": (
        put(5, "root", "steps", 2, "config_field_values", 0, "value"),
        JSON,
        "/root/steps/2/config_field_values/0",
    ),
    "unknown key in a value": (
        put(5, "root", "steps", 2, "config_field_values", 0, "type"),
        UNKNOWN,
        "/root/steps/2/config_field_values/0/type",
    ),
    "value without a field": (
        drop("root", "steps", 2, "config_field_values", 0, "config_field_id"),
        STRUCTURE,
        "/root/steps/2/config_field_values/0",
    ),
    "one field twice": (
        lambda found: at(found, "root", "steps", 2, "config_field_values").append(
            {"config_field_id": "tags", "value": "[]"}
        ),
        JSON,
        "/root/steps/2/config_field_values/1",
    ),
    "another field in a condition": (
        put("expression", "root", "steps", 1, "config_field_values", 0, "config_field_id"),
        UNKNOWN,
        "/root/steps/1",
    ),
    "link from a missing step": (
        put("gone", "root", "links", 1, "from_step_id"),
        "INVALID_LINK",
        "/root/links/1/from_step_id",
    ),
    "link to a missing step": (
        put("gone", "root", "links", 0, "to_step_id"),
        "INVALID_LINK",
        "/root/links/0/to_step_id",
    ),
    "link to a number": (
        put(1, "root", "links", 0, "to_step_id"),
        "INVALID_LINK",
        "/root/links/0/to_step_id",
    ),
    "link to an object": (
        put({}, "root", "links", 0, "to_step_id"),
        "INVALID_LINK",
        "/root/links/0/to_step_id",
    ),
    "link into the trigger": (
        put("a", "root", "links", 1, "to_step_id"),
        "INVALID_LINK",
        "/root/links/1/to_step_id",
    ),
    "unknown port": (
        put("maybe", "root", "links", 1, "from_port_id"),
        "INVALID_LINK",
        "/root/links/1/from_port_id",
    ),
    "port of another task type": (
        put("output", "root", "links", 1, "from_port_id"),
        "INVALID_LINK",
        "/root/links/1/from_port_id",
    ),
    "unknown port in": (
        put("other", "root", "links", 1, "to_port_id"),
        "INVALID_LINK",
        "/root/links/1/to_port_id",
    ),
    "unknown key in a link": (put(1, "root", "links", 0, "weight"), UNKNOWN, "/root/links/0/weight"),
    "link without an end": (drop("root", "links", 0, "to_step_id"), "INVALID_LINK", "/root/links/0"),
    "unknown key in a patched field": (
        put(1, "root", "patched_fields", 0, "shop"),
        UNKNOWN,
        "/root/patched_fields/0/shop",
    ),
    "patched field without arguments": (
        drop("root", "patched_fields", 0, "arguments"),
        STRUCTURE,
        "/root/patched_fields/0",
    ),
    "arguments that are no JSON": (
        put("{", "root", "patched_fields", 0, "arguments"),
        JSON,
        "/root/patched_fields/0/arguments",
    ),
    "arguments that are a list": (
        put("[]", "root", "patched_fields", 0, "arguments"),
        STRUCTURE,
        "/root/patched_fields/0/arguments",
    ),
    "condition that is cut off": (tree(TREE | {"lhs": "x"}), "INVALID_CONDITION_VALUE", f"{VALUE}/lhs"),
    "unknown key in a condition": (
        tree(TREE | {"lhs": COMPARISON | {"case": True}}),
        UNKNOWN,
        f"{VALUE}/lhs/case",
    ),
    "condition without a left side": (
        tree(TREE | {"lhs": {key: part for key, part in COMPARISON.items() if key != "lhs"}}),
        "INVALID_CONDITION_VALUE",
        f"{VALUE}/lhs",
    ),
    "literal that is a number": (
        tree(TREE | {"lhs": COMPARISON | {"rhs": LITERAL | {"value": 5}}}),
        "INVALID_CONDITION_VALUE",
        f"{VALUE}/lhs/rhs/value",
    ),
    "logical operator XOR": (
        tree(TREE | {"operator": "XOR"}),
        "INVALID_CONDITION_VALUE",
        f"{VALUE}/operator",
    ),
    "comparison at the root": (tree(COMPARISON), "INVALID_CONDITION_VALUE", f"{VALUE}/operation_type"),
    "condition that is no JSON": (
        put("{", "root", "steps", 1, "config_field_values", 0, "value"),
        JSON,
        VALUE,
    ),
    "condition text that is cut off": (
        put("(order.note ==", "root", "steps", 1, "config_field_values", 0, "value"),
        "INVALID_CONDITION_VALUE",
        VALUE,
    ),
}


def test_the_document_that_the_damages_start_from_is_sound() -> None:
    assert 'if order.note == "x":' in python_of(f"{SIGNATURE}:{compact(sound())}")


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_document_is_refused_with_code_and_place(name: str) -> None:
    damage, code, path = DAMAGES[name]
    found = sound()
    damage(found)
    for text in (f"{SIGNATURE}:{compact(found)}", compact(found), json.dumps(found, indent=2)):
        problem = refusal(text)
        assert (problem.code, problem.path) == (code, path)


def test_the_refusal_names_the_step_as_the_file_spells_it() -> None:
    found = sound()
    put(1, "root", "steps", 2, "retry")(found)
    assert refusal(compact(found)).step == "c"
    put(["x"], "root", "steps", 1, "config_field_values", 0, "value")(found := sound())
    assert refusal(compact(found)).step == "b"


def test_a_loop_has_no_other_field_than_its_list() -> None:
    text = export([step("a", CREATED), step("b", FOREACH, listpath="order.lineItems", limit="5")])
    assert (refusal(text).code, refusal(text).step) == (UNKNOWN, "b")


TEXTS = {
    "empty": ("", "empty text"),
    "blank": (" \n", ""),
    "not JSON": ("hello", ""),
    "web page": ("<html></html>", ""),
    "truncated": (compact(sound())[:-7], "column"),
    "signature alone": (SIGNATURE, ""),
    "signature and half a body": (f"{SIGNATURE}:" + compact(sound())[:50], ""),
    "upper case signature": (f"{SIGNATURE.upper()}:{compact(sound())}", ""),
    "short signature": (f"{SIGNATURE[1:]}:{compact(sound())}", ""),
    "two documents": (compact(sound()) * 2, ""),
    "text after the end": (compact(sound()) + "x", ""),
    "trailing comma": (compact(sound())[:-1] + ",}", ""),
    "single quotes": (compact(sound()).replace('"', "'"), ""),
    "comment": ("{/* */}", ""),
    "NaN": ('{"root":{"steps":NaN}}', "column 18"),
    "infinity": ('{"root":{"steps":[-Infinity]}}', "column 20"),
    "number out of range": ('{"root":{"steps":1e999}}', "infinity"),
    "byte order mark": ("\ufeff" + compact(sound()), "byte order mark"),
    "lone surrogate": ('{"root":"\ud800"}', "surrogate"),
    "escaped lone surrogate": ('{"root":"\\ud800"}', ""),
    "raw control character": ('{"root":"\n"}', ""),
    "null byte": ('{"root"\0:1}', ""),
    "duplicate key": ('{"root":{},"root":{}}', "'root' occurs twice"),
    "duplicate key inside": (
        compact(sound()).replace('"step_id":"b"', '"step_id":"x","step_id":"b"'),
        "'step_id' occurs twice",
    ),
    "duplicate key in an escape": ('{"root":{},"\\u0072oot":{}}', "'root' occurs twice"),
    "list": ("[]", "an array"),
    "number": ("5", "a number"),
    "null": ("null", "null"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_json_object_is_refused(name: str) -> None:
    text, reason = TEXTS[name]
    problem = refusal(text)
    assert problem.code == JSON
    assert reason in problem.message


@pytest.mark.parametrize("text", ["{}", '{"root":{}}', '{"steps":[]}', '{"nodes":[],"connections":{}}'])
def test_json_that_is_no_workflow_is_refused(text: str) -> None:
    assert refusal(text).code == STRUCTURE


def test_a_duplicate_key_deep_inside_a_condition_is_refused_with_the_place_of_the_value() -> None:
    text = compact(TREE).replace('"uuid":"c"', '"uuid":"c","uuid":"c"')
    problem = refusal(export([step("a", CREATED), step("b", CONDITION, condition=text)]))
    assert (problem.code, problem.path) == (JSON, VALUE)


def test_reading_raises_what_inspecting_tells() -> None:
    found = sound()
    put(1, "root", "links", 0, "weight")(found)
    with pytest.raises(WorkflowRefused) as refused:
        read(compact(found))
    problem = inspect(compact(found)).problems[0]
    assert (refused.value.code, refused.value.path, refused.value.message) == (
        problem.code,
        problem.path,
        problem.message,
    )
    assert str(refused.value) == "WORKFLOW_FIELD_NOT_ALLOWED at /root/links/0/weight: unknown key 'weight'"


def test_one_unknown_key_is_enough_even_beside_a_valid_tag_step() -> None:
    for place in ("step", "link"):
        steps, links = [step("a", CREATED), step("b", TAG)], [link("a", "b")]
        (steps[1] if place == "step" else links[0])["colour"] = "red"
        assert refusal(export(steps, links)).path.endswith("/colour")
