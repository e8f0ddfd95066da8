"""Runs one command and measures its whole tree of processes: the JVM and Python workers count too.

* wall seconds: from start to exit, the start of interpreter and JVM included;
* CPU seconds: user and system time. Orphans come to this process and are waited for, so the kernel's own sum
  is complete; where a system has no such thing, the last times that were seen of each process;
* peak: the largest sum of proportional set sizes, sampled. A page that forked workers share counts once.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

import psutil

SAMPLE_SECONDS = 0.2
ORPHAN_SECONDS = 30
RESULT = "RESULT "
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Measured:
    """What one command took, and what it printed as `RESULT {json}`."""

    wall: float
    cpu: float
    peak_mb: float
    result: dict[str, Any] = field(default_factory=dict)


def measured(command: Sequence[str | Path], *, folder: Path) -> Measured:
    """Run `command` in `folder`. Raises RuntimeError with the end of what it said when it fails."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _wait_for_orphans()  # whoever ran before is not counted as this one
    before = _reaped_seconds()
    log = folder / "benchmark.log"
    with log.open("w+", encoding="utf-8", errors="replace") as said:
        started = perf_counter()
        process = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=said, stderr=said)
        watch = _Watch(psutil.Process(process.pid))
        watch.start()
        code = process.wait()
        wall = perf_counter() - started
        watch.stopped.set()
        watch.join()
        _wait_for_orphans()
        said.seek(0)
        text = said.read()
    if code:
        raise RuntimeError(f"{' '.join(map(str, command))} exited {code}:\n{text[-3000:]}")
    cpu = max(_reaped_seconds() - before, sum(watch.seconds.values()))
    results = [json.loads(line.removeprefix(RESULT)) for line in text.splitlines() if line.startswith(RESULT)]
    return Measured(wall, cpu, watch.peak / 2**20, results[-1] if results else {})


class _Watch(threading.Thread):
    """Samples memory and times of a process and of all below it."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.stopped = threading.Event()
        self.peak = 0
        self.seconds: dict[tuple[int, float], float] = {}

    def run(self) -> None:
        while not self.stopped.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(self._sample, self._tree())))

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.Error:
            return []

    def _sample(self, process: psutil.Process) -> int:
        try:
            times = process.cpu_times()
            self.seconds[process.pid, process.create_time()] = times.user + times.system
            memory = process.memory_full_info()
        except (psutil.Error, OSError):
            return 0
        return int(getattr(memory, "pss", memory.rss))


def _reaped_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for_orphans() -> None:
    """A JVM outlives the interpreter that started it by a moment."""
    end = monotonic() + ORPHAN_SECONDS
    with suppress(ChildProcessError):
        while monotonic() < end:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                sleep(0.02)
