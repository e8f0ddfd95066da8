"""Conditions: every operator on every kind of value, nil, lists, and what is no condition."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog.environment import resolve
from schemas.workflow.condition_text import OPERATORS, read_text
from schemas.workflow.model import UNARY, Compare, Condition, Constant, path
from serving.simulator import SimulationError
from serving.simulator.comparisons import as_instant, as_number
from serving.simulator.conditions import prepared, seen


def ask(condition: str | Condition, **roots: Any) -> bool:
    """Ask a condition of an environment whose `order`, `customer` and so on have the types of the API."""
    asked = read_text(condition) if isinstance(condition, str) else condition
    return prepared(asked, lambda place, items: resolve(place.text, items))(roots)


def code_of(condition: str | Condition | None, **roots: Any) -> str:
    with pytest.raises(SimulationError) as caught:
        prepared(
            read_text(condition) if isinstance(condition, str) else condition,
            lambda place, items: resolve(place.text, items),
        )(roots)
    return caught.value.code


# Operator, literal, then values of which it is true and of which it is false.
TEXTS = [
    ("==", "'Blue'", ["blue", "BLUE"], ["blues", "", " blue"]),
    ("!=", "'Blue'", ["blues", ""], ["blue", "BLUE"]),
    ("include?", "'lue'", ["blue", "BLUES"], ["bl", ""]),
    ("not_include?", "'lue'", ["bl", ""], ["blue", "BLUES"]),
    ("start_with?", "'Bl'", ["blue", "BL"], ["able", ""]),
    ("not_start_with?", "'Bl'", ["able", ""], ["blue", "BL"]),
    ("end_with?", "'UE'", ["blue", "ue"], ["blues", ""]),
    ("not_end_with?", "'UE'", ["blues", ""], ["blue", "ue"]),
    ("in?", "'Blue, red ,,'", ["blue", "RED"], ["green", "", "blue, red"]),
    ("not_in?", "'Blue, red'", ["green", ""], ["blue", "RED"]),
    ("in?", "''", [], ["", "blue"]),
    ("empty_or_nil?", "", ["", None], ["blue", " "]),
    ("not_empty_and_not_nil?", "", ["blue", " "], ["", None]),
    ("nil?", "", [None], ["", "blue"]),
    ("not_nil?", "", ["", "blue"], [None]),
]
NUMBERS = [
    ("==", "500", ["500.00", "500", 500, 500.0], ["500.01", 499, "-500"]),
    ("!=", "500", ["500.01", 499], ["500.00", 500]),
    (">", "500", ["500.01", 501], ["500.00", 499.99, "-501"]),
    (">=", "500", ["500.00", 501], ["499.99"]),
    ("<", "500", ["499.99", -1], ["500.00", 501]),
    ("<=", "500", ["500.00", "499.99"], ["500.01"]),
    ("==", "'500'", ["500.00"], ["5"]),
    ("==", "0.1", ["0.10", 0.1], ["0.1000000000000000055"]),
    ("in?", "'500, 7.5'", ["500.00", 7.5], ["75"]),
    ("not_in?", "'500, 7.5'", ["75"], ["500.00", "7.50"]),
]
DATES = [
    ("==", "'2026-11-02T10:00:00+02:00'", ["2026-11-02T08:00:00Z"], ["2026-11-02T10:00:00Z"]),
    ("!=", "'2026-11-02T08:00:00Z'", ["2026-11-02"], ["2026-11-02T08:00:00+00:00"]),
    (">", "'2026-11-02'", ["2026-11-02T00:00:01Z", "2027-01-01"], ["2026-11-02T00:00:00Z", "2026-11-01"]),
    (">=", "'2026-11-02'", ["2026-11-02T00:00:00Z"], ["2026-11-01T23:59:59Z"]),
    ("<", "'2026-11-02'", ["2026-11-01T23:59:59Z"], ["2026-11-02T00:00:00Z"]),
    ("<=", "'2026-11-02'", ["2026-11-02T00:00:00Z"], ["2026-11-02T00:00:01Z"]),
]
BOOLEANS = [
    ("==", "true", [True], [False]),
    ("!=", "true", [False], [True]),
    ("==", "false", [False], [True]),
    ("==", "'TRUE'", [True], [False]),
]
ENUMS = [
    ("==", "'paid'", ["PAID"], ["PENDING"]),
    ("!=", "'paid'", ["PENDING"], ["PAID"]),
    ("in?", "'paid,pending'", ["PAID", "PENDING"], ["VOIDED"]),
    ("not_in?", "'paid,pending'", ["VOIDED"], ["PAID"]),
]
IDS = [
    ("==", "'gid://shopify/Order/1'", ["gid://shopify/Order/1"], ["gid://shopify/Order/11"]),
    ("not_empty_and_not_nil?", "", ["gid://shopify/Order/1"], [None]),
]
FIELDS = {
    "name": TEXTS,
    "totalPrice": NUMBERS,
    "createdAt": DATES,
    "confirmed": BOOLEANS,
    "displayFinancialStatus": ENUMS,
    "id": IDS,
}


@pytest.mark.parametrize(
    ("field", "operator", "literal", "value", "expected"),
    [
        (field, operator, literal, value, expected)
        for field, table in FIELDS.items()
        for operator, literal, *both in table
        for expected, values in zip((True, False), both, strict=True)
        for value in values
    ],
)
def test_an_operator(field: str, operator: str, literal: str, value: Any, expected: bool) -> None:
    assert ask(f"(order.{field} {operator} {literal})", order={field: value}) is expected


def test_the_tables_hold_every_operator() -> None:
    assert {operator for table in FIELDS.values() for operator, *_ in table} == OPERATORS


NIL_LEFT = {"!=", "not_include?", "not_start_with?", "not_end_with?", "not_in?", "empty_or_nil?", "nil?"}


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize("order", [None, {}, {"name": None}], ids=["no order", "no field", "null"])
def test_nil_is_compared_as_the_table_says(operator: str, order: Any) -> None:
    right = None if operator in UNARY else Constant("x")
    assert ask(Compare(operator, path("order.name"), right), order=order) is (operator in NIL_LEFT)
    if operator in UNARY:
        return
    both = Compare(operator, path("order.name"), path("order.note"))
    opposite = {"==": True, "!=": False}
    assert ask(both, order=order) is opposite.get(operator, operator.startswith("not_"))
    there = {"name": "x", "note": None}
    assert ask(both, order=there) is (operator == "!=" or operator.startswith("not_"))


@pytest.mark.parametrize("operator", [">", ">=", "<", "<="])
def test_nothing_is_more_or_less_than_nil(operator: str) -> None:
    condition = f"(order.totalPrice {operator} order.subtotalPrice)"
    for order in ({"totalPrice": "1.00"}, {"subtotalPrice": "1.00"}, {}):
        assert ask(condition, order=order) is False


def test_two_paths_are_compared_by_the_type_of_either() -> None:
    assert ask(
        "(order.totalPrice == order.subtotalPrice)", order={"totalPrice": "5", "subtotalPrice": "5.00"}
    )
    assert ask("(runCode.x == order.totalPrice)", runCode={"x": "5.0"}, order={"totalPrice": "5.00"})
    assert not ask("(runCode.x == order.name)", runCode={"x": "5.0"}, order={"name": "5.00"})
    assert ask("(order.name include? runCode.x)", runCode={"x": "BC"}, order={"name": "abcd"})
    assert ask("(order.name in? order.tags)", order={"name": "b", "tags": ["A", "B"]})
    assert not ask("(order.name in? order.tags)", order={"name": "b", "tags": []})


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("(runCode.x == 500)", "500.00", True),
        ("(runCode.x == 500)", "five hundred", False),
        ("(runCode.x == '500')", 500, True),
        ("(runCode.x == '500')", "500.00", False),
        ("(runCode.x > 10)", "9", False),
        ("(runCode.x > '2026-01-01')", "2026-01-02", True),
        ("(runCode.x == true)", True, True),
        ("(runCode.x == true)", "true", True),
        ("(runCode.x == true)", False, False),
        ("(runCode.x == 'true')", True, True),
        ("(runCode.x == 12345678901234567)", "12345678901234568", False),
    ],
)
def test_a_value_of_no_known_type_goes_by_the_literal(condition: str, value: Any, expected: bool) -> None:
    assert ask(condition, runCode={"x": value}) is expected


ANY = "(order.lineItems any? |li| (li.sku == 'a'))"


@pytest.mark.parametrize("word", ["any?", "all?", "none?"])
@pytest.mark.parametrize(
    ("skus", "expected"),
    [
        (None, (False, True, True)),
        ([], (False, True, True)),
        (["A"], (True, True, False)),
        (["b", "a"], (True, False, False)),
        (["b", None], (False, False, True)),
    ],
)
def test_list_operators(word: str, skus: list[Any] | None, expected: tuple[bool, bool, bool]) -> None:
    items = None if skus is None else [{"sku": sku} for sku in skus]
    found = ask(ANY.replace("any?", word), order={"lineItems": items})
    assert found is expected[("any?", "all?", "none?").index(word)]


def test_list_operators_inside_each_other_and_paths_of_outside() -> None:
    inner = (
        "(order.lineItems any? |li| ((li.product.tags none? |t| (t == 'sold')) && (li.vendor == order.note)))"
    )
    sold = {"vendor": "v", "product": {"tags": ["Sold"]}}
    free = {"vendor": "v", "product": {"tags": []}}
    assert not ask(inner, order={"note": "V", "lineItems": [sold]})
    assert ask(inner, order={"note": "V", "lineItems": [sold, free]})
    assert not ask(inner, order={"note": "w", "lineItems": [sold, free]})


def test_a_list_of_lists_is_one_list() -> None:
    items = [{"product": {"tags": ["a", "b"]}}, {"product": None}, {"product": {"tags": ["c"]}}]
    assert ask("(order.lineItems.product.tags any? |t| (t == 'C'))", order={"lineItems": items})
    assert not ask("(order.lineItems.product.tags all? |t| (t == 'C'))", order={"lineItems": items})


def test_and_and_or() -> None:
    both, either = (
        "((order.name == 'a') && (order.note == 'b'))",
        "((order.name == 'a') || (order.note == 'b'))",
    )
    for name, note in (("a", "b"), ("a", "x"), ("x", "b"), ("x", "x")):
        order = {"name": name, "note": note}
        assert ask(both, order=order) is (name == "a" and note == "b")
        assert ask(either, order=order) is (name == "a" or note == "b")


@pytest.mark.parametrize(
    ("condition", "order", "code"),
    [
        (None, {}, "STEP_CONDITION_EMPTY"),
        (Compare("resembles?", path("order.name"), Constant("a")), {}, "INVALID_CONDITION_VALUE"),
        (Compare("==", path("order.name"), None), {}, "INVALID_CONDITION_VALUE"),
        ("(order.totalPrice == 'much')", {"totalPrice": "5"}, "CONDITION_TYPE_ERROR"),
        ("(order.totalPrice > 5)", {"totalPrice": "much"}, "CONDITION_TYPE_ERROR"),
        ("(order.confirmed == 'maybe')", {"confirmed": True}, "CONDITION_TYPE_ERROR"),
        ("(order.name > 'a')", {"name": "b"}, "CONDITION_TYPE_ERROR"),
        ("(order.createdAt > 'soon')", {"createdAt": "2026-11-02"}, "CONDITION_INVALID_DATE_VALUE"),
        ("(order.createdAt > '2026-02-30')", {"createdAt": "2026-11-02"}, "CONDITION_INVALID_DATE_VALUE"),
        ("(order.name == 'a')", {"name": {"x": 1}}, "CONDITION_NON_PRIMITIVE"),
        ("(order.customer any? |c| (c.id == 'a'))", {"customer": {}}, "CONDITION_MAP_OVER_INVALID_TYPE"),
    ],
)
def test_what_is_no_condition_is_a_typed_error(condition: Any, order: Any, code: str) -> None:
    assert code_of(condition, order=order) == code


@pytest.mark.parametrize("items", [None, [], [{"sku": "a"}]])
@pytest.mark.parametrize(
    "condition", ["(order.lineItems.sku == 'a')", "(order.tags nil?)", "(order.tags == 'a')"]
)
def test_a_path_through_a_list_needs_a_list_operator_whatever_the_list_holds(
    condition: str, items: Any
) -> None:
    code = "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE"
    assert code_of(condition, order={"lineItems": items, "tags": items}) == code
    assert code_of("(runCode.x == 'a')", runCode={"x": ["a"]}) == code


def test_an_error_is_one_in_whatever_order_the_terms_stand() -> None:
    wrong, right = "(order.totalPrice == 'much')", "(order.name == 'a')"
    order = {"name": "a", "totalPrice": "5"}
    for first, second in ((wrong, right), (right, wrong)):
        assert code_of(f"({first} || {second})", order=order) == "CONDITION_TYPE_ERROR"
        assert code_of(f"({first} && {second})", order={**order, "name": "b"}) == "CONDITION_TYPE_ERROR"


def test_what_a_condition_saw_is_told_outside_its_lists() -> None:
    condition = read_text(f"((order.customer.email == order.email) && {ANY} && (order.customer nil?))")
    order = {"email": "e", "lineItems": [{}, {}], "customer": {"id": "x"}}
    assert seen(condition, {"order": order}) == {
        "order.customer.email": None,
        "order.email": "e",
        "order.lineItems": {"num_items": 2},
        "order.customer": {},
    }


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_number(number: float) -> None:
    with pytest.raises(SimulationError) as caught:
        as_number(number)
    assert caught.value.code == "CONDITION_TYPE_ERROR"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2), st.integers(0, 3))
def test_a_number_is_its_value_however_it_is_written(number: Any, zeros: int) -> None:
    assert as_number(f"{number:f}{'0' * zeros}") == number
    written = Constant(f"{number:f}")
    assert ask(Compare("==", path("order.totalPrice"), written), order={"totalPrice": f"{number:f}"})


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.integers(-720, 720))
def test_a_moment_is_the_same_in_every_zone(moment: datetime, minutes: int) -> None:
    here = moment.replace(tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(minutes=minutes)))
    assert as_instant(there.isoformat()) == as_instant(moment.isoformat()) == here


@given(st.text(), st.text(), st.sampled_from(sorted(OPERATORS - UNARY - {">", ">=", "<", "<="})))
def test_letters_of_either_case_and_opposites(left: str, right: str, operator: str) -> None:
    found = ask(Compare(operator, path("order.name"), Constant(right)), order={"name": left})
    other = ask(
        Compare(operator, path("order.name"), Constant(right.casefold())), order={"name": left.casefold()}
    )
    assert found is other
    opposite = {"==": "!=", "!=": "=="}.get(operator) or (
        operator.removeprefix("not_") if operator.startswith("not_") else f"not_{operator}"
    )
    assert ask(Compare(opposite, path("order.name"), Constant(right)), order={"name": left}) is not found
