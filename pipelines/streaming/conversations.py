"""The stream of conversation events, put together: a source, a checkpoint, bronze, and silver behind it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import DataFrame

from pipelines.conversation_events import SchemaContract, events_form, ingest_contracts
from pipelines.conversations import ConversationPolicy, build_changed, settle, time_of
from pipelines.ingest import Counts
from pipelines.lake import Lake, lake_root
from pipelines.storage import find_inputs
from pipelines.streaming.checkpoint import Checkpoint
from pipelines.streaming.files import LinesSource
from pipelines.streaming.kafka import KAFKA_COORDINATES, kafka_rows, topic_of
from pipelines.streaming.micro_batch import Writer, patiently
from pipelines.streaming.query import StreamPolicy, run_stream, stream_session
from pipelines.streaming.watermark import Watermark
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS
from serving.contract_files import CONTRACT_SUFFIX

__all__ = ["Source", "stream_conversations"]


@dataclass(frozen=True, slots=True)
class Source:
    """Folders that recorders append to, or a topic (`HOST:PORT/TOPIC`)."""

    inputs: tuple[str, ...] = ()
    kafka: str | None = None

    def require_one(self, *, streams: bool) -> None:
        """Raise ValueError unless there is exactly one source, of a kind that can be read that way."""
        if bool(self.inputs) == bool(self.kafka):
            raise ValueError("give either --inputs or --kafka.")
        if self.kafka:
            topic_of(self.kafka)
            if not streams:
                raise ValueError("--kafka needs --stream, or --once to take what is there and end.")

    @property
    def packages(self) -> tuple[str, ...]:
        """What Spark needs beside its own jars, as Maven spells it."""
        return (KAFKA_COORDINATES,) if self.kafka else ()

    @property
    def name(self) -> str:
        """What a checkpoint is of."""
        return f"kafka://{self.kafka}" if self.kafka else " ".join(sorted(map(lake_root, self.inputs)))


def stream_conversations(
    lake: Lake, source: Source, policy: StreamPolicy, contract: SchemaContract, silver: ConversationPolicy
) -> Counts:
    """Bring what comes into bronze, each record once, and build the conversations that it touches.

    Raises:
        UsageError, Transient, BrokenLaw: what stopped it; what was committed stays.
    """
    with stream_session(lake.spark) as session:
        return _stream(Lake(session, lake.root), source, policy, contract, silver)


def _stream(
    lake: Lake, source: Source, policy: StreamPolicy, contract: SchemaContract, silver: ConversationPolicy
) -> Counts:
    checkpoint = Checkpoint.of(policy.checkpoint, lake.root, source.name, BRONZE_EVENTS)
    told = _Told(lake, source.inputs)
    follow = _Follower(lake, silver, policy.settle_seconds) if policy.build else None
    watermark = Watermark(timedelta(minutes=policy.watermark_minutes), silver.max_skew)
    writer = Writer(lake, events_form(contract), checkpoint.application, follow, told, watermark)
    counts = run_stream(_rows(lake, source, policy), writer, checkpoint, policy)
    if follow is not None:
        follow.settle()
        counts |= {"settled": follow.num_settled}
    return {**counts, "contracts": told.num_contracts, "malformed_contracts": told.num_malformed}


def _rows(lake: Lake, source: Source, policy: StreamPolicy) -> DataFrame:
    if source.kafka:
        return kafka_rows(lake.spark, *topic_of(source.kafka), policy.batch_messages)
    lake.spark.dataSource.register(LinesSource)
    options = {
        "inputs": json.dumps([lake_root(uri) for uri in source.inputs]),
        "batch_bytes": str(policy.batch_bytes),
    }
    return lake.spark.readStream.format(LinesSource.name()).options(**options).load()


class _Told:
    """Brings the contracts that lie beside the events into bronze, before events that name them."""

    def __init__(self, lake: Lake, inputs: Sequence[str]) -> None:
        self.num_contracts = 0
        self.num_malformed = 0
        self._lake = lake
        self._inputs = inputs
        self._seen: set[tuple[str, int]] = set()

    def __call__(self) -> None:
        found = find_inputs(self._inputs, (CONTRACT_SUFFIX,), allow_none=True).without_empty()
        new = [file for file in found.files if (file.uri, file.num_bytes) not in self._seen]
        counts = ingest_contracts(self._lake, new)
        self._seen.update((file.uri, file.num_bytes) for file in new)
        self.num_contracts += counts["contracts"]
        self.num_malformed += counts["malformed_contracts"]


class _Follower:
    """Brings silver along with bronze: what changed with each batch, what only time changed now and then.

    What time tells of a row lags by no more than `settle_seconds`, and by nothing once the stream has ended.
    """

    def __init__(self, lake: Lake, policy: ConversationPolicy, settle_seconds: float) -> None:
        self.num_settled = 0
        self._lake = lake
        self._policy = policy
        self._settle_seconds = settle_seconds
        self._as_of: datetime | None = None
        self._next = -math.inf

    def __call__(self, changed: DataFrame) -> dict[str, int]:
        if self._as_of is None:
            self._as_of = time_of(self._lake.read(SILVER_CONVERSATIONS), self._policy)
        counts = build_changed(self._lake, changed, self._policy, self._as_of)
        if time.monotonic() >= self._next:
            self.settle()
        return {"built": counts["new"] + counts["changed"]}

    def settle(self) -> None:
        """Bring all that is stored to the lake's time."""
        self._as_of, num_settled = patiently(lambda: settle(self._lake, self._policy), "settling")
        self.num_settled += num_settled
        self._next = time.monotonic() + self._settle_seconds
