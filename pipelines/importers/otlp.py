"""Spans and log records of OpenTelemetry as JSON, in one form.

Reads OTLP/JSON (`resourceSpans`, `resourceLogs`; lowerCamelCase, ids in hex, 64-bit integers as text, values
as `{"stringValue": ...}`), whole or a part a line, as the specification of the OTLP file exporter has it; one
span or record of that form a line; and what the Python SDK's `to_json` gives (`context.trace_id`,
`start_time`, plain attributes). Sources: opentelemetry.io/docs/specs/otel/protocol/file-exporter and
opentelemetry-proto, `ReadableSpan.to_json` of opentelemetry-sdk 1.45.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pipelines.importers.exchanges import INVALID, instant
from schemas.errors import BadRecord

__all__ = ["Signal", "read_signals"]

_ITEMS: Final = (
    ("resourceSpans", ("scopeSpans", "instrumentationLibrarySpans"), "spans"),
    ("resourceLogs", ("scopeLogs", "instrumentationLibraryLogs"), "logRecords"),
)
_OF_RECORDS: Final = frozenset(
    {"body", "severityNumber", "severity_number", "eventName", "event_name", "timeUnixNano", "timestamp"}
)
_SCALARS: Final = ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One span, one event of a span, or one log record."""

    place: str
    name: str
    trace_id: str
    span_id: str
    start: datetime | None
    end: datetime | None
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    body: Any = None
    is_span: bool = True
    events: tuple[Signal, ...] = field(default=())


def read_signals(value: Any, place: str) -> Iterator[Signal | tuple[str, BadRecord]]:
    """The spans and records of one JSON value, and those that are none, each with its place and reason.

    Raises:
        BadRecord: where the value as a whole is neither.
    """
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from _each(part, f"{place}/{number}", {})
        return
    if not isinstance(value, dict):
        raise BadRecord(INVALID, "a line is a JSON object, or a list of spans")
    listed = False
    for outer, scopes, inner in _ITEMS:
        for number, group in enumerate(_list(value, outer, place)):
            where = f"{place}/{outer}/{number}"
            if not isinstance(group, dict):
                yield where, BadRecord(INVALID, "not an object")
                continue
            yield from _of_resource(group, scopes, inner, where)
        listed = listed or outer in value
    if not listed:
        yield from _each(value, place, {})


def _of_resource(
    group: Mapping[str, Any], scopes: tuple[str, ...], inner: str, place: str
) -> Iterator[Signal | tuple[str, BadRecord]]:
    try:
        resource = _attributes((group.get("resource") or {}).get("attributes"))
        found = [
            (f"{place}/{key}/{number}/{inner}/{index}", item)
            for key in scopes
            for number, scope in enumerate(_list(group, key, place))
            for index, item in enumerate(_list(scope, inner, f"{place}/{key}/{number}"))
        ]
    except (AttributeError, TypeError):
        yield place, BadRecord(INVALID, "not in the form of OTLP/JSON")
        return
    except BadRecord as refused:
        yield place, refused
        return
    for where, item in found:
        yield from _each(item, where, resource)


def _each(item: Any, place: str, resource: Mapping[str, Any]) -> Iterator[Signal | tuple[str, BadRecord]]:
    try:
        yield _signal(item, place, resource)
    except BadRecord as refused:
        yield place, refused


def _signal(item: Any, place: str, resource: Mapping[str, Any]) -> Signal:
    if not isinstance(item, dict):
        raise BadRecord(INVALID, "a span is an object")
    within = item.get("context")
    context = within if isinstance(within, dict) else item
    span_id = _id(context.get("spanId", context.get("span_id")))
    trace_id = _id(context.get("traceId", context.get("trace_id")))
    if not span_id or not trace_id:
        raise BadRecord(INVALID, "neither a span nor a log record: it has no trace and span id")
    own = item.get("resource")
    attributes = _attributes(item.get("attributes"))
    start = _time(item, "startTimeUnixNano", "start_time", "timeUnixNano", "timestamp")
    events = item.get("events") or []
    name = item.get("name") or item.get("eventName") or item.get("event_name") or attributes.get("event.name")
    return Signal(
        place=place,
        name=name if isinstance(name, str) else "",
        trace_id=trace_id,
        span_id=span_id,
        start=start or _time(item, "observedTimeUnixNano", "observed_timestamp"),
        end=_time(item, "endTimeUnixNano", "end_time"),
        attributes=attributes,
        resource=_attributes(own.get("attributes")) if isinstance(own, dict) else resource,
        body=_value(item["body"]) if "body" in item else None,
        is_span=not item.keys() & _OF_RECORDS,
        events=tuple(
            _event(event, trace_id, span_id, f"{place}/events/{number}")
            for number, event in enumerate(events if isinstance(events, list) else [])
        ),
    )


def _event(event: Any, trace_id: str, span_id: str, place: str) -> Signal:
    if not isinstance(event, dict):
        raise BadRecord(INVALID, "an event is an object", path=place)
    return Signal(
        place=place,
        name=event["name"] if isinstance(event.get("name"), str) else "",
        trace_id=trace_id,
        span_id=span_id,
        start=_time(event, "timeUnixNano", "timestamp"),
        end=None,
        attributes=_attributes(event.get("attributes")),
        resource={},
        is_span=False,
    )


def _attributes(found: Any) -> dict[str, Any]:
    """Attributes by name: OTLP lists keys and typed values, the SDKs write a plain object."""
    if found is None:
        return {}
    if isinstance(found, dict):
        return found
    if not isinstance(found, list):
        raise BadRecord(INVALID, "attributes must be a list or an object")
    return _pairs(found)


def _pairs(listed: list[Any]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for pair in listed:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise BadRecord(INVALID, "an attribute is an object with a key and a value")
        table[pair["key"]] = _value(pair.get("value"))
    return table


def _value(found: Any) -> Any:
    """A value of OTLP's `AnyValue` as plain JSON; one that is plain already stays."""
    if not isinstance(found, dict):
        return found
    for key in _SCALARS:
        if key in found and len(found) == 1:
            value = found[key]
            return int(value) if key == "intValue" and _is_integer(value) else value
    if len(found) == 1 and ("arrayValue" in found or "kvlistValue" in found):
        inner = found.get("arrayValue", found.get("kvlistValue"))
        values = inner.get("values") or [] if isinstance(inner, dict) else None
        if not isinstance(values, list):
            raise BadRecord(INVALID, "an array or a list of keys and values must hold values")
        return [_value(each) for each in values] if "arrayValue" in found else _pairs(values)
    return found


def _is_integer(value: Any) -> bool:
    return (
        isinstance(value, str) and value.isascii() and value.removeprefix("-").isdecimal() and len(value) < 21
    )


def _list(table: Any, key: str, place: str) -> list[Any]:
    found = table.get(key) if isinstance(table, dict) else None
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadRecord(INVALID, f"{key} must be a list", path=place)
    return found


def _id(value: Any) -> str:
    """An id in lower-case hex; the SDKs write `0x` before it, and zeros for none."""
    text = value.lower().removeprefix("0x") if isinstance(value, str) else ""
    return text if text.strip("0") and text.isprintable() and len(text) <= 64 else ""


def _time(item: Mapping[str, Any], *keys: str) -> datetime | None:
    return next((moment for key in keys if (moment := instant(item.get(key)))), None)
