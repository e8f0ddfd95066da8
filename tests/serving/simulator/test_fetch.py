"""Get data's searches: what Shopify's syntax finds among records, in which order, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog.environment import NOTHING_LOCAL, field_type
from schemas.workflow.checks.get_data import SORT_KEYS
from serving.simulator.fetch import MOST_RECORDS, asked, fetch, ignored
from serving.simulator.fetch_filters import EVERYWHERE, FILTERS, SORTS
from serving.simulator.search_syntax import All, Either, Not, Term, parse
from serving.simulator.trace import SimulationError
from serving.synthetic_shop import SyntheticShop

TYPES = {
    **{
        "orders": "Order",
        "customers": "Customer",
        "products": "Product",
        "product_variants": "ProductVariant",
    },
    **{"collections": "Collection", "companies": "Company", "company_locations": "CompanyLocation"},
    **{"discounts": "DiscountNode", "draft_orders": "DraftOrder", "fulfillment_orders": "FulfillmentOrder"},
    **{"selling_plan_groups": "SellingPlanGroup", "subscription_contracts": "SubscriptionContract"},
    **{"subscription_billing_attempts": "SubscriptionBillingAttempt"},
}
ORDERS = [
    {
        "id": "gid://shopify/Order/11",
        "name": "#1001",
        "email": "ada@example.com",
        "tags": ["VIP", "Pre order"],
        "createdAt": "2026-10-30T12:00:00Z",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currentTotalPriceSet": {"shopMoney": {"amount": "500.00"}},
        "closed": False,
        "cancelledAt": None,
        "test": False,
        "lineItems": [{"sku": "SKU-1"}, {"sku": "SKU-2"}],
        "customer": {"id": "gid://shopify/Customer/7", "displayName": "Ada Sampler"},
    },
    {
        "id": "gid://shopify/Order/9",
        "name": "#1002",
        "email": "bo@example.com",
        "tags": [],
        "createdAt": "2026-10-31T00:00:00Z",
        "displayFinancialStatus": "PENDING",
        "displayFulfillmentStatus": "FULFILLED",
        "currentTotalPriceSet": {"shopMoney": {"amount": "99.50"}},
        "closed": True,
        "cancelledAt": None,
        "test": True,
        "lineItems": [],
        "customer": None,
    },
    {
        "id": "gid://shopify/Order/10",
        "name": "#1003",
        "email": None,
        "tags": ["vip"],
        "createdAt": "2026-11-01T23:59:59Z",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "PARTIALLY_FULFILLED",
        "currentTotalPriceSet": {"shopMoney": {"amount": "1000.00"}},
        "closed": True,
        "cancelledAt": "2026-11-01T00:00:00Z",
        "test": False,
        "lineItems": [{"sku": "SKU-2"}],
        "customer": {"id": "gid://shopify/Customer/8", "displayName": "Bo Ada"},
    },
]
EVERY = "9 10 11"


def numbers(query: str, sort_by: object = None, first: int = 100, kind: str = "orders") -> str:
    found = fetch(kind, query, sort_by, first, ORDERS, now=datetime(2026, 11, 1, tzinfo=UTC))
    return " ".join(order["id"].rpartition("/")[2] for order in found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", EVERY),
        ("financial_status:paid", "10 11"),
        ("financial_status:PAID,pending", EVERY),
        ("-financial_status:paid", "9"),
        ("NOT financial_status:paid", "9"),
        ("fulfillment_status:unshipped", "11"),
        ("tag:vip", "10 11"),
        ("tag:'Pre order'", "11"),
        ('tag:"Pre order,nothing"', "11"),
        ("tag:pre", ""),
        ("tag:pre*", "11"),
        ("tag_not:VIP", "9"),
        ("-tag:vip", "9"),
        ("tag:*", "10 11"),
        ("NOT email:*", "10"),
        ("email:example.com", "9 11"),
        ("email:'ada@example.com'", "11"),
        ("email:ada", "11"),
        ("email:ad", ""),
        ("email:ad*", "11"),
        ("name:1001", "11"),
        ("name:#1001", "11"),
        ("name:100*", EVERY),
        ("sku:SKU-2", "10 11"),
        ("customer_id:7", "11"),
        ("customer_id:gid://shopify/Customer/8", "10"),
        ("id:>=10", "10 11"),
        ("id:9,11", "9 11"),
        ("current_total_price:>99.5", "10 11"),
        ("current_total_price:>=99.5 current_total_price:<1000", "9 11"),
        ("current_total_price:500", "11"),
        ("created_at:2026-10-31", "9"),
        ("created_at:>2026-10-30", "9 10"),
        ("created_at:>='2026-10-30'", EVERY),
        ("created_at:<='2026-10-30'", "11"),
        ("created_at:<='2026-10-31T00:00:00Z'", "9 11"),
        ("created_at:<2026-10-31T00:00:00Z", "11"),
        ("created_at: >='2026-11-01'", "10"),
        ("created_at:2026-10", "9 11"),
        ("created_at:<=2025", ""),
        ("created_at:>now", "10"),
        ("created_at:'2026-10-30..2026-10-31'", "9 11"),
        ("status:open", "11"),
        ("status:closed", "9 10"),
        ("status:cancelled", "10"),
        ("status:not_closed", "11"),
        ("status:any", EVERY),
        ("test:true", "9"),
        ("test:false", "10 11"),
        ("ada", "10 11"),
        ("ada vip", "10 11"),
        ("ada -sampler", "10"),
        ("status:open OR test:true", "9 11"),
        ("tag:vip AND (status:open OR status:cancelled)", "10 11"),
        ("tag:vip -(status:open OR test:true)", "10"),
        ("status:open OR tag:vip financial_status:pending", "11"),
        ("-(-tag:vip)", "10 11"),
    ],
)
def test_records_are_found(query: str, expected: str) -> None:
    assert numbers(query) == expected
    assert ignored("orders", query) == ()


@pytest.mark.parametrize(
    ("query", "expected", "lost"),
    [
        ("nonsense:1", EVERY, ("nonsense:1",)),
        ("nonsense:1 tag:vip", "10 11", ("nonsense:1",)),
        ("NOT nonsense:1", EVERY, ("nonsense:1",)),
        ("nonsense:1 OR tag:vip", "10 11", ("nonsense:1",)),
        ("created_at:>yesterday", EVERY, ("created_at:>yesterday",)),
        ("current_total_price:>much", EVERY, ("current_total_price:>much",)),
        ("id:abc", EVERY, ("id:abc",)),
        ("test:maybe", EVERY, ("test:maybe",)),
        ("status:strange", EVERY, ("status:strange",)),
        ("created_at:2026-13-45", EVERY, ("created_at:2026-13-45",)),
        ("(tag:vip", "10 11", ("a ( that is never closed",)),
        ("tag:vip)", "10 11", ("a ) that closes nothing",)),
        ("tag:'vip", "10 11", ("a ' that is never closed",)),
    ],
)
def test_what_cannot_be_read_is_left_out_and_named(query: str, expected: str, lost: tuple[str, ...]) -> None:
    assert numbers(query) == expected
    assert ignored("orders", query) == lost


@pytest.mark.parametrize(
    ("key", "order", "expected"),
    [
        ("CREATED_AT", "ASCENDING", "11 9 10"),
        ("CREATED_AT", "DESCENDING", "10 9 11"),
        ("ID", "DESCENDING", "11 10 9"),
        ("CURRENT_TOTAL_PRICE", "ASCENDING", "9 11 10"),
        ("FINANCIAL_STATUS", "ASCENDING", "10 11 9"),  # equals by id
        ("FINANCIAL_STATUS", "DESCENDING", "9 10 11"),
        ("CUSTOMER_NAME", "ASCENDING", "11 10 9"),  # nil last
        ("CUSTOMER_NAME", "DESCENDING", "10 11 9"),
        ("RELEVANCE", "ASCENDING", "11 9 10"),  # as the records come
    ],
)
def test_records_are_sorted_with_equals_by_id(key: str, order: str, expected: str) -> None:
    assert numbers("", {"sortKey": key, "order": order}) == expected


def test_the_first_ones_are_taken_and_never_more_than_a_hundred() -> None:
    assert numbers("", None, 2) == "9 10"
    assert numbers("", None, 0) == numbers("", None, -5) == ""
    many = [{"id": f"gid://shopify/Order/{number}"} for number in range(300)]
    assert len(fetch("orders", "", None, 1000, many)) == MOST_RECORDS == 100


def test_what_no_list_has_is_an_error() -> None:
    for kind, sort_by in (("pages", None), ("orders", {"sortKey": "TITLE"}), ("products", {"sortKey": "x"})):
        with pytest.raises(SimulationError):
            fetch(kind, "", sort_by, 1, [])


def test_a_query_is_read_as_the_documentation_says() -> None:
    one, two, three = (Term("", ":", word) for word in "abc")
    assert parse("a b").root == All((one, two))
    assert parse("a AND b").root == All((one, two))
    assert parse("a OR b c").root == Either((one, All((two, three))))
    assert parse("-(a OR NOT b)").root == Not(Either((one, Not(two))))
    assert parse("NOT -a").root == parse("--a").root == one
    assert parse(r"title:a\:b\*").root == Term("title", ":", "a:b*")
    assert parse("title:'a b*'").root == Term("title", ":", "a b*")
    assert parse("title:a*").root == Term("title", ":", "a", prefix=True)
    assert parse("created_at:>=2026-01-01T00:00:00Z").root == Term(
        "created_at", ":>=", "2026-01-01T00:00:00Z"
    )
    assert parse("ORDER or NOTHING").root == All(
        (Term("", ":", "ORDER"), Term("", ":", "or"), Term("", ":", "NOTHING"))
    )


@pytest.mark.parametrize(
    "query", ["(" * 50_000, "(" * 100 + "a", "-" * 9_000 + "a", "a " * 4_900, "NOT " * 2_400]
)
def test_a_query_beyond_reason_ends(query: str) -> None:
    try:
        found = numbers(query)
    except SimulationError as error:
        found = error.code
    assert found in ("QUERY_LIMIT", "", EVERY)


@pytest.mark.parametrize("kind", sorted(SORT_KEYS))
def test_every_list_can_be_searched_and_sorted_in_a_synthetic_shop(kind: str) -> None:
    shop = SyntheticShop(3)
    words = EVERYWHERE.get(kind, ()) and "a*"
    for name, known in FILTERS[kind].items():
        for path in known.paths:
            assert leads_somewhere(TYPES[kind], path), (name, path)
        value = {"number": ">3", "time": "<2026-10-20", "flag": "true", "id": ">5000000000"}.get(
            known.kind, "a*"
        )
        query = f"{name}:{value} {words}"
        records = shop.records(TYPES[kind], asked(kind, query, None))
        found = fetch(kind, f"{name}:{value}", None, 100, records)
        other = fetch(kind, f"-{name}:{value}", None, 100, records)
        assert len(found) + len(other) == len(records)
    for key in SORT_KEYS[kind]:
        if key not in SORTS[kind]:
            assert (kind, key) in UNSORTED or key in ("RELEVANCE", "POPULAR")
            continue
        assert leads_somewhere(TYPES[kind], SORTS[kind][key]), key
        sort_by = {"sortKey": key}
        records = shop.records(TYPES[kind], asked(kind, "", sort_by))
        rising = fetch(kind, "", sort_by, 100, records)
        assert sorted(map(str, rising)) == sorted(map(str, records))


UNSORTED = {("selling_plan_groups", "UPDATED_AT")}
"""A sort key of a list whose records do not say it."""


def leads_somewhere(type_name: str, path: str) -> bool:
    """Whether the Admin API has the fields of a path; below a union anything may be."""
    for name in path.split("."):
        found = field_type(type_name, name, NOTHING_LOCAL)
        if found is None:
            return type_name == "Discount"
        type_name = found.strip("[]")
    return True


PIECES = (
    *("tag:", "-", "(", ")", "OR", "AND", "NOT", "'a b'", '"', "'", "*", "created_at:>", "2026", "vip", ":"),
    *(":<=", "\\", "id:", "test:true", "name:", ",", ".."),
)


@given(query=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=20).map(" ".join)))
@settings(max_examples=300, deadline=None)
def test_any_query_finds_some_of_the_records_or_is_refused(query: str) -> None:
    found = numbers(query)
    assert set(found.split()) <= set(EVERY.split())
    assert all(isinstance(lost, str) for lost in ignored("orders", query))
    assert asked("orders", query, None)
