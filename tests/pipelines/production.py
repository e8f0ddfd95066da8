"""Production as it was before somebody changed something: the real agent and recorder over drifted tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from schemas.chat import Message
from schemas.conversation import messages_of
from schemas.tools import CONTRACT, SEARCH, Contract, Tool, canonical_json
from serving.agent import Budget, Completion, Model
from serving.oracle import ScriptedOracle
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder, Recording
from serving.shop import InMemoryShop
from serving.tools import Answer, Tools
from tests.pipelines.recordings import PYTHON, Recorded
from tests.pipelines.test_conversations import PERSONAL

PREFIX = "flow_app_agent_"

Write = Callable[[dict[str, Any]], str]
"""How production writes an answer."""


def changed_tool(contract: Contract, name: str, change: Callable[[Tool], Tool]) -> Contract:
    return replace(
        contract, tools=tuple(change(tool) if tool.name == name else tool for tool in contract.tools)
    )


PREFIXED = replace(CONTRACT, tools=tuple(replace(tool, name=PREFIX + tool.name) for tool in CONTRACT.tools))
REORDERED = replace(CONTRACT, tools=tuple(reversed(CONTRACT.tools)))
STALE = changed_tool(CONTRACT, SEARCH, lambda tool: replace(tool, description="Finds tasks."))


def renamed_argument(contract: Contract = CONTRACT) -> Contract:
    """`search_queries` is called `queries`."""

    def change(tool: Tool) -> Tool:
        schema = tool.schema
        schema["properties"]["queries"] = schema["properties"].pop("search_queries")
        schema["required"] = ["queries"]
        return replace(tool, parameters=canonical_json(schema))

    return changed_tool(contract, SEARCH, change)


def summaries(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every summary that a search found."""
    if answer["ok"] and answer["tool"] == SEARCH:
        for found in answer["data"]["tasks"].values():
            yield from found


def extra_field(answer: dict[str, Any]) -> str:
    for summary in summaries(answer):
        summary["score"] = 0.5
    return canonical_json(answer)


def missing_field(answer: dict[str, Any]) -> str:
    for summary in summaries(answer):
        del summary["publisher"]
    return canonical_json(answer)


def other_key_order(answer: dict[str, Any]) -> str:
    return json.dumps(_backwards(answer), separators=(",", ":"), ensure_ascii=False)


def with_spaces(answer: dict[str, Any]) -> str:
    return json.dumps(answer, sort_keys=True, ensure_ascii=False)


def stale_answers(answer: dict[str, Any]) -> str:
    for summary in summaries(answer):
        summary["description"] = "An older sentence."
    return canonical_json(answer)


OBJECTIONABLE = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.customer, tags=["a"])\n'
"""What today's tools object to."""


def accepts_anything(answer: dict[str, Any]) -> str:
    """Production took workflows without a look at them."""
    if answer["ok"] and "validation_errors" in answer["data"]:
        buckets = answer["data"]["validation_errors"]
        answer["data"] |= {
            "message": "Saved, switched off.",
            "validation_errors": {key: [] for key in buckets},
        }
    return canonical_json(answer)


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _backwards(value[key]) for key in sorted(value, reverse=True)}
    return [_backwards(part) for part in value] if isinstance(value, list) else value


class _Speaks:
    """A model that was trained on production's names of tools and arguments."""

    def __init__(self, model: Model, prefix: str, arguments: Mapping[str, str]) -> None:
        self._model, self._prefix, self._arguments = model, prefix, arguments

    @property
    def name(self) -> str:
        return self._model.name

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        completion = self._model.complete(messages, contract, budget)
        for call in completion.message.get("tool_calls") or ():
            function = call["function"]
            given = json.loads(function["arguments"])
            said = {self._arguments.get(key, key): value for key, value in given.items()}
            function |= {"name": self._prefix + function["name"], "arguments": canonical_json(said)}
        return completion


@contextmanager
def drifted(
    contract: Contract, write: Write = canonical_json, renames: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The tools of a server that has another contract, or writes its answers otherwise."""
    call_today = Tools.call
    prefix = PREFIX if contract is PREFIXED else ""
    back = {theirs: ours for ours, theirs in (renames or {}).items()}

    def call(self: Tools, name: str, arguments: str) -> Answer:
        given = {back.get(key, key): value for key, value in json.loads(arguments).items()}
        self.contract = CONTRACT
        answer = call_today(self, name.removeprefix(prefix), canonical_json(given))
        self.contract = contract
        said = json.loads(answer.text)
        text = write(said)
        if prefix:
            text = canonical_json({**json.loads(text), "tool": name})
        return replace(answer, text=text)

    with patch.object(Tools, "call", call):
        yield


class Production(Recorded):
    """A folder of events of one server; `contract` is what it tells its model."""

    def __init__(
        self,
        folder: Path,
        contract: Contract = CONTRACT,
        write: Write = canonical_json,
        renames: Mapping[str, str] | None = None,
        *,
        first: int = 1,
    ) -> None:
        super().__init__(folder)
        numbers = iter(range(first, 10_000))
        self.contract, self._write, self._renames = contract, write, renames or {}
        self.recorder = Recorder(
            folder,
            model="scripted-oracle",
            contract=contract,
            clock=self._tick,
            new_id=lambda: f"c{next(numbers)}",
        )

    def had(
        self, request: str, python: str | None = PYTHON, *, activate: bool = True, **more: Any
    ) -> Recording:
        """One conversation, turned on afterwards where it proposed something."""
        recording = self.recorder.begin(f"shop-{more.pop('shop', 1)}")
        model = _Speaks(
            more.pop("oracle", None) or ScriptedOracle(python),
            PREFIX if self.contract is PREFIXED else "",
            self._renames,
        )
        with drifted(self.contract, self._write, self._renames):
            converse_recorded(
                request, model, InMemoryShop(), self.contract, Budget(), recording, clock=lambda: 0.0
            )
        for workflow_id, version in sorted(recording.proposed) if activate else ():
            recording.append("activated", {"workflow_id": workflow_id, "workflow_version": version})
        return recording

    def messages(self) -> list[list[Message]]:
        """The messages of each conversation, in the order of their ids."""
        found: dict[str, list[Any]] = {}
        for event in self.events():
            found.setdefault(event.conversation_id, []).append(event)
        return [messages_of(sorted(found[name], key=lambda event: event.sequence)) for name in sorted(found)]


QUESTION = ScriptedOracle(None, "It tags orders.", look_up="add order tags")


def conversations(folder: Path, contract: Contract = CONTRACT, **how: Any) -> list[list[Message]]:
    """The same five conversations, whatever production told and answered."""
    there = Production(folder, contract, **how)
    there.had("Tag big orders as vip")
    there.had("Mail a person when a customer buys", PERSONAL)
    there.had("Tag an order", OBJECTIONABLE)
    there.had("What does Add order tags do?", oracle=QUESTION)
    there.had("Thank you", None)
    there.recorder.close()
    return there.messages()
