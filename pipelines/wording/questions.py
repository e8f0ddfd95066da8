"""Questions about a task of the catalogue, and answers that say what the catalogue knows, and no more.

Not here yet: questions about the merchant's own workflows, and about what Flow cannot do.
"""

from __future__ import annotations

from typing import Final

from pipelines.wording.edits import digest_of
from pipelines.wording.phrases import listed
from schemas.catalog.tasks import TASKS, Task
from schemas.workflow.model import CONDITION, FOREACH, TRIGGER, Workflow

__all__ = ["asked_task", "question_request"]

_ASKED: Final = (
    "What does {label} do?",
    "Which fields does the task {label} take?",
    "How do I use {label} in a workflow?",
    "what is {label}?",
    "Does Flow have a task called {label}?",
    "What should I know about {label}?",
)
_NO_TASK: Final = "shopify::admin::order_created"
_KINDS: Final = {
    "TRIGGER": "a trigger: a workflow can start with it",
    "ACTION": "an action: a step that does something",
    "WAIT": "a step that waits before the next one",
}


def asked_task(workflow: Workflow, wording: int = 0) -> Task:
    """The task that the question is about: one that the workflow uses, of those whose id is confirmed."""
    used = [TASKS[step.task_id] for step in workflow.steps if step.task_id in TASKS]
    used = [task for task in used if task.kind not in (CONDITION, FOREACH)]
    known = [task for task in used if task.known] or used or [TASKS[_NO_TASK]]
    return known[digest_of(workflow, f"question {wording}") % len(known)]


def question_request(workflow: Workflow, wording: int = 0) -> tuple[str, str]:
    """A question about a task that the workflow uses, and its answer."""
    task = asked_task(workflow, wording)
    said = [f'"{task.label}" is {_KINDS[task.kind]}.']
    if task.roots:
        said.append(f"It provides {listed(task.roots)}.")
    fields = task.config_fields.values()
    if seen := tuple(field.id for field in fields if field.known):
        said.append(f"It takes {listed(seen)}.")
    elif fields:
        said.append(f"Going by like tasks, it should take {listed(tuple(field.id for field in fields))}.")
    elif task.kind != TRIGGER:
        said.append("I know of no fields that it takes.")
    if task.output:
        said.append(f"Later steps can read its result as {task.output}.")
    if not task.known:
        said.append("Its id is not confirmed, so look it up in the editor before you rely on it.")
    said.append("Tell me what should happen in your shop, and I build the workflow.")
    return _ASKED[wording].format(label=task.label), " ".join(said)
