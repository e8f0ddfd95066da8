"""Read files of workflows into `bronze.workflows`: every record becomes a row, malformed ones too.

Takes `.flow` and `.json` (a workflow a file) and `.jsonl` and `.jsonl.gz` (a record a line). A record that is
there already, byte for byte, is not written again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines import ingest
from pipelines.lake import Lake
from pipelines.records import SUFFIXES, plan_splits
from pipelines.session import spark_session
from pipelines.storage import find_inputs
from schemas.errors import BrokenLaw
from schemas.tables import BRONZE_WORKFLOWS


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to read, and into which lake."""

    inputs: Annotated[tuple[str, ...], "Files, folders, globs or URIs of them."]
    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts every record read: new, known from before, or the same bytes again."""
    found = find_inputs(config.inputs, SUFFIXES)
    tasks = plan_splits(found.files)
    lake = Lake(spark_session("ingest_workflows", num_bytes=found.num_bytes), config.lake)
    identified = ingest.identify_records(lake.spark, tasks).persist()
    num_read, num_distinct = ingest.count_records(identified)
    new = ingest.new_records(identified, lake.read(BRONZE_WORKFLOWS)).persist()
    num_new = new.count()
    if num_new:
        rows = ingest.bronze_rows(new, tasks, ingest.first_lines(identified, tasks))
        written = lake.merge(rows, BRONZE_WORKFLOWS, insert_only=True, distinct=True)
        if written.num_inserted != num_new:
            raise BrokenLaw(f"conservation: {num_new} records are new, {written.num_inserted} were written")
    return {
        "files": len(found.files),
        "skipped_files": found.num_skipped,
        "read": num_read,
        "new": num_new,
        "known": num_distinct - num_new,
        "repeated": num_read - num_distinct,
        "malformed": ingest.malformed_records(identified, lake.read(BRONZE_WORKFLOWS)).count(),
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
