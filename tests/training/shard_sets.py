"""Shard sets of conversations, written as the shard contract says, and a tokenizer learned from them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.chat import Message, render, render_fingerprints
from schemas.shards import FORMAT
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT
from tests.schemas.conversations import CONVERSATIONS, says, tiny_tokenizer, user
from training.recipes import Recipe, Shape, tiny_cpu
from training.shards import TokenView, open_view
from training.tokenizer import train_tokenizer

SHAPE = Shape(
    hidden_size=64,
    num_layers=2,
    num_heads=2,
    num_kv_heads=1,
    intermediate_size=96,
    head_dim=32,
    tied=True,
)


def small(**changes: Any) -> Recipe:
    """`tiny_cpu` with a hundred thousand weights and a few steps."""
    usual = {"shape": SHAPE, "steps": 4, "batch": 4, "learning_rate": 5e-3, "warmup_steps": 1}
    return replace(tiny_cpu(), **(usual | changes))


def rendered_texts() -> Iterator[str]:
    for messages in CONVERSATIONS.values():
        yield render(messages, CONTRACT, tiny_tokenizer()).text


@functools.cache
def tokenizer_bytes() -> bytes:
    return train_tokenizer(rendered_texts(), num_tokens=700)


@functools.cache
def tokenizer() -> JsonTokenizer:
    return JsonTokenizer(tokenizer_bytes())


def short() -> list[list[Message]]:
    """Conversations that a model learns in a few steps, of different lengths."""
    return [[user(f"{'very ' * n}short {n}"), says(f"Done with {'all of ' * (n % 3)}it.")] for n in range(10)]


Row = dict[str, Any]


def rows(conversations: Sequence[list[Message]], *, hollow: bool = False) -> list[Row]:
    """Rendered rows; where `hollow`, without the long system prompt, so that tests are quick."""
    made = []
    for number, messages in enumerate(conversations):
        whole = render(messages, CONTRACT, tokenizer())
        start = system_end(whole.ids) if hollow else 0
        made.append({"record_id": f"c{number}", "ids": whole.ids[start:], "mask": whole.mask[start:]})
    return made


def system_end(ids: list[int]) -> int:
    return ids.index(tokenizer().control["<|im_end|>"]) + 1


SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("ids", pa.list_(pa.int32())),
        ("mask", pa.list_(pa.uint8())),
        ("trigger", pa.string()),
    ]
)


def write_set(
    folder: Path, made: Sequence[Row], *, files: int = 2, schema: pa.Schema = SCHEMA, **changes: Any
) -> Path:
    """A finished set of `made` in `files` files; `changes` go into the manifest."""
    (folder / "data").mkdir(parents=True)
    shards = []
    for number in range(files):
        part = [{"trigger": "order_created", **row} for row in made[number::files]]
        path = f"data/train-{number:05d}-of-{files:05d}.parquet"
        pq.write_table(pa.Table.from_pylist(part, schema), folder / path, compression="zstd")
        content = (folder / path).read_bytes()
        shards.append({"path": path, "sha256": hashlib.sha256(content).hexdigest(), "num_rows": len(part)})
    manifest = {
        "format": FORMAT,
        "fingerprints": {**render_fingerprints(CONTRACT, tokenizer()), "language": "x"},
        "shards": shards,
        "num_rows": len(made),
        "seed": 3,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")
    return folder


def view_of(folder: Path, *, length: int = 4096, **fingerprints: str) -> TokenView:
    return open_view(
        folder,
        fingerprints=render_fingerprints(CONTRACT, tokenizer()) | fingerprints,
        length=length,
        num_tokens=tokenizer().num_tokens,
    )
