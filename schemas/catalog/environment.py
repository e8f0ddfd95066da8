"""The environment of a workflow: what type lies at the end of a path such as `order.lineItems.product.tags`.

The types come from the Admin GraphQL API (`environment.json.gz`, distilled by `jobs/distil_environment.py`;
MIT, Shopify Inc.): every field that needs no argument, with connections flattened to lists, because Flow's
paths say `order.lineItems.product`, never `edges` or `nodes`.

An unknown root or field is an answer (`unknown`), never an error: metafields and other patched fields, code
outputs and apps' own objects exist in real workflows and in no schema.

A type is written `Order`, a list of it `[Order]`.
"""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, cast

__all__ = [
    "UNKNOWN",
    "Family",
    "Resolved",
    "comparison_value_type",
    "enum_values",
    "family",
    "fields_of",
    "resolve",
    "root_type",
]

Kind = Literal["scalar", "scalar in list", "list", "object", "unknown"]
Family = Literal["string", "number", "boolean", "date", "id", "enum", "object", "unknown"]
GraphqlKind = Literal["scalar", "enum", "object", ""]

FAMILIES: Mapping[str, Family] = {
    **dict.fromkeys(("String", "URL", "FormattedString", "HTML", "Color", "JSON", "StorefrontID"), "string"),
    **dict.fromkeys(("Int", "Float", "Decimal", "Money", "BigInt", "UnsignedInt64"), "number"),
    **dict.fromkeys(("Date", "DateTime"), "date"),
    "Boolean": "boolean",
    "ID": "id",
}

WHOLE_NUMBERS = frozenset({"Int", "BigInt", "UnsignedInt64"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a path leads to."""

    kind: Kind
    """`list` when the last field is a list (of scalars too), `scalar in list` when a list lies before it;
    `object` also for an object inside a list: `list_prefixes` tells."""
    type: str
    """The GraphQL type name of one value, empty when unknown."""
    graphql_kind: GraphqlKind
    """The kind of `type`; an interface or union is an `object`."""
    list_prefixes: tuple[str, ...]
    """The proper prefixes of the path that are lists, outermost first: what a condition has to iterate."""


UNKNOWN = Resolved("unknown", "", "", ())


def resolve(path: str, roots: Mapping[str, str] | None = None) -> Resolved:
    """Follow a path through the types.

    `roots` adds or replaces first segments: `{"lineItemsForeachitem": "LineItem", "li": "LineItem"}`.
    Paths of older files start with a capital (`Order.lineItems`), and repeated outputs carry a number
    (`getOrderData1`).
    """
    segments = path.split(".")
    notation = (roots or {}).get(segments[0]) or root_type(segments[0])
    prefixes: list[str] = []
    for place, segment in enumerate(segments[1:], start=1):
        if notation.startswith("["):
            prefixes.append(".".join(segments[:place]))
        notation = fields_of(notation.strip("[]")).get(segment, "")
    if not notation:
        return UNKNOWN
    name = notation.strip("[]")
    graphql_kind = _graphql_kind(name)
    if notation.startswith("["):
        kind: Kind = "list"
    elif graphql_kind == "object":
        kind = "object"
    else:
        kind = "scalar in list" if prefixes else "scalar"
    return Resolved(kind, name, graphql_kind, tuple(prefixes))


def root_type(name: str) -> str:
    """The type of what triggers and steps bring: `Order` for `order`, `[Order]` for `getOrderData`.

    Empty when unknown. Items of loops are bound by the workflow, so they are never here.
    """
    roots = _load().roots
    lowered = name[:1].lower() + name[1:]
    return roots.get(lowered) or _load().outputs.get(lowered.rstrip("0123456789"), "")


def fields_of(type_name: str) -> Mapping[str, str]:
    """Field name -> type of an object type; empty for scalars, enums, unions and unknown names."""
    return _fields(type_name) if type_name in _load().types else {}


def enum_values(type_name: str) -> tuple[str, ...]:
    """The constants of an enum type; empty for any other name."""
    return tuple(_load().enums.get(type_name, "").split())


def family(type_name: str) -> Family:
    """The types that share their operators: Money and Decimal are numbers, DateTime and Date are dates."""
    known = FAMILIES.get(type_name)
    if known:
        return known
    kind = _graphql_kind(type_name)
    return kind if kind in ("enum", "object") else "unknown"


def comparison_value_type(resolved: Resolved) -> str:
    """The `value_type` that an export's comparison carries for what a path leads to; String when unknown.

    Exports show String, Boolean, Int, Float (for a decimal amount), ID and enums; `DateTime` and `Date`
    follow the GraphQL name by inference.
    """
    if resolved.graphql_kind == "enum":
        return f"EnvironmentEnumDefinition:{resolved.type}"
    group = family(resolved.type)
    if group == "number":
        return f"EnvironmentScalarDefinition:{'Int' if resolved.type in WHOLE_NUMBERS else 'Float'}"
    if group in ("date", "boolean", "id"):
        return f"EnvironmentScalarDefinition:{resolved.type}"
    return "EnvironmentScalarDefinition:String"


def _graphql_kind(type_name: str) -> GraphqlKind:
    if type_name in _load().enums:
        return "enum"
    if type_name in FAMILIES:
        return "scalar"
    return "object" if type_name else ""


@dataclass(frozen=True, slots=True)
class _Environment:
    roots: Mapping[str, str]
    outputs: Mapping[str, str]
    types: Mapping[str, str]
    enums: Mapping[str, str]


@functools.cache
def _load() -> _Environment:
    packed = files("schemas.catalog").joinpath("environment.json.gz").read_bytes()
    table = cast("dict[str, dict[str, str]]", json.loads(gzip.decompress(packed)))
    return _Environment(table["roots"], table["outputs"], table["types"], table["enums"])


@functools.cache
def _fields(type_name: str) -> Mapping[str, str]:
    # Kept as one text a type in the file: most workflows touch three types of five hundred.
    return dict(field.split(":", 1) for field in _load().types[type_name].split())
