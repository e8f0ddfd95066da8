"""The layout: everything in a file that has no meaning to a model.

Ids, positions, captions and notes, the order of arrays, which optional keys are there, white space, uuids
and value types of conditions, the signature. With the Python text it gives the file's bytes back; without
it the workflow is the same workflow. It is plain JSON so that it can stand beside the text in a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.errors import UsageError, WorkflowRefused
from schemas.workflow.alignment import Edge, Profile, marks_of, match
from schemas.workflow.jsontext import MAX_BYTES, MAX_DEPTH, compact, read_json
from schemas.workflow.model import Workflow

VERSION = 1
_MAX_BYTES = 16 * MAX_BYTES
_MAX_DEPTH = 4 * MAX_DEPTH
"""A layout holds differences of the file's values, and those nest two levels for each of the file's."""


@dataclass(slots=True)
class StepLayout:
    """Layout of one step: `differs` is what its JSON has beyond the plain form, `values` the value traces.

    `marks` recognises the step after an edit (`alignment`).
    """

    task: str
    id: str | int
    position: list[int] | None = None
    description: str | None = None
    note: str | None = None
    order: list[str] | None = None
    values: dict[str, Any] = field(default_factory=dict)
    differs: Any = None
    marks: str = ""


@dataclass(slots=True)
class Layout:
    """Layout of one file; `steps` is in canonical order, `step_order` and `link_order` are the arrays'.

    `edges` are the links as they were: source, port and target, in canonical order.
    """

    spelling: str
    steps: list[StepLayout]
    signature: str | None = None
    body_digest: str | None = None
    step_order: list[int] | None = None
    link_order: list[int] | None = None
    edges: list[list[Any]] = field(default_factory=list)
    bare: bool = False
    root: dict[str, Any] = field(default_factory=dict)
    patched_fields: list[dict[str, Any]] = field(default_factory=list)
    links: dict[str, Any] = field(default_factory=dict)
    differs: Any = None
    lexis: Any = None

    def to_json(self) -> str:
        """Canonical JSON text: compact, empty parts left out."""
        body = {
            name: value for name in _FIELDS if (value := getattr(self, name)) not in (None, False, {}, [])
        }
        steps = [
            {name: value for name in _STEP_FIELDS if (value := getattr(step, name)) not in (None, {}, [])}
            for step in self.steps
        ]
        return compact({"version": VERSION, **body, "steps": steps})

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """Read a layout back.

        Raises:
            UsageError: when the text is not a layout of this version.
        """
        try:
            body = read_json(text, limit=_MAX_BYTES, max_depth=_MAX_DEPTH)
        except WorkflowRefused as refusal:
            raise UsageError(f"The layout is not JSON: {refusal.message}.") from None
        if not isinstance(body, dict) or body.get("version") != VERSION:
            raise UsageError(f"This is not a workflow layout of version {VERSION}.")
        try:
            steps = [StepLayout(**step) for step in body.pop("steps")]
            del body["version"]
            found = cls(steps=steps, **body)
            _require_sound(found)
            return found
        except (TypeError, KeyError, ValueError) as error:
            raise UsageError(f"The layout is damaged: {error}.") from None


def _require_sound(layout: Layout) -> None:
    """Raise ValueError where numbers of steps and links do not fit each other, or a step is none."""
    for step in layout.steps:
        place = step.position
        if not (isinstance(step.task, str) and isinstance(step.marks, str) and type(step.id) in (str, int)):
            raise ValueError("a step has no task or no id")
        if place is not None and not (len(place) == 2 and all(type(part) is int for part in place)):
            raise ValueError("a place is not two whole numbers")
    numbers = range(len(layout.steps))
    for source, port, target in layout.edges:
        if not (source in numbers and target in numbers and isinstance(port, str)):
            raise ValueError("a link names a step that is not there")
    for name, size in (("step_order", len(layout.steps)), ("link_order", len(layout.edges) or None)):
        order = getattr(layout, name)
        if order is not None and sorted(order) != list(range(len(order) if size is None else size)):
            raise ValueError(f"{name} does not name each once")


_STEP_FIELDS = tuple(StepLayout.__dataclass_fields__)
_FIELDS = tuple(name for name in Layout.__dataclass_fields__ if name != "steps")


def edges_of(layout: Layout) -> list[Edge]:
    """The links of the file that the layout was read from."""
    return [(source, port, target) for source, port, target in layout.edges]


def align(workflow: Workflow, layout: Layout) -> list[int | None]:
    """For each step of a workflow that may have been edited its number in the layout; None for a new one."""
    marked = all(step.marks for step in layout.steps)
    now = [Profile(step.task_id, marks_of(step) if marked else "") for step in workflow.steps]
    then = [Profile(step.task, step.marks if marked else "") for step in layout.steps]
    return match(now, workflow.edges, then, edges_of(layout))
