from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from jobs.distil_environment import main as distil_environment
from schemas.catalog import environment
from schemas.catalog.environment import UNKNOWN, Resolved, resolve

SHARED = Path(__file__).parents[3] / "shared"
INTROSPECTION = SHARED / "data" / "shopify_admin_graphql_2026-04.introspection.json.gz"
EXAMPLES = SHARED / "data" / "flow_official_examples.json"


@pytest.mark.parametrize(
    ("path", "kind", "type_name", "prefixes"),
    [
        ("order.totalPrice", "scalar", "Money", ()),
        ("order.displayFinancialStatus", "scalar", "OrderDisplayFinancialStatus", ()),
        ("order.customer", "object", "Customer", ()),
        ("order.lineItems", "list", "LineItem", ()),
        ("order.tags", "list", "String", ()),
        ("order.lineItems.sku", "scalar in list", "String", ("order.lineItems",)),
        ("order.lineItems.product", "object", "Product", ("order.lineItems",)),
        ("order.lineItems.product.tags", "list", "String", ("order.lineItems",)),
        (
            "order.lineItems.product.variants.price",
            "scalar in list",
            "Money",
            ("order.lineItems", "order.lineItems.product.variants"),
        ),
        ("getOrderData", "list", "Order", ()),
        (
            "getProductData2.variants.id",
            "scalar in list",
            "ID",
            ("getProductData2", "getProductData2.variants"),
        ),
        ("order.risks.level", "scalar in list", "OrderRiskLevel", ("order.risks",)),
        ("scheduledAt", "scalar", "DateTime", ()),
        ("orderRiskLevel", "scalar", "String", ()),
        ("oldStatus", "scalar", "ProductStatus", ()),
        ("shop.myshopifyDomain", "scalar", "String", ()),
        ("count", "scalar", "Int", ()),
        ("sum1", "scalar", "Float", ()),
    ],
)
def test_a_path_leads_to_its_type_through_its_lists(
    path: str, kind: str, type_name: str, prefixes: tuple[str, ...]
) -> None:
    found = resolve(path)
    assert (found.kind, found.type, found.list_prefixes) == (kind, type_name, prefixes)


def test_connections_are_lists_of_their_nodes() -> None:
    kinds = re.findall(r":(\S+)", " ".join(environment._load().types.values()))
    assert len(kinds) > 3000
    assert not [kind for kind in kinds if kind.strip("[]").endswith(("Connection", "Edge"))]
    assert "nodes" not in environment.fields_of("Order")


def test_old_capitalised_paths_lead_to_the_same_place() -> None:
    assert resolve("Order.lineItems.sku").type == resolve("order.lineItems.sku").type == "String"
    assert resolve("Order.lineItems.sku").list_prefixes == ("Order.lineItems",)


def test_items_of_loops_need_their_binding() -> None:
    assert resolve("lineItemsForeachitem.product.tags") == UNKNOWN
    bound = {"lineItemsForeachitem": "LineItem", "rows": "[Order]"}
    assert resolve("lineItemsForeachitem.product.tags", bound) == Resolved("list", "String", "scalar", ())
    assert resolve("lineItemsForeachitem", bound).kind == "object"
    assert resolve("rows.id", bound).list_prefixes == ("rows",)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "nothing",
        "nothing.id",
        "order.",
        "order.loyaltyPoints.value",
        "order.id.more",
        "runCode.total",
        "variants[0].id",
        "order.lineItems.edges.node",
    ],
)
def test_what_no_schema_knows_is_unknown_and_never_an_error(path: str) -> None:
    assert resolve(path) == UNKNOWN


@pytest.mark.parametrize(
    ("type_name", "expected"),
    [
        ("Money", "number"),
        ("Decimal", "number"),
        ("UnsignedInt64", "number"),
        ("DateTime", "date"),
        ("Date", "date"),
        ("URL", "string"),
        ("FormattedString", "string"),
        ("Boolean", "boolean"),
        ("ID", "id"),
        ("ProductStatus", "enum"),
        ("LineItem", "object"),
        ("", "unknown"),
    ],
)
def test_types_fall_into_families(type_name: str, expected: str) -> None:
    assert environment.family(type_name) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("orderRiskLevel", "EnvironmentScalarDefinition:String"),
        ("order.customer.id", "EnvironmentScalarDefinition:ID"),
        ("oldStatus", "EnvironmentEnumDefinition:ProductStatus"),
        ("count", "EnvironmentScalarDefinition:Int"),
        ("order.totalPriceSet.shopMoney.amount", "EnvironmentScalarDefinition:Float"),
        ("order.capturable", "EnvironmentScalarDefinition:Boolean"),
        ("runCode.reused", "EnvironmentScalarDefinition:String"),
    ],
)
def test_a_comparison_names_the_type_as_exports_do(path: str, expected: str) -> None:
    assert environment.comparison_value_type(resolve(path)) == expected


def test_enums_have_their_constants() -> None:
    assert set(environment.enum_values("ProductStatus")) >= {"ACTIVE", "ARCHIVED", "DRAFT"}
    assert environment.enum_values("Order") == ()


def test_every_path_of_the_official_conditions_is_known() -> None:
    if not EXAMPLES.exists():
        pytest.skip(f"{EXAMPLES} is absent")
    conditions = json.loads(EXAMPLES.read_text())["conditions_valid"]
    items = {
        "t": "String",
        "tags_item": "String",
        "li": "LineItem",
        "lineItems_item": "LineItem",
        "lineItemsForeachitem": "LineItem",
        "getOrderData_item": "Order",
        "getCustomerDataForeachitem": "Customer",
    }
    paths = {path for text in conditions for path in re.findall(r"\(([a-zA-Z_]+(?:\.\w+)*) ", text)}
    assert len(paths) > 15
    assert {path for path in paths if resolve(path, items) == UNKNOWN} == {"runCode.fragileTotal"}


def test_the_data_is_what_the_job_distils(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not INTROSPECTION.exists():
        pytest.skip(f"{INTROSPECTION} is absent")
    assert distil_environment(["--introspection", str(INTROSPECTION), "--output", str(tmp_path)]) == 0
    for name in ("environment.json.gz", "mutations.json.gz"):
        shipped = files("schemas.catalog").joinpath(name).read_bytes()
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress(shipped)
    assert capsys.readouterr().out.startswith("distil_environment types=")


def test_what_is_no_introspection_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.json.gz"
    output = tmp_path / "output"
    output.mkdir()
    for content in (b"", b"{}", gzip.compress(b"{}"), gzip.compress(b"[1")[:-4]):
        broken.write_bytes(content)
        assert distil_environment(["--introspection", str(broken), "--output", str(output)]) == 2
        assert "is no gzipped introspection result" in capsys.readouterr().err
    assert list(output.iterdir()) == []


def test_the_data_is_small_and_carries_its_licence() -> None:
    for name in ("environment.json.gz", "mutations.json.gz"):
        packed = files("schemas.catalog").joinpath(name).read_bytes()
        assert len(packed) < 100_000
        assert "Copyright (c) Shopify Inc." in json.loads(gzip.decompress(packed))["licence"]


@pytest.mark.parametrize(
    ("path", "root", "missing"),
    [
        ("order.totlPrice", "Order", "order.totlPrice"),
        ("order.lineItems.product.tag", "Order", "order.lineItems.product.tag"),
        ("order.id.more.still", "Order", "order.id.more"),
        ("order.lineItems.edges.node", "Order", "order.lineItems.edges"),
        ("order.lineItems.product.tags", "Order", ""),
        ("order.discountApplications.code", "Order", ""),  # an interface: only some discounts have a code
        ("runCode.total", "", ""),
        ("sendHttpRequest.headers.any", "SendHttpResponse", ""),
        ("order", "Order", ""),
    ],
)
def test_a_field_that_its_type_lacks_is_told_from_one_that_may_exist(
    path: str, root: str, missing: str
) -> None:
    assert environment.first_missing(path, root) == missing
    if missing:
        assert environment.follow(path, root) == UNKNOWN


def test_a_workflow_can_add_fields_types_and_enums() -> None:
    local = environment.Local(
        {"Order": {"gift": "Gift", "odd": ""}, "Gift": {"sizes": "[Size]"}}, {"Size": ("S", "L")}
    )
    assert environment.follow("order.gift.sizes", "Order", local) == Resolved("list", "Size", "enum", ())
    assert environment.follow("order.lineItems.sku", "Order", local).type == "String"
    assert environment.follow("order.odd.value", "Order", local) == UNKNOWN
    assert environment.first_missing("order.odd.value", "Order", local) == ""
    assert environment.first_missing("order.gift.colour", "Order", local) == "order.gift.colour"
    assert resolve("order.gift") == UNKNOWN


def test_fields_that_need_arguments_wait_for_a_patched_field() -> None:
    fields = environment.patchable_fields("Product")
    assert fields["inCollection"].type == "Boolean"
    assert [(value.name, value.type, value.required) for value in fields["metafield"].arguments.values()] == [
        ("namespace", "String", False),
        ("key", "String!", True),
    ]
    assert "inCollection" not in environment.fields_of("Product")
    assert environment.patchable_fields("String") == {}


def test_every_type_of_the_data_is_known_to_it() -> None:
    table = environment._load()
    named = {
        kind.strip("[]") for fields in map(environment.fields_of, table.types) for kind in fields.values()
    }
    known = {*table.types, *table.enums, *environment.FAMILIES, *table.abstract.split(), ""}
    assert named - known == set()
