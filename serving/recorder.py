"""Records conversations: numbers what happened, and does not go on before the sink has it.

    recorder = Recorder(Path("events"), model="sidewheel-1f2e")      # or any `Sink`
    recording = recorder.begin("shop-7")
    recording.append("message", {"role": "user", "content": "Tag big orders"})

What is recorded is what `append` is given: headers, keys and addresses of callers never come here. An event
that the sink refused is offered again, the same bytes, before anything that happened later: a conversation
has no gap, and no number with two meanings. Not here yet: going on with a conversation that another process
began.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from schemas.conversation import Event, Kind, write_event
from schemas.tools import CONTRACT, Contract, canonical_json
from serving.contract_files import keep_contract
from serving.sinks import FileSink, Sink

__all__ = ["CHALLENGER", "CHAMPION", "Recorder", "Recording"]

CHAMPION: Final = "champion"
"""The arm of a conversation outside every experiment."""
CHALLENGER: Final = "challenger"
"""The arm that gets the model on trial."""


class Recorder:
    """Where this process writes its events. Safe for threads; a forked child begins its own conversations."""

    def __init__(
        self,
        sink: Path | Sink,
        *,
        model: str,
        contract: Contract = CONTRACT,
        arm: str = CHAMPION,
        durable: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """`sink` is a folder or says where events go; `new_id` names the conversations.

        `durable` waits for the disk after every event in a folder; another sink decides that by itself.

        Raises:
            UsageError: where the folder cannot be made or written.
        """
        if isinstance(sink, Path):
            self._sink: Sink = FileSink(sink, durable=durable)
            keep_contract(sink, contract)
        else:
            self._sink = sink
        self._model = model
        self._contract = contract.fingerprint()
        self._arm = arm
        self._clock = clock
        self._new_id = new_id

    def begin(self, shop_id: str) -> Recording:
        """A new conversation of a shop, without an event so far."""
        return Recording(self, self._new_id(), shop_id)

    def close(self) -> None:
        self._sink.close()

    def _event(self, conversation_id: str, shop_id: str, sequence: int, kind: Kind, payload: str) -> Event:
        return Event(
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

    def _write(self, event: Event) -> None:
        self._sink.write(event.conversation_id, event.time, write_event(event))


class Recording:
    """One conversation on its way into the sink. Its events count from 0 without a gap."""

    def __init__(self, recorder: Recorder, conversation_id: str, shop_id: str) -> None:
        self.conversation_id = conversation_id
        self.shop_id = shop_id
        self._recorder = recorder
        self._lock = threading.Lock()
        self._next = 0
        self._refused: Event | None = None
        """The event that the sink did not take, and may have all the same."""
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
            Transient: where the sink does not take it; it is offered again with what is recorded next, or
                when the same is appended again.
        """
        text = canonical_json(dict(payload))
        with self._lock:
            late = self._refused
            if late is not None:
                self._write(late)
                if (late.kind, late.payload) == (kind, text):
                    return late
            event = self._recorder._event(self.conversation_id, self.shop_id, self._next, kind, text)
            write_event(event)  # what is no event is refused before it has a number
            self._write(event)
            return event

    def _write(self, event: Event) -> None:
        self._refused = event
        self._recorder._write(event)
        self._refused = None
        self._next = event.sequence + 1
        if event.kind == "workflow_proposed":
            value = event.value
            self._proposed.add((value["workflow_id"], value["workflow_version"]))
