"""Read what recorders wrote into `bronze.conversation_events`: every line becomes a row, malformed ones too.

Takes `.jsonl` and `.jsonl.gz`, an event a line. A line that is there already, byte for byte, is not written
again. A folder in which nothing was recorded yet is no error.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.ingest import EVENTS, ingest
from pipelines.lake import Lake
from pipelines.records import LINES
from pipelines.session import spark_session
from pipelines.storage import find_inputs


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to read, and into which lake."""

    inputs: Annotated[tuple[str, ...], "Files, folders, globs or URIs of them."]
    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts every line read: new, known from before, or the same bytes again."""
    found = find_inputs(config.inputs, LINES, allow_none=True).without_empty()
    lake = Lake(spark_session("ingest_conversations", num_bytes=found.num_bytes), config.lake)
    return ingest(lake, found, EVENTS)


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
