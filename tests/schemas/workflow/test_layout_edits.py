"""Editing through the layout: what was not touched keeps its id, place, note and very bytes."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest

from schemas.errors import UsageError
from schemas.workflow import Layout, canonical, from_python, inspect, read, to_python, write
from tests.schemas.workflow.small import (
    CONDITION,
    CREATED,
    FOREACH,
    SIGNATURE,
    compact,
    document,
    export,
    link,
    python_of,
    step,
)

EMAIL = "shopify::flow::send_email"
TREE = (
    '{"uuid":"root","lhs":{"uuid":"cmp","parent_uuid":"odd","lhs":{"uuid":"lhs","parent_uuid":"cmp","value":'
    '"Order.note","comparison_value_type":"EnvironmentValue","full_environment_path":"note"},"rhs":{"uuid":"rhs",'
    '"parent_uuid":"cmp","value":"old","comparison_value_type":"LiteralValue"},"value_type":'
    '"EnvironmentScalarDefinition:ID","operator":"==","operation_type":"Comparison"},"operator":"AND",'
    '"operation_type":"LogicalExpression"}'
)
PATCHED = [
    {
        "id": f"patched-{handle}",
        "handle": handle,
        "field": "metafield",
        "patched_type": "Order",
        "arguments": f'{{"namespace":"custom","key":"{handle}"}}',
        "merchant_configured": True,
    }
    for handle in ("gift", "wrap")
]


def placed(made: dict[str, Any], x: int, **captions: str) -> dict[str, Any]:
    return made | {"step_position": [x, -x]} | captions


STEPS = [
    placed(step("01TAG", tags='["one", "two"]', order_id="order.id"), 3, note="first of all"),
    placed(step("01MAIL", EMAIL, message="Hello", subject="Old subject"), 4, description="Tell them"),
    placed(step("01TRIGGER", CREATED), 1),
    placed(step("01IF", CONDITION, condition=TREE), 2, note="why"),
    placed(step("01LAST", tags='["done"]'), 5),
]
LINKS = [
    link("01IF", "01TAG", "true"),
    link("01TAG", "01MAIL"),
    link("01TRIGGER", "01IF"),
    link("01IF", "01LAST", "false"),
]
TEXT = export(STEPS, LINKS, patched_fields=PATCHED, variables=[], note="whole", vertical_layout_enabled=False)
BODY = TEXT[65:]
PYTHON = python_of(TEXT)
LAYOUT = Layout.from_json(inspect(TEXT).layout)


def edited(*changes: tuple[str, str]) -> str:
    python = PYTHON
    for old, new in changes:
        assert python.count(old) == 1, (old, python)
        python = python.replace(old, new)
    return write(from_python(python), LAYOUT)


def steps_of(text: str) -> dict[Any, dict[str, Any]]:
    return {each["step_id"]: each for each in json.loads(text)["root"]["steps"]}


def test_no_edit_gives_the_bytes_back_with_the_signature() -> None:
    assert edited() == TEXT == f"{SIGNATURE}:{BODY}"


@pytest.mark.parametrize(
    ("old", "new", "bytes_before", "bytes_after"),
    [
        ('"Old subject"', '"New"', '"Old subject"', '"New"'),
        ('"Hello"', '"""Hello\nthere"""', '"Hello"', '"Hello\\nthere"'),
        ('["one", "two"]', '["one", "deux"]', 'two\\"]', 'deux\\"]'),
        ('["done"]', '["do\\"ne"]', '[\\"done\\"]', '[\\"do\\\\\\"ne\\"]'),
        ('== "old"', '== "new"', '\\"old\\"', '\\"new\\"'),
        ('== "old"', '!= "old"', '\\"==\\"', '\\"!=\\"'),
        ('"gift", metafield', '"present", metafield', '"handle":"gift"', '"handle":"present"'),
        ("def tag_orders(", "def tag_all_orders(", '"Tag orders"', '"Tag all orders"'),
    ],
)
def test_an_edited_value_changes_its_own_bytes_alone(
    old: str, new: str, bytes_before: str, bytes_after: str
) -> None:
    assert BODY.count(bytes_before) == 1
    assert edited((old, new)) == BODY.replace(bytes_before, bytes_after)


def test_an_edit_that_is_undone_brings_the_signature_back() -> None:
    assert not edited(('"Hello"', '"Bye"')).startswith(SIGNATURE)
    assert write(from_python(PYTHON), LAYOUT).startswith(SIGNATURE)


def test_a_new_path_in_a_condition_keeps_the_ids_of_its_nodes() -> None:
    text = edited(("order.note ==", "order.name =="))
    tree = json.loads(steps_of(text)["01IF"]["config_field_values"][0]["value"])
    assert [tree["uuid"], tree["lhs"]["uuid"], tree["lhs"]["lhs"]["uuid"]] == ["root", "cmp", "lhs"]
    assert tree["lhs"]["lhs"]["value"].lower() == "order.name"
    others = [name for name in steps_of(BODY) if name != "01IF"]
    assert all(steps_of(text)[name] == steps_of(BODY)[name] for name in others)


def test_a_new_step_gets_an_id_of_its_own_and_moves_nothing() -> None:
    text = edited(("    else:\n", "        capture_payment(order_id=order.id)\n    else:\n"))
    now, then = steps_of(text), steps_of(BODY)
    (fresh,) = set(now) - set(then)
    assert now[fresh]["task_id"] == "shopify::admin::capture_payment"
    assert {name: now[name] for name in then} == then
    assert '"from_step_id":"01MAIL","from_port_id":"output","to_step_id":"' + fresh in text
    assert to_python(read(text).workflow) == PYTHON.replace(
        "    else:\n", "        capture_payment(order_id=order.id)\n    else:\n"
    )


def test_a_second_step_of_the_same_task_gets_another_id() -> None:
    text = edited(("    else:\n", "        add_order_tags(tags=[])\n    else:\n"))
    assert len(steps_of(text)) == 6
    assert set(steps_of(BODY)) <= set(steps_of(text))


@pytest.mark.parametrize(
    ("identity", "fresh"), [("²", 3), ("9" * 5000, 3), ("x", 3), (2, 3), (3, 4), ("3", 4), (-3, 3)]
)
def test_a_new_step_of_an_agent_gets_a_free_number(identity: str | int, fresh: int) -> None:
    text = json.dumps(document([step(1, CREATED), step(identity)], [link(1, identity)]))
    found = read(text)
    python = to_python(found.workflow) + "    capture_payment()\n"
    assert set(steps_of(write(from_python(python), found.layout))) == {1, identity, fresh}


def test_a_removed_step_takes_its_links_along_and_nothing_else() -> None:
    lines = PYTHON.splitlines(keepends=True)
    (at,) = [number for number, line in enumerate(lines) if '["done"]' in line]
    python = "".join(lines[: at - 1] + lines[at + 1 :])
    text = write(from_python(python), LAYOUT)
    then = steps_of(BODY)
    assert steps_of(text) == {name: then[name] for name in then if name != "01LAST"}
    assert "01LAST" not in text


def test_a_moved_step_keeps_its_own_layout() -> None:
    python = (
        PYTHON.replace('    else:\n        add_order_tags(tags=["done"])\n', "")
        + '    add_order_tags(tags=["done"])\n'
    )
    text = write(from_python(python), LAYOUT)
    assert steps_of(text) == steps_of(BODY)
    assert '{"from_step_id":"01TRIGGER","from_port_id":"output","to_step_id":"01LAST"' in text


def test_a_patched_field_more_or_less_leaves_the_others_their_ids() -> None:
    line = '@patched_field("Order", "gift", metafield(key="gift", namespace="custom"))\n'
    assert PYTHON.count(line) == 1
    text = write(from_python(PYTHON.replace(line, "")), LAYOUT)
    assert json.loads(text)["root"]["patched_fields"] == PATCHED[1:]
    more = write(from_python(PYTHON.replace(line, line + line.replace("gift", "card"))), LAYOUT)
    ids = [field["id"] for field in json.loads(more)["root"]["patched_fields"]]
    assert (ids[0], ids[2]) == ("patched-gift", "patched-wrap")
    assert ids[1] not in ("patched-gift", "patched-wrap")


def test_a_renamed_variable_changes_nothing() -> None:
    steps = [
        step("a", CREATED),
        step("b", FOREACH, listpath="order.lineItems"),
        step("c", order_id="lineItemsForeachitem.id"),
    ]
    text = export(steps, [link("a", "b"), link("b", "c", "loop_body")])
    python = python_of(text).replace("line_item.", "position.").replace("for line_item in", "for position in")
    assert write(from_python(python), read(text).layout) == text


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
def test_an_edit_keeps_the_white_space_of_a_file_around_it(indent: int | str | None) -> None:
    text = json.dumps(document(STEPS, LINKS, patched_fields=PATCHED), indent=indent) + "\n\n"
    found = read(text)
    python = to_python(found.workflow)
    after = write(from_python(python.replace('"Old subject"', '"New"')), found.layout)
    assert after == text.replace("Old subject", "New")


def test_an_edit_of_one_line_is_a_difference_of_one_line() -> None:
    text = json.dumps(document(STEPS, LINKS), indent=2)
    found = read(text)
    python = to_python(found.workflow).replace('["done"]', '["finished", "really"]')
    after = write(from_python(python), found.layout)
    changed = [line for line in difflib.ndiff(text.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert len(changed) == 2


def test_ids_places_and_captions_go_along_into_another_spelling() -> None:
    found = read(TEXT)
    agent = write(found.workflow, found.layout, "agent")
    now = steps_of(agent)
    assert {name: now[name]["step_position"] for name in now} == {
        each["step_id"]: each["step_position"] for each in STEPS
    }
    assert now["01MAIL"]["description"] == "Tell them"
    assert now["01IF"]["config_field_values"][0]["value"] == "(order.note == 'old')"
    assert json.loads(agent)["root"]["note"] == "whole"


def test_a_cli_file_is_sorted_indented_and_ends_with_a_newline() -> None:
    found = read(TEXT)
    for layout in (found.layout, None):
        text = write(found.workflow, layout, "cli")
        assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        assert read(text).layout.spelling == "cli"


def test_writing_without_a_layout_gives_the_same_bytes_each_time() -> None:
    workflow = read(TEXT).workflow
    for spelling in ("flow", "agent", "cli"):
        text = write(workflow, None, spelling)
        assert write(from_python(to_python(workflow)), None, spelling) == text
        assert canonical(read(text).workflow) == canonical(workflow)


def test_a_layout_survives_its_own_json() -> None:
    found = read(TEXT)
    assert Layout.from_json(found.layout.to_json()) == found.layout
    assert compact(json.loads(found.layout.to_json())) == found.layout.to_json()


def test_a_layout_holds_no_text_of_the_merchant_that_the_python_holds() -> None:
    layout = inspect(TEXT).layout
    for word in ("Old subject", "Hello", "done", '"old"', "Tag orders"):
        assert word not in layout
        assert word.strip('"') in PYTHON or word == "Tag orders"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"version":2,"steps":[]}',
        '{"version":1}',
        '{"version":1,"steps":[{"x":1}]}',
        '{"version":1,"steps":[],"colour":"red"}',
        '{"version":1,"steps":[],"spelling":"flow","spelling":"cli"}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":null}]}',
        '{"version":1,"spelling":"flow","steps":[{"task":5,"id":"a"}]}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":"b","position":[1,2,3]}]}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":"b","position":["1",2]}]}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":"b"}],"step_order":[1]}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":"b"}],"edges":[[0,"output",1]]}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":"b"}],"edges":[[0,"output"]]}',
        '{"version":1,"spelling":"flow","steps":[{"task":"a","id":"b"}],"link_order":[1,1]}',
    ],
)
def test_a_damaged_layout_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="layout"):
        Layout.from_json(text)


def test_a_layout_from_before_steps_and_links_were_noted_in_it_still_keeps_ids() -> None:
    layout = Layout.from_json(inspect(TEXT).layout)
    layout.edges = []
    for each in layout.steps:
        each.marks = ""
    assert write(from_python(PYTHON), layout) == TEXT
    then = steps_of(BODY)
    lines = PYTHON.splitlines(keepends=True)
    assert set(steps_of(write(from_python("".join(lines[:-2])), layout))) < set(then)


def test_the_layout_of_another_workflow_does_no_harm() -> None:
    other = read(export([step("x", CREATED), step("y", tags="[]")], [link("x", "y")])).layout
    text = write(from_python(PYTHON), other)
    assert to_python(read(text).workflow) == PYTHON
