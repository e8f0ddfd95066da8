"""What merchants ask about each object: paths with the literals they compare them to.

The operator is drawn from those that suit the value's family, so every operator of the format occurs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.generator.draw import Draw
from pipelines.generator.pieces import AND, OR, Compare, Condition, Logic, Quantified
from pipelines.generator.vocabulary import (
    COUNTRIES,
    CUSTOMER_TAGS,
    GATEWAYS,
    HOSTILE_TEXTS,
    ORDER_TAGS,
    PRODUCT_TAGS,
    PRODUCT_TYPES,
    SKU_PARTS,
    VENDORS,
)
from schemas.catalog.environment import Family, family, resolve

__all__ = ["QUESTIONS", "ROOT_TYPES", "Question", "ask_about", "group"]

AMOUNTS = ("100", "500", "250", "50", "1000", "0", "75.50", "99.99", "10000", "150.00")
COUNTS = ("0", "1", "2", "5", "10", "100", "3")
DATES = ("2026-01-01T00:00:00Z", "2024-06-05T04:00:00.000Z", "2025-12-24", "2026-11-27T00:00:00-05:00")
WORDS = ("gift", "urgent", "Geschenk", "@example.edu", "cadeau", "fragile", "ギフト", "do not ship", "VIP ")
FINANCIAL = ("PAID", "PENDING", "AUTHORIZED", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED")

NUMBER_OPERATORS = (">", ">=", "<", "==", "<=", "!=", "in?", "not_in?", "not_nil?", "nil?")
DATE_OPERATORS = (">", "<", ">=", "<=", "not_nil?", "nil?", "==", "!=")
TEXT_OPERATORS = (
    "==", "include?", "!=", "not_include?", "start_with?", "end_with?", "not_empty_and_not_nil?", "in?",
    "empty_or_nil?", "not_start_with?", "not_in?", "not_end_with?",
)  # fmt: skip
ENUM_OPERATORS = ("==", "!=", "in?", "not_in?", "nil?", "not_nil?")
BOOLEAN_OPERATORS = ("==", "==", "==", "!=")
ID_OPERATORS = ("not_empty_and_not_nil?", "not_nil?", "==", "nil?", "!=")
OPERATORS: Mapping[Family, Sequence[str]] = {
    "number": NUMBER_OPERATORS,
    "date": DATE_OPERATORS,
    "string": TEXT_OPERATORS,
    "enum": ENUM_OPERATORS,
    "boolean": BOOLEAN_OPERATORS,
    "id": ID_OPERATORS,
}
UNARY = frozenset({"nil?", "not_nil?", "empty_or_nil?", "not_empty_and_not_nil?"})
QUANTIFIERS: tuple[Literal["ANY", "NONE", "ALL"], ...] = ("ANY", "NONE", "ALL")
QUANTIFIER_LIMITS = (0.7, 0.85, 1.0)


@dataclass(frozen=True, slots=True)
class Question:
    """A path below an object, what it is compared to, and for lists what is asked about an element."""

    path: str
    literals: Sequence[str] = ()
    element: tuple[Question, ...] = ()
    other: str = ""
    """A path that this one is sometimes compared with instead."""


TAGGED = (Question("", ORDER_TAGS),)
PRODUCT = (
    Question("productType", PRODUCT_TYPES),
    Question("vendor", VENDORS),
    Question("tags", (), (Question("", PRODUCT_TAGS),)),
    Question("title", WORDS),
    Question("status", ("ACTIVE", "DRAFT", "ARCHIVED")),
    Question("totalInventory", COUNTS),
    Question("handle", ("sale", "gift-card", "neu")),
    Question("publishedAt", DATES, other="createdAt"),
    Question("createdAt", DATES),
    Question("tracksInventory", ("true", "false")),
    Question("isGiftCard", ("false", "true")),
    Question("featuredMedia.id"),
    Question("variants", (), (
        Question("inventoryQuantity", COUNTS),
        Question("sku", SKU_PARTS),
        Question("price", AMOUNTS, other="compareAtPrice"),
        Question("availableForSale", ("true", "false")),
        Question("barcode", ("4006381333931",)),
    )),
    Question("collections", (), (Question("title", ("Sale", "Neu")), Question("handle", ("sale",)))),
)  # fmt: skip
CUSTOMER = (
    Question("numberOfOrders", COUNTS),
    Question("tags", (), (Question("", CUSTOMER_TAGS),)),
    Question("email", WORDS),
    Question("amountSpent.amount", AMOUNTS),
    Question("firstName", ("Maria", "Test", "Łukasz")),
    Question("note", WORDS),
    Question("createdAt", DATES, other="updatedAt"),
    Question("state", ("ENABLED", "DISABLED", "INVITED")),
    Question("verifiedEmail", ("true",)),
    Question("taxExempt", ("false", "true")),
    Question("lastOrder.createdAt", DATES),
    Question("defaultAddress.countryCodeV2", COUNTRIES),
    Question("locale", ("en", "de", "fr", "ja")),
    Question("lastOrder.id"),
)
LINE_ITEM = (
    Question("sku", SKU_PARTS),
    Question("quantity", COUNTS, other="currentQuantity"),
    Question("product.tags", (), (Question("", PRODUCT_TAGS),)),
    Question("product.productType", PRODUCT_TYPES),
    Question("vendor", VENDORS),
    Question("requiresShipping", ("true", "false")),
    Question("title", WORDS),
    Question("originalUnitPriceSet.shopMoney.amount", AMOUNTS),
    Question("variant.id"),
    Question("customAttributes", (), (Question("key", ("Delivery Date", "Gravur", "gift_message")),)),
)
ORDER = (
    Question("totalPrice", AMOUNTS),
    Question("totalPriceSet.shopMoney.amount", AMOUNTS, other="currentTotalPriceSet.shopMoney.amount"),
    Question("tags", (), TAGGED),
    Question("lineItems", (), LINE_ITEM),
    Question("shippingAddress.countryCodeV2", COUNTRIES),
    Question("displayFinancialStatus", FINANCIAL),
    Question("note", WORDS),
    Question("customer.numberOfOrders", COUNTS),
    Question("email", WORDS),
    Question("capturable", ("true",)),
    Question("customer.tags", (), (Question("", CUSTOMER_TAGS),)),
    Question("paymentGatewayNames", (), (Question("", GATEWAYS),)),
    Question("customer.email", WORDS),
    Question("createdAt", DATES, other="customer.createdAt"),
    Question("sourceName", ("web", "pos", "shopify_draft_order", "tiktok")),
    Question("discountCodes", (), (Question("", ("WELCOME10", "BLACKFRIDAY", "VIP-")),)),
    Question("shippingLine.title", ("Express", "Standardversand", "Retrait en magasin", "Local pickup")),
    Question("subtotalLineItemsQuantity", COUNTS),
    Question("displayFulfillmentStatus", ("UNFULFILLED", "FULFILLED", "PARTIALLY_FULFILLED", "ON_HOLD")),
    Question("customer.id"),
    Question("fullyPaid", ("true", "false")),
    Question("test", ("false", "true")),
    Question("billingAddress.company", VENDORS),
    Question("shippingAddress.zip", ("100", "SW1", "75001,75002")),
    Question("customAttributes", (), (Question("key", ("Delivery Date", "Lieferdatum", "utm_source")),)),
    Question("risks", (), (Question("level", ("HIGH", "MEDIUM")),)),
    Question("cancelReason", ("FRAUD", "CUSTOMER", "INVENTORY")),
    Question("processedAt", DATES, other="updatedAt"),
    Question("totalWeight", COUNTS),
    Question("fulfillments", (), (Question("trackingInfo", (), (Question("company", ("UPS", "DHL")),)),)),
)
QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "order": ORDER,
    "customer": CUSTOMER,
    "product": PRODUCT,
    "productVariant": (
        Question("inventoryQuantity", COUNTS),
        Question("sku", SKU_PARTS),
        Question("price", AMOUNTS, other="compareAtPrice"),
        Question("product.tags", (), (Question("", PRODUCT_TAGS),)),
        Question("inventoryItem.tracked", ("true",)),
    ),
    "lineItem": LINE_ITEM,
    "draftOrder": (
        Question("totalPriceSet.shopMoney.amount", AMOUNTS),
        Question("tags", (), TAGGED),
        Question("billingAddress.company", VENDORS),
        Question("customer.email", WORDS),
        Question("note2", WORDS),
        Question("status", ("OPEN", "INVOICE_SENT", "COMPLETED")),
    ),
    "fulfillmentOrder": (
        Question("assignedLocation.location.name", ("Main warehouse", "Lager Nord", "倉庫")),
        Question("order.tags", (), TAGGED),
        Question("status", ("OPEN", "ON_HOLD", "SCHEDULED")),
        Question("order.shippingAddress.countryCodeV2", COUNTRIES),
        Question("deliveryMethod.methodType", ("LOCAL", "SHIPPING", "PICK_UP")),
        Question("fulfillAt", DATES, other="createdAt"),
    ),
    "return": (
        Question("status", ("REQUESTED", "OPEN", "CLOSED")),
        Question("totalQuantity", COUNTS),
        Question("name", WORDS),
    ),
    "subscriptionContract": (
        Question("status", ("ACTIVE", "PAUSED", "CANCELLED", "FAILED")),
        Question("lines", (), (Question("quantity", COUNTS), Question("sku", SKU_PARTS))),
        Question("nextBillingDate", DATES),
    ),
    "company": (
        Question("name", VENDORS),
        Question("ordersCount.count", COUNTS),
        Question("mainContact.customer.email", WORDS),
    ),
}


ROOT_TYPES = {root: root[0].upper() + root[1:] for root in QUESTIONS}


def ask_about(root: str, path: str, draw: Draw) -> Condition:
    """A question about the object at `path`, one of those that merchants ask about a `root`."""
    return _ask(f"{path}.", ROOT_TYPES[root], draw.popular(QUESTIONS[root]), draw)


def group(first: Condition, more: Sequence[Condition], draw: Draw) -> Condition:
    """Terms under one operator; all but one may stand in a group of the other operator."""
    operator, other = (AND, OR) if draw.chance(0.65) else (OR, AND)
    if len(more) > 1 and draw.chance(0.4):
        inner = Logic(other, tuple(more))
        return Logic(operator, (first, inner) if draw.chance(0.5) else (inner, first))
    return Logic(operator, (first, *more))


def _ask(prefix: str, container: str, question: Question, draw: Draw) -> Condition:
    """Ask about a field of `container`, an object type; the element of a list of texts has no field."""
    path = f"{prefix}{question.path}" if question.path else prefix.removesuffix(".")
    kind = _type(container, question.path)
    if not question.element:
        return _compare(path, question, family(kind), prefix, draw)
    item = path.rpartition(".")[2] + "_item"
    body = _ask(f"{item}.", kind, draw.popular(question.element), draw)
    return Quantified(draw.weighted(QUANTIFIERS, QUANTIFIER_LIMITS), path, body)


def _compare(path: str, question: Question, kind: Family, prefix: str, draw: Draw) -> Compare:
    operator = draw.popular(OPERATORS[kind])
    if operator in UNARY:
        return Compare(path, operator)
    listing = operator in ("in?", "not_in?")
    if question.other and not listing and draw.chance(0.3):
        return Compare(path, operator, other=f"{prefix}{question.other}")
    if not question.literals:
        return Compare(path, operator, f"gid://shopify/Customer/{draw.between(10**6, 10**7)}")
    if kind == "string" and draw.chance(0.01):
        return Compare(path, operator, draw.pick(HOSTILE_TEXTS))
    literal = draw.popular(question.literals)
    if listing and "," not in literal:
        literal = ",".join(draw.few(question.literals, 3))
    return Compare(path, operator, literal if listing else literal.partition(",")[0])


@functools.cache
def _type(container: str, path: str) -> str:
    return resolve(f"it.{path}", {"it": container}).type if path else container
