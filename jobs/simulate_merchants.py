"""Let simulated merchants ask the served agent for a week, over HTTP, and record what they say and do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from jobs._progress import progress
from pipelines.merchants import Plan
from schemas.errors import UsageError
from schemas.weeks import Week
from serving.checkpoint import open_checkpoint
from serving.generation import Engine


@dataclass(frozen=True, kw_only=True)
class Config(Plan):
    """Who asks whom."""

    lake: Annotated[str, "Folder or URI of the lake that holds the workflows that merchants wish for."]
    week: Annotated[str, "ISO week in which they ask, such as 2026-W47; it must be curated."]
    checkpoint: Annotated[Path, "Folder of the checkpoint that answers as the challenger."]
    record: Annotated[Path, "Folder for events: they lie in a folder of the week's name below it."]


def run(config: Config) -> Summary:
    """Wishes of the lake to events; a week that is finished is left alone."""
    week = Week.parse(config.week)
    opened = open_checkpoint(config.checkpoint)
    folder = config.record / str(week)

    def load() -> Engine:
        from serving.local_model import LocalModel

        return LocalModel(opened)

    try:
        from pipelines.simulation import simulate, wishes

        wanted = wishes(config.lake, week, config)
        with progress("Simulating merchants", total=config.num) as advance:
            counts = simulate(wanted, opened.name, load, folder, week, config, advance=advance)
    except ModuleNotFoundError as missing:
        raise UsageError(f"Serving needs {missing.name}: pip install 'sidewheel[serve,train]'.") from None
    return {"week": str(week), **counts, "simulated": True, "path": str(folder)}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
