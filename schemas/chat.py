"""The one renderer: conversation and tool contract become text, ids and a mask of what the assistant wrote.

    render(messages, CONTRACT, tokenizer)             # what training learns from
    render_prompt(messages[:k], CONTRACT, tokenizer)  # what the server feeds to the model: a prefix of it

The text comes from `qwen3.jinja`. Ids are made stretch by stretch between the control tokens that the
template wrote, and what the assistant wrote is a stretch of its own: the ids are those that the tokenizer
gives the whole text, except that a control token which a person typed stays plain text. Not here yet: other
templates, images, thinking.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal, NotRequired, TypedDict

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas.errors import BadRecord, BrokenLaw, UsageError
from schemas.tokens import Tokenizer
from schemas.tools import Contract, canonical_json
from schemas.workflow.jsontext import read_json

__all__ = [
    "TEMPLATE_SHA256",
    "Call",
    "Message",
    "Rendered",
    "ToolCall",
    "render",
    "render_fingerprints",
    "render_prompt",
    "render_text",
]

MAX_CHARACTERS: Final = 4 << 20
_START: Final = "<|im_start|>"
_END: Final = "<|im_end|>"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SLOT: Final = re.compile("\x00([0-9]+)\x00")


class Call(TypedDict):
    """A function and its arguments, the latter as canonical JSON text."""

    name: str
    arguments: str


class ToolCall(TypedDict):
    """One call of an assistant message."""

    id: str
    type: Literal["function"]
    function: Call


class Message(TypedDict):
    """One message in the shape of OpenAI's API."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Rendered:
    """`mask` is 1 exactly on what the assistant wrote, each turn's closing `<|im_end|>` included."""

    text: str
    ids: list[int]
    mask: list[int]


_TEMPLATE: Final = files("schemas").joinpath("qwen3.jinja").read_text(encoding="utf-8")
TEMPLATE_SHA256: Final = hashlib.sha256(_TEMPLATE.encode()).hexdigest()


def render_fingerprints(contract: Contract, tokenizer: Tokenizer) -> dict[str, str]:
    """What the ids depend on besides the conversation: a reader of another one refuses, by name."""
    return {
        "contract": contract.fingerprint(),
        "chat_template": TEMPLATE_SHA256,
        "tokenizer": tokenizer.fingerprint,
    }


def render(
    messages: Sequence[Message], contract: Contract, tokenizer: Tokenizer, *, limit: int | None = None
) -> Rendered:
    """A whole conversation. The contract's system prompt opens it, whether or not `messages` holds it.

    Raises:
        BadRecord: for what is no conversation, and TOO_LONG above `limit` tokens; nothing is ever cut.
        UsageError: where the tokenizer lacks the template's control tokens.
    """
    return _render(messages, contract, tokenizer, limit, prompt=False)


def render_prompt(
    messages: Sequence[Message], contract: Contract, tokenizer: Tokenizer, *, limit: int | None = None
) -> list[int]:
    """The ids up to and with the generation prompt: a prefix of every conversation that goes on from here.

    Raises what `render` raises, and BadRecord where the next word is the assistant's own: after its answer.
    """
    if messages and messages[-1].get("role") == "assistant":
        raise BadRecord("NO_TURN", "the assistant has just spoken", path=f"/{len(messages) - 1}")
    return _render(messages, contract, tokenizer, limit, prompt=True).ids


def render_text(messages: Sequence[Message], contract: Contract) -> str:
    """The text of a whole conversation, which needs no tokenizer: one is learned from it.

    Raises BadRecord for what is no conversation.
    """
    return _write(_checked(messages, contract), contract, False)


def _render(
    messages: Sequence[Message], contract: Contract, tokenizer: Tokenizer, limit: int | None, *, prompt: bool
) -> Rendered:
    whole = _checked(messages, contract)
    if missing := {_START, _END} - tokenizer.control.keys():
        raise UsageError(
            f"this tokenizer lacks {' and '.join(sorted(missing))}; take one made for this chat template."
        )
    contents: list[str] = []
    frame = _write([_hollow(message, contents) for message in whole], contract, prompt)
    ids: list[int] = []
    mask: list[int] = []
    for text, written in _by_author(frame):
        for control, plain in _stretches(text, tokenizer.control):
            filled = _SLOT.sub(lambda found: contents[int(found[1])], plain)
            more = [tokenizer.control[control]] if control else tokenizer.encode(filled) if filled else []
            ids += more
            mask += [int(written)] * len(more)
            if limit is not None and len(ids) > limit:
                raise BadRecord("TOO_LONG", f"more than {limit} tokens")
    text = _write(whole, contract, prompt)
    if text != _SLOT.sub(lambda found: contents[int(found[1])], frame):
        raise BrokenLaw("The chat template changes what it is given; tokens would not be those of the text.")
    return Rendered(text, ids, mask)


def _by_author(frame: str) -> Iterator[tuple[str, bool]]:
    """Cut the text where the assistant begins and ends: (stretch, whether the assistant wrote it)."""
    opening = _generation_prompt()
    head, *turns = frame.split(opening)
    yield head + (opening if turns else ""), False
    for number, turn in enumerate(turns, 1):
        written, end, rest = turn.partition(_END)
        if written + end:
            yield written + end, True
        yield rest + (opening if number < len(turns) else ""), False


def _stretches(text: str, control: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(control token, "") or ("", plain text), in order."""
    position = 0
    for found in _pattern(tuple(control)).finditer(text):
        yield "", text[position : found.start()]
        yield found[0], ""
        position = found.end()
    yield "", text[position:]


@functools.lru_cache(maxsize=8)
def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(token) for token in sorted(control, key=len, reverse=True)))


# -- the template ---------------------------------------------------------------------------------------


@functools.cache
def _template() -> jinja2.Template:
    """With the settings of transformers, so that every engine renders the same text from the same file."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols], autoescape=False
    )
    environment.filters["tojson"] = functools.partial(json.dumps, ensure_ascii=False)
    return environment.from_string(_TEMPLATE)


@functools.cache
def _generation_prompt() -> str:
    context: list[Message] = [{"role": "user", "content": ""}]
    with_prompt = _template().render(messages=context, add_generation_prompt=True)
    return with_prompt.removeprefix(_template().render(messages=context, add_generation_prompt=False))


def _write(messages: Sequence[Message], contract: Contract, prompt: bool) -> str:
    return _template().render(messages=messages, tools=contract.openai(), add_generation_prompt=prompt)


def _hollow(message: Message, contents: list[str]) -> Message:
    """The message with a slot for each text that comes from a person, a model or a tool."""

    def slot(text: Any) -> str:
        if not text:
            return ""
        contents.append(text)
        return f"\x00{len(contents) - 1}\x00"

    hollow = message.copy()
    hollow["content"] = slot(message["content"] or "")
    if calls := message.get("tool_calls"):
        hollow["tool_calls"] = [
            {**call, "function": {name: slot(text) for name, text in call["function"].items()}}  # type: ignore[typeddict-item]
            for call in calls
        ]
    return hollow


# -- what a conversation is -----------------------------------------------------------------------------


def _checked(messages: Sequence[Message], contract: Contract) -> list[Message]:
    """The conversation with its system prompt; what it may hold is decided here and nowhere else."""
    given = list(messages)
    if given and isinstance(given[0], dict) and given[0].get("role") == "system":
        if given[0].get("content") != contract.system_prompt:
            raise BadRecord("SYSTEM_PROMPT", "another system prompt than the contract's", path="/0")
        given = given[1:]
    offset = len(messages) - len(given)
    size = 0
    waiting: list[str] = []
    previous = "system"
    for number, message in enumerate(given, offset):
        size += _require_message(message, previous, waiting, f"/{number}")
        previous = message["role"]
    if previous == "system":
        raise BadRecord("CONVERSATION", "there is no message")
    if waiting and previous == "tool":
        raise BadRecord("TOOL_CALL", f"no answer to {len(waiting)} calls")
    if size > MAX_CHARACTERS:
        raise BadRecord("TOO_LONG", f"{size} characters, the limit is {MAX_CHARACTERS}")
    return [{"role": "system", "content": contract.system_prompt}, *given]


def _require_message(message: Any, previous: str, waiting: list[str], path: str) -> int:
    """Check one message in its place, count its characters. `waiting` holds the calls without an answer."""
    if not isinstance(message, dict) or not isinstance(message.get("tool_calls") or [], list):
        raise BadRecord("CONTENT", "this is no message", path=path)
    role, content, calls = message.get("role"), message.get("content"), message.get("tool_calls") or []
    if role not in ("user", "assistant", "tool"):
        raise BadRecord("ROLE", f"no message of role {str(role)[:40]!r} here", path=path)
    if not isinstance(content, str) and not (content is None and calls):
        raise BadRecord("CONTENT", "the content is no text", path=path)
    if (role == "tool") != bool(waiting):
        raise BadRecord("TOOL_CALL", "calls and their answers do not follow each other", path=path)
    if role == "assistant" and previous not in ("user", "tool"):
        raise BadRecord("ROLE", "the assistant speaks out of turn", path=path)
    if role == "tool":
        if message.get("tool_call_id") != waiting[0]:
            raise BadRecord("TOOL_CALL", f"the next answer must be to {waiting[0]!r}", path=path)
        waiting.pop(0)
    elif calls and role != "assistant":
        raise BadRecord("TOOL_CALL", "only the assistant calls tools", path=path)
    if role == "assistant" and not content and not calls:
        raise BadRecord("CONTENT", "the assistant says nothing", path=path)
    texts = [content or ""]
    for call in calls:
        texts.append(_require_call(call, path))
        waiting.append(call["id"])
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        raise BadRecord("CONTENT", "a lone surrogate, which is not valid Unicode", path=path) from None
    return sum(map(len, texts))


def _require_call(call: Any, path: str) -> str:
    """The text of a call's arguments, which must be canonical: a model reads its own calls in one form."""
    try:
        identity, name, arguments = call["id"], call["function"]["name"], call["function"]["arguments"]
        fits = isinstance(identity, str) and _NAME.fullmatch(name) and isinstance(arguments, str)
    except (KeyError, TypeError):
        fits = False
    if not fits:
        raise BadRecord("TOOL_CALL", "a call needs an id, a function name and arguments as text", path=path)
    value = read_json(arguments)
    if not isinstance(value, dict) or canonical_json(value) != arguments:
        raise BadRecord("TOOL_CALL", f"the arguments of {name} are no canonical JSON object", path=path)
    return str(arguments)
