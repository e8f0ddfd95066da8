"""The tokenizer: the same texts give the same bytes, every text comes back, control tokens stay apart."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chat import render
from schemas.errors import UsageError
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT
from tests.schemas.conversations import CONVERSATIONS
from tests.training.shard_sets import rendered_texts, tokenizer, tokenizer_bytes
from training.tokenizer import CONTROL_TOKENS, END, PAD, end_and_pad, train_tokenizer

ROOT = Path(__file__).parents[2]
ELSEWHERE = """
import sys, hashlib
from tests.training.shard_sets import tokenizer_bytes
sys.stdout.write(hashlib.sha256(tokenizer_bytes()).hexdigest())
"""


@pytest.mark.parametrize("parallel", ["true", "false"])
def test_the_same_texts_give_the_same_bytes_in_another_process(parallel: str) -> None:
    environment = {"TOKENIZERS_PARALLELISM": parallel, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ELSEWHERE]
    ran = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=True)
    assert ran.stdout.decode() == hashlib.sha256(tokenizer_bytes()).hexdigest()


def test_the_order_of_the_texts_does_not_matter_and_their_words_do() -> None:
    texts = list(rendered_texts())
    assert train_tokenizer(texts[::-1], num_tokens=700) == tokenizer_bytes()
    assert train_tokenizer([*texts, "zebra " * 99], num_tokens=700) != tokenizer_bytes()


def test_control_tokens_teach_nothing() -> None:
    text = "tag every order " * 5
    assert train_tokenizer([text], num_tokens=300) == train_tokenizer(
        [*CONTROL_TOKENS * 9, "<|im_start|>".join([text]), END], num_tokens=300
    )


def test_the_control_tokens_are_those_of_the_template() -> None:
    template = files("schemas").joinpath("qwen3.jinja").read_text(encoding="utf-8")
    written = set(re.findall(r"<\|\w+\|>|</?(?:tool_call|tool_response|think)>", template))
    assert written == set(CONTROL_TOKENS) - {PAD}
    assert tuple(tokenizer().control) == CONTROL_TOKENS
    special = {row["content"] for row in json.loads(tokenizer_bytes())["added_tokens"] if row["special"]}
    assert special == {PAD, "<|im_start|>", END}


def test_padding_is_not_the_end_of_a_turn() -> None:
    end, pad = end_and_pad(tokenizer())
    assert (tokenizer().decode([end]), tokenizer().decode([pad])) == (END, PAD)
    assert end != pad


@given(st.text() | st.sampled_from([*CONTROL_TOKENS, "e\u0301 \ud7ff\x00\r\n"]))
def test_every_text_comes_back(text: str) -> None:
    ids = tokenizer().encode(text)
    assert tokenizer().decode(ids) == text
    assert not set(ids) & set(tokenizer().control.values())


def test_it_is_shorter_than_bytes() -> None:
    whole = render(CONVERSATIONS["edit"], CONTRACT, tokenizer())
    assert len(whole.ids) < len(whole.text.encode()) / 2
    assert tokenizer().num_tokens == 700
    assert max(whole.ids) < 700


def test_what_cannot_be_learned_from_is_refused() -> None:
    with pytest.raises(UsageError, match="no text"):
        train_tokenizer([])
    with pytest.raises(UsageError, match="at least 265"):
        train_tokenizer(["a"], num_tokens=264)


def test_a_tokenizer_without_padding_is_refused() -> None:
    table = json.loads(tokenizer_bytes())
    table["added_tokens"] = [row for row in table["added_tokens"] if row["content"] != PAD]
    with pytest.raises(UsageError, match=r"<\|endoftext\|> as two tokens"):
        end_and_pad(JsonTokenizer(json.dumps(table).encode()))
