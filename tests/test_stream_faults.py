"""A stream that is killed at any moment leaves each event once, in the tables of one that was never killed.

Prints its figures (`pytest -m faults -s`). The control writes as `foreachBatch` does
without any of our care, under the same kills, and has to have duplicates: else the kills prove nothing.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from pipelines.adhoc import query
from tests.kafka_broker import Broker, restarted_broker, running_broker
from tests.pipelines.event_lines import UNREADABLE, conversations, event_line

pytestmark = pytest.mark.faults

SEED = 20_261_130
NUM_KILLS = 20
NUM_CONVERSATIONS = 400
SECONDS_TO_RUN = 600
POLL_SECONDS = 0.01

CONTROL = """
import sys, time
from pipelines.lake import Lake, Merged
from pipelines.session import spark_session
from pipelines.streaming import conversations, micro_batch

class Careless(micro_batch.Writer):
    def _merge(self, rows, within, txn):
        self.lake.append(rows, self.form.table)
        return Merged(num_inserted=0, num_updated=0)

class Linger(conversations._Follower):
    def __call__(self, changed):
        time.sleep(1.5)
        return {}

writer = {"careless": Careless, "ours": micro_batch.Writer}[sys.argv[1]]
conversations.Writer = writer
conversations._Follower = Linger
from jobs.ingest_conversations import main
sys.exit(main(sys.argv[2:]))
"""
"""The job with a writer of the test's own, and a pause between the table's commit and Spark's."""


class Stream:
    """The job in a process group of its own; its lines are read as they come."""

    def __init__(self, *flags: str, program: tuple[str, ...] = ("-m", "jobs.ingest_conversations")) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, *program, *flags],
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(output)

    @property
    def batches(self) -> list[dict[str, int]]:
        """The counts of each batch that was finished."""
        found = [line for line in list(self.lines) if re.search(r" batch \d+: read=", line)]
        return [{k: int(v) for k, v in re.findall(r"(\w+)=(\d+)(?!\.)\b", line)} for line in found]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def until(self, true: Callable[[], bool]) -> bool:
        """Wait until it is `true`; False where the job ended before."""
        end = time.monotonic() + SECONDS_TO_RUN
        while self.running and time.monotonic() < end:
            if true():
                return True
            time.sleep(POLL_SECONDS)
        assert not self.running, "it takes for ever:\n" + "".join(self.lines[-20:])
        return False

    def kill(self) -> bool:
        """SIGKILL to all of it; whether it still ran."""
        ran = self.running
        if ran:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)
        self._reading.join(60)
        return ran

    def finish(self) -> str:
        """Wait for its end; gives its closing line."""
        code = self.process.wait(SECONDS_TO_RUN)
        self._reading.join(10)
        assert code == 0, "".join(self.lines[-40:])
        return next(line for line in reversed(self.lines) if line.startswith("ingest_conversations "))


@contextmanager
def streaming(*flags: str) -> Iterator[Stream]:
    """A stream that is gone when the block ends."""
    stream = Stream("--stream", *flags)
    try:
        yield stream
    finally:
        stream.kill()


def versions(lake: Path, table: str) -> int:
    """How many commits a table has."""
    return len(list((lake / table / "_delta_log").glob("*.json")))


def table_hash(lake: Path, table: str) -> str:
    rows = sorted(repr(row) for row in query(str(lake), f"FROM {table}").to_pylist())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def events(lake: Path) -> tuple[int, int]:
    """Rows of bronze, and how many distinct records they are."""
    counted = (
        "SELECT count(*) AS num, count(DISTINCT record_id) AS distinct_num FROM bronze.conversation_events"
    )
    (row,) = query(str(lake), counted).to_pylist()
    return row["num"], row["distinct_num"]


def unnoted_batches(lake: Path) -> set[str]:
    """Batches that Spark has begun and not noted as done."""
    (checkpoint,) = (lake / "ops/checkpoints").iterdir()
    noted = {path.name for path in (checkpoint / "commits").glob("[0-9]*")}
    return {path.name for path in (checkpoint / "offsets").glob("[0-9]*")} - noted


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines out of order, some twice, some malformed, in four files."""
    draw = random.Random(SEED)
    every = [*conversations(range(NUM_CONVERSATIONS)), *UNREADABLE]
    every += draw.sample(every, 100)
    draw.shuffle(every)
    folder = tmp_path_factory.mktemp("recorded")
    for number in range(4):
        (folder / f"{number}.jsonl").write_bytes(b"".join(every[number::4]))
    return folder


def flags(recorded: Path, lake: Path, *more: str) -> tuple[str, ...]:
    return ("--inputs", str(recorded), "--lake", str(lake), *more)


def test_twenty_kills_leave_each_event_once(recorded: Path, tmp_path: Path) -> None:
    whole, lake = tmp_path / "whole", tmp_path / "lake"
    Stream(*flags(recorded, whole, "--once")).finish()
    num_bytes = sum(path.stat().st_size for path in recorded.iterdir())
    once = flags(recorded, lake, "--once", "--batch-bytes", str(num_bytes // (2 * NUM_KILLS)))
    draw = random.Random(SEED)
    kills: list[str] = []
    num_between = num_ended = 0
    started = time.monotonic()
    while len(kills) < NUM_KILLS and not num_ended:
        kind = draw.choice(["bronze", "bronze", "silver", "seconds", "start"])
        stream = Stream(*once)
        table = {"bronze": "bronze/conversation_events", "silver": "silver/conversations"}.get(kind)
        if table is not None:
            there = versions(lake, table)
            alive = stream.until(lambda: versions(lake, table) > there)  # noqa: B023
        else:
            batches = 0 if kind == "start" else 1
            alive = stream.until(lambda: len(stream.batches) >= batches)  # noqa: B023
            time.sleep(draw.uniform(0, 12 if kind == "start" else 4))
        num_ended += not (alive and stream.kill())
        kills.append(kind)
        num_between += kind == "bronze" and bool(unnoted_batches(lake))
        if len(kills) == NUM_KILLS // 2:
            shutil.rmtree(lake / "ops/checkpoints")
            kills[-1] += ", checkpoint lost"
    line = Stream(*flags(recorded, lake, "--once")).finish()
    num, num_distinct = events(lake)
    print(  # noqa: T201
        f"\n{len(kills)} kills ({', '.join(kills)}), {num_between} of them between the table's commit and"
        f" Spark's; {num} rows, {num_distinct} distinct; {time.monotonic() - started:.0f} s\n{line}"
    )
    assert num_ended == 0, "the stream was drained before all kills: give it more"
    assert num_between >= 3
    assert num == num_distinct == 2 * NUM_CONVERSATIONS + len(UNREADABLE)
    assert without_place(lake) == without_place(whole)
    assert table_hash(lake, "silver.conversations") == table_hash(whole, "silver.conversations")


def without_place(lake: Path) -> str:
    """Bronze but for where a record was first: of equal lines, the batch decides which came first."""
    columns = "* EXCLUDE (source_file, source_offset, source_line, problem)"
    rows = query(str(lake), f"SELECT {columns} FROM bronze.conversation_events").to_pylist()
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()


@pytest.mark.parametrize(("writer", "duplicates"), [("careless", True), ("ours", False)])
def test_the_control_without_care_has_duplicates(
    writer: str, duplicates: bool, recorded: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    program = ("-c", CONTROL, writer)
    once = flags(recorded, lake, "--once", "--batch-bytes", "60000")
    for _ in range(2):
        there = versions(lake, "bronze/conversation_events")
        # The first commit makes the table.
        stream = Stream(*once, program=program)
        assert stream.until(lambda: versions(lake, "bronze/conversation_events") > max(there, 1))  # noqa: B023
        assert stream.kill()
        assert unnoted_batches(lake)
    Stream(*once, program=program).finish()
    num, num_distinct = events(lake)
    print(f"\n{writer}: 2 kills between the commits; {num} rows, {num_distinct} distinct")  # noqa: T201
    known = query(str(lake), "SELECT count(DISTINCT event_id) AS num FROM bronze.conversation_events")
    assert known.to_pylist()[0]["num"] == 2 * NUM_CONVERSATIONS
    # Without the merge by key, equal lines of several batches are there twice too: count what a replay did.
    assert (num > num_distinct + 100) is duplicates


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_ends_when_it_is_asked_to(asked: signal.Signals, tmp_path: Path) -> None:
    folder, lake = tmp_path / "events", tmp_path / "lake"
    folder.mkdir()
    path = folder / "a.jsonl"
    path.write_bytes(b"".join(conversations(range(5))))
    with streaming(*flags(folder, lake, "--trigger-seconds", "0.5")) as stream:
        assert stream.until(lambda: len(stream.batches) == 1)
        with path.open("ab") as file:
            file.write(event_line(9, 0))
        assert stream.until(lambda: len(stream.batches) == 2)
        stream.process.send_signal(asked)
        line = stream.finish()
    assert " batches=2 read=11 new=11 " in line
    assert not unnoted_batches(lake)


def test_a_broker_that_is_killed_and_comes_back_is_waited_for(tmp_path: Path) -> None:
    lake, folder = tmp_path / "lake", tmp_path / "kafka"
    folder.mkdir()
    every = conversations(range(200))
    with running_broker(folder) as broker:
        broker.create_topic("events")
        send(broker, every[:200])
        source = ("--kafka", f"{broker.address}/events", "--lake", str(lake), "--no-build")
        with streaming(*source, "--trigger-seconds", "0.5") as stream:
            assert stream.until(lambda: sum(batch["read"] for batch in stream.batches) == 200)
            os.kill(broker.pid, signal.SIGKILL)
            time.sleep(8)
            started = time.monotonic()
            with restarted_broker(folder, broker):
                send(broker, every[150:])
                assert stream.until(lambda: sum(batch["read"] for batch in stream.batches) == 450)
                seconds = time.monotonic() - started
                print(f"\nbroker killed for 8 s; all is read {seconds:.1f} s after its start")  # noqa: T201
                stream.process.terminate()
                stream.finish()
    assert events(lake) == (400, 400)


def send(broker: Broker, lines: list[bytes]) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.address})
    for line in lines:
        producer.produce("events", line.rstrip(b"\n"))
    assert producer.flush(60) == 0


def test_clocks_that_are_hours_apart_and_events_that_come_in_any_order_end_in_the_same_rows(
    tmp_path: Path,
) -> None:
    """Each conversation is of one producer, whose clock is up to 6 hours off."""
    draw = random.Random(SEED)
    folder = tmp_path / "events"
    folder.mkdir()
    every = [
        event_line(number, place, skew=timedelta(hours=6 * (number % 3 - 1)))
        for number in range(60)
        for place in (0, 1)
    ]
    ordered, shuffled = tmp_path / "ordered", tmp_path / "shuffled"
    (folder / "a.jsonl").write_bytes(b"".join(every))
    Stream(*flags(folder, ordered, "--once")).finish()
    draw.shuffle(every)
    (folder / "a.jsonl").write_bytes(b"".join(every))
    line = Stream(*flags(folder, shuffled, "--once", "--batch-bytes", "15000")).finish()
    assert int(line.partition(" batches=")[2].partition(" ")[0]) > 2
    assert table_hash(ordered, "silver.conversations") == table_hash(shuffled, "silver.conversations")


def test_poison_and_floods_take_bounded_memory(tmp_path: Path) -> None:
    folder, lake = tmp_path / "events", tmp_path / "lake"
    folder.mkdir()
    with (folder / "huge.jsonl").open("wb") as file:
        file.write(event_line(1, 0) + b'{"content":"' + b"x" * (50 << 20) + b'"}\n' + event_line(1, 1))
    copy = event_line(2, 0)
    with (folder / "flood.jsonl").open("wb") as file:
        for _ in range(1000):
            file.write(copy * 1000)
        file.write(event_line(2, 1) + b"".join(UNREADABLE))
    started = time.monotonic()
    stream = Stream(*flags(folder, lake, "--once", "--no-build"))
    peak: dict[str, int] = {}

    def look() -> bool:
        for name, size in resident(stream.process.pid):
            peak[name] = max(peak.get(name, 0), size)
        return False

    stream.until(look)
    line = stream.finish()
    print(f"\n{line}{time.monotonic() - started:.0f} s; peak MiB of one process: {peak}")  # noqa: T201
    assert events(lake) == (5 + len(UNREADABLE), 5 + len(UNREADABLE))
    assert f" read={1_000_000 + 4 + len(UNREADABLE)} " in line
    (row,) = query(
        str(lake),
        "SELECT num_bytes, raw, source_line FROM bronze.conversation_events WHERE num_bytes > 1000000",
    ).to_pylist()
    assert (row["raw"], row["source_line"], row["num_bytes"]) == (None, 2, (50 << 20) + 14)
    assert max(size for name, size in peak.items() if name.startswith("python")) < 600


def resident(group: int) -> Iterator[tuple[str, int]]:
    """Program and resident MiB of each process of a group."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            name = (folder / "comm").read_text().strip()
        except OSError:
            continue
        if int(fields[2]) == group:
            yield name, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") >> 20
