"""Damage to timetables, JSON texts and sort keys."""

from __future__ import annotations

import random

from schemas.catalog import tasks
from schemas.workflow.jsontext import compact
from schemas.workflow.model import Json, Text, Value, Workflow
from tests.schemas.workflow.damage import (
    Damaged,
    damage,
    holding,
    pick,
    with_value,
)

VALIDATION = "CONFIG_FIELD_PARTNER_VALIDATION_ERROR"
JSON = "CONFIG_FIELD_JSON_PARSE_ERROR"


START = "DTSTART;TZID=Europe/Berlin:20370105T090000"
TIMETABLES = {
    "timetable_too_often": f"{START}\nRRULE:FREQ=MINUTELY;INTERVAL=9;WKST=MO",
    "timetable_too_seldom": f"{START}\nRRULE:FREQ=MONTHLY;INTERVAL=13;WKST=MO",
    "timetable_every_other_year": f"{START}\nRRULE:FREQ=YEARLY;INTERVAL=2;WKST=MO",
    "timetable_of_seconds": f"{START}\nRRULE:FREQ=SECONDLY;INTERVAL=900",
    "timetable_without_unit": f"{START}\nRRULE:INTERVAL=1;WKST=MO",
    "timetable_with_an_end": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1;COUNT=5",
    "timetable_by_month_day": f"{START}\nRRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15",
    "timetable_of_no_day": f"{START}\nRRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=XX",
    "timetable_of_no_hour": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=25;BYMINUTE=0;BYSECOND=0",
    "timetable_of_no_interval": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=0",
    "timetable_with_an_hour_twice": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=8;BYHOUR=9",
    "timetable_without_rule": START,
    "timetable_without_zone": "DTSTART:20370105T090000\nRRULE:FREQ=DAILY;INTERVAL=1",
    "timetable_from_no_day": "DTSTART;TZID=Europe/Berlin:20370230T090000\nRRULE:FREQ=DAILY;INTERVAL=1",
}


def _timetable(name: str, value: Value, code: str) -> None:
    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        found = pick(draw, [each for each in holding(workflow, Json) if each[1] == "recurrence"])
        return with_value(workflow, *found, value) if found else None

    apply.__name__ = name
    damage(code)(apply)


for each, text in TIMETABLES.items():
    _timetable(each, Json(compact([text])), VALIDATION)
_timetable("timetable_of_two_texts", Json(compact([TIMETABLES["timetable_of_no_day"]] * 2)), VALIDATION)
_timetable("timetable_that_is_no_json", Text(f"{START}\nRRULE:FREQ=DAILY;INTERVAL=1"), JSON)


# -- JSON texts -----------------------------------------------------------------------------------------


def _json(name: str, field: str, text: str) -> None:
    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        places = [each for each in holding(workflow, Json) if each[1] == field]
        found = pick(draw, [each for each in places if workflow.steps[each[0]].task_id in tasks.TASKS])
        return with_value(workflow, *found, Text(text)) if found else None

    apply.__name__ = name
    damage(JSON)(apply)


_json("tags_that_are_no_json", "tags", "VIP, gift")
_json("tags_with_a_comma_too_much", "tags", '["VIP",]')
_json("headers_that_are_no_json", "headers", "content-type: application/json")
_json("metafield_that_is_no_json", "metafield", "custom.points")
_json("sorting_that_is_no_json", "sort_by", "CREATED_AT")


@damage(VALIDATION)
def metafield_without_a_part(workflow: Workflow, draw: random.Random) -> Damaged | None:
    places = [each for each in holding(workflow, Json) if each[1] == "metafield"]
    found = pick(draw, [each for each in places if workflow.steps[each[0]].task_id in tasks.TASKS])
    parts = {"namespace": "custom", "key": "points", "type": "number_integer"}
    del parts[draw.choice(("namespace", "key"))]
    return with_value(workflow, *found, Json(compact(parts))) if found else None


def _fetched(workflow: Workflow, draw: random.Random) -> tuple[int, str] | None:
    found = [each for each in holding(workflow, Json) if each[1] == "sort_by"]
    prefix = "shopify::flow::fetch::"
    return pick(draw, [each for each in found if workflow.steps[each[0]].task_id.startswith(prefix)])


@damage("CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY")
def sort_key_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = _fetched(workflow, draw)
    key = draw.choice(("created_at", "CREATED", "PRICE", ""))
    return (
        with_value(workflow, *found, Json(compact({"sortKey": key, "order": "ASCENDING"}))) if found else None
    )


@damage("CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY")
def sort_order_that_is_not_there(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = _fetched(workflow, draw)
    return with_value(workflow, *found, Json(compact({"sortKey": "ID", "order": "DESC"}))) if found else None
