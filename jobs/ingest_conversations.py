"""Read what recorders wrote into `bronze.conversation_events`: every line becomes a row, malformed ones too.

Takes `.jsonl`, `.jsonl.gz` and `.jsonl.zst`, an event a line, and `.contract.json`, what was told to the
model, which goes into `bronze.contracts`. What is there already, byte for byte, is not written again.

With `--stream` it goes on as recorders write, from folders or a topic of Kafka, and builds conversations;
with `--once` it takes what came since the last time and ends. Killed at any moment, the same command goes
on, and each event is there once.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.conversation_events import SchemaContract, ingest_events, recorded
from pipelines.conversations import ConversationPolicy
from pipelines.lake import Lake
from pipelines.session import SMALL_BYTES, spark_session
from pipelines.streaming.conversations import Source, stream_conversations
from pipelines.streaming.query import StreamPolicy


@dataclass(frozen=True, kw_only=True)
class Config(ConversationPolicy, StreamPolicy):
    """What to read, how, and into which lake."""

    lake: Annotated[str, "Folder or URI of the lake."]
    inputs: Annotated[tuple[str, ...], "Files, folders, globs or URIs of them."] = ()
    kafka: Annotated[str | None, "HOST:PORT/TOPIC to stream from, in place of --inputs."] = None
    schema_contract: Annotated[SchemaContract, "What becomes of fields that nobody knows."] = "evolve"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_sane()
        self.source.require_one(streams=self.streams)

    @property
    def source(self) -> Source:
        return Source(self.inputs, self.kafka)


def run(config: Config) -> Summary:
    """Counts every record read: new, known from before, or the same bytes again; and the contracts."""
    if config.streams:
        num_bytes = 0 if config.once else SMALL_BYTES  # what runs long is compiled well
        spark = spark_session("ingest_conversations", num_bytes=num_bytes, packages=config.source.packages)
        lake = Lake(spark, config.lake)
        return stream_conversations(lake, config.source, config, config.schema_contract, config)
    found = recorded(config.inputs)
    lake = Lake(spark_session("ingest_conversations", num_bytes=found.num_bytes), config.lake)
    return ingest_events(lake, found, config.schema_contract)


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
