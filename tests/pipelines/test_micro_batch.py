from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import Row

from pipelines.conversation_events import SchemaContract, events_form, named_fields
from pipelines.ingest import bronze_row
from pipelines.records import Record, record_id_of
from pipelines.streaming.checkpoint import Checkpoint
from pipelines.streaming.conversations import Source
from pipelines.streaming.micro_batch import event_rows, time_ranges
from pipelines.streaming.watermark import Watermark
from pipelines.time_spans import MOST_SPANS, joined_spans, moment, spans_sql
from schemas.envelope import MAX_RECORD_BYTES
from schemas.errors import BrokenLaw, UsageError
from schemas.tables import BRONZE_EVENTS, BRONZE_WORKFLOWS
from tests.pipelines.event_lines import UNREADABLE, event_line

FORM = events_form()


def made(
    raw: list[bytes | None], contract: SchemaContract = "evolve", **changes: Any
) -> list[dict[str, Any]]:
    rows = [
        {
            "source_file": "kafka://events/0",
            "source_offset": number,
            "source_line": None,
            "raw": each,
            "num_bytes": None if each is None else len(each),
            "record_id": None,
            "damage": None,
        }
        | changes
        for number, each in enumerate(raw)
    ]
    batches = event_rows(events_form(contract))([pa.RecordBatch.from_pylist(rows)])
    return [row for batch in batches for row in batch.to_pylist()]


def test_a_message_is_the_row_that_its_line_in_a_file_is() -> None:
    lines = [event_line(1, 0), event_line(2, 1, locale="fr"), *UNREADABLE]
    for line, row in zip(lines, made(lines), strict=True):
        raw = line.removesuffix(b"\n")
        record = Record(7, 70, len(raw), raw, record_id_of(raw))
        of_file = bronze_row("a.jsonl", record, FORM)
        same = BRONZE_EVENTS.schema.names
        place = {"source_file", "source_offset", "source_line", "problem"}
        assert {name: row[name] for name in same if name not in place} == {
            name: of_file.get(name) for name in same if name not in place
        }
        if row["problem_code"]:
            assert row["problem"].startswith(f"kafka://events/0 offset {row['source_offset']}")
            assert row["problem"].partition(": ")[2] == of_file["problem"].partition(": ")[2]


def test_every_unreadable_line_is_a_row_with_its_reason() -> None:
    rows = made(list(UNREADABLE))
    assert [row["problem_code"] is not None for row in rows] == [True] * len(UNREADABLE)
    assert [row["raw"] for row in rows] == [line.removesuffix(b"\n") for line in UNREADABLE]
    # Whoever reads them: equal bytes are looked for by their time.
    timed = [json.loads(row["raw"])["event_id"] for row in rows if row["event_time"] is not None]
    assert timed == ["c902-0", "c903-0", "c904-0"]


def test_a_message_without_a_value_is_an_empty_record() -> None:
    (row,) = made([None])
    assert (row["problem_code"], row["raw"], row["num_bytes"]) == ("EMPTY_EVENT", b"", 0)


def test_a_message_over_the_cap_keeps_its_length_and_its_digest() -> None:
    huge = b"x" * (MAX_RECORD_BYTES + 1)
    (row,) = made([huge])
    assert (row["problem_code"], row["raw"], row["num_bytes"]) == ("EVENT_TOO_LARGE", None, len(huge))
    assert row["record_id"] == record_id_of(huge)


def test_copies_become_one_row_at_the_first_place() -> None:
    rows = made([event_line(1, 0), event_line(1, 0), event_line(1, 1), event_line(1, 0)])
    assert [(row["source_offset"], row["copies"]) for row in rows] == [(0, 3), (2, 1)]


def test_unknown_fields_are_kept_or_refused_as_the_contract_says() -> None:
    payload = {"role": "user", "content": "hello", "a/b~": [1, None]}
    line = event_line(1, 0, locale="fr", payload=payload)
    (row,) = made([line])
    assert row["rescued"] == '{"/locale":"fr","/payload/a~1b~0":[1,null]}'
    assert row["payload"] == '{"content":"hello","role":"user"}'
    assert row["problem_code"] is None
    (row,) = made([line], "discard_row")
    assert (row["problem_code"], row["event_id"], row["rescued"]) == ("UNKNOWN_EVENT_KEY", None, None)
    assert " at /locale: " in row["problem"]
    assert row["event_time"] == made([line])[0]["event_time"]
    with pytest.raises(BrokenLaw, match=r"kafka://events/0 offset 0: nobody knows the field '/locale'"):
        made([line], "freeze")
    for contract in ("evolve", "freeze", "discard_row", "discard_value"):
        (row,) = made([event_line(1, 0, sequence="first")], contract)
        assert row["problem_code"] == "INVALID_EVENT_FIELD"


def test_named_fields_are_short_and_few() -> None:
    assert named_fields({"/b": 1, "/a": 1, "/c": 5}) == "/c:5,/a:1,/b:1"
    assert named_fields({"/x,\n" + "y" * 100: 1}) == "/x??" + "y" * 56 + "...:1"
    assert named_fields({f"/{number}": 1 for number in range(30)}).count(":") == 10


def hour(number: int | None, first: int | None = None, last: int | None = None) -> Row:
    return Row(hour=number, first=first, last=last)


def test_the_search_for_what_is_there_is_kept_to_the_hours_of_the_batch() -> None:
    one = 3_600_000_000
    found = time_ranges(
        [
            hour(500, 500 * one, 500 * one + 5),
            hour(501, 501 * one + 1, 501 * one + 9),
            hour(3, 3 * one, 3 * one),
        ]
    )
    assert found == (
        "there.event_time BETWEEN TIMESTAMP'1970-01-01 03:00:00.000000Z'"
        " AND TIMESTAMP'1970-01-01 03:00:00.000000Z'"
        " OR there.event_time BETWEEN TIMESTAMP'1970-01-21 20:00:00.000000Z'"
        " AND TIMESTAMP'1970-01-21 20:00:00.000005Z'"
        " OR there.event_time BETWEEN TIMESTAMP'1970-01-21 21:00:00.000001Z'"
        " AND TIMESTAMP'1970-01-21 21:00:00.000009Z'"
    )
    assert time_ranges([hour(None)]) == "there.event_time IS NULL"
    assert time_ranges([hour(None), hour(0, 0, 7)]).count(" OR there.event_time IS NULL") == 1


def test_many_hours_become_few_spans_that_hold_them_all() -> None:
    at = [moment(3_600_000_000 * 3 * number) for number in range(40)]
    apart = [(start, start + timedelta(hours=1)) for start in at] + [(at[0] - timedelta(days=99), at[0])]
    spans = joined_spans(apart)
    assert len(spans) == MOST_SPANS
    assert all(any(a <= first and last <= b for a, b in spans) for first, last in apart)
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    assert joined_spans(apart, 1) == [(at[0] - timedelta(days=99), at[-1] + timedelta(hours=1))]
    assert spans_sql("at", []) == "false"


def test_late_is_what_comes_behind_a_time_that_no_single_clock_moves() -> None:
    one = 3_600_000_000

    def seen(number: int, shops: list[str]) -> Row:
        return Row(hour=number, first=number * one, last=number * one + 5, shops=shops)

    watermark = Watermark(timedelta(hours=1), timedelta(hours=24))
    assert watermark.micros is None
    watermark.saw([seen(500, ["a", "b", "c"]), seen(90_000, ["d"]), Row(hour=None, first=None, last=None)])
    assert watermark.micros == 499 * one + 5
    watermark.saw([seen(400, ["a", "b", "c"])])
    assert watermark.micros == 499 * one + 5, "time does not go back"
    watermark.saw([seen(501, ["a"])])
    assert watermark.micros == 500 * one + 5


def test_a_checkpoint_keeps_its_name_and_another_one_has_another(tmp_path: Path) -> None:
    def checkpoint(uri: str | None = None, source: str = "/events") -> Checkpoint:
        return Checkpoint.of(uri, str(tmp_path), source, BRONZE_EVENTS)

    first = checkpoint()
    assert checkpoint() == first
    assert checkpoint(source="/others").uri != first.uri
    assert Checkpoint.of(None, str(tmp_path), "/events", BRONZE_WORKFLOWS).uri != first.uri
    given = checkpoint(str(tmp_path / "own"))
    assert given.application != first.application
    with pytest.raises(
        UsageError, match=r"is of /events into bronze\.conversation_events; give --checkpoint"
    ):
        checkpoint(str(tmp_path / "own"), "/others")
    for broken in (b"", b"{", b"{}", b'{"application":"../x","source":"/events","table":"t"}'):
        (Path(given.uri) / "_sidewheel.json").write_bytes(broken)
        renewed = checkpoint(given.uri)
        assert renewed.application != given.application
        assert checkpoint(given.uri) == renewed


@pytest.mark.parametrize(
    ("inputs", "kafka", "streams", "message"),
    [
        ((), None, True, "either --inputs or --kafka"),
        (("a",), "h:1/t", True, "either --inputs or --kafka"),
        ((), "h:1/t", False, "--kafka needs --stream"),
        ((), "nonsense", True, "HOST:PORT/TOPIC"),
    ],
)
def test_a_stream_has_one_source(
    inputs: tuple[str, ...], kafka: str | None, streams: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Source(inputs, kafka).require_one(streams=streams)
