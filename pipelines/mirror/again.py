"""The calls of a recorded conversation asked again of today's tools, in a shop that gives the recorded ids.

    asked = AskedAgain(exchanges, CONTRACT)
    for exchange in exchanges:
        asked.answer(exchange)      # today's answer, None where only the shop itself could give one

What the tools know by themselves (tasks, their configuration, paths, templates, what Flow objects to) is
answered anew. What lay in the merchant's shop (its things, workflows that were there before) is nobody's to
invent: such an answer keeps its values. The calls are redacted ones where the conversation is, so no answer
can bring an identifier back. Not here yet: apps that were installed and that no answer shows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

from pipelines.mirror.answers import read_answer
from pipelines.mirror.differences import argument_names
from pipelines.mirror.exchanges import Exchange, is_accepted, meant_tool
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import LOOK_UP, RESOURCES, SAVE, Contract, canonical_json
from schemas.workflow.jsontext import read_json
from serving.replay import shop_of
from serving.shop import InMemoryShop, Saved
from serving.tools import Tools

__all__ = ["AskedAgain", "todays_arguments"]

_SHOPS_OWN: Final = (LOOK_UP, RESOURCES)
"""Tools whose answers are things of the shop."""


class AskedAgain:
    """Today's tools over the shop of one conversation."""

    def __init__(
        self, exchanges: Sequence[Exchange], today: Contract, recorded: Contract | None = None
    ) -> None:
        self._recorded = recorded
        self._today = today
        self._shop = _RecordedShop(shop_of(_as_messages(exchanges, today, recorded)).apps)
        self._tools = Tools(self._shop, today)

    def answer(self, exchange: Exchange) -> str | None:
        """What today's tools say to the call; None where the shop itself was asked, or nobody is today."""
        tool = meant_tool(exchange, self._today, self._recorded)
        if tool is None:
            refused = not is_accepted(exchange.answer)
            return self._tools.call(exchange.name, exchange.arguments).text if refused else None
        name, arguments = tool.name, todays_arguments(exchange, self._today, self._recorded)
        if name in _SHOPS_OWN:
            return None
        if name == SAVE:
            ids = _given(exchange.answer)
            if ids is None and _names_a_workflow(arguments):
                return None  # the shop refused, for reasons of its own
            self._shop.gives = ids
        elif _names_a_workflow(arguments):
            return None
        return self._tools.call(name, arguments).text


class _RecordedShop(InMemoryShop):
    """Takes every workflow, and gives it the id and the version that production gave."""

    gives: tuple[str, int] | None = None

    def create(self, python: str) -> Saved:
        return super().create(python) if self.gives is None else Saved(*self.gives, python)

    def update(self, workflow_id: str, workflow_version: int, python: str) -> Saved:
        if self.gives is None:
            return super().update(workflow_id, workflow_version, python)
        return Saved(*self.gives, python)


def todays_arguments(exchange: Exchange, today: Contract, recorded: Contract | None) -> str:
    """The call's arguments under today's names, canonical; as they are where they are no object."""
    tool = meant_tool(exchange, today, recorded)
    try:
        arguments = read_json(exchange.arguments, limit=max(len(exchange.arguments), 1))
    except BadRecord:
        return exchange.arguments
    if tool is None or not isinstance(arguments, dict):
        return exchange.arguments
    theirs = recorded.tool(exchange.name) if recorded else None
    names = argument_names(theirs, tool) if theirs else {}
    return canonical_json({names.get(key, key): value for key, value in arguments.items()})


def _names_a_workflow(arguments: str) -> bool:
    """Whether a call looks at what the shop had then."""
    with contextlib.suppress(BadRecord):
        return "workflow_id" in read_json(arguments, limit=max(len(arguments), 1))
    return False


def _given(answer: str) -> tuple[str, int] | None:
    """Id and version of what a recorded answer says was saved."""
    try:
        data: Any = read_answer(answer).get("data")
    except BadRecord:
        return None
    found = (data.get("workflow_id"), data.get("workflow_version")) if isinstance(data, dict) else ()
    match found:
        case (str(identity), int(version)):
            return identity, version
    return None


def _as_messages(exchanges: Sequence[Exchange], today: Contract, recorded: Contract | None) -> list[Message]:
    """The exchanges as `shop_of` reads them, under today's names."""
    messages: list[Message] = []
    for exchange in exchanges:
        tool = meant_tool(exchange, today, recorded)
        if tool is None:
            continue
        call_id = f"call_{exchange.place}"
        function = {"name": tool.name, "arguments": todays_arguments(exchange, today, recorded)}
        call: Any = {"id": call_id, "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": exchange.answer, "tool_call_id": call_id},
        ]
    return messages
