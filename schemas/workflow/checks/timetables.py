r"""When a scheduled trigger runs: at most every 10 minutes, at least once a year (Flow format section 9).

Not here: that the start lies in the future, because the answer must not depend on today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from schemas.workflow.checks.findings import Finding, cut, did_you_mean, listed
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import Json
from schemas.workflow.problems import Severity

__all__ = ["check_timetables", "timetable_objections"]

_CODE: Final = "CONFIG_FIELD_PARTNER_VALIDATION_ERROR"
_START = re.compile(r"DTSTART;TZID=[\w+/-]+:(\d{8}T\d{6})", re.ASCII)
_MINUTES: Final = {
    "MINUTELY": 1,
    "HOURLY": 60,
    "DAILY": 24 * 60,
    "WEEKLY": 7 * 24 * 60,
    "MONTHLY": 30 * 24 * 60,
    "YEARLY": 365 * 24 * 60,
}
_LEAST: Final = 10
_MOST: Final = {"MINUTELY": 366 * 24 * 60, "HOURLY": 366 * 24, "DAILY": 366, "WEEKLY": 52, "MONTHLY": 12}
_DAYS: Final = frozenset({"MO", "TU", "WE", "TH", "FR", "SA", "SU"})
_RANGES: Final = {"BYHOUR": 23, "BYMINUTE": 59, "BYSECOND": 59}
_PARTS: Final = ("FREQ", "INTERVAL", "WKST", "BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY")


def check_timetables(around: Surroundings) -> Iterator[Finding]:
    """The recurrence of a scheduled trigger."""
    for number, step in enumerate(around.workflow.steps):
        for field, value in step.fields:
            if field == "recurrence" and isinstance(value, Json):
                texts = read_json(value.text)
                if len(texts) != 1:
                    words = f"a timetable is one text, here are {len(texts)}"
                    yield Finding(_CODE, number, field, words)
                for text in texts[:1]:
                    for message, severity in timetable_objections(text):
                        yield Finding(_CODE, number, field, message, severity)


def timetable_objections(text: str) -> Iterator[tuple[str, Severity]]:
    """What is wrong with an iCalendar text: messages, with their severity."""
    start, _, rule = text.strip().partition("\n")
    found = _START.fullmatch(start.strip())
    if found is None:
        words = "write DTSTART;TZID=America/New_York:20261124T090000 on the first line"
        yield f"the start {cut(start)!r} cannot be read; {words}", "error"
    else:
        try:
            datetime.strptime(found[1], "%Y%m%dT%H%M%S")
        except ValueError:
            yield f"there is no such day or time as {found[1]}", "error"
    if not rule.startswith("RRULE:"):
        yield "the second line is no RRULE; write RRULE:FREQ=DAILY;INTERVAL=1", "error"
        return
    yield from _rule(rule.removeprefix("RRULE:").strip())


def _rule(rule: str) -> Iterator[tuple[str, Severity]]:
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS:
            hint = did_you_mean(name, _PARTS) or f"; it has {listed(_PARTS)}"
            yield f"a timetable has no {cut(name)!r}{hint}", "error"
        elif name in parts:
            yield f"{name} stands twice", "error"
        parts[name] = value
    unit = parts.get("FREQ", "")
    if unit not in _MINUTES:
        yield f"FREQ is {cut(unit)!r}; it is one of {listed(_MINUTES)}", "error"
        return
    interval = parts.get("INTERVAL", "1")
    if not interval.isascii() or not interval.isdigit() or len(interval) > 9 or int(interval) < 1:
        yield f"INTERVAL is {cut(interval)!r}; write a whole number from 1", "error"
        return
    count = int(interval)
    if count * _MINUTES[unit] < _LEAST:
        yield f"every {count} minutes is too often; a workflow runs every {_LEAST} minutes at most", "error"
    elif count > _MOST.get(unit, 1):
        yield f"INTERVAL={count} of {unit} is too seldom; a workflow runs once a year at least", "error"
    if any(day.lstrip("+-0123456789") not in _DAYS for day in parts.get("BYDAY", "MO").split(",")):
        yield f"BYDAY is {cut(parts['BYDAY'])!r}; it lists {listed(sorted(_DAYS))}", "error"
    if parts.get("WKST", "MO") not in _DAYS:
        yield f"WKST is {cut(parts['WKST'])!r}; it is one of {listed(sorted(_DAYS))}", "error"
    for name, largest in _RANGES.items():
        for each in parts.get(name, "0").split(","):
            if not (each.isascii() and each.isdigit() and len(each) < 4 and int(each) <= largest):
                yield f"{name} is {cut(parts[name])!r}; it is a number from 0 to {largest}", "error"
                break
