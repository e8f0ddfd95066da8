"""Conversations with a model behind HTTP, and what a test's server says in them."""

from __future__ import annotations

import importlib.util
import json
import time
from typing import Any

import pytest

from schemas.tools import SAVE
from serving.agent import Budget, Outcome, converse
from serving.openai_model import OpenAiModel
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.serving.model_server import Server, a_call, chunk, said

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["東京"])\n'


def run(model: OpenAiModel, *, budget: Budget | None = None, clock: Any = lambda: 0.0) -> Outcome:
    with model:
        return converse("Tag orders", model, Tools(InMemoryShop()), budget or Budget(), clock=clock)


needs_openai = pytest.mark.skipif(
    importlib.util.find_spec("openai") is None, reason="openai is not installed: uv sync --extra serve"
)


OK = said({"role": "assistant", "content": "Done."})
SAVED = a_call(SAVE, json.dumps({"workflow_python": TAG}))
WORDS = [chunk({"role": "assistant", "content": "Do"}), chunk({"content": "ne."}), chunk({}, "stop")]


def waits(server: Server, *, stream: bool = False) -> Outcome:
    """With the real clock: what is tested is a socket that keeps somebody waiting."""
    model = OpenAiModel(server.url, "m", stream=stream)
    outcome = run(model, budget=Budget(seconds=0.4), clock=time.monotonic)
    assert outcome.seconds < 10
    return outcome
