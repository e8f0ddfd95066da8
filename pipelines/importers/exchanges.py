"""One call of a model, as its log tells of it, and how to find in a log what each names differently.

An exchange is what was asked (the history and what is new) and what came back. Text alone is carried: a
message with an image would be another one without it, so its call is refused with that reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import canonical_json

__all__ = [
    "INVALID",
    "NOT_TEXT",
    "NO_CONTENT",
    "NO_MODEL",
    "NO_SHOP",
    "NO_TIME",
    "Exchange",
    "ImportPolicy",
    "Told",
    "digest_of",
    "find_name",
    "find_value",
    "instant",
    "is_name",
    "require",
]

INVALID: Final = "INVALID_LOG"
NOT_TEXT: Final = "NOT_TEXT"
NO_CONTENT: Final = "NO_CONTENT"
NO_MODEL: Final = "NO_MODEL"
NO_SHOP: Final = "NO_SHOP"
NO_TIME: Final = "NO_TIME"

LONGEST_NAME: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS: Final = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))
"""Below this number it is a time in units of so many microseconds: seconds, milliseconds, microseconds."""


@dataclass(frozen=True, kw_only=True)
class ImportPolicy:
    """What the log does not say, and where it says it."""

    shop: Annotated[str, "Shop of what names none."] = ""
    shop_from: Annotated[str, "Field or attribute that names the shop, such as user or metadata.shop."] = ""
    conversation_from: Annotated[str, "Field or attribute that names the conversation."] = ""
    model: Annotated[str, "Model of what names none."] = ""
    arm: Annotated[str, "Arm of what names none."] = "champion"
    arm_from: Annotated[str, "Field or attribute that names the arm of the experiment."] = ""
    time: Annotated[str, "Time of what has none, such as 2026-11-22T08:30:00Z."] = ""
    time_from: Annotated[str, "Field or attribute that holds the time, where it is not a usual one."] = ""

    def __post_init__(self) -> None:
        if not (self.shop or self.shop_from):
            raise ValueError("--shop or --shop-from must say whose conversations these are.")
        for flag, name in (("--shop", self.shop), ("--model", self.model), ("--arm", self.arm)):
            if name and not is_name(name):
                raise ValueError(f"{flag} must be printable, of at most {LONGEST_NAME} characters.")
        if not self.arm:
            raise ValueError("--arm must not be empty.")
        if self.time and instant(self.time) is None:
            raise ValueError("--time must be a time with its zone, such as 2026-11-22T08:30:00Z.")

    def shop_of(self, *tables: Mapping[str, Any]) -> str:
        """Raises BadRecord NO_SHOP."""
        found = find_name(self.shop_from, *tables) or self.shop
        return require(found, NO_SHOP, f"no {self.shop_from} names its shop; give --shop for such")

    def arm_of(self, *tables: Mapping[str, Any]) -> str:
        return find_name(self.arm_from, *tables) or self.arm

    def time_of(self, *values: Any) -> datetime:
        """The first of the values that is a time. Raises BadRecord NO_TIME."""
        found = next((moment for value in (*values, self.time) if (moment := instant(value))), None)
        if found is None:
            raise BadRecord(NO_TIME, "nothing says when, with a time zone; give --time-from or --time")
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """What a model was told beside the messages; None where the log does not hold it."""

    system: str | None
    tools: str | None
    """Canonical JSON: a list of the tools as the log has them, in the form of the chat completions API."""

    def digest(self) -> str:
        return hashlib.sha256(canonical_json([self.system, self.tools]).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call of a model; `asked` has no system message, that is in `told`."""

    place: str
    source_id: str
    named: bool
    """Whether the log gave `source_id`; else it is a digest of the line."""
    shop_id: str
    arm: str
    asked_model: str
    answered_model: str
    """The model that answered, by its own account; empty where nothing tells."""
    told: Told
    asked: tuple[Message, ...]
    answered: tuple[Message, ...]
    asked_at: datetime
    answered_at: datetime
    conversation: str = ""
    continues: str = ""
    """The source id of the call that this one goes on from, without repeating it."""
    only_new: bool = False
    """`asked` is what is new, and never the history."""
    trace: str = ""


def require(value: str, code: str, sentence: str) -> str:
    """`value` where it may be a name in an event. Raises BadRecord."""
    if not is_name(value):
        raise BadRecord(code, sentence)
    return value


def is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def find_value(name: str, *tables: Mapping[str, Any]) -> str | int | float | None:
    """The text or number under a name (`user`) or a path (`metadata.shop`) of the first table that has it."""
    for table in tables if name else ():
        for value in (table.get(name), _walked(table, name.split("."))):
            if isinstance(value, (str, int, float)) and value != "" and not isinstance(value, bool):
                return value
    return None


def find_name(name: str, *tables: Mapping[str, Any]) -> str:
    """What `find_value` finds where it is a text or a whole number, as text; else nothing."""
    found = find_value(name, *tables)
    return str(found) if isinstance(found, (str, int)) else ""


def _walked(table: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = table
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def instant(value: Any) -> datetime | None:
    """A time: ISO 8601 with its zone, or a number of seconds, milli-, micro- or nanoseconds since 1970.

    The unit of a number is told by its size, as times of this century do not overlap. None for anything else.
    """
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= 19:
        value = int(value)
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            unit = next((unit for below, unit in _MICROSECONDS if value < below), None)
            microseconds = int(value) // 1000 if unit is None else round(value * unit)
            return _EPOCH + timedelta(microseconds=microseconds)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None and moment.astimezone(UTC) >= _EPOCH:
                return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return None


def digest_of(value: object) -> str:
    """BLAKE2b-128 of canonical JSON, in hex: the id of what has none."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=16).hexdigest()
