"""Read what recorders wrote into `bronze.conversation_events`: every line becomes a row, malformed ones too.

Takes `.jsonl` and `.jsonl.gz`, an event a line, and `.contract.json`, what was told to the model, which goes
into `bronze.contracts`. A line or file that is there already, byte for byte, is not written again. A folder
in which nothing was recorded yet is no error.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.ingest import EVENTS, ingest, ingest_contracts
from pipelines.lake import Lake
from pipelines.records import LINES
from pipelines.session import spark_session
from pipelines.storage import Inputs, find_inputs
from serving.contract_files import CONTRACT_SUFFIX


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to read, and into which lake."""

    inputs: Annotated[tuple[str, ...], "Files, folders, globs or URIs of them."]
    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts every line read: new, known from before, or the same bytes again; and the contracts."""
    found = find_inputs(config.inputs, (*LINES, CONTRACT_SUFFIX), allow_none=True).without_empty()
    told = [file for file in found.files if file.uri.endswith(CONTRACT_SUFFIX)]
    events = [file for file in found.files if file not in told]
    lake = Lake(spark_session("ingest_conversations", num_bytes=found.num_bytes), config.lake)
    # What events name is there before them: a job that is killed between the two leaves nothing unexplained.
    contracts = ingest_contracts(lake, told)
    return {**ingest(lake, Inputs(events, found.num_skipped), EVENTS), **contracts}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
