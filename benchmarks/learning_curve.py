"""What more conversations are worth: one small recipe on three sizes of a shard set, two seeds each.

    python benchmarks/learning_curve.py [--shards FOLDER --tokenizer FILE] [--sizes 32 128 512] [--steps 60]

Each run makes the same number of steps, so that only the conversations differ, and is then asked what the
set holds out. Prints a line a run: the loss at its end and on the held-out conversations, how many tokens a
second it trained on, and what came of the requests, with Wilson's 95% intervals. The untrained model and the
script that knows the answer stand above as the peers. Without a shard set it makes a small one by the jobs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from _shards import made_shards, week_of

from pipelines.evaluation.entrants import ORACLE, Entrant, ask
from pipelines.evaluation.held_out import Chosen, read_held_out
from pipelines.evaluation.report import rate
from schemas.chat import render_fingerprints
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT
from serving.agent import Budget
from serving.checkpoint import open_checkpoint
from serving.local_model import LocalModel
from training.batches import micro_batches
from training.export import write_checkpoint
from training.loop import Trained, summed_loss, train
from training.recipes import Recipe, tiny_cpu
from training.shards import TokenView, open_view

SEEDS = (0, 1)
HEAD = f"{'conversations':>13}{'seed':>6}{'loss':>8}{'held out':>10}{'tokens/s':>10}  "
RATES = ("parses", "valid", "equal")


def first_rows(view: TokenView, num: int) -> TokenView:
    """The first rows of a set, whose order is chance already."""
    return replace(view, starts=view.starts[: num + 1], num_supervised=view.num_supervised[:num])


def held_out_view(shards: Path, view: TokenView, length: int) -> TokenView:
    """The held-out conversations as tokens, for a loss; none is trained on."""
    rows = [
        (np.asarray(row["ids"], np.int32), np.asarray(row["mask"], np.uint8))
        for path in sorted((shards / "data").glob("test-*.parquet"))
        for row in pq.read_table(path, columns=["ids", "mask"]).to_pylist()
    ]
    rows = [row for row in rows if len(row[0]) <= length]
    return replace(
        view,
        ids=np.concatenate([ids for ids, _ in rows]),
        mask=np.concatenate([mask for _, mask in rows]),
        starts=np.cumsum([0, *(len(ids) for ids, _ in rows)]),
        num_supervised=np.asarray([mask[1:].sum() for _, mask in rows], np.int32),
    )


def loss_on(model: torch.nn.Module, view: TokenView, recipe: Recipe) -> float:
    model.train(False)
    with torch.inference_mode():
        batches = micro_batches(view, range(len(view)), recipe.micro_batch)
        return sum(float(summed_loss(model, batch)) for batch in batches) / int(view.num_supervised.sum())


def rates(entrant: Entrant, chosen: Chosen, budget: Budget) -> str:
    rows = list(ask(entrant, chosen, chosen.conversations, budget=budget, clock=time.monotonic))
    seconds = sum(row["latency_seconds"] for row in rows) / len(rows)
    shown = "".join(f"{rate(rows, column)!s:>18}" for column in RATES)
    return f"{shown}{seconds:9.2f}"


def checkpoint_of(trained: Trained, recipe: Recipe, view: TokenView, tokenizer: bytes, folder: Path) -> Path:
    """The trained model as it is served, from a checkpoint."""
    names = render_fingerprints(CONTRACT, JsonTokenizer(tokenizer))
    write_checkpoint(
        folder, trained, recipe, view, contract=CONTRACT, tokenizer_json=tokenizer, fingerprints=names
    )
    return folder


def entrant_of(checkpoint: Path, drawn_from: int | None = None) -> tuple[Entrant, LocalModel]:
    model = LocalModel(open_checkpoint(checkpoint), drawn_from=drawn_from)
    return Entrant("trained" if drawn_from is None else "untrained", model.name, lambda _: model), model


def curve(
    shards: Path, tokenizer: bytes, sizes: Sequence[int], steps: int, chosen: Chosen, folder: Path
) -> Iterator[str]:
    """The lines of the table, each as soon as it is known."""
    words, budget = JsonTokenizer(tokenizer), Budget(tokens=1024, seconds=30.0)
    names = render_fingerprints(CONTRACT, words)
    recipe = replace(tiny_cpu(), steps=steps)
    view = open_view(shards, fingerprints=names, length=recipe.length, num_tokens=words.num_tokens)
    held_out = held_out_view(shards, view, recipe.length)
    yield f"{len(view):,} conversations train, {len(held_out):,} held out; {steps} steps of {recipe.batch}"
    yield HEAD + "".join(f"{name:>18}" for name in RATES) + f"{'seconds':>9}"
    yield f"{'script':>13}{'':34}  {rates(ORACLE, chosen, budget)}"
    for num, size in enumerate(sorted({min(size, len(view)) for size in sizes})):
        for seed in SEEDS:
            some, mine = first_rows(view, size), replace(recipe, seed=seed)
            trained = train(mine, some, words)
            place = checkpoint_of(trained, mine, some, tokenizer, folder / f"{size}-{seed}")
            if (num, seed) == (0, SEEDS[0]):
                drawn, model = entrant_of(place, drawn_from=seed)
                loss = loss_on(model.network, held_out, recipe)
                yield f"{'untrained':>13}{seed:6}{'':8}{loss:10.3f}{'':10}  {rates(drawn, chosen, budget)}"
            entrant, model = entrant_of(place)
            loss = loss_on(model.network, held_out, recipe)
            yield (
                f"{size:13,}{seed:6}{trained.steps[-1].loss:8.3f}{loss:10.3f}{trained.tokens_per_second:10,.0f}"
                f"  {rates(entrant, chosen, budget)}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="What more conversations are worth, at the same steps.")
    parser.add_argument("--shards", type=Path, help="a shard set (default: a small one is made)")
    parser.add_argument("--tokenizer", type=Path, help="its tokenizer.json")
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 128, 512], help="conversations of a run")
    parser.add_argument("--steps", type=int, default=60, help="steps of every run (default: 60)")
    parser.add_argument("--num", type=int, default=12, help="held-out requests asked (default: 12)")
    parser.add_argument("--records", type=int, default=1000, help="records of the set that is made")
    arguments = parser.parse_args()
    if (arguments.shards is None) != (arguments.tokenizer is None):
        parser.error("--shards and --tokenizer go together")
    with tempfile.TemporaryDirectory(prefix="learning-curve-") as name:
        folder = Path(name)
        shards, tokenizer = arguments.shards, arguments.tokenizer
        if shards is None:
            shards, tokenizer = made_shards(folder, arguments.records)
        chosen = read_held_out(str(shards), week=week_of(shards), num=arguments.num, seed=0)
        content = tokenizer.read_bytes()
        for line in curve(shards, content, arguments.sizes, arguments.steps, chosen, folder):
            print(line, flush=True)


if __name__ == "__main__":
    main()
