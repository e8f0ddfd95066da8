"""Names on both sides: one to one where Python has a name, explicit where it has none."""

from __future__ import annotations

import ast
import keyword
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog import tasks
from schemas.workflow import from_python, inspect
from schemas.workflow.names import (
    CONSTRUCTS,
    camel,
    function_name,
    function_of,
    is_name,
    singular,
    snake,
    task_of,
    title_of,
)
from tests.schemas.workflow.small import CREATED, FOREACH, export, in_function, link, python_of, step

ORDERS = "shopify::flow::fetch::orders"
COUNT = "shopify::flow::count"
CODE = "shopify::flow::run_code"


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True))
def test_a_segment_has_a_snake_name_only_if_it_comes_back(segment: str) -> None:
    name = snake(segment)
    if name is not None:
        assert camel(name) == segment
        assert name.isidentifier()
        assert not keyword.iskeyword(name)


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("lineItems", "line_items"),
        ("id", "id"),
        ("countryCodeV2", "country_code_v2"),
        ("address1", "address1"),
        ("loyalty_tier", None),
        ("LineItems", None),
        ("transactionID", "transaction_i_d"),
        ("from", None),
        ("class", None),
        ("_x", None),
        ("", None),
        ("é", None),
        ("a-b", None),
    ],
)
def test_the_snake_name_of_a_segment(segment: str, name: str | None) -> None:
    assert snake(segment) == name


def test_every_task_of_the_catalogue_has_a_short_name_of_its_own_or_none() -> None:
    names = {task: function_of(task) for task in tasks.TASKS}
    short = [name for name in names.values() if name is not None]
    assert len(set(short)) == len(short) > 150
    assert not set(short) & (CONSTRUCTS | {"if", "for", "with"})
    assert all(is_name(name) and task_of(name) == task for task, name in names.items() if name)


@pytest.mark.parametrize(
    "task",
    [
        "shopify::admin::get_orders",
        "shopify::admin::any",
        "shopify::admin::task",
        "shopify::admin::send_email",
        "shopify::admin::class",
        "shopify::admin::a-b",
        "shopify::admin::",
        "shopify::flow::unheard_of",
        "other::app::x",
        "",
    ],
)
def test_a_task_whose_short_name_would_mean_another_is_carried_by_its_id(task: str) -> None:
    text = export([step("a", CREATED), step("b", task)], [link("a", "b")])
    python = python_of(text)
    assert f'task("{task}", "' in python


@given(st.text(max_size=100))
def test_any_title_gives_a_name_that_python_takes(title: str) -> None:
    name = function_name(title)
    assert is_name(name)
    assert len(name) <= 90
    ast.parse(f"def {name}(): pass")


def test_a_title_that_its_name_says_needs_no_docstring() -> None:
    assert title_of("tag_orders") == "Tag orders"
    assert function_name("Tag orders") == "tag_orders"
    assert python_of(export([step("a", CREATED)])) == in_function("pass")


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("line_items", "line_item"),
        ("tags", "tag"),
        ("properties", "property"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("data", "data_item"),
        ("status", "status_item"),
        ("access", "access_item"),
    ],
)
def test_one_element_is_called_in_the_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_a_path_that_has_no_names_is_written_with_its_own_keys() -> None:
    text = export(
        [
            step("a", CREATED),
            step("b", order_id="order.loyalty_tier.value"),
            step("c", order_id="Odd_root.x"),
        ],
        [link("a", "b"), link("b", "c")],
    )
    assert python_of(text) == in_function(
        'add_order_tags(order_id=order["loyalty_tier"].value)\n'
        'add_order_tags(order_id=environment["odd_root"].x)'
    )


def test_outputs_are_called_what_a_person_would_call_them_and_numbered_where_they_repeat() -> None:
    steps = [
        step("a", CREATED),
        step("b", ORDERS, "v1"),
        step("c", ORDERS, "v1"),
        step("d", COUNT, listpath="getOrderData"),
        step("e", COUNT, listpath="getOrderData1"),
        step("f", CODE),
        step("g", "shopify::flow::send_email", message="{{ count }} {{count1}} {{ runCode.x }}"),
    ]
    links = [link(one["step_id"], other["step_id"]) for one, other in pairwise(steps)]
    assert python_of(export(steps, links)) == in_function(
        "orders = get_orders()\n"
        "orders_2 = get_orders()\n"
        "num_orders = count(orders)\n"
        "num_orders_2 = count(orders_2)\n"
        "result = run_code()\n"
        'send_email(message="{{ count }} {{count1}} {{ runCode.x }}")'
    )


def test_an_output_that_nobody_uses_has_no_variable() -> None:
    text = export([step("a", CREATED), step("b", CODE)], [link("a", "b")])
    assert python_of(text) == in_function("run_code()")


def test_a_variable_never_hides_an_argument_a_task_or_an_outer_loop() -> None:
    steps = [
        step("a", CREATED),
        step("b", FOREACH, listpath="order.orders"),
        step("c", FOREACH, listpath="ordersForeachitem.orders"),
        step("d", order_id="ordersForeachitem.id"),
    ]
    links = [link("a", "b"), link("b", "c", "loop_body"), link("c", "d", "loop_body")]
    assert python_of(export(steps, links)) == in_function(
        "for order_2 in order.orders:\n"
        "    for order_3 in order_2.orders:\n"
        "        add_order_tags(order_id=order_3.id)"
    )


def test_a_variable_may_be_used_only_where_it_is_known() -> None:
    good = "orders = get_orders()\nfor order_ in orders:\n    add_order_tags(order_id=order_.id)"
    assert inspect(in_function(good)).semantic
    later = "for order_ in orders:\n    pass\norders = get_orders()"
    assert inspect(in_function(later)).semantic  # Flow's own outputs are known everywhere
    value = dict(from_python(in_function(good)).steps[2].fields)["listpath"]
    assert value.path.text == "getOrderData"  # type: ignore[union-attr]


def test_fields_are_printed_in_the_order_of_the_catalogue_and_come_back_in_the_order_of_the_file() -> None:
    email = "shopify::flow::send_email"
    fields = {"subject": "s", "address": "a", "message": "m"}
    shown = {
        python_of(export([step("a", CREATED), step("b", email, **dict(order))], [link("a", "b")]))
        for order in (fields.items(), reversed(fields.items()))
    }
    assert shown == {in_function('send_email(address="a", subject="s", message="m")')}
    pairs = [("zebra", "1"), ("apple", "2")]
    for order in (pairs, pairs[::-1]):
        text = export([step("a", CREATED), step("b", "x::y::z", **dict(order))], [link("a", "b")])
        assert python_of(text) == in_function('task("x::y::z", "0.1", apple="2", zebra="1")')
