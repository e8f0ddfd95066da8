"""The three JSON spellings of a workflow: one reader, one writer (Flow format section 2).

`flow` is the export (signature in front, one line, condition trees), `agent` the configuration that the
agent and the API use (condition text, free white space), `cli` the CLI's file (the agent's form with keys
sorted, indented, newline at the end). Reading refuses what it does not know, with the path.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from schemas.catalog import tasks
from schemas.errors import WorkflowRefused
from schemas.workflow import graph
from schemas.workflow.alignment import marks_of
from schemas.workflow.document_checks import (
    FORBIDDEN,
    STRUCTURE,
    check_entry,
    check_link,
    check_root,
    check_step,
    root_of,
)
from schemas.workflow.jsontext import lexis_of, overlay, read_json
from schemas.workflow.layout import Layout, StepLayout
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    PORTS,
    TRIGGER,
    ConditionValue,
    Link,
    Step,
    Text,
    Value,
    Workflow,
)
from schemas.workflow.patched import patched_layout, read_patched
from schemas.workflow.plain import ordered, plain_link, plain_outside, plain_step, step_names
from schemas.workflow.values import decode
from schemas.workflow.whitespace import spans_of

_SIGNED = re.compile(r"([0-9a-f]{64}):(?=\{)")


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: what it means, and how it was laid out."""

    workflow: Workflow
    layout: Layout


def read(text: str) -> Document:
    """Read a workflow in any JSON spelling.

    Raises:
        WorkflowRefused: with a code, a JSON pointer and the step, for anything that cannot be carried.
    """
    signed = _SIGNED.match(text)
    body = text[signed.end() :] if signed else text
    value = read_json(body)
    root, where = root_of(value)
    spelling = "flow" if signed else _unsigned_spelling(body, value)
    found = _Reader(root, where, spelling).document()
    layout = found.layout
    if signed:
        layout.signature = signed.group(1)
        layout.body_digest = digest(body)
    layout.bare = "root" not in value
    layout.differs = overlay(plain_outside(found.workflow, layout, spelling), _outside(value))
    layout.lexis = lexis_of(body, value, style_of(spelling))
    if layout.lexis is not None and "spaces" in layout.lexis:
        layout.lexis["spans"] = spans_of(value)
    return found


def digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def style_of(spelling: str) -> str:
    """The white space that a spelling is written with when nothing else is known."""
    return {"flow": "compact", "agent": "indented", "cli": "indented_line"}[spelling]


def _unsigned_spelling(body: str, value: dict[str, Any]) -> str:
    """The CLI sorts keys at every level; nothing else tells its file from the agent's configuration."""
    return "cli" if body.endswith("\n") and _is_sorted(value) else "agent"


def _is_sorted(value: Any) -> bool:
    if isinstance(value, dict):
        return list(value) == sorted(value) and all(map(_is_sorted, value.values()))
    return all(map(_is_sorted, value)) if isinstance(value, list) else True


def _outside(document: dict[str, Any]) -> dict[str, Any]:
    """A document without the parts that have a layout of their own."""
    parts = ("steps", "links", "patched_fields")
    if "root" in document:
        return {**document, "root": _outside(document["root"])}
    return {key: ([] if key in parts else value) for key, value in document.items()}


class _Reader:
    """Reads one root object; steps and links are checked before anything is built from them."""

    def __init__(self, root: dict[str, Any], where: str, spelling: str) -> None:
        self.root = root
        self.where = where
        self.spelling = spelling

    def document(self) -> Document:
        check_root(self.root, self.where)
        raw_steps, where = self.root["steps"], self.where
        for number, step in enumerate(raw_steps):
            check_step(step, f"{where}/steps/{number}")
        numbers = self.number_steps(raw_steps)
        edges = self.edges(numbers, raw_steps)
        try:
            arranged = graph.structure([step["task_type"] for step in raw_steps], edges)
        except graph.TooDeep as refusal:
            identity, at = str(raw_steps[refusal.number]["step_id"]), f"{where}/steps/{refusal.number}"
            raise WorkflowRefused(refusal.code, refusal.message, path=at, step=identity) from None
        place = {number: position for position, number in enumerate(arranged.order)}
        read_steps = [
            _read_step(raw_steps[number], f"{where}/steps/{number}", self.spelling)
            for number in arranged.order
        ]
        steps, layouts = _settle_names(
            [raw_steps[number] for number in arranged.order], read_steps, self.spelling
        )
        links = tuple(Link(place[a], port, place[b]) for a, port, b in arranged.links)
        patched_where = f"{where}/patched_fields"
        patched = [
            read_patched(entry, f"{patched_where}/{number}")
            for number, entry in enumerate(self.root.get("patched_fields", []))
        ]
        workflow = Workflow(self.root.get("workflow_name", ""), steps, links, tuple(patched))
        layout = Layout(self.spelling, layouts)
        layout.step_order = _unless_sorted([place[number] for number in range(len(raw_steps))])
        layout.link_order = _unless_sorted(_positions(links, edges, place))
        layout.edges = [[link.source, link.port, link.target] for link in links]
        layout.root = {
            key: self.root[key]
            for key in ("note", "vertical_layout_enabled", "variables")
            if key in self.root
        }
        layout.patched_fields = self.patched_layouts(workflow)
        layout.links = self.link_layouts(workflow, layout)
        return Document(workflow, layout)

    def number_steps(self, raw_steps: list[dict[str, Any]]) -> dict[str | int, int]:
        numbers: dict[str | int, int] = {}
        triggers = []
        for number, step in enumerate(raw_steps):
            if step["step_id"] in numbers:
                raise WorkflowRefused(
                    "INVALID_STEP_ID",
                    "the id is used by two steps",
                    path=f"{self.where}/steps/{number}/step_id",
                    step=str(step["step_id"]),
                )
            numbers[step["step_id"]] = number
            if step["task_type"] == TRIGGER:
                triggers.append(number)
        if not triggers:
            raise WorkflowRefused(STRUCTURE, "there is no trigger", path=f"{self.where}/steps")
        if len(triggers) > 1:
            second = raw_steps[triggers[1]]
            raise WorkflowRefused(
                "MULTIPLE_TRIGGER_STEPS",
                f"{len(triggers)} triggers, a workflow has one",
                path=f"{self.where}/steps/{triggers[1]}",
                step=str(second["step_id"]),
            )
        return numbers

    def edges(
        self, numbers: dict[str | int, int], raw_steps: list[dict[str, Any]]
    ) -> list[tuple[int, str, int]]:
        edges: list[tuple[int, str, int]] = []
        for number, link in enumerate(self.root["links"]):
            where = f"{self.where}/links/{number}"
            check_link(link, where)
            ends = []
            for key in ("from_step_id", "to_step_id"):
                identity = link[key]
                if (
                    isinstance(identity, bool)
                    or not isinstance(identity, str | int)
                    or identity not in numbers
                ):
                    raise WorkflowRefused(
                        "INVALID_LINK",
                        f"names step {identity!r}, which is not there",
                        path=f"{where}/{key}",
                        step=str(identity),
                    )
                ends.append(numbers[identity])
            kind = raw_steps[ends[0]]["task_type"]
            if link["from_port_id"] not in PORTS[kind]:
                raise WorkflowRefused(
                    "INVALID_LINK",
                    f"a {kind} step has no port {link['from_port_id']!r}",
                    path=f"{where}/from_port_id",
                    step=str(link["from_step_id"]),
                )
            if raw_steps[ends[1]]["task_type"] == TRIGGER:
                raise WorkflowRefused(
                    "INVALID_LINK",
                    "leads into the trigger",
                    path=f"{where}/to_step_id",
                    step=str(link["to_step_id"]),
                )
            edges.append((ends[0], link["from_port_id"], ends[1]))
        return edges

    def patched_layouts(self, workflow: Workflow) -> list[dict[str, Any]]:
        entries = self.root.get("patched_fields", [])
        found = [
            patched_layout(meant, entry, self.spelling)
            for entry, meant in zip(entries, workflow.patched_fields, strict=True)
        ]
        return found if any(found) else []

    def link_layouts(self, workflow: Workflow, layout: Layout) -> dict[str, Any]:
        ids = [step.id for step in layout.steps]
        order = layout.link_order or range(len(workflow.links))
        found = {}
        for number, raw in zip(order, self.root["links"], strict=True):
            difference = overlay(
                ordered(plain_link(workflow.links[number], ids, self.spelling), self.spelling), raw
            )
            if difference is not None:
                found[str(number)] = difference
        return found


def _read_step(raw: dict[str, Any], where: str, spelling: str) -> tuple[Step, StepLayout]:
    task, kind, identity = raw["task_id"], raw["task_type"], raw["step_id"]
    found: dict[str, Value] = {}
    traces: dict[str, Any] = {}
    for number, entry in enumerate(raw.get("config_field_values", [])):
        at = f"{where}/config_field_values/{number}"
        field, text = check_entry(entry, at, str(identity))
        if field in found:
            raise WorkflowRefused(
                "INVALID_WORKFLOW_JSON", f"the field {field!r} occurs twice", path=at, step=str(identity)
            )
        try:
            found[field], trace = decode(text, tasks.value_type(task, field), spelling, f"{at}/value")
        except WorkflowRefused as refusal:
            raise WorkflowRefused(
                refusal.code, refusal.message, path=refusal.path, step=str(identity)
            ) from None
        if trace is not None:
            traces[field] = trace
    order = list(found)
    only = {CONDITION: "condition", FOREACH: "listpath"}.get(kind)
    if only and set(found) - {only}:
        extra = sorted(set(found) - {only})[0]
        raise WorkflowRefused(
            FORBIDDEN,
            f"a {kind} step has only the field {only!r}, found {extra!r}",
            path=where,
            step=str(identity),
        )
    if only and only not in found:
        found[only] = ConditionValue(None) if kind == CONDITION else Text("")
        order = []
    fields = in_catalogue_order(task, found)
    layout = StepLayout(
        task, identity, raw.get("step_position"), raw.get("description"), raw.get("note"), values=traces
    )
    if order != [name for name, _ in fields]:
        layout.order = order or ["-"]
    return Step(kind, task, raw["task_version"], fields), layout


def in_catalogue_order(task: str, found: dict[str, Value]) -> tuple[tuple[str, Value], ...]:
    """Fields as the catalogue lists them, then unknown ones by name."""
    if len(found) < 2:
        return tuple(found.items())
    order = [field for field in tasks.field_order(task) if field in found]
    if len(order) < len(found):
        order += sorted(set(found) - set(order))
    return tuple([(field, found[field]) for field in order])


def _settle_names(
    raw: list[dict[str, Any]], read_steps: list[tuple[Step, StepLayout]], spelling: str
) -> tuple[tuple[Step, ...], list[StepLayout]]:
    """Give each step a name only where it is not the default, and note what the file spells beyond that."""
    usual = step_names(step.task_id for step, _ in read_steps)
    steps, layouts = [], []
    for number, (entry, (step, layout), default) in enumerate(zip(raw, read_steps, usual, strict=True)):
        name = entry.get("name")
        # A condition or a loop gives nothing back, so its name is a caption and stays in the layout.
        if name is not None and name != default and step.kind not in (CONDITION, FOREACH):
            step = Step(step.kind, step.task_id, step.version, step.fields, name)
        # With the file's own texts, because values have traces of their own.
        texts = [field["value"] for field in entry.get("config_field_values", ())]
        layout.differs = overlay(plain_step(step, layout, number, default, spelling, texts), entry)
        layout.marks = marks_of(step)
        steps.append(step)
        layouts.append(layout)
    return tuple(steps), layouts


def _positions(
    links: tuple[Link, ...], edges: list[tuple[int, str, int]], place: dict[int, int]
) -> list[int]:
    """For each link of the file's array its canonical number; equal links keep their order."""
    numbers: dict[tuple[int, str, int], list[int]] = {}
    for number, link in enumerate(links):
        numbers.setdefault((link.source, link.port, link.target), []).append(number)
    return [numbers[place[a], port, place[b]].pop(0) for a, port, b in edges]


def _unless_sorted(order: list[int]) -> list[int] | None:
    return None if order == sorted(order) else order
