"""The embedded engine: a checkpoint on transformers, one generation at a time.

    model = LocalModel(open_checkpoint(Path("checkpoints/tiny")))
    model.generate([{"role": "user", "content": "Tag big orders"}], Sampling())

Its prompts are the ids of `schemas.chat.render_prompt` and nothing else; weights are safetensors, and no code
of a checkpoint runs. Not here yet: batches, a cache of prompts, grammars, several devices.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import torch
import transformers

from schemas.chat import Message, render_prompt
from schemas.errors import Transient, UsageError
from schemas.tools import CONTRACT, Contract
from serving.agent import Budget, Completion
from serving.checkpoint import Checkpoint
from serving.generation import Generation, Sampling
from serving.hermes import CLOSE, OPEN, message_of

__all__ = ["LocalModel"]

_END: Final = "<|im_end|>"


class LocalModel:
    """One checkpoint in memory: an `Engine` for the server, a `Model` for the agent."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        contract: Contract = CONTRACT,
        *,
        device: str = "",
        drawn_from: int | None = None,
    ) -> None:
        """Load the weights; `device` is torch's word for it, the accelerator where there is one by default.

        With `drawn_from`, a seed, it is the same model untrained: of the checkpoint's weights none is read.

        Raises:
            UsageError: where a file is missing or damaged, or the weights do not fit the configuration.
        """
        self.name = checkpoint.name if drawn_from is None else f"untrained-{drawn_from}-of-{checkpoint.name}"
        self.contract = contract
        self.tokenizer = checkpoint.tokenizer
        if missing := {_END, OPEN, CLOSE} - self.tokenizer.control.keys():
            raise UsageError(f"the tokenizer of {checkpoint.folder} lacks {' and '.join(sorted(missing))}.")
        found = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.network = _ready(checkpoint, found, drawn_from)
        self._end = self.tokenizer.control[_END]
        self._lock = threading.Lock()
        self.length: int = self.network.config.max_position_embeddings
        """The most tokens that prompt and answer have together."""

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """The agent's door: greedy, within the budget.

        Raises what `generate` raises, and UsageError for a contract that it was not trained for.
        """
        if contract.fingerprint() != self.contract.fingerprint():
            raise UsageError(f"{self.name} was trained for another tool contract.")
        made = self.generate(messages, Sampling(max_tokens=budget.tokens, seconds=budget.seconds))
        return Completion(made.message, made.num_tokens, "length" if made.finish_reason == "length" else None)

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        """The next assistant message; see `Engine`."""
        prompt = render_prompt(messages, self.contract, self.tokenizer, limit=self.length - 1)
        until = time.monotonic() + sampling.seconds
        if not self._lock.acquire(timeout=min(max(sampling.seconds, 0.0), threading.TIMEOUT_MAX)):
            raise Transient(f"{self.name} is busy with other requests.")
        try:
            ids = self._continue(prompt, sampling, until - time.monotonic())
        finally:
            self._lock.release()
        ended = ids[-1:] == [self._end]
        place = len(messages) + (messages[0]["role"] != "system")
        message = message_of(ids[:-1] if ended else ids, self.tokenizer, place)
        called = ended and "tool_calls" in message
        return Generation(
            message, "tool_calls" if called else "stop" if ended else "length", len(prompt), len(ids)
        )

    def _continue(self, prompt: list[int], sampling: Sampling, seconds: float) -> list[int]:
        """The ids after `prompt`, up to and with `<|im_end|>` where it came in time."""
        room = min(sampling.max_tokens, self.length - len(prompt))
        settings = transformers.GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=room,
            max_time=max(seconds, 0.0),
            do_sample=sampling.temperature > 0,
            temperature=sampling.temperature or None,
            top_k=0 if sampling.temperature > 0 else None,
            eos_token_id=self._end,
            pad_token_id=self._end,
        )
        given = torch.tensor([prompt], device=self.network.device)
        with torch.inference_mode(), torch.random.fork_rng(enabled=sampling.temperature > 0):
            if sampling.temperature > 0:
                torch.manual_seed(sampling.seed)
            made: Any = self.network.generate(
                given, attention_mask=torch.ones_like(given), generation_config=settings
            )
        ids: list[int] = made[0, len(prompt) :].tolist()
        return ids


def _ready(checkpoint: Checkpoint, device: str, drawn_from: int | None) -> Any:
    """The network, loaded or drawn, on its device and out of training mode."""
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        network = _load(checkpoint) if drawn_from is None else _draw(checkpoint, drawn_from)
        if network.config.vocab_size < checkpoint.tokenizer.num_tokens:
            raise ValueError(f"it knows {network.config.vocab_size} tokens, its tokenizer has more")
        network.to(device)
    except Exception as error:  # noqa: BLE001  # each file format raises errors of its own
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise UsageError(f"the checkpoint {checkpoint.folder} cannot be loaded: {said}.") from None
    network.generation_config = transformers.GenerationConfig()  # type: ignore[no-untyped-call]
    network.train(False)
    return network


def _load(checkpoint: Checkpoint) -> Any:
    """The network with every weight from the checkpoint: transformers fills in what is missing by chance."""
    loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
        checkpoint.folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype="auto",
        output_loading_info=True,
    )
    network, told = loaded
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    if wrong := [name for kind in kinds for name in told[kind]]:
        raise ValueError(f"{len(wrong)} weights do not fit, {wrong[0]} is the first")
    return network


def _draw(checkpoint: Checkpoint, seed: int) -> Any:
    """A network of the checkpoint's shape whose weights depend on the seed alone."""
    config = transformers.AutoConfig.from_pretrained(
        checkpoint.folder, local_files_only=True, trust_remote_code=False
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Any = transformers.AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    return network
