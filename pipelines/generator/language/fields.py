"""Values of config fields: what a merchant fills in, well typed and in scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.conditions import valid_condition
from pipelines.generator.language.places import Scope
from pipelines.generator.language.wording import note, word
from pipelines.generator.vocabulary import EMAILS, ZONES
from schemas.catalog.environment import enum_values, family
from schemas.workflow.jsontext import compact
from schemas.workflow.model import ApiCall, Bare, ConditionValue, Json, PathValue, Reference, Text, Value

__all__ = ["valid_value"]

_OBJECTS: Final = {
    "order_id": "Order", "product_id": "Product", "variant_id": "ProductVariant", "customer_id": "Customer",
    "draft_order_id": "DraftOrder", "fulfillment_id": "FulfillmentOrder", "company_id": "Company",
    "company_location_id": "CompanyLocation", "fulfillment_order_id": "FulfillmentOrder",
}  # fmt: skip
"""The object that a reference of this name stands for (Flow format section 16)."""

_KINDS: Final = ("single_line_text_field", "number_integer", "boolean", "date", "json", "number_decimal")
_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH")
_ON_ERROR: Final = ("retry", "fail", "ignore")
_QUERIES: Final = (
    "status:active AND -tag:x", "created_at:<='{{ scheduledAt | date_minus: \"2 days\" }}'", "tag:VIP", "",
    "updated_at:>2026-01-01", "financial_status:paid AND fulfillment_status:unfulfilled", "title:'Été*'",
)  # fmt: skip
_FREQUENCIES: Final = (
    ("MINUTELY", 10, 59), ("HOURLY", 1, 24), ("DAILY", 1, 31), ("WEEKLY", 1, 8), ("MONTHLY", 1, 12),
    ("YEARLY", 1, 1),
)  # fmt: skip
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def valid_value(draw: Draw, field: str, value_type: str, scope: Scope) -> Value:
    """A value that fits the field and names only what is in scope."""
    return _BY_TYPE.get(value_type, _text)(draw, field, scope)


def liquid_text(draw: Draw, scope: Scope) -> str:
    """A text with or without Liquid; what it puts out are scalars."""
    text = note(draw)
    place = scope.scalar(draw)
    if place is None or draw.chance(0.3):
        return text
    shown = f"{{{{ {place.path.text} }}}}"
    if family(place.type) == "date" and draw.chance(0.5):
        shown = f'{{{{ {place.path.text} | date_plus: "{draw.between(1, 30)} days" }}}}'
    listed = scope.any_list(draw)
    if listed is not None and draw.chance(0.3):
        element = Scope({"x": listed.type}).scalar(draw)
        if element is not None:
            shown += f"\n{{% for x in {listed.path.text} %}}- {{{{ {element.path.text} }}}}\n{{% endfor %}}"
    return f"{text}: {shown}"


def _text(draw: Draw, field: str, scope: Scope) -> Value:
    match field:
        case "method":
            return Text(draw.pick(_METHODS))
        case "on_client_error" | "on_server_error":
            return Text(draw.pick(_ON_ERROR))
        case "reason":
            return Text(draw.pick(enum_values("FulfillmentHoldReason")))
        case "address":
            return Text(draw.pick(EMAILS))
        case "url" | "spreadsheet":
            return Text(f"https://example.com/{draw.between(1, 999)}")
        case "path" | "target":
            return Text(f"/pages/{draw.between(1, 999)}")
        case "query":
            return Text(draw.pick(_QUERIES[2:] if "scheduledAt" not in scope.roots else _QUERIES))
        case "type":
            return Text(f"app--{draw.between(1, 10**6)}--forms")
        case "namespace" | "key":
            return Text(draw.pick(("custom", "loyalty", "facts", "bird_app")))
        case "value_type":
            return Text(draw.pick(_KINDS))
        case _:
            return Text(liquid_text(draw, scope))


def _integer(draw: Draw, field: str, scope: Scope) -> Value:
    return Bare(str(draw.between(1, 100)))


def _float(draw: Draw, field: str, scope: Scope) -> Value:
    return Bare(draw.pick(("0.5", "1", "12.25", "100")))


def _boolean(draw: Draw, field: str, scope: Scope) -> Value:
    return Bare(draw.pick(("true", "false")))


def _reference(draw: Draw, field: str, scope: Scope) -> Value:
    wanted = _OBJECTS.get(field)
    place = scope.object(draw, wanted) if wanted else None
    if place is None or draw.chance(0.05):
        return Reference(f"gid://shopify/{wanted or 'MetaobjectDefinition'}/{draw.between(1, 10**12)}")
    return Reference(type(place.path)((*place.path.segments, "id")))


def _path(draw: Draw, field: str, scope: Scope) -> Value:
    found = scope.any_list(draw)
    assert found is not None  # the shop, which is always there, has lists
    if field == "numberpath":
        for _ in range(20):
            number = Scope({"x": found.type}).scalar(draw, ("number",))
            if number is not None:
                return PathValue(type(found.path)((*found.path.segments, *number.path.segments[1:])))
            found = scope.any_list(draw) or found
        return PathValue(type(found.path)(("shop", "orders", "currentTotalPriceSet", "shopMoney", "amount")))
    return PathValue(found.path)


def _strings(draw: Draw, field: str, scope: Scope) -> Value:
    return Json(compact([word(draw).partition("{{")[0].strip() or "NEW" for _ in range(draw.between(1, 4))]))


def _map(draw: Draw, field: str, scope: Scope) -> Value:
    pairs = [["content-type", "application/json"], ["x-reason", word(draw).partition("{{")[0] or "none"]]
    return Json(compact(pairs[: draw.between(0, 2)]))


def _object(draw: Draw, field: str, scope: Scope) -> Value:
    if field == "sort_by":
        return Json(compact({"sortKey": "ID", "order": draw.pick(("ASCENDING", "DESCENDING"))}))
    kind = draw.pick(_KINDS)
    return Json(compact({"namespace": "custom", "key": f"k{draw.between(1, 99)}", "type": kind}))


def _recurrence(draw: Draw, field: str, scope: Scope) -> Value:
    frequency, low, high = draw.pick(_FREQUENCIES)
    day = f"{draw.between(2036, 2039)}{draw.between(1, 12):02d}{draw.between(1, 28):02d}"
    week_start = draw.pick(_DAYS) if draw.chance(0.2) else "MO"
    rule = f"FREQ={frequency};INTERVAL={draw.between(low, high)};WKST={week_start}"
    if frequency == "WEEKLY":
        rule += f";BYDAY={','.join(sorted(set(draw.few(_DAYS, 4)), key=_DAYS.index))}"
    hour, minute = draw.between(0, 23), draw.between(0, 59)
    if frequency in ("DAILY", "WEEKLY", "MONTHLY") and draw.chance(0.7):
        rule += f";BYHOUR={hour};BYMINUTE={minute};BYSECOND=0"
    start = f"DTSTART;TZID={draw.pick(ZONES)}:{day}T{hour:02d}{minute:02d}00"
    return Json(compact([f"{start}\nRRULE:{rule}"]))


def _api_call(draw: Draw, field: str, scope: Scope) -> Value:
    owner = draw.pick(("Order", "Product", "Customer"))
    place = scope.object(draw, owner)
    target = (
        f"{{{{ {place.path.text}.id }}}}" if place else f"gid://shopify/{owner}/{draw.between(1, 10**12)}"
    )
    calls = {
        "tagsAdd": {"id": target, "tags": ["flow"]},
        "tagsRemove": {"id": target, "tags": ["flow", "old"]},
        "orderUpdate": {"input": {"id": target, "note": note(draw)}},
        "productUpdate": {"product": {"id": target, "tags": ["flow"]}},
        "customerUpdate": {"input": {"id": target, "note": note(draw)}},
    }
    fitting = ["tagsAdd", "tagsRemove", f"{owner.lower()}Update"]
    name = draw.pick(fitting)
    return ApiCall(name, compact(calls[name]))


def _condition(draw: Draw, field: str, scope: Scope) -> Value:
    return ConditionValue(valid_condition(draw, scope))


_BY_TYPE: Final[dict[str, Callable[[Draw, str, Scope], Value]]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "reference": _reference,
    "path": _path,
    "strings": _strings,
    "map": _map,
    "object": _object,
    "recurrence": _recurrence,
    "api_call": _api_call,
    "condition": _condition,
}
