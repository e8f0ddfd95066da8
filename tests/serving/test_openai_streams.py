"""Answers that a server sends in pieces: whole ones, halves, junk, and those that drip."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

import pytest

from serving.openai_model import OpenAiModel
from tests.serving.model_server import chunk, headers, served, stream
from tests.serving.openai_runs import OK, SAVED, TAG, WORDS, needs_openai, run, waits

USAGE = {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8}
USED = (
    b"data: "
    + json.dumps({"choices": [], "usage": USAGE, "object": "chat.completion.chunk"}).encode()
    + b"\n\n"
)


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
