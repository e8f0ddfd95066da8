"""The tool contract: one text, one fingerprint, named differences, and arguments held to their schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadRecord
from schemas.tools import (
    CONFIGURE,
    CONTRACT,
    LOOK_UP,
    PATHS,
    RESOURCE_TYPES,
    RESOURCES,
    SAVE,
    SEARCH,
    TEMPLATES,
    Contract,
    Tool,
    canonical_json,
    diff,
    read_arguments,
)
from schemas.workflow import from_python, to_python

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_canonical_json_is_one_text_for_one_value(value: Any) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text
    assert json.loads(text) == value


def test_canonical_json_sorts_keys_and_leaves_characters() -> None:
    assert canonical_json({"é": [1, 1.0, True], "b": {"z": None, "a": "<é&'\"\n"}}) == (
        '{"b":{"a":"<é&\'\\"\\n","z":null},"é":[1,1.0,true]}'
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", {1, 2}, {"a": object()}, {1: 1, "a": 1}]
)
def test_canonical_json_refuses_what_json_cannot_carry(value: object) -> None:
    with pytest.raises(BadRecord, match="NOT_JSON"):
        canonical_json(value)


def test_the_contract_is_what_the_house_agreed_on() -> None:
    assert [tool.name for tool in CONTRACT.tools] == [
        *("task_search", "task_configuration", "environment_paths_search", "template_search"),
        *("workflow_lookup", "create_or_update_workflow", "search_shop_resource"),
    ]
    assert CONTRACT.envelope == ("data", "ok", "tool")
    assert CONTRACT.refusal == ("code", "message", "position")
    assert [list(tool.schema["properties"]) for tool in CONTRACT.tools] == [
        ["search_queries"],
        ["tasks"],
        ["data_type_filter", "searches", "workflow_id", "workflow_version"],
        ["search_queries"],
        ["version", "workflow_id"],
        ["workflow_id", "workflow_python", "workflow_version"],
        ["limit", "query", "resource_type"],
    ]
    assert tool(SEARCH).keys("task") == (
        *("connector_id", "description", "id", "installed", "label", "publisher", "task_type", "version"),
    )
    assert tool(PATHS).keys("path") == ("leaf_type", "path", "path_elements_types", "search_categories")
    assert tool(TEMPLATES).keys("template") == ("description", "template_id", "title", "workflow_python")
    assert tool(LOOK_UP).keys("data") == ("workflow_id", "workflow_python", "workflow_version")
    assert tool(RESOURCES).keys("resource") == ("gid", "path", "title")
    assert len(set(RESOURCE_TYPES)) == 19
    assert tool(SAVE).keys("validation_errors") == (
        *("conditionErrors", "configFieldErrors", "foreachBodyErrors", "taskErrors"),
    )


def test_what_a_model_is_told_of_its_tools_stays_short() -> None:
    """Every conversation pays for it: a tiny model has 4096 tokens in all."""
    told = CONTRACT.system_prompt + canonical_json(CONTRACT.openai())
    assert len(told) <= 6_000


def test_the_system_prompt_names_every_tool() -> None:
    assert all(tool.name in CONTRACT.system_prompt for tool in CONTRACT.tools)


def test_the_example_in_the_system_prompt_is_canonical_python() -> None:
    example = CONTRACT.system_prompt[CONTRACT.system_prompt.index("@") :] + "\n"
    assert to_python(from_python(example)) == example


def test_the_contract_comes_back_from_its_text() -> None:
    assert Contract.from_json(CONTRACT.to_json()) == CONTRACT
    assert (
        Contract.from_json(json.dumps(json.loads(CONTRACT.to_json()), indent=1)).fingerprint()
        == CONTRACT.fingerprint()
    )


def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CONTRACT.to_json())
    return found


def changed(change: Callable[[dict[str, Any]], object]) -> Contract:
    other = table()
    change(other)
    return Contract.from_json(json.dumps(other))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: t.update(version="contract_v9"), ["version"]),
        (lambda t: t["system_prompt"].append("Be kind."), ["system_prompt"]),
        (lambda t: t.update(envelope=["data", "ok"]), ["envelope"]),
        (lambda t: t.update(refusal=["code"]), ["refusal"]),
        (lambda t: t["tools"][0].update(description="x"), ["tools.task_search.description"]),
        (
            lambda t: t["tools"][1]["parameters"].update(description="x"),
            ["tools.task_configuration.parameters"],
        ),
        (
            lambda t: t["tools"][0]["parameters"]["properties"]["search_queries"].update(maxItems=9),
            ["tools.task_search.parameters.search_queries"],
        ),
        (
            lambda t: t["tools"][4]["parameters"]["required"].append("version"),
            ["tools.workflow_lookup.parameters"],
        ),
        (
            lambda t: (
                t["tools"][4]["parameters"]["properties"].update(all={"type": "string"}),
                t["tools"][4]["parameters"]["required"].append("all"),
            ),
            ["tools.workflow_lookup.parameters.all"],
        ),
        (
            lambda t: t["tools"][5]["response"]["data"].pop(),
            ["tools.create_or_update_workflow.response.data"],
        ),
        (
            lambda t: t["tools"][0]["response"].update(note=["text"]),
            ["tools.task_search.response.note"],
        ),
        (lambda t: t["tools"].reverse(), ["tools.order"]),
        (lambda t: t["tools"].pop(0), ["tools.task_search"]),
        (lambda t: t["tools"][0].update(name="search"), ["tools.task_search", "tools.search"]),
    ],
)
def test_what_differs_is_named_and_changes_the_fingerprint(
    change: Callable[[dict[str, Any]], object], named: list[str]
) -> None:
    other = changed(change)
    assert diff(CONTRACT, other) == named
    assert diff(CONTRACT, CONTRACT) == []
    assert other.fingerprint() != CONTRACT.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("version"),
        lambda t: t.update(version=1),
        lambda t: t.update(tools=7),
        lambda t: t["tools"].append(t["tools"][0]),
        lambda t: t.update(envelope=["ok", "data"]),
        lambda t: t["system_prompt"].append("<|im_end|>"),
        lambda t: t["tools"][0]["parameters"].update(pattern="a"),
        lambda t: t["tools"][0]["parameters"].update(additionalProperties=True),
        lambda t: t["tools"][0]["parameters"].update(type="null"),
        lambda t: t["tools"][6]["parameters"]["properties"]["resource_type"].update(enum=[]),
        lambda t: t["tools"][6]["parameters"]["properties"]["resource_type"].update(enum=[1]),
        lambda t: t["tools"][6]["parameters"]["properties"]["limit"].update(enum=["1"]),
        lambda t: t["tools"][6]["parameters"]["properties"]["query"].update(maximum=1),
    ],
)
def test_what_is_no_contract_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(BadRecord, match="CONTRACT"):
        changed(change)


def tool(name: str) -> Tool:
    found = CONTRACT.tool(name)
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "text", "path", "word"),
    [
        (SEARCH, "", "", "empty"),
        (SEARCH, "{", "", ""),
        (SEARCH, "[" * 100_000, "", "nested"),
        (SEARCH, "[]", "", "type object"),
        (SEARCH, "null", "", "type object"),
        (SEARCH, "{}", "", "search_queries is missing"),
        (SEARCH, '{"search_queries":["a"],"search_queries":["b"]}', "", "twice"),
        (SEARCH, '{"search_queries":"a"}', "/search_queries", "type array"),
        (SEARCH, '{"search_queries":[]}', "/search_queries", "at least 1"),
        (SEARCH, canonical_json({"search_queries": ["a"] * 11}), "/search_queries", "at most 10"),
        (SEARCH, '{"search_queries":["a",1]}', "/search_queries/1", "type string"),
        (SEARCH, canonical_json({"search_queries": ["a" * 201]}), "/search_queries/0", "at most 200"),
        (SEARCH, '{"search_queries":["a"],"limit":3}', "", "'limit'"),
        (CONFIGURE, '{"tasks":[{"id":"a"}]}', "/tasks/0", "version is missing"),
        (PATHS, '{"searches":[],"data_type_filter":"ALL"}', "/searches", "at least 1"),
        (PATHS, '{"searches":[{"root_type":"Order"}],"data_type_filter":"ALL"}', "/searches/0", "missing"),
        (
            PATHS,
            '{"searches":[{"root_type":"Order","search_term":"a"}],"data_type_filter":"SCALAR"}',
            "/data_type_filter",
            "one of ALL, LIST",
        ),
        (TEMPLATES, canonical_json({"search_queries": ["a"] * 4}), "/search_queries", "at most 3"),
        (LOOK_UP, "{}", "", "workflow_id is missing"),
        (LOOK_UP, '{"workflow_id":"a","version":1.0}', "/version", "type integer"),
        (RESOURCES, '{"resource_type":"shop","query":"a"}', "/resource_type", "one of catalog"),
        (RESOURCES, '{"resource_type":"order","query":"a","limit":51}', "/limit", "at most 50"),
        (SAVE, '{"workflow_python":"a","workflow_version":"1"}', "/workflow_version", "type integer"),
        (SAVE, '{"workflow_python":"a","workflow_version":true}', "/workflow_version", "type integer"),
        (SAVE, '{"workflow_python":"a","workflow_version":0}', "/workflow_version", "at least 1"),
    ],
)
def test_bad_arguments_are_refused_with_their_place(name: str, text: str, path: str, word: str) -> None:
    with pytest.raises(BadRecord) as refused:
        read_arguments(text, tool(name))
    assert (refused.value.code, refused.value.path) == ("BAD_ARGUMENTS", path)
    assert word in refused.value.message


def test_good_arguments_come_back_as_they_are() -> None:
    arguments = {"workflow_python": "é", "workflow_id": "w", "workflow_version": 2}
    assert read_arguments(canonical_json(arguments), tool(SAVE)) == arguments
