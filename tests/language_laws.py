"""The laws of the language on generated workflows, and what a draw has to hold: shared by test and fuzz.

Every function takes a range of seeds, so that several processes can share the work.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from typing import Any, TypeVar, get_args

from pipelines.generator.draw import Draw
from pipelines.generator.language import SPELLINGS, language_document, language_workflow, spell
from pipelines.generator.language.conditions import OPERATORS
from pipelines.generator.language.spell_condition import has_text
from schemas.catalog import tasks
from schemas.catalog.fields import ValueType
from schemas.errors import WorkflowRefused
from schemas.workflow import Layout, Workflow, canonical, check, from_python, read, to_python, write
from schemas.workflow.descriptor import descriptor_of
from schemas.workflow.model import (
    ApiCall,
    Compare,
    Condition,
    ConditionValue,
    Logic,
    Path,
    Quantifier,
    Reference,
    Text,
    Value,
)

T = TypeVar("T")
CHUNK = 250
"""Seeds that a process takes at a time."""


def is_valid(seed: int) -> bool:
    """Every other workflow is one that a validator passes; the others are hostile."""
    return seed % 2 == 0


def over_processes(work: Callable[[range], T], seeds: range, num_processes: int) -> list[T]:
    """What `work` answers for each chunk of the seeds, in order."""
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(max_workers=num_processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, chunks))


# -- round trips ----------------------------------------------------------------------------------------


def broken_laws(seeds: range) -> list[str]:
    """What each workflow breaks in each spelling; nothing may be refused, and no reader may fall over."""
    found = []
    for seed in seeds:
        workflow = language_workflow(seed, valid=is_valid(seed))
        try:
            check(workflow)
            descriptor_of(workflow)
            found += [f"{seed} {law}" for law in _broken_by(seed, workflow)]
        except WorkflowRefused as refusal:
            found.append(f"{seed} is refused: {refusal}")
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    return found


def _broken_by(seed: int, workflow: Workflow) -> Iterator[str]:
    texts = [spell(workflow, spelling, Draw(seed, "file", spelling)) for spelling in SPELLINGS]
    for spelling, text in zip(SPELLINGS, texts, strict=True):
        yield from (f"{spelling}: {law}" for law in _broken(workflow, text))
    target = SPELLINGS[seed // 3 % 3]
    yield from (f"as {target}: {law}" for law in _broken_between(workflow, texts[seed % 3], target))


def _broken(workflow: Workflow, text: str) -> Iterator[str]:
    """One file: it means the workflow, its Python too, and Python with the layout gives its bytes."""
    document = read(text)
    if canonical(document.workflow) != canonical(workflow):
        yield "the file means another workflow"
    python = to_python(document.workflow)
    ast.parse(python)
    again = from_python(python)
    if canonical(again) != canonical(workflow):
        yield "the Python means another workflow"
    if to_python(again) != python:
        yield "the Python is not canonical"
    layout = Layout.from_json(document.layout.to_json())  # as a table stores it
    if write(again, layout) != text:
        yield "the bytes differ"


def _broken_between(workflow: Workflow, text: str, target: str) -> Iterator[str]:
    """In another spelling a workflow is the same one, with a layout and without."""
    textual = all(has_text(condition) for condition in conditions(workflow))
    for layout in (None, read(text).layout):
        try:
            written = write(workflow, layout, target)
        except WorkflowRefused as refusal:
            own = layout is not None and layout.spelling == target
            if textual or target == "flow" or own or refusal.code != "INVALID_CONDITION_VALUE":
                yield f"cannot be written: {refusal}"
            continue
        if canonical(read(written).workflow) != canonical(workflow):
            yield "written without its own layout it means another workflow"


# -- planted fields -------------------------------------------------------------------------------------

_PLANTED = (
    "planted",
    "stepId",
    "Step_id",
    "config_fields",
    "uuid_",
    "parentUuid",
    "is_active",
    "x",
    "ключ",
    "",
)

_SIGNATURE = re.compile(r"^[0-9a-f]{64}:")


def survivors(seeds: range) -> tuple[Counter[int], list[str]]:
    """Documents with an unknown field at a random depth: how many at each depth, and what slips through."""
    depths: Counter[int] = Counter()
    wrong = []
    for seed in seeds:
        draw = Draw(seed, "plant")
        text = language_document(seed, draw.pick(SPELLINGS), valid=is_valid(seed))
        document = json.loads(_SIGNATURE.sub("", text))
        places: dict[int, list[_Place]] = {}
        for place in _places(document):
            places.setdefault(place.pointer.count("/"), []).append(place)
        depth = draw.pick(sorted(places))
        depths[depth] += 1
        place, key = draw.pick(places[depth]), draw.pick(_PLANTED)
        place.plant(draw, key)
        where = f"{place.pointer}/{key}"
        try:
            read(json.dumps(document, ensure_ascii=False))
            wrong.append(f"{seed} {where}: accepted")
        except WorkflowRefused as refusal:
            if (refusal.code, refusal.path) != ("WORKFLOW_FIELD_NOT_ALLOWED", where):
                wrong.append(f"{seed} {where}: {refusal}")
    return depths, wrong


@dataclass(frozen=True, slots=True)
class _Place:
    """An object whose keys are fixed; where it lies in the text of a value, `entry` and `tree` hold it."""

    found: dict[str, Any]
    pointer: str
    entry: dict[str, Any] | None = None
    tree: Any = None

    def plant(self, draw: Draw, key: str) -> None:
        entries = list(self.found.items())
        entries.insert(draw.between(0, len(entries)), (key, draw.pick((None, 1, "x", [], {}))))
        self.found.clear()
        self.found.update(entries)
        if self.entry is not None:
            self.entry["value"] = json.dumps(self.tree, ensure_ascii=False)


def _places(document: dict[str, Any]) -> Iterator[_Place]:
    yield _Place(document, "")
    root, at = (document["root"], "/root") if "root" in document else (document, "")
    if at:
        yield _Place(root, at)
    for part in ("links", "patched_fields", "steps"):
        for number, found in enumerate(root.get(part, ())):
            yield _Place(found, f"{at}/{part}/{number}")
    for number, step in enumerate(root["steps"]):
        for place, entry in enumerate(step.get("config_field_values", ())):
            pointer = f"{at}/steps/{number}/config_field_values/{place}"
            yield _Place(entry, pointer)
            if entry["config_field_id"] == "condition" and step["task_type"] == "CONDITION":
                yield from _nodes(entry, f"{pointer}/value")


def _nodes(entry: dict[str, Any], pointer: str) -> Iterator[_Place]:
    if not (entry["value"] or "").lstrip().startswith("{"):
        return
    tree = json.loads(entry["value"])
    waiting = [(tree, pointer)]
    while waiting:
        found, at = waiting.pop()
        yield _Place(found, at, entry, tree)
        waiting += [(part, f"{at}/{key}") for key, part in found.items() if isinstance(part, dict)]


# -- coverage -------------------------------------------------------------------------------------------


def covered(seeds: range) -> dict[str, Counter[str]]:
    """What the workflows of these seeds hold, by kind of thing."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in WANTED}
    for seed in seeds:
        workflow = language_workflow(seed, valid=is_valid(seed))
        found["task"].update(step.task_id for step in workflow.steps)
        found["shape"].update(shapes(workflow))
        for step in workflow.steps:
            found["kind of step"][step.kind] += 1
            for field, value in step.fields:
                found["value"][_kind_of(value)] += 1
                found["value type"][tasks.value_type(step.task_id, field)] += 1
        for condition in conditions(workflow):
            for each in _walk(condition):
                if isinstance(each, Compare):
                    found["operator"][each.operator] += 1
                    found["right side"][type(each.right).__name__] += 1
                else:
                    found["quantifier"][each.operator] += 1
    return found


def _kind_of(value: Value) -> str:
    if isinstance(value, Reference):
        return "Reference to a path" if isinstance(value.target, Path) else "Reference to a literal"
    if isinstance(value, ApiCall):
        return "ApiCall" if value.arguments is not None else "ApiCall with Liquid"
    empty = value in (Text(None), ConditionValue(None))
    return f"empty {type(value).__name__}" if empty else type(value).__name__


def shapes(workflow: Workflow) -> set[str]:
    """The shapes of a graph."""
    edges = [(link.source, link.port, link.target) for link in workflow.links]
    fan_out = Counter((source, port) for source, port, _ in edges)
    ways_in = Counter(target for _, _, target in edges)
    reached = _reached(edges, 0)
    found = {f"port {port}" for _, port, _ in edges}
    found |= {f"fan-out from {port}" for (_, port), count in fan_out.items() if count > 1}
    loops = {number for number, step in enumerate(workflow.steps) if step.kind == "FOREACH"}
    bodies = [target for _, port, target in edges if port == "loop_body"]
    checks = {
        "join": max(ways_in.values(), default=0) > 1,
        "unconnected": len(reached) < len(workflow.steps),
        "two links alike": len(set(edges)) < len(edges),
        "step that leads to itself": any(source == target for source, _, target in edges),
        "cycle": any(source in _reached(edges, target) for source, _, target in edges),
        "loop in a loop": any(loops & _reached(edges, body) for body in bodies),
        "nothing behind the trigger": not edges,
        "patched field": bool(workflow.patched_fields),
    }
    return found | {name for name, holds in checks.items() if holds}


def _reached(edges: list[tuple[int, str, int]], start: int) -> set[int]:
    seen, ahead = {start}, [start]
    while ahead:
        at = ahead.pop()
        for source, _, target in edges:
            if source == at and target not in seen:
                seen.add(target)
                ahead.append(target)
    return seen


def conditions(workflow: Workflow) -> Iterator[Condition]:
    for step in workflow.steps:
        for _, value in step.fields:
            if isinstance(value, ConditionValue) and value.condition is not None:
                yield value.condition


def _walk(condition: Condition) -> Iterator[Compare | Logic | Quantifier]:
    yield condition
    inside = condition.terms if isinstance(condition, Logic) else ()
    if isinstance(condition, Quantifier):
        inside = (condition.body,)
    for part in inside:
        yield from _walk(part)


WANTED: dict[str, set[str]] = {
    "task": set(tasks.TASKS),
    "kind of step": {"TRIGGER", "CONDITION", "ACTION", "FOREACH", "WAIT"},
    "operator": set(chain.from_iterable(OPERATORS.values())),
    "quantifier": {"any", "all", "none", "and", "or"},
    "right side": {"Path", "Constant", "NoneType"},
    "value": {
        *("Text", "empty Text", "Bare", "PathValue", "Json", "ConditionValue", "empty ConditionValue"),
        *("Reference to a path", "Reference to a literal", "ApiCall", "ApiCall with Liquid"),
    },
    "value type": set(get_args(ValueType)) - {"float"},  # no task of the catalogue has a field of that type
    "shape": {
        *(f"port {port}" for port in ("output", "true", "false", "loop_body", "after")),
        *(f"fan-out from {port}" for port in ("output", "true", "false", "loop_body", "after")),
        *("join", "unconnected", "two links alike", "step that leads to itself", "cycle", "loop in a loop"),
        *("nothing behind the trigger", "patched field"),
    },
}
"""What a draw of a thousand workflows or more holds at least once."""
