"""A conversation brought to today's contract: the same words and calls, in the form that is served today.

    messages = migrated(messages, recorded=contract_v1, today=CONTRACT)

Tools and arguments get today's names, every answer is today's tools' own. What was said, which tools were
called with which values and what came of it must stay: where today's tools would refuse what was accepted,
object to what they took, or no longer show a task that a later call names, the conversation would be another
one, and it is refused with the reason. Not here yet: arguments that changed more than their name.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.mirror.again import AskedAgain, todays_arguments
from pipelines.mirror.answers import Told, in_shape, read_answer, stale_values
from pipelines.mirror.differences import Difference, is_newer
from pipelines.mirror.exchanges import Exchange, exchanges_in, form_differences, meant_tool, paired
from schemas.chat import Message, render_text
from schemas.errors import BadRecord
from schemas.tools import CONFIGURE, SAVE, SEARCH, Contract, Tool

__all__ = ["differences_in", "migrated"]

Answer = Mapping[str, Any]


def differences_in(
    messages: Sequence[Message], today: Contract, recorded: Contract | None = None
) -> Iterator[tuple[int, Told]]:
    """(message, difference) for everything in a stored conversation that is not as it is served today."""
    exchanges = exchanges_in(messages)
    asked = AskedAgain(exchanges, today, recorded)
    for exchange in exchanges:
        yield from ((exchange.place, told) for told in form_differences(exchange, today, recorded))
        said = asked.answer(exchange)
        if said is None or said == exchange.answer:
            continue
        tool = meant_tool(exchange, today, recorded)
        if tool is None:
            yield exchange.place, (Difference("refusal", "stale value"), "")
            continue
        with contextlib.suppress(BadRecord):  # what is no answer was told of by its form
            was = read_answer(exchange.answer)
            yield from ((exchange.place, told) for told in stale_values(tool, was, read_answer(said)))


def migrated(messages: Sequence[Message], today: Contract, recorded: Contract | None = None) -> list[Message]:
    """The messages as they would be today; equal ones where nothing differs.

    Raises:
        BadRecord: with the reason why it would be another conversation; `path` names the message.
    """
    if recorded is not None and is_newer(recorded, today):
        raise BadRecord("NEWER_CONTRACT", f"production ran {recorded.version}, training has {today.version}")
    changed = copy.deepcopy(list(messages))
    calls = paired(changed)
    exchanges = [exchange for exchange, _ in calls]
    if len(exchanges) != sum(message["role"] == "tool" for message in messages):
        raise BadRecord("UNPAIRED", "calls and answers do not belong together")
    asked = AskedAgain(exchanges, today, recorded)
    named = _named_tasks(exchanges, today, recorded)
    for exchange, call in calls:
        tool = meant_tool(exchange, today, recorded)
        try:
            answer = _todays_answer(exchange, asked, tool, today)
            _require_same(exchange, answer, named, tool)
        except BadRecord as refused:
            raise BadRecord(refused.code, refused.message, path=f"/{exchange.place}") from None
        changed[exchange.place]["content"] = answer
        call["name"] = tool.name if tool else exchange.name
        call["arguments"] = todays_arguments(exchange, today, recorded)
    render_text(changed, today)
    for place, (difference, _) in differences_in(changed, today):
        raise BadRecord("STILL_DIFFERENT", str(difference), path=f"/{place}")
    return changed


def _todays_answer(exchange: Exchange, asked: AskedAgain, tool: Tool | None, today: Contract) -> str:
    said = asked.answer(exchange)
    if said is not None:
        return said
    if tool is None:
        raise BadRecord("NO_SUCH_TOOL", f"nobody answers {exchange.name[:64]} today")
    return in_shape(tool, exchange.answer, today)


# -- what must stay -------------------------------------------------------------------------------------


def _require_same(exchange: Exchange, answer: str, named: set[str], tool: Tool | None) -> None:
    """That the call came out as it did, and that a search still shows the tasks that are `named` later.

    Raises:
        BadRecord: OTHER_OUTCOME, TASK_GONE.
    """
    was, now = read_answer(exchange.answer), read_answer(answer)
    if was.get("ok") != now.get("ok"):
        verbs = ["accepted" if side.get("ok") else "refused" for side in (was, now)]
        raise BadRecord("OTHER_OUTCOME", f"{exchange.name[:64]} was {verbs[0]} and would be {verbs[1]}")
    name = tool.name if tool else ""
    if name in (CONFIGURE, SAVE) and _objections(was) != _objections(now):
        raise BadRecord("OTHER_OUTCOME", f"{name} would object to something else")
    if name == SEARCH and (gone := sorted((_shown_tasks(was) - _shown_tasks(now)) & named)):
        raise BadRecord("TASK_GONE", f"the search would not show {gone[0][:100]}, which it goes on with")


def _objections(answer: Answer) -> list[tuple[str, str]]:
    """What a tool objects to, without its words: (where, code)."""
    data = answer.get("data")
    found: list[tuple[str, str]] = []
    if not isinstance(data, dict):
        return found
    for task in data.get("tasks") or ():
        if isinstance(task, dict) and isinstance(error := task.get("error"), dict):
            found.append((str(task.get("id")), str(error.get("code"))))
    for bucket, errors in (data.get("validation_errors") or {}).items():
        found += [(f"{bucket} {error.get('stepId')}", str(error.get("code"))) for error in errors]
    return sorted(found)


def _shown_tasks(answer: Answer) -> set[str]:
    """Ids of the tasks that an answer of a search shows."""
    tasks = answer["data"].get("tasks") if isinstance(answer.get("data"), dict) else None
    listed = tasks.values() if isinstance(tasks, dict) else ()
    return {identity for found in listed for identity in _ids(found)}


def _named_tasks(exchanges: Sequence[Exchange], today: Contract, recorded: Contract | None) -> set[str]:
    """Ids of the tasks whose configuration is asked for."""
    named: set[str] = set()
    for exchange in exchanges:
        tool = meant_tool(exchange, today, recorded)
        if tool is not None and tool.name == CONFIGURE:
            with contextlib.suppress(BadRecord):
                data = read_answer(exchange.answer).get("data")
                tasks = data.get("tasks") if isinstance(data, dict) else None
                named |= _ids(tasks)
    return named


def _ids(tasks: object) -> set[str]:
    listed = tasks if isinstance(tasks, list) else ()
    return {task["id"] for task in listed if isinstance(task, dict) and isinstance(task.get("id"), str)}
