"""Tell whether training of a week would show the model exactly what production shows it.

Compares what was recorded in the week and the one before, and what would train (synthetic conversations,
recorded ones routed to it or not yet) with today's contract and tools. Exit 70 where one that would train
differs, or production ran a contract that is unknown, newer, or of which sound conversations were not
migrated. Other differences are told and no failure, except of --events, which needs no lake.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._console import write
from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.mirror.folder import check_folder
from pipelines.mirror.gate import check, migrate_stored
from pipelines.session import spark_session
from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to compare."""

    lake: Annotated[str, "Folder or URI of the lake; goes with --week."] = ""
    week: Annotated[str, "ISO week that would be built, such as 2026-W47."] = ""
    events: Annotated[tuple[str, ...], "Files or folders of recorded events, in the place of a lake."] = ()
    migrate: Annotated[bool, "Bring stored conversations to today's contract first."] = False
    json: Annotated[Path | None, "File to write the report to as JSON, too."] = None

    def __post_init__(self) -> None:
        if bool(self.events) == bool(self.lake and self.week) or (self.events and self.migrate):
            raise ValueError("Give --lake and --week, or --events alone.")


def run(config: Config) -> Summary:
    """Counts what was compared, what differs, and what was migrated."""
    if config.events:
        report, counts = check_folder(config.events)
    else:
        lake = Lake(spark_session("check_mirror", num_bytes=unpacked_bytes(config.lake)), config.lake)
        week = Week.parse(config.week)
        migrated = migrate_stored(lake, week) if config.migrate else {}
        report, counts = check(lake, week)
        counts |= migrated
    write(report.text())
    if config.json:
        config.json.write_text(report.json(), encoding="utf-8")
    report.require_in_line()
    return counts


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
