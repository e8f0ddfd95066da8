"""The workflow tree: what a workflow means, in one typed form that every spelling reads into.

A `Workflow` holds no ids, positions or uuids: its steps are numbered in *canonical order* (the order in
which its Python text is read, see `graph`), step 0 is the trigger, and links name steps by that number.
Everything else that a file carries is its `layout`.

Paths keep the environment's own spelling (`order.lineItems`), with two normalisations: the capital first
letter of older files is lowered, and the variable of a list operator is `<last segment>_item`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

TRIGGER: Final = "TRIGGER"
CONDITION: Final = "CONDITION"
ACTION: Final = "ACTION"
FOREACH: Final = "FOREACH"
WAIT: Final = "WAIT"

PORTS: Final[dict[str, tuple[str, ...]]] = {
    TRIGGER: ("output",),
    ACTION: ("output",),
    WAIT: ("output",),
    CONDITION: ("true", "false"),
    FOREACH: ("loop_body", "after"),
}
"""Outgoing ports of each task type, in reading order (Flow format section 6)."""

CONDITION_TASK: Final = "shopify::flow::condition"
FOREACH_TASK: Final = "shopify::flow::foreach"
SCHEDULE_TASK: Final = "shopify::flow::scheduled_time"


@dataclass(frozen=True, slots=True)
class Path:
    """A place in the environment, such as `order.lineItems`: `segments` is `("order", "lineItems")`."""

    segments: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.segments)

    @property
    def root(self) -> str:
        return self.segments[0]


def path(text: str) -> Path:
    """Split a dotted path; total, so that even an empty or odd text is carried."""
    return Path(tuple(text.split(".")))


# -- conditions -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """The literal of a comparison. `text` is what the file holds; `kind` says how condition text writes it.

    A number or boolean whose text is not the canonical one (`012`, `TRUE`) is carried as a string.
    """

    text: str
    kind: Literal["string", "number", "boolean"] = "string"


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`; `right` is None for unary operators (`nil?`)."""

    operator: str
    left: Path
    right: Path | Constant | None


@dataclass(frozen=True, slots=True)
class Logic:
    """At least two terms under one operator; no term is a `Logic` of the same operator."""

    operator: Literal["and", "or"]
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Quantifier:
    """`any?`, `all?` or `none?` over a list; paths inside `body` that start with `item` mean the element."""

    operator: Literal["any", "all", "none"]
    source: Path
    item: str
    body: Condition


Condition: TypeAlias = Compare | Logic | Quantifier

UNARY: Final = frozenset({"nil?", "not_nil?", "empty_or_nil?", "not_empty_and_not_nil?"})

# -- config values --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A value carried as it is written; None where the file says null."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Bare:
    """An integer, float or boolean in its canonical text (`100`, `0.5`, `true`)."""

    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The object an action works on: a path of the environment, or a literal such as a GID or Liquid."""

    target: Path | str


@dataclass(frozen=True, slots=True)
class PathValue:
    """A bare environment path, as For each, Count and Sum take."""

    path: Path


@dataclass(frozen=True, slots=True)
class Json:
    """An array, map or object, as compact JSON text (keys in the file's order)."""

    text: str


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One Admin API mutation; `arguments` is a compact JSON object, None where `blob` is not plain JSON."""

    name: str
    arguments: str | None
    blob: str = ""


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """The expression of a condition step; None where the merchant never filled it in."""

    condition: Condition | None


Value: TypeAlias = Text | Bare | Reference | PathValue | Json | ApiCall | ConditionValue

# -- the graph ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One node. `fields` are in catalogue order; `name` is set only where it is not the task's default."""

    kind: str
    task_id: str
    version: str
    fields: tuple[tuple[str, Value], ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An edge from `port` of one step to the input of another; steps by canonical number."""

    source: int
    port: str
    target: int


@dataclass(frozen=True, slots=True)
class PatchedField:
    """An environment field that needs arguments, such as a metafield; `arguments` is a JSON object."""

    owner: str
    handle: str
    field: str
    arguments: str
    merchant_configured: bool = True


@dataclass(frozen=True, slots=True)
class Workflow:
    """A whole workflow. `steps[0]` is the trigger; `links` are in canonical order."""

    name: str
    steps: tuple[Step, ...]
    links: tuple[Link, ...]
    patched_fields: tuple[PatchedField, ...] = ()

    @property
    def trigger(self) -> Step:
        return self.steps[0]

    @property
    def edges(self) -> list[tuple[int, str, int]]:
        """The links as (source, port, target), in their order."""
        return [(link.source, link.port, link.target) for link in self.links]
