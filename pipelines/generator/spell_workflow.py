"""A sketch as a document, and a document as text, in each of the three spellings (Flow format section 2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from pipelines.generator.draw import Draw, id_maker
from pipelines.generator.pieces import (
    ApiCall,
    Compare,
    Link,
    Logic,
    Patched,
    Quantified,
    Reference,
    Sketch,
    Value,
)
from pipelines.generator.spell_condition import condition_text, condition_tree
from pipelines.generator.style import Style

__all__ = ["Document", "document_of", "text_of"]

Document = dict[str, Any]
"""The parsed workflow JSON: `__metadata` and `root`."""

METADATA = {"version": 0.1}
SPACED = json.JSONEncoder(ensure_ascii=False)
CORNERS = ((900, 1060), (60, 60), (920, 1180), (900, 1160), (-340, -120))
"""Where the first step stands on older canvases."""
SHORT_NAMES = {"lineItems_item": "li", "tags_item": "t", "variants_item": "v", "fulfillments_item": "f"}
ENUM_NAMES = {"ProductVariant": "PRODUCT_VARIANT", "DraftOrder": "DRAFT_ORDER"}


def document_of(sketch: Sketch, style: Style, draw: Draw) -> Document:
    """The workflow as a JSON value, in the key order of its spelling."""
    if style.spelling == "agent":
        return _agent_document(sketch, style, draw)
    make_id = id_maker(draw, style.ids)
    ids: list[str | int] = [make_id() for _ in sketch.steps]
    places = _places(sketch, style, draw)
    steps = [
        {
            "step_id": ids[number],
            "step_position": places[number],
            "config_field_values": [
                {"config_field_id": field, "value": _value(value, sketch, style, make_id, draw)}
                for field, value in step.fields.items()
            ],
            "task_id": step.task,
            "task_version": step.version,
            "task_type": step.kind,
            "description": step.description,
            "note": step.note,
            "name": step.name,
        }
        for number, step in enumerate(sketch.steps)
    ]
    root: Document = {"steps": _ordered_steps(steps, style, draw), "links": _links(sketch, ids, style, draw)}
    if style.num_root_keys >= 4 or sketch.patched:
        root["patched_fields"] = [
            {
                "id": make_id(),
                "handle": patch.handle,
                "field": patch.field,
                "patched_type": patch.on,
                "arguments": patch.arguments if style.spelling == "cli" else _json(patch.arguments),
                "merchant_configured": patch.merchant_configured,
            }
            for patch in sketch.patched
        ]
    if style.num_root_keys >= 6:
        root["variables"] = []
        root["note"] = sketch.note
    if style.num_root_keys == 7:
        root["vertical_layout_enabled"] = style.vertical
    root["workflow_name"] = sketch.name
    return {"__metadata": METADATA, "root": root}


def text_of(document: Document, style: Style, draw: Draw) -> str:
    """The text of the file: minified and signed (export), sorted and indented (CLI), any layout (agent)."""
    if style.spelling == "cli":
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(document, option=options).decode()
    if style.spelling == "agent":
        layout = draw.random()
        if layout < 0.2:
            return SPACED.encode(document)
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 if layout < 0.7 else None).decode()
    body = orjson.dumps(document).decode()
    return f"{draw.hex(64)}:{body}" if style.signed else body


def _agent_document(sketch: Sketch, style: Style, draw: Draw) -> Document:
    """What Shopify's skill prints: optional keys may be missing and ids are short."""
    if draw.chance(0.6):
        ids: list[str | int] = list(range(1, len(sketch.steps) + 1))
    elif draw.chance(0.5):
        ids = [f"step-{number}" for number in range(1, len(sketch.steps) + 1)]
    else:
        ids = [step.kind.lower() + f"_{number}" for number, step in enumerate(sketch.steps)]
    positions = _places(sketch, style, draw) if draw.chance(0.3) else None
    captioned = draw.chance(0.5)
    aliases = SHORT_NAMES if draw.chance(0.5) else {}
    steps = []
    for number, step in enumerate(sketch.steps):
        entry: Document = {"step_id": ids[number]}
        if positions:
            entry["step_position"] = positions[number]
        entry["task_id"] = step.task
        entry["task_version"] = step.version
        entry["task_type"] = step.kind
        if captioned or step.description or step.note:
            entry["description"] = step.description
            entry["note"] = step.note
        if captioned or step.name:
            entry["name"] = step.name
        entry["config_field_values"] = [
            {"config_field_id": field, "value": _agent_value(value, sketch, aliases)}
            for field, value in step.fields.items()
        ]
        steps.append(entry)
    root: Document = {"workflow_name": sketch.name, "steps": steps, "links": _links(sketch, ids, style, draw)}
    if sketch.patched or draw.chance(0.8):
        root["patched_fields"] = [_agent_patch(patch) for patch in sketch.patched]
    return {"__metadata": METADATA, "root": root}


def _agent_patch(patch: Patched) -> Document:
    return {
        "field": patch.field,
        "arguments": patch.arguments,
        "handle": patch.handle,
        "patched_type": ENUM_NAMES.get(patch.on, patch.on.upper()),
        "merchant_configured": patch.merchant_configured,
    }


def _value(value: Value, sketch: Sketch, style: Style, make_id: Callable[[], str], draw: Draw) -> str | None:
    """The text of a config field, as exports hold it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (Compare, Quantified, Logic)):
        if style.spelling == "cli":
            return condition_text(value, items=sketch.items, aliases={})
        return condition_tree(value, style=style.tree, items=sketch.items, make_id=make_id, draw=draw)
    if isinstance(value, Reference):
        if style.spelling == "cli":
            return _agent_reference(value)
        if style.bare_references:
            return value.path
        if value.path.startswith("gid:"):
            return _json({"value": value.path, "default_value": value.path}, style.tree.spaced)
        return _json({"value": "", "default_value": value.path}, style.tree.spaced)
    if isinstance(value, ApiCall):
        return _json({"name": value.name, "blob": value.blob})
    return _json(value, style.tree.spaced)


def _agent_value(value: Value, sketch: Sketch, aliases: Mapping[str, str]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (Compare, Quantified, Logic)):
        return condition_text(value, items=sketch.items, aliases=aliases)
    if isinstance(value, Reference):
        return _agent_reference(value)
    if isinstance(value, ApiCall):
        return _json({"name": value.name, "blob": value.blob}, spaced=True)
    return _json(value, spaced=True)


def _agent_reference(reference: Reference) -> str:
    target = reference.path if reference.path.startswith("gid:") else f"{{{{ {reference.path} }}}}"
    return f'{{"value": "{target}", "default_value": ""}}'


def _json(value: object, spaced: bool = False) -> str:
    return SPACED.encode(value) if spaced else orjson.dumps(value).decode()


def _ordered_steps(steps: list[Document], style: Style, draw: Draw) -> list[Document]:
    if style.step_order == "trigger last":
        return [*steps[1:], steps[0]]
    return draw.mixed(steps) if style.step_order == "mixed" else steps


def _links(sketch: Sketch, ids: Sequence[str | int], style: Style, draw: Draw) -> list[Document]:
    links: Sequence[Link] = sketch.links
    if style.spelling != "agent" and style.link_order == "mixed":
        links = draw.mixed(links)
    elif style.spelling != "agent" and style.link_order == "conditions first":
        links = sorted(links, key=lambda link: link[1] not in ("true", "false"))
    return [
        {"from_step_id": ids[start], "from_port_id": port, "to_step_id": ids[end], "to_port_id": "input"}
        for start, port, end in links
    ]


def _places(sketch: Sketch, style: Style, draw: Draw) -> list[list[int]]:
    """Canvas places: one column downwards (2026) or one row to the right (before), branches beside it."""
    depth = [0] * len(sketch.steps)
    lane = [0] * len(sketch.steps)
    lanes = 0
    previous = -1
    for start, _, end in sketch.links:
        depth[end] = depth[start] + 1
        lane[end] = lane[start]
        if start <= previous:
            lanes += 1
            lane[end] = lanes
        previous = start
    if style.vertical:
        return [[180 * aside, 160 * along] for along, aside in zip(depth, lane, strict=True)]
    left, top = draw.pick(CORNERS)
    return [[left + 340 * along, top + 240 * aside] for along, aside in zip(depth, lane, strict=True)]
