"""Where events go: files of JSON lines that only this process writes, or a topic of Kafka (`kafka_sink.py`).

    sink = FileSink(Path("events"), durable=True)
    sink.write("conversation-1", moment, line)     # it is there, whole, when this returns

An event is one `write` of a whole line. A file is left for a new one when the day changes, when it would
grow beyond `max_bytes`, and after a write that failed; a line that came only in part is cut off again, so
that even a full disk leaves whole lines. A crash leaves at most one cut line, the last of its file. A file
is locked while it is written, so that `erase`, which replaces files, leaves it alone. Not here yet: removing
old files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from schemas.errors import Transient, UsageError

__all__ = ["MAX_FILE_BYTES", "FileSink", "Sink"]

MAX_FILE_BYTES: Final = 64 << 20
"""How large a file of events grows; a single event may be larger and has a file of its own."""


class Sink(Protocol):
    """Takes events for good. Safe for threads."""

    def write(self, conversation_id: str, moment: datetime, line: bytes) -> None:
        """Take one line; it is taken when this returns.

        Raises:
            Transient: where it was not, as far as anybody can tell; the same bytes may be written again.
        """

    def close(self) -> None:
        """Let go of files and connections."""


class FileSink:
    """A folder of events, a file for each process, day and `max_bytes`. A forked child opens its own."""

    def __init__(self, folder: Path, *, durable: bool = False, max_bytes: int = MAX_FILE_BYTES) -> None:
        """`durable` waits for the disk after every event.

        Raises:
            UsageError: where the folder cannot be made or written.
        """
        self.folder = folder
        self._durable = durable
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._day = ""
        self._descriptor = -1
        self._size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot record in {folder}: {_said(error)}.") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"cannot record in {folder}: permission denied.")

    def write(self, conversation_id: str, moment: datetime, line: bytes) -> None:
        if self._pid != os.getpid():
            # The parent's lock may be held by a thread that this process does not have.
            self._lock, self._pid, self._descriptor = threading.Lock(), os.getpid(), -1
        with self._lock:
            try:
                self._open(f"{moment.astimezone(UTC):%Y-%m-%d}", len(line))
                num_written = os.write(self._descriptor, line)
                if num_written != len(line):
                    raise OSError(f"{num_written} of {len(line)} bytes written")
                if self._durable:
                    os.fsync(self._descriptor)
            except OSError as error:
                self._cut_off()
                self._leave()
                raise Transient(f"Cannot record in {self.folder}: {_said(error)}.") from error
            self._size += len(line)

    def close(self) -> None:
        with self._lock:
            self._leave()

    def _open(self, day: str, num_bytes: int) -> None:
        """Have a file for this day with room for the line; its name is new, so nobody else appends to it."""
        full = self._size > 0 and self._size + num_bytes > self._max_bytes
        if self._descriptor >= 0 and self._day == day and not full:
            return
        self._leave()
        name = f"events-{day}-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.folder / name, flags, 0o644)
        with contextlib.suppress(OSError):  # a file system without locks records all the same
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._day, self._size = day, 0
        if self._durable:
            # A file that is synced and whose name is not is lost with the machine.
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _cut_off(self) -> None:
        """Take back what a failed write left; where even that fails, the file ends in a cut line."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)

    def _leave(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._descriptor, self._size = -1, 0


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
