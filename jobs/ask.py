"""Ask the agent once, and show all that happens: the conversation, the workflow, what it would do."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import asdict, dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from jobs._console import printable, write
from jobs._conversation import json_lines, message_lines
from jobs._files import read_text
from jobs._runs import run_lines, runs
from schemas.chat import Message
from schemas.errors import UsageError, WorkflowRefused
from schemas.tools import CONTRACT
from schemas.workflow import from_python
from serving.agent import Budget, Model, Outcome, about_workflow, converse
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder
from serving.scripted_model import ScriptedModel
from serving.shop import InMemoryShop, Saved
from serving.tools import Tools

__all__ = ["KEY_VARIABLE", "Asked", "ask"]

KEY_VARIABLE: Final = "SIDEWHEEL_API_KEY"
"""Where the key of a server comes from: never a flag, which others on the machine can read."""
EXIT_UNAVAILABLE: Final = 75
_SHOP: Final = "ask"
_MAX_REQUEST: Final = 2_000
"""Characters of a request that are shown where not all is asked for."""
_URL: Final = re.compile(r"https?://[^\s/@]+(?:/\S*)?")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command was given."""

    request: str
    model: str | None = None
    """`scripted`, which is also what None without a checkpoint means, or a server's base URL."""
    name: str | None = None
    checkpoint: str | None = None
    workflow: str | None = None
    record: str | None = None
    stream: bool = False
    seconds: float = 120.0
    full: bool = False
    as_json: bool = False


def ask(asked: Asked) -> int:
    """Answer one request. 0 with an answer, with or without a workflow, which the page and `workflow_id` say;
    75 where the model cannot be reached or the time is up, 1 for every other end.

    Raises:
        UsageError: where a flag, a file, a folder or a package is wrong or missing.
        Transient: where the events cannot be recorded.
    """
    if not asked.request.strip():
        raise UsageError('say what should happen: sidewheel ask "tag orders over 500 as VIP".')
    _check(asked)
    shop = InMemoryShop()
    before = _adopted(shop, asked.workflow) if asked.workflow is not None else None
    request = about_workflow(asked.request, before.workflow_id) if before else asked.request
    with _model(asked) as model:
        outcome = _converse(request, model, shop, asked)
    if asked.as_json:
        write(json.dumps(_report(outcome, before), ensure_ascii=False, indent=2) + "\n")
    else:
        write("\n".join([*_page(outcome, before, full=asked.full), ""]))
    if outcome.reason == "answered":
        return 0
    sys.stderr.write(f"sidewheel: {printable(_end(outcome, asked))}\n")
    return EXIT_UNAVAILABLE if outcome.reason in ("model_unavailable", "time_budget") else 1


def _check(asked: Asked) -> None:
    """Raises UsageError for what says nothing, or would not be looked at."""
    for flag in ("model", "name", "checkpoint", "workflow", "record"):
        value = getattr(asked, flag)
        if value is not None and not value.strip():
            raise UsageError(f"--{flag} is empty.")
    if asked.checkpoint is not None and asked.model is not None:
        raise UsageError("give --model or --checkpoint, not both.")
    if asked.model in (None, "scripted"):
        for flag, given in (("--name", asked.name is not None), ("--stream", asked.stream)):
            if given:
                raise UsageError(f"{flag} is for a server: give its base URL with --model.")


def _adopted(shop: InMemoryShop, path: str) -> Saved:
    try:
        return shop.adopt(read_text(path))
    except WorkflowRefused as refused:
        raise UsageError(f"{path} is no workflow that can be edited: {refused}.") from None


def _model(asked: Asked) -> AbstractContextManager[Model]:
    """The model that was asked for, closed at the end."""
    if asked.checkpoint is not None:
        from serving.checkpoint import open_checkpoint

        opened = open_checkpoint(Path(asked.checkpoint))
        try:
            from serving.local_model import LocalModel
        except ImportError as error:
            raise UsageError(f"a checkpoint needs {error.name}: pip install 'sidewheel[train]'.") from None
        return nullcontext(LocalModel(opened))
    if asked.model in (None, "scripted"):
        return nullcontext(ScriptedModel())
    assert asked.model is not None
    if not _URL.fullmatch(asked.model):
        raise UsageError(
            "--model is scripted, or the base URL of a server, such as http://127.0.0.1:8089/v1."
        )
    if not asked.name:
        raise UsageError("give the name of the server's model with --name.")
    from serving.openai_model import OpenAiModel

    key = os.environ.get(KEY_VARIABLE, "").strip() or "none"
    return OpenAiModel(asked.model, asked.name, api_key=key, stream=asked.stream)


def _converse(request: str, model: Model, shop: InMemoryShop, asked: Asked) -> Outcome:
    budget, contract = Budget(seconds=asked.seconds), CONTRACT
    if asked.record is None:
        return converse(request, model, Tools(shop, contract), budget, clock=time.monotonic)
    with ExitStack() as opened:
        recorder = opened.enter_context(closing(Recorder(Path(asked.record), model=model.name)))
        recording = recorder.begin(_SHOP)
        return converse_recorded(request, model, shop, contract, budget, recording, clock=time.monotonic)


def _end(outcome: Outcome, asked: Asked) -> str:
    detail = outcome.detail or ""
    why = f": {detail.rstrip('. ')}" if detail else ""
    server = (asked.model or "").partition("?")[0] if asked.model not in (None, "scripted") else ""
    advice = ""
    if outcome.reason == "time_budget":
        advice = f" It had {asked.seconds:g} seconds; --seconds allows more."
    elif server and outcome.reason == "model_unavailable":
        advice = f" Look whether the server at {server} is up."
    elif server and outcome.reason == "model_refused":
        advice = f" Look whether {server} is its base URL and {KEY_VARIABLE} holds its key."
    return f"{outcome.model} ended without an answer ({outcome.reason}){why}.{advice}"


# -- what is shown ---------------------------------------------------------------------------------------


def _report(outcome: Outcome, before: Saved | None) -> dict[str, Any]:
    saved = outcome.saved
    return {
        "model": outcome.model,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "answer": outcome.messages[-1]["content"] if outcome.reason == "answered" else None,
        "workflow_id": saved.workflow_id if saved else None,
        "workflow_version": saved.workflow_version if saved else None,
        "workflow_python": outcome.python,
        "workflow_json": outcome.agent_json,
        "python_before": before.python if before else None,
        "simulated": runs(from_python(saved.python)) if saved else [],
        "counts": asdict(outcome.counts),
        "seconds": round(outcome.seconds, 3),
        "messages": list(outcome.messages),
    }


def _page(outcome: Outcome, before: Saved | None, *, full: bool) -> Iterator[str]:
    yield f"answered by {printable(outcome.model)}{_WHAT.get(outcome.model, '')}"
    yield ""
    yield from message_lines(outcome.messages if full else list(_clipped(outcome.messages)), full=full)
    if outcome.saved is None:
        # Whatever the answer claims.
        yield from ("", f"No workflow was {'changed' if before else 'saved'} in this conversation.")
        return
    yield from ("", "The workflow as Python:", "")
    yield from (printable(line) for line in outcome.saved.python.splitlines())
    if before is not None:
        yield from ("", "What changed in it:", "")
        yield from _changes(before.python, outcome.saved.python)
    if outcome.agent_json is not None:
        yield from ("", "The same as Flow's JSON:", "")
        yield from json_lines(outcome.agent_json)
    yield from run_lines(from_python(outcome.saved.python))


def _clipped(messages: Sequence[Message]) -> Iterator[Mapping[str, Any]]:
    """The messages, a long request cut short."""
    for message in messages:
        content = message["content"] or ""
        if message["role"] == "user" and len(content) > _MAX_REQUEST:
            yield {**message, "content": f"{content[:_MAX_REQUEST]}... ({len(content)} characters)"}
        else:
            yield message


def _changes(before: str, after: str) -> Iterator[str]:
    lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    yield from (printable(line) for line in lines if line[:3] not in ("---", "+++", "@@ "))


_WHAT: Final = {ScriptedModel().name: ", which is a set of rules and no model"}
