"""Timetables: words where they print back to the same iCalendar text, else the text itself."""

from __future__ import annotations

import json

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow import from_python, inspect, write
from schemas.workflow.recurrence import recurrence_of, schedule_of
from tests.schemas.workflow.small import export, python_of, refusal, step

SCHEDULE = "shopify::flow::scheduled_time"
TIMETABLES = {
    "DTSTART;TZID=America/New_York:20220719T170000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;"
    "BYHOUR=17;BYMINUTE=0;BYSECOND=0": (
        'every="day", at="17:00", timezone="America/New_York", starting="2022-07-19"'
    ),
    "DTSTART;TZID=Europe/Zagreb:20260923T233000\nRRULE:FREQ=HOURLY;INTERVAL=1;WKST=MO": (
        'every="hour", timezone="Europe/Zagreb", starting="2026-09-23T23:30"'
    ),
    "DTSTART;TZID=UTC:20260101T000005\nRRULE:FREQ=MINUTELY;INTERVAL=10;WKST=MO": (
        'every="10 minutes", timezone="UTC", starting="2026-01-01T00:00:05"'
    ),
    "DTSTART;TZID=UTC:20260101T080000\nRRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,FR;"
    "BYHOUR=9;BYMINUTE=30;BYSECOND=0": (
        'every="2 weeks", on=["MO", "FR"], at="09:30", timezone="UTC", '
        'starting="2026-01-01T08:00", week_start="SU"'
    ),
    "DTSTART;TZID=Etc/GMT+5:20260131T000000\nRRULE:FREQ=MONTHLY;INTERVAL=1;WKST=MO": (
        'every="month", timezone="Etc/GMT+5", starting="2026-01-31T00:00"'
    ),
    "DTSTART;TZID=UTC:20260131T000000\nRRULE:FREQ=YEARLY;INTERVAL=1;WKST=MO;BYHOUR=0;BYMINUTE=0;BYSECOND=0": (
        'every="year", at="00:00", timezone="UTC", starting="2026-01-31"'
    ),
}
AS_TEXT = [
    "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=01;WKST=MO",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=SECONDLY;INTERVAL=1;WKST=MO",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=XX",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=WEEKLY;INTERVAL=1;WKST=MO;BYDAY=1MO",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;BYHOUR=09;BYMINUTE=0;BYSECOND=0",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;BYHOUR=25;BYMINUTE=0;BYSECOND=0",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;COUNT=5",
    "DTSTART;TZID=UTC:20260101T000000\r\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO",
    "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO;"
    f"BYHOUR={'9' * 5000};BYMINUTE=0;BYSECOND=0",
    f"DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL={'9' * 5000};WKST=MO;COUNT=1",
    "DTSTART;TZID=UTC:٢٠٢٦٠١٠١T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO",
    "every day",
    "",
]


def scheduled(text: str) -> str:
    return export([step("a", SCHEDULE, recurrence=json.dumps([text])) | {"task_type": "TRIGGER"}])


@pytest.mark.parametrize("text", TIMETABLES)
def test_a_timetable_reads_as_words_and_comes_back(text: str) -> None:
    python = python_of(scheduled(text))
    head = python[: python.index("\ndef ")]
    flat = " ".join(head.split()).replace("( ", "(").replace(", )", ")")
    assert flat == f"@scheduled({TIMETABLES[text]})"
    again = json.loads(write(from_python(python), spelling="flow"))
    values = again["root"]["steps"][0]["config_field_values"]
    assert values == [{"config_field_id": "recurrence", "value": json.dumps([text], separators=(",", ":"))}]


@pytest.mark.parametrize("text", AS_TEXT)
def test_a_timetable_that_words_would_change_stays_a_text(text: str) -> None:
    python = python_of(scheduled(text))
    assert "@scheduled(\n    recurrence=[" in python or "@scheduled(recurrence=[" in python
    assert schedule_of([text]) is None


@pytest.mark.parametrize("value", ["", "[]", '["a","b"]', "daily", "{}"])
def test_a_recurrence_that_is_no_list_of_one_text_is_carried(value: str) -> None:
    python_of(export([step("a", SCHEDULE, recurrence=value) | {"task_type": "TRIGGER"}]))


def test_a_schedule_that_was_never_filled_in_is_carried() -> None:
    assert python_of(export([step("a", SCHEDULE) | {"task_type": "TRIGGER"}])).startswith("@scheduled\ndef ")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('every="day"', "starting="),
        ('every="0 days", starting="2026-01-01", timezone="UTC"', "every="),
        ('every="day", starting="2026-01-01"', "timezone="),
        ('every="day", starting="2026-01-01", timezone="UTC", week_start="XX"', "week_start="),
        ('every="day", starting="2026-01-01", timezone="UTC", on=[]', "on="),
        ('every="day", starting="2026-01-01", timezone="UTC", on="MO"', "on="),
        ('every="day", starting="2026-01-01", timezone="UTC", at=17', "at="),
        ('every="day", starting="2026-01-01", timezone="UTC", recurrence=["x"]', "no 'recurrence'"),
    ],
)
def test_words_that_make_no_timetable_are_refused_with_what_to_write(words: str, reason: str) -> None:
    problem = refusal(f"@scheduled({words})\ndef tag_orders():\n    pass\n")
    assert (problem.code, problem.path[:2]) == ("PYTHON_CONSTRUCT", "1:")
    assert reason in problem.message


def test_words_that_a_person_would_write_are_taken() -> None:
    found = inspect(
        '@scheduled(timezone="UTC", every="1 day", starting="2026-01-01")\ndef tag_orders():\n    pass\n'
    )
    assert found.semantic
    words = {"every": "1 day", "timezone": "UTC", "starting": "2026-01-01"}
    assert recurrence_of(words) == "DTSTART;TZID=UTC:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=1;WKST=MO"
    with pytest.raises(WorkflowRefused):
        from_python("@scheduled(every=day)\ndef tag_orders():\n    pass\n")
