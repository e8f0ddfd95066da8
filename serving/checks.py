"""What Flow would object to in a workflow that can be read: the four buckets of its validation errors.

A workflow is saved with them; it cannot be turned on. A guessed task id is no error here: nobody can tell.
Not here yet: required fields and the types of values, which no public catalogue holds; Liquid beyond the
items of loops.
"""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.catalog.tasks import TASKS, is_app
from schemas.workflow import Workflow
from schemas.workflow.condition_check import check_conditions
from schemas.workflow.model import FOREACH, ApiCall, Json, PathValue, Reference, Step, Text
from schemas.workflow.scope import item_of
from serving.shop import ShopBackend
from serving.task_answers import version_known

__all__ = ["validation_errors"]

_CONDITION: Final = "conditionErrors"
_FIELD: Final = "configFieldErrors"
_LOOP: Final = "foreachBodyErrors"
_TASK: Final = "taskErrors"
_ITEM: Final = re.compile(r"\b\w+Foreachitem\b")

Buckets = dict[str, list[dict[str, Any]]]


def validation_errors(workflow: Workflow, shop: ShopBackend) -> Buckets:
    """The errors, each in its bucket; steps carry the ids of the agent spelling (the trigger is "1")."""
    found: Buckets = {_CONDITION: [], _FIELD: [], _LOOP: [], _TASK: []}

    def add(bucket: str, number: int, field: str | None, code: str, message: str) -> None:
        found[bucket].append(
            {"code": code, "message": message, "stepId": str(number + 1), "configFieldId": field}
        )

    for number, code, message in check_conditions(workflow):
        add(_CONDITION, number, "condition", code, message)
    items = _items(workflow)
    for number, step in enumerate(workflow.steps):
        task = TASKS.get(step.task_id)
        if problem := _task_problem(step, shop):
            add(_TASK, number, None, *problem)
        for field, value in step.fields:
            if task is not None and task.known and task.fields and field not in task.fields:
                add(_FIELD, number, field, "CONFIG_FIELD_RESOLUTION_ERROR", "this task has no such field")
            for item in sorted(set(_ITEM.findall(_text(value))) - items[number]):
                add(
                    _LOOP,
                    number,
                    field,
                    "CONFIG_FIELD_PATH_VALIDATION_ERROR",
                    f"{item} exists only inside its loop",
                )
    return found


def _task_problem(step: Step, shop: ShopBackend) -> tuple[str, str] | None:
    task = TASKS.get(step.task_id)
    if task is None and not (is_app(step.task_id) and shop.has_installed(step.task_id)):
        return "TASK_NOT_FOUND", f"no task has the id {step.task_id[:100]}"
    if not shop.has_installed(step.task_id):
        return "TASK_NOT_AVAILABLE", "the app of this task is not installed"
    if task is not None and not version_known(task, step.version):
        return "TASK_NOT_AVAILABLE", f"this task has no version {step.version[:40]}"
    return None


def _items(workflow: Workflow) -> list[set[str]]:
    """The loop items that each step may use."""
    after: dict[tuple[int, str], list[int]] = {}
    for link in workflow.links:
        after.setdefault((link.source, link.port), []).append(link.target)
    ports = {port for _, port in after}
    items: list[set[str]] = [set() for _ in workflow.steps]
    for number, step in enumerate(workflow.steps):
        sources = [value.path for _, value in step.fields if isinstance(value, PathValue)]
        if step.kind != FOREACH or not sources:
            continue
        inside: set[int] = set()
        waiting = list(after.get((number, "loop_body"), []))
        while waiting:
            target = waiting.pop()
            if target not in inside:
                inside.add(target)
                waiting += [each for port in ports for each in after.get((target, port), [])]
        for target in inside:
            items[target].add(item_of(sources[0]))
    return items


def _text(value: object) -> str:
    match value:
        case Text(text=text) | Json(text=text):
            return text or ""
        case Reference(target=str(text)):
            return text
        case ApiCall(arguments=arguments, blob=blob):
            return f"{arguments or ''} {blob}"
    return ""
