"""Liquid in config values, held to what Flow's Liquid can do (Flow format section 11).

Flow prints scalars only. What real workflows hold all the same (`| first`, metafields by dots, names that
nothing fills) is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from schemas.catalog.environment import family
from schemas.workflow.checks.findings import Finding, cut
from schemas.workflow.checks.liquid_text import Broken, End, Expression, Use, events, has_liquid
from schemas.workflow.checks.places import Place, follow, missing_field
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import ApiCall, Json, Reference, Text, Value
from schemas.workflow.problems import Severity

__all__ = ["check_liquid", "liquid_texts"]

_RESOLUTION: Final = "CONFIG_FIELD_RESOLUTION_ERROR"
_PATH: Final = "CONFIG_FIELD_PATH_VALIDATION_ERROR"
_PRIMITIVE: Final = "CONFIG_FIELD_NON_PRIMITIVE_ERROR"
_CODE_FIELDS: Final = frozenset({"script", "input", "output_schema", "recurrence"})
_ALWAYS: Final = frozenset({"secrets", "forloop", "tablerowloop", "now", "today"})
_REDUCING: Final = frozenset(
    {"size", "join", "map", "where", "sort", "sort_natural", "uniq", "compact", "concat", "reverse", "sum"}
    | {"slice", "first", "last", "default"}
)
"""Filters that make a scalar of a list, or may."""


def check_liquid(around: Surroundings) -> Iterator[Finding]:
    """Every text of every step that Liquid may run in."""
    for number, step in enumerate(around.workflow.steps):
        for field, value in step.fields:
            if field in _CODE_FIELDS:
                continue
            for text in liquid_texts(value):
                yield from _Template(around, number, field).check(text)


def liquid_texts(value: Value) -> Iterator[str]:
    """The texts of a value that hold Liquid."""
    match value:
        case Text(text=str() as text) | Reference(target=str() as text):
            if has_liquid(text):
                yield text
        case Json(text=text):
            if has_liquid(text):
                yield from _strings(read_json(text))
        case ApiCall(arguments=str() as text):
            if has_liquid(text):
                yield from _strings(read_json(text))
        case ApiCall(blob=text):
            if has_liquid(text):
                yield text
        case _:
            pass


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if has_liquid(value):
            yield value
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)


class _Template:
    """One text: the names it makes for itself, and what each use leads to."""

    def __init__(self, around: Surroundings, number: int, field: str) -> None:
        self.around = around
        self.number = number
        self.field = field
        self.names: dict[str, str] = {}

    def finding(self, code: str, message: str, severity: Severity = "error") -> Finding:
        return Finding(code, self.number, self.field, message, severity)

    def check(self, text: str) -> Iterator[Finding]:
        for event in events(text):
            match event:
                case Broken(message=message, certain=certain):
                    yield self.finding(_RESOLUTION, f"Liquid: {message}", "error" if certain else "warning")
                case End(name=name):
                    self.names[name] = ""
                case Use():
                    yield from self.use(event)

    def use(self, use: Use) -> Iterator[Finding]:
        value = use.value
        for argument in value.arguments:
            yield from self.unknown_name(argument[0])
        place: Place | None = None
        if value.segments:
            unknown = list(self.unknown_name(value.segments[0]))
            yield from unknown
            if not unknown:
                wrong, place = self.walk(value)
                yield from wrong
                if wrong:
                    place = None
        match use.kind:
            case "output" if place is not None:
                yield from self.output(value, place)
            case "loop":
                if place is not None and place.type and not place.in_list:
                    what = f"{_text(value)} is no list, a loop needs one"
                    yield self.finding("CONFIG_FIELD_MAP_OVER_INVALID_TYPE", f"Liquid: {what}")
                self.names[use.name] = place.name if place is not None and not value.filters else ""
            case "assign":
                plain = place is not None and not value.filters
                self.names[use.name] = place.type if place is not None and plain else ""
            case _:
                pass

    def unknown_name(self, name: str) -> Iterator[Finding]:
        if name in self.names or name in _ALWAYS or self.around.root(self.number, name) is not None:
            return
        unnamed = self.around.unnamed(self.number, name)
        codes = {"loop": _PATH, "early": "CONFIG_FIELD_EMPTY_WORKFLOW_VARIABLE"}
        code = codes.get(unnamed.reason, "CONFIG_FIELD_NAME_RESOLUTION_ERROR")
        severity: Severity = "warning" if unnamed.reason == "unknown" else unnamed.severity
        words, outside = f"Liquid: {unnamed.message}", unnamed.reason == "loop"
        yield Finding(code, self.number, self.field, words, severity, outside_loop=outside)

    def walk(self, value: Expression) -> tuple[list[Finding], Place]:
        """Where a path leads; a limit of Flow's Liquid ends the walk."""
        segments = value.segments
        root = self.names.get(segments[0])
        if root is None:
            root = self.around.root(self.number, segments[0]) or ""
        place = follow(root, segments, self.around.local)
        if place.missing >= 0:
            return list(self.missing(segments, place)), place
        if value.indexed and place.in_list:
            words = f"{_text(value)}[...] takes an item by its number, which Flow cannot; use a for loop"
            return [self.finding(_PATH, f"Liquid: {words}")], place
        return [], Place("") if value.indexed else place

    def missing(self, segments: tuple[str, ...], place: Place) -> Iterator[Finding]:
        segment, parent = segments[place.missing], cut(".".join(segments[: place.missing]))
        at_list = bool(place.lists) and place.lists[-1] == place.missing
        if at_list and segment in ("first", "last"):
            words = f"{parent}.{segment} takes one item of a list, which Flow cannot; use a for loop"
            yield self.finding(_PATH, f"Liquid: {words}")
        elif at_list and segment == "size":
            if family(place.owner) == "object":  # a list of texts has a size
                words = f"{parent}.size is not there; write {{{{ {parent}.id | size }}}}"
                yield self.finding(_PATH, f"Liquid: {words}")
        else:
            severity: Severity = "warning" if "metafields" in segments else "error"
            words = missing_field(segments, place, self.around.local)
            yield self.finding(_PATH, f"Liquid: {words}", severity)

    def output(self, value: Expression, place: Place) -> Iterator[Finding]:
        if not place.type:
            return
        is_object = place.family == "object"
        if "json" in value.filters and is_object:
            words = f"json prints no whole objects, {_text(value)} is one; print its fields"
            yield self.finding(_PRIMITIVE, f"Liquid: {words}")
        elif place.in_list:
            first = [name for name in value.filters if name in ("first", "last")]
            if first:
                words = f"| {first[0]} takes one item of a list, which Flow may not; use a for loop"
                yield self.finding(_PRIMITIVE, f"Liquid: {words}", "warning")
            elif not _REDUCING.intersection(value.filters):
                words = f"{_text(value)} is a list, Flow prints single values; use a for loop"
                yield self.finding(_PRIMITIVE, f"Liquid: {words}")
        elif is_object and not value.filters:
            words = f"{_text(value)} is a whole {place.name}, Flow prints single values; print its fields"
            yield self.finding(_PRIMITIVE, f"Liquid: {words}")


def _text(value: Expression) -> str:
    return cut(".".join(value.segments))
