"""Plain JSON of each part: what a spelling holds when no layout says otherwise.

Reading compares a file with its plain form to find the layout; writing starts from the plain form.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from schemas.catalog import tasks
from schemas.workflow.layout import Layout, StepLayout
from schemas.workflow.model import CONDITION, FOREACH, ConditionValue, Link, Step, Text, Workflow

_ROW_HEIGHT = 180


def step_names(task_ids: Iterable[str]) -> list[str | None]:
    """The default name of a step of each task: its label, with (1), (2), ... from the second use on."""
    uses: Counter[str] = Counter()
    names: list[str | None] = []
    for task_id in task_ids:
        label = tasks.default_step_name(task_id)
        if label is None:
            names.append(None)
            continue
        names.append(label if not uses[label] else f"{label} ({uses[label]})")
        uses[label] += 1
    return names


def plain_outside(workflow: Workflow, layout: Layout | None, spelling: str) -> dict[str, Any]:
    """The document around steps, links and patched fields, which are empty lists here."""
    root = layout.root if layout else {}
    if spelling == "flow":
        body = {
            "steps": [],
            "links": [],
            "patched_fields": [],
            "variables": [],
            "note": root.get("note"),
            "vertical_layout_enabled": root.get("vertical_layout_enabled", True),
            "workflow_name": workflow.name,
        }
    else:
        noted = {"note": root["note"]} if root.get("note") is not None else {}
        body = {"workflow_name": workflow.name, **noted, "steps": [], "links": [], "patched_fields": []}
    if layout is not None and layout.bare:
        return ordered(body, spelling)
    return {"__metadata": {"version": 0.1}, "root": ordered(body, spelling)}


def plain_step(
    step: Step,
    layout: StepLayout | None,
    number: int,
    name: str | None,
    spelling: str,
    texts: Sequence[str | None] = (),
) -> dict[str, Any]:
    """One step; `texts` are its values in the order of `field_ids`, nulls where none are given."""
    given = texts or [None] * len(step.fields)
    entries = [
        {"config_field_id": field, "value": text}
        for field, text in zip(field_ids(step, layout), given, strict=False)
    ]
    identity = step_id(step, layout, number, spelling)
    place = layout.position if layout else None
    description = layout.description if layout else None
    note = layout.note if layout else None
    if spelling == "flow":
        return {
            "step_id": identity,
            "step_position": place if layout else row(number),
            "config_field_values": entries,
            "task_id": step.task_id,
            "task_version": step.version,
            "task_type": step.kind,
            "description": description,
            "note": note,
            "name": name if step.name is None else step.name,
        }
    task = {"task_id": step.task_id, "task_version": step.version, "task_type": step.kind}
    captions = {"description": description, "note": note, "name": step.name}
    kept = {key: value for key, value in captions.items() if value is not None}
    where = {} if place is None else {"step_position": place}
    return ordered({"step_id": identity, **where, **task, "config_field_values": entries, **kept}, spelling)


def row(number: int) -> list[int]:
    """The place of a step where no file says one: below the step before."""
    return [0, number * _ROW_HEIGHT]


def field_ids(step: Step, layout: StepLayout | None) -> list[str]:
    """Field ids in the order of the file, where the layout still knows each of them."""
    fields = [field for field, _ in step.fields]
    if layout is None or layout.order is None:
        return fields
    if layout.order == ["-"]:
        return [] if is_unset(step) else fields
    kept = [field for field in layout.order if field in fields]
    return kept + [field for field in fields if field not in kept]


def is_unset(step: Step) -> bool:
    """Whether this is a condition or a loop that nobody filled in: its one field need not be in the file."""
    nothing = {CONDITION: ConditionValue(None), FOREACH: Text("")}.get(step.kind)
    return nothing is not None and step.fields[0][1] == nothing


def step_id(step: Step, layout: StepLayout | None, number: int, spelling: str) -> str | int:
    """The file's own id, or a stable new one: a uuid for exports, a number elsewhere."""
    if layout is not None:
        return layout.id
    if spelling == "flow":
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sidewheel:{number}:{step.task_id}"))
    return number + 1


def plain_link(link: Link, ids: Sequence[str | int], spelling: str) -> dict[str, Any]:
    """One link, with the ids of its steps."""
    return {
        "from_step_id": ids[link.source],
        "from_port_id": link.port,
        "to_step_id": ids[link.target],
        "to_port_id": "input",
    }


def ordered(value: dict[str, Any], spelling: str) -> dict[str, Any]:
    """Keys in the order of the spelling: the CLI sorts them."""
    return dict(sorted(value.items())) if spelling == "cli" else value
