"""The graph of a workflow: one trigger, links between ports that exist, no way back, names.

The readers refuse most of this in a file already. A workflow that was built or edited in memory has not been
through them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.catalog.catalogue import Catalogue
from schemas.workflow.checks.findings import Finding, cut, listed
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.model import PORTS, TRIGGER, Step, Workflow
from schemas.workflow.problems import Severity

__all__ = ["check_patched", "check_structure"]

_INVALID: Final = "WORKFLOW_STRUCTURE_INVALID"
_NUMBERED = re.compile(r" \([1-9]\d*\)$", re.ASCII)


def check_structure(around: Surroundings) -> Iterator[Finding]:
    """Everything about the graph and its names."""
    workflow = around.workflow
    if not workflow.name.strip():
        yield Finding("WORKFLOW_NAME_REQUIRED", -1, "", "the workflow has no name; give it one")
    triggers = [number for number, step in enumerate(workflow.steps) if step.kind == TRIGGER]
    if not triggers:
        yield Finding(_INVALID, -1, "", "there is no trigger; start with one")
    for number in triggers[1:]:
        yield Finding("MULTIPLE_TRIGGER_STEPS", number, "", "a second trigger; a workflow has one, remove it")
    yield from _links(workflow)
    yield from _ways_back(workflow)
    yield from check_patched(workflow)
    yield from _names(around)


def _links(workflow: Workflow) -> Iterator[Finding]:
    steps = workflow.steps
    seen: set[tuple[int, str, int]] = set()
    for place, link in enumerate(workflow.links):
        ends = [end for end in (link.source, link.target) if not 0 <= end < len(steps)]
        if ends:
            message = f"the link names step {ends[0] + 1}, which is not there"
            yield Finding("INVALID_LINK", -1, "", message, link=place)
            continue
        source, target = steps[link.source], steps[link.target]
        ports = PORTS.get(source.kind, ())
        if link.port not in ports:
            message = f"a {source.kind} step has no port {cut(link.port)!r}; it has {listed(ports)}"
            yield Finding("INVALID_LINK", link.source, "", message, link=place)
        if target.kind == TRIGGER:
            message = "the link leads into the trigger, where a workflow starts; remove it"
            yield Finding("INVALID_LINK", link.target, "", message, link=place)
        edge = (link.source, link.port, link.target)
        if edge in seen:
            message = f"the port {link.port!r} leads to step {link.target + 1} twice; remove one link"
            yield Finding("INVALID_LINK", link.source, "", message, "warning", place)
        seen.add(edge)


def _ways_back(workflow: Workflow) -> Iterator[Finding]:
    """Links that close a circle: a run would never end."""
    after: dict[int, list[tuple[int, int]]] = {}
    for place, link in enumerate(workflow.links):
        after.setdefault(link.source, []).append((place, link.target))
    state: dict[int, int] = {}
    for start in after:
        if start in state:
            continue
        state[start] = 1
        stack = [(start, iter(after[start]))]
        while stack:
            step, ways = stack[-1]
            for place, target in ways:
                if state.get(target) == 1:
                    message = (
                        f"leads back to step {target + 1}; a workflow goes forward only, remove the link"
                    )
                    yield Finding(_INVALID, step, "", message, link=place)
                elif target not in state and target in after:
                    state[target] = 1
                    stack.append((target, iter(after[target])))
                    break
            else:
                state[step] = 2
                stack.pop()


def check_patched(workflow: Workflow) -> Iterator[Finding]:
    """Patched fields: one meaning for each handle of a type."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for patched in workflow.patched_fields:
        key, meaning = (patched.owner, patched.handle), (patched.field, patched.arguments)
        if key in seen:
            message = f"{cut(patched.owner)} has two patched fields {cut(patched.handle)!r}; rename one"
            severity: Severity = "warning" if seen[key] == meaning else "error"
            yield Finding(_INVALID, -1, "", message, severity)
        seen[key] = meaning


def _names(around: Surroundings) -> Iterator[Finding]:
    """The names of steps whose output is used later: the task's label, with a number for repeats."""
    for number, step in enumerate(around.workflow.steps):
        if step.name is None:
            continue
        label = _label(step, around.catalogue)
        if label is not None and _NUMBERED.sub("", step.name) != label:
            message = (
                f"the step is called {cut(step.name)!r}; its name is {label!r}, with a number for repeats"
            )
            yield Finding("INVALID_STEP_NAME", number, "", message, "warning")
    given: dict[str, int] = {}
    for number, name in enumerate(around.environment.outputs):
        if name is None:
            continue
        if name in given:
            message = f"steps {given[name] + 1} and {number + 1} both give {cut(name)}; number one of them"
            yield Finding("INVALID_STEP_NAME", number, "", message, "warning")
        given[name] = number


def _label(step: Step, catalogue: Catalogue) -> str | None:
    task = catalogue.get(step.task_id)
    return (task.step_name or task.label) if task and task.known else None
