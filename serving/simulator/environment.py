"""The environment of a run: what lies at the end of a path, in plain JSON.

    order = {"lineItems": [{"product": {"tags": ["a", "b"]}}]}
    lookup({"order": order}, path("order.lineItems.product.tags")) == ["a", "b"]

A path that crosses a list takes the field of each item, and lists of lists become one list. An item that
lacks the field, or has null there, gives nothing: a list holds no nil (inferred; no public source says). A
patched field is read under its handle like any other: `order.deliveryDate.value`. The capital first letter of
older files is lowered. How outputs are named and numbered is `schemas/workflow/scope.py`.

Not here: what Liquid makes of the environment (`liquid.py`) and what code selects of it (`selection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from schemas.workflow.condition_tree import lowered
from schemas.workflow.model import Path
from serving.simulator.events import Json
from serving.simulator.trace import SimulationError

__all__ = ["items_at", "label_of", "lookup", "text_of"]

_LABELS = ("name", "title", "displayName", "email", "sku", "handle", "key", "id")
"""Fields by which a person knows an object, the best first."""
_LONGEST_LABEL = 80


def lookup(environment: Mapping[str, Json], place: Path) -> Json:
    """What a path leads to; None where any of it is absent or null."""
    root, *fields = lowered(place).segments
    value = environment.get(root)
    for field in fields:
        value = _field(value, field)
    return value


def items_at(environment: Mapping[str, Json], place: Path, code: str) -> list[Json]:
    """The list at a path; empty where nothing is there.

    Raises:
        SimulationError: `code`, where something else than a list is there.
    """
    found = lookup(environment, place)
    if found is None:
        return []
    if not isinstance(found, list):
        raise SimulationError(code, f"{place.text} is no list, so it has no items to go through")
    return found


def text_of(value: Json) -> str:
    """One value as text: numbers without exponent and trailing zeros of a fraction, `true` and `false`.

    Raises:
        SimulationError: CONFIG_FIELD_NON_PRIMITIVE_ERROR for a list or a whole object.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if value is None:
        return ""
    kind = "a list" if isinstance(value, list) else "a whole object"
    raise SimulationError(
        "CONFIG_FIELD_NON_PRIMITIVE_ERROR", f"{kind} is no single value; take one of its fields"
    )


def label_of(item: Json) -> str | None:
    """How a person would call an item of a list; None where it says nothing of itself."""
    found = item
    if isinstance(item, dict):
        found = next((item[field] for field in _LABELS if isinstance(item.get(field), str)), None)
    if found is None or isinstance(found, list | dict):
        return None
    return text_of(found)[:_LONGEST_LABEL]


def _field(value: Json, field: str) -> Json:
    if isinstance(value, dict):
        return value.get(field)
    if not isinstance(value, list):
        return None
    found: list[Json] = []
    for item in value:
        inner = _field(item, field)
        if isinstance(inner, list):
            found.extend(inner)
        elif inner is not None:
            found.append(inner)
    return found
