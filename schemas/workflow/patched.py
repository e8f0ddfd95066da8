"""Patched fields: environment fields that need arguments, such as metafields (Flow format section 10).

Exports name the owner by its type (`ProductVariant`) and write the arguments as JSON text; the agent writes
`PRODUCT_VARIANT` and an object. The tree holds the type name and the object.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from schemas.errors import WorkflowRefused
from schemas.workflow.jsontext import apply_overlay, compact, overlay, read_json
from schemas.workflow.model import PatchedField

_KEYS: Final = frozenset({"id", "handle", "field", "patched_type", "arguments", "merchant_configured"})
_NEEDED: Final = ("handle", "field", "patched_type", "arguments")
_UPPER = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_PASCAL = re.compile(r"(?:[A-Z][a-z0-9]+)+")
_WORDS = re.compile(r"[A-Z][a-z0-9]+")
_CODE: Final = "WORKFLOW_STRUCTURE_INVALID"


def read_patched(entry: Any, where: str) -> PatchedField:
    """Read one patched field of either spelling.

    Raises:
        WorkflowRefused: for unknown or missing keys and values of the wrong type, with the path.
    """
    if not isinstance(entry, dict):
        raise WorkflowRefused(_CODE, "a patched field must be an object", path=where)
    for key in entry:
        if key not in _KEYS:
            raise WorkflowRefused("WORKFLOW_FIELD_NOT_ALLOWED", f"unknown key {key!r}", path=f"{where}/{key}")
    for key in _NEEDED:
        if key not in entry:
            raise WorkflowRefused(_CODE, f"the patched field has no {key!r}", path=where)
    for key in ("id", "handle", "field", "patched_type"):
        if not isinstance(entry.get(key, ""), str):
            raise WorkflowRefused(_CODE, f"{key} must be text", path=f"{where}/{key}")
    configured = entry.get("merchant_configured", True)
    if not isinstance(configured, bool):
        raise WorkflowRefused(
            _CODE, "merchant_configured must be true or false", path=f"{where}/merchant_configured"
        )
    arguments = entry["arguments"]
    if isinstance(arguments, str):
        arguments = read_json(arguments, f"{where}/arguments")
    if not isinstance(arguments, dict):
        raise WorkflowRefused(_CODE, "arguments must be an object", path=f"{where}/arguments")
    return PatchedField(
        _type_name(entry["patched_type"]), entry["handle"], entry["field"], in_order(arguments), configured
    )


def in_order(arguments: dict[str, Any]) -> str:
    """Arguments as text; they are named, so their order means nothing, and the CLI sorts them."""
    return compact(json.loads(json.dumps(arguments, sort_keys=True)))


def patched_layout(patched: PatchedField, entry: dict[str, Any], spelling: str) -> dict[str, Any]:
    """What the JSON of a patched field has beyond its meaning; `of` ties it to the field."""
    found: dict[str, Any] = {}
    if spelling == "flow" and "id" in entry:
        found["id"] = entry["id"]
    difference = overlay(_ordered(plain_patched(patched, spelling, found), spelling), entry)
    if difference is not None:
        found["differs"] = difference
    return {"of": f"{patched.owner}.{patched.handle}", **found} if found else found


def write_patched(
    fields: Sequence[PatchedField], layouts: Sequence[dict[str, Any]], spelling: str
) -> list[dict[str, Any]]:
    """The JSON of patched fields, each with its own layout: by owner and handle, else by its place."""
    names = [f"{field.owner}.{field.handle}" for field in fields]
    edited = len(layouts) != len(fields)
    kept = [{}] * len(fields) if edited else list(layouts)
    if edited or any(layout and layout["of"] != name for layout, name in zip(kept, names, strict=True)):
        by_name = {layout["of"]: layout for layout in layouts if layout}
        kept = [by_name.get(name, other) for name, other in zip(names, kept, strict=True)]
    written = []
    for field, layout in zip(fields, kept, strict=True):
        plain = _ordered(plain_patched(field, spelling, layout), spelling)
        written.append(apply_overlay(plain, layout.get("differs")))
    return written


def _ordered(value: dict[str, Any], spelling: str) -> dict[str, Any]:
    return dict(sorted(value.items())) if spelling == "cli" else value


def plain_patched(
    patched: PatchedField, spelling: str, layout: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """One patched field as a spelling writes it when nothing else is known."""
    if spelling == "flow":
        fresh = uuid.uuid5(uuid.NAMESPACE_URL, f"sidewheel:{patched.owner}.{patched.handle}")
        return {
            "id": layout.get("id", str(fresh)),
            "handle": patched.handle,
            "field": patched.field,
            "patched_type": patched.owner,
            "arguments": patched.arguments,
            "merchant_configured": patched.merchant_configured,
        }
    return {
        "field": patched.field,
        "arguments": read_json(patched.arguments),
        "handle": patched.handle,
        "patched_type": _upper_name(patched.owner),
        "merchant_configured": patched.merchant_configured,
    }


def _type_name(text: str) -> str:
    if not _UPPER.fullmatch(text):
        return text
    name = "".join(part.capitalize() for part in text.split("_"))
    return name if _upper_name(name) == text else text


def _upper_name(name: str) -> str:
    return "_".join(_WORDS.findall(name)).upper() if _PASCAL.fullmatch(name) else name
