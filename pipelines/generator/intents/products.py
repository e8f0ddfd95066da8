"""What merchants want done about products and their stock."""

from __future__ import annotations

from pipelines.generator.build import ADMIN, Build, Intent
from pipelines.generator.intents.notices import call_service, tell_someone
from pipelines.generator.pieces import ApiCall, Compare, Port, Quantified, Reference, both, either
from pipelines.generator.vocabulary import PRODUCT_TAGS, PRODUCT_TYPES, VENDORS

PRODUCT = Reference("product.id")
STOCK_CHANGED = (f"{ADMIN}product_variant_inventory_quantity_changed",)
ADDED = (f"{ADMIN}product_added",)


def warn_low_stock(b: Build, at: Port) -> None:
    limit = b.draw.popular(("5", "10", "3", "0", "20"))
    low = Compare("productVariant.inventoryQuantity", b.draw.popular(("<", "<=")), limit)
    was_higher = Compare("inventoryQuantityPrior", ">=", limit)
    if b.draw.chance(0.3):
        was_higher = Compare("productVariant.inventoryQuantity", "<", other="inventoryQuantityPrior")
    yes, _ = b.ask_more(at, both(low, was_higher) if b.draw.chance(0.7) else low, "productVariant")
    after = tell_someone(
        b, yes, "{{product.title}} is down to {{productVariant.inventoryQuantity}}", "productVariant"
    )
    if b.draw.chance(0.3):
        b.act(after, f"{ADMIN}add_product_tags", product_id=PRODUCT, tags=["low-stock"])


def hide_sold_out(b: Build, at: Port) -> None:
    yes, no = b.ask_more(at, Compare("product.totalInventory", "<=", "0"), "product")
    if b.draw.chance(0.5):
        after = b.act(yes, f"{ADMIN}add_product_tags", product_id=PRODUCT, tags=["out-of-stock"])
        b.act(after, f"{ADMIN}update_product_status", product_id=PRODUCT, status="DRAFT")
    else:
        blob = '{\n  "input": {\n    "id": "{{ product.id }}",\n    "status": "DRAFT"\n  }\n}'
        b.output(yes, f"{ADMIN}admin_api_operation", api_call=ApiCall("productUpdate", blob))
    if b.draw.chance(0.5):
        b.act(no, f"{ADMIN}remove_product_tags", product_id=PRODUCT, tags=["out-of-stock"])


def redirect_archived(b: Build, at: Port) -> None:
    archived = both(Compare("oldStatus", "==", "ACTIVE"), Compare("product.status", "==", "ARCHIVED"))
    yes, _ = b.ask_more(at, archived, "product")
    target = b.draw.popular((
        "/",
        "/collections/{{ product.productType | handleize }}",
        "{% assign first = product.collections | first %}"
        "{% if first %}/collections/{{ first.handle }}{% else %}/{% endif %}",
    ))  # fmt: skip
    b.act(
        yes,
        f"{ADMIN}created_redirect_url",
        path="/products/{{ product.handle }}",
        target=target,
        overwrite_target=b.draw.popular(("true", "false")),
    )


def tag_new_products(b: Build, at: Port) -> None:
    if b.draw.chance(0.5):
        asked = Compare("product.vendor", "==", b.draw.popular(VENDORS))
    else:
        asked = Compare(
            "product.productType",
            b.draw.popular(("==", "start_with?", "end_with?")),
            b.draw.popular(PRODUCT_TYPES),
        )
    yes, no = b.ask_more(at, asked, "product")
    b.act(yes, f"{ADMIN}add_product_tags", product_id=PRODUCT, tags=b.draw.few(PRODUCT_TAGS, 3))
    if b.draw.chance(0.2):
        cheap = Quantified(
            "ALL",
            "product.variants",
            Compare("variants_item.price", "<", b.draw.popular(("10", "25", "9.99"))),
        )
        second, _ = b.ask(no, cheap)
        b.act(second, f"{ADMIN}add_product_tags", product_id=PRODUCT, tags=["cheap"])


def set_metafields(b: Build, at: Port) -> None:
    vendor = b.draw.popular(VENDORS)
    yes, _ = b.ask(at, Compare("product.vendor", "==", vendor))
    after = b.metafield(
        yes,
        "product",
        "product_id",
        "product.id",
        ("custom", "brand_page", "collection_reference"),
        f"gid://shopify/Collection/{b.draw.pick((663848976752, 41203344))}",
    )
    after = b.metafield(
        after,
        "product",
        "product_id",
        "product.id",
        ("custom", "brand_name", "single_line_text_field"),
        vendor,
    )
    b.metafield(
        after,
        "product",
        "product_id",
        "product.id",
        ("custom", "brand_url", "url"),
        "https://shop.example.com/collections/{{ product.vendor | handleize }}",
    )


def announce_back_in_stock(b: Build, at: Port) -> None:
    at = (
        b.act(at, f"{ADMIN}remove_product_tags", product_id=PRODUCT, tags=["out-of-stock"])
        if b.draw.chance(0.6)
        else at
    )
    yes, _ = b.ask_more(
        at, Quantified("NONE", "product.tags", Compare("tags_item", "include?", "discontinued")), "product"
    )
    tell_someone(b, yes, "{{product.title}} is back", "product")


def reset_on_new_variant(b: Build, at: Port) -> None:
    b.act(
        at,
        f"{ADMIN}remove_product_tags",
        product_id=PRODUCT,
        tags=[b.draw.popular(("anchor-price-set", "needs-photos"))],
    )


def publish_complete(b: Build, at: Port) -> None:
    complete = both(
        Compare("product.featuredMedia.id", "not_nil?"),
        Compare("product.descriptionHtml", "not_empty_and_not_nil?"),
        either(
            Compare("product.totalInventory", ">", "0"), Compare("product.tracksInventory", "==", "false")
        ),
    )
    yes, no = b.ask(at, complete)
    b.act(
        yes,
        f"{ADMIN}publish_product",
        product_id=PRODUCT,
        publication_id=Reference("gid://shopify/Publication/1"),
    )
    b.act(no, f"{ADMIN}add_product_tags", product_id=PRODUCT, tags=["needs-photos"])


def sync_product(b: Build, at: Port) -> None:
    call_service(
        b, at, '{"product": {{ product.legacyResourceId }}, "title": "{{ product.title | escape }}"}'
    )


def remember_price(b: Build, at: Port) -> None:
    b.patch("anchorPrice", "ProductVariant", "pricing")
    unset = Compare(
        "variantsForeachitem.anchorPrice.value.amount", "nil?", value_type="EnvironmentScalarDefinition:Float"
    )
    body, after, item = b.each(at, "product.variants")
    yes, no = b.ask(body, unset)
    b.metafield(
        yes,
        "product_variant",
        "variant_id",
        f"{item}.id",
        ("pricing", "anchor_price", "money"),
        '{"amount": "{{ ' + item + '.price }}", "currency_code": "EUR"}',
    )
    if b.draw.chance(0.3):
        b.act(
            no,
            f"{ADMIN}remove_product_variant_metafield",
            variant_id=Reference(f"{item}.id"),
            metafield={"namespace": "pricing", "key": "anchor_price"},
        )
    b.act(after, f"{ADMIN}add_product_tags", product_id=PRODUCT, tags=["anchor-price-set"])


PRODUCTS = (
    Intent("Notify staff of low stock", "productVariant", STOCK_CHANGED, warn_low_stock),
    Intent("Hide sold-out products", "product", STOCK_CHANGED, hide_sold_out),
    Intent("Tag new products", "product", ADDED, tag_new_products),
    Intent(
        "Announce products that are back in stock",
        "product",
        (f"{ADMIN}product_variant_back_in_stock",),
        announce_back_in_stock,
    ),
    Intent("Redirect archived products", "product", (f"{ADMIN}product_status_updated",), redirect_archived),
    Intent("Set brand metafields", "product", ADDED, set_metafields),
    Intent("Publish complete products", "product", ADDED, publish_complete),
    Intent("Reset on new variant", "product", (f"{ADMIN}product_variant_added",), reset_on_new_variant),
    Intent("Remember the first price", "product", (*ADDED, f"{ADMIN}product_status_updated"), remember_price),
    Intent(
        "Sync products to the marketplace",
        "product",
        (*ADDED, f"{ADMIN}product_status_updated"),
        sync_product,
    ),
)
