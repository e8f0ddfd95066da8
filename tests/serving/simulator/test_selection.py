"""What a query of Run code picks of the environment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.simulator.selection import select
from serving.simulator.trace import SimulationError

ENVIRONMENT = {
    "order": {
        "__typename": "Order",
        "name": "#1",
        "note": None,
        "customer": None,
        "lineItems": [{"title": "Mug", "product": {"tags": ["a"]}}, {"title": "Lamp", "product": None}],
    },
    "getProductData": [{"title": "A"}, {"title": "B"}],
    "count": 2,
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("query { order { name } }", {"order": {"name": "#1"}}),
        (
            "{ order { number: name, note missing } }",
            {"order": {"number": "#1", "note": None, "missing": None}},
        ),
        ("query Q { order { customer { email } } }", {"order": {"customer": None}}),
        (
            "{ order { __typename lineItems(first: 5) { title product { tags } } } }",
            {
                "order": {
                    "__typename": "Order",
                    "lineItems": [
                        {"title": "Mug", "product": {"tags": ["a"]}},
                        {"title": "Lamp", "product": None},
                    ],
                }
            },
        ),
        (
            "{ getProductData { title } count }",
            {"getProductData": [{"title": "A"}, {"title": "B"}], "count": 2},
        ),
        ("{ nobody { name } count { below } }", {"nobody": None, "count": None}),
        (
            "# nothing but a remark\n{ a: order { name } b: order { note } }",
            {"a": {"name": "#1"}, "b": {"note": None}},
        ),
        ("", {}),
        (" \n", {}),
    ],
)
def test_fields_are_picked_as_a_script_reads_them(query: str, expected: object) -> None:
    assert select(query, ENVIRONMENT) == expected


def test_nothing_of_the_environment_changes() -> None:
    before = repr(ENVIRONMENT)
    select("{ order { lineItems { title } } }", ENVIRONMENT)
    assert repr(ENVIRONMENT) == before


@pytest.mark.parametrize(
    "query", ["{", "mutation { a }", "{ order { } }", "{ a } b", "{ ...F }", "{ a(b }", "\0", "query"]
)
def test_what_is_no_query_is_refused_with_its_place(query: str) -> None:
    with pytest.raises(SimulationError) as caught:
        select(query, ENVIRONMENT)
    assert caught.value.code == "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
    assert "line 1" in caught.value.message


def test_a_query_that_picks_without_end_is_stopped() -> None:
    items = {"items": [{"items": [{"items": [1] * 100} for _ in range(100)]} for _ in range(100)]}
    with pytest.raises(SimulationError) as caught:
        select("{ items { items { items } } }", items)
    assert caught.value.code == "QUERY_LIMIT"
    with pytest.raises(SimulationError):
        select("{" + "a {" * 100 + "b" + "}" * 101, {})


PIECES = ("{", "}", "(", ")", ":", "order", "name", "lineItems", "...", "#", "\n")


@given(
    query=st.one_of(
        st.text(max_size=50),
        st.lists(st.sampled_from(PIECES)).map(" ".join),
    )
)
@settings(max_examples=200, deadline=None)
def test_any_text_picks_something_or_is_refused(query: str) -> None:
    try:
        found = select(query, ENVIRONMENT)
    except SimulationError as error:
        found = {}
        code = error.code
    else:
        code = "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
    assert isinstance(found, dict)
    assert code == "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
