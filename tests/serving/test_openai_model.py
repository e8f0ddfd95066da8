"""A model behind HTTP: servers that work, refuse, break, drip, stop midway, or repeat the key."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from schemas.errors import UsageError
from schemas.tools import CONTRACT, SAVE
from serving.agent import Budget
from serving.openai_model import OpenAiModel
from tests.serving.model_server import a_call, called, chunk, headers, said, served, stream
from tests.serving.openai_runs import OK, TAG, WORDS, needs_openai, run, waits


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


# -- half answers, cut ones, keys ------------------------------------------------------------------------


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
