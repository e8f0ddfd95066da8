"""What starts a run: the objects that the trigger brings, and the moment, as plain JSON.

    event = Event({"order": {"name": "#1", "tags": ["VIP"]}}, datetime(2026, 11, 2, tzinfo=UTC))
    Event.from_json(event.to_json()) == event

Objects have the fields of the Admin GraphQL API in its camelCase; connections are flat lists, as in Flow's
paths. A field that is absent and one that is null are the same: nil. Decimal and Money are texts
(`"500.00"`), dates are ISO 8601 texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from schemas.errors import BadRecord
from schemas.tools import canonical_json
from schemas.workflow.jsontext import read_json

__all__ = ["Event", "Json"]

Json: TypeAlias = Any
"""None, bool, int, float, str, list[Json] or dict[str, Json]."""


_FORM: Final = 'an event is {"roots": {...}, "time": "2026-11-02T00:00:00Z"}'
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9000
"""Dates of the shop lie some years around the event's."""


@dataclass(frozen=True, slots=True)
class Event:
    """One occurrence of a trigger: its roots by name, and the time that the run believes in."""

    roots: Mapping[str, Json]
    """What the trigger brings (`order`, `lineItem`); `shop` too where it shall not be the synthetic one."""
    time: datetime
    """In UTC."""

    def to_json(self) -> str:
        """Canonical JSON: `{"roots":{...},"time":"2026-11-02T00:00:00Z"}`."""
        moment = self.time.astimezone(UTC).replace(tzinfo=None).isoformat()
        return canonical_json({"roots": dict(self.roots), "time": f"{moment}Z"})

    @staticmethod
    def from_json(text: str) -> Event:
        """Read what `to_json` or a person wrote.

        Raises:
            BadRecord: INVALID_EVENT with what is missing or of another type.
        """
        try:
            found = read_json(text)
        except BadRecord as error:
            raise BadRecord("INVALID_EVENT", error.message, path=error.path) from None
        if not isinstance(found, dict):
            raise BadRecord("INVALID_EVENT", _FORM)
        for key in ("roots", "time"):
            if key not in found:
                raise BadRecord("INVALID_EVENT", f"{key} is missing; {_FORM}")
        roots = found["roots"]
        try:
            moment = datetime.fromisoformat(found["time"])
        except (TypeError, ValueError):
            raise BadRecord("INVALID_EVENT", f"time is no date; {_FORM}") from None
        if not isinstance(roots, dict) or moment.tzinfo is None:
            raise BadRecord("INVALID_EVENT", "roots is an object and time has a zone, such as Z")
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise BadRecord("INVALID_EVENT", f"time lies in the years {FIRST_YEAR} to {LAST_YEAR}")
        return Event(roots, moment.astimezone(UTC))
