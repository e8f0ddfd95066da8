from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.envelope import MAX_RECORD_BYTES, place_of, read_envelope, workflow_text
from schemas.errors import BadRecord
from schemas.tables import BRONZE_WORKFLOWS

ENVELOPE: dict[str, Any] = {
    "workflow_id": "w1",
    "shop_id": "7",
    "workflow": '{"root":{"steps":[]}}',
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-11-22T01:00:00.25+02:00",
    "last_run_at": None,
    "num_runs_7d": 3,
    "active": True,
}


def line(**changes: Any) -> bytes:
    return json.dumps({**ENVELOPE, **changes}, ensure_ascii=False, separators=(",", ":")).encode()


def refusal(raw: bytes) -> tuple[str, str, str]:
    with pytest.raises(BadRecord) as caught:
        read_envelope(raw, "file:x")
    return caught.value.code, caught.value.path, caught.value.message


def test_an_envelope_becomes_columns_of_bronze() -> None:
    columns = read_envelope(line(), "file:x")
    assert columns == {
        "workflow_id": "w1",
        "shop_id": "7",
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "updated_at": datetime(2026, 11, 21, 23, 0, 0, 250_000, tzinfo=UTC),
        "last_run_at": None,
        "num_runs_7d": 3,
        "active": True,
    }
    assert columns["updated_at"].tzinfo is UTC
    assert columns.keys() <= set(BRONZE_WORKFLOWS.schema.names)


@pytest.mark.parametrize("style", [{"indent": 1}, {"separators": (" ,", " : ")}, {"ensure_ascii": True}])
def test_white_space_and_escapes_change_nothing(style: dict[str, Any]) -> None:
    raw = json.dumps({**ENVELOPE, "shop_id": "شوب é"}, **style).encode()
    assert read_envelope(raw, "")["shop_id"] == "شوب é"
    assert workflow_text(raw) == ENVELOPE["workflow"]


def test_ids_may_be_numbers_and_what_is_unknown_may_be_null() -> None:
    nothing = dict.fromkeys(("shop_id", "created_at", "updated_at", "last_run_at", "num_runs_7d", "active"))
    assert read_envelope(line(workflow_id=12, **nothing), "") == {"workflow_id": "12", **nothing}


@pytest.mark.parametrize(
    "raw",
    [
        b"0" * 64 + b':{"__metadata":{}}',
        b'{"root":{}}',
        b'{"steps":[],"links":[]}',
        b'{ "root" : {"a":"\xc3\xa9"}}',
    ],
)
def test_a_bare_workflow_has_no_run_statistics(raw: bytes) -> None:
    columns = read_envelope(raw, "file:exports/vip.flow")
    assert columns.pop("workflow_id") == "file:exports/vip.flow"
    assert columns == dict.fromkeys(columns)
    assert len(columns) == 6
    assert workflow_text(raw) == raw.decode()


@pytest.mark.parametrize(
    ("raw", "code", "path", "said"),
    [
        (b"", "EMPTY_RECORD", "", "nothing in it"),
        (b" \t ", "EMPTY_RECORD", "", "nothing in it"),
        (b"\xef\xbb\xbf" + line(), "INVALID_ENCODING", "", "byte order mark"),
        (line()[:-20] + b"\xff" + line()[-20:], "INVALID_ENCODING", "", "is not UTF-8"),
        (b'{"root":{"note":"\xed\xa0\x80"}}', "INVALID_ENCODING", "", "byte 17 is not UTF-8"),
        (line()[:40], "INVALID_RECORD_JSON", "", ""),
        (b'{"__metadata":{"version":0.1},"root":{"ste', "INVALID_RECORD_JSON", "", ""),
        (b"<html>", "INVALID_RECORD_JSON", "", "line 1 column 1"),
        (b"@order_created\ndef f(order):\n    pass", "INVALID_RECORD_JSON", "", ""),
        (b"[1]", "INVALID_RECORD_JSON", "", "a record is a JSON object"),
        (b'"text"', "INVALID_RECORD_JSON", "", "a record is a JSON object"),
        (b"0" * 63 + b":{}", "INVALID_RECORD_JSON", "", ""),
        (line()[:-1] + b',"active":true}', "INVALID_RECORD_JSON", "", "'active' occurs twice"),
        (
            line().replace(b'"shop_id":"7"', b'"shop_id":"7", "shop_id":"7"'),
            "INVALID_RECORD_JSON",
            "",
            "'shop_id'",
        ),
        (line().replace(b":3,", b":NaN,"), "INVALID_RECORD_JSON", "", ""),
        (line().replace(b":3,", b":Infinity,"), "INVALID_RECORD_JSON", "", ""),
        (line(workflow={}), "INVALID_ENVELOPE_FIELD", "/workflow", "as text"),
        (line(workflow=None), "INVALID_ENVELOPE_FIELD", "/workflow", "as text"),
        (line(workflow_id=""), "INVALID_ENVELOPE_FIELD", "/workflow_id", "not empty, is ''"),
        (line(workflow_id=None), "INVALID_ENVELOPE_FIELD", "/workflow_id", "is None"),
        (line(workflow_id=True), "INVALID_ENVELOPE_FIELD", "/workflow_id", "is True"),
        (line(shop_id=1.5), "INVALID_ENVELOPE_FIELD", "/shop_id", "is 1.5"),
        (line(created_at="2026-01-02"), "INVALID_ENVELOPE_FIELD", "/created_at", "is '2026-01-02'"),
        (line(created_at="2026-01-02T03:04:05"), "INVALID_ENVELOPE_FIELD", "/created_at", "such as"),
        (line(updated_at="yesterday"), "INVALID_ENVELOPE_FIELD", "/updated_at", "is 'yesterday'"),
        (line(updated_at=1_700_000_000), "INVALID_ENVELOPE_FIELD", "/updated_at", "is 1700000000"),
        (
            line(last_run_at="0001-01-01T00:00:00+14:00"),
            "INVALID_ENVELOPE_FIELD",
            "/last_run_at",
            "from 1970",
        ),
        (line(last_run_at="1969-12-31T23:59:59Z"), "INVALID_ENVELOPE_FIELD", "/last_run_at", "from 1970"),
        (line(num_runs_7d=-1), "INVALID_ENVELOPE_FIELD", "/num_runs_7d", "is -1"),
        (line(num_runs_7d=True), "INVALID_ENVELOPE_FIELD", "/num_runs_7d", "is True"),
        (line(num_runs_7d=2**63), "INVALID_ENVELOPE_FIELD", "/num_runs_7d", "is 9223372036854775808"),
        (line(num_runs_7d=2.0), "INVALID_ENVELOPE_FIELD", "/num_runs_7d", "is 2.0"),
        (line(active="yes"), "INVALID_ENVELOPE_FIELD", "/active", "is 'yes'"),
        (line(tenant="x"), "UNKNOWN_ENVELOPE_KEY", "/tenant", "'tenant'"),
    ],
)
def test_a_bad_record_is_refused_with_its_place(raw: bytes, code: str, path: str, said: str) -> None:
    found = refusal(raw)
    assert found[:2] == (code, path)
    assert said in found[2]
    assert found[2]


@pytest.mark.parametrize("key", sorted(ENVELOPE))
def test_every_key_is_needed(key: str) -> None:
    raw = json.dumps({name: value for name, value in ENVELOPE.items() if name != key}).encode()
    assert refusal(raw)[:2] == ("MISSING_ENVELOPE_KEY", f"/{key}")


@pytest.mark.parametrize("depth", [129, 200, 300, 2_000, 10_000, 100_000])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_refused_at_any_depth(depth: int, brackets: str) -> None:
    opened = "[" if brackets == "[]" else '{"a":'
    deep = opened * depth + "1" + brackets[1] * depth
    raw = line(workflow="DEEP").replace(b'"DEEP"', deep.encode())
    code, _, said = refusal(raw)
    assert (code, said) in (
        ("INVALID_RECORD_JSON", "nested deeper than 128 levels"),
        (
            "INVALID_ENVELOPE_FIELD",
            "must be the workflow as text",
        ),  # what orjson writes back, it has read well
    )
    assert code == "INVALID_RECORD_JSON" or depth < 300


def test_a_workflow_of_the_greatest_size_fits_however_it_is_escaped() -> None:
    workflow = "\x00" * (1 << 20)
    raw = line(workflow=workflow)
    assert len(raw) < MAX_RECORD_BYTES
    read_envelope(raw, "")
    assert workflow_text(raw) == workflow


def test_a_place_is_a_file_and_a_line_where_there_are_lines() -> None:
    assert place_of("dump.jsonl", 17) == "dump.jsonl line 17"
    assert place_of("vip.flow", 0) == "vip.flow"
