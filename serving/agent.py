"""The agent: request -> model -> tool calls -> ... -> answer, within a budget.

    outcome = converse("Tag big orders", model, Tools(InMemoryShop()), Budget(), clock=time.monotonic)

Whatever a model does ends in an `Outcome` with a reason. Nothing that a model wrote is executed: arguments
are read as JSON and Python is parsed. What a tool answers is data: it comes as a message of the role `tool`
and starts nothing. Not here yet: showing a message while it comes.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord, Transient, UsageError, WorkflowRefused
from schemas.tools import SAVE, Contract, canonical_json
from schemas.workflow.jsontext import read_json
from serving.shop import Saved
from serving.tools import Answer, Tools

__all__ = [
    "MAX_REPEATS",
    "Budget",
    "Completion",
    "Counts",
    "Cut",
    "Model",
    "Outcome",
    "Reason",
    "about_workflow",
    "converse",
    "named_workflow",
]

MAX_CALLS: Final = 16
"""The most tool calls that one message may make."""
MAX_CHARACTERS: Final = 1 << 20
"""The longest message of a model."""
MAX_NAME: Final = 200
"""The longest name of a tool that is answered, and that events can hold."""
MAX_REPEATS: Final = 3
"""How often one request may bring the same call. Tools answer the same where nothing was saved in between, so
the third time tells a model nothing; reading counts anew after something was saved."""
_LONGEST_DETAIL: Final = 500

Reason = Literal[
    "answered",
    "turn_budget",
    "token_budget",
    "time_budget",
    "model_repeats",  # the same call, or the same refused Python, `MAX_REPEATS` times
    "model_silent",  # neither words nor calls
    "model_filtered",  # its server held the answer back
    "model_junk",  # what it sent is no message
    "model_unavailable",  # worth another try
    "model_refused",  # the caller's set-up is wrong
]


Cut = Literal["length", "content_filter"]
"""Why a message is not all there, as chat completions name it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a conversation may cost; a model is given what is left of it."""

    turns: int = 12
    tokens: int = 16_384
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Completion:
    """One assistant message, and how many tokens the model says it took; 0 where it is silent.

    `cut` says that the message is not all there: `length` for a limit of tokens or seconds, `content_filter`.
    """

    message: Message
    num_tokens: int = 0
    cut: Cut | None = None


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
    """How a conversation ended. `python` and `agent_json` are the workflow saved last, None without one.

    The JSON of a workflow that came from a file is that file with what was changed, in its own spelling; it
    is None where that spelling cannot say what the Python says.
    """

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
    repeats = _Repeats()

    def outcome(reason: Reason, detail: str = "") -> Outcome:
        return Outcome(
            reason=reason,
            detail=detail[:_LONGEST_DETAIL].encode(errors="replace").decode(),
            model=model.name,
            messages=tuple(messages),
            counts=counts,
            seconds=clock() - start,
            saved=saved,
            agent_json=_json_of(saved) if saved else None,
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
            normal = _cut_short if completion.cut else _normal
            made = normal(completion.message, len(messages))
        except Transient as error:
            late = clock() - start >= budget.seconds
            return outcome("time_budget" if late else "model_unavailable", str(error))
        except BadRecord as error:
            return outcome("model_silent" if error.code == "SILENT" else "model_junk", error.message)
        except UsageError as error:
            return outcome("model_refused", str(error))
        messages += made
        counts = replace(
            counts,
            num_turns=counts.num_turns + 1,
            num_tokens=counts.num_tokens + (completion.num_tokens or sum(map(_estimate, made))),
        )
        if completion.cut == "content_filter":
            return outcome("model_filtered", "its server held back what it would have said")
        if completion.cut:
            late = clock() - start >= budget.seconds
            return outcome("time_budget" if late else "token_budget", "its answer was cut at a limit")
        calls = messages[-1].get("tool_calls", [])
        if not calls:
            return outcome("answered")
        for call in calls:
            late = clock() - start >= budget.seconds
            answer = (tools.late if late else tools.call)(
                call["function"]["name"], call["function"]["arguments"]
            )
            messages.append({"role": "tool", "content": answer.text, "tool_call_id": call["id"]})
            saved = answer.saved or saved
            if not late:
                repeats.note(call, answer)
            counts = replace(
                counts,
                num_tool_calls=counts.num_tool_calls + 1,
                num_refused_calls=counts.num_refused_calls + (not answer.ok),
            )
        if repeats.found:
            return outcome("model_repeats", repeats.found)


class _Repeats:
    """How often each call was made, to stop a model that goes round in a circle."""

    def __init__(self) -> None:
        self.found = ""
        self._times: Counter[tuple[str, str]] = Counter()

    def note(self, call: ToolCall, answer: Answer) -> None:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        if answer.saved is not None:
            for key in [key for key in self._times if key[0] != SAVE]:
                del self._times[key]
        self._count((name, arguments), f"{name[:64]} came {MAX_REPEATS} times with the same arguments")
        if name == SAVE and not answer.ok and (python := _python_of(arguments)) is not None:
            # Under other ids it is another call, and refused all the same.
            self._count(("refused Python", python), f"the same Python was refused {MAX_REPEATS} times")

    def _count(self, key: tuple[str, str], said: str) -> None:
        self._times[key] += 1
        if self._times[key] >= MAX_REPEATS:
            self.found = self.found or said


def _json_of(saved: Saved) -> str | None:
    try:
        return saved.to_json()
    except WorkflowRefused:
        return None


def _python_of(arguments: str) -> str | None:
    try:
        found = read_json(arguments)
    except BadRecord:
        return None
    python = found.get("workflow_python") if isinstance(found, dict) else None
    return python if isinstance(python, str) else None


_NAMED: Final = re.compile(r"\n\n\(This is about the workflow (\S{1,200})\.\)\Z")


def about_workflow(request: str, workflow_id: str) -> str:
    """A request together with the workflow that it is about, such as the one that a merchant has open."""
    return f"{request}\n\n(This is about the workflow {workflow_id}.)"


def named_workflow(request: str) -> tuple[str, str | None]:
    """A request without what `about_workflow` added, and the workflow that it names."""
    found = _NAMED.search(request)
    return (request[: found.start()], found[1]) if found else (request, None)


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


def _normal(message: Any, place: int) -> list[Message]:
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
    return [normal]


def _cut_short(message: Any, place: int) -> list[Message]:
    """What is kept of a message that is not all there: its words; of a call nobody knows the rest."""
    words = {**message, "tool_calls": []} if isinstance(message, dict) else message
    try:
        return _normal(words, place)
    except BadRecord as refused:
        if refused.code == "SILENT":  # it thought until the limit
            return []
        raise


def _normal_call(call: Any, identity: str) -> ToolCall:
    try:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
    except (KeyError, TypeError):
        raise BadRecord("JUNK", "a call has no function") from None
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise BadRecord("JUNK", "a call's name or arguments are no text")
    if len(name) > MAX_NAME:
        raise BadRecord("JUNK", f"the name of a call is longer than {MAX_NAME} characters")
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
