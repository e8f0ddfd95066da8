"""One run from shards to checkpoint: look, train, track, write. What is there already is not made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from schemas.chat import render_fingerprints
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT
from training.export import find_checkpoint, made_from, write_checkpoint
from training.loop import Step, train
from training.mesh import rank
from training.recipes import Recipe
from training.shards import open_view
from training.tokenizer import read_tokenizer
from training.tracking import tracking

__all__ = ["train_checkpoint"]

STORE = "mlflow.db"


def train_checkpoint(
    recipe: Recipe, *, shards: Path, tokenizer: Path, output: Path, track: bool, advance: Callable[[], None]
) -> dict[str, str | int | float]:
    """Train `recipe` on a shard set and write the checkpoint `output`; returns what to tell of it.

    Raises:
        UsageError: where the shards, the tokenizer or the output do not fit.
        BrokenLaw: where training went wrong; nothing is written then.
    """
    content = read_tokenizer(tokenizer)
    words = JsonTokenizer(content)
    names = render_fingerprints(CONTRACT, words)
    view = open_view(shards, fingerprints=names, length=recipe.length, num_tokens=words.num_tokens)
    told: dict[str, str | int | float] = {"rows": len(view), "too_long": len(view.too_long)}
    known = find_checkpoint(output, made_from(recipe, view, names))
    if known is not None:
        return told | {"steps": known["num_steps"], "loss": known["final_loss"], "path": str(output)}
    main = rank() == 0
    parameters = asdict(recipe) | names | {"shards": view.content_sha256}
    with tracking(output.parent / STORE, recipe.name, parameters, enabled=track and main) as log:

        def hear(step: Step) -> None:
            log(step.step, asdict(step))
            advance()

        trained = train(recipe, view, words, told=hear)
    if main:
        write_checkpoint(
            output,
            trained,
            recipe,
            view,
            contract=CONTRACT,
            tokenizer_json=content,
            fingerprints=names,
        )
    return told | {
        "steps": recipe.steps,
        "loss": trained.steps[-1].loss,
        "ranks": trained.num_ranks,
        "tokens_per_second": round(trained.tokens_per_second),
        "path": str(output),
    }
