"""Config fields of tasks: what a field takes, and what its text holds.

The names of `FieldType` are Shopify's own (`ConfigFieldType` of the Admin API's Automation part and the Flow
skill); what the text of each holds is known from exports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

__all__ = ["FIELD_TYPES", "VALUE_TYPES", "ConfigField", "FieldType", "ValueType"]

ValueType = Literal[
    "text",  # plain text or code, Liquid where allowed
    "integer",
    "float",
    "boolean",
    "reference",  # one object: {"value":"","default_value":"order.id"} as text; older files: a bare path
    "path",  # a bare environment path
    "strings",  # a JSON array of strings
    "map",  # a JSON array of [key, value] pairs
    "object",  # a JSON object
    "api_call",  # {"name":"mutation","blob":"JSON text, perhaps only after Liquid ran"}
    "recurrence",  # a JSON array of one iCalendar text
    "condition",  # the AST as JSON text, or condition text in the agent spelling
]

FieldType = Literal[
    "ApiCall",
    "Array",
    "Boolean",
    "Code",
    "Collections",
    "CommerceObject",
    "Condition",
    "Duration",
    "Enum",
    "Float",
    "HardcodedPath",
    "Integer",
    "Map",
    "MarketingActivity",
    "Metafield",
    "Path",
    "Recurrence",
    "Select",
    "ShippingCarrierServices",
    "ShippingPackage",
    "ShopifyqlQuery",
    "Sort",
    "Text",
    "Weight",
]

FIELD_TYPES: Final[frozenset[str]] = frozenset(get_args(FieldType))

VALUE_TYPES: Final[Mapping[str, ValueType]] = {
    **dict.fromkeys(FIELD_TYPES, "text"),
    "ApiCall": "api_call",
    "Array": "strings",
    "Boolean": "boolean",
    "CommerceObject": "reference",
    "Condition": "condition",
    "Float": "float",
    "HardcodedPath": "path",
    "Integer": "integer",
    "Map": "map",
    "Metafield": "object",
    "Path": "path",
    "Recurrence": "recurrence",
    "Sort": "object",
}
"""Field type -> what its text holds; `text` where no file shows it, so that any text is carried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigField:
    """One config field of a task."""

    id: str
    label: str = ""
    """What the editor calls it."""
    description: str = ""
    type: FieldType = "Text"
    required: bool = False
    """Whether the task makes no sense without it. Exports hold empty required fields all the same."""
    allowed: tuple[str, ...] = ()
    """The only values it takes; empty: any."""
    minimum: int | None = None
    maximum: int | None = None
    """The range of a number, both ends included."""
    pattern: str = ""
    """A JavaScript regular expression that the text matches, for people and models: it is never run here."""
    object_types: tuple[str, ...] = ()
    """What kinds of objects it takes, as types of the Admin API."""
    default: str | None = None
    """The text that the editor puts in at first."""
    liquid: bool = False
    """Whether its text may hold Liquid."""
    wrapped: bool = False
    """Whether its text is {"value": ..., "default_value": ...}; older files hold a bare path."""
    versions: tuple[str, ...] = ()
    """The versions of the task that have it; empty: all."""
    known: bool = True
    """Whether it was seen; a guess from the fields of like tasks is false."""

    @property
    def value_type(self) -> ValueType:
        """What its text holds."""
        return VALUE_TYPES[self.type]

    def exists_in(self, version: str) -> bool:
        """Whether the task has it in `version`."""
        return not self.versions or version in self.versions
