r"""Timetables: the iCalendar text of a scheduled trigger and the words for it.

`DTSTART;TZID=America/New_York:20220719T170000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;BYHOUR=17;BYMINUTE=0;BYSECOND=0`
is `every="day", at="17:00", timezone="America/New_York", starting="2022-07-19"`. The words are used exactly
where they print back to the same text (Flow format section 9, RFC 5545 section 3.3.10).
"""

from __future__ import annotations

import re
from typing import Any, Final

_TEXT = re.compile(
    r"DTSTART;TZID=(?P<zone>[\w+/-]+):(?P<date>\d{8})T(?P<time>\d{6})\nRRULE:FREQ=(?P<freq>[A-Z]+);INTERVAL=(?P<interval>[1-9]\d*)"
    r";WKST=(?P<week>MO|TU|WE|TH|FR|SA|SU)(?:;BYDAY=(?P<days>[A-Z,]+))?(?:;BYHOUR=(?P<hour>\d\d?);BYMINUTE=(?P<minute>\d\d?);BYSECOND=0)?",
    re.ASCII,
)
_UNITS: Final = {
    "MINUTELY": "minute",
    "HOURLY": "hour",
    "DAILY": "day",
    "WEEKLY": "week",
    "MONTHLY": "month",
    "YEARLY": "year",
}
_FREQUENCIES: Final = {unit: frequency for frequency, unit in _UNITS.items()}
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_EVERY = re.compile(r"(?:([1-9]\d*) )?(minute|hour|day|week|month|year)s?", re.ASCII)
_AT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_STARTING = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
WORDS: Final = ("every", "on", "at", "timezone", "starting", "week_start")


def schedule_of(texts: Any) -> dict[str, Any] | None:
    """The words for a recurrence value (a list of one text), or None where only the text says it."""
    if len(texts) != 1:
        return None
    found = _TEXT.fullmatch(texts[0])
    if found is None or found["freq"] not in _UNITS:
        return None
    unit, interval = _UNITS[found["freq"]], found["interval"]
    words: dict[str, Any] = {"every": unit if interval == "1" else f"{interval} {unit}s"}
    if found["days"]:
        words["on"] = found["days"].split(",")
    date, time = found["date"], found["time"]
    starting = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    clock = None
    if found["hour"] is not None:
        clock = f"{int(found['hour']):02d}:{int(found['minute']):02d}"
        words["at"] = clock
    if clock is None or time != clock.replace(":", "") + "00":
        starting += f"T{time[:2]}:{time[2:4]}" + (f":{time[4:]}" if time[4:] != "00" else "")
    words["timezone"] = found["zone"]
    words["starting"] = starting
    if found["week"] != "MO":
        words["week_start"] = found["week"]
    try:
        return words if recurrence_of(words) == texts[0] else None
    except ValueError:  # a day of 25 hours, or one called XX
        return None


def recurrence_of(words: dict[str, Any]) -> str:
    """The iCalendar text that words stand for.

    Raises:
        ValueError: with a sentence, for words that make no timetable.
    """
    unknown = sorted(set(words) - set(WORDS))
    if unknown:
        raise ValueError(f"a schedule has no {unknown[0]!r}; it has {', '.join(WORDS)}")
    every = _EVERY.fullmatch(str(words.get("every", "")))
    starting = _STARTING.fullmatch(str(words.get("starting", "")))
    zone = words.get("timezone", "")
    if every is None:
        raise ValueError("every= is a time such as 'day', 'hour' or '2 weeks'")
    if starting is None:
        raise ValueError("starting= is a date such as '2026-11-23', or a time such as '2026-11-23T08:00'")
    if not isinstance(zone, str) or not zone:
        raise ValueError("timezone= is a name such as 'America/New_York'")
    week = words.get("week_start", "MO")
    if week not in _DAYS:
        raise ValueError(f"week_start= is one of {', '.join(_DAYS)}")
    rule = f"FREQ={_FREQUENCIES[every[2]]};INTERVAL={every[1] or 1};WKST={week}"
    days = words.get("on")
    if days is not None:
        if not isinstance(days, list) or not days or not all(day in _DAYS for day in days):
            raise ValueError(f"on= is a list of {', '.join(_DAYS)}")
        rule += f";BYDAY={','.join(days)}"
    year, month, day, hour, minute, second = starting.groups()
    clock = None
    if "at" in words:
        clock = _AT.fullmatch(str(words["at"]))
        if clock is None:
            raise ValueError("at= is a time of day such as '17:00'")
        rule += f";BYHOUR={int(clock[1])};BYMINUTE={int(clock[2])};BYSECOND=0"
    if hour is None:
        time = f"{clock[1]}{clock[2]}00" if clock else "000000"
    else:
        time = f"{hour}{minute}{second or '00'}"
    return f"DTSTART;TZID={zone}:{year}{month}{day}T{time}\nRRULE:{rule}"
