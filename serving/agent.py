"""The agent: request -> model -> tool calls -> ... -> answer, within a budget.

    outcome = converse("Tag big orders", model, Tools(InMemoryShop()), Budget(), clock=time.monotonic)

Whatever a model does ends in an `Outcome` with a reason. Nothing that a model wrote is executed: arguments
are read as JSON and Python is parsed. Not here yet: streaming.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord, Transient, UsageError
from schemas.tools import Contract, canonical_json
from schemas.workflow import from_python, write
from schemas.workflow.jsontext import read_json
from serving.shop import Saved
from serving.tools import Tools

__all__ = ["Budget", "Completion", "Counts", "Model", "Outcome", "Reason", "converse"]

MAX_CALLS: Final = 16
"""The most tool calls that one message may make."""
MAX_CHARACTERS: Final = 1 << 20
"""The longest message of a model."""

Reason = Literal[
    "answered",
    "turn_budget",
    "token_budget",
    "time_budget",
    "model_silent",  # neither words nor calls
    "model_junk",  # what it sent is no message
    "model_unavailable",  # worth another try
    "model_refused",  # the caller's set-up is wrong
]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a conversation may cost; a model is given what is left of it."""

    turns: int = 12
    tokens: int = 16_384
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Completion:
    """One assistant message, and how many tokens the model says it took; 0 where it is silent."""

    message: Message
    num_tokens: int = 0


class Model(Protocol):
    """Something that says what the assistant says next."""

    @property
    def name(self) -> str:
        """Named in every outcome."""

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """The next assistant message, within the budget.

        Raises:
            Transient: where another try may help.
            BadRecord: where what came is no message.
            UsageError: where the set-up is wrong, such as an unknown model.
        """


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a conversation took; `num_tokens` is estimated where the model does not say."""

    num_turns: int = 0
    num_tool_calls: int = 0
    num_refused_calls: int = 0
    num_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a conversation ended. `python` and `agent_json` are the workflow saved last, None without one."""

    reason: Reason
    detail: str
    model: str
    messages: tuple[Message, ...]
    counts: Counts
    seconds: float
    saved: Saved | None = None
    agent_json: str | None = None

    @property
    def python(self) -> str | None:
        return self.saved.python if self.saved else None


def converse(
    request: str,
    model: Model,
    tools: Tools,
    budget: Budget,
    *,
    clock: Callable[[], float],
    history: Sequence[Message] = (),
) -> Outcome:
    """Answer one request; `history` is what was said before it, and the outcome holds the whole."""
    start = clock()
    messages: list[Message] = [*history, {"role": "user", "content": request}]
    counts = Counts()
    saved: Saved | None = None

    def outcome(reason: Reason, detail: str = "") -> Outcome:
        return Outcome(
            reason=reason,
            detail=detail,
            model=model.name,
            messages=tuple(messages),
            counts=counts,
            seconds=clock() - start,
            saved=saved,
            agent_json=write(from_python(saved.python), None, "agent") if saved else None,
        )

    while True:
        left = Budget(
            turns=budget.turns - counts.num_turns,
            tokens=budget.tokens - counts.num_tokens,
            seconds=budget.seconds - (clock() - start),
        )
        if spent := _spent(left):
            return outcome(spent)
        try:
            completion = model.complete(tuple(messages), tools.contract, left)
            message = _normal(completion.message, len(messages))
        except Transient as error:
            late = clock() - start >= budget.seconds
            return outcome("time_budget" if late else "model_unavailable", str(error))
        except BadRecord as error:
            return outcome("model_silent" if error.code == "SILENT" else "model_junk", error.message)
        except UsageError as error:
            return outcome("model_refused", str(error))
        messages.append(message)
        counts = replace(
            counts,
            num_turns=counts.num_turns + 1,
            num_tokens=counts.num_tokens + (completion.num_tokens or _estimate(message)),
        )
        calls = message.get("tool_calls", [])
        if not calls:
            return outcome("answered")
        for call in calls:
            answer = tools.call(call["function"]["name"], call["function"]["arguments"])
            messages.append({"role": "tool", "content": answer.text, "tool_call_id": call["id"]})
            saved = answer.saved or saved
            counts = replace(
                counts,
                num_tool_calls=counts.num_tool_calls + 1,
                num_refused_calls=counts.num_refused_calls + (not answer.ok),
            )


def _spent(left: Budget) -> Reason | None:
    if left.turns <= 0:
        return "turn_budget"
    if left.tokens <= 0:
        return "token_budget"
    return "time_budget" if left.seconds <= 0 else None


def _estimate(message: Message) -> int:
    """A token for every four bytes, where the model does not count."""
    text = (message["content"] or "") + "".join(
        call["function"]["name"] + call["function"]["arguments"] for call in message.get("tool_calls", [])
    )
    return len(text.encode(errors="replace")) // 4 + 1


def _normal(message: Any, place: int) -> Message:
    """A model's message in the form of the house: our call ids, canonical arguments, nothing else.

    Raises:
        BadRecord: JUNK for what is no message, SILENT for one that says nothing.
    """
    if not isinstance(message, dict) or message.get("role") != "assistant":
        raise BadRecord("JUNK", "it sent no assistant message")
    content, made = message.get("content"), message.get("tool_calls") or []
    if not isinstance(content or "", str) or not isinstance(made, list):
        raise BadRecord("JUNK", "its content is no text or its calls are no list")
    if len(made) > MAX_CALLS:
        raise BadRecord("JUNK", f"it made {len(made)} calls at once")
    calls = [_normal_call(call, f"call_{place}_{number}") for number, call in enumerate(made)]
    if len(content or "") + sum(len(call["function"]["arguments"]) for call in calls) > MAX_CHARACTERS:
        raise BadRecord("JUNK", f"it wrote more than {MAX_CHARACTERS} characters")
    if not calls and not (content or "").strip():
        raise BadRecord("SILENT", "it said nothing")
    normal: Message = {"role": "assistant", "content": content or None if calls else content}
    if calls:
        normal["tool_calls"] = calls
    _require_unicode(normal)
    return normal


def _normal_call(call: Any, identity: str) -> ToolCall:
    try:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
    except (KeyError, TypeError):
        raise BadRecord("JUNK", "a call has no function") from None
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise BadRecord("JUNK", "a call's name or arguments are no text")
    with contextlib.suppress(BadRecord):  # the tool's answer says what is wrong with them
        arguments = canonical_json(read_json(arguments))
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def _require_unicode(message: Message) -> None:
    texts = [message["content"] or ""]
    for call in message.get("tool_calls", []):
        texts += [call["function"]["name"], call["function"]["arguments"]]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        raise BadRecord("JUNK", "it sent a lone surrogate, which is not valid Unicode") from None
