"""What merchants want done on a timetable: fetch, count, loop, report."""

from __future__ import annotations

import orjson

from pipelines.generator.build import ADMIN, CONNECTED, FLOW, Build, Intent
from pipelines.generator.code import REORDER_LIST
from pipelines.generator.draw import Draw
from pipelines.generator.intents.notices import call_service, tell_someone
from pipelines.generator.pieces import Compare, Port, Quantified, Reference
from pipelines.generator.vocabulary import CUSTOMER_TAGS, EMAILS, PRODUCT_TAGS, ZONES

ON_SCHEDULE = (f"{FLOW}scheduled_time",)
RULES = (
    "FREQ=DAILY;INTERVAL=1;WKST=MO;BYHOUR={hour};BYMINUTE=0;BYSECOND=0",
    "FREQ=HOURLY;INTERVAL=1;WKST=MO",
    "FREQ=WEEKLY;INTERVAL=1;WKST=MO;BYDAY=MO;BYHOUR={hour};BYMINUTE=0;BYSECOND=0",
    "FREQ=MINUTELY;INTERVAL=10;WKST=MO",
    "FREQ=WEEKLY;INTERVAL=1;WKST=MO;BYDAY=MO,TU,WE,TH,FR;BYHOUR={hour};BYMINUTE=30;BYSECOND=0",
    "FREQ=MONTHLY;INTERVAL=1;WKST=SU",
    "FREQ=DAILY;INTERVAL=3;WKST=MO",
    "FREQ=YEARLY;INTERVAL=1;WKST=MO",
    "FREQ=HOURLY;INTERVAL=6;WKST=SU;BYMINUTE=15",
)


def recurrence(draw: Draw) -> str:
    """The timetable as a JSON array of one iCalendar text."""
    hour = draw.popular((9, 17, 6, 0, 23))
    rule = draw.popular(RULES).format(hour=hour)
    start = f"{draw.between(2022, 2026)}{draw.between(1, 12):02}{draw.between(1, 28):02}T{hour:02}0000"
    return orjson.dumps([f"DTSTART;TZID={draw.popular(ZONES)}:{start}\nRRULE:{rule}"]).decode()


def sum_up_unfulfilled(b: Build, at: Port) -> None:
    days = b.draw.popular(("2 days", "1 week", "5 days"))
    query = (
        f"created_at:<='{{{{ scheduledAt | date_minus: \"{days}\" }}}}' "
        "AND fulfillment_status:unfulfilled AND NOT status:cancelled"
    )
    after, orders = b.fetch(at, "orders", query)
    after, number = b.output(after, f"{FLOW}count", listpath=orders)
    total = ""
    if b.draw.chance(0.6):
        after, total = b.output(
            after, f"{FLOW}sum", numberpath=f"{orders}.currentTotalPriceSet.shopMoney.amount"
        )
    yes, _ = b.ask(after, Compare(number, ">", b.draw.popular(("0", "10"))))
    worth = f", totaling ${{{{{total}}}}} in value" if total else ""
    b.act(
        yes,
        f"{FLOW}send_email",
        address=b.draw.popular(EMAILS),
        subject=f"You have {{{{{number}}}}} unfulfilled orders older than {days}{worth}.",
        message=(
            f"The unfulfilled orders:\n{{% for order_item in {orders} %}}\n"
            " - {{order_item.name}}\n{% endfor %}"
        ),
    )


def remind_each(b: Build, at: Port) -> None:
    query = b.draw.popular((
        "financial_status:pending AND NOT status:cancelled",
        "(status:open OR status:closed) AND financial_status:authorized",
        "tag:hold AND created_at:<'{{ \"now\" | date_minus: \"3 days\" }}'",
    ))  # fmt: skip
    after, orders = b.fetch(at, "orders", query)
    body, after, item = b.each(after, orders)
    yes, _ = b.ask_more(
        body, Compare(f"{item}.displayFinancialStatus", "in?", "PENDING,AUTHORIZED"), "order", item
    )
    b.act(
        yes,
        b.draw.popular((f"{ADMIN}send_payment_reminder", f"{ADMIN}capture_payment")),
        order_id=Reference(f"{item}.id"),
    )
    if b.draw.chance(0.4):
        tell_someone(b, after, "Payment reminders are out", "shop")


def tag_customers(b: Build, at: Port) -> None:
    query = b.draw.popular(
        (
            "orders_count:>=10 AND total_spent:>=1000",
            "-tag:wholesale",
            'NOT order_date:>=\'{{ "now" | date_minus: "6 months" }}\'',
        )
    )
    after, customers = b.fetch(at, "customers", query)
    body, _, item = b.each(after, customers)
    old = Compare(
        f"{item}.lastOrder.createdAt", "<", b.draw.popular(("2024-06-05T04:00:00.000Z", "2026-01-01"))
    )
    rich = Compare(f"{item}.amountSpent.amount", ">=", b.draw.popular(("1000", "500")))
    yes, no = b.ask_more(body, old if "order_date" in query else rich, "customer", item)
    b.act(
        yes,
        f"{ADMIN}add_customer_tags",
        customer_id=Reference(f"{item}.id"),
        tags=[b.draw.popular(CUSTOMER_TAGS)],
    )
    if b.draw.chance(0.4):
        b.act(no, f"{ADMIN}remove_customer_tags", customer_id=Reference(f"{item}.id"), tags=["VIP"])


def backfill_prices(b: Build, at: Port) -> None:
    b.patch("anchorPrice", "ProductVariant", "pricing")
    after, products = b.fetch(at, "products", "status:active AND -tag:anchor-price-set")
    outer, _, product = b.each(after, products)
    inner, after, variant = b.each(outer, f"{product}.variants")
    unset = Compare(
        f"{variant}.anchorPrice.value.amount", "nil?", value_type="EnvironmentScalarDefinition:Float"
    )
    yes, _ = b.ask(inner, unset)
    price = (
        f'{{%- assign p = {variant}.price | plus: 0 -%}}{{"amount": "{{{{ p }}}}", "currency_code": "EUR"}}'
    )
    b.metafield(
        yes, "product_variant", "variant_id", f"{variant}.id", ("pricing", "anchor_price", "money"), price
    )
    b.act(after, f"{ADMIN}add_product_tags", product_id=Reference(f"{product}.id"), tags=["anchor-price-set"])


def list_reorders(b: Build, at: Port) -> None:
    after, _ = b.fetch(at, "products", "status:active inventory_total:<" + b.draw.popular(("10", "5")))
    after, code = b.run(after, REORDER_LIST, b.draw.popular(("5", "3", "10")), "")
    yes, _ = b.ask_result(after, code, REORDER_LIST)
    if b.draw.chance(0.6):
        b.act(
            yes,
            f"{FLOW}send_email",
            address=b.draw.popular(EMAILS),
            subject=f"{{{{{code}.numRows}}}} to reorder",
            message=f"{{{{ {code}.table }}}}",
        )
    else:
        b.act(
            yes,
            CONNECTED["sheets"],
            spreadsheet="https://docs.google.com/spreadsheets/d/1Zk_9",
            worksheet="Reorder",
            row=f"{{{{{code}.table}}}}",
        )


def clean_tags(b: Build, at: Port) -> None:
    tag = b.draw.popular(PRODUCT_TAGS)
    after, products = b.fetch(
        at, "products", f"tag:'{tag}' AND created_at:<'{{{{ \"now\" | date_minus: \"30 days\" }}}}'"
    )
    body, after, item = b.each(after, products)
    b.act(body, f"{ADMIN}remove_product_tags", product_id=Reference(f"{item}.id"), tags=[tag])
    if b.draw.chance(0.2):
        # A second look at the same list: a loop that stands behind a loop.
        body, _, item = b.each(after, f"{products}.variants")
        yes, _ = b.ask(body, Compare(f"{item}.price", ">", other=f"{item}.compareAtPrice"))
        tell_someone(b, yes, "{{ " + item + ".sku }} has an odd price", "shop")


def report_to_service(b: Build, at: Port) -> None:
    after, orders = b.fetch(at, "orders", "updated_at:>'{{ scheduledAt | date_minus: \"1 day\" }}'")
    after, number = b.output(
        after, f"{FLOW}count", listpath=f"{orders}.lineItems" if b.draw.chance(0.3) else orders
    )
    call_service(b, after, f'{{"day":"{{{{ scheduledAt }}}}","orders":{{{{ {number} }}}}}}')


def chase_companies(b: Build, at: Port) -> None:
    after, companies = b.fetch(
        at,
        b.draw.popular(("companies", "draft_orders", "subscription_contracts")),
        'updated_at:<\'{{ "now" | date_minus: "6 months" }}\'',
    )
    yes, no = b.ask(after, Quantified("ANY", companies, Compare(f"{companies}_item.id", "not_nil?")))
    tell_someone(b, yes, "Some need a call", "shop")
    if b.draw.chance(0.3):
        b.act(no, f"{FLOW}log_output", output="nothing to do")


SCHEDULES = (
    Intent("Send email summary of unfulfilled orders", "shop", ON_SCHEDULE, sum_up_unfulfilled),
    Intent("Tag customers by what they spent", "shop", ON_SCHEDULE, tag_customers),
    Intent("Remind about unpaid orders", "shop", ON_SCHEDULE, remind_each),
    Intent("Reorder list", "shop", ON_SCHEDULE, list_reorders),
    Intent("Anchor price – backfill", "shop", ON_SCHEDULE, backfill_prices),
    Intent("Clean up old tags", "shop", ON_SCHEDULE, clean_tags),
    Intent("Report orders to our data service", "shop", ON_SCHEDULE, report_to_service),
    Intent("Chase silent companies", "shop", ON_SCHEDULE, chase_companies),
)
