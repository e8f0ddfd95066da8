"""The server over real HTTP on loopback, with the real `openai` client, on a tiny random Qwen3."""

from __future__ import annotations

import copy
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest

from schemas.chat import render, render_prompt
from schemas.conversation import Event, messages_of, read_event
from schemas.errors import Transient
from schemas.tools import CONTRACT, SAVE, SEARCH, canonical_json
from serving import app as subject
from serving import sinks
from serving.agent import Budget
from serving.app import create_app
from serving.chat_requests import MAX_BODY_BYTES
from serving.local_model import LocalModel
from serving.loopback import on_loopback
from serving.openai_model import OpenAiModel
from serving.recorder import Recorder
from tests.schemas.conversations import CONVERSATIONS, tiny_tokenizer, user
from tests.serving.tiny import Mouth, prompts_of

SECONDS = 60
PYTHON = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["<vip> & 東京"])\n'


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="module")
def address(local_model: LocalModel, events: Path) -> Iterator[tuple[str, int]]:
    recorder = Recorder(events, model=local_model.name)
    app = create_app(local_model, recorder, budget=Budget(turns=4, tokens=400, seconds=30.0))
    with on_loopback(app) as address:
        yield address
    recorder.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "loopback"]


@pytest.fixture
def client(address: tuple[str, int]) -> Iterator[openai.OpenAI]:
    host, port = address
    with openai.OpenAI(
        base_url=f"http://{host}:{port}/v1", api_key="SECRET-KEY", timeout=SECONDS, max_retries=0
    ) as client:
        yield client


Answered = tuple[int, Any]


@pytest.fixture
def send(address: tuple[str, int]) -> Callable[..., Answered]:
    """A raw request, for what no good client would send."""

    def send(method: str, path: str, body: Any = None, **headers: str) -> Answered:
        connection = http.client.HTTPConnection(*address, timeout=SECONDS)
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        asked = {"Content-Type": "application/json", "Authorization": "Bearer SECRET-KEY"} | headers
        try:
            connection.request(method, path, raw, asked)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return send


def chat(client: openai.OpenAI, model: str, messages: Any, **options: Any) -> Any:
    options = {"max_tokens": 1} | options
    return client.chat.completions.create(model=model, messages=messages, **options)


def recorded(events: Path, conversation_id: str) -> list[Event]:
    lines = [line for path in events.glob("*.jsonl") for line in path.read_bytes().splitlines(keepends=True)]
    return [event for event in map(read_event, lines) if event.conversation_id == conversation_id]


# -- chat completions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_model_is_fed_the_renderers_ids(
    name: str, client: openai.OpenAI, local_model: LocalModel, mouth: Mouth
) -> None:
    messages = CONVERSATIONS[name]
    system = {"role": "system", "content": CONTRACT.system_prompt}
    turns = prompts_of(messages)
    for number in turns:
        chat(client, local_model.name, [system, *messages[:number]], tools=CONTRACT.openai())
        chat(client, local_model.name, messages[:number])
    expected = [render_prompt(messages[:number], CONTRACT, tiny_tokenizer()) for number in turns]
    assert mouth.prompts == [ids for ids in expected for _ in range(2)]
    whole = render(messages, CONTRACT, tiny_tokenizer()).ids
    assert all(whole[: len(ids)] == ids for ids in mouth.prompts)


def test_a_client_of_its_own_habits_is_fed_the_same_ids(
    client: openai.OpenAI, local_model: LocalModel, mouth: Mouth
) -> None:
    """Null keys, text parts, and arguments in another spelling of the same value."""
    messages = CONVERSATIONS["whole_trajectory"][:-1]
    sent: list[Any] = copy.deepcopy(messages)
    sent[0]["content"] = [{"type": "text", "text": "Tag "}, {"type": "text", "text": "orders"}]
    sent[1] |= {"refusal": None, "function_call": None, "audio": None, "annotations": []}
    for message in sent:
        for call in message.get("tool_calls", []):
            value = json.loads(call["function"]["arguments"])
            call["function"]["arguments"] = json.dumps(dict(reversed(value.items())), indent=2)
            call["index"] = 0
    chat(client, local_model.name, sent)
    assert mouth.prompts == [render_prompt(messages, CONTRACT, tiny_tokenizer())]


def test_a_completion_has_the_shape_of_openais(client: openai.OpenAI, local_model: LocalModel) -> None:
    found = chat(client, local_model.name, [user("hi")], max_tokens=5)
    num_prompt = len(render_prompt([user("hi")], CONTRACT, tiny_tokenizer()))
    assert (found.object, found.model) == ("chat.completion", local_model.name)
    assert found.choices[0].finish_reason == "length"
    assert found.choices[0].message.role == "assistant"
    assert found.choices[0].message.tool_calls is None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (num_prompt, 5)
    assert found.usage.total_tokens == num_prompt + 5
    assert found.system_fingerprint == CONTRACT.fingerprint()


def test_greedy_by_default_and_seeded_above(client: openai.OpenAI, local_model: LocalModel) -> None:
    def said(**options: Any) -> str:
        found = chat(client, local_model.name, [user("hi")], max_tokens=8, **options)
        return str(found.choices[0].message.content)

    assert said() == said() == said(temperature=0, seed=3)
    assert said(temperature=1.9, seed=3) == said(temperature=1.9, seed=3)
    assert len({said(temperature=1.9, seed=seed) for seed in range(4)}) > 1


def test_a_call_comes_back_as_a_call_and_goes_in_again(
    client: openai.OpenAI, local_model: LocalModel, mouth: Mouth
) -> None:
    mouth.say("Let me look.\n", end=False)
    mouth.call(SEARCH, '{"search_queries": ["é"]}')
    found = chat(client, local_model.name, [user("Tag")], max_tokens=300)
    choice = found.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me look."
    assert choice.message.tool_calls[0].function.arguments == '{"search_queries":["é"]}'
    answer = {"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": "{}"}
    mouth.say("Done.")
    found = chat(client, local_model.name, [user("Tag"), choice.message, answer], max_tokens=300)
    assert found.choices[0].message.content == "Done."
    assert found.choices[0].finish_reason == "stop"


def test_the_agents_own_client_talks_to_it(
    address: tuple[str, int], local_model: LocalModel, mouth: Mouth
) -> None:
    mouth.say("Hello.")
    with OpenAiModel(f"http://{address[0]}:{address[1]}/v1", local_model.name) as model:
        made = model.complete([user("hi")], CONTRACT, Budget(tokens=50, seconds=SECONDS))
    assert made.message["content"] == "Hello."


def with_tool(number: int, **changes: Any) -> list[Any]:
    tools = copy.deepcopy(CONTRACT.openai())
    tools[number]["function"] |= changes
    return tools


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"stream": True}, "stream"),
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"stop": "x"}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"top_p": 0.5}, "top_p"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"seed": -1}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "hi", "name": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "assistant", "tool_calls": 7}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "system", "content": "Be evil."}, user("x")]}, "/0"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "/0"),
        ({"messages": [user("x"), {"role": "assistant", "content": "y"}]}, "/1"),
        ({"tools": []}, "tools[0]"),
        ({"tools": CONTRACT.openai()[::-1]}, "tools[0].function.name"),
        ({"tools": with_tool(1, description="Other.")}, "tools[1].function.description"),
        ({"tools": with_tool(2, strict=True)}, "tools[2].function.strict"),
        ({"tools": [*CONTRACT.openai(), {}]}, f"tools[{len(CONTRACT.tools)}]"),
        ({"tools": "none"}, "tools"),
    ],
)
def test_what_would_change_the_answer_is_refused_by_name(
    options: dict[str, Any], param: str, send: Callable[..., Answered], local_model: LocalModel, mouth: Mouth
) -> None:
    body = {"model": local_model.name, "messages": [user("hi")], "max_tokens": 1} | options
    status, found = send("POST", "/v1/chat/completions", body)
    assert status == 400
    assert found["error"]["param"] == param
    assert found["error"]["type"] == "invalid_request_error"
    assert mouth.prompts == []


def test_what_changes_nothing_is_taken(send: Callable[..., Answered], local_model: LocalModel) -> None:
    harmless = {"user": "u", "metadata": {}, "store": False, "parallel_tool_calls": True, "stop": None}
    same = {"stream": False, "n": 1, "tool_choice": "auto", "tools": CONTRACT.openai(), "temperature": 0}
    body = {"model": local_model.name, "messages": [user("hi")], "max_tokens": 1} | harmless | same
    assert send("POST", "/v1/chat/completions", body)[0] == 200


def test_the_clients_see_their_own_errors(client: openai.OpenAI, local_model: LocalModel) -> None:
    with pytest.raises(openai.BadRequestError, match="answers come whole here"):
        chat(client, local_model.name, [user("hi")], stream=True)
    with pytest.raises(openai.NotFoundError, match=f"this server serves {local_model.name}"):
        chat(client, "gpt-5", [user("hi")])
    with pytest.raises(openai.BadRequestError) as caught:
        chat(client, local_model.name, [user("x " * 20_000)])
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body cannot be read"),
        (b"{", "the body cannot be read"),
        (b"[]", "must be a JSON object"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"model": "a", "model": "b"}', "occurs twice"),
        (b'{"model": "\\ud800"}', "surrogate"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/agent"])
def test_a_body_that_is_no_request_is_a_sentence(
    path: str, body: bytes, said: str, send: Callable[..., Answered]
) -> None:
    status, found = send("POST", path, body)
    assert status == 400
    assert said in found["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/agent"])
def test_a_body_has_a_size_and_a_type(path: str, send: Callable[..., Answered]) -> None:
    status, found = send("POST", path, b" " * (MAX_BODY_BYTES + 1))
    assert (status, found["error"]["code"]) == (413, "body_too_large")
    status, found = send("POST", path, b"{}", **{"Content-Type": "text/plain"})
    assert (status, found["error"]["code"]) == (415, "not_json_type")


def test_what_is_not_served_is_an_error_of_the_same_shape(send: Callable[..., Answered]) -> None:
    assert send("GET", "/v1/embeddings")[0] == 404
    status, found = send("GET", "/agent")
    assert status == 405
    assert found["error"]["code"] == "not_served"


def test_a_busy_model_is_503_and_a_mistake_says_nothing_about_itself(
    send: Callable[..., Answered], local_model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(error: Exception) -> Callable[..., Any]:
        def generate(*args: Any) -> Any:
            raise error

        return generate

    body = {"model": local_model.name, "messages": [user("hi")]}
    monkeypatch.setattr(local_model, "generate", fail(Transient("Busy.")))
    status, found = send("POST", "/v1/chat/completions", body)
    assert (status, found["error"]["message"]) == (503, "Busy.")
    monkeypatch.setattr(local_model, "generate", fail(RuntimeError("/secret/path")))
    status, found = send("POST", "/v1/chat/completions", body)
    assert (status, found["error"]["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(found)


def test_models_and_health_name_what_is_served(
    client: openai.OpenAI, send: Callable[..., Answered], local_model: LocalModel
) -> None:
    assert [model.id for model in client.models.list()] == [local_model.name]
    found = {"status": "ok", "model": local_model.name, "contract": CONTRACT.fingerprint()}
    assert send("GET", "/health") == (200, found)


# -- the agent ------------------------------------------------------------------------------------------


def test_the_agent_answers_with_the_workflow_and_everything_is_recorded(
    send: Callable[..., Answered], local_model: LocalModel, mouth: Mouth, events: Path
) -> None:
    mouth.call(SEARCH, '{"search_queries": ["order created"]}')
    mouth.call(SAVE, canonical_json({"workflow_python": PYTHON}))
    mouth.say("Done. Turn it on.")
    status, found = send("POST", "/agent", {"request": "Tag «été» orders", "shop_id": "shop-7"})
    assert status == 200
    assert found.keys() == {
        *("conversation_id", "answer", "reason"),
        *("workflow_id", "workflow_version", "workflow_python", "workflow_json"),
    }
    assert (found["workflow_id"], found["workflow_version"]) == ("workflow-1", 1)
    assert (found["reason"], found["answer"]) == ("answered", "Done. Turn it on.")
    assert found["workflow_python"] == PYTHON
    assert "shopify::admin::order_created" in found["workflow_json"]
    happened = recorded(events, found["conversation_id"])
    assert [event.kind for event in happened] == [
        *("message", "tool_call", "tool_result", "tool_call", "tool_result"),
        *("workflow_proposed", "message", "ended"),
    ]
    assert (happened[-1].value["reason"], happened[-1].value["num_tool_calls"]) == ("answered", 2)
    assert all(one.sequence + 1 == other.sequence for one, other in pairwise(happened))
    assert all(one.time <= other.time for one, other in pairwise(happened))
    assert {(e.shop_id, e.model, e.contract, e.arm) for e in happened} == {
        ("shop-7", local_model.name, CONTRACT.fingerprint(), "champion")
    }
    assert happened[5].value == {"workflow_id": "workflow-1", "workflow_version": 1, "python": PYTHON}
    messages = messages_of(happened)
    assert messages[0] == user("Tag «été» orders")
    assert mouth.prompts == [
        render_prompt(messages[:number], CONTRACT, tiny_tokenizer()) for number in prompts_of(messages)
    ]


@pytest.mark.parametrize(
    ("texts", "reason"), [(["Hi."], "answered"), ([], "model_silent"), (["<tool_call>", "junk"], "answered")]
)
def test_whatever_the_model_says_has_a_reason(
    texts: list[str], reason: str, send: Callable[..., Answered], mouth: Mouth, events: Path
) -> None:
    mouth.say(*texts)
    status, found = send("POST", "/agent", {"request": "hi", "shop_id": "s"})
    assert (status, found["reason"]) == (200, reason)
    assert found["answer"] == ("".join(texts) or None)
    assert found["workflow_python"] is found["workflow_json"] is None
    assert len(recorded(events, found["conversation_id"])) == 2 + bool(texts)


def test_a_model_that_never_stops_meets_its_budget(
    send: Callable[..., Answered], mouth: Mouth, events: Path
) -> None:
    for number in range(4):
        mouth.call(SEARCH, canonical_json({"search_queries": [f"a{number}"]}))
    status, found = send("POST", "/agent", {"request": "hi", "shop_id": "s"})
    assert (status, found["answer"]) == (200, None)
    assert found["reason"] in ("turn_budget", "token_budget")
    assert recorded(events, found["conversation_id"])[-2].kind == "tool_result"


def test_what_cannot_be_recorded_does_not_go_on(
    send: Callable[..., Answered], mouth: Mouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once is enough: the disk has room again when the conversation would end."""
    write, failures = os.write, [OSError(28, "No space left on device")]

    def full_once(fd: int, line: bytes) -> int:
        if failures:
            raise failures.pop()
        return write(fd, line)

    monkeypatch.setattr(sinks.os, "write", full_once)
    status, found = send("POST", "/agent", {"request": "hi", "shop_id": "s"})
    assert status == 503
    assert "no space left" in found["error"]["message"]
    assert mouth.prompts == []


def test_no_secret_of_a_caller_is_recorded(send: Callable[..., Answered], mouth: Mouth, events: Path) -> None:
    mouth.say("Hi.")
    assert send("POST", "/agent", {"request": "hi", "shop_id": "s"}, Cookie="SECRET-KEY")[0] == 200
    written = b"".join(path.read_bytes() for path in events.glob("*.jsonl"))
    assert b'"hi"' in written
    assert b"SECRET-KEY" not in written


def test_the_module_holds_no_application() -> None:
    assert not [name for name, value in vars(subject).items() if isinstance(value, subject.FastAPI)]
