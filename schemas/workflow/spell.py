"""Writing a workflow as JSON: `flow`, `agent` or `cli`.

With the layout of the same spelling the result is the file's own bytes, edited only where the workflow was
edited. With the layout of another spelling ids, positions and captions are carried over. Without one they
are made, the same ones each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from schemas.catalog.environment import comparison_value_type, resolve
from schemas.workflow.arrangement import arrange
from schemas.workflow.documents import digest, style_of
from schemas.workflow.fresh import with_new_steps
from schemas.workflow.jsontext import apply_overlay, write_json
from schemas.workflow.layout import Layout, StepLayout, align
from schemas.workflow.model import Path, Step, Workflow
from schemas.workflow.patched import write_patched
from schemas.workflow.plain import (
    field_ids,
    is_unset,
    ordered,
    plain_link,
    plain_outside,
    plain_step,
    row,
    step_names,
)
from schemas.workflow.values import encode
from schemas.workflow.whitespace import refit

SPELLINGS: Final = ("flow", "agent", "cli")


def write(workflow: Workflow, layout: Layout | None = None, spelling: str | None = None) -> str:
    """Write a workflow; `spelling` is the layout's own by default, `flow` without a layout.

    The signature of an export is written only where the body is byte for byte the signed one.

    Raises:
        WorkflowRefused: where a condition has no text in the agent or CLI spelling.
    """
    target = spelling or (layout.spelling if layout else "flow")
    own = layout if layout is not None and layout.spelling == target else None
    origin = align(workflow, layout) if layout else []
    kept: Sequence[StepLayout | None] = [None] * len(workflow.steps)
    if layout:
        kept = with_new_steps(workflow, layout, _kept(workflow, layout, origin), target)
    steps = _steps(workflow, kept, target, own is not None)
    sources: dict[str, Sequence[int | None]] = {}
    links = _links(workflow, [step["step_id"] for step in steps], target)
    if own is not None:
        step_order, link_order, known = arrange(workflow, own, origin)
        links = [
            link if number is None else apply_overlay(link, own.links.get(str(number)))
            for link, number in zip(links, known, strict=True)
        ]
        steps = [steps[number] for number in step_order]
        links = [links[number] for number in link_order]
        sources = {
            "steps": _in_file([origin[number] for number in step_order], own.step_order),
            "links": _in_file([known[number] for number in link_order], own.link_order),
        }
    document = plain_outside(workflow, layout, target)
    if own is not None:
        document = apply_overlay(document, own.differs)
    root = document.get("root", document)
    root["steps"] = steps
    root["links"] = links
    if workflow.name:
        root.setdefault("workflow_name", workflow.name)
    patched = write_patched(workflow.patched_fields, own.patched_fields if own else [], target)
    if "patched_fields" in root or patched:
        root["patched_fields"] = patched
    body = write_json(document, refit(own.lexis, document, sources) if own else None, style_of(target))
    if own is not None and own.signature is not None and digest(body) == own.body_digest:
        return f"{own.signature}:{body}"
    return body


def _in_file(numbers: Sequence[int | None], order: Sequence[int] | None) -> list[int | None]:
    """Canonical numbers as numbers of the file's array."""
    if order is None:
        return list(numbers)
    place = {number: at for at, number in enumerate(order)}
    return [None if number is None else place.get(number) for number in numbers]


def _kept(workflow: Workflow, layout: Layout, origin: Sequence[int | None]) -> list[StepLayout | None]:
    """The layout of each step that is not new. Another trigger keeps the place of the old one."""
    kept: list[StepLayout | None] = []
    for step, number in zip(workflow.steps, origin, strict=True):
        known = None if number is None else layout.steps[number]
        if known is not None and known.task != step.task_id:
            known = StepLayout(
                step.task_id, known.id, known.position, known.description, known.note, differs=known.differs
            )
        kept.append(known)
    return kept


def _steps(
    workflow: Workflow, kept: Sequence[StepLayout | None], spelling: str, own: bool
) -> list[dict[str, Any]]:
    names = step_names(step.task_id for step in workflow.steps)
    written = []
    for number, (step, layout, name) in enumerate(zip(workflow.steps, kept, names, strict=True)):
        room = row(number) if spelling == "flow" else None
        shown = (
            layout
            if own or layout is None
            else StepLayout(layout.task, layout.id, layout.position or room, layout.description, layout.note)
        )
        entry = plain_step(step, shown, number, name, spelling, _texts(step, shown, number, spelling))
        if shown is not None and shown.differs is not None:
            entry = apply_overlay(entry, _with_needed(shown.differs, step))
        written.append(entry)
    return written


def _with_needed(difference: dict[str, Any], step: Step) -> dict[str, Any]:
    """A difference that leaves out what the step had not, and has by now, fits no more."""
    keys = difference.get("keys")
    if keys is None:
        return difference
    needed = {"config_field_values": bool(step.fields) and not is_unset(step), "name": step.name is not None}
    return {**difference, "keys": [*keys, *(key for key in needed if needed[key] and key not in keys)]}


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


def _links(workflow: Workflow, ids: Sequence[str | int], spelling: str) -> list[dict[str, Any]]:
    return [ordered(plain_link(link, ids, spelling), spelling) for link in workflow.links]
