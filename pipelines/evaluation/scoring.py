"""What a conversation came to, held against what was wanted; intervals of rates. Pure functions.

The workflow that the model wrote *last* is scored: a right one that it spoiled afterwards is not right. Not
here yet: a score between right and wrong, and workflows that mean the same by other steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.evaluation.held_out import HeldOut, Wanted
from pipelines.trajectory import workflow_in
from schemas.chat import Call, Message
from schemas.errors import BadRecord
from schemas.tools import SAVE
from schemas.workflow import Workflow, canonical, from_python
from schemas.workflow.jsontext import read_json

__all__ = ["Rate", "Score", "quantile", "score"]

_Z: Final = 1.959963984540054
"""The normal deviate of 95%."""


@dataclass(frozen=True, slots=True)
class Score:
    """`parses` and `valid` are None where no workflow is wanted; `equal` implies `parses`."""

    parses: bool | None
    valid: bool | None
    equal: bool


def score(conversation: HeldOut, reason: str, since: Sequence[Message]) -> Score:
    """The score of what was said `since` the request, an exchange that ended by `reason`.

    A question is right where the model answered and saved nothing. An edit is right where the workflow that
    it was asked to change is changed: the right workflow beside it is not.
    """
    written = _last_write(since)
    if conversation.wanted is None:
        saved = any(_saved(answer) for call, answer in _calls(since) if call["name"] == SAVE)
        return Score(None, None, reason == "answered" and not saved)
    if written is None:
        return Score(parses=False, valid=False, equal=False)
    call, answer = written
    try:
        workflow = workflow_in(call["arguments"])
    except BadRecord:
        return Score(parses=False, valid=False, equal=False)
    valid = _saved(answer) and not any(answer["data"]["validation_errors"].values())
    equal = _saved(answer) and _is(conversation.wanted, workflow, answer["data"]["workflow_id"])
    return Score(parses=True, valid=valid, equal=equal)


def _last_write(since: Sequence[Message]) -> tuple[Call, dict[str, Any]] | None:
    writes = [(call, answer) for call, answer in _calls(since) if call["name"] == SAVE]
    return writes[-1] if writes else None


def _calls(since: Sequence[Message]) -> list[tuple[Call, dict[str, Any]]]:
    """Every call with its answer, in order. Answers follow calls one by one: our agent wrote them."""
    calls = [call["function"] for message in since for call in message.get("tool_calls", [])]
    answers = [read_json(message["content"] or "") for message in since if message["role"] == "tool"]
    return list(zip(calls, answers, strict=False))


def _saved(answer: dict[str, Any]) -> bool:
    return answer["ok"] is True


def _is(wanted: Wanted, workflow: Workflow, workflow_id: str) -> bool:
    same = canonical(workflow) == canonical(from_python(wanted.python))
    return same and wanted.workflow_id in (None, workflow_id)


# -- rates ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """`num` of `of`, with Wilson's 95% interval; without any, nothing is known: from 0 to 1."""

    num: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        share, square = self.num / self.of, _Z**2
        middle = (share + square / (2 * self.of)) / (1 + square / self.of)
        root = math.sqrt(share * (1 - share) / self.of + square / (4 * self.of**2))
        half = _Z * root / (1 + square / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.of:
            return "-"
        low, high = self.interval
        return f"{self.num}/{self.of} ({100 * low:.0f}-{100 * high:.0f}%)"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least a `share` of them do not exceed; there must be one."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]
