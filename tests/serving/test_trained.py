"""The arrow from training to serving: the server opens what training leaves, and feeds it by the renderer."""

from __future__ import annotations

from pathlib import Path

from schemas.chat import render_prompt
from schemas.tools import CONTRACT
from serving.checkpoint import open_checkpoint
from serving.generation import Sampling
from serving.local_model import LocalModel
from tests.schemas.conversations import user
from tests.serving.tiny import listening
from tests.training.shard_sets import rows, short, small, tokenizer, tokenizer_bytes, write_set
from training.runs import train_checkpoint


def test_a_trained_checkpoint_is_served(tmp_path: Path) -> None:
    write_set(tmp_path / "shards", rows(short(), hollow=True))
    (tmp_path / "tokenizer.json").write_bytes(tokenizer_bytes())
    train_checkpoint(
        small(steps=1),
        shards=tmp_path / "shards",
        tokenizer=tmp_path / "tokenizer.json",
        output=tmp_path / "out",
        track=False,
        advance=lambda: None,
    )
    model = LocalModel(open_checkpoint(tmp_path / "out"), device="cpu")
    asked = [user("Tag «été» orders")]
    with listening(model) as mouth:
        made = model.generate(asked, Sampling(max_tokens=3))
    assert mouth.prompts == [render_prompt(asked, CONTRACT, tokenizer())]
    assert 1 <= made.num_tokens <= 3
