"""The agent with its recorder: every message and call is in the file before the model is asked for the next.

The last event of each request says how it ended, `crashed` where a bug of ours ended it.

Not here yet: a conversation whose beginning another process recorded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from schemas.chat import Message
from schemas.errors import BadRecord, Transient
from schemas.tools import Contract
from serving.agent import Budget, Completion, Counts, Model, Outcome, converse
from serving.recorder import Recording
from serving.shop import ShopBackend
from serving.tools import Answer, Tools

__all__ = ["CRASHED", "converse_recorded"]

CRASHED: Final = "crashed"
"""The reason of a conversation that an error has ended, ours or the recorder's; no outcome has it."""


def converse_recorded(
    request: str,
    model: Model,
    shop: ShopBackend,
    contract: Contract,
    budget: Budget,
    recording: Recording,
    *,
    clock: Callable[[], float],
    history: Sequence[Message] = (),
) -> Outcome:
    """`converse`, recorded as it goes; `history` is what this recording holds already.

    Raises:
        Transient: where the recorder cannot write: a conversation that is not recorded does not go on.
    """
    tools = _WatchedTools(shop, contract)
    watched = _WatchedModel(model, tools, recording, len(history))
    try:
        outcome = converse(request, watched, tools, budget, clock=clock, history=history)
        if watched.failed is not None:
            raise watched.failed
        watched.record(outcome.messages)
    except Exception as error:
        ended: dict[str, Any] = {"reason": CRASHED, "detail": type(error).__name__, "milliseconds": 0}
        with contextlib.suppress(Transient, BadRecord):  # what went wrong first is what is told
            recording.append("ended", ended | asdict(Counts()))
        raise
    ended = {"reason": outcome.reason, "detail": outcome.detail, "milliseconds": _milliseconds(outcome)}
    recording.append("ended", ended | asdict(outcome.counts))
    return outcome


def _milliseconds(outcome: Outcome) -> int:
    return max(0, round(outcome.seconds * 1000))


class _WatchedTools(Tools):
    """Keeps what the tools answered, in order."""

    def __init__(self, shop: ShopBackend, contract: Contract) -> None:
        super().__init__(shop, contract)
        self.answers: list[Answer] = []

    def call(self, name: str, arguments: str) -> Answer:
        return self._kept(super().call(name, arguments))

    def late(self, name: str, arguments: str) -> Answer:
        return self._kept(super().late(name, arguments))

    def _kept(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer


class _WatchedModel:
    """A model whose conversation is recorded up to where it is asked."""

    def __init__(self, model: Model, tools: _WatchedTools, recording: Recording, num_recorded: int) -> None:
        self.failed: Exception | None = None
        self._model = model
        self._tools = tools
        self._recording = recording
        self._num_recorded = num_recorded
        self._num_answers = 0

    @property
    def name(self) -> str:
        return self._model.name

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        try:
            self.record(messages)
        except Exception as error:
            self.failed = error
            raise
        return self._model.complete(messages, contract, budget)

    def record(self, messages: Sequence[Message]) -> None:
        """Record what is new in a conversation that only grows."""
        for message in messages[self._num_recorded :]:
            self._record(message)
            self._num_recorded += 1

    def _record(self, message: Message) -> None:
        content, append = message["content"] or "", self._recording.append
        if message["role"] == "tool":
            append("tool_result", {"tool_call_id": message["tool_call_id"], "content": content})
            answer = self._tools.answers[self._num_answers]
            self._num_answers += 1
            if saved := answer.saved:
                append(
                    "workflow_proposed",
                    {
                        "workflow_id": saved.workflow_id,
                        "workflow_version": saved.workflow_version,
                        "python": saved.python,
                    },
                )
            return
        calls = message.get("tool_calls", [])
        if content or not calls:
            append("message", {"role": message["role"], "content": content})
        for call in calls:
            append("tool_call", {"id": call["id"], **call["function"]})
