"""What merchants want done about customers, companies, draft orders, returns and subscriptions."""

from __future__ import annotations

from pipelines.generator.build import ADMIN, CONNECTED, Build, Intent
from pipelines.generator.intents.notices import tell_someone, wait
from pipelines.generator.pieces import ApiCall, Compare, Patched, Port, Quantified, Reference, both
from pipelines.generator.questions import ask_about
from pipelines.generator.vocabulary import COUNTRIES, CUSTOMER_TAGS, HOSTILE_HANDLES

CUSTOMER = Reference("customer.id")
DRAFT = Reference("draftOrder.id")


def welcome_customer(b: Build, at: Port) -> None:
    after = b.act(at, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=b.draw.few(CUSTOMER_TAGS, 2))
    if b.draw.chance(0.3):
        yes, _ = b.ask_more(
            after,
            Compare("customer.defaultAddress.countryCodeV2", "in?", b.draw.popular(COUNTRIES)),
            "customer",
        )
        b.act(
            yes,
            CONNECTED["klaviyo"],
            event="New customer",
            email="{{ customer.email }}",
            properties=[["locale", "{{ customer.locale }}"]],
        )


def tag_students(b: Build, at: Port) -> None:
    domain = b.draw.popular((".edu", "@uni-example.de", ".ac.uk", "@example.com"))
    yes, _ = b.ask_more(
        at, Compare("customer.email", b.draw.popular(("end_with?", "include?")), domain), "customer"
    )
    b.act(yes, f"{ADMIN}add_customer_tags", customer_id=CUSTOMER, tags=["student"])


def reward_by_metafield(b: Build, at: Port) -> None:
    handle = b.draw.pick(HOSTILE_HANDLES) if b.draw.chance(0.3) else "loyaltyTier"
    b.patch(handle, "Customer", b.draw.popular(("custom", "loyalty")))
    gold = Compare(
        f"customer.{handle}.value",
        b.draw.popular(("==", "!=", "empty_or_nil?")),
        "gold",
        value_type="EnvironmentScalarDefinition:String",
    )
    if gold.operator == "empty_or_nil?":
        gold.literal = ""
    yes, no = b.ask_more(at, gold, "customer")
    b.act(
        yes,
        CONNECTED["loyalty"],
        customer="{{ customer.email }}",
        points=b.draw.popular(("100", "50")),
        reason="Flow",
    )
    if b.draw.chance(0.3):
        b.act(no, f"{ADMIN}remove_customer_tags", customer_id=CUSTOMER, tags=["loyalty-gold"])


def answer_form(b: Build, at: Port) -> None:
    number = b.draw.pick((6795854102, 1063387, 8812340098))
    for handle in ("email", "firstName", "formSubmittedAt", "formSubmittedBy"):
        key = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in handle)
        b.sketch.patched.append(Patched(handle, handle, f"metaobject_{number}", {"key": key}, False))
    known = Compare(
        "metaobject.formSubmittedBy.id", "not_empty_and_not_nil?", value_type="EnvironmentScalarDefinition:ID"
    )
    yes, no = b.ask(at, known)
    b.act(
        yes,
        f"{ADMIN}add_customer_tags",
        customer_id=Reference("metaobject.formSubmittedBy.id"),
        tags=["form"],
    )
    tell_someone(b, no, "Form by {{ metaobject.email }}", "metaobject")


def announce_draft(b: Build, at: Port) -> None:
    after = b.act(
        at,
        f"{ADMIN}add_draft_order_tags",
        draft_order_id=DRAFT,
        tags=[b.draw.popular(("Customer service notified", "NEW"))],
    )
    note = "Shipping fees to be calculated for {{draftOrder.billingAddress.company}}."
    after = b.act(after, f"{ADMIN}update_draft_order_note", draft_order_id=DRAFT, note=note)
    tell_someone(b, after, "New draft order from {{draftOrder.billingAddress.company}}", "draftOrder")


def chase_draft(b: Build, at: Port) -> None:
    yes, no = b.ask_more(
        at,
        Compare("draftOrder.totalPriceSet.shopMoney.amount", ">", b.draw.popular(("1000", "5000"))),
        "draftOrder",
    )
    later = wait(b, yes, b.draw.popular(("P2D", "P1D", "PT12H")))
    still_open, _ = b.ask(later, Compare("draftOrder.status", "==", "OPEN"))
    b.act(still_open, f"{ADMIN}send_draft_order_invoice", draft_order_id=DRAFT)
    if b.draw.chance(0.3):
        b.act(no, f"{ADMIN}add_draft_order_tags", draft_order_id=DRAFT, tags=["small"])


def greet_company(b: Build, at: Port) -> None:
    yes, _ = b.ask(at, ask_about("company", "company", b.draw))
    after = b.act(
        yes,
        f"{ADMIN}update_company_note",
        company_id=Reference("company.id"),
        note="Onboarding {{ company.name }}",
    )
    tell_someone(b, after, "New company {{company.name}}", "company")


def sort_returns(b: Build, at: Port) -> None:
    yes, no = b.ask_more(
        at,
        Compare("return.totalQuantity", b.draw.popular((">=", ">", "==")), b.draw.popular(("3", "1", "10"))),
        "return",
    )
    after = tell_someone(b, yes, "Large return {{return.name}} for {{order.name}}", "return")
    b.act(after, f"{ADMIN}add_order_tags", order_id=Reference("order.id"), tags=["large-return"])
    if b.draw.chance(0.3):
        b.act(no, f"{ADMIN}close_return", return_id=Reference("return.id"))


def watch_refunds(b: Build, at: Port) -> None:
    yes, _ = b.ask_more(
        at, Compare("refund.totalRefundedSet.shopMoney.amount", ">", b.draw.popular(("100", "250"))), "order"
    )
    after = tell_someone(b, yes, "Refund on {{order.name}}", "refund")
    if b.draw.chance(0.3):
        b.act(after, "shopify::iris::send_shopify_alert_for_errors")


def save_subscription(b: Build, at: Port) -> None:
    failed, _ = b.ask_more(
        at, Compare("subscriptionContract.status", "!=", "CANCELLED"), "subscriptionContract"
    )
    after = b.act(failed, CONNECTED["recharge"], contract="{{ subscriptionContract.id }}", action="dunning")
    after = wait(b, after, b.draw.popular(("P3D", "P1D")))
    blob = '{ "subscriptionContractId": "{{ subscriptionContract.id }}" }'
    b.output(after, f"{ADMIN}admin_api_operation", api_call=ApiCall("subscriptionContractPause", blob))


def tag_subscribers(b: Build, at: Port) -> None:
    b.act(
        at,
        f"{ADMIN}add_customer_tags",
        customer_id=Reference("subscriptionContract.customer.id"),
        tags=["subscriber"],
    )


def route_fulfillment(b: Build, at: Port) -> None:
    local = Compare("fulfillmentOrder.deliveryMethod.methodType", "==", b.draw.popular(("LOCAL", "PICK_UP")))
    yes, no = b.ask_more(at, local, "fulfillmentOrder")
    b.act(
        yes,
        f"{ADMIN}hold_fulfillment",
        order_id=Reference("fulfillmentOrder.order.id"),
        fulfillment_id=Reference("fulfillmentOrder.id"),
        reason=b.draw.popular(("OTHER", "AWAITING_PAYMENT")),
        reasonNotes="This fulfillment was held by Shopify Flow.",
        notifyMerchant="false",
    )
    after = b.act(
        no,
        f"{ADMIN}request_fulfillment",
        order_id=Reference("fulfillmentOrder.order.id"),
        message="",
        non_third_party_errors="true",
    )
    if b.draw.chance(0.3):
        b.act(
            after,
            f"{ADMIN}add_order_tags",
            order_id=Reference("fulfillmentOrder.order.id"),
            tags=["sent-to-3pl"],
        )


def fight_dispute(b: Build, at: Port) -> None:
    yes, _ = b.ask_more(at, Compare("dispute.status", "==", "NEEDS_RESPONSE"), "order")
    after = b.act(yes, f"{ADMIN}add_order_tags", order_id=Reference("order.id"), tags=["dispute"])
    tell_someone(b, after, "Dispute on {{order.name}}", "dispute")


def report_errors(b: Build, at: Port) -> None:
    if b.draw.chance(0.5):
        b.act(at, "shopify::iris::send_shopify_alert_for_errors")
    else:
        tell_someone(b, at, "Workflow {{workflow.name}} failed", "workflowRun")


def welcome_subscriber(b: Build, at: Port) -> None:
    later = wait(b, at, "PT1H") if b.draw.chance(0.3) else at
    bought = both(
        Compare("customer.numberOfOrders", "==", "0"),
        Quantified("NONE", "customer.tags", Compare("tags_item", "==", "no-discount")),
    )
    yes, _ = b.ask_more(later, bought, "customer")
    b.act(yes, "shopify::email::execute_marketing_activity", marketing_activity_id="", customer_id=CUSTOMER)


PEOPLE = (
    Intent(
        "Welcome new customers",
        "customer",
        (f"{ADMIN}customer_created", f"{ADMIN}customer_account_enabled"),
        welcome_customer,
    ),
    Intent(
        "Get notified when new draft order created",
        "draftOrder",
        (f"{ADMIN}draft_order_created",),
        announce_draft,
    ),
    Intent(
        "Route fulfillment orders",
        "fulfillmentOrder",
        (f"{ADMIN}fulfillment_order_ready_to_fulfill",),
        route_fulfillment,
    ),
    Intent("Sort returns", "return", (f"{ADMIN}return_requested", f"{ADMIN}return_approved"), sort_returns),
    Intent("Tag students", "customer", (f"{ADMIN}customer_created",), tag_students),
    Intent("Answer form submissions", "metaobject", (f"{ADMIN}metaobject_created",), answer_form),
    Intent(
        "Discount for subscribers to the newsletter",
        "customer",
        (f"{ADMIN}customer_subscribed_to_email_marketing",),
        welcome_subscriber,
    ),
    Intent(
        "Save failing subscriptions",
        "subscriptionContract",
        (f"{ADMIN}subscription_billing_attempt_failure",),
        save_subscription,
    ),
    Intent(
        "Reward loyalty tiers",
        "customer",
        (f"{ADMIN}customer_tags_added", f"{ADMIN}customer_joined_segment"),
        reward_by_metafield,
    ),
    Intent("Watch refunds", "order", (f"{ADMIN}refund_created",), watch_refunds),
    Intent("Chase large drafts", "draftOrder", (f"{ADMIN}draft_order_created",), chase_draft),
    Intent(
        "Tag subscribers", "subscriptionContract", (f"{ADMIN}subscription_contract_created",), tag_subscribers
    ),
    Intent("Greet new companies", "company", (f"{ADMIN}company_created",), greet_company),
    Intent("Fight disputes", "order", (f"{ADMIN}dispute_created",), fight_dispute),
    Intent("Report workflow errors", "workflow", (f"{ADMIN}workflow_error_occurred",), report_errors),
)
