"""Ask a checkpoint what its shards held out, beside the same model untrained and a script; keep the rows."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._console import print_table
from jobs._main import Summary, job
from jobs._progress import progress
from pipelines.evaluation.entrants import asks_of
from pipelines.evaluation.held_out import read_held_out
from pipelines.evaluation.report import HEADERS, table
from pipelines.evaluation.stored import ask_and_store
from pipelines.lake import Lake
from pipelines.session import spark_session
from schemas.weeks import Week
from serving.agent import Budget
from serving.checkpoint import open_checkpoint


@dataclass(frozen=True, kw_only=True)
class Config:
    """Whom to ask, and what."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week of the shards, such as 2026-W47."]
    shards: Annotated[str, "Folder or URI of the shard set whose held-out conversations are asked."]
    checkpoint: Annotated[Path, "Folder of the checkpoint."]
    num: Annotated[int, "How many conversations to ask, spread over create, edit and question."] = 50
    num_untrained: Annotated[int, "How many of these the untrained model is asked."] = 8
    seed: Annotated[int, "Which conversations are asked, and the untrained weights."] = 0
    tokens: Annotated[int, "The most tokens that one conversation may take."] = 1024
    seconds: Annotated[float, "The most seconds that one conversation may take."] = 30.0

    def __post_init__(self) -> None:
        if min(self.num, self.tokens, self.seconds) <= 0 or self.num_untrained < 0:
            raise ValueError("--num, --tokens and --seconds must be above 0.")


def run(config: Config) -> Summary:
    """Held-out rows to gold.evaluations and a table; rows that are there are not computed again."""
    week = str(Week.parse(config.week))
    chosen = read_held_out(config.shards, week=week, num=config.num, seed=config.seed)
    asks = asks_of(open_checkpoint(config.checkpoint), chosen, config.seed, config.num_untrained)
    lake = Lake(spark_session("evaluate_model"), config.lake)
    budget = Budget(tokens=config.tokens, seconds=config.seconds)
    with progress("Asking", total=sum(len(asked) for _, asked in asks)) as advance:
        told = ask_and_store(lake, asks, chosen, budget, clock=time.monotonic, advance=advance)
    print_table(HEADERS, list(table(told.rows)))
    return told.counts()


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
