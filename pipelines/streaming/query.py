"""Run a stream of conversation events: until it is drained, or until somebody stops it.

SIGTERM and SIGINT end it behind the batch in progress; a second SIGINT ends it at once, which costs nothing
but that batch's work: it is done again by the next run.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.conversation_events import named_fields
from pipelines.ingest import Counts
from pipelines.session import INTERPRETED
from pipelines.streaming.checkpoint import Checkpoint
from pipelines.streaming.micro_batch import Batch, Writer
from schemas.errors import BrokenLaw, SidewheelError, Transient, UsageError, carried_by

__all__ = ["StreamPolicy", "run_stream", "stream_session"]

_LOOK_SECONDS: Final = 1
_SETTLE_SECONDS: Final = 10.0
_STOPPED: Final = "stopped before this batch"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StreamPolicy:
    """Whether to stream, and how."""

    stream: Annotated[bool, "Go on until stopped, and build conversations from what comes."] = False
    once: Annotated[bool, "Take what came since the last time as a stream does, and end."] = False
    build: Annotated[bool, "With --stream or --once: build conversations too."] = True
    checkpoint: Annotated[str | None, "Where a stream keeps its place; by default below the lake."] = None
    trigger_seconds: Annotated[float, "With --stream: how often to look for more, in seconds."] = 5.0
    settle_seconds: Annotated[
        float, "With --stream: at most so often see who has stopped talking and whose window is over."
    ] = 60.0
    watermark_minutes: Annotated[
        float, "With --stream or --once: an event this much behind the newest is counted as late."
    ] = 60.0
    batch_bytes: Annotated[int, "With --stream: about how many bytes of files one batch takes."] = 64 << 20
    batch_messages: Annotated[int, "With --stream: at most how many messages of Kafka one batch takes."] = (
        100_000
    )

    @property
    def streams(self) -> bool:
        """Whether it is a stream at all."""
        return self.stream or self.once

    def require_sane(self) -> None:
        """Raise ValueError for settings that no stream can have."""
        if not 0 <= self.trigger_seconds <= 86_400:
            raise ValueError("--trigger-seconds must be from 0 to 86400.")
        if not 0 <= self.settle_seconds <= 86_400:
            raise ValueError("--settle-seconds must be from 0 to 86400.")
        if not 0 <= self.watermark_minutes <= 525_600:
            raise ValueError("--watermark-minutes must be from 0 to 525600.")
        if self.batch_bytes < 1 or self.batch_messages < 1:
            raise ValueError("--batch-bytes and --batch-messages must be at least 1.")


@contextlib.contextmanager
def stream_session(spark: SparkSession) -> Iterator[SparkSession]:
    """A session of its own in the same JVM: what a stream sets there, nobody else sees.

    It is the active one while the block runs: Spark looks there whether the name of a Python source is taken,
    and PySpark makes the session that last created a DataFrame the active one for good.
    """
    before = SparkSession.getActiveSession() or spark
    session = spark.newSession()
    settings = {
        # A batch is bounded in bytes; so is what a Python worker is given of it at once.
        "spark.sql.execution.arrow.maxBytesPerBatch": str(16 << 20),
        "spark.sql.shuffle.partitions": str(spark.sparkContext.defaultParallelism),
        # Python takes most of a batch, and plans take the rest.
        **INTERPRETED,
        "spark.sql.streaming.minBatchesToRetain": "20",
    }
    for name, value in settings.items():
        session.conf.set(name, value)
    _activate(session)
    try:
        yield session
    finally:
        _activate(before)


def _activate(session: SparkSession) -> None:
    SparkSession._activeSession = session
    SparkSession._get_j_spark_session_class(session._jvm).setActiveSession(session._jsparkSession)


def run_stream(rows: DataFrame, writer: Writer, checkpoint: Checkpoint, policy: StreamPolicy) -> Counts:
    """Commit batch after batch. Counts every record read: new, known from before, or the same bytes again.

    Raises:
        BrokenLaw, Transient, UsageError: what stopped it; what was committed stays.
    """
    run = _Run(writer)
    stream = rows.writeStream.foreachBatch(run.batch).option("checkpointLocation", checkpoint.uri)
    trigger: dict[str, Any] = (
        {"availableNow": True}
        if policy.once
        else {"processingTime": f"{round(policy.trigger_seconds * 1000)} milliseconds"}
    )
    with _asked_to_stop(run.stop):
        query = stream.trigger(**trigger).start()
        try:
            _wait(query, run)
        finally:
            query.stop()
    totals = writer.totals
    named = {"unknown_fields": named_fields(totals.fields)} if totals.fields else {}
    counts = {name: totals.counts[name] for name in Batch.__slots__}
    others = {name: num for name, num in totals.counts.items() if name not in counts}
    return {"batches": totals.num_batches, **counts, **named, **others}


class _Run:
    """What the thread of the batches and the one that waits tell each other."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.failure: Exception | None = None
        self.stopping = threading.Event()
        self.working = threading.Lock()

    def stop(self) -> None:
        self.stopping.set()

    def batch(self, rows: DataFrame, number: int) -> None:
        with self.working:
            if self.stopping.is_set():
                raise Transient(_STOPPED)
            try:
                self.writer(rows, number)
            except Exception as error:
                self.failure = error
                raise


def _wait(query: StreamingQuery, run: _Run) -> None:
    try:
        while not query.awaitTermination(_LOOK_SECONDS):
            if run.stopping.is_set():
                with run.working:
                    pass
                _let_it_note(query)
                return
    except PySparkException as error:
        if run.stopping.is_set() and run.failure is None:
            return
        raise _ours(run.failure or error) from error


def _let_it_note(query: StreamingQuery) -> None:
    """Wait until Spark has noted the batch that was just written; otherwise it would be done again."""
    until = time.monotonic() + _SETTLE_SECONDS
    while query.isActive and query.status["isTriggerActive"] and time.monotonic() < until:
        time.sleep(0.05)


def _ours(error: Exception) -> Exception:
    """The same error in our words, where we have any."""
    if isinstance(error, SidewheelError):
        return error
    if (found := carried_by(error)) is not None:
        return found
    text = str(error)
    if "UnknownTopicOrPartitionException" in text:
        return UsageError("the broker has no such topic; --kafka is HOST:PORT/TOPIC.")
    if "data may have been lost" in text or "KafkaIllegalStateException" in text:
        return BrokenLaw("messages that were not read yet are gone from Kafka: its retention is too short")
    if "org.apache.kafka" in text:
        return Transient("Kafka does not answer")
    return error


@contextlib.contextmanager
def _asked_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """While the block runs, SIGTERM and the first SIGINT call `stop`; only the main thread may ask for it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, _: object) -> None:
        stop()
        logger.info("asked to stop: the batch in progress is finished first")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        for asked in (signal.SIGINT, signal.SIGTERM):
            before[asked] = signal.signal(asked, ask)
        yield
    finally:
        for asked, handler in before.items():
            signal.signal(asked, handler)
