"""The fields that a workflow's patched fields add to the types of the environment (Flow format section 10).

What a patched field gives is the API's own answer, save for a metafield: Flow reads its `value` by the type
of its definition, which no workflow holds. A step of the same workflow that writes the metafield names that
type; without one the value is unknown. Only money is seen in exports (`anchorPrice.value.amount`); the other
types of values follow the list of metafield types in Shopify's API documentation, by inference.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from schemas.catalog.environment import fields_of, patchable_fields
from schemas.workflow.model import Json, PatchedField, Text, Workflow

__all__ = ["added_fields"]

_Name: TypeAlias = tuple[str, str, str]
"""Owner, namespace and key of a metafield."""

_METAFIELD: Final = "Metafield"
_VALUES: Final[Mapping[str, str]] = {
    "boolean": "Boolean",
    "color": "Color",
    "date": "Date",
    "date_time": "DateTime",
    "id": "ID",
    "money": "MoneyV2",
    "multi_line_text_field": "String",
    "number_decimal": "Decimal",
    "number_integer": "Int",
    "single_line_text_field": "String",
    "url": "URL",
}
_METAOBJECT = re.compile(r"metaobject_\d+", re.ASCII)
_WRITES = re.compile(r"shopify::admin::(?:add|remove)_([a-z_]+)_metafield", re.ASCII)


def added_fields(workflow: Workflow) -> Mapping[str, Mapping[str, str]]:
    """Type name -> handle -> type, and the types of metafields that these name.

    A handle that is the name of a field has no known type: which of the two Flow reads is not public.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    written = _written_types(workflow) if workflow.patched_fields else {}
    for patched in workflow.patched_fields:
        kind = _kind(patched)
        if kind == _METAFIELD:
            name = _named(patched.owner, _object(patched.arguments))
            value = _value(written.get(name, set()) if name else set())
            kind = f"{_METAFIELD}({value})" if value else f"{_METAFIELD}(unknown)"
            found[kind] = {**fields_of(_METAFIELD), "value": value}
        # Which root has which definition is the shop's knowledge: every metaobject may have its fields.
        others = ("Metaobject",) if _METAOBJECT.fullmatch(patched.owner) else ()
        for owner in (patched.owner, *others):
            found[owner][patched.handle] = "" if patched.handle in fields_of(owner) else kind
    return found


def _kind(patched: PatchedField) -> str:
    needs = patchable_fields(patched.owner).get(patched.field)
    return needs.type if needs else fields_of(patched.owner).get(patched.field, "")


def _value(kinds: set[str]) -> str:
    """The type of a metafield's value, from what the steps that write it say; empty unless they agree."""
    kind = next(iter(kinds)) if len(kinds) == 1 else ""
    single = _VALUES.get(kind.removeprefix("list."), "")
    return f"[{single}]" if single and kind.startswith("list.") else single


def _written_types(workflow: Workflow) -> Mapping[_Name, set[str]]:
    """(owner, namespace, key) -> the metafield types that steps name for it."""
    found: dict[_Name, set[str]] = defaultdict(set)
    for owner, spoken in _spoken(workflow):
        kind = spoken.get("type")
        name = _named(owner, spoken)
        if isinstance(kind, str) and name is not None:
            found[name].add(kind)
    return found


def _spoken(workflow: Workflow) -> Iterator[tuple[str, Mapping[str, object]]]:
    for step in workflow.steps:
        named = _WRITES.fullmatch(step.task_id)
        if not named:
            continue
        owner = "".join(part.capitalize() for part in named[1].split("_"))
        fields = dict(step.fields)
        metafield = fields.get("metafield")
        if isinstance(metafield, Json):
            yield owner, _object(metafield.text)
        elif "value_type" in fields:  # version 0.1 has a field for each
            texts = {name: value.text for name, value in fields.items() if isinstance(value, Text)}
            yield owner, {**texts, "type": texts.get("value_type")}


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _named(owner: str, spoken: Mapping[str, object]) -> _Name | None:
    """Owner, namespace and key; None where the key is no text and so names nothing."""
    namespace, key = spoken.get("namespace"), spoken.get("key")
    return (owner, namespace if isinstance(namespace, str) else "", key) if isinstance(key, str) else None
