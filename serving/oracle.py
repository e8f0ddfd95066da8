"""The scripted oracle: given the workflow that is wanted, it plays the trajectory of an ideal agent.

It makes cold-start conversations and is the upper bound that evaluations print beside a model. It is no
model: its name is in every output. Not here yet: searches that find nothing, mistakes that are mended, and
words of its own for each workflow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.catalog.tasks import TASKS
from schemas.chat import Message, ToolCall
from schemas.tools import CONFIGURE, SAVE, SEARCH, Contract, canonical_json
from schemas.workflow import Workflow, from_python
from schemas.workflow.model import CONDITION, FOREACH
from serving.agent import Budget, Completion

__all__ = ["ScriptedOracle"]

_QUERIES: Final = 10
_TASKS: Final = 20


@dataclass(frozen=True)
class ScriptedOracle:
    """Says what an ideal agent would; `python` is the workflow to end with, None where none is wanted."""

    python: str | None
    answer: str = "No workflow is needed for this."
    """What it says where no workflow is wanted."""
    workflow_id: str | None = None
    """The workflow to replace, with `workflow_version`, where the request is an edit."""
    workflow_version: int | None = None

    @property
    def name(self) -> str:
        return "scripted-oracle"

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """The next message of the script: a pure function of what was said since the last request.

        Raises:
            BadRecord: where the wanted Python is no workflow.
        """
        asked = max(n for n, message in enumerate(messages) if message["role"] == "user")
        since = messages[asked + 1 :]
        if self.python is None:
            return Completion({"role": "assistant", "content": self.answer})
        workflow = from_python(self.python)
        script = [self._searches(workflow), self._configurations(workflow), self._save()]
        script = [calls for calls in script if calls]
        turn = sum(message["role"] == "assistant" for message in since)
        if turn < len(script):
            return Completion({"role": "assistant", "content": None, "tool_calls": script[turn]})
        return Completion({"role": "assistant", "content": _ending(workflow, since)})

    def _searches(self, workflow: Workflow) -> list[ToolCall]:
        labels = [TASKS[task_id].label for task_id, _ in _used(workflow) if task_id in TASKS]
        queries = list(dict.fromkeys(label.lower() for label in labels))
        return _calls(SEARCH, [{"search_queries": part} for part in _parts(queries, _QUERIES)])

    def _configurations(self, workflow: Workflow) -> list[ToolCall]:
        tasks = [{"id": task_id, "version": version} for task_id, version in _used(workflow)]
        return _calls(CONFIGURE, [{"tasks": part} for part in _parts(tasks, _TASKS)])

    def _save(self) -> list[ToolCall]:
        arguments: dict[str, Any] = {"workflow_python": self.python}
        if self.workflow_id is not None:
            arguments |= {"workflow_id": self.workflow_id, "workflow_version": self.workflow_version}
        return _calls(SAVE, [arguments])


def _used(workflow: Workflow) -> list[tuple[str, str]]:
    """(id, version) of the tasks to look up; if and for need no looking up."""
    steps = (step for step in workflow.steps if step.kind not in (CONDITION, FOREACH))
    return list(dict.fromkeys((step.task_id, step.version) for step in steps))


def _ending(workflow: Workflow, since: Sequence[Message]) -> str:
    """What the merchant is told, true to what the tool answered."""
    said = json.loads(since[-1]["content"] or "{}")
    if not said.get("ok"):
        return (
            f"I could not save the workflow: {said.get('data', {}).get('message', 'the tool gave no reason')}"
        )
    errors = [error for bucket in said["data"]["validation_errors"].values() for error in bucket]
    ready = f'The workflow "{workflow.name}" is saved and switched off.'
    if errors:
        listed = "; ".join(dict.fromkeys(f"step {error['stepId']}: {error['message']}" for error in errors))
        return f"{ready} Next steps: mend what Flow objects to ({listed}), then turn it on."
    return f"{ready} Next steps: read it through, try it on one case, then turn it on."


def _calls(name: str, each: Sequence[dict[str, Any]]) -> list[ToolCall]:
    return [
        {
            "id": f"{name}_{number}",
            "type": "function",
            "function": {"name": name, "arguments": canonical_json(arguments)},
        }
        for number, arguments in enumerate(each)
    ]


def _parts(values: list[Any], size: int) -> list[list[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
