"""The scripted oracle: given the workflow that is wanted, it plays the trajectory of an ideal agent.

It makes cold-start conversations and is the upper bound that evaluations print beside a model. It is no
model: its name is in every output. Not here yet: searches that find nothing, mistakes that are mended, and
searches of paths, templates and shop resources: what it is told it needs no search for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from schemas.catalog.tasks import TASKS, is_app
from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord
from schemas.tools import CONFIGURE, LOOK_UP, SAVE, SEARCH, Contract, canonical_json
from schemas.workflow import Workflow, from_python
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import CONDITION, FOREACH, Step
from serving.agent import Budget, Completion

__all__ = ["ScriptedOracle"]

_QUERIES: Final = 10
_TASKS: Final = 20
_READY: Final = (
    'The workflow "{name}" is saved and switched off. Next steps: read it through, try it on one case, then '
    "turn it on.",
    'I saved "{name}", switched off for now. It starts with {trigger}{does}. Next steps: check the values, '
    "test it once, then turn it on.",
    'Done: the workflow "{name}" is saved, and it stays off until you turn it on. It starts with '
    "{trigger}{does}. Next steps: review each step and try it on one case.",
    'I built "{name}" and left it off. Starting point: {trigger}{does}. Next steps: look through it, test it '
    "with a case of your own, then switch it on.",
)
"""How it closes, chosen by the workflow itself."""


@dataclass(frozen=True)
class ScriptedOracle:
    """Says what an ideal agent would; `python` is the workflow to end with, None where none is wanted."""

    python: str | None
    answer: str = "No workflow is needed for this."
    """What it says where no workflow is wanted."""
    workflow_id: str | None = None
    """The workflow to replace, with `workflow_version`, where the request is an edit."""
    workflow_version: int | None = None
    look_up: str | None = None
    """What it searches before it answers without a workflow."""

    @property
    def name(self) -> str:
        return "scripted-oracle"

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """The next message of the script: a pure function of what was said so far.

        Raises:
            BadRecord: where the wanted Python is no workflow.
        """
        asked = max(n for n, message in enumerate(messages) if message["role"] == "user")
        since = messages[asked + 1 :]
        turn = sum(message["role"] == "assistant" for message in since)
        script = [calls for calls in self._script(messages[:asked]) if calls]
        if turn < len(script):
            return Completion({"role": "assistant", "content": None, "tool_calls": script[turn]})
        said = self.answer if self.python is None else _ending(_workflow(self.python), self.python, since)
        return Completion({"role": "assistant", "content": said})

    def _script(self, history: Sequence[Message]) -> list[list[ToolCall]]:
        """The calls of each message in turn; what was read earlier in the conversation is not read again."""
        if self.python is None:
            queries = [] if self.look_up is None else [self.look_up.lower()]
            return [_calls(SEARCH, [{"search_queries": [query]} for query in queries])]
        used = _used(_workflow(self.python))
        tasks = [task for task in used if task not in _read_before(history)]
        labels = [TASKS[task_id].label for task_id, _ in tasks if task_id in TASKS]
        queries = list(dict.fromkeys(label.lower() for label in labels))
        named = [{"id": task_id, "version": version} for task_id, version in tasks]
        saved: dict[str, Any] = {"workflow_python": self.python}
        looked_up: list[dict[str, Any]] = []
        if self.workflow_id is not None:
            saved |= {"workflow_id": self.workflow_id, "workflow_version": self.workflow_version}
            if not _has_seen(self.workflow_id, history):
                looked_up.append({"workflow_id": self.workflow_id})
        return [
            _calls(LOOK_UP, looked_up),
            _calls(SEARCH, [{"search_queries": part} for part in _parts(queries, _QUERIES)]),
            _calls(CONFIGURE, [{"tasks": part} for part in _parts(named, _TASKS)]),
            _calls(SAVE, [saved]),
        ]


@functools.lru_cache(maxsize=16)
def _workflow(python: str) -> Workflow:
    """One trajectory asks for the same workflow at every turn."""
    return from_python(python)


def _used(workflow: Workflow) -> list[tuple[str, str]]:
    """(id, version) of the tasks to look up: if and for need none, and of unknown apps no catalogue tells."""
    known = (step for step in _named(workflow) if step.task_id in TASKS or not is_app(step.task_id))
    return list(dict.fromkeys((step.task_id, step.version) for step in known))


def _read_before(history: Sequence[Message]) -> set[tuple[str, str]]:
    """(id, version) of the tasks whose configuration was asked for."""
    read: set[tuple[str, str]] = set()
    for message in history:
        for call in message.get("tool_calls", []):
            if call["function"]["name"] != CONFIGURE:
                continue
            try:
                tasks = read_json(call["function"]["arguments"])["tasks"]
                read.update((task["id"], task["version"]) for task in tasks)
            except (BadRecord, KeyError, TypeError):
                continue  # a call that was refused read nothing
    return read


def _has_seen(workflow_id: str, history: Sequence[Message]) -> bool:
    """Whether a tool has told of the workflow: it was looked up, or saved."""
    for message in history:
        said = message["content"] or ""
        if message["role"] != "tool" or workflow_id not in said:
            continue
        try:
            if read_json(said)["data"]["workflow_id"] == workflow_id:
                return True
        except (BadRecord, KeyError, TypeError):
            continue
    return False


def _ending(workflow: Workflow, python: str, since: Sequence[Message]) -> str:
    """What the merchant is told, true to what the tool answered."""
    said = json.loads(since[-1]["content"] or "{}")
    if not said.get("ok"):
        return (
            f"I could not save the workflow: {said.get('data', {}).get('message', 'the tool gave no reason')}"
        )
    errors = [error for bucket in said["data"]["validation_errors"].values() for error in bucket]
    if errors:
        listed = "; ".join(dict.fromkeys(map(_objection, errors)))
        ready = f'The workflow "{workflow.name}" is saved and switched off.'
        return f"{ready} Next steps: mend what Flow objects to ({listed}), then turn it on."
    named = dict.fromkeys((step.task_id, step.kind) for step in _named(workflow))
    trigger, *acting = [_label(task_id) for task_id, _ in named]
    does = f" and then uses {_listed(acting)}" if acting else " and does nothing yet"
    return _READY[blake2b(python.encode(), digest_size=1).digest()[0] % len(_READY)].format(
        name=workflow.name, trigger=trigger, does=does
    )


def _objection(error: Mapping[str, Any]) -> str:
    """One of Flow's objections; some are of the whole workflow and name no step."""
    step = error["stepId"]
    return error["message"] if step is None else f"step {step}: {error['message']}"


def _named(workflow: Workflow) -> list[Step]:
    """The steps whose tasks have a name of their own; if and for are the language's."""
    return [step for step in workflow.steps if step.kind not in (CONDITION, FOREACH)]


def _label(task_id: str) -> str:
    return TASKS[task_id].label if task_id in TASKS else f"the task {task_id}"


def _listed(labels: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))


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
