"""Write one week's training pool as shards with a manifest; the same pool gives the same bytes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from pyspark.sql import functions as F  # noqa: N812

from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.session import spark_session
from pipelines.shards import ShardPlan, ShardSet, pool, render
from schemas.errors import UsageError
from schemas.tables import GOLD_FATES, SILVER_WORKFLOWS
from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to write and how."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week whose pool is written, such as 2026-W47."]
    seed: Annotated[int, "Order of the rows: the same seed gives the same bytes."] = 0
    rows_per_shard: Annotated[int, "About how many rows one file holds."] = 8192

    def __post_init__(self) -> None:
        if self.rows_per_shard < 1:
            raise ValueError("--rows-per-shard must be at least 1.")


def run(config: Config) -> Summary:
    """Fates and silver to `gold/shards/<week>-<key>`, which is left alone when it is there and whole."""
    week = str(Week.parse(config.week))
    lake = Lake(spark_session("write_shards", num_bytes=unpacked_bytes(config.lake)), config.lake)
    fates = lake.read(GOLD_FATES).where(F.col("week") == week)
    policy = fates.select("policy_version").first()
    if policy is None:
        raise UsageError(f"Week {week} has no fates yet; run curate_workflows --week {week} first.")
    rows = pool(fates, lake.read(SILVER_WORKFLOWS)).persist()
    plan = ShardPlan.of(rows, seed=config.seed, rows_per_shard=config.rows_per_shard)
    folder = f"{lake.root}/gold/shards/{week}-{plan.key}"
    shards = ShardSet(folder)
    manifest = shards.manifest()
    if manifest is None or any(shards.check()):
        for row in render(rows, plan).toLocalIterator():
            shards.add(row["shard"], plan.count, row["num_rows"], bytes(row["content"]))
        versions = {table.name: lake.version(table) for table in (SILVER_WORKFLOWS, GOLD_FATES)}
        manifest = shards.finish(plan, week=week, lake_versions=versions, policy_version=policy[0])
    content = manifest["content_sha256"][:12]
    shown = folder.replace(lake.root, config.lake.rstrip("/"), 1)
    return {"week": week, "rows": plan.num_rows, "shards": plan.count, "content": content, "path": shown}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
