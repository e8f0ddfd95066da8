"""Get data steps: sort keys of the list that is fetched.

The keys are those of the sort arguments of the Admin GraphQL API 2026-04, by the list that a step fetches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.catalog.catalogue import FETCH_PREFIX
from schemas.workflow.checks.findings import Finding, cut, did_you_mean, listed
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import Json
from schemas.workflow.problems import Severity

__all__ = ["SORT_KEYS", "check_get_data"]

_CODE: Final = "CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY"
_KEYS: Final = {
    "collections": "ID RELEVANCE TITLE UPDATED_AT",
    "companies": "CREATED_AT ID NAME ORDER_COUNT SINCE_DATE TOTAL_SPENT UPDATED_AT",
    "company_locations": "COMPANY_AND_LOCATION_NAME COMPANY_ID CREATED_AT ID NAME RELEVANCE UPDATED_AT",
    "customers": "CREATED_AT ID LOCATION NAME RELEVANCE UPDATED_AT",
    "discounts": "CREATED_AT ENDS_AT ID RELEVANCE STARTS_AT TITLE UPDATED_AT",
    "draft_orders": "CUSTOMER_NAME ID NUMBER RELEVANCE STATUS TOTAL_PRICE UPDATED_AT",
    "fulfillment_orders": "ID UPDATED_AT",
    "orders": (
        "CREATED_AT CURRENT_TOTAL_PRICE CUSTOMER_NAME DESTINATION FINANCIAL_STATUS FULFILLMENT_STATUS ID "
        "ORDER_NUMBER PO_NUMBER PROCESSED_AT RELEVANCE TOTAL_ITEMS_QUANTITY TOTAL_PRICE UPDATED_AT"
    ),
    "product_variants": (
        "FULL_TITLE ID INVENTORY_LEVELS_AVAILABLE INVENTORY_MANAGEMENT INVENTORY_POLICY INVENTORY_QUANTITY "
        "NAME POPULAR POSITION RELEVANCE SKU TITLE"
    ),
    "products": ("CREATED_AT ID INVENTORY_TOTAL PRODUCT_TYPE PUBLISHED_AT RELEVANCE TITLE UPDATED_AT VENDOR"),
    "selling_plan_groups": "CREATED_AT ID NAME UPDATED_AT",
    "subscription_billing_attempts": "CREATED_AT ID",
    "subscription_contracts": "CREATED_AT ID STATUS UPDATED_AT",
}
SORT_KEYS: Final[Mapping[str, tuple[str, ...]]] = {name: tuple(keys.split()) for name, keys in _KEYS.items()}
"""What can be fetched -> the keys it can be sorted by."""
_ORDERS: Final = ("ASCENDING", "DESCENDING")


def check_get_data(around: Surroundings) -> Iterator[Finding]:
    """The sort keys of every Get data step; a guess of the catalogue gives warnings."""
    for number, step in enumerate(around.workflow.steps):
        if not step.task_id.startswith(FETCH_PREFIX):
            continue
        task = around.catalogue.get(step.task_id)
        severity: Severity = "error" if task and task.known else "warning"
        keys = SORT_KEYS.get(step.task_id.removeprefix(FETCH_PREFIX), ())
        for field, value in step.fields:
            if field != "sort_by" or not isinstance(value, Json):
                continue
            sort = read_json(value.text)
            key, order = sort.get("sortKey"), sort.get("order", _ORDERS[0])
            if not isinstance(key, str) or (keys and key not in keys):
                hint = did_you_mean(str(key), keys) or f"; it can be sorted by {listed(keys, 16)}"
                message = f"{cut(str(key))!r} is no sort key of this list{hint}"
                yield Finding(_CODE, number, field, message, severity)
            if order not in _ORDERS:
                message = f"the order {cut(str(order))!r} is neither ASCENDING nor DESCENDING"
                yield Finding(_CODE, number, field, message, severity)
