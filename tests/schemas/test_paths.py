from __future__ import annotations

import pytest

from schemas.catalog import paths
from schemas.catalog.environment import Local, resolve
from schemas.catalog.paths import MAX_FIELDS, PathHit, environment_paths_search, singular, words


def first(root: str, term: str) -> str:
    return environment_paths_search(root, term)[0].path


@pytest.mark.parametrize(
    ("root", "term", "path"),
    [
        ("Order", "customer email", "order.customer.email"),
        ("Order", "Customer's emails", "order.customer.email"),
        ("Order", "total price", "order.totalPrice"),
        ("Order", "totalPrice", "order.totalPrice"),
        ("Order", "tags", "order.tags"),
        ("Order", "risk level", "order.riskLevel"),
        ("Order", "line item sku", "order.lineItems.sku"),
        ("Order", "product tags", "order.lineItems.product.tags"),
        ("Order", "shipping address countries", "order.shippingAddress.country"),
        ("Product", "variant inventory quantity", "product.variants.inventoryQuantity"),
        ("Customer", "last order date", "customer.lastOrderDate"),
        ("FulfillmentOrder", "hold reason", "fulfillmentOrder.fulfillmentHolds.reason"),
        ("order", "note", "order.note"),
        ("getProductData", "vendor", "getProductData.vendor"),
        ("DiscountCodeNode", "id", "codeDiscount.id"),
    ],
)
def test_the_words_of_a_person_find_the_path(root: str, term: str, path: str) -> None:
    assert first(root, term) == path


def test_a_hit_is_told_as_the_tool_tells_it() -> None:
    assert environment_paths_search("Order", "customer tags")[0].to_dict() == {
        "path": "order.customer.tags",
        "search_categories": ("SCALAR_IN_LIST", "ALL"),
        "path_elements_types": ("order:Order", "customer:Customer", "tags:String"),
        "leaf_type": "String",
    }


@pytest.mark.parametrize(
    ("root", "term", "path", "categories"),
    [
        ("Order", "total price", "order.totalPrice", ("SCALAR", "ALL")),
        ("Order", "tags", "order.tags", ("SCALAR_IN_LIST", "ALL")),
        ("Order", "line item sku", "order.lineItems.sku", ("SCALAR_IN_LIST", "ALL")),
        ("Order", "line items", "order.lineItems", ("LIST", "ALL")),
        ("Order", "line item product tags", "order.lineItems.product.tags", ("ALL",)),
        ("getOrderData", "tags", "getOrderData.tags", ("ALL",)),
        ("getOrderData", "line items", "getOrderData.lineItems", ("ALL",)),
    ],
)
def test_a_category_says_what_a_condition_has_to_ask(
    root: str, term: str, path: str, categories: tuple[str, ...]
) -> None:
    found = environment_paths_search(root, term)[0]
    assert (found.path, found.search_categories) == (path, categories)


def test_only_lists_of_objects_pass_the_filter_for_lists() -> None:
    found = environment_paths_search("Order", "line items", "LIST")
    assert found[0].path == "order.lineItems"
    assert {resolve(hit.path).kind for hit in found} == {"list"}
    assert {resolve(hit.path).graphql_kind for hit in found} == {"object"}
    assert environment_paths_search("Customer", "first name", "LIST") == ()


@pytest.mark.parametrize("root", ["Order", "Product", "Shop", "getCustomerData"])
def test_every_hit_is_a_path_that_resolves_to_its_type_and_meets_no_type_twice(root: str) -> None:
    for term in ("product", "customer", "price amount", "id", "name", "created at"):
        found = environment_paths_search(root, term)
        assert 0 < len(found) <= paths.MAX_HITS
        for hit in found:
            assert resolve(hit.path).type == hit.leaf_type
            assert resolve(hit.path).kind != "object"
            assert 1 <= hit.path.count(".") <= MAX_FIELDS
            types = [element.partition(":")[2] for element in hit.path_elements_types[:-1]]
            assert len(types) == len(set(types))


@pytest.mark.parametrize(
    ("root", "term"),
    [("Order", ""), ("Order", "  ?!"), ("Order", "zebra"), ("Nothing", "id"), ("", "id"), ("String", "id")],
)
def test_nothing_fits_is_an_answer(root: str, term: str) -> None:
    assert environment_paths_search(root, term) == ()


def test_a_search_is_bounded_and_gives_the_same_answer_again(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "customer email " * 10_000
    assert environment_paths_search("Order", long) == environment_paths_search("Order", "customer email")
    monkeypatch.setattr(paths, "MAX_PATHS", 200)
    near = environment_paths_search("Order", "customer email")
    assert [hit.path.count(".") for hit in near] == [1] * len(near)  # an order has 149 fields of its own
    assert near[0].path == "order.email"


def test_the_names_and_types_of_a_workflow_are_searched_too() -> None:
    roots = {"order": "Order", "getOrderData": "[Order]", "runCode": "runCode.Output", "odd": ""}
    local = Local({"runCode.Output": {"giftTotal": "Int", "odd": ""}, "Order": {"gift": "[String]"}}, {})
    found = environment_paths_search("runCode", "gift total", roots=roots, local=local)
    assert found == (
        PathHit("runCode.giftTotal", ("SCALAR", "ALL"), ("runCode:runCode.Output", "giftTotal:Int"), "Int"),
    )
    assert [hit.path for hit in environment_paths_search("Order", "gift", roots=roots, local=local)][:2] == [
        "getOrderData.gift",
        "order.gift",
    ]
    assert environment_paths_search("customer", "email", roots=roots) == ()
    assert environment_paths_search("odd", "email", roots=roots) == ()


def _search(term: str, **types: dict[str, str]) -> list[str]:
    """What a search finds below a root of the type R."""
    found = environment_paths_search("r", term, roots={"r": "R"}, local=Local(types, {}))
    return [hit.path for hit in found]


def test_a_longer_path_has_to_say_more() -> None:
    deep = {"R": {"colour": "A", "nearColour": "String"}, "A": {"far": "B"}, "B": {"colour": "String"}}
    # 2 + 1/2 against 2 + (1 + 0 + 1) / 3 - 0.2
    assert _search("colour", **deep) == ["r.nearColour", "r.colour.far.colour"]
    assert _search("colour", R={"colour": "A", "a": "A"}, A={"colour": "String", "x": "String"}) == [
        "r.colour.colour",
        "r.a.colour",
        "r.colour.x",
    ]


def test_what_has_less_than_half_of_the_best_coverage_is_left_out() -> None:
    fields = dict.fromkeys(("red", "redGreen", "redGreenBlueGrey"), "String")
    assert _search("red green blue grey", R=fields) == ["r.redGreenBlueGrey", "r.redGreen"]
    assert _search("red green blue", R={"red": "String"}) == ["r.red"]


def test_words_are_split_at_capitals_and_lowered() -> None:
    assert words("lineItems") == ("line", "items")
    assert words("HTMLBody v2") == ("html", "body", "v", "2")


def test_the_plural_of_a_word_is_nearly_the_word() -> None:
    plurals = "addresses statuses taxes companies tags"
    assert [singular(word) for word in plurals.split()] == ["address", "status", "tax", "company", "tag"]
    assert [singular(word) for word in ("status", "is", "address")] == ["status", "is", "address"]
    assert _search("tag", R=dict.fromkeys(("tags", "tag"), "String")) == ["r.tag", "r.tags"]
    assert _search("tags", R=dict.fromkeys(("tags", "tag"), "String")) == ["r.tags", "r.tag"]
