"""Conditions in their three forms: the tree of an export, the text of the agent, the Python of a person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow import from_python, inspect, read, require_valid, to_python, write
from schemas.workflow.condition_text import OPERATORS, read_text, write_text
from schemas.workflow.condition_tree import constant
from schemas.workflow.model import UNARY, ConditionValue
from tests.schemas.workflow.small import CONDITION, CREATED, export, in_function, link, python_of, step

# text of the agent -> Python; both ways round.
PAIRS = {
    "(order.note == 'x')": 'order.note == "x"',
    "(order.note != 'x')": 'order.note != "x"',
    "(order.totalPrice > 100)": "order.total_price > 100",
    "(order.totalPrice >= 100.5)": "order.total_price >= 100.5",
    "(order.totalPrice < -1)": "order.total_price < -1",
    "(order.totalPrice <= 0)": "order.total_price <= 0",
    "(order.note include? 'gift')": '"gift" in order.note',
    "(order.note not_include? 'gift')": '"gift" not in order.note',
    "(order.name start_with? 'VIP')": 'order.name.startswith("VIP")',
    "(order.name not_start_with? 'VIP')": 'not order.name.startswith("VIP")',
    "(order.email end_with? '.edu')": 'order.email.endswith(".edu")',
    "(order.email not_end_with? '.edu')": 'not order.email.endswith(".edu")',
    "(order.displayFinancialStatus in? 'PAID,REFUNDED')": (
        'order.display_financial_status in ["PAID", "REFUNDED"]'
    ),
    "(order.name not_in? 'a, b,,')": 'order.name not in ["a", " b", "", ""]',
    "(order.email empty_or_nil?)": "not order.email",
    "(order.email not_empty_and_not_nil?)": "order.email",
    "(order.totalPrice nil?)": "order.total_price is None",
    "(order.totalPrice not_nil?)": "order.total_price is not None",
    "(order.capturable == true)": "order.capturable is True",
    "(order.capturable != false)": "order.capturable is not False",
    "(order.createdAt > order.customer.createdAt)": "order.created_at > order.customer.created_at",
    "(order.note include? order.name)": "order.name in order.note",
    "(order.tags any? |tags_item| (tags_item == 'vip'))": 'any(tag == "vip" for tag in order.tags)',
    "(order.tags all? |tags_item| (tags_item != 'vip'))": 'all(tag != "vip" for tag in order.tags)',
    "(order.tags none? |tags_item| (tags_item == 'vip'))": 'not any(tag == "vip" for tag in order.tags)',
    "((order.note == 'a') && (order.name == 'b') && (order.email nil?))": (
        'order.note == "a" and order.name == "b" and order.email is None'
    ),
    "((order.note == 'a') || ((order.name == 'b') && (order.email nil?)))": (
        'order.note == "a" or (order.name == "b" and order.email is None)'
    ),
    "(order.note == 'it\\'s')": 'order.note == "it\'s"',
    "(order.note == 'back\\\\slash')": 'order.note == "back\\\\slash"',
    "(order.note == '007')": 'order.note == "007"',
    "(order.note == '')": 'order.note == ""',
    "(order.note > true)": "order.note > True",
    "(order.note start_with? 5)": 'compare(order.note, "start_with?", 5)',
}


def with_condition(value: str) -> str:
    return export([step("a", CREATED), step("b", CONDITION, condition=value)], [link("a", "b")])


@pytest.mark.parametrize("text", PAIRS)
def test_condition_text_reads_as_python_and_comes_back(text: str) -> None:
    python = in_function(f"if {PAIRS[text]}:\n    pass")
    workflow = from_python(python)
    value = dict(workflow.steps[1].fields)["condition"]
    assert isinstance(value, ConditionValue)
    assert value.condition == read_text(text)
    assert write_text(read_text(text)) == text
    assert to_python(workflow) == python


@pytest.mark.parametrize("text", PAIRS)
def test_the_tree_that_is_written_for_a_condition_means_the_same(text: str) -> None:
    python = in_function(f"if {PAIRS[text]}:\n    pass")
    tree = write(from_python(python), spelling="flow")
    assert '\\"operation_type\\":\\"LogicalExpression\\"' in tree
    assert to_python(read(tree).workflow) == python


def test_every_operator_of_flow_has_a_pair_above() -> None:
    assert {operator for operator in OPERATORS if not any(f" {operator}" in text for text in PAIRS)} == set()


@pytest.mark.parametrize("operator", sorted(OPERATORS | {"matches?"}))
def test_any_operator_survives_in_a_tree(operator: str) -> None:
    right = "" if operator in UNARY else "x"
    python = in_function(f'if compare(order.note, "{operator}", "{right}"):\n    pass')
    tree = write(from_python(python), spelling="flow")
    assert from_python(to_python(read(tree).workflow)) == from_python(python)


def test_an_operator_that_condition_text_lacks_is_refused_in_that_spelling_alone() -> None:
    workflow = from_python(in_function('if compare(order.note, "matches?", "x"):\n    pass'))
    for spelling in ("agent", "cli"):
        with pytest.raises(WorkflowRefused, match="no operator 'matches\\?'") as refused:
            write(workflow, spelling=spelling)
        assert "condition" in refused.value.path


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "expected '('"),
        ("order.note == 'x'", 1, "expected '('"),
        ("(order.note == 'x'", 19, "expected ')'"),
        ("(order.note == 'x'))", 20, "unexpected ')'"),
        ("(order.note == )", 16, "expected a literal or a path"),
        ("(order.note)", 12, "expected an operator"),
        ("(order.note like 'x')", 13, "expected an operator"),
        ("('x' == order.note)", 2, "expected a path"),
        ("(order.note == 'x)", 16, "cannot read"),
        ('(order.note == "x")', 16, "cannot read"),
        ("((order.a nil?) && (order.b nil?) || (order.c nil?))", 35, "may not stand at one level"),
        ("(order.tags any? (t == 'x'))", 18, "expected '|'"),
        ("(order.tags any? |t.u| (t == 'x'))", 19, "name of the list item"),
        ("(order.note nil? 'x')", 18, "expected ')'"),
        ("(" * 100 + "order.a nil?" + ")" * 100, 62, "nested deeper"),
    ],
)
def test_condition_text_that_is_wrong_is_refused_with_its_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(WorkflowRefused) as refused:
        read_text(text, "/here")
    assert refused.value.message.startswith(f"column {column}: ")
    assert reason in refused.value.message
    assert (refused.value.code, refused.value.path) == ("INVALID_CONDITION_VALUE", "/here")


@pytest.mark.parametrize(
    "text", ["(order.tags any? |t| (t == 'vip'))", "( order.note=='x' )", "((order.note == 'x'))"]
)
def test_another_way_of_writing_a_condition_comes_back(text: str) -> None:
    python_of(with_condition(text))


def test_the_name_of_a_list_item_means_nothing() -> None:
    one = "(order.lineItems any? |li| (li.product.tags any? |t| (t == 'presale')))"
    other = one.replace("li|", "x|").replace("li.", "x.").replace("|t|", "|y|").replace("(t ", "(y ")
    assert read_text(one) == read_text(other)


def test_an_item_that_hides_an_outer_one_of_the_same_list_keeps_its_meaning() -> None:
    text = "(order.tags any? |a| (order.tags any? |b| ((a == 'x') && (b == 'y'))))"
    python = python_of(with_condition(text))
    assert 'any(tag == "x" and tag_2 == "y" for tag_2 in order.tags)' in python


def test_terms_of_one_operator_are_flat_however_the_tree_nests_them() -> None:
    flat = "((order.a == 'x') && (order.b == 'y') && (order.c == 'z'))"
    for text in (
        "(((order.a == 'x') && (order.b == 'y')) && (order.c == 'z'))",
        "((order.a == 'x') && ((order.b == 'y') && (order.c == 'z')))",
    ):
        assert read_text(text) == read_text(flat)
        assert python_of(with_condition(text)) == python_of(with_condition(flat))


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("100", "number", "number"),
        ("1.50", "number", "string"),
        ("007", "number", "string"),
        ("1e3", "number", "string"),
        ("-0", "number", "string"),
        ("9" * 30, "number", "string"),
        ("1٣", "number", "string"),
        ("1.٣", "number", "string"),
        ("0.1", "number", "number"),
        ("true", "boolean", "boolean"),
        ("TRUE", "boolean", "string"),
    ],
)
def test_a_literal_is_a_number_or_boolean_only_in_its_canonical_text(
    text: str, kind: str, found: str
) -> None:
    assert constant(text, kind).kind == found


def tree_of(text: str) -> dict[str, Any]:
    (value,) = [
        entry["value"]
        for each in json.loads(text)["root"]["steps"]
        for entry in each["config_field_values"]
        if entry["config_field_id"] == "condition"
    ]
    return json.loads(value)


@pytest.mark.parametrize(
    ("test", "value_type"),
    [
        ("order.total_weight > 5", "EnvironmentScalarDefinition:BigInt"),
        ("order.confirmed is True", "EnvironmentScalarDefinition:Boolean"),
        ('order.display_financial_status == "PAID"', "EnvironmentEnumDefinition:OrderDisplayFinancialStatus"),
        ('order.note == "x"', "EnvironmentScalarDefinition:String"),
        ('order.my_own.value == "x"', "EnvironmentScalarDefinition:String"),
        ("order.created_at is None", "EnvironmentScalarDefinition:DateTime"),
    ],
)
def test_a_new_comparison_gets_the_value_type_of_its_path(test: str, value_type: str) -> None:
    text = write(from_python(in_function(f"if {test}:\n    pass")), spelling="flow")
    found = tree_of(text)["lhs"]["value_type"]
    expected = value_type.replace("BigInt", "Int")  # whole numbers of every size are Int to Flow
    assert found == expected


def test_a_tree_names_the_true_parent_of_every_new_node() -> None:
    python = in_function('if order.note == "a" and any(tag == "b" for tag in order.tags):\n    pass')
    nodes = [(None, tree_of(write(from_python(python), spelling="flow")))]
    seen = []
    while nodes:
        parent, node = nodes.pop()
        assert node.get("parent_uuid") == parent
        seen.append(node["uuid"])
        nodes += [(node["uuid"], child) for child in node.values() if isinstance(child, dict)]
    assert len(seen) == len(set(seen)) == 11


def test_flow_judges_a_condition_inside_a_list_by_the_type_of_the_item() -> None:
    require_valid("(order.lineItems any? |li| (li.quantity > 1))")
    with pytest.raises(WorkflowRefused, match="is for text"):
        require_valid("(order.lineItems any? |li| (li.quantity include? '1'))")


def test_a_path_of_unknown_type_is_never_judged() -> None:
    for operator in ("> 1", "include? 'x'", "nil?", "empty_or_nil?"):
        require_valid(f"(order.loyalty.value {operator})")
    patched = '@patched_field("Order", "loyalty", metafield(key="k", namespace="n"))\ndef '
    text = in_function("if order.loyalty.value > 1:\n    pass")
    assert inspect(text.replace("def ", patched)).findings == ()
    (lacking,) = inspect(text).findings
    assert lacking.code == "CONDITION_RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ('order.note > "a"', "CONDITION_TYPE_ERROR"),
        ('"1" in order.total_price', "CONDITION_TYPE_ERROR"),
        ("not order.created_at", "CONDITION_TYPE_ERROR"),
        ("order.confirmed > True", "CONDITION_TYPE_ERROR"),
        ('order.note == ""', "INVALID_CONDITION_VALUE"),
        ('order.note != "{{ order.name }}"', "INVALID_CONDITION_VALUE"),
        ('order.line_items.title == "x"', "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE"),
        ('order.tags == "x"', "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE"),
    ],
)
def test_what_flow_would_refuse_is_carried_and_found_at_its_step(test: str, code: str) -> None:
    for body in (f"if {test}:\n    pass", f"if order.name and (order.name or {test}):\n    pass"):
        found = inspect(in_function(f"capture_payment(order_id=order.id)\n{body}"))
        assert found.semantic
        (finding,) = found.findings
        assert (finding.code, finding.severity, finding.step) == (code, "error", "3")


def test_inside_a_loop_the_item_has_the_type_of_the_list() -> None:
    loop = "for line_item in order.line_items:\n    if {}:\n        pass"
    assert inspect(in_function(loop.format("line_item.quantity > 1"))).findings == ()
    found = inspect(in_function(loop.format('"1" in line_item.quantity')))
    assert [finding.code for finding in found.findings] == ["CONDITION_TYPE_ERROR"]
