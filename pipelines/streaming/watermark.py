"""How late an event may come until it is counted as late. None is dropped: silver is made from bronze by key.

A conversation that gets an event after days is made anew like any other. What lateness tells is how long a
recorder or a topic holds events back, and so how long a week should wait until it is curated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Row

from pipelines.conversations.settling import believed
from pipelines.time_spans import EPOCH, moment

__all__ = ["Watermark"]


@dataclass(slots=True)
class Watermark:
    """The newest time that is believed of the batches before, less `delay`.

    As everywhere in the lake, no single clock that is ahead by more than `max_skew` moves it.
    """

    delay: timedelta
    max_skew: timedelta
    newest: datetime | None = None

    @property
    def micros(self) -> int | None:
        """Events before this are late, in microseconds since 1970; None before the first batch."""
        if self.newest is None:
            return None
        return (self.newest - self.delay - EPOCH) // timedelta(microseconds=1)

    def saw(self, hours: Sequence[Row]) -> None:
        """A batch was read, with `first`, `last` and some `shops` of each `hour`."""
        seen = [
            (moment(row["first"]), moment(row["last"]), row["shops"])
            for row in hours
            if row["hour"] is not None
        ]
        newest = believed(seen, self.max_skew)
        if newest is not None and (self.newest is None or newest > self.newest):
            self.newest = newest
