"""What can be searched and sorted in each list that Get data fetches.

Filters and their kinds are those that the Admin GraphQL API (2026-04) documents for the `query` argument of
the list, as far as a record holds what they ask; sort keys are those of `checks/get_data.py`. Filters that
ask for what no record holds (publication states, tokens, metafields) are not here: they are ignored, as
Shopify ignores what it does not know, and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["EVERYWHERE", "FILTERS", "SORTS", "Filter", "Kind"]

Kind: TypeAlias = Literal["text", "exact", "number", "time", "id", "flag"]
"""`text` matches whole words in a row, `exact` one of several values with commas between them."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filter compares: the paths of a record that it reads, and how."""

    kind: Kind
    paths: tuple[str, ...]
    negative: bool = False


def _filters(text: str) -> dict[str, Filter]:
    """`name kind path|path`, a line each."""
    found = {}
    for line in text.strip().splitlines():
        name, kind, paths = line.split()
        kinds: dict[str, Kind] = {
            "text": "text",
            "exact": "exact",
            "number": "number",
            "time": "time",
            "id": "id",
            "flag": "flag",
        }
        found[name] = Filter(kinds[kind], tuple(paths.split("|")), name.endswith("_not"))
    return found


FILTERS: Final[Mapping[str, Mapping[str, Filter]]] = {
    "orders": _filters("""
        id id id
        name text name
        email text email
        created_at time createdAt
        updated_at time updatedAt
        processed_at time processedAt
        financial_status exact displayFinancialStatus
        fulfillment_status exact displayFulfillmentStatus
        return_status exact returnStatus
        risk_level exact riskLevel
        tag exact tags
        tag_not exact tags
        test flag test
        gateway exact paymentGatewayNames
        customer_id id customer.id
        discount_code exact discountCodes
        sku exact lineItems.sku
        po_number exact poNumber
        confirmation_number exact confirmationNumber
        source_name exact sourceName
        source_identifier exact sourceIdentifier
        total_weight number totalWeight
        subtotal_line_items_quantity number subtotalLineItemsQuantity
        current_total_price number currentTotalPriceSet.shopMoney.amount
        location_id id retailLocation.id
    """),
    "customers": _filters("""
        id id id
        email text email
        phone exact phone
        first_name text firstName
        last_name text lastName
        country text defaultAddress.country|defaultAddress.countryCodeV2
        customer_date time createdAt
        updated_at time updatedAt
        order_date time orders.createdAt
        orders_count number numberOfOrders
        total_spent number amountSpent.amount
        state exact state
        tag exact tags
        tag_not exact tags
    """),
    "products": _filters("""
        id id id
        title text title
        vendor text vendor
        handle exact handle
        product_type exact productType
        status exact status
        tag exact tags
        tag_not exact tags
        created_at time createdAt
        updated_at time updatedAt
        published_at time publishedAt
        inventory_total number totalInventory
        price number variants.price
        sku exact variants.sku
        barcode exact variants.barcode
        variant_id id variants.id
        variant_title text variants.title
        collection_id id collections.id
        category_id exact category.id
        combined_listing_role exact combinedListingRole
        gift_card flag isGiftCard
        has_only_default_variant flag hasOnlyDefaultVariant
        out_of_stock_somewhere flag hasOutOfStockVariants
        tracks_inventory flag tracksInventory
    """),
    "product_variants": _filters("""
        id id id
        title text title
        sku exact sku
        barcode exact barcode
        inventory_quantity number inventoryQuantity
        product_id id product.id
        product_ids id product.id
        product_status exact product.status
        product_type exact product.productType
        vendor text product.vendor
        tag exact product.tags
        tag_not exact product.tags
        collection id product.collections.id
        gift_card flag product.isGiftCard
        taxable flag taxable
        updated_at time updatedAt
    """),
    "collections": _filters("""
        id id id
        title text title
        handle exact handle
        product_id id products.id
        updated_at time updatedAt
    """),
    "companies": _filters("""
        id id id
        name text name
        external_id exact externalId
        active_customers_count number contactsCount.count
        since_date time customerSince
        created_at time createdAt
        updated_at time updatedAt
    """),
    "company_locations": _filters("""
        id id id
        ids id id
        name text name
        company_id id company.id
        external_id exact externalId
        created_at time createdAt
        updated_at time updatedAt
    """),
    "discounts": _filters("""
        id id id
        title text discount.title
        code exact discount.codes.code
        status exact discount.status
        times_used number discount.asyncUsageCount
        created_at time discount.createdAt
        updated_at time discount.updatedAt
        starts_at time discount.startsAt
        ends_at time discount.endsAt
    """),
    "draft_orders": _filters("""
        id id id
        customer_id id customer.id
        status exact status
        tag exact tags
        created_at time createdAt
        updated_at time updatedAt
    """),
    "fulfillment_orders": _filters("""
        id id id
        status exact status
        assigned_location_id id assignedLocation.location.id
        updated_at time updatedAt
    """),
    "selling_plan_groups": _filters("""
        id id id
        name text name
        created_at time createdAt
    """),
    "subscription_billing_attempts": _filters("""
        id id id
        error_code exact errorCode
        error_message text errorMessage
        created_at time createdAt
    """),
    "subscription_contracts": _filters("""
        id id id
        status exact status
        created_at time createdAt
        updated_at time updatedAt
    """),
}
"""What can be fetched -> filter -> what it compares. `status` of orders is computed in `fetch.py`."""

EVERYWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": ("name", "email", "customer.displayName", "tags"),
    "customers": ("displayName", "email", "phone", "tags"),
    "products": ("title", "vendor", "productType", "tags"),
    "product_variants": ("title", "sku", "product.title"),
    "discounts": ("discount.title",),
    "draft_orders": ("name", "email", "customer.displayName"),
    "companies": ("name",),
    "company_locations": ("name",),
    "collections": ("title",),
    "selling_plan_groups": ("name",),
}
"""Where a bare word is looked for; Shopify says "multiple fields" and not which, so this is our choice."""

_COMMON: Final = {"ID": "id", "CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt", "TITLE": "title"}
SORTS: Final[Mapping[str, Mapping[str, str]]] = {
    "orders": {
        **_COMMON,
        "CURRENT_TOTAL_PRICE": "currentTotalPriceSet.shopMoney.amount",
        "CUSTOMER_NAME": "customer.displayName",
        "DESTINATION": "shippingAddress.city",
        "FINANCIAL_STATUS": "displayFinancialStatus",
        "FULFILLMENT_STATUS": "displayFulfillmentStatus",
        "ORDER_NUMBER": "number",
        "PO_NUMBER": "poNumber",
        "PROCESSED_AT": "processedAt",
        "TOTAL_ITEMS_QUANTITY": "subtotalLineItemsQuantity",
        "TOTAL_PRICE": "totalPriceSet.shopMoney.amount",
    },
    "customers": {**_COMMON, "NAME": "lastName", "LOCATION": "defaultAddress.country"},
    "products": {
        **_COMMON,
        "INVENTORY_TOTAL": "totalInventory",
        "PRODUCT_TYPE": "productType",
        "PUBLISHED_AT": "publishedAt",
        "VENDOR": "vendor",
    },
    "product_variants": {
        **_COMMON,
        "FULL_TITLE": "displayName",
        "INVENTORY_LEVELS_AVAILABLE": "inventoryQuantity",
        "INVENTORY_MANAGEMENT": "inventoryItem.tracked",
        "INVENTORY_POLICY": "inventoryPolicy",
        "INVENTORY_QUANTITY": "inventoryQuantity",
        "NAME": "displayName",
        "POSITION": "position",
        "SKU": "sku",
    },
    "collections": _COMMON,
    "companies": {
        **_COMMON,
        "NAME": "name",
        "ORDER_COUNT": "ordersCount.count",
        "SINCE_DATE": "customerSince",
        "TOTAL_SPENT": "totalSpent.amount",
    },
    "company_locations": {
        **_COMMON,
        "NAME": "name",
        "COMPANY_ID": "company.id",
        "COMPANY_AND_LOCATION_NAME": "company.name",
    },
    "discounts": {
        **{key: f"discount.{path}" for key, path in _COMMON.items()},
        "ID": "id",
        "STARTS_AT": "discount.startsAt",
        "ENDS_AT": "discount.endsAt",
    },
    "draft_orders": {
        **_COMMON,
        "CUSTOMER_NAME": "customer.displayName",
        "NUMBER": "name",
        "STATUS": "status",
        "TOTAL_PRICE": "totalPriceSet.shopMoney.amount",
    },
    "fulfillment_orders": _COMMON,
    "selling_plan_groups": {"ID": "id", "CREATED_AT": "createdAt", "NAME": "name"},
    "subscription_billing_attempts": _COMMON,
    "subscription_contracts": {**_COMMON, "STATUS": "status"},
}
"""What can be fetched -> sort key -> path. Some keys are not here, such as RELEVANCE: no field says them."""
