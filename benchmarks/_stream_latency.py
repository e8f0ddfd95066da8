"""How long an event takes from its file into silver, while a stream runs and a recorder appends.

An event's latency is from the moment its bytes were flushed to the line that the stream prints once the
batch is in bronze and its conversations are in silver. It holds the wait for the next batch.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from _made_conversations import lines

SIDEWHEEL = Path(sys.executable).with_name("sidewheel")
TICK = 0.1
STARTED_SECONDS = 300
"""For the JVM, the first batch and what it compiles; and for what is left in the end."""
_BATCH = re.compile(r" batch \d+: read=(\d+)")


@dataclass(frozen=True, slots=True)
class Latency:
    """What one run saw."""

    num_events: int
    num_batches: int
    p50: float
    p95: float
    behind: float
    """Seconds from the last event's flush until all were in silver."""


class Stream:
    """The job; when each of its batches was done, and how many events were in silver by then."""

    def __init__(self, events: Path, lake: Path) -> None:
        flags = ("--inputs", events, "--lake", lake, "--stream", "--trigger-seconds", "0")
        self.done: list[tuple[float, int]] = []
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [SIDEWHEEL, "ingest_conversations", *map(str, flags)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        num = 0
        for line in self.process.stdout or ():
            self.said.append(line)
            if found := _BATCH.search(line):
                num += int(found[1])
                self.done.append((monotonic(), num))

    @property
    def num(self) -> int:
        return self.done[-1][1] if self.done else 0

    def until(self, num: int) -> None:
        """Wait until so many events are in silver. Raises RuntimeError where they never are."""
        end = monotonic() + STARTED_SECONDS
        while self.num < num:
            if self.process.poll() is not None or monotonic() > end:
                raise RuntimeError("the stream does not go on:\n" + "".join(self.said[-20:]))
            sleep(TICK / 2)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STARTED_SECONDS)


def latency(folder: Path, rate: float, seconds: float) -> Latency:
    """Append `rate` events a second for so long, behind a first batch that is not counted."""
    told = [f"{line}\n".encode() for line in lines(int(rate * seconds) + 1000)]
    first, rest = told[:1000], told[1000:]
    events, lake = folder / "appended", folder / "lake-latency"
    events.mkdir()
    flushed: list[tuple[float, int]] = []
    with (events / "a.jsonl").open("ab", buffering=0) as file:
        file.write(b"".join(first))
        stream = Stream(events, lake)
        try:
            stream.until(len(first))
            started, num = monotonic(), 0
            while num < len(rest):
                due = min(len(rest), int((monotonic() - started) * rate))
                if due > num:
                    file.write(b"".join(rest[num:due]))
                    flushed.append((monotonic(), len(first) + due))
                    num = due
                sleep(TICK)
            stream.until(len(told))
        finally:
            stream.stop()
    return counted(flushed, stream.done, len(first))


def counted(flushed: Sequence[tuple[float, int]], done: Sequence[tuple[float, int]], before: int) -> Latency:
    """Latency of each event that was appended, from when so many were flushed and when so many were done."""
    totals = [num for _, num in done]
    took: list[float] = []
    for at, num in flushed:
        behind = done[bisect_left(totals, num)][0] - at
        took += [behind] * (num - before)
        before = num
    took.sort()
    num_batches = len(done) - bisect_left(totals, flushed[0][1])
    return Latency(
        num_events=len(took),
        num_batches=num_batches,
        p50=took[len(took) // 2],
        p95=took[int(len(took) * 0.95)],
        behind=done[bisect_left(totals, flushed[-1][1])][0] - flushed[-1][0],
    )
