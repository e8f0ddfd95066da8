"""Supervised fine-tuning: cross-entropy on what the assistant wrote, the same on one rank and on many.

The loss of a step is the sum over its supervised tokens divided by how many there are, over all ranks and
micro-batches. Every rank knows that number without asking: it knows the rows of the whole step. Not here yet:
checkpoints within a run, and mixed precision, which is Accelerate's to set and untried.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from accelerate import Accelerator
from torch.distributed.tensor import DTensor
from torch.nn import functional

from schemas.errors import BrokenLaw, UsageError
from schemas.tokens import JsonTokenizer
from training.batches import IGNORED, Batch, micro_batches
from training.mesh import form_cpu_mesh, require_mesh, require_world
from training.model import create_model
from training.order import Cursor, share, take
from training.recipes import Recipe
from training.shards import TokenView

__all__ = ["Step", "Trained", "learning_rate", "train"]

BETAS: Final = (0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; `loss` is what it was before the weights changed."""

    step: int
    loss: float
    grad_norm: float
    learning_rate: float
    num_tokens: int
    num_supervised: int


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A run that came to its end: weights in full on the main rank, and every step."""

    model: Any
    """Not prepared for training any more; None on the other ranks."""
    steps: Sequence[Step]
    cursor: Cursor
    num_ranks: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        return sum(step.num_tokens for step in self.steps) / self.seconds


def train(
    recipe: Recipe,
    view: TokenView,
    tokenizer: JsonTokenizer,
    *,
    told: Callable[[Step], None] = lambda step: None,
) -> Trained:
    """Run a recipe over a view; `told` hears of every step, on every rank.

    Raises:
        UsageError: where the recipe's batch cannot be shared among the ranks.
        BrokenLaw: where the ranks are not one world, or a loss or a gradient is no finite number.
    """
    form_cpu_mesh()
    accelerator: Any = Accelerator()
    require_world(accelerator)
    if recipe.batch % accelerator.num_processes:
        raise UsageError(
            f"A batch of {recipe.batch} cannot be shared among {accelerator.num_processes} ranks."
        )
    model, optimizer = accelerator.prepare(*_created(recipe, tokenizer))
    require_mesh(accelerator, model)
    model.train()
    cursor, steps, started = Cursor(seed=recipe.seed), [], time.monotonic()
    for number in range(1, recipe.steps + 1):
        rows, cursor = take(cursor, len(view), recipe.batch)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, number)
        steps.append(_step(accelerator, model, optimizer, recipe, view, rows, number))
        told(steps[-1])
    seconds = time.monotonic() - started
    weights = accelerator.get_state_dict(model)
    whole = None
    if accelerator.is_main_process:
        whole = create_model(recipe, tokenizer)
        whole.load_state_dict(weights, strict=True)
    num_ranks = accelerator.num_processes
    accelerator.end_training()
    return Trained(model=whole, steps=steps, cursor=cursor, num_ranks=num_ranks, seconds=seconds)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Of the step with that number, counted from 1."""
    if step <= recipe.warmup_steps:
        return recipe.learning_rate * step / recipe.warmup_steps
    if recipe.schedule == "constant":
        return recipe.learning_rate
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, done))))


def _created(recipe: Recipe, tokenizer: JsonTokenizer) -> tuple[Any, torch.optim.Optimizer]:
    model = create_model(recipe, tokenizer)
    weights = list(model.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return model, torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=BETAS)


def _step(
    accelerator: Any,
    model: Any,
    optimizer: Any,
    recipe: Recipe,
    view: TokenView,
    rows: list[int],
    number: int,
) -> Step:
    """One change of the weights, or BrokenLaw before it."""
    num_supervised = int(view.num_supervised[rows].sum())
    total = torch.zeros((), device=accelerator.device)
    mine = share(rows, accelerator.process_index, accelerator.num_processes)
    for batch in micro_batches(view, mine, recipe.micro_batch):
        summed = summed_loss(model, batch.to(accelerator.device))
        # Ranks average their gradients, and the loss is a sum over all of them.
        accelerator.backward(summed * accelerator.num_processes / num_supervised)
        total += summed.detach()
    loss = float(accelerator.reduce(total, "sum")) / num_supervised
    norm = accelerator.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
    grad_norm = float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
    if not math.isfinite(loss) or not math.isfinite(grad_norm):
        raise BrokenLaw(f"Step {number}: the loss is {loss} and the norm of its gradient {grad_norm}.")
    optimizer.step()
    optimizer.zero_grad()
    num_tokens = int((view.starts[np.asarray(rows) + 1] - view.starts[rows]).sum())
    rate = optimizer.param_groups[0]["lr"]
    return Step(number, loss, grad_norm, rate, num_tokens, num_supervised)


def summed_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Cross-entropy summed over the labels that are not IGNORED."""
    # Most of a conversation is prompt: logits are made only where there is a label.
    places = (batch.labels[0] != IGNORED).nonzero().squeeze(1)
    said = model(
        input_ids=batch.ids,
        position_ids=batch.positions,
        attention_mask=batch.visible,
        logits_to_keep=places,
        use_cache=False,
    )
    return functional.cross_entropy(said.logits[0].float(), batch.labels[0, places], reduction="sum")
