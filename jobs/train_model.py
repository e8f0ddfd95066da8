"""Train a model on conversation shards by a recipe, and write it as a Hugging Face folder with a manifest."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from jobs._progress import progress
from schemas.errors import UsageError
from training.recipes import find_recipe


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to train and on what."""

    shards: Annotated[Path, "Folder of conversation shards with its manifest."]
    tokenizer: Annotated[Path, "The tokenizer.json that the shards were made with."]
    output: Annotated[Path, "Folder of the checkpoint to write; mlflow.db goes beside it."]
    recipe: Annotated[str, "Name of the recipe."] = "tiny_cpu"
    steps: Annotated[int | None, "Steps to make, where not as many as the recipe says."] = None
    track: Annotated[bool, "Log the run to MLflow."] = True

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise ValueError("--steps must be at least 1.")


def run(config: Config) -> Summary:
    """Shards to a checkpoint; one that is there and was made from the same is left alone."""
    try:
        from training.runs import train_checkpoint
    except ModuleNotFoundError as missing:
        raise UsageError(f"Training needs {missing.name}: install the extra `train`.") from None
    recipe = find_recipe(config.recipe)
    recipe = replace(recipe, steps=config.steps or recipe.steps)
    with progress("Training", total=recipe.steps) as advance:
        told = train_checkpoint(
            recipe,
            shards=config.shards,
            tokenizer=config.tokenizer,
            output=config.output,
            track=config.track,
            advance=advance,
        )
    return {"recipe": recipe.name, **told}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
