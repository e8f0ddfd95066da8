"""Write one week's training pool as shards with a manifest; the same pool gives the same bytes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.pool import PoolPolicy, examine, pool_versions, read_pool
from pipelines.session import spark_session
from pipelines.shard_sets import ShardSet
from pipelines.shards import ShardPlan, cut
from schemas.shards import fingerprints
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT
from schemas.weeks import Week
from training.tokenizer import read_tokenizer


@dataclass(frozen=True, kw_only=True)
class Config(PoolPolicy):
    """What to write and how."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week whose pool is written, such as 2026-W47."]
    tokenizer: Annotated[Path, "The tokenizer.json to write tokens with; train_tokenizer makes one."]
    seed: Annotated[int, "Order of the rows: the same seed gives the same bytes."] = 0
    rows_per_shard: Annotated[int, "About how many rows one file holds."] = 2048

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows_per_shard < 1:
            raise ValueError("--rows-per-shard must be at least 1.")


def run(config: Config) -> Summary:
    """The pool to `gold/shards/<week>-<key>`, which is left alone when it is there and whole."""
    week = Week.parse(config.week)
    tokenizer = read_tokenizer(config.tokenizer)
    lake = Lake(spark_session("write_shards", num_bytes=unpacked_bytes(config.lake)), config.lake)
    examined = examine(read_pool(lake, week), config.held_out_share)
    made_by = fingerprints(CONTRACT, JsonTokenizer(tokenizer))
    plan = ShardPlan.of(examined, config.seed, config.rows_per_shard, config.held_out_share, made_by)
    shards = ShardSet(f"{lake.root}/gold/shards/{week}-{plan.key}")
    manifest = None if any(shards.check()) else shards.manifest()
    if manifest is None:
        for row in cut(examined, plan, tokenizer).toLocalIterator():
            shards.add(row["shard"], plan, row["num_rows"], bytes(row["content"]))
        manifest = shards.finish(plan, str(week), pool_versions(lake))
    where = f"{config.lake.rstrip('/')}/gold/shards/{week}-{plan.key}"
    return {"week": str(week), **plan.counts(), "content": manifest["content_sha256"][:12], "path": where}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
