"""The environment of a workflow: what type lies at the end of a path such as `order.lineItems.product.tags`.

The types come from the Admin GraphQL API (`environment.json.gz`, distilled by `jobs/distil_environment.py`;
MIT, Shopify Inc.): every field that needs no argument, with connections flattened to lists, because Flow's
paths say `order.lineItems.product`, never `edges` or `nodes`. What one workflow adds to them (patched
fields, outputs of code) is `Local`; `schemas/workflow/environment.py` gathers it.

An unknown root or field is an answer (`unknown`), never an error: metafields and other patched fields, code
outputs and apps' own objects exist in real workflows and in no schema.

A type is written `Order`, a list of it `[Order]`, and the empty text is a type that nobody knows.
"""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

from schemas.catalog.input_values import InputValue, read_input_values

__all__ = [
    "NOTHING_LOCAL",
    "UNKNOWN",
    "WHOLE_NUMBERS",
    "Family",
    "Local",
    "Patchable",
    "Resolved",
    "comparison_value_type",
    "enum_values",
    "family",
    "field_type",
    "fields_in",
    "fields_of",
    "first_missing",
    "follow",
    "graphql_kind",
    "has_open_fields",
    "output_type",
    "patchable_fields",
    "resolve",
    "root_type",
    "roots_of",
    "usual_type",
]

Kind = Literal["scalar", "scalar in list", "list", "object", "unknown"]
Family = Literal["string", "number", "boolean", "date", "id", "enum", "object", "unknown"]
GraphqlKind = Literal["scalar", "enum", "object", ""]

FAMILIES: Mapping[str, Family] = {
    **dict.fromkeys(("String", "URL", "FormattedString", "HTML", "Color", "JSON", "StorefrontID"), "string"),
    **dict.fromkeys(("ARN", "UtcOffset"), "string"),
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


@dataclass(frozen=True, slots=True)
class Local:
    """Types that one workflow has beyond the API's."""

    fields: Mapping[str, Mapping[str, str]]
    """Type name -> field -> type; a type of the API keeps its own fields beside these."""
    enums: Mapping[str, tuple[str, ...]]
    """Enum name -> its constants."""


NOTHING_LOCAL: Final = Local(MappingProxyType({}), MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Patchable:
    """A field that needs arguments: a workflow reads it under a handle of its own, as a patched field."""

    type: str
    """What it gives, as in paths: `Metafield`, `[Translation]`."""
    arguments: Mapping[str, InputValue]


def resolve(path: str, roots: Mapping[str, str] | None = None) -> Resolved:
    """Follow a path through the types.

    `roots` adds or replaces first segments: `{"lineItemsForeachitem": "LineItem", "li": "LineItem"}`.
    Paths of older files start with a capital (`Order.lineItems`), and repeated outputs carry a number
    (`getOrderData1`).
    """
    root = path.partition(".")[0]
    return follow(path, (roots or {}).get(root) or root_type(root))


def follow(path: str, root: str, local: Local = NOTHING_LOCAL) -> Resolved:
    """Follow a path whose first segment has the type `root`, with what one workflow adds to the types."""
    segments = path.split(".")
    notation = root
    prefixes: list[str] = []
    for place, segment in enumerate(segments[1:], start=1):
        if notation.startswith("["):
            prefixes.append(".".join(segments[:place]))
        notation = field_type(notation.strip("[]"), segment, local) or ""
        if not notation:
            return UNKNOWN
    if not notation:
        return UNKNOWN
    name = notation.strip("[]")
    kind_of_type = graphql_kind(name, local)
    if notation.startswith("["):
        kind: Kind = "list"
    elif kind_of_type == "object":
        kind = "object"
    else:
        kind = "scalar in list" if prefixes else "scalar"
    return Resolved(kind, name, kind_of_type, tuple(prefixes))


def first_missing(path: str, root: str, local: Local = NOTHING_LOCAL) -> str:
    """The shortest prefix of a path that names a field which its type lacks: `order.totlPrice`.

    Empty where every field exists or may exist: nothing is known below an unknown type, and the fields of
    an interface, a union, a JSON text or a metaobject depend on the object.
    """
    segments = path.split(".")
    notation = root
    for place, segment in enumerate(segments[1:], start=1):
        name = notation.strip("[]")
        if not name:
            return ""
        found = field_type(name, segment, local)
        if found is None:
            return "" if has_open_fields(name) else ".".join(segments[: place + 1])
        notation = found
    return ""


def has_open_fields(type_name: str) -> bool:
    """Whether a type may have fields that stand in no schema: they depend on the object."""
    return type_name in _open_types()


def field_type(type_name: str, field: str, local: Local) -> str | None:
    """The type of a field; empty where it exists and nobody knows its type, None where it does not exist."""
    added = local.fields.get(type_name)
    if added is not None and field in added:
        return added[field]
    return fields_of(type_name).get(field)


def usual_type(field: str) -> str:
    """The type that most fields of a name have in the API: `DateTime` for `createdAt`; empty for none.

    For the fields of types that the distilled API does not hold, such as the members of a union.
    """
    return _usual_types().get(field, "")


def root_type(name: str) -> str:
    """The type of what triggers and steps bring: `Order` for `order`, `[Order]` for `getOrderData`.

    Empty when unknown. Items of loops are bound by the workflow, so they are never here.
    """
    lowered = name[:1].lower() + name[1:]
    return _load().roots.get(lowered) or output_type(lowered.rstrip("0123456789"))


def roots_of(type_name: str) -> tuple[str, ...]:
    """The names under which triggers bring one object of a type: `codeDiscount` for `DiscountCodeNode`."""
    return tuple(name for name, kind in _load().roots.items() if kind == type_name)


def output_type(name: str) -> str:
    """The type of what a step brings, by its name without a number; empty when it depends on the step."""
    return _load().outputs.get(name, "")


def fields_of(type_name: str) -> Mapping[str, str]:
    """Field name -> type of an object type; empty for scalars, enums, unions and unknown names."""
    return _fields(type_name) if type_name in _load().types else {}


def fields_in(type_name: str, local: Local) -> Mapping[str, str]:
    """Field name -> type of an object type, with what one workflow adds to it."""
    added = local.fields.get(type_name)
    return {**fields_of(type_name), **added} if added else fields_of(type_name)


def patchable_fields(type_name: str) -> Mapping[str, Patchable]:
    """Field name -> field, for the fields of a type that need arguments (`inCollection`, `metafield`)."""
    return _patchable(type_name) if type_name in _load().patchable else {}


def enum_values(type_name: str) -> tuple[str, ...]:
    """The constants of an enum type; empty for any other name."""
    return tuple(_load().enums.get(type_name, "").split())


def family(type_name: str) -> Family:
    """The types that share their operators: Money and Decimal are numbers, DateTime and Date are dates."""
    known = FAMILIES.get(type_name)
    if known:
        return known
    kind = graphql_kind(type_name)
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


def graphql_kind(type_name: str, local: Local = NOTHING_LOCAL) -> GraphqlKind:
    """Whether a name is a scalar, an enum or an object; every name that nothing else claims is an object."""
    if type_name in _load().enums or type_name in local.enums:
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
    patchable: Mapping[str, str]
    abstract: str


@functools.cache
def _load() -> _Environment:
    packed = files("schemas.catalog").joinpath("environment.json.gz").read_bytes()
    table = json.loads(gzip.decompress(packed))
    return _Environment(**{name: table[name] for name in _Environment.__dataclass_fields__})


@functools.cache
def _fields(type_name: str) -> Mapping[str, str]:
    # Kept as one text a type in the file: most workflows touch three types of a thousand.
    return dict(field.split(":", 1) for field in _load().types[type_name].split())


@functools.cache
def _usual_types() -> Mapping[str, str]:
    counts: dict[str, dict[str, int]] = {}
    for text in _load().types.values():
        for field in text.split():
            name, _, kind = field.partition(":")
            kinds = counts.setdefault(name, {})
            kinds[kind] = kinds.get(kind, 0) + 1
    return {name: max(kinds, key=lambda kind: (kinds[kind], kind)) for name, kinds in counts.items()}


@functools.cache
def _patchable(type_name: str) -> Mapping[str, Patchable]:
    found = {}
    for word in _load().patchable[type_name].split():
        name, _, rest = word.partition("(")
        arguments, _, kind = rest.partition("):")
        found[name] = Patchable(kind, read_input_values(arguments, ","))
    return MappingProxyType(found)


@functools.cache
def _open_types() -> frozenset[str]:
    return frozenset([*_load().abstract.split(), "JSON", "Metaobject"])
