"""Forty free requests, written before the rules that read them, each with workflows that do what was asked.

`SEEN` was at hand while the rules were written; `UNSEEN` was not looked at until they were done. A request
with several workflows is one that people mean in several ways; one with none wants an answer in words. What a
request leaves open (the words of a mail, an address that it does not give, a timetable's zone) is compared
as if it were the same: `loosened` says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["SEEN", "UNSEEN", "Asked", "mailed", "tagged", "under"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and every workflow that does what it says; none where words are the answer."""

    request: str
    wanted: tuple[str, ...] = ()
    names_address: bool = True
    """Whether it says whom to write to; where it does not, any address will do."""


def under(trigger: str, condition: str, *actions: str) -> str:
    """`order_created(order)` and what is done under a condition, or without one where it is empty."""
    indent = "        " if condition else "    "
    head, _, arguments = trigger.partition("(")
    lines = [f"@{head}", f"def f({arguments}:", *([f"    if {condition}:"] if condition else [])]
    return "\n".join([*lines, *(indent + action for action in actions)]) + "\n"


_TOTAL: Final = "order.current_total_price_set.shop_money.amount"
_PAID: Final = "order_paid(order)"
_CREATED: Final = "order_created(order)"
_OUT: Final = "product_variant_out_of_stock(product, product_variant)"
_CHANGED: Final = (
    "product_variant_inventory_quantity_changed(product, product_variant, inventory_quantity_prior)"
)
_RISK: Final = "order_risk_analyzed(order, order_risk_level)"


def tagged(kind: str, tag: str, owner: str = "", verb: str = "add") -> str:
    return f'{verb}_{kind}_tags({kind}_id={owner or kind}.id, tags=["{tag}"])'


def mailed(address: str) -> str:
    return f'send_email(address="{address}", subject="s", message="m")'


SEEN: Final = (
    Asked("tag orders over 500 as VIP", (under(_CREATED, f"{_TOTAL} > 500", tagged("order", "VIP")),)),
    Asked(
        "email me@example.com when a product goes out of stock",
        (under(_OUT, "", mailed("me@example.com")),),
    ),
    Asked(
        "when a customer is created in Canada tag them CA",
        (
            under(
                "customer_created(customer)",
                'customer.default_address.country_code_v2 == "CA"',
                tagged("customer", "CA"),
            ),
            under(
                "customer_created(customer)",
                'customer.default_address.country == "Canada"',
                tagged("customer", "CA"),
            ),
        ),
    ),
    Asked(
        "hold fulfillment of high risk orders",
        (under(_RISK, 'order_risk_level == "HIGH"', "hold_fulfillment(order_id=order.id)"),),
    ),
    Asked(
        "every day at 9 send an email with yesterday's orders",
        (
            '@scheduled(every="day", at="09:00", timezone="UTC", starting="2026-11-30")\n'
            "def f(scheduled_at):\n"
            "    orders = get_orders(max_root_records=100, query=\"created_at:>='{{ scheduledAt }}'\")\n"
            f"    {mailed('a@example.com')}\n",
        ),
        names_address=False,
    ),
    Asked("what is Flow?"),
    Asked("can flow send SMS?"),
    Asked(
        'Tag customers who have spent more than $1,000 as "big spender"',
        tuple(
            under(
                trigger, "order.customer.amount_spent.amount > 1000", tagged("customer", "big spender", owner)
            )
            for trigger in (_CREATED, _PAID)
            for owner in ("order.customer",)
        ),
    ),
    Asked(
        "when an order is cancelled, email support@shop.com",
        (under("order_cancelled(order)", "", mailed("support@shop.com")),),
    ),
    Asked(
        "add the tag international to orders shipped outside the US",
        (
            under(
                _CREATED,
                'order.shipping_address.country_code_v2 != "US"',
                tagged("order", "international"),
            ),
        ),
    ),
    Asked(
        'tag products from vendor Nike with "sportswear"',
        (under("product_added(product)", 'product.vendor == "Nike"', tagged("product", "sportswear")),),
    ),
    Asked(
        "if a customer places their 5th order tag them loyal",
        (
            under(
                _CREATED,
                "order.customer.number_of_orders == 5",
                tagged("customer", "loyal", "order.customer"),
            ),
        ),
    ),
    Asked(
        'remove the tag "new" from products after 30 days',
        (
            under(
                "product_added(product)",
                "",
                'wait(duration="P30D")',
                tagged("product", "new", verb="remove"),
            ),
        ),
    ),
    Asked(
        "Notify sales@acme.io about draft orders over 2,000",
        tuple(
            under("draft_order_created(draft_order)", f"draft_order.{path} > 2000", mailed("sales@acme.io"))
            for path in ("total_price_set.shop_money.amount", "total_price")
        ),
    ),
    Asked(
        "send an http request to https://example.com/hook when an order is paid",
        tuple(
            under(_PAID, "", f'send_http(method="{method}", url="https://example.com/hook")')
            for method in ("POST", "GET")
        ),
    ),
    Asked(
        'when an order is refunded tag the customer "refunded"',
        (under("refund_created(order, refund)", "", tagged("customer", "refunded", "order.customer")),),
    ),
    Asked(
        "tag orders with more than 10 items as bulk",
        tuple(
            under(_CREATED, f"order.{path} > 10", tagged("order", "bulk"))
            for path in ("current_subtotal_line_items_quantity", "subtotal_line_items_quantity")
        ),
    ),
    Asked(
        "tag orders that contain a gift card as gift-card",
        tuple(
            under(
                _CREATED,
                f"any({item}.{path} == True for {item} in order.line_items)",
                tagged("order", "gift-card"),
            )
            for item in ("line_item",)
            for path in ("is_gift_card", "product.is_gift_card")
        ),
    ),
    Asked(
        "cancel orders with high risk",
        (under(_RISK, 'order_risk_level == "HIGH"', "cancel_order(order_id=order.id)"),),
    ),
    Asked(
        "archive orders when they are fulfilled",
        (under("order_fulfilled(order)", "", "archive_order(order_id=order.id)"),),
    ),
    Asked(
        "hide products when they are out of stock",
        (under(_OUT, "", "hide_product(product_id=product.id)"),),
    ),
    Asked(
        "publish products when they come back in stock",
        (
            under(
                "product_variant_back_in_stock(product, product_variant)",
                "",
                "publish_product(product_id=product.id)",
            ),
        ),
    ),
    Asked(
        "email me@example.com if inventory drops below 5",
        (
            under(_CHANGED, "product_variant.inventory_quantity < 5", mailed("me@example.com")),
            under(
                _CHANGED,
                "product_variant.inventory_quantity < 5 and inventory_quantity_prior >= 5",
                mailed("me@example.com"),
            ),
        ),
    ),
    Asked(
        "capture payment when an order is fulfilled",
        (under("order_fulfilled(order)", "", "capture_payment(order_id=order.id)"),),
    ),
)

UNSEEN: Final = (
    Asked(
        "if an order has a note, email team@example.com",
        (under(_CREATED, "order.note", mailed("team@example.com")),),
    ),
    Asked(
        'tag customers with "newsletter" when they subscribe to email marketing',
        (under("customer_subscribed_to_email_marketing(customer)", "", tagged("customer", "newsletter")),),
    ),
    Asked(
        'tag orders from France or Germany with "EU"',
        tuple(
            under(_CREATED, f'order.{address}.country_code_v2 in ["FR", "DE"]', tagged("order", "EU"))
            for address in ("shipping_address", "billing_address")
        ),
    ),
    Asked(
        'when an order is over $200 and ships to the United States, add the tag "free gift"',
        (
            under(
                _CREATED,
                f'{_TOTAL} > 200 and order.shipping_address.country_code_v2 == "US"',
                tagged("order", "free gift"),
            ),
        ),
    ),
    Asked(
        "tag orders over 100 as medium and orders over 500 as large",
        (
            f"@order_created\ndef f(order):\n    if {_TOTAL} > 500:\n        {tagged('order', 'large')}\n"
            f"    elif {_TOTAL} > 100:\n        {tagged('order', 'medium')}\n",
            "@order_created\ndef f(order):\n"
            f"    with branch():\n        if {_TOTAL} > 100:\n            {tagged('order', 'medium')}\n"
            f"    with branch():\n        if {_TOTAL} > 500:\n            {tagged('order', 'large')}\n",
        ),
    ),
    Asked(
        "wait 2 hours after an order is created, then email hello@example.com",
        (under(_CREATED, "", 'wait(duration="PT2H")', mailed("hello@example.com")),),
    ),
    Asked(
        'set the order note to "check the address" when the order ships to Brazil',
        (
            under(
                _CREATED,
                'order.shipping_address.country_code_v2 == "BR"',
                'update_order_note(order_id=order.id, note="check the address")',
            ),
        ),
    ),
    Asked(
        "please remove the VIP tag from a customer when one of their orders is cancelled",
        (under("order_cancelled(order)", "", tagged("customer", "VIP", "order.customer", "remove")),),
    ),
    Asked(
        "every Monday at 8am email ops@example.com",
        (
            '@scheduled(every="week", on=["MO"], at="08:00", timezone="UTC", starting="2026-11-30")\n'
            f"def f(scheduled_at):\n    {mailed('ops@example.com')}\n",
        ),
    ),
    Asked(
        "archive cancelled orders",
        (under("order_cancelled(order)", "", "archive_order(order_id=order.id)"),),
    ),
    Asked("send me a text message when an order comes in"),
    Asked("how much does flow cost?"),
    Asked("asdf qwerty"),
    Asked(
        "notify warehouse@example.com when an order contains a product tagged fragile",
        (
            under(
                _CREATED,
                'any(any(tag == "fragile" for tag in line_item.product.tags) '
                "for line_item in order.line_items)",
                mailed("warehouse@example.com"),
            ),
        ),
    ),
    Asked(
        'tag orders paid with discount code SUMMER10 as "summer"',
        tuple(
            under(trigger, condition, tagged("order", "summer"))
            for trigger in (_CREATED, _PAID)
            for condition in (
                'any(code == "SUMMER10" for code in order.discount_codes)',
                'order.discount_code == "SUMMER10"',
            )
        ),
    ),
    Asked(
        "when a return is requested, email returns@example.com and tag the order return",
        (
            # Two actions of one request have no order that it names.
            "@return_requested\ndef f(order, return_):\n    with branch():\n"
            f"        {mailed('returns@example.com')}\n"
            f"    with branch():\n        {tagged('order', 'return')}\n",
            "@return_requested\ndef f(order, return_):\n"
            f"    {mailed('returns@example.com')}\n    {tagged('order', 'return')}\n",
            "@return_requested\ndef f(order, return_):\n"
            f"    {tagged('order', 'return')}\n    {mailed('returns@example.com')}\n",
        ),
    ),
)
