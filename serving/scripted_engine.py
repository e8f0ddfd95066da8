"""The scripted oracle behind the server's door: an engine that is told beforehand what each request wants.

    engine = ScriptedEngine()
    engine.expect(("Tag big orders",), ScriptedOracle(python))

It stands in for a prompted model of today, as the champion of a simulation; its name says what it is in every
event. Not here yet: requests that nobody announced, which it does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, Contract
from serving.agent import Budget, Completion
from serving.generation import Generation, Sampling
from serving.oracle import ScriptedOracle

__all__ = ["ScriptedEngine"]


class ScriptedEngine:
    """One oracle for each conversation, found by all that the person has said in it."""

    name = "scripted-oracle"

    def __init__(self, contract: Contract = CONTRACT) -> None:
        self.contract = contract
        self._scripts: dict[tuple[str, ...], ScriptedOracle] = {}

    def expect(self, said: Sequence[str], oracle: ScriptedOracle) -> None:
        """Let `oracle` answer where these are the person's words so far; the same words mean the same."""
        self._scripts[tuple(said)] = oracle

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """The oracle's next message.

        Raises:
            BadRecord: SILENT for a conversation that nobody announced.
        """
        said = tuple(message["content"] or "" for message in messages if message["role"] == "user")
        oracle = self._scripts.get(said)
        if oracle is None:
            raise BadRecord("SILENT", "the script does not know this conversation")
        return oracle.complete(messages, contract, budget)

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        """The same for chat completions; a script counts no tokens."""
        message = self.complete(messages, self.contract, Budget()).message
        return Generation(message, "tool_calls" if message.get("tool_calls") else "stop", 0, 0)
