"""The three JSON spellings of a workflow: one reader, one writer (Flow format section 2).

`flow` is the export (signature in front, one line, condition trees), `agent` the configuration that the
agent and the API use (condition text, free white space), `cli` the CLI's file (the agent's form with keys
sorted, indented, newline at the end). Reading refuses what it does not know, with the path.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from schemas.catalog import tasks
from schemas.errors import WorkflowRefused
from schemas.workflow import graph
from schemas.workflow.jsontext import compact, lexis_of, overlay, read_json
from schemas.workflow.layout import Layout, StepLayout
from schemas.workflow.model import (
    CONDITION,
    CONDITION_TASK,
    FOREACH,
    FOREACH_TASK,
    PORTS,
    TRIGGER,
    ConditionValue,
    Link,
    Step,
    Text,
    Value,
    Workflow,
)
from schemas.workflow.patched import plain_patched, read_patched
from schemas.workflow.plain import ordered, plain_link, plain_outside, plain_step, step_names
from schemas.workflow.values import decode

MAX_STEPS: Final = 1000

_SIGNED = re.compile(r"([0-9a-f]{64}):(?=\{)")
_STEP_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "step_id": (str, int),
    "step_position": (list, type(None)),
    "config_field_values": (list,),
    "task_id": (str,),
    "task_version": (str,),
    "task_type": (str,),
    "description": (str, type(None)),
    "note": (str, type(None)),
    "name": (str, type(None)),
}
_NEEDED: Final = ("step_id", "task_id", "task_version", "task_type")
_LINK_KEYS: Final = frozenset({"from_step_id", "from_port_id", "to_step_id", "to_port_id"})
_ROOT_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "steps": (list,),
    "links": (list,),
    "patched_fields": (list,),
    "variables": (list,),
    "note": (str, type(None)),
    "vertical_layout_enabled": (bool,),
    "workflow_name": (str,),
}
_FORBIDDEN: Final = "WORKFLOW_FIELD_NOT_ALLOWED"
_STRUCTURE: Final = "WORKFLOW_STRUCTURE_INVALID"


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
    root, where = _root(value)
    spelling = "flow" if signed else _unsigned_spelling(body, value)
    found = _Reader(root, where, spelling).document()
    layout = found.layout
    if signed:
        layout.signature = signed.group(1)
        layout.body_digest = digest(body)
    layout.bare = "root" not in value
    layout.differs = overlay(plain_outside(found.workflow, layout, spelling), _outside(value))
    layout.lexis = lexis_of(body, value, style_of(spelling))
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


def _root(value: Any) -> tuple[dict[str, Any], str]:
    if not isinstance(value, dict):
        raise WorkflowRefused("INVALID_WORKFLOW_JSON", f"expected an object, found {_kind(value)}")
    if "root" not in value:
        if "steps" not in value:
            raise WorkflowRefused(_STRUCTURE, "neither 'root' nor 'steps': this is not a workflow")
        return value, ""
    for key in value:
        if key not in ("root", "__metadata"):
            raise WorkflowRefused(_FORBIDDEN, f"unknown key {key!r} beside root", path=f"/{key}")
    if "__metadata" in value and compact(value["__metadata"]) != '{"version":0.1}':
        raise WorkflowRefused(
            _STRUCTURE, f"only version 0.1 is known, found {compact(value['__metadata'])[:60]}", path="/__metadata"
        )
    if not isinstance(value["root"], dict):
        raise WorkflowRefused(_STRUCTURE, f"root must be an object, found {_kind(value['root'])}", path="/root")
    return value["root"], "/root"


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
        self.check_root()
        raw_steps, where = self.root["steps"], self.where
        for number, step in enumerate(raw_steps):
            _check_step(step, f"{where}/steps/{number}")
        numbers = self.number_steps(raw_steps)
        edges = self.edges(numbers, raw_steps)
        arranged = graph.structure([step["task_type"] for step in raw_steps], edges)
        place = {number: position for position, number in enumerate(arranged.order)}
        read_steps = [
            _read_step(raw_steps[number], f"{where}/steps/{number}", self.spelling) for number in arranged.order
        ]
        steps, layouts = _settle_names([raw_steps[number] for number in arranged.order], read_steps, self.spelling)
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
        layout.root = {
            key: self.root[key] for key in ("note", "vertical_layout_enabled", "variables") if key in self.root
        }
        layout.patched_fields = self.patched_layouts(workflow)
        layout.links = self.link_layouts(workflow, layout)
        return Document(workflow, layout)

    def check_root(self) -> None:
        for key, value in self.root.items():
            kinds = _ROOT_KEYS.get(key)
            if kinds is None:
                raise WorkflowRefused(_FORBIDDEN, f"unknown key {key!r}", path=f"{self.where}/{key}")
            if not isinstance(value, kinds):
                raise WorkflowRefused(_STRUCTURE, f"{key} is {_kind(value)}", path=f"{self.where}/{key}")
        for key in ("steps", "links"):
            if key not in self.root:
                raise WorkflowRefused(_STRUCTURE, f"{key!r} is missing", path=self.where)
        if self.root.get("variables"):
            raise WorkflowRefused(
                _FORBIDDEN, "what a filled 'variables' means is not public", path=f"{self.where}/variables"
            )
        if len(self.root["steps"]) > MAX_STEPS:
            raise WorkflowRefused(
                "MAX_STEPS_EXCEEDED", f"{len(self.root['steps'])} steps, the limit is {MAX_STEPS}", path=f"{self.where}/steps"
            )

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
            raise WorkflowRefused(_STRUCTURE, "there is no trigger", path=f"{self.where}/steps")
        if len(triggers) > 1:
            second = raw_steps[triggers[1]]
            raise WorkflowRefused(
                "MULTIPLE_TRIGGER_STEPS",
                f"{len(triggers)} triggers, a workflow has one",
                path=f"{self.where}/steps/{triggers[1]}",
                step=str(second["step_id"]),
            )
        return numbers

    def edges(self, numbers: dict[str | int, int], raw_steps: list[dict[str, Any]]) -> list[tuple[int, str, int]]:
        edges: list[tuple[int, str, int]] = []
        for number, link in enumerate(self.root["links"]):
            where = f"{self.where}/links/{number}"
            _check_link(link, where)
            ends = []
            for key in ("from_step_id", "to_step_id"):
                identity = link[key]
                if isinstance(identity, bool) or not isinstance(identity, str | int) or identity not in numbers:
                    raise WorkflowRefused(
                        "INVALID_LINK", f"names step {identity!r}, which is not there", path=f"{where}/{key}", step=str(identity)
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
                    "INVALID_LINK", "leads into the trigger", path=f"{where}/to_step_id", step=str(link["to_step_id"])
                )
            edges.append((ends[0], link["from_port_id"], ends[1]))
        return edges

    def patched_layouts(self, workflow: Workflow) -> list[dict[str, Any]]:
        found = []
        for entry, meant in zip(self.root.get("patched_fields", []), workflow.patched_fields, strict=True):
            difference = overlay(ordered(plain_patched(meant, self.spelling), self.spelling), entry)
            found.append({} if difference is None else {"differs": difference})
        return found if any(found) else []

    def link_layouts(self, workflow: Workflow, layout: Layout) -> dict[str, Any]:
        ids = [step.id for step in layout.steps]
        order = layout.link_order or range(len(workflow.links))
        found = {}
        for number, raw in zip(order, self.root["links"], strict=True):
            difference = overlay(ordered(plain_link(workflow.links[number], ids, self.spelling), self.spelling), raw)
            if difference is not None:
                found[str(number)] = difference
        return found


def _check_step(step: Any, where: str) -> None:
    if not isinstance(step, dict):
        raise WorkflowRefused(_STRUCTURE, f"a step must be an object, found {_kind(step)}", path=where)
    identity = str(step.get("step_id", ""))
    for key, value in step.items():
        kinds = _STEP_KEYS.get(key)
        if kinds is None:
            raise WorkflowRefused(_FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}", step=identity)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise WorkflowRefused(_STRUCTURE, f"{key} is {_kind(value)}", path=f"{where}/{key}", step=identity)
    for key in _NEEDED:
        if key not in step:
            raise WorkflowRefused(_STRUCTURE, f"the step has no {key!r}", path=where, step=identity)
    position = step.get("step_position")
    if position is not None and (len(position) != 2 or not all(type(part) is int for part in position)):
        raise WorkflowRefused(
            _STRUCTURE, "step_position must be two integers", path=f"{where}/step_position", step=identity
        )
    kind, task = step["task_type"], step["task_id"]
    if kind not in PORTS:
        raise WorkflowRefused(
            _STRUCTURE, f"unknown task_type {kind!r}", path=f"{where}/task_type", step=identity
        )
    for fixed_kind, fixed_task in ((CONDITION, CONDITION_TASK), (FOREACH, FOREACH_TASK)):
        version = step["task_version"]
        if (kind == fixed_kind) != (task == fixed_task) or (kind == fixed_kind and version != "0.1"):
            raise WorkflowRefused(
                "TASK_NOT_FOUND",
                f"a {kind} step cannot have the task {task!r} in version {version!r}",
                path=f"{where}/task_id",
                step=identity,
            )


def _check_link(link: Any, where: str) -> None:
    if not isinstance(link, dict):
        raise WorkflowRefused("INVALID_LINK", f"a link must be an object, found {_kind(link)}", path=where)
    for key in link:
        if key not in _LINK_KEYS:
            raise WorkflowRefused(_FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}")
    for key in sorted(_LINK_KEYS):
        if key not in link:
            raise WorkflowRefused("INVALID_LINK", f"the link has no {key!r}", path=where)
    if link["to_port_id"] != "input":
        raise WorkflowRefused(
            "INVALID_LINK", f"leads to port {link['to_port_id']!r}, steps have only 'input'", path=f"{where}/to_port_id"
        )


def _read_step(raw: dict[str, Any], where: str, spelling: str) -> tuple[Step, StepLayout]:
    task, kind, identity = raw["task_id"], raw["task_type"], raw["step_id"]
    found: dict[str, Value] = {}
    traces: dict[str, Any] = {}
    for number, entry in enumerate(raw.get("config_field_values", [])):
        at = f"{where}/config_field_values/{number}"
        field, text = _check_entry(entry, at, str(identity))
        if field in found:
            raise WorkflowRefused(
                "INVALID_WORKFLOW_JSON", f"the field {field!r} occurs twice", path=at, step=str(identity)
            )
        try:
            found[field], trace = decode(text, tasks.value_type(task, field), spelling, f"{at}/value")
        except WorkflowRefused as refusal:
            raise WorkflowRefused(refusal.code, refusal.message, path=refusal.path, step=str(identity)) from None
        if trace is not None:
            traces[field] = trace
    order = list(found)
    only = {CONDITION: "condition", FOREACH: "listpath"}.get(kind)
    if only and set(found) - {only}:
        extra = sorted(set(found) - {only})[0]
        raise WorkflowRefused(
            _FORBIDDEN, f"a {kind} step has only the field {only!r}, found {extra!r}", path=where, step=str(identity)
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


def _check_entry(entry: Any, where: str, identity: str) -> tuple[str, str | None]:
    if not isinstance(entry, dict):
        raise WorkflowRefused(_STRUCTURE, f"a config field is an object, found {_kind(entry)}", path=where, step=identity)
    for key in entry:
        if key not in ("config_field_id", "value"):
            raise WorkflowRefused(_FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}", step=identity)
    for key in ("config_field_id", "value"):
        if key not in entry:
            raise WorkflowRefused(_STRUCTURE, f"the config field has no {key!r}", path=where, step=identity)
    field, value = entry["config_field_id"], entry["value"]
    if not isinstance(field, str) or not isinstance(value, str | None):
        raise WorkflowRefused(
            "INVALID_WORKFLOW_JSON", "config_field_id and value are always text", path=where, step=identity
        )
    return field, value


def in_catalogue_order(task: str, found: dict[str, Value]) -> tuple[tuple[str, Value], ...]:
    """Fields as the catalogue lists them, then unknown ones by name."""
    known = [field for field in tasks.field_order(task) if field in found]
    return tuple((field, found[field]) for field in [*known, *sorted(set(found) - set(known))])


def _settle_names(
    raw: list[dict[str, Any]], read_steps: list[tuple[Step, StepLayout]], spelling: str
) -> tuple[tuple[Step, ...], list[StepLayout]]:
    """Give each step its own name only where it is not the default, and note what each file spells beyond that."""
    usual = step_names([step for step, _ in read_steps])
    steps, layouts = [], []
    for number, (entry, (step, layout), default) in enumerate(zip(raw, read_steps, usual, strict=True)):
        name = entry.get("name")
        if name is not None and name != default:
            step = Step(step.kind, step.task_id, step.version, step.fields, name)
        layout.differs = overlay(_unvalued(plain_step(step, layout, number, default, spelling)), _unvalued(entry))
        steps.append(step)
        layouts.append(layout)
    return tuple(steps), layouts


def _unvalued(step: dict[str, Any]) -> dict[str, Any]:
    """A step without the texts of its values, which have traces of their own."""
    if "config_field_values" not in step:
        return step
    bare = [{key: (None if key == "value" else part) for key, part in entry.items()} for entry in step["config_field_values"]]
    return {**step, "config_field_values": bare}


def _positions(links: tuple[Link, ...], edges: list[tuple[int, str, int]], place: dict[int, int]) -> list[int]:
    """For each link of the file's array its canonical number; equal links keep their order."""
    numbers: dict[tuple[int, str, int], list[int]] = {}
    for number, link in enumerate(links):
        numbers.setdefault((link.source, link.port, link.target), []).append(number)
    return [numbers[place[a], port, place[b]].pop(0) for a, port, b in edges]


def _unless_sorted(order: list[int]) -> list[int] | None:
    return None if order == sorted(order) else order


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "text", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )

