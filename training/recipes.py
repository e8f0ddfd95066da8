"""Recipes: a run of training is a named function that returns everything it depends on.

A variant is a copy with two fields changed; flags change the number of steps and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from schemas.errors import UsageError

__all__ = ["RECIPES", "Recipe", "Shape", "find_recipe", "qwen3_32b", "tiny_cpu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """The size of a Qwen3 model."""

    hidden_size: int
    """Width of the residual stream."""
    num_layers: int
    """How many decoder layers there are."""
    num_heads: int
    """Attention heads of a layer."""
    num_kv_heads: int
    """Heads of keys and values, shared by groups of attention heads."""
    intermediate_size: int
    """Width inside a layer's feed-forward network."""
    head_dim: int
    """Width of one head."""
    tied: bool
    """Whether the output layer is the embedding."""
    vocab_size: int | None = None
    """Rows of the embedding; None takes as many as the tokenizer has ids."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One run of supervised fine-tuning."""

    name: str
    """What manifests call it."""
    shape: Shape
    """The model."""
    length: int
    """The longest conversation in tokens; longer ones are counted and left out, never cut."""
    batch: int
    """Conversations of one step, over all ranks."""
    micro_batch: int
    """Conversations that a rank computes at once; the rest of its share is accumulated."""
    steps: int
    """How many times the weights change."""
    learning_rate: float
    """The highest learning rate, reached after the warm-up."""
    warmup_steps: int
    """Steps in which the learning rate rises from nothing."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """What the learning rate does after the warm-up; cosine ends at a tenth."""
    weight_decay: float = 0.1
    """Decay of matrices; vectors, which are norms, have none."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What the weights are exported as."""
    seed: int = 0
    """Decides the first weights and the order of the conversations."""

    def __post_init__(self) -> None:
        if min(self.length, self.batch, self.micro_batch, self.steps) < 1:
            raise ValueError("length, batch, micro_batch and steps of a recipe must be at least 1")


def tiny_cpu() -> Recipe:
    """A model of about three million parameters that two cores train in minutes: for tests and the demo."""
    shape = Shape(
        hidden_size=192,
        num_layers=6,
        num_heads=6,
        num_kv_heads=2,
        intermediate_size=512,
        head_dim=32,
        tied=True,
    )
    return Recipe(
        name="tiny_cpu",
        shape=shape,
        length=4096,
        batch=8,
        micro_batch=1,  # one at a time needs no mask, and attention then skips what lies ahead
        steps=200,
        learning_rate=2e-3,
        warmup_steps=10,
    )


def qwen3_32b() -> Recipe:
    """Qwen3-32B on 16 GPUs. Only its shape is checked here, without weights; this run was never made."""
    shape = Shape(
        hidden_size=5120,
        num_layers=64,
        num_heads=64,
        num_kv_heads=8,
        intermediate_size=25600,
        head_dim=128,
        tied=False,
        vocab_size=151936,
    )
    return Recipe(
        name="qwen3_32b",
        shape=shape,
        length=16384,
        batch=64,
        micro_batch=1,
        steps=1000,
        learning_rate=1e-5,
        warmup_steps=30,
        dtype="bfloat16",
    )


RECIPES: Final[Mapping[str, Callable[[], Recipe]]] = {
    recipe.__name__: recipe for recipe in (tiny_cpu, qwen3_32b)
}


def find_recipe(name: str) -> Recipe:
    """Raises UsageError with the names that there are."""
    if name not in RECIPES:
        raise UsageError(f"There is no recipe {name!r}; take one of {', '.join(RECIPES)}.")
    return RECIPES[name]()
