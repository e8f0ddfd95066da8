"""The printer: every text comes back as a literal, and lines break where a person would break them."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.workflow import inspect
from schemas.workflow.pretty import WIDTH, Terms, call, docstring, quote, show
from tests.schemas.workflow.small import in_function
from tests.schemas.workflow.strategies import HOSTILE, TEXT


def value_of(literal: str) -> object:
    (statement,) = ast.parse(literal).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    return statement.value.value


@given(st.one_of(TEXT, HOSTILE, st.text(st.sampled_from("\"'\\\n\r\tn{ "), max_size=12)))
def test_any_text_comes_back_from_its_literal_and_from_its_docstring(text: str) -> None:
    assert value_of(quote(text)) == text
    assert value_of(docstring(text)) == text
    assert "\n" not in docstring(text)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("", '""'),
        ("plain", '"plain"'),
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ('it\'s "both"', "'it\\'s \"both\"'"),
        ("tab\there", '"tab\\there"'),
        ("back\\slash", '"back\\\\slash"'),
        ("two\nlines", '"""two\nlines"""'),
        ("\\d\n", 'r"""\\d\n"""'),
        ('"quoted"\nlines', "'''\"quoted\"\nlines'''"),
        ("windows\r\nlines", '"windows\\r\\nlines"'),
        ("zero\u200bwidth", '"zero\\u200bwidth"'),
        ("\x00", '"\\x00"'),
        ("日本 é 😀", '"日本 é 😀"'),
    ],
)
def test_the_literal_is_the_one_that_a_person_would_type(text: str, literal: str) -> None:
    assert quote(text) == literal


def test_a_call_stays_on_one_line_as_long_as_it_fits() -> None:
    for length in (WIDTH - 5, WIDTH - 4):
        node = call("f", [("a=", "x" * (length - 5)), ("b=", "1")])
        shown = show(node, "", 0)
        assert ("\n" in shown) == (len(f"f(a={'x' * (length - 5)}, b=1)") > WIDTH)
        assert shown.count("\n") in (0, 3)


def test_a_long_condition_stands_in_brackets_with_one_term_a_line() -> None:
    terms = [f'order.custom{number} == "{"x" * 20}"' for number in range(4)]
    written = in_function("if " + " and ".join(terms) + ":\n    pass")
    assert inspect(written).python == in_function("if (\n    " + "\n    and ".join(terms) + "\n):\n    pass")
    assert show(Terms("and", ["a", "b"], grouped=True), "", 0) == "(a and b)"
