"""Objects of a synthetic shop: deterministic by path, plausible by name, in the forms of the Admin API."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog.environment import Local, enum_values, fields_of
from serving.synthetic_shop import NOW, RESOURCES, SyntheticShop, Tree, made

MANY = range(60)
LATER = datetime(2027, 5, 1, tzinfo=UTC)


def with_field(type_name: str, read: Tree, field: str) -> list[dict]:
    """Objects of many seeds in which a field is there."""
    found = [made(type_name, read, seed) for seed in MANY]
    return [one for one in found if one[field] is not None]


def test_the_same_seed_makes_the_same_object() -> None:
    read: Tree = {"name": {}, "lineItems": {"title": {}}}
    assert made("Order", read, 3) == made("Order", read, 3)
    assert made("Order", read, 3) != made("Order", read, 4)
    assert made("Order", read, 3, at="other") != made("Order", read, 3)


PATHS: list[Tree] = [
    {"name": {}},
    {"customer": {"email": {}}},
    {"customer": {"tags": {}, "addresses": {"city": {}}}},
    {"lineItems": {"quantity": {}, "product": {"tags": {}}}},
    {"totalPriceSet": {"shopMoney": {"amount": {}}}},
    {"createdAt": {}},
    {"unheardOf": {"deeper": {}}},
]


def merged(trees: list[Tree]) -> Tree:
    found: dict[str, Tree] = {}
    for tree in trees:
        for name, below in tree.items():
            found[name] = merged([found[name], below]) if name in found else below
    return found


def projected(value: object, tree: Tree) -> object:
    if isinstance(value, list):
        return [projected(item, tree) for item in value]
    if isinstance(value, dict):
        return {name: projected(value[name], below) for name, below in tree.items()}
    return value


@given(chosen=st.lists(st.sampled_from(PATHS), min_size=1, max_size=7), seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_a_path_more_changes_no_other_value(chosen: list[Tree], seed: int) -> None:
    whole = made("Order", merged(PATHS), seed)
    for tree in [*chosen, merged(chosen)]:
        assert made("Order", tree, seed) == projected(whole, tree)


def test_values_that_say_the_same_agree() -> None:
    read: Tree = {
        "email": {},
        "totalPrice": {},
        "totalPriceSet": {"shopMoney": {"amount": {}}},
        "currentTotalPriceSet": {"presentmentMoney": {"amount": {}}},
        "id": {},
        "legacyResourceId": {},
        "customer": {"email": {}, "firstName": {}, "displayName": {}},
        "lineItems": {"title": {}, "product": {"title": {}, "handle": {}}, "sku": {}, "variant": {"sku": {}}},
    }
    for order in with_field("Order", read, "customer"):
        customer = order["customer"]
        assert order["email"] == customer["email"]
        assert customer["email"].startswith(customer["firstName"].lower() + ".")
        assert customer["displayName"].startswith(customer["firstName"] + " ")
        assert order["totalPrice"] == order["totalPriceSet"]["shopMoney"]["amount"]
        assert order["totalPrice"] == order["currentTotalPriceSet"]["presentmentMoney"]["amount"]
        assert order["id"] == f"gid://shopify/Order/{order['legacyResourceId']}"
        for item in order["lineItems"]:
            if item["product"]:
                assert item["title"] == item["product"]["title"]
                assert item["title"].lower().replace(" ", "-") == item["product"]["handle"]
            if item["variant"]:
                assert item["sku"] == item["variant"]["sku"]


def test_people_of_one_list_are_not_one_person() -> None:
    shops = (
        made("Shop", {"customers": {"email": {}, "defaultAddress": {"name": {}}}}, seed) for seed in MANY
    )
    crowds = [{one["email"] for one in shop["customers"]} for shop in shops if len(shop["customers"]) > 2]
    assert len(crowds) > 10
    assert all(len(crowd) > 1 for crowd in crowds)


def test_values_have_the_forms_of_the_api() -> None:
    read: Tree = {
        "totalPrice": {},
        "createdAt": {},
        "number": {},
        "taxExempt": {},
        "totalWeight": {},
        "displayFinancialStatus": {},
        "statusPageUrl": {},
        "tags": {},
        "shippingAddress": {"latitude": {}},
    }
    for order in (made("Order", read, seed) for seed in MANY):
        assert re.fullmatch(r"\d+\.\d\d", order["totalPrice"])
        assert re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\dZ", order["createdAt"])
        assert type(order["number"]) is int
        assert type(order["taxExempt"]) is bool
        assert re.fullmatch(r"\d+", order["totalWeight"])
        assert order["displayFinancialStatus"] in enum_values("OrderDisplayFinancialStatus")
        assert order["statusPageUrl"].startswith("https://shop.example.com/")
        assert len(set(order["tags"])) == len(order["tags"]) <= 5
        assert type(order["shippingAddress"]["latitude"]) is float


def test_dates_lie_around_the_given_moment_and_in_order() -> None:
    read: Tree = {"createdAt": {}, "updatedAt": {}, "closedAt": {}}
    for seed in MANY:
        order = made("Order", read, seed, now=LATER)
        assert "2027-02" < order["createdAt"] <= order["updatedAt"] <= "2027-05-01T00:00:00Z"
    due = [made("PaymentSchedule", {"dueAt": {}}, seed)["dueAt"] for seed in MANY]
    assert all(moment >= "2026-11-02" for moment in due)


def test_many_seeds_show_presence_and_absence_and_every_length() -> None:
    orders = [made("Order", {"note": {}, "customer": {"id": {}}, "lineItems": {"id": {}}}, s) for s in MANY]
    assert {order["note"] is None for order in orders} == {True, False}
    assert {order["customer"] is None for order in orders} == {True, False}
    assert {len(order["lineItems"]) for order in orders} == {0, 1, 2, 3, 4, 5}


def test_an_object_of_which_only_its_presence_is_read_has_its_id() -> None:
    for order in with_field("Order", {"customer": {}}, "customer"):
        assert re.fullmatch(r"gid://shopify/Customer/\d{10}", order["customer"]["id"])


def test_a_union_is_one_of_its_types_and_says_which() -> None:
    found = {
        made("DiscountNode", {"discount": {"__typename": {}, "title": {}}}, seed)["discount"]["__typename"]
        for seed in MANY
    }
    assert found == {"DiscountCodeBasic", "DiscountAutomaticBasic"}


def test_what_a_workflow_adds_is_made_by_its_type() -> None:
    local = Local({"Order": {"giftCount": "Int", "kind": "Kind"}}, {"Kind": ("A", "B")})
    order = made("Order", {"giftCount": {}, "kind": {}}, 1, local)
    assert type(order["giftCount"]) is int
    assert order["kind"] in ("A", "B")


def test_a_field_that_nobody_knows_has_the_type_of_its_name_or_is_a_text() -> None:
    found = made("NoSuchType", {"zzz": {}, "below": {"value": {}}, "startsAt": {}, "quantity": {}}, 1)
    assert isinstance(found["zzz"], str)
    assert isinstance(found["below"]["value"], str)
    assert found["startsAt"].endswith("Z")
    assert type(found["quantity"]) is int


@pytest.mark.parametrize(
    "type_name", ["Order", "Product", "Customer", "Shop", "SubscriptionContract", "Company"]
)
def test_every_field_of_a_type_can_be_made(type_name: str) -> None:
    read: Tree = {name: {} for name in fields_of(type_name)}
    assert made(type_name, read, 5).keys() == read.keys()


def test_lists_in_lists_stay_small() -> None:
    tree: Tree = {"id": {}}
    for _ in range(6):
        tree = {"products": {"collections": tree}}
    count = str(made("Collection", tree, 1)).count("gid://")
    assert count <= 5 * 4 * 3 * 2


def test_a_shop_has_records_in_number_and_the_same_ones_for_every_reading() -> None:
    shops = [SyntheticShop(seed) for seed in MANY]
    numbers = [shop.num_records("Order") for shop in shops]
    assert min(numbers) == 0
    assert max(numbers) == 100
    assert 30 < sum(numbers) / len(numbers) < 50
    shop = next(shop for shop in shops if shop.num_records("Order"))
    wide = shop.records("Order", {"id": {}, "name": {}})
    assert [one["id"] for one in wide] == [one["id"] for one in shop.records("Order", {"id": {}})]
    assert len({one["id"] for one in wide}) == len(wide) == shop.num_records("Order")


def test_the_shop_object_has_one_currency() -> None:
    shop = SyntheticShop(4)
    order = made("Order", {"currencyCode": {}, "totalPriceSet": {"shopMoney": {"currencyCode": {}}}}, 4)
    root = shop.root({"currencyCode": {}, "myshopifyDomain": {}})
    assert root["currencyCode"] == order["currencyCode"]
    assert order["currencyCode"] == order["totalPriceSet"]["shopMoney"]["currencyCode"]
    assert root["myshopifyDomain"].endswith(".myshopify.com")


def test_resources_are_found_by_the_words_of_their_title() -> None:
    assert len(RESOURCES) == 19
    shop = SyntheticShop(2, NOW)
    everything = shop.resources("product", "", 50)
    word = everything[0]["title"].split()[0].lower()
    found = shop.resources("product", word, 50)
    assert found == [one for one in everything if word in one["title"].lower()]
    assert 0 < len(found) < len(everything)
    assert re.fullmatch(r"gid://shopify/Product/\d+", found[0]["gid"])
    assert found[0]["path"] == f"/products/{found[0]['gid'].rpartition('/')[2]}"
    assert len(shop.resources("product", "", 3)) == 3
    assert shop.resources("no such kind", "", 10) == []


@pytest.mark.parametrize("kind", sorted(RESOURCES))
def test_every_kind_of_resource_has_titles(kind: str) -> None:
    found = [one for seed in range(3) for one in SyntheticShop(seed).resources(kind, "", 5)]
    assert all(one["title"] and one["gid"].startswith("gid://shopify/") for one in found)
    assert found
