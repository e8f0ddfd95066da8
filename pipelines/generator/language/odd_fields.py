"""Values of config fields: anything that a text under a type can mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.conditions import any_condition
from pipelines.generator.language.odd import any_object, ascii_path
from pipelines.generator.language.wording import KEYWORDS, any_text
from pipelines.generator.vocabulary import ZONES
from schemas.workflow.jsontext import compact
from schemas.workflow.model import ConditionValue, Json, PathValue, Reference, Text, Value
from schemas.workflow.values import decode

__all__ = ["any_value"]

_INTEGERS: Final = ("0", "1", "-1", "100", "007", "-0", "1.0", "+1", "1e3", "9" * 18, "9" * 19, "{{ x }}")
_FLOATS: Final = ("0.5", "1.0", "1.50", "-0.0", "0.1", "1e-7", "0.30000000000000004", ".5", "5.", "NaN")
_BOOLEANS: Final = ("true", "false", "True", "FALSE", "1", "", "null", "{{ order.test }}")
_REFERENCES: Final = (
    "", "gid://shopify/Order/1", "{{ order }}", "{{order.id | upcase}}", "12", "{broken", "{}", "[]",
    '{"value":1,"default_value":""}', '{"value":"","default_value":"","x":1}', '{"value":"a"}', "{%if%}",
    '{"value":"a.b","default_value":"c.d"}', '{"value":"{{ a.b }}","default_value":"c.d"}', "order", "Order",
    '{"value":"","default_value":"{{ order.id }}"}', "{{ order.id}}", "order..id", "order.id ",
    "order.ünïcode",
)  # fmt: skip
_RECURRENCES: Final = (
    "DTSTART:1", "", "DTSTART;TZID=Europe/Zagreb:20260923T233000\nRRULE:FREQ=HOURLY;INTERVAL=0;WKST=MO",
    "DTSTART;TZID=UTC:20261340T250000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;BYHOUR=25;BYMINUTE=61;BYSECOND=0",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=XX,MO",
    "DTSTART;TZID=UTC:20260101T000001\nRRULE:FREQ=SECONDLY;INTERVAL=1;WKST=MO",
)  # fmt: skip
_MUTATIONS: Final = ("orderCancel", "tagsAdd", "class", "raw", "task", "compare", "any", "_", "X1")


def any_value(draw: Draw, value_type: str) -> Value:
    """A value in normal form: what some text under this type means."""
    if value_type == "condition":
        return ConditionValue(None if draw.chance(0.1) else any_condition(draw))
    if draw.chance(0.04):
        return Text(None)
    if value_type == "text" or draw.chance(0.15):
        return meant(any_text(draw), value_type)
    return _BY_TYPE[value_type](draw)


def meant(text: str, value_type: str) -> Value:
    """What a text means under a type: a text where it is no value of the type."""
    return decode(text, value_type, "flow")[0]


def _one_of(texts: tuple[str, ...], value_type: str) -> Callable[[Draw], Value]:
    return lambda draw: meant(draw.pick(texts), value_type)


def _reference(draw: Draw) -> Value:
    if draw.chance(0.6):
        return Reference(ascii_path(draw, least=2))
    return meant(draw.pick(_REFERENCES), "reference")


def _path(draw: Draw) -> Value:
    return PathValue(ascii_path(draw)) if draw.chance(0.9) else Text("")


def _strings(draw: Draw) -> Value:
    return Json(compact([any_text(draw) for _ in range(draw.between(0, 4))]))


def _map(draw: Draw) -> Value:
    keys = ("content-type", "class", "", "twice", any_text(draw))
    return Json(compact([[draw.pick(keys), any_text(draw)] for _ in range(draw.between(0, 4))]))


def _object(draw: Draw) -> Value:
    return Json(compact(any_object(draw)))


def _recurrence(draw: Draw) -> Value:
    if draw.chance(0.4):
        return Json(compact([draw.pick(_RECURRENCES) for _ in range(draw.between(0, 2))]))
    rule = f"RRULE:FREQ={draw.pick(('MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'))}"
    rule += f";INTERVAL={draw.pick(('1', '2', '10', '09', '365'))};WKST={draw.pick(('MO', 'SU'))}"
    rule += draw.pick(("", ";BYDAY=MO", ";BYDAY=FR,MO", ";BYDAY=MO,MO", ";COUNT=3"))
    rule += draw.pick(("", ";BYHOUR=17;BYMINUTE=0;BYSECOND=0", ";BYHOUR=7;BYMINUTE=05;BYSECOND=0"))
    time = draw.pick(("170000", "070500", "000000", "235959", "070001"))
    return Json(compact([f"DTSTART;TZID={draw.pick((*ZONES, 'UTC', 'Etc/GMT+3'))}:20270228T{time}\n{rule}"]))


def _api_call(draw: Draw) -> Value:
    name = draw.pick(_MUTATIONS if draw.chance(0.7) else KEYWORDS)
    blob = compact(any_object(draw))
    if draw.chance(0.4):
        blob = draw.pick(('{"id": {{ order.id }}}', "", "[]", "null", '{"a":1,"a":2}', any_text(draw)))
    return meant(compact({"name": name, "blob": blob}), "api_call")


_BY_TYPE: Final[dict[str, Callable[[Draw], Value]]] = {
    "integer": _one_of(_INTEGERS, "integer"),
    "float": _one_of((*_INTEGERS, *_FLOATS), "float"),
    "boolean": _one_of(_BOOLEANS, "boolean"),
    "reference": _reference,
    "path": _path,
    "strings": _strings,
    "map": _map,
    "object": _object,
    "recurrence": _recurrence,
    "api_call": _api_call,
}
