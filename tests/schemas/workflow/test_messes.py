"""The messes of real files: every one is carried, and each of the rare graph shapes has one spelling."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.workflow import canonical, from_python, inspect, read, to_python, write
from tests.schemas.workflow.small import (
    CONDITION,
    CREATED,
    FOREACH,
    SIGNATURE,
    TAG,
    compact,
    document,
    export,
    in_function,
    link,
    python_of,
    step,
)

RISK = (
    '{"uuid":"1","lhs":{"uuid":"2","parent_uuid":"1","lhs":{"uuid":"3","parent_uuid":"2","value":"order.note",'
    '"comparison_value_type":"EnvironmentValue","full_environment_path":"order.note"},"rhs":{"uuid":"4",'
    '"parent_uuid":"2","value":"x","comparison_value_type":"LiteralValue"},'
    '"value_type":"EnvironmentScalarDefinition:String","operator":"==","operation_type":"Comparison"},'
    '"operator":"AND","operation_type":"LogicalExpression"}'
)


def test_a_step_that_nothing_leads_to_stands_in_an_unconnected_block() -> None:
    text = export([step("a", CREATED), step("b", tags='["on"]'), step("c", tags='["off"]')], [link("a", "b")])
    assert python_of(text) == in_function(
        'add_order_tags(tags=["on"])\nwith unconnected():\n    add_order_tags(tags=["off"])'
    )


def test_an_unconnected_chain_keeps_its_links() -> None:
    text = export([step("a", CREATED), step("b"), step("c")], [link("b", "c")])
    assert python_of(text) == in_function("with unconnected():\n    add_order_tags()\n    add_order_tags()")


def test_a_workflow_of_a_trigger_alone_has_an_empty_body() -> None:
    assert python_of(export([step("a", CREATED)])) == in_function("pass")


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        '{"uuid":"1","operator":"AND","operation_type":"LogicalExpression"}',
        '{"uuid":"1","operator":"OR","operation_type":"LogicalExpression"}',
    ],
)
def test_a_condition_that_was_never_filled_in_is_an_ellipsis(value: str | None) -> None:
    text = export([step("a", CREATED), step("b", CONDITION, condition=value)], [link("a", "b")])
    assert python_of(text) == in_function("if ...:\n    pass")


def test_a_condition_or_loop_without_its_field_comes_back_without_it() -> None:
    text = export(
        [step("a", CREATED), step("b", CONDITION), step("c", FOREACH)], [link("a", "b"), link("a", "c")]
    )
    assert python_of(text) == in_function("if ...:\n    pass\nfor item in ...:\n    pass")


def test_a_loop_without_a_body_is_carried() -> None:
    text = export([step("a", CREATED), step("b", FOREACH, listpath="order.lineItems")], [link("a", "b")])
    assert python_of(text) == in_function("for line_item in order.line_items:\n    pass")


def test_two_conditions_on_one_port_are_two_ifs_in_a_row() -> None:
    conditions = [step(name, CONDITION, condition=RISK) for name in ("b", "c")]
    text = export([step("a", CREATED), *conditions], [link("a", "b"), link("a", "c")])
    assert python_of(text) == in_function('if order.note == "x":\n    pass\n' * 2)


def test_two_actions_on_one_port_need_a_branch_for_the_first() -> None:
    steps = [step("a", CREATED), step("b", tags='["1"]'), step("c", tags='["2"]'), step("d", tags='["3"]')]
    text = export(steps, [link("a", "b"), link("a", "d"), link("b", "c")])
    assert python_of(text) == in_function(
        "with branch():\n"
        '    add_order_tags(tags=["1"])\n'
        '    add_order_tags(tags=["2"])\n'
        'add_order_tags(tags=["3"])'
    )


def test_a_condition_on_the_false_port_alone_is_an_elif() -> None:
    conditions = [step(name, CONDITION, condition=RISK) for name in ("b", "c")]
    text = export(
        [step("a", CREATED), *conditions, step("d")],
        [link("a", "b"), link("b", "c", "false"), link("c", "d", "true")],
    )
    assert python_of(text) == in_function(
        'if order.note == "x":\n    pass\nelif order.note == "x":\n    add_order_tags()'
    )


def test_a_step_with_two_ways_in_is_a_named_block() -> None:
    steps = [step("a", CREATED), step("b", CONDITION, condition=RISK), step("c", tags='["both"]')]
    text = export(steps, [link("a", "b"), link("b", "c", "true"), link("b", "c", "false")])
    assert python_of(text) == in_function(
        'def join_1():\n    add_order_tags(tags=["both"])\n\n'
        'if order.note == "x":\n    join_1()\nelse:\n    join_1()'
    )


def test_a_cycle_is_carried() -> None:
    text = export(
        [step("a", CREATED), step("b"), step("c")], [link("a", "b"), link("b", "c"), link("c", "b")]
    )
    assert python_of(text) == in_function(
        "def join_1():\n    add_order_tags()\n    add_order_tags()\n    join_1()\n\njoin_1()"
    )


def test_a_step_that_leads_to_itself_out_of_reach_is_carried() -> None:
    assert "with unconnected():\n        join_1()" in python_of(
        export([step("a", CREATED), step("b")], [link("b", "b")])
    )


def test_the_same_link_twice_comes_back_twice() -> None:
    text = export([step("a", CREATED), step("b")], [link("a", "b"), link("a", "b")])
    assert python_of(text).count("    join_1()\n") == 2


def test_the_order_of_steps_and_links_in_the_file_means_nothing_and_comes_back() -> None:
    steps = [step("c", tags='["2"]'), step("b", tags='["1"]'), step("a", CREATED)]
    links = [link("b", "c"), link("a", "b")]
    turned = export(steps[::-1], links[::-1])
    assert python_of(export(steps, links)) == python_of(turned)
    assert canonical(read(export(steps, links)).workflow) == canonical(read(turned).workflow)


def test_a_wrong_parent_uuid_comes_back() -> None:
    wrong = RISK.replace('"uuid":"3","parent_uuid":"2"', '"uuid":"3","parent_uuid":"elsewhere"')
    assert wrong != RISK
    text = export([step("a", CREATED), step("b", CONDITION, condition=wrong)])
    assert python_of(text) == python_of(export([step("a", CREATED), step("b", CONDITION, condition=RISK)]))


def test_an_old_capitalised_path_reads_like_a_new_one_and_comes_back() -> None:
    old = RISK.replace('"value":"order.note"', '"value":"Order.note"')
    steps = [step("a", CREATED), step("b", CONDITION, condition=old), step("c", order_id="Order.id")]
    python = python_of(export(steps, [link("a", "b"), link("b", "c", "true")]))
    assert python == in_function('if order.note == "x":\n    add_order_tags(order_id=order.id)')


@pytest.mark.parametrize(
    "value",
    [
        '{"value":"","default_value":"order.id"}',
        '{"value":"{{ order.id }}","default_value":"order.id"}',
        '{"value":"{{order.id}}","default_value":""}',
        '{"default_value":"order.id","value":""}',
        '{"value": "{{ order.id }}", "default_value": ""}',
        "order.id",
        "{{ order.id }}",
    ],
)
def test_every_spelling_of_an_object_reads_as_the_path_and_comes_back(value: str) -> None:
    text = export([step("a", CREATED), step("b", order_id=value)], [link("a", "b")])
    assert python_of(text) == in_function("add_order_tags(order_id=order.id)")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ("gid://shopify/Order/1", '"gid://shopify/Order/1"'),
        ('{"value":"","default_value":""}', '""'),
        ('{"value":5,"default_value":""}', 'raw(\'{"value":5,"default_value":""}\')'),
        ("{broken", 'raw("{broken")'),
        (None, "None"),
    ],
)
def test_an_object_that_is_no_path_is_carried_as_it_is(value: str | None, shown: str) -> None:
    text = export([step("a", CREATED), step("b", order_id=value)], [link("a", "b")])
    assert python_of(text) == in_function(f"add_order_tags(order_id={shown})")


@pytest.mark.parametrize("value", ['["NEW"', "NEW", '{"a":1}', "{{ order.tags }}", '["a",1]', ""])
def test_a_list_that_is_none_is_carried_as_text(value: str) -> None:
    text = export([step("a", CREATED), step("b", tags=value)], [link("a", "b")])
    shown = f"'{value}'" if '"' in value else f'"{value}"'
    assert python_of(text) == in_function(f"add_order_tags(tags={shown})")


def test_a_task_under_a_bare_uuid_is_carried_by_its_id() -> None:
    app = "b99ddae5-9dbe-4829-bbce-5d6200aa1216"
    fields = {"row": "x", "my-field": "y", "class": "z"}
    shown = f'task("{app}", "1.0", row="x", **{{"class": "z", "my-field": "y"}})'
    text = export([step("a", CREATED), step("b", app, "1.0", **fields)], [link("a", "b")])
    assert python_of(text) == in_function(shown)


def test_a_trigger_under_a_bare_uuid_is_carried_by_its_id() -> None:
    trigger = step("a", "3a1f095d-4250-4b2f-8238-e48b662f0d6c", "1.0") | {"task_type": "TRIGGER"}
    python = python_of(export([trigger]))
    assert python.startswith('@task("3a1f095d-4250-4b2f-8238-e48b662f0d6c", "1.0")\ndef tag_orders(order):\n')


@pytest.mark.parametrize("kind", ["WAIT", "ACTION"])
@pytest.mark.parametrize(
    "task", ["shopify::flow::wait", "shopify::flow::pause", "shopify::flow::scheduled_time"]
)
def test_a_wait_is_carried_under_any_id(task: str, kind: str) -> None:
    text = export([step("a", CREATED), step("b", task, duration="5") | {"task_type": kind}], [link("a", "b")])
    assert ("task_type=" in python_of(text)) == ((task == "shopify::flow::wait") != (kind == "WAIT"))


@pytest.mark.parametrize(
    "value", ["100", "-5", "0", "007", "1.0", "1e3", "+1", "", "{{ count }}", "1٣", "9" * 5000]
)
def test_a_number_is_printed_as_one_only_where_it_comes_back(value: str) -> None:
    text = export(
        [step("a", CREATED), step("b", "shopify::flow::fetch::orders", "v1", max_root_records=value)]
    )
    plain = value in ("100", "-5", "0")
    shown = python_of(text)
    assert (f"max_root_records={value})" in shown) == plain
    assert (f'max_root_records="{value}"' in shown) != plain


def test_an_older_version_of_a_task_is_named() -> None:
    metafield = "shopify::admin::add_order_metafield"
    shown = [
        python_of(export([step("a", CREATED), step("b", metafield, version)])) for version in ("0.1", "1.0")
    ]
    assert 'task_version="0.1"' in shown[0]
    assert "task_version" not in shown[1]


@pytest.mark.parametrize("key", ["description", "note", "name", "step_position"])
def test_a_missing_key_of_a_step_stays_missing(key: str) -> None:
    made = step("b")
    del made[key]
    python_of(export([step("a", CREATED), made], [link("a", "b")]))


def test_unknown_captions_and_names_come_back_and_stay_out_of_the_text() -> None:
    made = step("b", CONDITION, condition=RISK) | {"description": "caption", "note": "nöte", "name": "Is it?"}
    python = python_of(export([step("a", CREATED), made], [link("a", "b")]))
    assert not any(word in python for word in ("caption", "nöte", "Is it"))


def test_a_name_of_its_own_decides_what_later_steps_call_the_output() -> None:
    query = "shopify::flow::fetch::orders"
    steps = [
        step("a", CREATED),
        step("b", query, "v1") | {"name": "Old orders"},
        step("c", "shopify::flow::count", listpath="oldOrders"),
    ]
    python = python_of(export(steps, [link("a", "b"), link("b", "c")]))
    assert 'orders = get_orders(step_name="Old orders")\n    count(orders)' in python


@pytest.mark.parametrize("identity", ["", "a b", "ü", 7, -1, 10**30, "7"])
def test_any_text_or_number_is_an_id(identity: str | int) -> None:
    python_of(export([step("a", CREATED), step(identity)], [link("a", identity)]))


@pytest.mark.parametrize("keys", [(), ("patched_fields",), ("patched_fields", "variables", "note")])
def test_every_age_of_the_root_object_comes_back(keys: tuple[str, ...]) -> None:
    empty: dict[str, Any] = {"patched_fields": [], "variables": [], "note": None}
    python_of(export([step("a", CREATED)], **{key: empty[key] for key in keys}))


def test_two_patched_fields_of_one_name_keep_their_own_ids_and_key_orders() -> None:
    first = {"id": "1", "handle": "gift", "field": "metafield", "patched_type": "Order", "arguments": "{}"}
    fields = [first, dict(reversed(first.items())) | {"id": "2"}, first | {"id": "3"}]
    assert python_of(export([step("a", CREATED)], patched_fields=fields)).count("@patched_field(") == 3


def test_a_workflow_without_a_name_or_envelope_comes_back() -> None:
    body = document([step("a", CREATED)])["root"]
    del body["workflow_name"]
    for value in (body, {"root": body}):
        assert '"""' in python_of(compact(value))
        assert python_of(f"{SIGNATURE}:{compact(value)}")


@pytest.mark.parametrize(
    "title", ["", " ", "Tag VIP orders", "注文タグ", 'say "hi"', "a\nb", "class", "9 lives", "\\"]
)
def test_any_title_comes_back(title: str) -> None:
    text = json.dumps({"workflow_name": title, "steps": [step("a", CREATED)], "links": []})
    found = inspect(text)
    assert found.lossless
    assert from_python(found.python).name == title


def test_free_white_space_and_escapes_of_an_agent_come_back() -> None:
    text = (
        '{ "root":\t{"workflow_name" : "Caf\\u00e9 \\/ \\ud83d\\ude00", "links":[],\r\n'
        ' "steps": [ {"step_id":1.0e0, '
    ).replace("1.0e0", "1") + (
        f'"task_id": "{CREATED}", "task_version":"0.1","task_type":"TRIGGER"}}] }} }}\n\n'
    )
    assert "Café / 😀" in python_of(text)


def test_a_tag_step_that_hangs_on_a_loop_after_its_body_reads_in_order() -> None:
    steps = [step("a", CREATED), step("b", FOREACH, listpath="order.lineItems"), step("c"), step("d", TAG)]
    links = [link("a", "b"), link("b", "d", "after"), link("b", "c", "loop_body")]
    document = read(export(steps, links))
    python = to_python(document.workflow)
    assert python == in_function("for line_item in order.line_items:\n    add_order_tags()\nadd_order_tags()")
    assert write(from_python(python), document.layout) == export(steps, links)
