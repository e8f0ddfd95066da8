"""A model behind HTTP: servers that work, refuse, break, drip, stop midway, or repeat the key."""

from __future__ import annotations

import gzip
import importlib.util
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from schemas.errors import UsageError
from schemas.tools import CONTRACT, SAVE
from serving.agent import Budget, Outcome, converse
from serving.openai_model import OpenAiModel
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.serving.model_server import Server, called, said, served

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["東京"])\n'


def run(model: OpenAiModel, *, budget: Budget | None = None, clock: Any = lambda: 0.0) -> Outcome:
    with model:
        return converse("Tag orders", model, Tools(InMemoryShop()), budget or Budget(), clock=clock)


needs_openai = pytest.mark.skipif(
    importlib.util.find_spec("openai") is None, reason="openai is not installed: uv sync --extra serve"
)


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


def waits(server: Server, *, stream: bool = False) -> Outcome:
    """With the real clock: what is tested is a socket that keeps somebody waiting."""
    model = OpenAiModel(server.url, "m", stream=stream)
    outcome = run(model, budget=Budget(seconds=0.4), clock=time.monotonic)
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


# -- half answers, streams, keys ------------------------------------------------------------------------


def headers(handler: BaseHTTPRequestHandler, kind: str, length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def half_a_body(handler: BaseHTTPRequestHandler) -> None:
    """Promise a body, send half of it, hang up."""
    body = json.dumps(OK[1]).encode()
    headers(handler, "application/json", len(body))
    handler.wfile.write(body[: len(body) // 2])


@needs_openai
def test_half_an_answer_is_tried_again_and_then_unavailable() -> None:
    with served(half_a_body) as server:
        outcome = run(OpenAiModel(server.url, "m", max_retries=1))
    assert (outcome.reason, len(server.heard)) == ("model_unavailable", 2)
    with served(half_a_body, OK) as server:
        assert run(OpenAiModel(server.url, "m", max_retries=1)).reason == "answered"


@needs_openai
def test_too_many_requests_waits_as_long_as_the_server_says() -> None:
    with served(too_many("0"), OK) as server:
        assert run(OpenAiModel(server.url, "m", max_retries=1)).reason == "answered"
    assert len(server.heard) == 2


@needs_openai
@pytest.mark.parametrize(("after", "slept"), [("20", []), ("2", [2.0]), ("nan", [0.5]), ("junk", [0.5])])
def test_nobody_waits_beyond_the_budget(after: str, slept: list[float]) -> None:
    told: list[float] = []
    with served(too_many(after)) as server:
        model = OpenAiModel(server.url, "m", max_retries=1, clock=lambda: 0.0, sleep=told.append)
        outcome = run(model, budget=Budget(seconds=3))
    assert (outcome.reason, told, len(server.heard)) == ("model_unavailable", slept, 1 + len(slept))


@needs_openai
def test_what_unpacks_to_very_much_is_not_unpacked() -> None:
    def packed(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["Accept-Encoding"])
        body = gzip.compress(json.dumps(OK[1]).encode() + b" " * (1 << 20))
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    asked: list[str] = []
    with served(packed) as server:
        outcome = run(OpenAiModel(server.url, "m"))
    assert (outcome.reason, "compressed" in outcome.detail, asked) == ("model_junk", True, ["identity"])


@needs_openai
@pytest.mark.parametrize(
    ("status", "advice"), [(200, "base URL"), (401, "SIDEWHEEL_API_KEY"), (404, "base URL"), (503, "m at")]
)
def test_what_went_wrong_says_where_and_what_to_do(status: int, advice: str) -> None:
    with served((status, b"junk.")) as server:
        outcome = run(OpenAiModel(server.url, "m", max_retries=0))
        where = server.url.removeprefix("http://")
    assert where in outcome.detail
    assert advice in outcome.detail
    assert not outcome.detail.endswith(".")
    gone = run(OpenAiModel(server.url, "m", max_retries=0))
    assert f"{where} gave no answer: Connection error; is a server running there?" in gone.detail


def too_many(seconds: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", seconds)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return send


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    table = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(table | more)}\n\n".encode()


def stream(*parts: bytes, done: bool = True) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        headers(handler, "text/event-stream")
        for part in [*parts, *([b"data: [DONE]\n\n"] if done else [])]:
            handler.wfile.write(part)

    return send


def a_call(name: str, arguments: str) -> list[bytes]:
    """A call in pieces, as servers stream it."""
    deltas: list[dict[str, Any]] = [
        {"index": 0, "id": "x", "type": "function", "function": {"name": name, "arguments": ""}},
        *({"index": 0, "function": {"arguments": part}} for part in (arguments[:9], arguments[9:])),
    ]
    first = chunk({"role": "assistant", "content": None})
    return [first, *(chunk({"tool_calls": [delta]}) for delta in deltas), chunk({}, "tool_calls")]


USAGE = {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8}
USED = (
    b"data: "
    + json.dumps({"choices": [], "usage": USAGE, "object": "chat.completion.chunk"}).encode()
    + b"\n\n"
)
SAVED = a_call(SAVE, json.dumps({"workflow_python": TAG}))
WORDS = [chunk({"role": "assistant", "content": "Do"}), chunk({"content": "ne."}), chunk({}, "stop")]


@needs_openai
def test_a_stream_is_put_together() -> None:
    with served(stream(*SAVED, USED), stream(*WORDS, USED)) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=True))
    assert (outcome.reason, outcome.python, outcome.counts.num_tokens) == ("answered", TAG, 14)
    assert outcome.messages[-1] == {"role": "assistant", "content": "Done."}
    assert server.heard[0]["stream"] is True


@needs_openai
@pytest.mark.parametrize("num_parts", [0, 1, 2, 4])
@pytest.mark.parametrize("done", [True, False])
def test_half_a_stream_is_no_answer(num_parts: int, done: bool) -> None:
    """However it ends: no chunk has said why the message is finished."""
    with served(stream(*SAVED[:num_parts], done=done)) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=True, max_retries=0))
    wanted = "model_unavailable" if num_parts else "model_junk"
    assert (outcome.reason, len(outcome.messages), outcome.python) == (wanted, 1, None)


@needs_openai
def test_a_stream_whose_connection_breaks_is_unavailable() -> None:
    """More was promised than came: the client sees a broken connection, not an end."""

    def broken(handler: BaseHTTPRequestHandler) -> None:
        headers(handler, "text/event-stream", 1 << 16)
        handler.wfile.write(WORDS[0])

    with served(broken) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=True, max_retries=0))
    assert (outcome.reason, len(outcome.messages)) == ("model_unavailable", 1)


@needs_openai
def test_an_error_inside_a_stream_is_unavailable() -> None:
    with served(stream(WORDS[0], b'data: {"error": {"message": "overloaded"}}\n\n')) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=True, max_retries=0))
    assert (outcome.reason, "overloaded" in outcome.detail) == ("model_unavailable", True)


@needs_openai
def test_a_stream_that_is_cut_inside_a_chunk_is_no_answer() -> None:
    with served(stream(WORDS[0], WORDS[1][:30], done=False)) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=True, max_retries=0))
    assert outcome.reason in ("model_unavailable", "model_junk")
    assert len(outcome.messages) == 1


@needs_openai
@pytest.mark.parametrize(
    "part",
    [
        b"data: <html>\n\n",
        b"data: 7\n\n",
        b'data: {"choices": 7}\n\n',
        chunk({"content": 7}),
        chunk({"tool_calls": [{"index": -1, "function": {"name": "a"}}]}),
        chunk({"tool_calls": [{"index": 10**9, "function": {"name": "a"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": ["a"]}}]}),
    ],
)
def test_a_stream_of_junk_is_junk(part: bytes) -> None:
    with served(stream(part, chunk({}, "stop"))) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=True, max_retries=0))
    assert (outcome.reason, len(outcome.messages)) == ("model_junk", 1)


@needs_openai
def test_a_server_that_ignores_the_wish_for_a_stream_is_junk() -> None:
    with served(OK) as server:
        assert run(OpenAiModel(server.url, "m", stream=True)).reason == "model_junk"


@needs_openai
def test_a_stream_that_drips_ends_with_the_budget() -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        headers(handler, "text/event-stream")
        for _ in range(250):
            if server.stop.wait(0.02):
                break
            handler.wfile.write(chunk({"content": "a"}))
            handler.wfile.flush()

    with served(drip) as server:
        outcome = waits(server, stream=True)
    assert outcome.reason == "time_budget"


@needs_openai
@pytest.mark.parametrize("stream_it", [False, True])
@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "token_budget"), ("content_filter", "model_filtered")]
)
def test_what_a_server_cut_is_no_answer(finish: str, reason: str, stream_it: bool) -> None:
    half = chunk({"role": "assistant", "content": "I saved"}), chunk({}, finish)
    whole = said({"role": "assistant", "content": "I saved"}, finish=finish)
    with served(stream(*half) if stream_it else whole) as server:
        outcome = run(OpenAiModel(server.url, "m", stream=stream_it))
    assert (outcome.reason, outcome.messages[-1]["content"]) == (reason, "I saved")
    assert outcome.detail


KEY = "sk-5ecre7-0f-5omebody"


@needs_openai
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_a_key_that_a_server_repeats_is_in_no_outcome(status: int) -> None:
    told = f"wrong key {KEY}"
    body = said({"role": "assistant", "content": told})[1] if status == 200 else {"error": {"message": told}}
    with served((status, body)) as server:
        outcome = run(OpenAiModel(server.url, "m", api_key=KEY, max_retries=0))
    assert "[key]" in (outcome.messages[-1]["content"] or "") + outcome.detail
    assert KEY not in repr(outcome)


SLASHED = 'sk-5ecre7/0f"5omebody'
ESCAPED = "".join(f"\\u{ord(letter):04X}" for letter in SLASHED)


@needs_openai
@pytest.mark.parametrize("stream_it", [False, True])
@pytest.mark.parametrize("spelled", [json.dumps(SLASHED)[1:-1].replace("/", "\\/"), ESCAPED])
@pytest.mark.parametrize("whole", ['{"search_queries":["%s"]}', '{"%s":1}', '{"search_queries":["%s"'])
def test_a_key_that_json_spells_otherwise_is_in_no_outcome(stream_it: bool, spelled: str, whole: str) -> None:
    arguments = whole % spelled
    sends = (
        (stream(*a_call("task_search", arguments)), stream(*WORDS))
        if stream_it
        else (called("task_search", arguments), OK)
    )
    with served(*sends) as server:
        outcome = run(OpenAiModel(server.url, "m", api_key=SLASHED, stream=stream_it, max_retries=0))
    made = outcome.messages[1]["tool_calls"][0]["function"]["arguments"]
    assert (outcome.reason, "[key]" in made) == ("answered", True)
    assert SLASHED not in repr(outcome)
    assert "5ecre7" not in made.encode().decode("unicode_escape")


@needs_openai
def test_an_empty_key_is_no_key() -> None:
    with served(OK) as server:
        outcome = run(OpenAiModel(server.url, "m", api_key="", max_retries=0))
    assert outcome.messages[-1]["content"] == "Done."


@needs_openai
def test_a_megabyte_of_arguments_over_http_is_answered() -> None:
    with served(called(SAVE, {"workflow_python": "x" * 1_000_000}), OK) as server:
        outcome = run(OpenAiModel(server.url, "m"))
    assert (outcome.reason, outcome.counts.num_refused_calls) == ("answered", 1)
