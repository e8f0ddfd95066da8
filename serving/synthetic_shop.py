"""A shop that does not exist, out of a seed: objects of any type of the Admin API, as far as they are read.

    made("Order", {"name": {}, "customer": {"email": {}}}, seed=7)
    # {"name": "#4711", "customer": {"email": "ada.sampler@example.com"}}

    shop = SyntheticShop(seed=7)
    shop.root({"name": {}})                      # the object `shop`
    shop.records("Product", {"title": {}})       # what a Get data step searches
    shop.resources("collection", "sale", 10)     # what the tool search_shop_resource finds

A value depends on the seed and on its path only: reading one field more changes no other. The forms are
those of the API (2026-04): Decimal, Money, UnsignedInt64 and BigInt are texts, Int and Float are numbers,
lists are flat. An interface or union is one of its types; a field that nobody knows has
the type that most fields of its name have, or else is a text.

Not here yet: sums that add up (a total is not the sum of its lines), one object that is reached on two paths
(a customer's last order is none of the records), and what a workflow writes into the shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from schemas.catalog.environment import (
    NOTHING_LOCAL,
    Local,
    enum_values,
    family,
    field_type,
    fields_in,
    graphql_kind,
    usual_type,
)
from serving import synthetic_values as values

__all__ = ["NOW", "RESOURCES", "SyntheticShop", "Tree", "made", "merged"]

Tree: TypeAlias = Mapping[str, "Tree"]
"""Field -> what is read below it; `{}` at a scalar, and at an object of which only its presence is read."""


def merged(a: Tree, b: Tree) -> Tree:
    """What either of two reads."""
    # A field of both is gone into once: twice a level is 2^40 at the depth that a workflow may have.
    return {field: merged(a.get(field, {}), b.get(field, {})) for field in {**a, **b}}


NOW: Final = datetime(2026, 11, 2, tzinfo=UTC)
_MOST_ITEMS: Final = 5
_MOST_RECORDS: Final = 100
_PEOPLE: Final = frozenset({"Customer", "StaffMember", "CompanyContact", "User"})
_OF_A_PERSON: Final = frozenset({"MailingAddress", "CustomerEmailAddress", "CustomerPhoneNumber"})
_AMOUNTS: Final = frozenset({"MoneyBag", "MoneyV2", "MoneyInput"})
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "CatalogUnion": ("MarketCatalog",),
    "Discount": ("DiscountCodeBasic", "DiscountAutomaticBasic"),
    "DiscountAutomatic": ("DiscountAutomaticBasic",),
    "DiscountCode": ("DiscountCodeBasic", "DiscountCodeFreeShipping"),
    "Event": ("BasicEvent", "CommentEvent"),
    "HasMetafields": ("Product", "Customer"),
    "Media": ("MediaImage",),
    "MetafieldReference": ("Metaobject", "Product"),
    "PricingValue": ("MoneyV2", "PricingPercentageValue"),
    "PurchasingEntity": ("Customer", "PurchasingCompany"),
    "SubscriptionDeliveryMethod": ("SubscriptionDeliveryMethodShipping",),
}
"""Interface or union -> types that stand for it; the distilled types do not say which belong to it."""

RESOURCES: Final[Mapping[str, str]] = {
    "catalog": "Catalog",
    "channel": "Channel",
    "collection": "Collection",
    "company": "Company",
    "company_location": "CompanyLocation",
    "customer": "Customer",
    "customer_segment": "Segment",
    "delivery_profile": "DeliveryProfile",
    "discount": "DiscountNode",
    "draft_order": "DraftOrder",
    "location": "Location",
    "market": "Market",
    "metaobject": "Metaobject",
    "order": "Order",
    "product": "Product",
    "product_variant": "ProductVariant",
    "publication": "Publication",
    "selling_plan_group": "SellingPlanGroup",
    "staff_member": "StaffMember",
}
"""Kind of resource -> type. That there are 19 is known (Flow format section 13); which ones is our choice."""
_PLURALS: Final = {"company": "companies"}


def made(
    type_name: str,
    read: Tree,
    seed: int,
    local: Local = NOTHING_LOCAL,
    *,
    now: datetime = NOW,
    at: str = "",
) -> dict[str, Any]:
    """One object with the fields of `read`.

    `at` tells objects of one type and seed apart (`order`, `records/3`); its default is the type's name.
    Dates lie around `now`.
    """
    place = f"{seed}/{at or type_name}"
    return _Maker(seed, local, now).object(type_name, read, place, f"{place}.customer", 0)


@dataclass(frozen=True, slots=True)
class SyntheticShop:
    """A whole shop: its own object, up to 100 records of every type, and what can be looked up by title."""

    seed: int = 0
    now: datetime = NOW
    local: Local = field(default=NOTHING_LOCAL)

    def root(self, read: Tree) -> dict[str, Any]:
        """The object `shop`."""
        return made("Shop", read, self.seed, self.local, now=self.now, at="shop")

    def records(self, type_name: str, read: Tree) -> list[dict[str, Any]]:
        """All objects of a type, 0 to 100 and mostly about 40, in the order of their numbers."""
        return [
            made(type_name, read, self.seed, self.local, now=self.now, at=f"records/{type_name}/{number}")
            for number in range(self.num_records(type_name))
        ]

    def num_records(self, type_name: str) -> int:
        """How many records `records` gives; one shop of twenty has none of a type."""
        place = f"{self.seed}/records/{type_name}"
        part = values.chance(place)
        if part < 0.05:
            return 0
        return min(_MOST_RECORDS, 20 + values.draw(f"{place}#num") % 41 + (60 if part > 0.9 else 0))

    def resources(self, resource_type: str, query: str = "", limit: int = 10) -> list[dict[str, str]]:
        """Records whose title holds every word of `query`, as `{title, gid, path}`; at most 50.

        `path` is the page of the admin. An unknown kind has no records: `RESOURCES` says which there are.
        """
        type_name = RESOURCES.get(resource_type)
        if type_name is None:
            return []
        title = next(
            (name for name in ("title", "name", "displayName") if name in _fields(type_name)), "title"
        )
        wanted = query.lower().split()
        found: list[dict[str, str]] = []
        for record in self.records(type_name, {"id": {}, title: {}}):
            said = str(record[title])
            if len(found) < min(limit, 50) and all(word in said.lower() for word in wanted):
                number = record["id"].rpartition("/")[2]
                page = f"/{_PLURALS.get(resource_type, f'{resource_type}s')}/{number}"
                found.append({"title": said, "gid": record["id"], "path": page})
        return found


def _fields(type_name: str) -> Mapping[str, str]:
    return fields_in(type_name, NOTHING_LOCAL)


@dataclass(frozen=True, slots=True)
class _Maker:
    seed: int
    local: Local
    now: datetime

    def object(self, type_name: str, read: Tree, at: str, who: str, depth: int) -> dict[str, Any]:
        """An object at the place `at`, about the person at `who`, inside `depth` lists."""
        if type_name in _MEMBERS:
            type_name = values.pick(_MEMBERS[type_name], f"{at}#type")
        if type_name in _PEOPLE:
            who = at
        elif type_name not in _OF_A_PERSON:
            who = f"{at}.customer"
        if not read and "id" in fields_in(type_name, self.local):
            read = {"id": {}}
        return {
            name: self.value(type_name, self.notation(type_name, name), name, below, at, who, depth)
            for name, below in read.items()
        }

    def notation(self, type_name: str, name: str) -> str:
        """The type of a field; where nobody knows, the one that most fields of its name have."""
        return field_type(type_name, name, self.local) or usual_type(name)

    def value(self, owner: str, notation: str, name: str, read: Tree, at: str, who: str, depth: int) -> Any:
        """What the field `name` of the type `notation` holds."""
        place = at if owner in _AMOUNTS else f"{at}.{_concept(name)}"
        kind = "metafield" if notation == "Metafield" else name
        if values.absent(kind, f"{at}.{name}"):
            return None
        if not notation.startswith("["):
            return self.single(owner, notation, name, read, at, place, who, depth)
        most = max(1, _MOST_ITEMS - depth)
        items = [
            self.single(owner, notation.strip("[]"), name, read, at, f"{place}.{number}", who, depth + 1)
            for number in range(values.draw(f"{place}#num") % (most + 1))
        ]
        return list(dict.fromkeys(items)) if items and isinstance(items[0], str) else items

    def single(
        self, owner: str, type_name: str, name: str, read: Tree, at: str, place: str, who: str, depth: int
    ) -> Any:
        """One value; `place` is the item's own where the field is a list."""
        if name == "__typename":
            return owner
        if read or graphql_kind(type_name, self.local) == "object":
            return self.object(type_name, read, place, who, depth)
        if constants := self.local.enums.get(type_name) or enum_values(type_name):
            return values.enum(
                type_name, constants, name, self.seed, at if place == f"{at}.{name}" else place
            )
        match family(type_name):
            case "id":
                return f"gid://shopify/{_identified(owner, name)}/{_number(at if name == 'id' else place)}"
            case "boolean":
                return values.chance(place) < 0.5
            case "date":
                moment = values.date(name, at, self.now)
                return moment.strftime("%Y-%m-%d") if type_name == "Date" else values.iso(moment)
            case "number":
                return self.number(type_name, name, at, place)
            case _:
                return self.text(owner, type_name, name, at, place, who)

    def number(self, type_name: str, name: str, at: str, place: str) -> str | int | float:
        if type_name in ("Money", "Decimal"):
            return values.money(place)
        if type_name == "Float":
            return round(values.chance(place) * 100, 2)
        if name == "legacyResourceId":
            return str(_number(at))
        found = values.number(name, at if place == f"{at}.{name}" else place)
        return found if type_name == "Int" else str(found)

    def text(self, owner: str, type_name: str, name: str, at: str, place: str, who: str) -> str:
        match type_name:
            case "URL":
                return values.text(owner, name if name.lower().endswith("url") else f"{name}Url", at, who)
            case "HTML" | "FormattedString":
                return f"<p>{values.text(owner, name, at, who)}</p>"
            case "Color":
                return f"#{values.draw(place) % 2**24:06x}"
            case "UtcOffset":
                return "-05:00"
            case _:
                in_list = place != f"{at}.{name}" and place != at
                return values.text(owner, name, place if in_list else at, who)


def _concept(name: str) -> str:
    """What an amount says under its names: `currentTotalPriceSet`, `totalPriceSet` and `totalPrice` agree."""
    plain = name.removesuffix("Set")
    if plain.startswith("currentT") or plain.startswith("currentS"):
        plain = plain.removeprefix("current")
        plain = plain[:1].lower() + plain[1:]
    return plain if name != plain and name.endswith("Set") else name


def _identified(owner: str, name: str) -> str:
    """The type in an id: the owner's for `id`, `Product` for `productId`."""
    stem = name.removesuffix("Id")
    if name == "id" or stem == name:
        return owner or "Node"
    kind = stem[:1].upper() + stem[1:]
    return kind if fields_in(kind, NOTHING_LOCAL) else owner


def _number(place: str) -> int:
    return 10**9 + values.draw(f"{place}#id") % (9 * 10**9)
