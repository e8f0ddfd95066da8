"""What merchants have done with orders elsewhere: points, sheets, services, suppliers, edits."""

from __future__ import annotations

from pipelines.generator.build import ADMIN, CONNECTED, Build, Intent
from pipelines.generator.code import (
    FRAGILE_TOTAL,
    GIFT_NOTE,
    LOYALTY_EARNED,
    LOYALTY_TAKEN_BACK,
    STOCK_CHANGES,
)
from pipelines.generator.intents.notices import call_service, tell_someone, wait
from pipelines.generator.pieces import ApiCall, Compare, Port, Quantified, Reference
from pipelines.generator.questions import ask_about
from pipelines.generator.vocabulary import (
    VENDORS,
)

ORDER = Reference("order.id")
CUSTOMER = Reference("order.customer.id")
PLACED = (f"{ADMIN}order_created", f"{ADMIN}order_paid")
FULFILLED = f"{ADMIN}order_fulfilled"


def handle_gifts(b: Build, at: Port) -> None:
    after, code = b.run(at, GIFT_NOTE, "1", b.draw.popular(("gift", "geschenk", "cadeau", "ギフト")))
    yes, _ = b.ask_result(after, code, GIFT_NOTE)
    after = b.act(yes, f"{ADMIN}add_order_tags", order_id=ORDER, tags=["gift"])
    b.metafield(
        after,
        "order",
        "order_id",
        "order.id",
        ("custom", "gift_count", "number_integer"),
        f"{{{{ {code}.giftCount }}}}",
    )


def earn_points(b: Build, at: Port) -> None:
    b.patch("loyaltyPoints", "Customer")
    yes, _ = b.ask(at, Compare("order.customer.id", "not_empty_and_not_nil?"))
    after, code = b.run(yes, LOYALTY_EARNED, b.draw.popular(("1", "2", "10", "0.5")), "")
    if b.draw.chance(0.5):
        after, _ = b.ask_result(after, code, LOYALTY_EARNED)
    after = b.metafield(
        after,
        "customer",
        "customer_id",
        "order.customer.id",
        ("custom", "loyalty_points", "number_integer"),
        f"{{{{ {code}.balance }}}}",
    )
    b.metafield(
        after,
        "order",
        "order_id",
        "order.id",
        ("custom", "points_awarded", "number_integer"),
        f"{{{{ {code}.points }}}}",
    )


def take_points_back(b: Build, at: Port) -> None:
    b.patch("loyaltyPoints", "Customer")
    yes, _ = b.ask(
        at,
        Compare(
            "order.customer.loyaltyPoints.value", "not_nil?", value_type="EnvironmentScalarDefinition:Int"
        ),
    )
    after, code = b.run(yes, LOYALTY_TAKEN_BACK, b.draw.popular(("1", "2")), "")
    after, _ = b.ask_result(after, code, LOYALTY_TAKEN_BACK)
    b.metafield(
        after,
        "customer",
        "customer_id",
        "order.customer.id",
        ("custom", "loyalty_points", "number_integer"),
        f"{{{{ {code}.balance }}}}",
    )


def add_free_gift(b: Build, at: Port) -> None:
    yes, _ = b.ask_more(at, Compare("order.totalPrice", ">=", b.draw.popular(("100", "75", "200"))), "order")
    b.act(
        yes,
        f"{ADMIN}add_order_line_item",
        order_id=ORDER,
        variant_id=Reference(f"gid://shopify/ProductVariant/{b.draw.pick((44871230, 44871231, 50120077))}"),
        quantity="1",
        allow_duplicates="false",
        notify_customer=b.draw.popular(("false", "true")),
        staff_note=b.draw.popular(("", "Free gift", "Gratisprobe")),
    )


def log_to_sheet(b: Build, at: Port) -> None:
    if b.draw.chance(0.4):
        at, _ = b.ask(at, ask_about("order", "order", b.draw))
    b.act(
        at,
        CONNECTED["sheets"],
        spreadsheet=f"https://docs.google.com/spreadsheets/d/{b.draw.pick(('1aB-x', '1Zk_9', '10pQ'))}/edit",
        worksheet=b.draw.popular(("Sheet1", "Orders", "Tabellenblatt1", "受注")),
        row=b.draw.popular((
            "{{order.createdAt}},{{order.name}},{{order.customer.email}}",
            "{{order.name}},{{order.totalPriceSet.shopMoney.amount}},{{order.email | replace: ',', ' '}}",
            "{% for lineItems_item in order.lineItems %}{{lineItems_item.sku}};{% endfor %},{{order.name}}",
        )),
    )  # fmt: skip


def send_to_service(b: Build, at: Port) -> None:
    amount = "{{ order.totalPriceSet.shopMoney.amount }}"
    call_service(b, at, f'{{"order":"{{{{ order.id }}}}","total":{amount},"email":"{{{{ order.email }}}}"}}')


def request_fulfillment(b: Build, at: Port) -> None:
    own = Quantified(
        "ALL", "order.lineItems", Compare("lineItems_item.vendor", "==", b.draw.popular(VENDORS))
    )
    yes, _ = b.ask_more(at, own, "order")
    b.act(
        yes,
        f"{ADMIN}request_fulfillment",
        order_id=ORDER,
        message=b.draw.popular(("", "Please ship today")),
        non_third_party_errors="true",
    )


def discount_each_line(b: Build, at: Port) -> None:
    after, edit = b.output(
        at,
        f"{ADMIN}admin_api_operation",
        api_call=ApiCall("orderEditBegin", '{\n  "id": "{{ order.id }}"\n}'),
    )
    body, after, item = b.each(after, "order.lineItems")
    arguments = (
        f'{{\n  "id": "{{{{ {edit}.calculatedOrder.id }}}}",\n  "lineItemId": "{{{{ {item}.id }}}}",\n'
        f'  "discount": {{ "percentValue": {b.draw.popular(("10", "5", "15"))} }}\n}}'
    )
    b.output(body, f"{ADMIN}admin_api_operation", api_call=ApiCall("orderEditAddLineItemDiscount", arguments))
    commit = f'{{ "id": "{{{{ {edit}.calculatedOrder.id }}}}", "notifyCustomer": false }}'
    b.output(after, f"{ADMIN}admin_api_operation", api_call=ApiCall("orderEditCommit", commit))


def adjust_stock(b: Build, at: Port) -> None:
    _, after, _ = b.each(at, "order.lineItems") if b.draw.chance(0.4) else (at, at, "")
    after, code = b.run(after, STOCK_CHANGES, b.draw.popular(("1", "2")), "")
    if b.draw.chance(0.5):
        after, _ = b.ask_result(after, code, STOCK_CHANGES)
    changes = f'"changes": {{{{ {code}.changes }}}}'
    blob = (
        '{\n  "input": {\n    "reason": "correction",\n    "name": "available",\n    '
        + changes
        + "\n  }\n}\n"
    )
    b.output(after, f"{ADMIN}admin_api_operation", api_call=ApiCall("inventoryAdjustQuantities", blob))


def warn_fragile(b: Build, at: Port) -> None:
    after, code = b.run(at, FRAGILE_TOTAL, "", b.draw.popular(("fragile", "glass", "zerbrechlich")))
    yes, _ = b.ask_result(after, code, FRAGILE_TOTAL)
    tell_someone(b, yes, f"{{{{order.name}}}} has fragile items worth {{{{ {code}.fragileTotal }}}}", "order")


def ask_for_review(b: Build, at: Port) -> None:
    later = wait(b, at, b.draw.popular(("P14D", "P7D", "P30D")))
    yes, _ = b.ask(later, Compare("order.cancelledAt", "nil?"))
    b.act(
        yes,
        CONNECTED["klaviyo"],
        event="Review request",
        email="{{ order.customer.email }}",
        properties=[["order", "{{order.name}}"]],
    )


def copy_attribute(b: Build, at: Port) -> None:
    key = b.draw.popular(("Delivery Date", "Lieferdatum", "gift_message", "Gravur"))
    yes, _ = b.ask(
        at, Quantified("ANY", "order.customAttributes", Compare("customAttributes_item.key", "==", key))
    )
    value = (
        "{% for customAttributes_item in order.customAttributes %}\n"
        f"  {{% if customAttributes_item.key == '{key}' %}}\n    {{{{ customAttributes_item.value }}}}\n"
        "  {% endif %}\n{% endfor %}"
    )
    b.metafield(
        yes, "order", "order_id", "order.id", ("custom", "delivery_date", "single_line_text_field"), value
    )


def follow_fulfillment(b: Build, at: Port) -> None:
    tracked = Quantified(
        "NONE",
        "order.fulfillments",
        Quantified(
            "ANY",
            "fulfillments_item.trackingInfo",
            Compare("trackingInfo_item.number", "not_empty_and_not_nil?"),
        ),
    )
    yes, _ = b.ask_more(at, tracked, "order")
    tell_someone(b, yes, "{{order.name}} was sent without tracking", "order")


ORDER_SERVICES = (
    Intent("Add orders to a sheet", "order", (*PLACED, FULFILLED), log_to_sheet),
    Intent("Earn loyalty points", "order", PLACED, earn_points),
    Intent("Send orders to our ERP", "order", (*PLACED, FULFILLED), send_to_service),
    Intent("Deduct loyalty points on cancellation", "order", (f"{ADMIN}order_cancelled",), take_points_back),
    Intent("Add a free gift", "order", PLACED, add_free_gift),
    Intent("Ask for a review", "order", (FULFILLED,), ask_for_review),
    Intent(
        "Request fulfillment from our supplier",
        "order",
        ("3a1f095d-4250-4b2f-8238-e48b662f0d6c", *PLACED),
        request_fulfillment,
    ),
    Intent("Handle gift orders", "order", PLACED, handle_gifts),
    Intent("Copy a cart attribute to a metafield", "order", PLACED, copy_attribute),
    Intent("Adjust stock from the order", "order", PLACED, adjust_stock),
    Intent("Warn about orders without tracking", "order", (FULFILLED,), follow_fulfillment),
    Intent("Discount each line by order edit", "order", PLACED, discount_each_line),
    Intent("Alert on high-value fragile items", "order", PLACED, warn_fragile),
)
