"""What the server is asked: bodies of OpenAI's chat completions and of `/agent`, read strictly.

A key that would change the answer and that nobody here acts on is refused by name: silence would be a lie.
Messages come out in the renderer's form. Not here yet: several choices, log probabilities, stop words, tool
choice, other tools than the contract's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import Contract, canonical_json
from schemas.workflow.jsontext import read_json
from serving.generation import Sampling

__all__ = ["MAX_BODY_BYTES", "AgentRequest", "read_agent_request", "read_chat_request", "read_object"]

MAX_BODY_BYTES: Final = 8 << 20
MAX_REQUEST_CHARACTERS: Final = 64 << 10
MAX_TOKENS: Final = 1 << 20
_LONGEST_NAME: Final = 200
_HARMLESS: Final = {"metadata", "parallel_tool_calls", "store", "user"}
"""They change nothing about the answer."""
_KNOWN: Final = _HARMLESS | {
    *("model", "messages", "tools", "tool_choice", "stream", "n"),
    *("temperature", "seed", "max_tokens", "max_completion_tokens"),
}


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """One request of one shop, in the merchant's words."""

    request: str
    shop_id: str
    conversation_id: str | None = None
    """The conversation that goes on; None begins one."""


def read_agent_request(body: bytes) -> AgentRequest:
    """Raises BadRecord with the path of what is wrong."""
    found = read_object(body)
    for key in sorted(found.keys() - {"request", "shop_id", "conversation_id"}):
        said = f"/agent takes request, shop_id and conversation_id, not {key[:80]!r}"
        raise BadRecord("UNKNOWN_KEY", said, path=key[:80])
    request, conversation_id = found.get("request"), found.get("conversation_id")
    if not isinstance(request, str) or not 0 < len(request.strip()) <= len(request) <= MAX_REQUEST_CHARACTERS:
        wanted = f"request must be text, not blank, of at most {MAX_REQUEST_CHARACTERS} characters"
        raise BadRecord("INVALID_VALUE", wanted, path="request")
    shop_id = _name(found.get("shop_id"), "shop_id")
    if conversation_id is not None:
        conversation_id = _name(conversation_id, "conversation_id")
    return AgentRequest(request, shop_id, conversation_id)


def _name(value: Any, key: str) -> str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable():
        return value
    raise BadRecord("INVALID_VALUE", f"{key} must be text of 1 to {_LONGEST_NAME} characters", path=key)


def read_chat_request(body: bytes, model: str, contract: Contract) -> tuple[list[Message], Sampling]:
    """The conversation and how to sample.

    Raises:
        BadRecord: with the path of what is wrong; MODEL_NOT_FOUND for another model.
    """
    found = read_object(body)
    for key in sorted(found.keys() - _KNOWN):
        if found[key] is not None:
            raise BadRecord("UNSUPPORTED", f"this server does not act on {key[:80]!r}", path=key[:80])
    if found.get("model") != model:
        raise BadRecord("MODEL_NOT_FOUND", f"this server serves {model}", path="model")
    _require(found, "stream", (None, False), "answers come whole here: leave stream out, or false")
    _require(found, "n", (None, 1), "there is one choice a request")
    _require(
        found, "tool_choice", (None, "auto"), "the model chooses by itself: leave tool_choice out, or auto"
    )
    if found.get("tools") is not None:
        difference = _difference(found["tools"], contract.openai(), "tools")
        if difference is not None:
            said = f"{difference} is not the contract's; send its tools unchanged, or none"
            raise BadRecord("TOOLS_DIFFER", said, path=difference)
    messages = found.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRecord("INVALID_VALUE", "messages must be a list with at least one message", path="messages")
    read = [_message(message, f"messages[{number}]") for number, message in enumerate(messages)]
    return read, _sampling(found)


def read_object(body: bytes) -> dict[str, Any]:
    """The body's JSON object, read strictly. Raises BadRecord INVALID_JSON for anything else."""
    try:
        found = read_json(body.decode(), limit=MAX_BODY_BYTES)
    except UnicodeDecodeError as error:
        raise BadRecord("INVALID_JSON", f"byte {error.start} of the body is not UTF-8") from None
    except BadRecord as refused:
        raise BadRecord("INVALID_JSON", f"the body cannot be read: {refused.message}") from None
    if not isinstance(found, dict):
        raise BadRecord("INVALID_JSON", "the body must be a JSON object")
    return found


def _require(found: Mapping[str, Any], key: str, allowed: tuple[Any, ...], sentence: str) -> None:
    value = found.get(key)
    if not any(value is wanted or (type(value) is type(wanted) and value == wanted) for wanted in allowed):
        raise BadRecord("UNSUPPORTED", sentence, path=key)


def _sampling(found: Mapping[str, Any]) -> Sampling:
    default = Sampling()
    limits = [_whole(found, key, 1, MAX_TOKENS) for key in ("max_completion_tokens", "max_tokens")]
    temperature = found.get("temperature")
    if temperature is None:
        temperature = default.temperature
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise BadRecord("INVALID_VALUE", "temperature must be a number from 0 to 2", path="temperature")
    return Sampling(
        max_tokens=next((limit for limit in limits if limit is not None), default.max_tokens),
        temperature=float(temperature),
        seed=_whole(found, "seed", 0, 2**63 - 1) or default.seed,
    )


def _whole(found: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
    value = found.get(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most):
        return value
    raise BadRecord("INVALID_VALUE", f"{key} must be a whole number from {least} to {most}", path=key)


def _message(message: Any, path: str) -> Message:
    """One message without what clients add to it; whether it stands in its place is for the renderer."""
    if not isinstance(message, dict):
        raise BadRecord("INVALID_VALUE", "a message is an object", path=path)
    known = {"role", "content", "tool_calls", "tool_call_id"}
    for key in message.keys() - known:
        if message[key] not in (None, []):
            raise BadRecord("UNSUPPORTED", f"a message here has no {key[:80]!r}", path=f"{path}.{key[:80]}")
    read = {key: message[key] for key in known & message.keys() if message[key] is not None}
    read["content"] = _content(message.get("content"), f"{path}.content")
    if isinstance(calls := read.pop("tool_calls", None), list) and calls:
        read["tool_calls"] = [_call(call) for call in calls]
    elif calls:
        raise BadRecord("INVALID_VALUE", "tool_calls must be a list", path=f"{path}.tool_calls")
    return cast("Message", read)


def _content(content: Any, path: str) -> Any:
    """Text, or OpenAI's list of text parts as one text."""
    if not isinstance(content, list):
        return content
    texts: list[str] = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise BadRecord("UNSUPPORTED", "only parts of type text can be read", path=path)
        texts.append(part["text"])
    return "".join(texts)


def _call(call: Any) -> Any:
    """A call with its arguments in canonical form: clients write the same value in forms of their own."""
    try:
        function = {"name": call["function"]["name"], "arguments": call["function"]["arguments"]}
        made = {"id": call["id"], "type": "function", "function": function}
    except (KeyError, TypeError):
        return call
    if isinstance(function["arguments"], str):
        with contextlib.suppress(BadRecord):  # the renderer says where and what
            function["arguments"] = canonical_json(read_json(function["arguments"]))
    return made


def _difference(one: Any, other: Any, path: str) -> str | None:
    """Where two values begin to differ, None where their canonical texts are the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*other, *one]):
            if (key in one) != (key in other):
                return f"{path}.{key[:80]}"
            if (found := _difference(one[key], other[key], f"{path}.{key[:80]}")) is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        for number, (a, b) in enumerate(zip(one, other, strict=False)):
            if (found := _difference(a, b, f"{path}[{number}]")) is not None:
                return found
        return None if len(one) == len(other) else f"{path}[{min(len(one), len(other))}]"
    return None if canonical_json(one) == canonical_json(other) else path
