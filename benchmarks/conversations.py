"""Conversations from their files into silver: growth, batch beside stream, latency, and beside datatrove.

* growth: CPU seconds of each job (with its JVM and Python workers) less those of a run on `FEW` events, each
  event against the smallest size;
* latency: events appended at half of what the stream took beyond its start, from file to silver;
* peer: the same files through datatrove in the same run. It does less (see `_conversations_datatrove.py`);
  both have to name the same conversations, with as many events, and the same ones activated.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds
from _made_conversations import make
from _measured import Measured, measured
from _stream_latency import latency
from curate import datatrove_python

from pipelines.adhoc import query

FEW = 1_000
NUM_FILES = 8
HERE = Path(sys.argv[0]).parent.absolute()
SIDEWHEEL = Path(sys.executable).with_name("sidewheel")


def recorded(folder: Path, num: int) -> tuple[Path, int]:
    """Files of about `num` events, the same each time, and how many there are."""
    events = folder / f"events-{num}"
    if not events.exists():
        make(events, num, NUM_FILES)
    return events, sum(file.read_bytes().count(b"\n") for file in events.iterdir())


def jobs(folder: Path, events: Path, *, stream: bool) -> dict[str, Measured]:
    """Each way into silver, on a fresh lake; a stream takes several times as long as a batch."""
    batch, streamed = folder / "lake-batch", folder / "lake-stream"
    steps = {
        "ingest_conversations": ("ingest_conversations", "--inputs", events, "--lake", batch),
        "build_conversations": ("build_conversations", "--lake", batch),
        "both, as a stream (--once)": (
            *("ingest_conversations", "--inputs", events, "--lake", streamed),
            *("--once", "--batch-bytes", 32 << 20),
        ),
    }
    took = {
        name: measured([SIDEWHEEL, *map(str, command)], folder=folder)
        for name, command in steps.items()
        if stream or streamed not in command
    }
    if stream:
        if rows_of_lake(batch) != rows_of_lake(streamed):
            raise RuntimeError("batch and stream left different conversations")
        shutil.rmtree(streamed)
    return took


def growth(folder: Path, sizes: list[int], stream_most: int) -> Iterator[str]:
    yield (
        f"{'job':28}{'events':>11}{'wall s':>9}{'CPU s':>9}{'fixed':>8}{'peak MB':>9}"
        f"{'events/CPU s':>14}{'beyond fixed':>14}{'growth':>8}"
    )
    fixed = jobs(folder, recorded(folder, FEW)[0], stream=True)
    shutil.rmtree(folder / "lake-batch")
    base: dict[str, float] = {}
    for size in sizes:
        events, num = recorded(folder, size)
        for name, took in jobs(folder, events, stream=size <= stream_most).items():
            each = (took.cpu - fixed[name].cpu) / (num - FEW)
            base.setdefault(name, each)
            yield (
                f"{name:28}{num:11,}{took.wall:9.1f}{took.cpu:9.1f}{fixed[name].cpu:8.1f}{took.peak_mb:9,.0f}"
                f"{num / took.cpu:14,.0f}{1 / each:14,.0f}{each / base[name]:8.2f}"
            )
        if size != sizes[-1]:
            shutil.rmtree(folder / "lake-batch")


def sustained(folder: Path, num: int) -> tuple[float, str]:
    """Events a second of wall time that a stream takes beyond its start."""
    events, num = recorded(folder, num)
    few, num_few = recorded(folder, FEW)
    walls = []
    for files in (few, events):
        lake = folder / "lake-sustained"
        flags = ("--inputs", files, "--lake", lake, "--once", "--batch-bytes", 32 << 20)
        walls.append(measured([SIDEWHEEL, "ingest_conversations", *map(str, flags)], folder=folder).wall)
        shutil.rmtree(lake)
    rate = (num - num_few) / (walls[1] - walls[0])
    cores = len(os.sched_getaffinity(0))
    return rate, f"sustained into silver: {rate:,.0f} events/s on {cores} cores, {rate / cores:,.0f} a core"


def rows_of_lake(lake: Path) -> tuple[int, str]:
    sql = "SELECT conversation_id, num_events, coalesce(activated_at IS NOT NULL, false) AS activated"
    return digest(query(str(lake), f"{sql} FROM silver.conversations").to_pylist())


def digest(rows: list[dict[str, object]]) -> tuple[int, str]:
    """How many rows there are, and a hash that says which."""
    told = sorted((row["conversation_id"], row["num_events"], row["activated"]) for row in rows)
    return len(told), hashlib.sha256(repr(told).encode()).hexdigest()


def peer(folder: Path, num: int) -> Iterator[str]:
    """Beside datatrove: our two batch jobs, whose lake is there already, once more on the same files."""
    python = datatrove_python(folder)
    events, num = recorded(folder, num)
    output, lake = folder / "theirs", folder / "lake-batch"
    shutil.rmtree(lake, ignore_errors=True)
    theirs = measured([python, HERE / "_conversations_datatrove.py", events, output], folder=folder)
    ours = [
        measured([SIDEWHEEL, name, *map(str, flags), "--lake", str(lake)], folder=folder)
        for name, flags in (("ingest_conversations", ("--inputs", events)), ("build_conversations", ()))
    ]
    kept = ds.dataset(output, format="parquet").to_table(["conversation_id", "num_events", "activated"])
    same = "yes" if digest(kept.to_pylist()) == rows_of_lake(lake) else "no"
    yield f"{'engine':28}{'events':>11}{'wall s':>9}{'CPU s':>9}{'events/CPU s':>14}{'x datatrove':>13}"
    took = {"datatrove, two passes": [theirs], "ours, ingest and build": ours}
    for name, runs in took.items():
        cpu, wall = sum(run.cpu for run in runs), sum(run.wall for run in runs)
        yield f"{name:28}{num:11,}{wall:9.1f}{cpu:9.1f}{num / cpu:14,.0f}{cpu / theirs.cpu:13.2f}"
    yield f"same conversations: {same}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Conversations from their files into silver.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 200_000], help="events of each run")
    parser.add_argument(
        "--stream-most", type=int, default=200_000, help="events above which only the batch is run"
    )
    parser.add_argument(
        "--stream-at", type=int, default=100_000, help="events that tell the rate of a stream"
    )
    parser.add_argument(
        "--seconds", type=float, default=120, help="how long events are appended for the latency"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=("growth", "latency", "peer"), default=["growth", "latency", "peer"]
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conversations-") as name:
        folder = Path(name)
        if "growth" in arguments.parts:
            for line in growth(folder, sorted(arguments.sizes), arguments.stream_most):
                print(line, flush=True)
        if "latency" in arguments.parts:
            rate, line = sustained(folder, arguments.stream_at)
            print(f"\n{line}", flush=True)
            took = latency(folder, rate / 2, arguments.seconds)
            print(
                f"latency at half of it, {took.num_events:,} events in {took.num_batches} batches: "
                f"p50 {took.p50:.1f} s, p95 {took.p95:.1f} s; the last after {took.behind:.1f} s"
            )
        if "peer" in arguments.parts:
            print()
            for line in peer(folder, max(arguments.sizes)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
