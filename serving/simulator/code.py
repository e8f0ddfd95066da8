"""Run code steps: a script's `export default function main(input)` on a value, in a JavaScript engine.

    run_code("export default (input) => ({double: input.n * 2})", {"n": 4}, limits=Limits())   # {"double": 8}

The engine (`engine.py`, quickjs-ng) lives in a child process that is kept for the next script: a built-in
function of the engine that never returns, or a crash of the engine, ends the child and is an error of the
step, never the end of the run. A script gets a fresh context each time: no files, no network, no modules to
import, no clock and no chance. `Date` says the given moment, in UTC; `Math.random` gives the same numbers in
the same order in every run. `console` is there and says nothing to anyone. Flow runs nothing asynchronous:
there is no `Promise`, and an async `main` is an error.

What `main` returns is read as JSON: a key that is undefined is left out; nothing at all, a function, a
BigInt, NaN or a loop of references is an error.

Processor time (`Limits.seconds`, and `code_seconds` for a whole run), memory (`Limits.memory`, plus what a
fresh context needs), the depth of calls and the size of the result (`Limits.text`) are bounded. Time is the
machine's, so a script near the limit may end one way here and another there.

Not here: what `console` said, and Flow's own time limit, which no public source names.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import serving
from serving.simulator.events import Json
from serving.simulator.trace import Limits, SimulationError

__all__ = ["Spend", "remembered_code", "run_code"]

_MOMENT: Final = datetime(2026, 11, 2, tzinfo=UTC)
_MOST_SCRIPT: Final = 200_000
_REMEMBERED: Final = 40_000
"""Characters of the longest script and value that are worth remembering."""
_START_SECONDS: Final = 60.0
"""Of the wall clock, for the child to start on a busy machine."""


Spend: TypeAlias = Callable[[float], None]
"""Told the seconds of processor time that a script took, whatever became of it."""


def _nobody(seconds: float) -> None:
    pass


def run_code(
    script: str, value: Json, *, limits: Limits, now: datetime = _MOMENT, spend: Spend = _nobody
) -> Json:
    """What the script's `main` makes of a value.

    Raises:
        SimulationError: CODE_SYNTAX for no JavaScript, CODE_MAIN without a function as default export,
            CODE_ERROR for what the script throws, with its message and line, CODE_ASYNC for a promise,
            CODE_RESULT for a result that is no JSON or too long, CODE_TIME, CODE_MEMORY and CODE_STACK at
            the limits, CODE_CRASH where the engine itself broke.
    """
    if len(script) > _MOST_SCRIPT:
        said = f"a script of {len(script)} characters, the limit is {_MOST_SCRIPT}"
        raise SimulationError("CODE_SYNTAX", said)
    try:
        given = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SimulationError("CODE_ERROR", f"the input is no JSON: {error}") from None
    request = {
        "script": script,
        "value": given,
        "now": int(now.timestamp() * 1000),
        "seconds": limits.seconds,
        "memory": limits.memory,
        "text": limits.text,
    }
    answer, seconds = _CHILD.ask(json.dumps(request), limits)
    spend(seconds)
    if "code" in answer:
        raise SimulationError(str(answer["code"]), str(answer["message"]))
    try:
        found = json.loads(answer["value"])
        if "\\ud" in answer["value"]:  # half a character can only come from an escape
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise SimulationError("CODE_RESULT", f"the result is no JSON: {error}") from None


def remembered_code(
    script: str, value: Json, *, limits: Limits, now: datetime = _MOMENT, spend: Spend = _nobody
) -> Json:
    """What `run_code` gives, from memory where the same script had the same value at the same moment.

    A workflow that runs on many events asks the same again and again, and a script knows nothing else. What
    is remembered costs what it took, so that a run ends the same way whoever ran before it.
    """
    try:
        given = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return run_code(script, value, limits=limits, now=now, spend=spend)
    if len(script) + len(given) > _REMEMBERED:
        return run_code(script, value, limits=limits, now=now, spend=spend)
    found, seconds = _answer(script, given, limits, now)
    spend(seconds)
    if isinstance(found, SimulationError):
        raise SimulationError(found.code, found.message)
    return json.loads(found)


@functools.lru_cache(maxsize=512)
def _answer(script: str, given: str, limits: Limits, now: datetime) -> tuple[str | SimulationError, float]:
    took: list[float] = []
    try:
        found = run_code(script, json.loads(given), limits=limits, now=now, spend=took.append)
        return json.dumps(found), sum(took)
    except SimulationError as error:
        if error.code == "CODE_CRASH":
            raise  # the engine's fault and not the script's: asked again, it may well answer
        return error, sum(took)


class _Ended(Exception):
    """The child is gone, or says nothing."""


class _Child:
    """The engine's process, started when it is needed; one script at a time."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew in a process that was forked: the child is its parent's."""
        self.lock = threading.Lock()
        self.others = self.process  # kept, so that nothing of it is closed or waited for
        self.process = None
        self.rest = b""

    def ask(self, request: str, limits: Limits) -> tuple[dict[str, Any], float]:
        """The child's answer to one request, and the seconds that it took; a child that ended while it was
        idle is replaced.
        """
        with self.lock:
            process = self.started()
            most = 8 * limits.text + 100_000
            try:
                assert process.stdin is not None
                process.stdin.write(request.encode("utf-8") + b"\n")
                process.stdin.flush()
                seconds, _, text = self.line(process, 10 + 20 * limits.seconds, most).partition(b" ")
                found = json.loads(text)
                return (found if isinstance(found, dict) else {"value": None}), float(seconds)
            except (_Ended, OSError, ValueError):
                ended = self.stop()
                if ended in (-signal.SIGPROF, 0):  # its own timer, or us because it said nothing
                    said = f"the script did not end in {limits.seconds:g} seconds"
                    return {"code": "CODE_TIME", "message": said}, limits.seconds
                said = f"the engine ended with {ended}"
                return {"code": "CODE_CRASH", "message": said}, limits.seconds

    def started(self) -> subprocess.Popen[bytes]:
        """The process, ready for a request."""
        for _ in range(3):
            if self.process is None:
                self.start()
            assert self.process is not None
            try:
                if self.line(self.process, _START_SECONDS, 100) == b"ready":
                    return self.process
            except (_Ended, OSError):
                pass
            self.stop()
        raise SimulationError("CODE_CRASH", "the JavaScript engine does not start")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "serving.simulator.engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": _paths(), "PYTHONUTF8": "1", "TZ": "UTC", "PATH": os.defpath},
        )
        self.rest = b""

    def line(self, process: subprocess.Popen[bytes], seconds: float, most: int) -> bytes:
        """The next line that the child writes."""
        assert process.stdout is not None
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.rest:
                left = until - time.monotonic()
                if left <= 0 or len(self.rest) > most or not waiting.select(left):
                    raise _Ended
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part:
                    raise _Ended
                self.rest += part
        found, _, self.rest = self.rest.partition(b"\n")
        return found

    def stop(self) -> int:
        """End the child; minus the signal that had ended it before, 0 where it was us."""
        process, self.process, self.rest = self.process, None, b""
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            return process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return 0


def _paths() -> str:
    """Where the child finds modules: where we do, but never in the current folder for being the current one.

    Whoever runs a workflow in a folder of foreign files must not run a `json.py` that lies there.
    """
    home = str(Path(serving.__file__ or "").parent.parent)  # where we ourselves may come from ""
    return os.pathsep.join([*(path for path in sys.path if path), home])


_CHILD: Final = _Child()
atexit.register(_CHILD.stop)
os.register_at_fork(after_in_child=_CHILD.forget)
