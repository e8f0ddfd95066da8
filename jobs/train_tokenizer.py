"""Train a tokenizer on one week's training pool, without what is held out; one that is there is kept.

The tokenizer is made once: every model and every week is served and trained with it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.pool import PoolPolicy, examine, read_pool, training_texts
from pipelines.session import spark_session
from schemas.tokens import JsonTokenizer
from schemas.weeks import Week
from training.tokenizer import read_tokenizer, train_tokenizer, write_tokenizer


@dataclass(frozen=True, kw_only=True)
class Config(PoolPolicy):
    """What to learn from, and where to."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week whose pool is learned from, such as 2026-W47."]
    output: Annotated[Path, "The tokenizer.json to write."]
    num_tokens: Annotated[int, "The most tokens that it may have."] = 4096
    max_texts: Annotated[int, "The most conversations to learn from, chosen by their digest."] = 5000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_texts < 1:
            raise ValueError("--max-texts must be at least 1.")


def run(config: Config) -> Summary:
    """Texts of the pool to a tokenizer; the same texts give the same bytes in any order."""
    week = Week.parse(config.week)
    made = not config.output.exists()
    if made:
        lake = Lake(spark_session("train_tokenizer", num_bytes=unpacked_bytes(config.lake)), config.lake)
        texts = training_texts(examine(read_pool(lake, week), config.held_out_share), config.max_texts)
        each = (row["text"] for row in texts.toLocalIterator())
        write_tokenizer(config.output, train_tokenizer(each, num_tokens=config.num_tokens))
    tokenizer = JsonTokenizer(read_tokenizer(config.output))
    return {
        "week": str(week),
        "made": made,
        "tokens": tokenizer.num_tokens,
        "fingerprint": tokenizer.fingerprint[:12],
        "path": str(config.output),
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
