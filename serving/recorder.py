"""Records conversations: append-only files of JSON lines, one a process and day.

    recorder = Recorder(Path("events"), model="sidewheel-1f2e")
    recording = recorder.begin("shop-7")
    recording.append("message", {"role": "user", "content": "Tag big orders"})

An event is one `write` of a whole line to a file that no other process writes, so a crash leaves at most one
cut line, the last of its file; after a write that fails, the next event opens another file. What is recorded
is what `append` is given: headers, keys and addresses of callers never come here. Not here yet: going on with
a conversation that another process began, and removing old files.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from schemas.conversation import Event, Kind, write_event
from schemas.errors import Transient, UsageError
from schemas.tools import CONTRACT, Contract, canonical_json
from serving.contract_files import keep_contract

__all__ = ["CHALLENGER", "CHAMPION", "Recorder", "Recording"]

CHAMPION: Final = "champion"
"""The arm of a conversation outside every experiment."""
CHALLENGER: Final = "challenger"
"""The arm that gets the model on trial."""


class Recorder:
    """Where this process writes its events. Safe for threads; a forked child gets a file of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str,
        contract: Contract = CONTRACT,
        arm: str = CHAMPION,
        durable: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """`durable` waits for the disk after every event; `new_id` names the conversations.

        Raises:
            UsageError: where the folder cannot be made or written.
        """
        self._folder = folder
        self._model = model
        self._contract = contract.fingerprint()
        self._arm = arm
        self._durable = durable
        self._clock = clock
        self._new_id = new_id
        self._lock = threading.Lock()
        self._opened: tuple[str, int] | None = None
        self._descriptor = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot record in {folder}: {(error.strerror or str(error)).lower()}."
            ) from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"cannot record in {folder}: permission denied.")
        keep_contract(folder, contract)

    def begin(self, shop_id: str) -> Recording:
        """A new conversation of a shop, without an event so far."""
        return Recording(self, self._new_id(), shop_id)

    def close(self) -> None:
        with self._lock:
            self._leave()

    def _write(self, conversation_id: str, shop_id: str, sequence: int, kind: Kind, payload: str) -> Event:
        """Write one event; it is in the file, whole, when this returns."""
        with self._lock:
            event = Event(
                event_id=f"{conversation_id}-{sequence}",
                conversation_id=conversation_id,
                shop_id=shop_id,
                sequence=sequence,
                time=self._clock(),
                kind=kind,
                payload=payload,
                model=self._model,
                contract=self._contract,
                arm=self._arm,
            )
            line = write_event(event)
            try:
                descriptor = self._file(f"{event.time.astimezone(UTC):%Y-%m-%d}")
                num_written = os.write(descriptor, line)
                if num_written != len(line):
                    raise OSError(f"{num_written} of {len(line)} bytes written")
                if self._durable:
                    os.fsync(descriptor)
            except OSError as error:
                self._leave()
                said = (error.strerror or str(error)).lower()
                raise Transient(f"Cannot record in {self._folder}: {said}.") from error
            return event

    def _file(self, day: str) -> int:
        """The open file of this process and day; its name is new, so nobody else appends to it."""
        if self._opened != (day, os.getpid()):
            if self._opened is None or self._opened[1] == os.getpid():
                self._leave()
            name = f"events-{day}-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._folder / name, flags, 0o644)
            self._opened = (day, os.getpid())
        return self._descriptor

    def _leave(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._opened = None


class Recording:
    """One conversation on its way into the file. Its events count from 0 without a gap."""

    def __init__(self, recorder: Recorder, conversation_id: str, shop_id: str) -> None:
        self.conversation_id = conversation_id
        self.shop_id = shop_id
        self._recorder = recorder
        self._lock = threading.Lock()
        self._next = 0
        self._proposed: set[tuple[str, int]] = set()

    @property
    def proposed(self) -> frozenset[tuple[str, int]]:
        """(workflow id, version) of everything that was proposed in it."""
        with self._lock:
            return frozenset(self._proposed)

    def append(self, kind: Kind, payload: Mapping[str, Any]) -> Event:
        """Record what happened next.

        Raises:
            BadRecord: for a payload that is not one of this kind; nothing is written.
            Transient: where the disk does not take it; the same event may be tried again.
        """
        text = canonical_json(dict(payload))
        with self._lock:
            event = self._recorder._write(self.conversation_id, self.shop_id, self._next, kind, text)
            self._next += 1
            if kind == "workflow_proposed":
                self._proposed.add((payload["workflow_id"], payload["workflow_version"]))
            return event
