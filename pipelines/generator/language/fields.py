"""Values of config fields: what a merchant fills in, well typed and in scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.calls import call_arguments, draw_mutation
from pipelines.generator.language.conditions import valid_condition
from pipelines.generator.language.places import Scope
from pipelines.generator.language.wording import note, word
from pipelines.generator.vocabulary import EMAILS, ZONES
from schemas.catalog.environment import enum_values, family
from schemas.catalog.fields import ConfigField
from schemas.workflow.jsontext import compact
from schemas.workflow.model import ApiCall, Bare, ConditionValue, Json, PathValue, Reference, Text, Value

__all__ = ["valid_value"]

_KINDS: Final = ("single_line_text_field", "number_integer", "boolean", "date", "json", "number_decimal")
_DURATIONS: Final = ("P3D", "PT2H", "PT30M", "P1W", "P1DT12H")
_QUERIES: Final = (
    "status:active AND -tag:x", "created_at:<='{{ scheduledAt | date_minus: \"2 days\" }}'", "tag:VIP", "",
    "updated_at:>2026-01-01", "financial_status:paid AND fulfillment_status:unfulfilled", "title:'Été*'",
)  # fmt: skip
_FREQUENCIES: Final = (
    ("MINUTELY", 10, 59), ("HOURLY", 1, 24), ("DAILY", 1, 31), ("WEEKLY", 1, 8), ("MONTHLY", 1, 12),
    ("YEARLY", 1, 1),
)  # fmt: skip
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def valid_value(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    """A value that fits the field and names only what is in scope."""
    if field.allowed:
        return Text(draw.pick(field.allowed))
    return _BY_TYPE.get(field.value_type, _text)(draw, field, scope)


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


def _text(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    if field.type == "Duration":
        return Text(draw.pick(_DURATIONS))
    match field.id:
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
            return Text(liquid_text(draw, scope) if field.liquid else note(draw))


def _integer(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    low = 1 if field.minimum is None else field.minimum
    high = low + 99 if field.maximum is None else field.maximum
    return Bare(str(draw.between(low, high)))


def _float(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    return Bare(draw.pick(("0.5", "1", "12.25", "100")))


def _boolean(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    return Bare(draw.pick(("true", "false")))


def _reference(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    wanted = draw.pick(field.object_types) if field.object_types else ""
    place = scope.object(draw, wanted) if wanted else None
    if place is None or draw.chance(0.05):
        return Reference(f"gid://shopify/{wanted or 'MetaobjectDefinition'}/{draw.between(1, 10**12)}")
    return Reference(type(place.path)((*place.path.segments, "id")))


def _path(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    found = scope.any_list(draw)
    assert found is not None  # the shop, which is always there, has lists
    if field.id == "numberpath":
        for _ in range(20):
            number = Scope({"x": found.type}).scalar(draw, ("number",))
            if number is not None:
                return PathValue(type(found.path)((*found.path.segments, *number.path.segments[1:])))
            found = scope.any_list(draw) or found
        return PathValue(type(found.path)(("shop", "orders", "currentTotalPriceSet", "shopMoney", "amount")))
    return PathValue(found.path)


def _strings(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    return Json(compact([word(draw).partition("{{")[0].strip() or "NEW" for _ in range(draw.between(1, 4))]))


def _map(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    pairs = [["content-type", "application/json"], ["x-reason", word(draw).partition("{{")[0] or "none"]]
    return Json(compact(pairs[: draw.between(0, 2)]))


def _object(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    if field.type == "Sort":
        return Json(compact({"sortKey": "ID", "order": draw.pick(("ASCENDING", "DESCENDING"))}))
    kind = draw.pick(_KINDS)
    return Json(compact({"namespace": "custom", "key": f"k{draw.between(1, 99)}", "type": kind}))


def _recurrence(draw: Draw, field: ConfigField, scope: Scope) -> Value:
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


def _api_call(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    found = draw_mutation(draw)
    return ApiCall(found.name, compact(call_arguments(draw, found, scope)))


def _condition(draw: Draw, field: ConfigField, scope: Scope) -> Value:
    return ConditionValue(valid_condition(draw, scope))


_BY_TYPE: Final[dict[str, Callable[[Draw, ConfigField, Scope], Value]]] = {
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
