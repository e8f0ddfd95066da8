"""Single values of a shop that does not exist: what a field of a name and a type might hold.

Every value is drawn from a place, a text such as `7/Order.customer.email`, by a hash: the same place gives
the same value on every machine, whatever else is drawn. Values of one object that say the same thing share
their place, so a customer's `email` fits the `firstName`, and `totalPrice` is the amount of `totalPriceSet`.

People, firms and streets are invented; addresses of mail and web end in `example.com` (RFC 2606), phone
numbers are of the block 555-0100 to 555-0199 that is set aside for fiction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from schemas.catalog.environment import fields_of
from schemas.catalog.paths import words as words_of

__all__ = ["absent", "chance", "currency", "date", "draw", "enum", "iso", "money", "number", "pick", "text"]

T = TypeVar("T")

_FIRST: Final = (
    *("Ada", "Bo", "Cleo", "Dario", "Edda", "Femi", "Greta", "Hiro"),
    *("Ines", "Jonas", "Kaia", "Levi", "Mira", "Nils", "Oona", "Pax"),
)
_LAST: Final = (
    *("Anyname", "Sampler", "Testerson", "Placeholt", "Mockwell", "Fauxley", "Dummet", "Specimen"),
    *("Trialby", "Proto"),
)
_ADJECTIVES: Final = (
    *("Blue", "Plain", "Long", "Soft", "Heavy", "Light", "Striped", "Recycled"),
    *("Ribbed", "Winter"),
)
_THINGS: Final = (
    *("Shirt", "Mug", "Backpack", "Lamp", "Notebook", "Scarf", "Candle", "Water Bottle"),
    *("Gift Card", "Socks"),
)
_TYPES: Final = ("Clothing", "Kitchen", "Bags", "Lighting", "Stationery", "Accessories")
_VENDORS: Final = ("Samplewick Goods", "Mock & Daughters", "Placeholder Supply", "Fauxworks")
_COLLECTIONS: Final = ("Sale", "New arrivals", "Summer", "Gifts", "Bestsellers", "Pre-order")
_SIZES: Final = ("Small", "Medium", "Large")
_COLORS: Final = ("Black", "Blue", "Green", "Red")
_CURRENCIES: Final = ("USD", "EUR", "CAD", "GBP")
_PLACES: Final = (
    ("Samplewick", "Ontario", "ON", "Canada", "CA", "K0K 0A0", "America/Toronto"),
    ("Exampleton", "New York", "NY", "United States", "US", "10000", "America/New_York"),
    ("Mockford", "California", "CA", "United States", "US", "90000", "America/Los_Angeles"),
    ("Prüfstadt", "Bayern", "BY", "Germany", "DE", "99999", "Europe/Berlin"),
    ("Fauxbourg", "Occitanie", "OCC", "France", "FR", "00000", "Europe/Paris"),
    ("Testbury", "England", "ENG", "United Kingdom", "GB", "ZZ1 1ZZ", "Europe/London"),
)
_BY_NAME: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        ("tags", "tag"),
        ("VIP", "sale", "wholesale", "pre-order", "gift", "new", "fragile", "review", "loyal", "hold"),
    ),
    (
        ("note", "note2", "customernote", "staffnote", "message", "comment"),
        ("Please gift wrap", "Leave at the door", "Call before delivery", "Second try", "No rush"),
    ),
    (("vendor", "brand", "company", "companyname"), _VENDORS),
    (("producttype", "customproducttype"), _TYPES),
    (
        ("paymentgatewaynames", "gateway", "formattedgateway"),
        ("shopify_payments", "manual", "gift_card", "cash_on_delivery"),
    ),
    (("sourcename", "channelname", "source"), ("web", "pos", "shopify_draft_order", "iphone")),
    (("discountcode", "discountcodes", "code", "referralcode"), ("WELCOME10", "SUMMER", "FREESHIP", "VIP20")),
    (("financialstatus",), ("paid", "pending", "refunded")),
    (("fulfillmentstatus",), ("fulfilled", "unfulfilled", "partial")),
    (("orderrisklevel", "risklevel"), ("LOW", "MEDIUM", "HIGH")),
    (("locale", "customerlocale"), ("en", "fr", "de")),
    (("value",), ("true", "false", "12", "3.5", "gold", "2026-11-20")),
    (("namespace",), ("custom",)),
    (("key",), ("Delivery Date", "Gift message", "engraving", "tier")),
    (("trackingnumber", "number"), ("1Z0000000001", "1Z0000000002", "1Z0000000003")),
    (("carrier",), ("Sample Post", "Mock Express")),
)
"""Names of fields in lower case, with what such a text holds."""
_LIKELY: Final = {
    "OrderDisplayFinancialStatus": ("PAID", "PAID", "PAID", "PENDING", "REFUNDED", "PARTIALLY_REFUNDED"),
    "OrderDisplayFulfillmentStatus": ("UNFULFILLED", "UNFULFILLED", "FULFILLED", "PARTIALLY_FULFILLED"),
    "ProductStatus": ("ACTIVE", "ACTIVE", "ACTIVE", "DRAFT", "ARCHIVED"),
    "OrderRiskLevel": ("LOW", "LOW", "MEDIUM", "HIGH"),
    "CustomerState": ("ENABLED", "DISABLED", "INVITED"),
}
"""Constants of enums whose others are rare."""
_SELDOM: Final = {
    **dict.fromkeys(("cancelledAt", "cancelReason", "cancellation", "closedAt", "address2"), 0.8),
    **dict.fromkeys(("poNumber", "purchasingEntity", "paymentTerms", "retailLocation"), 0.8),
    **dict.fromkeys(("physicalLocation", "referralCode", "discountCode", "templateSuffix"), 0.6),
    **dict.fromkeys(("compareAtPrice", "appliedDiscount", "note", "note2", "company", "endsAt"), 0.5),
    **dict.fromkeys(("staffMember", "completedAt", "invoiceSentAt"), 0.5),
    **dict.fromkeys(("customer", "phone", "barcode", "lastOrder", "image", "metafield"), 0.15),
    **dict.fromkeys(("product", "variant", "productType", "publishedAt", "sellingPlan"), 0.06),
}
"""Fields that are often nil, with how often."""
_FUTURE: Final = re.compile(
    r"due|expir|^ends|next|estimated|scheduled|until|deliver|fulfillBy", re.IGNORECASE
)


def draw(place: str) -> int:
    """A whole number below 2**64, the same for the same place everywhere."""
    return int.from_bytes(hashlib.blake2b(place.encode("utf-8", "replace"), digest_size=8).digest())


def chance(place: str) -> float:
    """A number from 0 to below 1."""
    return (draw(place) >> 11) / 2**53


def pick(options: Sequence[T], place: str) -> T:
    """One option, all equally likely."""
    return options[draw(place) % len(options)]


def absent(field: str, place: str) -> bool:
    """Whether a field is nil here."""
    share = _SELDOM.get(field)
    return share is not None and chance(f"{place}#absent") < share


def iso(moment: datetime) -> str:
    """The text of a moment: `2026-11-02T00:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def currency(seed: int) -> str:
    """The one currency of a shop."""
    return pick(_CURRENCIES, f"{seed}/currency")


def enum(type_name: str, constants: Sequence[str], field: str, seed: int, at: str) -> str:
    """A constant of an enum; the currency is the shop's, a country the one of the address."""
    if type_name == "CurrencyCode":
        return currency(seed)
    if type_name == "CountryCode":
        return _home(at)[4]
    likely = [constant for constant in _LIKELY.get(type_name, ()) if constant in constants]
    return pick(likely or constants, f"{at}.{field}")


def money(place: str) -> str:
    """An amount with two decimals; `place` ends in what it is an amount of."""
    name = place.rpartition(".")[2].lower()
    part = chance(place)
    if "refund" in name or "discount" in name or "outstanding" in name or "tip" in name or "dut" in name:
        cents = int(max(0.0, part - 0.6) * 10_000)
    elif "tax" in name:
        cents = int(part * 6_000)
    elif "shipping" in name:
        cents = pick((0, 0, 499, 990, 1500, 2500), place)
    elif "spent" in name:
        cents = int(part**2 * 300_000)
    elif name in ("price", "compareatprice", "unitcost") or "unitprice" in name:
        cents = 500 + int(part**2 * 14_500)
    else:
        cents = 800 + int(part**3 * 120_000)
    ending = draw(f"{place}#ending") % 4
    if cents and ending < 3:
        cents = cents - cents % 100 + (0, 99, 50)[ending]
    return f"{cents // 100}.{cents % 100:02d}"


def date(field: str, at: str, now: datetime) -> datetime:
    """A moment near `now`, to the second: `createdAt` lies before `updatedAt`, a due date may lie ahead."""
    if field in ("createdAt", "updatedAt", "processedAt", "publishedAt"):
        age = 60 + int(chance(f"{at}.createdAt") ** 2 * 5_000_000)
        if field == "updatedAt":
            age = int(age * chance(f"{at}.updatedAt"))
        return now - timedelta(seconds=age)
    seconds = int(chance(f"{at}.{field}") * 2_600_000)
    return now + timedelta(seconds=seconds) if _FUTURE.search(field) else now - timedelta(seconds=seconds)


def number(field: str, at: str) -> int:
    """A whole number that fits its name."""
    place, name = f"{at}.{field}", field.lower()
    if field in ("number", "orderNumber"):
        return 1000 + draw(f"{at}#number") % 9000
    if "inventory" in name or name in ("sellableonlinequantity", "available", "onhand"):
        return max(0, draw(place) % 90 - 10)
    if "quantity" in name:
        return 1 + draw(place) % 6
    if "weight" in name or name == "grams":
        return 50 * (1 + draw(place) % 60)
    if name == "numberoforders":
        return (0, 1, 1, 2, 3, 5, 8, 20)[draw(place) % 8]
    if name == "statuscode":
        return 200
    return draw(place) % 21


def text(type_name: str, field: str, at: str, who: str) -> str:
    """A text that fits the name of its field; `who` is the place of the person that the object is about."""
    place, name = f"{at}.{field}", field.lower()
    found = _of_a_person(name, type_name, who) or _of_a_place(name, at) or _of_a_thing(name, type_name, at)
    if found:
        return found
    if name in ("name", "number", "ordername") and type_name in ("Order", "DraftOrder", "Return"):
        return f"#{'D' if type_name == 'DraftOrder' else ''}{number('number', at)}"
    if name.endswith(("url", "uri", "src", "link", "website", "domain")):
        page = "-".join(words_of(field))
        return f"https://shop.example.com/{page}/{draw(place) % 9000}"
    for words, options in _BY_NAME:
        if name in words:
            return pick(options, place)
    said = words_of(type_name if name in ("name", "title") and type_name else field) or ("value",)
    return f"{' '.join(said).capitalize()} {1 + draw(place) % 99}"


def _of_a_person(name: str, type_name: str, who: str) -> str:
    first, last = pick(_FIRST, f"{who}#first"), pick(_LAST, f"{who}#last")
    match name:
        case "firstname":
            return first
        case "lastname":
            return last
        case "displayname" | "fullname" | "recipient" | "shopownername":
            return f"{first} {last}" if type_name != "ProductVariant" else ""
        case "name" if type_name in ("MailingAddress", "StaffMember", "Customer"):
            return f"{first} {last}"
        case "email" | "emailaddress" | "contactemail":
            return f"{first}.{last}@example.com".lower()
        case "phone" | "phonenumber":
            return f"+1 555 01{draw(who) % 100:02d}"
        case _:
            return ""


def _home(at: str) -> tuple[str, ...]:
    return pick(_PLACES, f"{at}#place")


def _of_a_place(name: str, at: str) -> str:
    city, province, code, country, country_code, postcode, zone = _home(at)
    match name:
        case "address1" | "street":
            return f"{1 + draw(f'{at}#house') % 300} Invented Street"
        case "address2":
            return f"Unit {1 + draw(f'{at}#unit') % 40}"
        case "city":
            return city
        case "province" | "state":
            return province
        case "provincecode":
            return code
        case "country":
            return country
        case "countrycode":
            return country_code
        case "zip" | "postalcode":
            return postcode
        case "formattedarea":
            return f"{city} {code}, {country}"
        case "timezone" | "ianatimezone":
            return zone
        case "myshopifydomain":
            return "sample-goods.myshopify.com"
        case _:
            return ""


def _of_a_thing(name: str, type_name: str, at: str) -> str:
    fields = fields_of(type_name)
    product = f"{at}.product" if "product" in fields else at
    variant = f"{at}.variant" if "variant" in fields else at
    match name:
        case "title" | "name" if type_name == "Collection":
            return _collection(at)
        case "title" if type_name == "ProductVariant":
            return _variant(at)
        case "title" | "productname":
            return _thing(product)
        case "name" if "product" in fields or type_name in ("Product", "SellingPlanGroup"):
            return _thing(product)
        case "name" if type_name == "Shop":
            return "Sample Goods"
        case "name" if type_name in ("Company", "CompanyLocation"):
            return pick(_VENDORS, f"{at}#thing")
        case "displayname" if type_name == "ProductVariant":
            return f"{_thing(product)} - {_variant(at)}"
        case "varianttitle":
            return _variant(variant)
        case "handle":
            said = _collection(at) if type_name == "Collection" else _thing(product)
            return "-".join(words_of(said))
        case "sku":
            return f"SKU-{draw(f'{variant}#sku') % 900 + 100}"
        case "barcode":
            return f"{draw(f'{variant}#barcode') % 10**12:012d}"
        case "description" | "bodyhtml" | "descriptionhtml" | "body" | "descriptionplainsummary":
            return f"{_thing(product)}, made for nobody."
        case _:
            return ""


def _thing(place: str) -> str:
    return f"{pick(_ADJECTIVES, f'{place}#adjective')} {pick(_THINGS, f'{place}#thing')}"


def _collection(place: str) -> str:
    if draw(f"{place}#kind") % 3:
        return pick(_COLLECTIONS, f"{place}#thing")
    return f"{_thing(place)} and more"


def _variant(place: str) -> str:
    return f"{pick(_SIZES, f'{place}#size')} / {pick(_COLORS, f'{place}#color')}"
