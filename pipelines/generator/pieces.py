"""The typed pieces that a workflow is put together from, before anybody spells them.

These types are the generator's own: it makes foreign input, so it shares neither reader nor writer with
`schemas/workflow` and can be held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = [
    "AND",
    "OR",
    "ApiCall",
    "Compare",
    "Condition",
    "Link",
    "Logic",
    "Patched",
    "Port",
    "Quantified",
    "Reference",
    "Sketch",
    "Step",
    "Value",
    "both",
    "either",
]

AND: Literal["AND"] = "AND"
OR: Literal["OR"] = "OR"


@dataclass(slots=True)
class Compare:
    """`path operator literal`, or `path operator other` with a second path."""

    path: str
    operator: str
    literal: str = ""
    other: str = ""
    value_type: str = ""
    """What the export says the value is; resolved from the path where empty."""


@dataclass(slots=True)
class Logic:
    """Terms under one operator; no terms is a condition that was opened and left empty."""

    operator: Literal["AND", "OR"]
    terms: tuple[Condition, ...] = ()


@dataclass(slots=True)
class Quantified:
    """At least one (ANY), every one (ALL) or no (NONE) element of a list.

    The element is `<last segment>_item` in the paths of `body`.
    """

    operator: Literal["ANY", "ALL", "NONE"]
    path: str
    body: Condition

    @property
    def item(self) -> str:
        """The name of the element inside `body`."""
        return self.path.rpartition(".")[2] + "_item"


Condition: TypeAlias = Compare | Logic | Quantified


def both(*terms: Condition) -> Condition:
    """All terms; one term stands alone."""
    return terms[0] if len(terms) == 1 else Logic(AND, terms)


def either(*terms: Condition) -> Condition:
    """At least one of the terms; one term stands alone."""
    return terms[0] if len(terms) == 1 else Logic(OR, terms)


@dataclass(slots=True)
class Reference:
    """One object: the path of its id, or a GID."""

    path: str


@dataclass(slots=True)
class ApiCall:
    """One mutation and the text of its arguments, Liquid and all."""

    name: str
    blob: str


Value: TypeAlias = (
    "str | list[str] | list[list[str]] | dict[str, str] | Reference | ApiCall | Condition | None"
)


@dataclass(slots=True)
class Step:
    """One step; its id is its place in the sketch until it is spelled."""

    task: str
    kind: str
    version: str
    fields: Mapping[str, Value]
    name: str | None = None
    description: str | None = None
    note: str | None = None


Port: TypeAlias = tuple[int, str]
"""A step's place in the sketch and one of its outgoing ports."""

Link: TypeAlias = tuple[int, str, int]


@dataclass(slots=True)
class Patched:
    """An environment field that the merchant or a metaobject definition adds."""

    handle: str
    field: str
    on: str
    arguments: dict[str, str]
    merchant_configured: bool = True


@dataclass(slots=True)
class Sketch:
    """A workflow as it is meant. Links name steps by place; step 0 is the trigger."""

    intent: str
    name: str
    steps: list[Step] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    patched: list[Patched] = field(default_factory=list)
    items: dict[str, str] = field(default_factory=dict)
    """Loop item -> the path of its list from the root: `variantsForeachitem`: `getProductData.variants`."""
    note: str | None = None
