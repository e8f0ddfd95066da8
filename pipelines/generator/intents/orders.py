"""What merchants want done about orders as they come in: tag, hold, capture, segment."""

from __future__ import annotations

from pipelines.generator.build import ADMIN, CONNECTED, Build, Intent
from pipelines.generator.intents.notices import tell_someone, wait
from pipelines.generator.pieces import Compare, Port, Quantified, Reference, both, either
from pipelines.generator.questions import ask_about
from pipelines.generator.vocabulary import (
    COUNTRIES,
    CUSTOMER_TAGS,
    GATEWAYS,
    ORDER_TAGS,
    PRODUCT_TAGS,
    SKU_PARTS,
)

ORDER = Reference("order.id")
CUSTOMER = Reference("order.customer.id")
PLACED = (f"{ADMIN}order_created", f"{ADMIN}order_paid")


def tag_high_value(b: Build, at: Port) -> None:
    path = b.draw.popular(
        (
            "order.totalPrice",
            "order.totalPriceSet.shopMoney.amount",
            "order.currentTotalPriceSet.shopMoney.amount",
        )
    )
    limit = b.draw.popular(("500", "1000", "250", "100", "2500", "150.00"))
    yes, no = b.ask_more(at, Compare(path, b.draw.popular((">", ">=")), limit), "order")
    after = b.act(yes, f"{ADMIN}add_order_tags", order_id=ORDER, tags=b.draw.few(ORDER_TAGS, 2))
    if b.draw.chance(0.3):
        b.act(after, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=[b.draw.popular(CUSTOMER_TAGS)])
    if b.draw.chance(0.25):
        tell_someone(b, after, f"High value order {{{{order.name}}}} over {limit}", "order")
    if b.draw.chance(0.15):
        b.act(no, f"{ADMIN}add_order_tags", order_id=ORDER, tags=["standard"])


def hold_risky(b: Build, at: Port) -> None:
    if b.draw.chance(0.6):
        risky = Compare(
            "orderRiskLevel", b.draw.popular(("==", "!=")), b.draw.popular(("High", "Medium", "Low"))
        )
        yes, no = b.ask_more(at, risky, "order")
    else:
        yes, no = b.ask(at, Quantified("ANY", "order.risks", Compare("risks_item.level", "==", "HIGH")))
    after = b.act(
        yes,
        f"{ADMIN}hold_fulfillment",
        order_id=ORDER,
        fulfillment_id=Reference("order.fulfillmentOrders.id") if b.draw.chance(0.1) else "",
        reason=b.draw.popular(("HIGH_RISK_OF_FRAUD", "OTHER", "AWAITING_PAYMENT")),
        reasonNotes=b.draw.popular(("This fulfillment was held by Shopify Flow.", "Risiko prüfen", "")),
        notifyMerchant=b.draw.popular(("false", "true")),
    )
    after = b.act(
        after,
        f"{ADMIN}add_order_tags",
        order_id=ORDER,
        tags=[b.draw.popular(("fraud-review", "hold", "À vérifier"))],
    )
    if b.draw.chance(0.6):
        tell_someone(b, after, "Risky order {{order.name}} is on hold", "order")
    if b.draw.chance(0.2):
        b.act(no, f"{ADMIN}capture_payment", order_id=ORDER)


def capture_payment(b: Build, at: Port) -> None:
    yes, no = b.ask(at, Compare("orderRiskLevel", "!=", "High"))
    if b.draw.chance(0.5):
        yes, later = b.ask(yes, Compare("order.capturable", "==", "true"))
        b.act(later, f"{ADMIN}add_order_tags", order_id=ORDER, tags=["Payment-Hold"])
    b.act(yes, f"{ADMIN}capture_payment", order_id=ORDER)
    if b.draw.chance(0.4):
        tell_someone(b, no, "Review {{ order.name }} before you capture", "order")


def tag_by_gateway(b: Build, at: Port) -> None:
    if b.draw.chance(0.5):
        loop = (
            "{% for paymentGatewayNames_item in order.paymentGatewayNames %}\n"
            "  {{paymentGatewayNames_item}}\n{% endfor %}"
        )
        b.act(at, f"{ADMIN}add_order_tags", order_id=ORDER, tags=[loop])
        return
    for gateway in b.draw.few(GATEWAYS, 3):
        # One condition for each gateway, all behind the trigger's one port.
        named = Quantified(
            "ANY", "order.paymentGatewayNames", Compare("paymentGatewayNames_item", "==", gateway)
        )
        yes, _ = b.ask(at, named)
        b.act(yes, f"{ADMIN}add_order_tags", order_id=ORDER, tags=[gateway])


def segment_customers(b: Build, at: Port) -> None:
    for part in b.draw.few(SKU_PARTS, 3):
        bought = either(
            Quantified("ANY", "order.lineItems", Compare("lineItems_item.sku", "include?", part)),
            Quantified(
                "ANY",
                "order.lineItems",
                Quantified("ANY", "lineItems_item.product.tags", Compare("tags_item", "==", part)),
            ),
        )
        yes, _ = b.ask(at, bought)
        tags = [] if b.draw.chance(0.1) else [f"{part.lower().strip('-')}-shopper"]
        b.act(yes, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=tags)


def presale_orders(b: Build, at: Port) -> None:
    tag = b.draw.popular(("presale", "pre-order", *PRODUCT_TAGS))
    has_tag = Quantified("ANY", "lineItems_item.product.tags", Compare("tags_item", "==", tag))
    typed = Compare("lineItems_item.product.productType", "==", "Clothing")
    yes, _ = b.ask_more(
        at,
        Quantified("ANY", "order.lineItems", both(has_tag, typed) if b.draw.chance(0.3) else has_tag),
        "order",
    )
    if b.draw.chance(0.6):
        body, after, item = b.each(yes, "order.lineItems")
        match, _ = b.ask(body, Quantified("ANY", f"{item}.product.tags", Compare("tags_item", "==", tag)))
        b.act(
            match,
            f"{ADMIN}add_product_tags",
            product_id=Reference(f"{item}.product.id"),
            tags=["Ordered-Presale"],
        )
        tell_someone(b, after, "Presale order {{order.name}}", "order")
    else:
        b.act(yes, f"{ADMIN}add_order_tags", order_id=ORDER, tags=[tag])


def notify_about_order(b: Build, at: Port) -> None:
    yes, _ = b.ask(at, ask_about("order", "order", b.draw)) if b.draw.chance(0.7) else (at, at)
    tell_someone(
        b,
        yes,
        b.draw.popular(
            ("New order {{order.name}}", "Neue Bestellung {{ order.name }}", "注文 {{order.name}}")
        ),
        "order",
    )


def tag_by_country(b: Build, at: Port) -> None:
    home = b.draw.popular(COUNTRIES)
    operator = "not_in?" if "," in home else "!="
    yes, no = b.ask_more(at, Compare("order.shippingAddress.countryCodeV2", operator, home), "order")
    b.act(yes, f"{ADMIN}add_order_tags", order_id=ORDER, tags=["international"])
    if b.draw.chance(0.3):
        b.act(no, f"{ADMIN}add_order_tags", order_id=ORDER, tags=["domestic"])


def mark_b2b(b: Build, at: Port) -> None:
    company = Compare(
        "order.billingAddress.company", b.draw.popular(("not_empty_and_not_nil?", "empty_or_nil?"))
    )
    yes, no = b.ask_more(at, company, "order")
    if company.operator == "empty_or_nil?":
        yes = no
    after = b.act(yes, f"{ADMIN}add_order_tags", order_id=ORDER, tags=["B2B"])
    b.act(
        after,
        f"{ADMIN}update_order_note",
        order_id=ORDER,
        note="B2B: {{order.billingAddress.company}} / {{order.poNumber}}",
    )


def welcome_first_order(b: Build, at: Port) -> None:
    yes, no = b.ask_more(
        at, Compare("order.customer.numberOfOrders", b.draw.popular(("==", "<=")), "1"), "order"
    )
    after = b.act(yes, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=["first-order"])
    if b.draw.chance(0.4):
        later = wait(b, after, b.draw.popular(("P3D", "P7D", "PT1H")))
        b.act(
            later,
            CONNECTED["mail"],
            to="{{order.customer.email}}",
            template="welcome",
            customer="{{order.customer.firstName}}",
        )
    if b.draw.chance(0.3):
        again, _ = b.ask(no, Compare("order.customer.numberOfOrders", ">=", "5"))
        b.act(again, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=["repeat-buyer"])


def note_cancellation(b: Build, at: Port) -> None:
    yes, no = b.ask_more(
        at, Compare("order.cancelReason", "==", b.draw.popular(("FRAUD", "CUSTOMER", "INVENTORY"))), "order"
    )
    b.act(yes, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=["cancelled-once"])
    if b.draw.chance(0.3):
        tell_someone(b, no, "Order {{order.name}} was cancelled", "order")


def tag_buyers_of(b: Build, at: Port) -> None:
    body, _, item = b.each(at, "order.lineItems")
    yes, _ = b.ask_more(
        body, Compare(f"{item}.quantity", ">", b.draw.popular(("1", "5", "10"))), "lineItem", item
    )
    b.act(yes, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=["bulk-{{ " + item + ".sku }}"])


ORDERS = (
    Intent("Tag high-value orders", "order", PLACED, tag_high_value),
    Intent("Hold fulfillment of risky orders", "order", (f"{ADMIN}order_risk_analyzed",), hold_risky),
    Intent("Notify the team about an order", "order", PLACED, notify_about_order),
    Intent(
        "Capture payment if order is not high fraud risk",
        "order",
        (f"{ADMIN}order_risk_analyzed",),
        capture_payment,
    ),
    Intent("Tag orders by payment gateway", "order", PLACED, tag_by_gateway),
    Intent("Segment customers by purchase behavior", "order", PLACED, segment_customers),
    Intent("Tag international orders", "order", PLACED, tag_by_country),
    Intent("Tag products in presale orders", "order", PLACED, presale_orders),
    Intent("Welcome first-time buyers", "order", PLACED, welcome_first_order),
    Intent("Mark B2B orders", "order", PLACED, mark_b2b),
    Intent("Follow up cancelled orders", "order", (f"{ADMIN}order_cancelled",), note_cancellation),
    Intent("Tag bulk buyers", "order", PLACED, tag_buyers_of),
)
