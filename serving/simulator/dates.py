"""Dates in Liquid: read what a filter is given, move it by "2 days", print it by a strftime format.

Formats follow Ruby's `Time#strftime`, which Liquid's `date` filter documents, so the machine's locale and
zone play no part. Names of days and months are English. A date without a zone is UTC.

Not here: the shop's time zone, and texts such as "next Tuesday".
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["iso", "moved", "printed", "read_moment"]

_MOST_TEXT: Final = 100
_FORMATS: Final = ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%m/%d/%Y", "%Y/%m/%d")
_EXTRA: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}(?::\d{2})?)(?: UTC| ?([+-]\d{2}):?(\d{2}))?", re.ASCII
)
_PART: Final = re.compile(
    r"\s*([+-]?\d{1,6})\s*(second|minute|hour|day|week|month|year)s?(?:\s*(?:,|and)\s*|\s+|$)",
    re.ASCII | re.IGNORECASE,
)
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_DIRECTIVE: Final = re.compile(r"%([-0^_#]?)(\d{0,2})(:?[A-Za-z%+])", re.ASCII)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WHOLE: Final = {
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
    "D": "%m/%d/%y",
    "x": "%m/%d/%y",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y",
    "v": "%e-%^b-%Y",
    "+": "%a %b %e %H:%M:%S %Z %Y",
}
"""Directives that stand for several."""


def read_moment(value: object, now: datetime) -> datetime | None:
    """The moment that a value says, None where it says none.

    Takes ISO 8601, `now`, `today`, seconds since 1970 (as text too) and a few common spellings.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return _since_1970(value)
    text = str(value).strip()
    if len(text) > _MOST_TEXT:
        return None
    if text.lower() in ("now", "today"):
        return now
    if text.isascii() and text.isdigit() and len(text) != 8:
        return _since_1970(int(text))
    if spaced := _EXTRA.fullmatch(text):
        zone = f"{spaced[3]}:{spaced[4]}" if spaced[3] else "+00:00"
        text = f"{spaced[1]}T{spaced[2]}{zone}"
    return _written(text)


def _since_1970(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _written(text: str) -> datetime | None:
    found: datetime | None = None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        for form in _FORMATS:
            try:
                found = datetime.strptime(text, form)
                break
            except ValueError:
                continue
    if found is None:
        try:
            found = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """`2026-11-02T00:00:00Z`, in UTC, to the second.

    Raises:
        ValueError: for a moment that UTC has no year for.
    """
    try:
        plain = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return f"{plain.isoformat()}Z"


def moved(moment: datetime, duration: str, sign: int) -> datetime:
    """The moment after (`sign` 1) or before (-1) a duration such as `2 days` or `1 month and 3 hours`.

    A month later is the same day of the next month, or its last one. That the units are days, weeks, months
    and years is known (Flow format section 11); hours, minutes, seconds and sums are our inference.

    Raises:
        ValueError: for a duration that is none, or beyond the years 1 to 9999.
    """
    text = duration.strip()
    if not text or len(text) > _MOST_TEXT:
        raise ValueError(f"{duration[:40]!r} is no duration; write '2 days'")
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise ValueError(f"{duration[:40]!r} is no duration; write '2 days'")
        number, unit = sign * int(part[1]), part[2].lower()
        try:
            if unit in _SECONDS:
                moment += timedelta(seconds=number * _SECONDS[unit])
            else:
                moment = _months_later(moment, number * (12 if unit == "year" else 1))
        except OverflowError as error:
            raise ValueError(str(error)) from None
        at = part.end()
    return moment


def _months_later(moment: datetime, number: int) -> datetime:
    years, month = divmod(moment.year * 12 + moment.month - 1 + number, 12)
    if not 1 <= years <= 9999:
        raise ValueError(f"the year {years} is out of range")
    last = calendar.monthrange(years, month + 1)[1]
    return moment.replace(year=years, month=month + 1, day=min(moment.day, last))


def printed(moment: datetime, form: str) -> str:
    """The moment in a strftime format; a directive that Ruby does not have stays as it is."""
    return _DIRECTIVE.sub(lambda found: _directive(moment, found), form)


def _directive(moment: datetime, found: re.Match[str]) -> str:
    flag, width, letter = found.groups()
    if letter in _WHOLE:
        text = printed(moment, _WHOLE[letter])
    elif (part := _number(moment, letter)) is not None:
        value, digits, filler = part
        size = int(width or digits)
        if flag == "-":
            return str(value)
        return str(value).rjust(size, {"_": " ", "0": "0"}.get(flag, filler))
    elif (said := _word(moment, letter)) is not None:
        text = said
    else:
        return found[0]
    if flag == "^":
        text = text.upper()
    elif flag == "#":
        text = text.swapcase()
    return text.rjust(int(width or 0), "0" if flag == "0" else " ")


def _number(moment: datetime, letter: str) -> tuple[int, int, str] | None:
    """A number with how many digits it has and what fills them up."""
    week = moment.isocalendar()
    hour = (moment.hour - 1) % 12 + 1
    day = moment.timetuple().tm_yday
    match letter:
        case "Y":
            return moment.year, 4, "0"
        case "C":
            return moment.year // 100, 2, "0"
        case "y":
            return moment.year % 100, 2, "0"
        case "m":
            return moment.month, 2, "0"
        case "d":
            return moment.day, 2, "0"
        case "e":
            return moment.day, 2, " "
        case "j":
            return day, 3, "0"
        case "H":
            return moment.hour, 2, "0"
        case "k":
            return moment.hour, 2, " "
        case "I":
            return hour, 2, "0"
        case "l":
            return hour, 2, " "
        case "M":
            return moment.minute, 2, "0"
        case "S":
            return moment.second, 2, "0"
        case "L":
            return moment.microsecond // 1000, 3, "0"
        case "N":
            return moment.microsecond * 1000, 9, "0"
        case "s":
            return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1), 1, "0"
        case "u":
            return moment.isoweekday(), 1, "0"
        case "w":
            return moment.isoweekday() % 7, 1, "0"
        case "G":
            return week.year, 4, "0"
        case "g":
            return week.year % 100, 2, "0"
        case "V":
            return week.week, 2, "0"
        case "U":
            return (day + 6 - moment.isoweekday() % 7) // 7, 2, "0"
        case "W":
            return (day + 6 - moment.weekday()) // 7, 2, "0"
        case _:
            return None


def _word(moment: datetime, letter: str) -> str | None:
    offset = moment.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    match letter:
        case "A":
            return _DAYS[moment.weekday()]
        case "a":
            return _DAYS[moment.weekday()][:3]
        case "B":
            return _MONTHS[moment.month - 1]
        case "b" | "h":
            return _MONTHS[moment.month - 1][:3]
        case "p":
            return "AM" if moment.hour < 12 else "PM"
        case "P":
            return "am" if moment.hour < 12 else "pm"
        case "z":
            return zone.replace(":", "")
        case ":z":
            return zone
        case "Z":
            return "UTC" if not minutes else zone
        case "n":
            return "\n"
        case "t":
            return "\t"
        case "%":
            return "%"
        case _:
            return None
