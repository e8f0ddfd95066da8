"""Twenty more requests, written when the rules were done, as merchants write.

The rules as they were did 7 of them, said of 12 that they had not understood them, and built a wrong workflow
for one. They were widened with what that showed, so the set is no longer fresh.
"""

from __future__ import annotations

from typing import Final

from tests.serving.free_requests import Asked, mailed, tagged, under

__all__ = ["LATER"]

_TOTAL: Final = "order.current_total_price_set.shop_money.amount"
_CREATED: Final = "order_created(order)"
_RISK: Final = "order_risk_analyzed(order, order_risk_level)"

LATER: Final = (
    Asked(
        "I want to get an email at owner@shop.co whenever someone buys more than 20 units",
        tuple(
            under(_CREATED, f"order.{path} > 20", mailed("owner@shop.co"))
            for path in ("current_subtotal_line_items_quantity", "subtotal_line_items_quantity")
        ),
    ),
    Asked(
        "High-risk orders should be cancelled automatically and the fraud team (fraud@shop.co) notified",
        (
            under(
                _RISK,
                'order_risk_level == "HIGH"',
                "cancel_order(order_id=order.id)",
                mailed("fraud@shop.co"),
            ),
            under(
                _RISK,
                'order_risk_level == "HIGH"',
                mailed("fraud@shop.co"),
                "cancel_order(order_id=order.id)",
            ),
        ),
    ),
    Asked(
        "label wholesale customers' orders with b2b (they have the tag wholesale)",
        (
            under(
                _CREATED,
                'any(tag == "wholesale" for tag in order.customer.tags)',
                tagged("order", "b2b"),
            ),
        ),
    ),
    Asked(
        "Once an order is shipped to Australia tag it AU",
        (
            under(_CREATED, 'order.shipping_address.country_code_v2 == "AU"', tagged("order", "AU")),
            under(
                "order_fulfilled(order)",
                'order.shipping_address.country_code_v2 == "AU"',
                tagged("order", "AU"),
            ),
        ),
    ),
    Asked(
        "first-time buyers should get the tag first-order",
        (
            under(
                _CREATED,
                "order.customer.number_of_orders == 1",
                tagged("customer", "first-order", "order.customer"),
            ),
        ),
    ),
    Asked(
        "Put orders above €1,500 on hold",
        (under(_CREATED, f"{_TOTAL} > 1500", "hold_fulfillment(order_id=order.id)"),),
    ),
    Asked(
        "When stock of a variant reaches zero, unpublish the product",
        (
            under(
                "product_variant_out_of_stock(product, product_variant)",
                "",
                "hide_product(product_id=product.id)",
            ),
        ),
    ),
    Asked(
        "tell me at me@x.io about every refund over 100 dollars",
        (
            under(
                "refund_created(order, refund)",
                "refund.total_refunded_set.shop_money.amount > 100",
                mailed("me@x.io"),
            ),
        ),
    ),
    Asked(
        "orders with no shipping address must be tagged digital",
        (under(_CREATED, "order.shipping_address is None", tagged("order", "digital")),),
    ),
    Asked(
        'Add "repeat" to customers with at least 3 orders',
        tuple(
            under(
                trigger,
                "order.customer.number_of_orders >= 3",
                tagged("customer", "repeat", "order.customer"),
            )
            for trigger in (_CREATED, "order_paid(order)")
        ),
    ),
    Asked(
        "ping https://hooks.example.com/new when a draft order gets created",
        tuple(
            under(
                "draft_order_created(draft_order)",
                "",
                f'send_http(method="{method}", url="https://hooks.example.com/new")',
            )
            for method in ("POST", "GET")
        ),
    ),
    Asked(
        "email accounting@shop.co each time we get a chargeback",
        (under("dispute_created(order, dispute)", "", mailed("accounting@shop.co")),),
    ),
    Asked(
        "3 days after fulfillment, email reviews@shop.co",
        (
            under(
                "order_fulfilled(order)",
                "",
                'wait(duration="P3D")',
                mailed("reviews@shop.co"),
            ),
        ),
    ),
    Asked(
        "If the order has the tag rush, tag the customer priority",
        (
            under(
                _CREATED,
                'any(tag == "rush" for tag in order.tags)',
                tagged("customer", "priority", "order.customer"),
            ),
        ),
    ),
    Asked(
        "notify me@x.io when a customer from Japan spends over 300 in one order",
        (
            under(
                _CREATED,
                f'{_TOTAL} > 300 and order.shipping_address.country_code_v2 == "JP"',
                mailed("me@x.io"),
            ),
        ),
    ),
    Asked("why is my workflow not running?"),
    Asked("delete all my orders from last year"),
    Asked(
        "tag new products of type Shoes with footwear",
        (under("product_added(product)", 'product.product_type == "Shoes"', tagged("product", "footwear")),),
    ),
    Asked(
        "archive paid and fulfilled orders",
        (
            under(
                "order_fulfilled(order)",
                'order.display_financial_status == "PAID"',
                "archive_order(order_id=order.id)",
            ),
            under(
                "order_paid(order)",
                'order.display_fulfillment_status == "FULFILLED"',
                "archive_order(order_id=order.id)",
            ),
        ),
    ),
    Asked(
        'send an email to ops@shop.co with the subject "Big one" when an order exceeds 10k',
        (under(_CREATED, f"{_TOTAL} > 10000", mailed("ops@shop.co")),),
    ),
)
