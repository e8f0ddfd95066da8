"""One conversation of the scripted model: it is told what a person says, and not what is wanted.

Each message is a pure function of what was said: the script of the last request runs from its beginning with
the answers that the tools gave. Not here yet: requests in several sentences that belong together, and
questions back to the person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.chat import Message, ToolCall
from schemas.errors import BadRecord
from schemas.tools import SAVE, SEARCH, Contract
from schemas.workflow.jsontext import read_json
from serving.agent import Budget, Completion, named_workflow
from serving.scripted_model.building import build
from serving.scripted_model.calls import Script, answered, calls
from serving.scripted_model.editing import edit, is_edit
from serving.scripted_model.reading import Wish, read_request
from serving.scripted_model.text import MAX_REQUEST
from serving.scripted_model.vocabulary import ANSWERS, EXAMPLES, OUT_OF_REACH

__all__ = ["ScriptedModel"]

NAME: Final = "scripted-rules"
_QUESTION: Final = re.compile(
    r"\s*(?:what|how|can|could|does|do(?! not\b)|is|are|why|which|who|where|when (?:does|will|can)|explain"
    r"|tell me (?:about|what|how|why|whether|which))\b",
    re.IGNORECASE,
)
_MAX_TITLE: Final = 60


@dataclass(frozen=True)
class ScriptedModel:
    """Rules in the place of a model: nobody tells it what is wanted, unlike `ScriptedOracle`."""

    @property
    def name(self) -> str:
        return NAME

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """The next message: the tool calls of the script, or what it says at its end."""
        asked = max(n for n, message in enumerate(messages) if message["role"] == "user")
        script = _script(messages[asked]["content"] or "", messages[:asked])
        answers = _answers(messages[asked + 1 :])
        made: list[ToolCall] | None = None
        try:
            made = next(script)
            for texts in answers:
                made = script.send(answered(texts))
        except StopIteration as ended:
            return Completion({"role": "assistant", "content": ended.value})
        return Completion({"role": "assistant", "content": None, "tool_calls": made})


def _answers(since: Sequence[Message]) -> list[list[str]]:
    """The tools' answers, message by message of the assistant."""
    grouped: list[list[str]] = []
    for message in since:
        if message["role"] == "assistant":
            grouped.append([])
        elif message["role"] == "tool" and grouped:
            grouped[-1].append(message["content"] or "")
    return grouped


def _script(said: str, before: Sequence[Message]) -> Script:
    request, named = named_workflow(said)
    if len(request) > MAX_REQUEST:
        return _say(f"I read requests of at most {MAX_REQUEST} characters. {_offer()}")
    for pattern, why in OUT_OF_REACH:
        if re.search(pattern, request, re.IGNORECASE):
            return _say(f"No workflow of mine can do this: {why}. I can send an internal email instead.")
    known = named or _saved_before(before)
    if known and (named or is_edit(request)):
        return edit(request, known)
    if _QUESTION.match(request) or request.rstrip().endswith("?"):
        return _answer(request)
    wish = read_request(request)
    if wish.acts and not wish.unknown and wish.unclear:
        return _say(f"I built nothing: {wish.unclear}. {_offer()}")
    if not wish.acts or wish.unknown:
        return _say(_not_understood(wish))
    return build(wish, _title(request))


def _answer(question: str) -> Script:
    """A plain answer: one that is known, or what a search of the tasks says."""
    for pattern, answer in ANSWERS:
        if re.search(pattern, question, re.IGNORECASE):
            return answer
    query = re.sub(
        r"^\W*(?:can|could|does|do|is|are|how|what|which)\b(?: (?:i|you|flow|shopify|it))*",
        "",
        question,
        flags=re.I,
    )
    query = " ".join(re.findall(r"[\w-]+", query))[:200]
    if query:
        (found,) = yield calls(SEARCH, {"search_queries": [query]})
        tasks = found.data.get("tasks", {}).get(query, []) if found.ok else []
        if tasks:
            told = "; ".join(f"{task['label']}: {task['description']}" for task in tasks[:3])
            return f"Of Flow's tasks these are nearest to your question. {told}"
    return f"I do not know. {_offer()}"


def _say(text: str) -> Script:
    """A script that calls nothing."""
    yield from ()
    return text


def _not_understood(wish: Wish) -> str:
    if wish.acts:
        words = ", ".join(f'"{word[:40]}"' for word in wish.unknown[:5])
        return f"I did not understand {words}, so I built nothing. {_offer()}"
    return f"I did not understand what should be done. {_offer()}"


def _offer() -> str:
    return f'I am a set of rules, no model. Two requests that I can do: "{EXAMPLES[0]}" and "{EXAMPLES[1]}".'


def _saved_before(before: Sequence[Message]) -> str | None:
    """The workflow that this conversation saved last."""
    saves = {
        call["id"]
        for message in before
        for call in message.get("tool_calls", [])
        if call["function"]["name"] == SAVE
    }
    for message in reversed(before):
        if message["role"] == "tool" and message.get("tool_call_id") in saves:
            try:
                data: Any = read_json(message["content"] or "")["data"]
                return str(data["workflow_id"])
            except (BadRecord, KeyError, TypeError):
                continue
    return None


def _title(request: str) -> str:
    """The request itself as the workflow's name, short and with a capital."""
    words = " ".join(request.split()).rstrip(" .!")
    words = re.sub(
        r"^(?:please|can you|could you|i want to|i would like to) ", "", words, flags=re.IGNORECASE
    )
    if len(words) > _MAX_TITLE:
        words = words[:_MAX_TITLE].rpartition(" ")[0] or words[:_MAX_TITLE]
        words = re.sub(
            r"(?:[\s,;]+(?:and|or|then|is|a|an|the|as|with|to|of))+$", "", words, flags=re.IGNORECASE
        )
    return words[:1].upper() + words[1:]
