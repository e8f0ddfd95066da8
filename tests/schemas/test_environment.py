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
    output = tmp_path / "environment.json.gz"
    assert distil_environment(["--introspection", str(INTROSPECTION), "--output", str(output)]) == 0
    shipped = files("schemas.catalog").joinpath("environment.json.gz").read_bytes()
    assert gzip.decompress(output.read_bytes()) == gzip.decompress(shipped)
    assert capsys.readouterr().out.startswith("distil_environment types=")


def test_what_is_no_introspection_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.json.gz"
    for content in (b"", b"{}", gzip.compress(b"{}"), gzip.compress(b"[1")[:-4]):
        broken.write_bytes(content)
        assert distil_environment(["--introspection", str(broken), "--output", str(tmp_path / "x")]) == 2
        assert "is no gzipped introspection result" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_data_is_small_and_carries_its_licence() -> None:
    packed = files("schemas.catalog").joinpath("environment.json.gz").read_bytes()
    assert len(packed) < 300_000
    assert "Copyright (c) Shopify Inc." in json.loads(gzip.decompress(packed))["licence"]
