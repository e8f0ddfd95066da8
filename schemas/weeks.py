"""ISO weeks in UTC: Monday 00:00 to the next Monday 00:00, the second bound not included (ISO 8601)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.errors import UsageError

_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, order=True, slots=True)
class Week:
    """One ISO week, spelled `2026-W47`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Week:
        """Read `2026-W47`.

        Raises:
            UsageError: when the text is not a week of the calendar.
        """
        found = _WEEK.fullmatch(text)
        if found is not None:
            try:
                week = cls(int(found[1]), int(found[2]))
                _ = week.start, week.end
                return week
            except (ValueError, OverflowError):
                pass
        raise UsageError(f"{text!r} is not an ISO week; write one such as 2026-W47.")

    @classmethod
    def of(cls, moment: datetime) -> Week:
        """The week that a moment lies in.

        Raises:
            ValueError: when the moment has no time zone, which would be read as this machine's.
        """
        if moment.tzinfo is None:
            raise ValueError(f"{moment.isoformat()} has no time zone")
        year, number, _ = moment.astimezone(UTC).isocalendar()
        return cls(year, number)

    @property
    def start(self) -> datetime:
        return datetime.fromisocalendar(self.year, self.number, 1).replace(tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=7)

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"
