"""What merchants say for what Flow's catalogue says: phrases and words of our own, small and in English.

    terms("When it sells out, tell me")    # [{"out": 1.0}, {"of": 1.0}, {"stock": 1.0}, {"send": 1.0}, ...]

Phrases stand for other words as a whole, the longest first. Synonyms may stand for others, and keep their
own meaning where the catalogue uses it. All are compared without endings (`serving.words`). Not here yet:
other languages, and words of several meanings told apart by their neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from serving.word_index import Term
from serving.words import split, stem, words

__all__ = ["telling", "terms"]

_SYNONYM: Final = 0.9
"""The strength of a word that may be meant, beside 1 for the one that was said."""

_EMPTY_WORDS: Final = (
    "a all an and any are as at be been but by can completely could did do does dont each every for from "
    "get gets got had has have her his how i if in is it its just look me my myself need new no not now "
    "of on one only or our please shop should so some someone something store than that the their them "
    "then there they thing this to us want was we were what when whenever which who will with would yet "
    "you your "
)
"""Words that say nothing about a task: they count where a query has no others."""

_PHRASES: Final[Mapping[str, str]] = {
    # orders and payments
    "buys something": "order created",
    "place an order": "order created",
    "order comes in": "order created",
    "order is placed": "order created",
    "new order": "order created",
    "new sale": "order created",
    "new purchase": "order created",
    "checkout completed": "order created",
    "completes checkout": "order created",
    "money back": "refund created",
    "take the payment": "capture payment",
    "collect the payment": "capture payment",
    "charge the card": "capture payment",
    "capture": "capture payment",
    "payment received": "order paid",
    "payment comes in": "order paid",
    "paid in full": "order paid",
    "customer pays": "order paid",
    "customer paid": "order paid",
    "payment failed": "order transaction created",
    "card declined": "order transaction created",
    "remind to pay": "send payment reminder",
    "remind the customer": "send payment reminder",
    "chargeback": "dispute created",
    "quote": "draft order",
    "overdue": "payment schedule due",
    "free gift": "order line item",
    "comment": "note",
    # shipping
    "on hold": "fulfillment order hold",
    "back in stock": "back in stock",
    "available again": "back in stock",
    "restocked": "back in stock",
    "stop shipping": "hold fulfillment order",
    "order from shipping": "hold fulfillment order",
    "do not ship": "hold fulfillment order",
    "dont ship": "hold fulfillment order",
    "hold the order": "hold fulfillment order",
    "ship again": "release fulfillment order holds",
    "release the hold": "release fulfillment order holds",
    "dispatched": "fulfillment created",
    "shipped": "fulfilled",
    "completely shipped": "order fulfilled",
    "items are shipped": "order fulfilled",
    "items of the order are shipped": "order fulfilled",
    "sent out": "fulfillment created",
    "on its way": "fulfillment created",
    "delivered": "fulfillment event carrier",
    "tracking": "fulfillment event carrier",
    "ready for shipping": "fulfillment order ready to fulfill",
    "ready to ship": "ready to ship fulfill",
    "another warehouse": "move fulfillment order",
    "another location": "move fulfillment order",
    "3pl": "submit fulfillment request",
    "supplier": "submit fulfillment request",
    # products
    "sold out": "out of stock",
    "sells out": "out of stock",
    "run out": "out of stock",
    "runs out": "out of stock",
    "reaches zero": "out of stock",
    "low stock": "inventory quantity changed",
    "low inventory": "inventory quantity changed",
    "stock level": "inventory quantity changed",
    "stock drops": "inventory quantity changed",
    "quantity on hand": "inventory quantity",
    "new product": "product created",
    "added to the catalog": "created",
    "new arrival": "product",
    "unpublish": "hide product",
    "take off the online store": "hide product",
    "off the online store": "hide product",
    "make visible": "publish product",
    "visible": "publish product",
    "set to draft": "update product status",
    "archive a product": "update product status",
    "archive the product": "update product status",
    "deactivate": "update product status",
    "from draft to active": "status updated",
    "goes live": "product status updated",
    "out of the collection": "remove collection",
    # people
    "signs up": "created",
    "sign up": "created",
    "registers": "customer created",
    "registered": "customer created",
    "creates an account": "customer created",
    "new customer": "customer created",
    "newsletter": "subscribed email marketing",
    "opts in": "subscribed",
    "subscribes to a product": "subscription contract created",
    "email campaign": "send marketing email",
    "cart": "abandons checkout",
    "basket": "abandons checkout",
    "did not buy": "without making a purchase",
    "bought nothing": "without making a purchase",
    "untag": "remove tags",
    "label off": "remove tags",
    "team know": "send internal email",
    "notify": "send email",
    "inform": "send email",
    "tell": "send email",
    # time and control
    "daily": "scheduled time",
    "weekly": "scheduled time",
    "monthly": "scheduled time",
    "every day": "scheduled time",
    "every week": "scheduled time",
    "every month": "scheduled time",
    "every hour": "scheduled time",
    "every morning": "scheduled time",
    "every night": "scheduled time",
    "every monday": "scheduled time",
    "each day": "scheduled time",
    "each week": "scheduled time",
    "each month": "scheduled time",
    "once a day": "scheduled time",
    "once a week": "scheduled time",
    "once a month": "scheduled time",
    "fixed time": "scheduled time",
    "timetable": "scheduled time",
    "delay": "wait",
    "pause the workflow": "wait",
    "only when": "condition",
    "only if": "condition",
    "check whether": "condition",
    "check if": "condition",
    "if": "condition",
    "for each": "for each loop",
    "for every": "for each loop",
    "repeat": "for each loop",
    "how many": "count",
    "number of": "count",
    "add up": "sum",
    "average": "sum",
    "total": "sum",
    # data and other systems
    "find": "get data",
    "look up": "get data",
    "look up customer in segment": "look up customer in segment",
    "search": "get data",
    "query": "get data",
    "list of": "get data",
    "list customers": "get customer data",
    "list orders": "get order data",
    "list products": "get product data",
    "get all": "get data",
    "fetch": "get data",
    "load": "get data",
    "retrieve": "get data",
    "sales report": "analytics data",
    "report": "analytics data",
    "api": "http request",
    "web service": "http request",
    "webhook": "http request",
    "another system": "http request",
    "graphql": "admin api",
    "mutation": "admin api",
    "custom field": "metafield",
    "first time": "created",
    "form": "metaobject entry",
    "workflow failed": "workflow error occurred",
    "workflow fails": "workflow error occurred",
    "spreadsheet": "google sheets",
}

_SYNONYMS: Final[Mapping[str, str]] = {
    "account": "customer",
    "add": "created",
    "alert": "email",
    "article": "product variant",
    "attach": "add",
    "b2b": "company",
    "billing": "payment",
    "buy": "order",
    "buyer": "customer",
    "calculate": "code",
    "cancelation": "cancel",
    "cancellation": "cancel",
    "change": "update",
    "charge": "payment",
    "client": "customer",
    "contact": "customer",
    "coupon": "discount",
    "create": "add",
    "crew": "internal",
    "custom": "code",
    "debug": "log",
    "delete": "remove",
    "delivery": "fulfillment",
    "discontinue": "delete",
    "draft": "status",
    "email": "mail",
    "enter": "joined",
    "erase": "delete",
    "execute": "run",
    "fail": "failure error",
    "form": "metaobject",
    "fraud": "risk",
    "fraudulent": "risk fraud",
    "fulfil": "fulfillment",
    "fulfillment": "fulfill",
    "funds": "payment",
    "goods": "product variant",
    "insert": "add",
    "inventory": "stock",
    "issue": "created",
    "item": "product variant",
    "iterate": "each",
    "javascript": "code",
    "join": "enter",
    "label": "tag",
    "level": "quantity",
    "location": "warehouse",
    "loop": "each",
    "made": "created",
    "mail": "email",
    "make": "created",
    "mark": "tag",
    "member": "customer",
    "message": "email",
    "modify": "update",
    "money": "payment",
    "move": "location",
    "open": "created",
    "package": "fulfillment",
    "paid": "payment",
    "parcel": "fulfillment",
    "pause": "hold wait",
    "payment": "paid",
    "pickup": "picked",
    "plan": "subscription",
    "post": "send",
    "print": "log",
    "promo": "discount",
    "promotion": "discount",
    "purchase": "order",
    "put": "add",
    "quantity": "inventory",
    "recurring": "subscription",
    "reject": "declined",
    "remark": "note",
    "renewal": "billing attempt",
    "risk": "fraud",
    "row": "sheet",
    "save": "update",
    "schedule": "scheduled",
    "script": "code",
    "set": "update",
    "ship": "fulfillment fulfill",
    "shipment": "fulfillment",
    "shopper": "customer",
    "show": "publish",
    "size": "variant",
    "sku": "variant",
    "staff": "internal",
    "start": "created",
    "stock": "inventory",
    "stop": "hold",
    "submission": "submitted",
    "submit": "created",
    "subscribe": "subscription",
    "suspicious": "risk fraud",
    "tag": "tags",
    "team": "internal",
    "ticket": "task",
    "unfulfilled": "fulfillment",
    "url": "http",
    "user": "customer",
    "vendor": "supplier",
    "visitor": "customer",
    "voucher": "discount",
    "warehouse": "location",
    "wholesale": "company",
    "write": "update",
}


def terms(query: str, *, with_phrases: bool = True) -> list[Term]:
    """What a query asks for, each once: its phrases and words, without those that say nothing.

    `with_phrases` is for texts in the catalogue's own words; others hold what merchants say as it is.
    """
    said = split(query)
    stems = [stem(word) for word in said]
    found: list[Term] = []
    empty: list[Term] = []
    at = 0
    while at < len(said):
        size, meant = _phrase(stems, at) if with_phrases else (0, ())
        if size:
            found += ({word: 1.0} for word in meant)
            at += size
            continue
        term = {**dict.fromkeys(_MEANT.get(stems[at], ()), _SYNONYM), stems[at]: 1.0}
        (empty if said[at] in _EMPTY else found).append(term)
        at += 1
    return list({tuple(term): term for term in found or empty}.values())


def telling(text: str) -> list[str]:
    """The words of a text without those that say nothing, as `words` gives them."""
    return [stem(word) for word in split(text) if word not in _EMPTY]


def _phrase(stems: list[str], at: int) -> tuple[int, tuple[str, ...]]:
    """How many words of the longest known phrase begin at a place, and what it means; 0 for none."""
    for size in range(min(_LONGEST, len(stems) - at), 0, -1):
        meant = _MEANT_BY_PHRASE.get(tuple(stems[at : at + size]))
        if meant is not None:
            return size, meant
    return 0, ()


_EMPTY: Final = frozenset(_EMPTY_WORDS.split())
_MEANT: Final = {words(word)[0]: tuple(words(meant)) for word, meant in _SYNONYMS.items()}
_MEANT_BY_PHRASE: Final = {tuple(words(phrase)): tuple(words(meant)) for phrase, meant in _PHRASES.items()}
_LONGEST: Final = max(map(len, _MEANT_BY_PHRASE))
