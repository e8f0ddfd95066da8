"""Paths, templates, workflows and shop resources: what is found, in which form, and within which bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog.templates import templates
from schemas.tools import LOOK_UP, PATHS, RESOURCE_TYPES, RESOURCES, TEMPLATES, canonical_json
from schemas.workflow import check, from_python, to_python
from serving.path_answers import PATHS_A_SEARCH
from serving.shop import InMemoryShop
from serving.template_search import MATCHES, WITH_PYTHON
from serving.tools import Tools
from tests.serving.tool_calls import ask, keys

LOOP = """\
@scheduled(every="day", at="18:00", timezone="UTC", starting="2026-01-01")
def chase(scheduled_at):
    orders = get_orders(query="a")
    for order in orders:
        add_order_tags(order_id=order.id, tags=["a"])
"""
TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["a"])\n'


def paths(root: str, term: str, shop: InMemoryShop | None = None, **more: object) -> list[dict[str, Any]]:
    """The paths of one search."""
    arguments = {"searches": [{"root_type": root, "search_term": term}], "data_type_filter": "ALL", **more}
    answer = ask(PATHS, arguments, shop)
    assert tuple(answer["data"]) == keys(PATHS, "data")
    (search,) = answer["data"]["searches"]
    assert tuple(search) == keys(PATHS, "search")
    assert (search["root_type"], search["search_term"]) == (root, term)
    assert all(tuple(path) == keys(PATHS, "path") for path in search["paths"])
    found: list[dict[str, Any]] = search["paths"]
    return found


# -- environment_paths_search ---------------------------------------------------------------------------


def test_a_path_is_found_from_a_type_or_a_name() -> None:
    for root in ("Order", "order"):
        first = paths(root, "customer email")[0]
        assert first == {
            "path": "order.customer.email",
            "search_categories": ["SCALAR", "ALL"],
            "path_elements_types": ["order:Order", "customer:Customer", "email:String"],
            "leaf_type": "String",
        }


def test_only_lists_are_found_where_only_lists_are_asked_for() -> None:
    found = paths("order", "line items", data_type_filter="LIST")
    assert found[0]["path"] == "order.lineItems"
    assert all("LIST" in path["search_categories"] for path in found)


def test_with_a_workflow_its_own_names_are_searched() -> None:
    shop = InMemoryShop()
    shop.create(LOOP)
    for root in ("getOrderData", "get_order_data"):
        found = paths(root, "customer email", shop, workflow_id="workflow-1")
        assert found[0]["path"] == "getOrderData.customer.email"
    items = paths("Order", "name", shop, workflow_id="workflow-1")
    assert {path["path"].partition(".")[0] for path in items} == {"getOrderData", "getOrderDataForeachitem"}
    assert paths("customer", "email", shop, workflow_id="workflow-1") == []
    assert paths("customer", "email", shop) != []


def test_the_asked_version_of_the_workflow_is_searched() -> None:
    shop = InMemoryShop()
    shop.create(LOOP)
    shop.update("workflow-1", 1, TAG)
    asked = {"workflow_id": "workflow-1"}
    assert paths("getOrderData", "name", shop, **asked) == []
    assert paths("getOrderData", "name", shop, **asked, workflow_version=1) != []


def test_fields_that_only_the_workflow_has_are_found() -> None:
    shop = InMemoryShop()
    patched = (
        '@order_created\n@patched_field("Order", "giftNote", metafield(key="gift", namespace="custom"))\n'
    )
    shop.create(TAG.replace("@order_created\n", patched))
    found = [path["path"] for path in paths("order", "gift note value", shop, workflow_id="workflow-1")]
    assert found
    assert all(path.startswith("order.giftNote.") for path in found)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"workflow_id": "nobody"}, "RESOURCE_UNAVAILABLE"),
        ({"workflow_id": "workflow-1", "workflow_version": 7}, "RESOURCE_UNAVAILABLE"),
        ({"workflow_version": 1}, "BAD_ARGUMENTS"),
    ],
)
def test_a_workflow_that_is_not_there_is_refused(more: dict[str, object], code: str) -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    searches = [{"root_type": "order", "search_term": "name"}]
    refused = ask(PATHS, {"searches": searches, "data_type_filter": "ALL", **more}, shop)
    assert refused["data"]["code"] == code


def test_every_search_is_answered_in_its_place_and_briefly() -> None:
    searches = [{"root_type": root, "search_term": "name"} for root in ("order", "nothing", "Customer")]
    answer = ask(PATHS, {"searches": searches, "data_type_filter": "ALL"})
    found = answer["data"]["searches"]
    assert [search["root_type"] for search in found] == ["order", "nothing", "Customer"]
    assert [bool(search["paths"]) for search in found] == [True, False, True]
    assert max(len(search["paths"]) for search in found) == PATHS_A_SEARCH
    assert len(canonical_json(answer)) < 5_000


# -- template_search ------------------------------------------------------------------------------------


def test_every_template_is_canonical_and_without_errors() -> None:
    assert len(templates()) >= 40
    for template in templates():
        workflow = from_python(template.python)
        assert to_python(workflow) == template.python
        assert workflow.name == template.title
        assert template.python.partition("def ")[2].startswith(f"{template.id}(")
        assert [problem for problem in check(workflow) if problem.severity == "error"] == []
    assert len({template.id for template in templates()}) == len(templates())


def searched(*queries: str) -> list[dict[str, Any]]:
    answer = ask(TEMPLATES, {"search_queries": queries})
    assert tuple(answer["data"]) == keys(TEMPLATES, "data")
    found: list[dict[str, Any]] = answer["data"]["templates"]
    assert all(tuple(template) == keys(TEMPLATES, "template") for template in found)
    return found


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.id)
def test_every_template_is_found_first_by_its_title(template: Any) -> None:
    first = searched(template.title)[0]
    assert (first["template_id"], first["workflow_python"]) == (template.id, template.python)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("hold fraudulent orders", "hold_orders_of_high_risk"),
        ("low inventory alert", "mail_about_low_stock"),
        ("unpublish sold out products", "hide_products_that_are_sold_out"),
        ("spreadsheet of orders", "log_every_order_in_a_spreadsheet"),
        ("webhook", "post_large_orders_to_a_webhook"),
        ("points for an order in javascript", "round_the_total_with_code"),
    ],
)
def test_what_a_merchant_means_comes_first(query: str, first: str) -> None:
    assert searched(query)[0]["template_id"] == first


def test_few_templates_are_answered_and_only_the_best_with_their_python() -> None:
    found = searched("tag orders", "tag customers", "mail the team")
    assert len(found) == MATCHES
    assert [template["workflow_python"] is not None for template in found] == [
        place < WITH_PYTHON for place in range(MATCHES)
    ]
    assert found[0]["template_id"].startswith("tag_")
    assert any(template["template_id"].startswith("mail_") for template in found)
    assert searched("zzz") == searched("") == []


# -- workflow_lookup ------------------------------------------------------------------------------------


def test_a_workflow_is_read_in_its_newest_or_the_asked_version() -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    shop.update("workflow-1", 1, LOOP)
    newest = ask(LOOK_UP, {"workflow_id": "workflow-1"}, shop)["data"]
    assert newest == {"workflow_id": "workflow-1", "workflow_python": LOOP, "workflow_version": 2}
    assert tuple(newest) == keys(LOOK_UP, "data")
    assert ask(LOOK_UP, {"workflow_id": "workflow-1", "version": 1}, shop)["data"]["workflow_python"] == TAG


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"workflow_id": "nobody"}, "no workflow of that id"),
        ({"workflow_id": "workflow-1", "version": 2}, "newest is 1"),
    ],
)
def test_an_unknown_workflow_is_refused(arguments: dict[str, object], word: str) -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    refused = ask(LOOK_UP, arguments, shop)["data"]
    assert refused["code"] == "RESOURCE_UNAVAILABLE"
    assert word in refused["message"]


# -- search_shop_resource -------------------------------------------------------------------------------


def resources(**arguments: object) -> list[dict[str, str]]:
    answer = ask(RESOURCES, {"query": "", **arguments})
    assert tuple(answer["data"]) == keys(RESOURCES, "data")
    found: list[dict[str, str]] = answer["data"]["resources"]
    assert all(tuple(resource) == keys(RESOURCES, "resource") for resource in found)
    return found


@pytest.mark.parametrize("kind", RESOURCE_TYPES)
def test_every_kind_is_searched(kind: str) -> None:
    found = resources(resource_type=kind, limit=50)
    assert all(resource["gid"].startswith("gid://shopify/") for resource in found)
    for resource in found[:3]:
        assert resource in resources(resource_type=kind, query=resource["title"], limit=50)


def test_ten_are_answered_unless_a_number_is_asked_for() -> None:
    kinds = [kind for kind in RESOURCE_TYPES if len(resources(resource_type=kind, limit=50)) > 12]
    assert kinds
    for kind in kinds:
        assert len(resources(resource_type=kind)) == 10
        assert len(resources(resource_type=kind, limit=12)) == 12


# -- whatever a model sends -----------------------------------------------------------------------------

TEXT = st.text(max_size=200)


@given(TEXT, TEXT, st.sampled_from(["ALL", "LIST"]))
def test_any_search_of_paths_is_answered(root: str, term: str, lists: str) -> None:
    searches = [{"root_type": root, "search_term": term}]
    shop = InMemoryShop()
    shop.create(LOOP)
    for more in ({}, {"workflow_id": "workflow-1"}):
        text = canonical_json({"searches": searches, "data_type_filter": lists, **more})
        assert len(json.loads(Tools(shop).call(PATHS, text).text)["data"]["searches"]) == 1


@given(TEXT, st.sampled_from(RESOURCE_TYPES))
def test_any_query_is_answered(query: str, kind: str) -> None:
    assert len(searched(query)) <= MATCHES
    assert len(resources(resource_type=kind, query=query)) <= 10
