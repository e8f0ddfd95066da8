"""Generate a dump of production workflows in the real format, with planted bad rows.

Writes `workflows-00000.jsonl`, ... (one record a line) and `_truth.json` (what was planted, by kind). The
same seed, number and week give the same lines, however many files they are in.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from pipelines.generator import Plan, write_dump
from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class Config:
    """How much of what, and where to."""

    output: Annotated[Path, "The folder to write to."]
    num: Annotated[int, "How many lines to write, planted bad ones included."] = 5000
    seed: Annotated[int, "Everything follows from it."] = 0
    week: Annotated[str, "The ISO week before whose end most workflows ran."] = "2026-W47"
    num_files: Annotated[int, "How many files to write the lines to."] = 1
    bad_share: Annotated[float, "The share of lines that are bad in a known way."] = 0.02
    large_bytes: Annotated[int, "How long the note of a planted large workflow is."] = 65536

    def __post_init__(self) -> None:
        self.plan()

    def plan(self) -> Plan:
        """The generator's plan. Raises ValueError for a number out of its range, UsageError for no week."""
        end = int(Week.parse(self.week).end.timestamp())
        sizes = {"num": self.num, "large_bytes": self.large_bytes}
        return Plan(seed=self.seed, week_end=end, bad_share=self.bad_share, **sizes)


def run(config: Config) -> Summary:
    """Write the dump; counts lines, planted ones, files and bytes."""
    truth = write_dump(config.plan(), config.output, config.num_files)
    return {
        "week": config.week,
        "written": truth["num_lines"],
        "planted": truth["num_planted"],
        "shops": truth["num_shops"],
        "files": len(truth["files"]),
        "bytes": sum(file["bytes"] for file in truth["files"].values()),
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
