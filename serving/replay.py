"""Replay: run the tool calls of a recorded conversation again, and hold each answer against the recorded one.

    tools = Tools(shop_of(messages))
    replay(messages, tools)      # every answer came back byte for byte, and the shop is where it was

Nothing that a model wrote is executed: a call is answered by the same tools that answered it before. Not here
yet: workflows that were there before the conversation and that it never looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from schemas.catalog.tasks import is_app
from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord
from schemas.tools import LOOK_UP, SAVE, SEARCH
from schemas.workflow import from_python
from schemas.workflow.jsontext import read_json
from serving.shop import InMemoryShop, Saved
from serving.tools import Tools

__all__ = ["app_tasks", "replay", "shop_of"]

_SAVED: Final = ("workflow_id", "workflow_version", "workflow_python")


def replay(messages: Sequence[Message], tools: Tools) -> None:
    """Bring the shop of `tools` to where it was after `messages`.

    Raises:
        BadRecord: REPLAY where an answer is another one, is missing, or belongs to no call; `path` names the
            message. The shop is then of no use.
    """
    for place, call, recorded in _answered(messages):
        function = call["function"]
        said = tools.call(function["name"], function["arguments"]).text
        if said != recorded:
            at = next((n for n, (a, b) in enumerate(zip(said, recorded, strict=False)) if a != b), None)
            at = min(len(said), len(recorded)) if at is None else at
            name = function["name"][:64]
            raise BadRecord("REPLAY", f"{name} answers otherwise from character {at} on", path=f"/{place}")


def shop_of(messages: Sequence[Message]) -> InMemoryShop:
    """The shop as a conversation shows that it was before it: the apps, and the workflows that it read.

    An app is there where a search said so, or a workflow that uses its tasks was saved without complaint.
    """
    apps: set[str] = set()
    before: dict[tuple[str, int], Saved] = {}
    made: set[str] = set()
    for _, call, recorded in _answered(messages):
        name = call["function"]["name"]
        try:
            answer = read_json(recorded)
            if name == SEARCH:
                found = (task for tasks in answer["data"]["tasks"].values() for task in tasks)
                apps.update(task["id"] for task in found if task["installed"] is True)
            elif name == SAVE:
                apps |= _undisputed(read_json(call["function"]["arguments"]), answer["data"])
                made.add(answer["data"]["workflow_id"])
            elif name == LOOK_UP and answer["data"]["workflow_id"] not in made:
                read = Saved(*(answer["data"][key] for key in _SAVED))
                before[read.workflow_id, read.workflow_version] = read
        except (BadRecord, KeyError, TypeError, AttributeError):
            continue  # a refused call shows nothing
    newest = {workflow_id: before[workflow_id, version] for workflow_id, version in sorted(before)}
    older = {key: read for key, read in before.items() if newest[read.workflow_id] != read}
    return InMemoryShop(frozenset(app for app in apps if is_app(app)), newest, older)


def app_tasks(python: str) -> frozenset[str]:
    """Ids of the tasks of a workflow that come from apps.

    Raises:
        WorkflowRefused: where the Python is no workflow.
    """
    return frozenset(step.task_id for step in from_python(python).steps if is_app(step.task_id))


def _undisputed(arguments: dict[str, Any], saved: dict[str, Any]) -> set[str]:
    """The app tasks of a saved workflow that the shop did not object to."""
    errors = saved["validation_errors"]["taskErrors"]
    disputed = {int(error["stepId"]) - 1 for error in errors if error["stepId"] is not None}
    steps = enumerate(from_python(arguments["workflow_python"]).steps)
    return {step.task_id for number, step in steps if number not in disputed and is_app(step.task_id)}


def _answered(messages: Sequence[Message]) -> Iterator[tuple[int, ToolCall, str]]:
    """(place of its answer, call, answer) in the order of the calls.

    Raises:
        BadRecord: REPLAY where calls and answers do not belong together.
    """
    waiting: list[ToolCall] = []
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            if not waiting or waiting[0]["id"] != message.get("tool_call_id"):
                raise BadRecord("REPLAY", "an answer belongs to no call before it", path=f"/{place}")
            yield place, waiting.pop(0), message["content"] or ""
        elif waiting:
            break
        else:
            waiting = list(message.get("tool_calls", []))
    if waiting:
        raise BadRecord("REPLAY", f"the call {waiting[0]['id'][:64]} has no answer")
