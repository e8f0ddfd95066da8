"""Lines that people keep of OpenAI's APIs, as calls of a model.

| shape of a line | read as |
|---|---|
| `{"request": {...}, "response": {...}}`, each perhaps below `body` | a call of either API |
| a request with its `response`, or with the response's own `choices` or `output` beside it | the same |
| a stored response of the Responses API, `{"object": "response", "output": [...]}` | what came back |
| `{"messages": [...], "tools": [...]}` (fine-tuning), a list of messages | a conversation so far |

Shapes are those of `CompletionCreateParams`, `ChatCompletion`, `ResponseCreateParams` and `Response` of
OpenAI's client (package openai 3.57), and of OpenAI's fine-tuning guide. Of several choices the first is
taken. A streamed `response` is a list of chunks or the text of server-sent events. Not here yet: requests of
the Batch API, which lie in another file than answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from pipelines.importers.chat_messages import count_unread, read_messages
from pipelines.importers.exchanges import (
    INVALID,
    NO_CONTENT,
    NO_MODEL,
    Exchange,
    ImportPolicy,
    Told,
    digest_of,
    find_name,
    find_value,
    is_name,
    require,
)
from pipelines.importers.response_items import read_items
from pipelines.importers.streamed_answers import merged
from pipelines.importers.told import tools_of
from schemas.chat import Message
from schemas.errors import BadRecord

__all__ = ["read_call"]

_SETTINGS: Final = frozenset(
    [
        *("model", "tools", "functions", "tool_choice", "parallel_tool_calls", "stream", "stream_options"),
        *("temperature", "top_p", "top_k", "n", "seed", "stop", "max_tokens", "max_completion_tokens"),
        *("max_output_tokens", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"),
        *("response_format", "text", "reasoning", "reasoning_effort", "verbosity", "truncation", "include"),
        *("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "background"),
    ]
)
"""They say how to answer, and nothing that was said."""
_IDS: Final = frozenset({"id", "object", "created", "created_at", "timestamp", "time", "custom_id", "url"})
_ENVELOPE: Final = _IDS | {"request", "response", "body", "method", "request_id", "status_code", "status"}
_REQUEST: Final = _SETTINGS | {"messages", "input", "instructions", "previous_response_id", "conversation"}
_RESPONSE: Final = _IDS | {"model", "choices", "output", "usage", "status", "system_fingerprint", "error"}
_ECHOED: Final = _SETTINGS | {"instructions", "previous_response_id", "conversation", "completed_at"}
_CHOICE: Final = frozenset({"index", "message", "finish_reason", "logprobs"})

Table = Mapping[str, Any]


def read_call(value: Any, place: str, policy: ImportPolicy, unread: Counter[str]) -> Exchange:
    """The call that one line tells of.

    Raises:
        BadRecord: with the path of what cannot be read, and for a line that names no shop, model or time.
    """
    if isinstance(value, list):
        value = {"messages": value}
    if not isinstance(value, dict):
        raise BadRecord(INVALID, "a line is a JSON object, or a list of messages")
    request, response = _request(value), _response(value)
    if isinstance(request.get("messages"), list):
        system, asked = read_messages(request["messages"], "/messages", unread)
        answered = _choice(response, unread)
    elif "input" in request or isinstance(response.get("output"), list):
        system, asked, answered = _items(request, response, unread)
    else:
        raise BadRecord(INVALID, "no messages, no input and no output: what kind of log is this?")
    _count(value, request, response, unread)
    if not asked and not answered:
        raise BadRecord(NO_CONTENT, "nothing was said")
    source_id = find_name("id", response) or find_name("request_id", value) or find_name("id", value)
    conversation = find_name(policy.conversation_from, value, request, response)
    followed = "" if conversation else find_name("previous_response_id", request, response)
    # The Responses API keeps the history of a conversation by itself.
    kept = "" if conversation or followed else _conversation(request) or _conversation(response)
    model = find_name("model", request) or find_name("model", response) or policy.model
    at = policy.time_of(
        find_value(policy.time_from, value, request, response),
        *(table.get(key) for table in (response, value) for key in ("created", "created_at")),
        *(value.get(key) for key in ("timestamp", "time")),
    )
    return Exchange(
        place=place,
        source_id=source_id or digest_of(value),
        named=bool(source_id),
        shop_id=policy.shop_of(value, request, response),
        arm=policy.arm_of(value, request, response),
        asked_model=require(model, NO_MODEL, "nothing names its model; give --model"),
        answered_model=_named_model(response) if answered else "",
        told=Told(system, _tools(request) or _tools(response)),
        asked=tuple(asked),
        answered=tuple(answered),
        asked_at=at,
        answered_at=at,
        conversation=conversation or kept,
        continues=followed,
        only_new=bool(followed or kept),
    )


def _request(line: Table) -> Table:
    for key in ("request", "body"):
        if isinstance(found := line.get(key), dict):
            return found["body"] if isinstance(found.get("body"), dict) else found
    return line


def _response(line: Table) -> Table:
    found = line.get("response")
    if isinstance(found, dict):
        return found["body"] if isinstance(found.get("body"), dict) else found
    if isinstance(found, (list, str)):
        return merged(found)
    if found is not None:
        raise BadRecord(INVALID, "a response is an object, or a stream of pieces", path="/response")
    return line if isinstance(line.get("choices"), list) or isinstance(line.get("output"), list) else {}


def _choice(response: Table, unread: Counter[str]) -> list[Message]:
    """What the first choice says; nothing where the call failed."""
    choices = response.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise BadRecord(INVALID, "choices must be a list of objects", path="/response/choices")
    if not choices:
        return []
    if len(choices) > 1:
        unread["response.choices after the first"] += len(choices) - 1
    count_unread(choices[0], _CHOICE, "choice", unread)
    where = "/response/choices/0/message"
    told, said = read_messages([choices[0].get("message")], where, unread)
    if told is not None or said[0]["role"] != "assistant":
        raise BadRecord(INVALID, "only the assistant answers", path=where)
    return said


def _items(
    request: Table, response: Table, unread: Counter[str]
) -> tuple[str | None, list[Message], list[Message]]:
    system, asked = read_items(request.get("input") or [], "/input", unread)
    told, answered = read_items(response.get("output") or [], "/response/output", unread)
    if told is not None or any(message["role"] != "assistant" for message in answered):
        raise BadRecord(INVALID, "only the assistant answers", path="/response/output")
    given = request.get("instructions") or response.get("instructions")
    if given is not None and not isinstance(given, str):
        listed, others = read_items(given, "/instructions", unread)
        if others:
            raise BadRecord(INVALID, "instructions hold more than instructions", path="/instructions")
        given = listed
    texts = [text for text in (given, system) if text is not None]
    return "\n".join(texts) if texts else None, asked, answered


def _conversation(table: Table) -> str:
    return find_name("conversation", table) or find_name("conversation.id", table)


def _named_model(response: Table) -> str:
    model = response.get("model")
    return model if isinstance(model, str) and is_name(model) else ""


def _tools(table: Table) -> str | None:
    return tools_of(table.get("tools")) or tools_of(table.get("functions"))


def _count(line: Table, request: Table, response: Table, unread: Counter[str]) -> None:
    if request is line or response is line:
        known = _ENVELOPE | _REQUEST | (_RESPONSE | _ECHOED if response is line else frozenset())
        count_unread(line, known, "line", unread)
    else:
        count_unread(line, _ENVELOPE, "line", unread)
    if request is not line:
        count_unread(request, _REQUEST, "request", unread)
    if response is not line:
        count_unread(response, _RESPONSE | _ECHOED, "response", unread)
