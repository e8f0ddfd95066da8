"""The loop: the oracle's trajectory, every budget, and models that answer junk, nothing, or for ever."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest

from schemas.chat import Message, render, render_prompt
from schemas.errors import BadRecord, Transient, UsageError
from schemas.tools import CONTRACT, SAVE, Contract, canonical_json
from schemas.workflow import canonical, from_python, read
from serving.agent import Budget, Completion, Outcome, converse
from serving.openai_model import OpenAiModel
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.schemas.conversations import tiny_tokenizer

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["東京"])\n'
LONG = "@order_created\ndef f(order):\n" + "".join(
    f'    {task}(order_id=order.id, note="a")\n' for task in (f"no_such_task_{n}" for n in range(25))
)


class Script:
    """A model that says these things in turn; an exception is raised, and the last thing is said for ever."""

    name = "script"

    def __init__(self, *said: Any) -> None:
        self.said = said
        self.heard: list[tuple[tuple[Message, ...], Budget]] = []

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        self.heard.append((tuple(messages), budget))
        said = self.said[min(len(self.heard), len(self.said)) - 1]
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Completion) else Completion(said)


def call(name: str, arguments: Any) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else canonical_json(arguments)
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": name, "arguments": text}}],
    }


def run(
    model: Any, *, budget: Budget | None = None, clock: Callable[[], float] = lambda: 0.0, **more: Any
) -> Outcome:
    shop = more.pop("shop", None) or InMemoryShop()
    with model if isinstance(model, OpenAiModel) else nullcontext():
        return converse("Tag orders", model, Tools(shop), budget or Budget(), clock=clock, **more)


# -- the oracle -----------------------------------------------------------------------------------------


def test_the_oracle_plays_the_whole_trajectory() -> None:
    outcome = run(ScriptedOracle(TAG))
    called = [
        call["function"]["name"] for message in outcome.messages for call in message.get("tool_calls", [])
    ]
    assert called == ["task_search", "task_configuration", SAVE]
    assert (outcome.reason, outcome.model, outcome.python) == ("answered", "scripted-oracle", TAG)
    assert (outcome.counts.num_turns, outcome.counts.num_tool_calls, outcome.counts.num_refused_calls) == (
        4,
        3,
        0,
    )
    assert "Next steps" in (outcome.messages[-1]["content"] or "")
    assert outcome.agent_json
    assert canonical(read(outcome.agent_json).workflow) == canonical(from_python(TAG))


def test_what_the_oracle_uses_it_found_first() -> None:
    outcome = run(ScriptedOracle(TAG))
    found = {
        task["id"]
        for tasks in json.loads(outcome.messages[2]["content"] or "")["data"]["tasks"].values()
        for task in tasks
    }
    configured = json.loads(outcome.messages[4]["content"] or "")["data"]["tasks"]
    assert {task["id"] for task in configured} == {step.task_id for step in from_python(TAG).steps} <= found
    assert all(task["error"] is None for task in configured)


def test_the_oracles_conversations_can_be_trained_on() -> None:
    messages = run(ScriptedOracle(TAG)).messages
    whole = render(messages, CONTRACT, tiny_tokenizer())
    for k in (n for n, message in enumerate(messages) if message["role"] == "assistant"):
        prompt = render_prompt(messages[:k], CONTRACT, tiny_tokenizer())
        assert whole.ids[: len(prompt)] == prompt


def test_the_oracle_edits_in_the_same_conversation() -> None:
    shop = InMemoryShop()
    first = run(ScriptedOracle(TAG), shop=shop)
    assert first.saved
    edited = TAG.replace("東京", "大阪")
    oracle = ScriptedOracle(edited, workflow_id=first.saved.workflow_id, workflow_version=1)
    second = run(oracle, shop=shop, history=first.messages)
    assert second.messages[: len(first.messages)] == first.messages
    assert second.saved == shop.newest(first.saved.workflow_id)
    assert (second.python, second.saved.workflow_version if second.saved else 0) == (edited, 2)


def test_the_oracle_needs_no_workflow_where_none_is_wanted() -> None:
    outcome = run(ScriptedOracle(None, answer="Flow is free."))
    assert (outcome.reason, outcome.python, outcome.agent_json) == ("answered", None, None)
    assert outcome.messages[-1] == {"role": "assistant", "content": "Flow is free."}


def test_the_oracle_says_what_flow_objects_to() -> None:
    outcome = run(ScriptedOracle(LONG))
    assert "mend" in (outcome.messages[-1]["content"] or "")
    assert len(outcome.messages[3].get("tool_calls", [])) == 2  # 26 tasks, at most 20 a call
    assert outcome.counts.num_refused_calls == 0


def test_the_oracle_says_that_it_could_not_save() -> None:
    outcome = run(ScriptedOracle(TAG, workflow_id="nobody", workflow_version=1))
    assert "could not save" in (outcome.messages[-1]["content"] or "")
    assert (outcome.python, outcome.counts.num_refused_calls) == (None, 2)  # the look-up and the save


# -- budgets --------------------------------------------------------------------------------------------

SEARCH_FOREVER = call("task_search", {"search_queries": ["order"]})
"""The same call; so often as `MAX_REPEATS` it ends for another reason."""


def searches(num: int) -> list[dict[str, Any]]:
    """Calls that differ, so that only a budget ends them."""
    return [call("task_search", {"search_queries": [f"order {n}"]}) for n in range(num)]


def test_a_model_that_calls_for_ever_spends_its_turns() -> None:
    outcome = run(Script(*searches(9)), budget=Budget(turns=3))
    assert (outcome.reason, outcome.counts.num_turns) == ("turn_budget", 3)
    assert outcome.messages[-1]["role"] == "tool"


def test_tokens_are_counted_as_the_model_says_or_from_the_text() -> None:
    model = Script(*(Completion(said, num_tokens=40) for said in searches(9)))  # type: ignore[arg-type]
    outcome = run(model, budget=Budget(tokens=100))
    assert (outcome.reason, outcome.counts.num_tokens) == ("token_budget", 120)
    assert [budget.tokens for _, budget in model.heard] == [100, 60, 20]
    silent = run(Script(call("task_search", {"search_queries": ["é" * 200]})), budget=Budget(tokens=100))
    assert (silent.reason, silent.counts.num_turns) == ("token_budget", 1)


def test_seconds_are_those_of_the_clock() -> None:
    ticks = count(100.0, 5.0)
    outcome = run(Script(SEARCH_FOREVER), budget=Budget(seconds=12.0), clock=lambda: next(ticks))
    assert (outcome.reason, outcome.counts.num_turns) == ("time_budget", 2)
    assert outcome.seconds == 20.0


def test_a_workflow_that_was_saved_before_the_end_is_in_the_outcome() -> None:
    outcome = run(Script(call(SAVE, {"workflow_python": TAG}), SEARCH_FOREVER), budget=Budget(turns=2))
    assert (outcome.reason, outcome.python) == ("turn_budget", TAG)


# -- models that do not work ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "model_junk"),
        ("hello", "model_junk"),
        ({"role": "user", "content": "I am you"}, "model_junk"),
        ({"role": "assistant", "content": 7}, "model_junk"),
        ({"role": "assistant", "content": "", "tool_calls": 7}, "model_junk"),
        ({"role": "assistant", "content": "", "tool_calls": [7]}, "model_junk"),
        (
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": 1, "arguments": ""}}]},
            "model_junk",
        ),
        ({"role": "assistant", "content": "", "tool_calls": SEARCH_FOREVER["tool_calls"] * 17}, "model_junk"),
        ({"role": "assistant", "content": "\ud800"}, "model_junk"),
        ({"role": "assistant", "content": "a" * (1 << 20) + "a"}, "model_junk"),
        ({"role": "assistant"}, "model_silent"),
        ({"role": "assistant", "content": None}, "model_silent"),
        ({"role": "assistant", "content": " \n"}, "model_silent"),
        (Transient("busy"), "model_unavailable"),
        (UsageError("no such model"), "model_refused"),
        (BadRecord("JUNK", "html"), "model_junk"),
    ],
)
def test_a_model_that_does_not_work_ends_in_a_reason(said: Any, reason: str) -> None:
    outcome = run(Script(SEARCH_FOREVER, said))
    assert (outcome.reason, outcome.counts.num_turns, outcome.model) == (reason, 1, "script")
    assert outcome.detail
    assert outcome.messages[-1]["role"] == "tool"  # nothing of what it sent is kept


@pytest.mark.parametrize("name", ["task_search", "no_such_tool", "", 'a"b'])
@pytest.mark.parametrize("arguments", ["", "{", "[]", "{}", '{"search_queries":[1]}', "junk" * 1000])
def test_a_bad_call_is_answered_and_the_model_may_mend_it(name: str, arguments: str) -> None:
    model = Script(
        call(name, arguments), call(SAVE, {"workflow_python": TAG}), {"role": "assistant", "content": "Ok."}
    )
    outcome = run(model)
    assert (outcome.reason, outcome.python, outcome.counts.num_refused_calls) == ("answered", TAG, 1)
    assert '"ok":false' in (outcome.messages[2]["content"] or "")


def test_a_models_arguments_are_kept_in_canonical_form_under_our_ids() -> None:
    said = call("task_search", '{ "search_queries" : [ "caf\\u00e9" ] }')
    said["tool_calls"] *= 2
    outcome = run(Script(said, {"role": "assistant", "content": "Ok.", "reasoning": "hm", "tool_calls": []}))
    made = outcome.messages[1].get("tool_calls", [])
    assert [call["function"]["arguments"] for call in made] == ['{"search_queries":["café"]}'] * 2
    assert [call["id"] for call in made] == [message.get("tool_call_id") for message in outcome.messages[2:4]]
    assert len({call["id"] for call in made}) == 2
    assert outcome.messages[-1] == {"role": "assistant", "content": "Ok."}
    render(outcome.messages, CONTRACT, tiny_tokenizer())


# -- a real server --------------------------------------------------------------------------------------

needs_openai = pytest.mark.skipif(
    importlib.util.find_spec("openai") is None, reason="openai is not installed: uv sync --extra serve"
)


class Server:
    """What it heard, and what it sends: (status, body) in turn, or a callable that writes by hand."""

    def __init__(self, *sends: Any) -> None:
        self.sends = sends
        self.heard: list[dict[str, Any]] = []
        self.stop = threading.Event()
        self.url = ""


@contextmanager
def served(*sends: Any) -> Iterator[Server]:
    server = Server(*sends)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append(json.loads(body))
            send = server.sends[min(len(server.heard), len(server.sends)) - 1]
            try:
                if callable(send):
                    send(self)
                    return
                status, answer = send
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("retry-after-ms", "1")
                self.send_header("Location", f"{server.url}/elsewhere")
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # the client hung up, as it should

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        http.shutdown()
        thread.join()
        http.server_close()


def said(message: dict[str, Any], tokens: int = 7) -> tuple[int, dict[str, Any]]:
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return 200, {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def called(name: str, arguments: object) -> tuple[int, dict[str, Any]]:
    message = call(name, arguments)
    message["tool_calls"] = [{"id": "x", "type": "function", **made} for made in message["tool_calls"]]
    return said(message)


OK = said({"role": "assistant", "content": "Done."})


@needs_openai
def test_a_model_behind_the_api_builds_a_workflow() -> None:
    with served(called(SAVE, {"workflow_python": TAG}), OK) as server:
        outcome = run(OpenAiModel(server.url, "m"))
    assert (outcome.reason, outcome.model, outcome.python, outcome.counts.num_tokens) == (
        "answered",
        "m",
        TAG,
        14,
    )
    first, second = server.heard
    assert first["tools"] == CONTRACT.openai()
    assert first["messages"][0] == {"role": "system", "content": CONTRACT.system_prompt}
    assert (first["temperature"], first["model"], first["max_tokens"]) == (0.0, "m", Budget().tokens)
    assert second["messages"][1:] == list(outcome.messages[:-1])


@needs_openai
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>busy</html>", "model_junk"),
        (200, b"", "model_junk"),
        (200, [], "model_junk"),
        (200, {}, "model_junk"),
        (200, {"choices": []}, "model_junk"),
        (200, {"choices": [{"message": 7}]}, "model_junk"),
        (200, {"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": 1}]}}]}, "model_junk"),
        (200, {"choices": [{"message": {"role": "assistant", "content": None}}]}, "model_silent"),
        (400, {"error": {"message": "too long"}}, "model_refused"),
        (401, {"error": {"message": "who are you"}}, "model_refused"),
        (404, b"not here", "model_refused"),
        (302, b"", "model_refused"),
        (429, {"error": {"message": "slow down"}}, "model_unavailable"),
        (500, b"\xff\xfe", "model_unavailable"),
        (503, {"error": 7}, "model_unavailable"),
    ],
)
def test_a_server_that_does_not_work_ends_in_a_reason(status: int, body: Any, reason: str) -> None:
    with served((status, body)) as server:
        outcome = run(OpenAiModel(server.url, "m", max_retries=1))
    assert (outcome.reason, outcome.counts.num_turns) == (reason, 0)
    assert len(outcome.detail) < 500
    assert len(server.heard) == (2 if reason == "model_unavailable" else 1)


@needs_openai
def test_a_server_that_recovers_is_asked_again() -> None:
    with served((503, b""), (429, b""), OK) as server:
        outcome = run(OpenAiModel(server.url, "m", max_retries=2))
    assert (outcome.reason, len(server.heard)) == ("answered", 3)


@needs_openai
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_comes_a_byte_at_a_time_ends_with_the_budget(status: int) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for _ in range(250):
            if server.stop.wait(0.02):
                break
            handler.wfile.write(b" ")
            handler.wfile.flush()

    with served(drip) as server:
        outcome = waits(server)
    assert outcome.reason == "time_budget"


@needs_openai
def test_a_server_that_says_nothing_ends_with_the_budget() -> None:
    with served(lambda handler: server.stop.wait(20)) as server:
        outcome = waits(server)
    assert outcome.reason == "time_budget"
    assert len(server.heard) == 1


def waits(server: Server) -> Outcome:
    """With the real clock: what is tested is a socket that keeps somebody waiting."""
    import time

    outcome = run(OpenAiModel(server.url, "m"), budget=Budget(seconds=0.4), clock=time.monotonic)
    assert outcome.seconds < 10
    return outcome


@needs_openai
def test_an_answer_without_an_end_is_cut_off() -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for _ in range(64):
            handler.wfile.write(b" " * (1 << 20))

    with served(pour) as server:
        outcome = run(OpenAiModel(server.url, "m"), budget=Budget(seconds=60))
    assert len(server.heard) == 1
    assert (outcome.reason, "bytes" in outcome.detail) == ("model_junk", True)


@needs_openai
def test_nobody_there_is_worth_another_try() -> None:
    with served(OK) as server:
        pass
    outcome = run(OpenAiModel(server.url, "m", max_retries=0))
    assert outcome.reason == "model_unavailable"


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(UsageError, match=r"sidewheel\[serve\]"):
        OpenAiModel("http://127.0.0.1:9/v1", "m")
