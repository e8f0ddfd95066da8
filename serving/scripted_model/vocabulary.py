"""The words that the rules know: what happens, what is compared, which countries, and what Flow is asked.

Patterns are matched without regard to case against a text in which quoted words, addresses and URLs are
already set aside. A search term is what the rules send to `task_search` or `environment_paths_search`; which
of the answers they take is decided there. Not here yet: other languages than English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "ANSWERS",
    "COUNTRIES",
    "EVENTS",
    "EXAMPLES",
    "OUT_OF_REACH",
    "SILENT_WORDS",
    "SUBJECTS",
]

EXAMPLES: Final = (
    "tag orders over 500 as VIP",
    "email me@example.com when a product goes out of stock",
)
"""Two requests that the rules can do, offered where they cannot."""

_ORDER: Final = r"(?:orders?|purchases?|they|it|checkouts?)"
_IS: Final = r"(?: (?:is|are|was|were|gets?|got|has been|have been|becomes?|become))?"
_NEW: Final = r"(?:created|placed|made|received|submitted|comes? in|arrives?|is new)"

EVENTS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"(?:inventory|stock)(?: (?:of|level|quantity|a|the|product|variant))*"
        r" (?:reaches|hits|is|gets to|drops to|falls to) (?:zero|0)\b",
        "variant out of stock",
    ),
    (
        r"(?:goes|go|went|runs?|ran|is|are|sells?|sold) out(?: of stock)?|out[- ]of[- ]stock",
        "variant out of stock",
    ),
    (r"(?:comes?|is|are|gets?)?(?: back)? in stock(?: again)?|restocked", "variant back in stock"),
    (
        r"(?:(?:the |its |their )?(?:inventory|stock)(?: level| quantity)?|quantity)"
        r"(?: of an? (?:product|variant))?(?: (?:drops?|falls?|goes|gets?|is|changes?|sinks?))?",
        "product variant inventory quantity changed",
    ),
    (r"draft orders?(?: (?:is|are|gets?))?(?: created| made)?", "draft order created"),
    (rf"high[- ]risk|low[- ]risk|medium[- ]risk|risk(?:y)?|{_ORDER}{_IS} analy[sz]ed", "order risk analyzed"),
    (rf"{_ORDER}{_IS} cancell?ed|cancell?ed orders?", "order cancelled"),
    (rf"{_ORDER}{_IS} (?:fulfilled|shipped out)|fulfilled orders?", "order fulfilled"),
    (
        rf"{_ORDER}{_IS} refunded|refunded orders?"
        rf"|refunds?(?! (?:the |all |every |any |these |those )*{_ORDER}\b)"
        rf"{_IS}(?: (?:created|issued|made))?",
        "refund created",
    ),
    (rf"{_ORDER}{_IS} paid(?! with| by)|paid orders?|payment is received", "order paid"),
    (rf"{_ORDER}{_IS} deleted", "order deleted"),
    (r"returns?(?: (?:is|are|gets?))? requested|requests? a return", "return requested"),
    (r"returns?(?: (?:is|are|gets?))? approved", "return approved"),
    (r"returns?(?: (?:is|are|gets?))? closed", "return closed"),
    (r"disputes?(?: (?:is|are|gets?))?(?: (?:opened|created))?|chargebacks?", "dispute created"),
    (
        r"(?:(?:customers?|they|somebody|someone) )?(?:subscribes?|subscribed|signs? up)"
        r"(?: (?:to|for))?(?: (?:email marketing|the newsletter|marketing emails?))?",
        "customer subscribed to email marketing",
    ),
    (r"(?:abandons?|abandoned) (?:a |their |the )?(?:checkouts?|carts?)", "customer abandons checkout"),
    (rf"(?:customers?|customer accounts?|they){_IS} {_NEW}|new customers?", "customer created"),
    (rf"(?:customers?){_IS} deleted", "customer deleted"),
    (rf"products?{_IS} (?:added|created)|new products?", "product created"),
    (rf"products?{_IS} deleted", "product deleted"),
    (rf"collections?{_IS} (?:added|created)|new collections?", "collection created"),
    (r"(?:after (?:the |its )?)?fulfil+ment", "order fulfilled"),
    (
        r"(?:customers?|someone|somebody|they) (?:buys?|purchases)"
        rf"|{_ORDER}{_IS} {_NEW}|new orders?|(?:places?|makes?|creates?) (?:an|a new|their) orders?",
        "order created",
    ),
)
"""What starts a workflow -> what to search for, the more particular first."""

SUBJECTS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "total": {
        "order": ("current total price set shop money amount", "order.currentTotalPriceSet.shopMoney.amount"),
        "draftOrder": ("total price set shop money amount", "draftOrder.totalPriceSet.shopMoney.amount"),
        "refund": ("total refunded set shop money amount", "refund.totalRefundedSet.shopMoney.amount"),
    },
    "spent": {
        "customer": ("amount spent", "customer.amountSpent.amount"),
        "order": ("customer amount spent", "order.customer.amountSpent.amount"),
    },
    "num_orders": {
        "customer": ("number of orders", "customer.numberOfOrders"),
        "order": ("customer number of orders", "order.customer.numberOfOrders"),
    },
    "quantity": {
        "order": ("current subtotal line items quantity", "order.currentSubtotalLineItemsQuantity"),
    },
    "inventory": {"productVariant": ("inventory quantity", "productVariant.inventoryQuantity")},
    "country": {
        "order": ("shipping address country code", "order.shippingAddress.countryCodeV2"),
        "draftOrder": ("shipping address country code", "draftOrder.shippingAddress.countryCodeV2"),
        "customer": ("default address country code", "customer.defaultAddress.countryCodeV2"),
    },
    "billing_country": {
        "order": ("billing address country code", "order.billingAddress.countryCodeV2"),
    },
    "vendor": {
        "product": ("vendor", "product.vendor"),
        "order": ("line items product vendor", "order.lineItems.product.vendor"),
    },
    "product_type": {
        "product": ("product type", "product.productType"),
        "order": ("line items product type", "order.lineItems.product.productType"),
    },
    "title": {
        "product": ("title", "product.title"),
        "order": ("line items title", "order.lineItems.title"),
    },
    "order_tags": {"order": ("tags", "order.tags"), "draftOrder": ("tags", "draftOrder.tags")},
    "customer_tags": {
        "customer": ("tags", "customer.tags"),
        "order": ("customer tags", "order.customer.tags"),
    },
    "product_tags": {
        "product": ("tags", "product.tags"),
        "order": ("line items product tags", "order.lineItems.product.tags"),
    },
    "gift_card": {"order": ("line items is gift card", "order.lineItems.isGiftCard")},
    "note": {"order": ("note", "order.note"), "customer": ("note", "customer.note")},
    "discount_code": {"order": ("discount codes", "order.discountCodes")},
    "risk": {"orderRiskLevel": ("", "orderRiskLevel")},
}
"""What is compared -> root -> the term to search for and the path to take where the answer has it."""

COUNTRIES: Final[Mapping[str, str]] = {
    **{"argentina": "AR", "australia": "AU", "austria": "AT", "belgium": "BE", "brazil": "BR"},
    **{"bulgaria": "BG", "canada": "CA", "chile": "CL", "china": "CN", "colombia": "CO", "croatia": "HR"},
    **{"cyprus": "CY", "czechia": "CZ", "czech republic": "CZ", "denmark": "DK", "egypt": "EG"},
    **{"estonia": "EE", "finland": "FI", "france": "FR", "germany": "DE", "greece": "GR"},
    **{"hong kong": "HK", "hungary": "HU", "iceland": "IS", "india": "IN", "indonesia": "ID"},
    **{"ireland": "IE", "israel": "IL", "italy": "IT", "japan": "JP", "kenya": "KE", "latvia": "LV"},
    **{"lithuania": "LT", "luxembourg": "LU", "malaysia": "MY", "malta": "MT", "mexico": "MX"},
    **{"morocco": "MA", "netherlands": "NL", "holland": "NL", "new zealand": "NZ", "nigeria": "NG"},
    **{"norway": "NO", "peru": "PE", "philippines": "PH", "poland": "PL", "portugal": "PT"},
    **{"romania": "RO", "saudi arabia": "SA", "serbia": "RS", "singapore": "SG", "slovakia": "SK"},
    **{"slovenia": "SI", "south africa": "ZA", "south korea": "KR", "korea": "KR", "spain": "ES"},
    **{"sweden": "SE", "switzerland": "CH", "taiwan": "TW", "thailand": "TH", "turkey": "TR"},
    **{"ukraine": "UA", "united arab emirates": "AE", "uae": "AE", "united kingdom": "GB", "uk": "GB"},
    **{"great britain": "GB", "england": "GB", "united states of america": "US", "united states": "US"},
    **{"usa": "US", "america": "US", "us": "US", "vietnam": "VN"},
}
"""English names -> ISO 3166-1 alpha-2, which is what `CountryCode` holds."""

OUT_OF_REACH: Final = (
    (
        r"\bsms\b|text messages?|\btexts? me\b|whatsapp|phone calls?|\bcall me\b",
        "Flow sends no text messages and makes no calls by itself; an app that adds such an action can",
    ),
    (
        r"slack|microsoft teams|discord|telegram",
        "Flow needs that app's connector for this, whose task ids are not public",
    ),
    (r"print(?:s|ed)? (?:the |a )?(?:labels?|invoices?)", "Flow prints nothing"),
)
"""What the rules recognise and no workflow of theirs can do -> why."""

ANSWERS: Final = (
    (
        r"what(?:'s| is| does)?(?: shopify)? flow(?: do| for)?|tell me about flow|explain flow",
        "Flow is Shopify's automation: a workflow waits for something to happen in the store (a trigger such "
        "as a new order), checks conditions, and then acts: it tags, holds, or sends an internal email.",
    ),
    (
        r"\bhow many\b",
        "I see no orders, products or customers of your shop; I build workflows for it.",
    ),
    (
        r"(?:cost|price|pay for|free|how much)",
        "Flow is an app of Shopify's own; which plans include it is on Shopify's pricing page, which I "
        "cannot read from here.",
    ),
    (
        r"turn (?:it|them|a workflow|my workflow)?\s?on|activate",
        "Open the workflow in Flow, read it through, and press Turn on workflow. What I save is always off.",
    ),
)
"""Questions -> what is answered."""

SILENT_WORDS: Final = frozenset(
    [
        *("buyer", "buyers", "client", "clients", "shopper", "shoppers"),
        *("a", "about", "address", "after", "again", "all", "also", "amount", "an", "and", "any"),
        *("are", "as", "at", "automatically", "be", "been", "by", "can", "come", "contain"),
        *("containing", "contains", "could", "create", "created", "customer", "customers", "do"),
        *("does", "draft", "each", "every", "everything", "flow", "for", "from", "gets", "get", "goes"),
        *("has", "have", "he", "her", "him", "his", "i", "if", "immediately", "in", "include"),
        *("includes", "including", "internal", "into", "is", "it", "item", "items", "its", "just"),
        *("kindly", "let", "level", "like", "make", "me", "merchant", "must", "my", "need", "new"),
        *("of", "on", "once", "one", "ones", "order", "orders", "our", "people", "placed"),
        *("please", "product", "products", "purchase", "purchases", "set", "she", "ship", "shipped"),
        *("shipping", "ships", "shop", "should", "so", "some", "somebody", "someone", "something"),
        *("store", "tag", "tags", "team", "that", "the", "their", "them", "then", "there", "these"),
        *("they", "this", "those", "time", "to", "too", "total", "up", "us", "using", "value"),
        *("variant", "variants", "via", "want", "was", "we", "were", "when", "whenever", "where"),
        *("which", "who", "whose", "will", "with", "workflow", "worth", "would", "you", "your"),
    ]
)
"""Words that say nothing more once the rules have taken what they know."""
