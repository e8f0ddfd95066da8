"""What Flow would object to in a workflow that can be read: the four buckets of its validation errors.

A workflow is saved with them; it cannot be turned on. They are the errors of `schemas.workflow.check`, which
knows no shop: whether an app is installed is asked here. A guessed task id is no error: nobody can tell.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.catalog.catalogue import Catalogue
from schemas.catalog.tasks import TASKS
from schemas.workflow import Workflow
from schemas.workflow.check import findings
from schemas.workflow.checks.findings import Finding
from schemas.workflow.model import Step
from serving.shop import ShopBackend

__all__ = ["Buckets", "validation_errors"]

_CONDITION: Final = "conditionErrors"
_FIELD: Final = "configFieldErrors"
_LOOP: Final = "foreachBodyErrors"
_TASK: Final = "taskErrors"

Buckets = dict[str, list[dict[str, Any]]]


def validation_errors(workflow: Workflow, shop: ShopBackend, catalogue: Catalogue | None = None) -> Buckets:
    """The errors, each in its bucket, by the catalogue that ships or by the shop's own.

    Steps carry the ids of the agent spelling (the trigger is "1"); what is of no one step carries None.
    """
    found: Buckets = {_CONDITION: [], _FIELD: [], _LOOP: [], _TASK: []}
    for number, step in enumerate(workflow.steps):
        if problem := _shop_problem(step, shop):
            found[_TASK].append(_entry(Finding(problem[0], number, "", problem[1])))
    for each in findings(workflow, catalogue):
        if each.severity == "error":
            found[_bucket(each)].append(_entry(each))
    return found


def _entry(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code,
        "message": found.message,
        "stepId": str(found.step + 1) if found.step >= 0 else None,
        "configFieldId": found.field or None,
    }


def _bucket(found: Finding) -> str:
    if found.outside_loop:
        return _LOOP
    if not found.field:
        return _TASK
    return _CONDITION if found.field == "condition" else _FIELD


def _shop_problem(step: Step, shop: ShopBackend) -> tuple[str, str] | None:
    """What only the shop knows: whether the app of a task is there."""
    if shop.has_installed(step.task_id):
        return None
    if step.task_id in TASKS:
        return "TASK_NOT_AVAILABLE", "the app of this task is not installed"
    return "TASK_NOT_FOUND", f"no task has the id {step.task_id[:100]}"
