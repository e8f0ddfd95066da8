"""One workflow with a step of every kind of effect."""

from __future__ import annotations

from typing import Any

EVERYTHING = """\
@order_created
def everything(order):
    orders = get_orders(query="status:open", max_root_records=5)
    num_orders = count(orders)
    total = sum_of(line_item.quantity for line_item in order.line_items)
    if any(line_item.sku == "a" for line_item in order.line_items) or order.total_price > 500:
        add_order_tags(order_id=order.id, tags=["{{ order.name }}"])
    else:
        log_output(output="small")
    for line_item in order.line_items:
        send_email(address="a@example.com", subject="{{ lineItemsForeachitem.sku }}", message="{{ sum }}")
    wait(duration="P3D")
    result = run_code(
        input="{ order { name } }",
        script="export default function main(input) { return {x: input.order.name} }",
        output_schema="type Output { x: String }",
    )
    response = send_http(method="POST", url="https://example.com/{{ runCode.x }}", body="{{ order.name }}")
    admin_api_operation(api_call=orderUpdate(input={"id": "{{ order.id }}", "note": "{{ count }}"}))
    log_output(output="{{ sendHttpRequest.statusCode }}")
"""
ORDER: Any = {
    "id": "gid://shopify/Order/1",
    "name": "#1",
    "totalPrice": "20.00",
    "lineItems": [{"sku": "A", "quantity": 2}, {"sku": "b", "quantity": 1}],
}
