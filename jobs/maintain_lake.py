"""Care for every table: small files made one, old versions' files removed, a checkpoint where a log is long.

Rows never change, and a second run finds nothing to do. Safe beside streams and other jobs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from jobs._console import print_table
from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.session import spark_session
from pipelines.upkeep import Upkeep, UpkeepPolicy, maintain
from schemas.errors import UsageError
from schemas.tables import TABLES


@dataclass(frozen=True, kw_only=True)
class Config(UpkeepPolicy):
    """Which lake."""

    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """A line a table, and the sums."""
    lake = Lake(spark_session("maintain_lake", num_bytes=unpacked_bytes(config.lake)), config.lake)
    now = datetime.now(UTC)  # a file has an age
    done = [told for table in TABLES.values() if (told := maintain(lake, table, config, now))]
    if not done:
        raise UsageError(f"There is no lake in {config.lake}.")
    print_table(
        ("table", "files", "now", "vacuumed", "orphans", "checkpoint", "log"), list(map(_cells, done))
    )
    files = {"files": sum(each.files_before for each in done), "now": sum(each.files_after for each in done)}
    return {
        **{"tables": len(done), "changed": sum(each.changed for each in done), **files},
        "vacuumed": sum(each.vacuumed for each in done),
        "orphans": sum(each.orphans for each in done),
        "checkpoints": sum(bool(each.checkpoint) for each in done),
    }


def _cells(done: Upkeep) -> list[str]:
    numbers = (done.files_before, done.files_after, done.vacuumed, done.orphans)
    return [done.table, *map(str, numbers), done.checkpoint or "fine", str(done.commits)]


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
