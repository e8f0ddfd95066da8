"""Input values of GraphQL: the arguments of a mutation or a field, and the fields of an input object.

The package data writes them as text, one word each: `input:[ProductInput!]! notify:Boolean!=`, where the
sign at the end says that the API has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["InputValue", "base_type", "read_input_values"]

_DEFAULT = "="


@dataclass(frozen=True, slots=True)
class InputValue:
    """One argument, or one field of an input object."""

    name: str
    type: str
    """In GraphQL's own notation: `[ID!]!` is a list that must be there, of ids that must be there."""
    required: bool
    """Whether leaving it out is an error: not null, and no default."""


def base_type(notation: str) -> str:
    """The name inside a notation: `ID` of `[ID!]!`."""
    return notation.strip("[]!")


def read_input_values(text: str, separator: str | None = None) -> Mapping[str, InputValue]:
    """Name -> input value, in the API's order. `separator` stands between values, white space by default."""
    found = {}
    for word in text.split(separator):
        name, _, notation = word.partition(":")
        kind = notation.removesuffix(_DEFAULT)
        found[name] = InputValue(name, kind, kind.endswith("!") and kind == notation)
    return MappingProxyType(found)
