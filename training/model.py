"""The model of a recipe: a Qwen3 with weights drawn from the recipe's seed."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from schemas.errors import UsageError
from schemas.tokens import JsonTokenizer
from training.recipes import Recipe
from training.tokenizer import end_and_pad

__all__ = ["configure", "count_parameters", "create_model"]

_QWEN3: Any = transformers.Qwen3ForCausalLM


def configure(recipe: Recipe, tokenizer: JsonTokenizer) -> Any:
    """The Hugging Face config of a recipe.

    Raises:
        UsageError: where the tokenizer has more ids than the model has rows.
    """
    shape = recipe.shape
    end, pad = end_and_pad(tokenizer)
    vocab_size = tokenizer.num_tokens if shape.vocab_size is None else shape.vocab_size
    if tokenizer.num_tokens > vocab_size:
        raise UsageError(
            f"The tokenizer has {tokenizer.num_tokens} ids and the model of {recipe.name} {vocab_size}."
        )
    return transformers.Qwen3Config(
        vocab_size=vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_kv_heads,
        head_dim=shape.head_dim,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=recipe.length,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        attention_dropout=0.0,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype=recipe.dtype,
    )


def create_model(recipe: Recipe, tokenizer: JsonTokenizer) -> Any:
    """A model in float32 whose weights depend on the recipe alone: every rank draws the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = _QWEN3(configure(recipe, tokenizer))
    return model.float()


def count_parameters(recipe: Recipe, tokenizer: JsonTokenizer) -> int:
    """How many weights a recipe has, counted without making one."""
    with torch.device("meta"):
        model = _QWEN3(configure(recipe, tokenizer))
    return sum(weight.numel() for weight in model.parameters())
