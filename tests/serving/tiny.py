"""A tiny random Qwen3 as a checkpoint folder, and a way to put words into its mouth."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from schemas.chat import render_fingerprints
from schemas.tools import CONTRACT
from serving.local_model import LocalModel
from tests.schemas.conversations import tiny_tokenizer, tokenizer_json

LENGTH = 8192


def write_checkpoint(
    folder: Path, *, num_tokens: int = tiny_tokenizer().num_tokens, head_dim: int = 16
) -> Path:
    """What training leaves behind, with weights drawn from a seed."""
    torch.set_num_threads(1)  # for so small a network, more threads only wait for each other
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = transformers.Qwen3ForCausalLM(
            transformers.Qwen3Config(
                vocab_size=num_tokens,
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=1,
                num_key_value_heads=1,
                head_dim=head_dim,
                max_position_embeddings=LENGTH,
                bos_token_id=None,
                eos_token_id=tiny_tokenizer().control["<|im_end|>"],
                pad_token_id=tiny_tokenizer().control["<|endoftext|>"],
            )
        )
    assert sum(weight.numel() for weight in network.parameters()) < 1_000_000
    network.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer_json())
    (folder / "contract.json").write_text(CONTRACT.to_json(), encoding="utf-8")
    write_manifest(folder)
    return folder


def write_manifest(folder: Path, **fingerprints: str) -> None:
    """With what serving looks at; a keyword replaces one fingerprint."""
    files = [
        {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.iterdir())
        if path.name != "manifest.json"
    ]
    found = render_fingerprints(CONTRACT, tiny_tokenizer()) | fingerprints
    text = json.dumps({"fingerprints": found, "files": files})
    (folder / "manifest.json").write_text(text, encoding="utf-8")


class Mouth:
    """The prompts that reached the network, and the ids that it is made to choose."""

    def __init__(self) -> None:
        self.prompts: list[list[int]] = []
        self.script: list[int] = []

    def say(self, *texts: str, end: bool = True) -> None:
        """Write `texts` next; one that is a control token is one."""
        tokenizer = tiny_tokenizer()
        for text in texts:
            self.script += [tokenizer.control[text]] if text in tokenizer.control else tokenizer.encode(text)
        if end:
            self.script.append(tokenizer.control["<|im_end|>"])

    def call(self, name: str, arguments: str) -> None:
        self.say("<tool_call>", f'\n{{"name": "{name}", "arguments": {arguments}}}\n', "</tool_call>")


@contextlib.contextmanager
def listening(model: LocalModel) -> Iterator[Mouth]:
    """Everything below the model is real; only which token is the likeliest may be decided here."""
    mouth = Mouth()

    def before(network: Any, args: Any, kwargs: dict[str, Any]) -> None:
        ids: torch.Tensor = kwargs["input_ids"]
        if ids.shape[1] > 1:
            mouth.prompts.append(ids[0].tolist())

    def after(network: Any, args: Any, output: Any) -> None:
        if mouth.script:
            output.logits[..., mouth.script.pop(0)] = 1e4

    handles = [
        model.network.register_forward_pre_hook(before, with_kwargs=True),
        model.network.register_forward_hook(after),
    ]
    try:
        yield mouth
    finally:
        for handle in handles:
            handle.remove()


def prompts_of(messages: Sequence[Any]) -> list[int]:
    """How many messages stand before each turn of the assistant."""
    return [number for number, message in enumerate(messages) if message["role"] == "assistant"]
