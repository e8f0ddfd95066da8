"""Conversations as the real recorder writes them, with the scripted oracle as the model."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.conversation import Event, read_event
from schemas.tools import CONTRACT
from schemas.workflow import from_python, to_python
from serving.agent import Budget, Outcome
from serving.oracle import ScriptedOracle
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder, Recording
from serving.shop import InMemoryShop

START = datetime(2026, 11, 17, 9, tzinfo=UTC)
"""A Tuesday of 2026-W47; the recorder's clock goes on by a second an event."""


def canonical(python: str) -> str:
    return to_python(from_python(python))


PYTHON = canonical(
    """@order_created
def tag_big_orders(order):
    if order.current_total_price_set.shop_money.amount > 100:
        add_order_tags(order_id=order.id, tags=["vip"])
"""
)


class Recorded:
    """A folder of events, made conversation by conversation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = START
        self._numbers = itertools.count(1)
        self.recorder = Recorder(
            folder, model="scripted-oracle", clock=self._tick, new_id=lambda: f"c{next(self._numbers)}"
        )

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def ask(
        self,
        request: str,
        python: str | None = PYTHON,
        *,
        shop_id: str = "shop-1",
        recording: Recording | None = None,
        oracle: ScriptedOracle | None = None,
        shop: InMemoryShop | None = None,
        history: Outcome | None = None,
    ) -> tuple[Recording, Outcome]:
        """One request and its answer; `history` is the outcome of the one before."""
        recording = recording or self.recorder.begin(shop_id)
        outcome = converse_recorded(
            request,
            oracle or ScriptedOracle(python),
            shop or InMemoryShop(),
            CONTRACT,
            Budget(),
            recording,
            history=history.messages if history else (),
            clock=lambda: 0.0,
        )
        return recording, outcome

    def events(self) -> list[Event]:
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        for line in self.lines():
            yield read_event(line)

    def lines(self) -> list[bytes]:
        files = sorted(self.folder.glob("*.jsonl"))
        return [line for file in files for line in file.read_bytes().splitlines(keepends=True)]


def events_of(request: str, python: str | None = PYTHON, answer: str | None = None) -> list[Event]:
    """The events of one conversation, which is called c1."""
    with tempfile.TemporaryDirectory() as folder:
        recorded = Recorded(Path(folder))
        oracle = ScriptedOracle(python, answer) if answer else ScriptedOracle(python)
        recorded.ask(request, oracle=oracle)
        recorded.recorder.close()
        return recorded.events()
