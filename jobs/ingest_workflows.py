"""Read files of workflows into `bronze.workflows`: every record becomes a row, malformed ones too.

Takes `.flow` and `.json` (a workflow a file) and `.jsonl` and `.jsonl.gz` (a record a line). A record that is
there already, byte for byte, is not written again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.ingest import WORKFLOWS, ingest
from pipelines.lake import Lake
from pipelines.records import SUFFIXES
from pipelines.session import spark_session
from pipelines.storage import find_inputs


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to read, and into which lake."""

    inputs: Annotated[tuple[str, ...], "Files, folders, globs or URIs of them."]
    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts every record read: new, known from before, or the same bytes again."""
    found = find_inputs(config.inputs, SUFFIXES)
    lake = Lake(spark_session("ingest_workflows", num_bytes=found.num_bytes), config.lake)
    return ingest(lake, found, WORKFLOWS)


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
