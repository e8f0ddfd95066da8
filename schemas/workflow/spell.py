"""Writing a workflow as JSON: `flow`, `agent` or `cli`.

With the layout of the same spelling the result is the file's own bytes, edited only where the workflow was
edited. With the layout of another spelling ids, positions and captions are carried over. Without one they
are made, the same ones each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from schemas.catalog.environment import comparison_value_type, resolve
from schemas.workflow.documents import digest, style_of
from schemas.workflow.jsontext import apply_overlay, write_json
from schemas.workflow.layout import Layout, StepLayout, align
from schemas.workflow.model import Path, Step, Workflow
from schemas.workflow.patched import write_patched
from schemas.workflow.plain import (
    field_ids,
    ordered,
    plain_link,
    plain_outside,
    plain_step,
    step_names,
)
from schemas.workflow.values import encode

SPELLINGS: Final = ("flow", "agent", "cli")


def write(workflow: Workflow, layout: Layout | None = None, spelling: str | None = None) -> str:
    """Write a workflow; `spelling` is the layout's own by default, `flow` without a layout.

    The signature of an export is written only where the body is byte for byte the signed one.

    Raises:
        WorkflowRefused: where a condition has no text in the agent or CLI spelling.
    """
    target = spelling or (layout.spelling if layout else "flow")
    own = layout if layout is not None and layout.spelling == target else None
    kept: Sequence[StepLayout | None] = align(workflow, layout) if layout else [None] * len(workflow.steps)
    kept = _with_unique_ids(workflow, kept, target)
    steps = _steps(workflow, kept, target, own is not None)
    links = _links(workflow, [step["step_id"] for step in steps], own, target)
    document = plain_outside(workflow, layout, target)
    if own is not None:
        document = apply_overlay(document, own.differs)
    root = document.get("root", document)
    root["steps"] = _arranged(steps, own.step_order if own else None, len(own.steps) if own else 0)
    root["links"] = links
    patched = write_patched(workflow.patched_fields, own.patched_fields if own else [], target)
    if "patched_fields" in root or patched:
        root["patched_fields"] = patched
    body = write_json(document, own.lexis if own else None, style_of(target))
    if own is not None and own.signature is not None and digest(body) == own.body_digest:
        return f"{own.signature}:{body}"
    return body


def _with_unique_ids(
    workflow: Workflow, kept: Sequence[StepLayout | None], spelling: str
) -> list[StepLayout | None]:
    """New steps of an edited workflow get a layout with an id that no other step has."""
    if all(layout is None for layout in kept):
        return list(kept)
    taken = {str(layout.id) for layout in kept if layout}
    found = list(kept)
    for number, layout in enumerate(kept):
        if layout is not None:
            continue
        fresh: dict[str, Any] = plain_step(workflow.steps[number], None, number, None, spelling)
        identity, tries = fresh["step_id"], 0
        while str(identity) in taken:
            tries += 1
            identity = (
                max([0, *(part for part in map(_number, taken) if part)]) + 1
                if spelling != "flow"
                else f"{identity}-{tries}"
            )
        taken.add(str(identity))
        found[number] = StepLayout(workflow.steps[number].task_id, identity)
    return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _steps(
    workflow: Workflow, kept: Sequence[StepLayout | None], spelling: str, own: bool
) -> list[dict[str, Any]]:
    names = step_names(workflow.steps)
    written = []
    for number, (step, layout, name) in enumerate(zip(workflow.steps, kept, names, strict=True)):
        shown = (
            layout
            if own or layout is None
            else StepLayout(layout.task, layout.id, layout.position, layout.description, layout.note)
        )
        entry = plain_step(step, shown, number, name, spelling, _texts(step, shown, number, spelling))
        if shown is not None and shown.differs is not None:
            changed = apply_overlay(entry, shown.differs)
            if "config_field_values" in changed or not step.fields or shown.order == ["-"]:
                entry = changed
        written.append(entry)
    return written


def _texts(step: Step, layout: StepLayout | None, number: int, spelling: str) -> list[str | None]:
    values = dict(step.fields)
    traces = layout.values if layout else {}
    seed = f"{layout.id if layout else number}"
    return [
        encode(
            values[field],
            spelling,
            traces.get(field),
            seed=f"{seed}:{field}",
            type_of=_value_type,
            where=f"step {seed}, field {field}",
        )
        for field in field_ids(step, layout)
    ]


def _value_type(place: Path) -> str:
    return comparison_value_type(resolve(place.text))


def _links(
    workflow: Workflow, ids: Sequence[str | int], own: Layout | None, spelling: str
) -> list[dict[str, Any]]:
    differs = own.links if own else {}
    written = [
        apply_overlay(ordered(plain_link(link, ids, spelling), spelling), differs.get(str(number)))
        for number, link in enumerate(workflow.links)
    ]
    order = own.link_order if own else None
    return _arranged(written, order, len(order or []))


def _arranged(entries: list[dict[str, Any]], order: list[int] | None, known: int) -> list[dict[str, Any]]:
    """Entries in the array order of the file, where their number is still the same."""
    if order is None or known != len(entries):
        return entries
    return [entries[number] for number in order]
