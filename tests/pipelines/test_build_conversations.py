"""Recorded files to bronze to silver: nothing is lost or there twice, and no identifier comes through."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from jobs import build_conversations, ingest_conversations  # noqa: E402
from pipelines import ingest  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.conversation_events import events_form  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.records import LINES  # noqa: E402
from pipelines.storage import find_inputs  # noqa: E402
from schemas.errors import Transient, UsageError  # noqa: E402
from schemas.table import Table  # noqa: E402
from schemas.tables import BRONZE_EVENTS, GOLD_FATES, SILVER_CONVERSATIONS  # noqa: E402
from schemas.workflow import from_python, to_python  # noqa: E402
from tests.pipelines.recordings import PYTHON, Recorded  # noqa: E402
from tests.pipelines.test_conversations import PERSONAL, SECRETS  # noqa: E402

NOTHING = {
    **{"files": 0, "read": 0, "new": 0, "known": 0, "repeated": 0, "malformed": 0},
    **{"contracts": 0, "malformed_contracts": 0},
}


def take(lake: Lake, *inputs: Path | str) -> dict[str, Any]:
    config = ingest_conversations.Config(inputs=tuple(map(str, inputs)), lake=lake.root)
    return dict(ingest_conversations.run(config))


def build(lake: Lake, **options: Any) -> dict[str, Any]:
    return dict(build_conversations.run(build_conversations.Config(lake=lake.root, **options)))


def rows(lake: Lake, table: Table, *by: str) -> list[dict[str, Any]]:
    return sorted(lake.read(table).toArrow().to_pylist(), key=lambda row: [row[name] for name in by])


def conversations(lake: Lake) -> list[dict[str, Any]]:
    return rows(lake, SILVER_CONVERSATIONS, "conversation_id")


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Three conversations: one that is turned on, one with identifiers, one question."""
    recorded = Recorded(tmp_path / "events")
    recording, _ = recorded.ask("Tag big orders as vip")
    recording.append("activated", {"workflow_id": "workflow-1", "workflow_version": 1})
    recorded.ask("Mail ann@corp.com, +1 415 555 0100, when ANN@corp.com buys", PERSONAL, shop_id="shop-2")
    recorded.ask("What does Flow do?", None)
    return recorded


def test_events_come_home_once_and_without_identifiers(lake: Lake, recorded: Recorded) -> None:
    num = len(recorded.lines())
    taken = {"files": 1, "skipped_files": 0, "read": num, "new": num, "contracts": 1}
    assert take(lake, recorded.folder) == NOTHING | taken
    found = rows(lake, BRONZE_EVENTS, "source_line")
    assert [row["raw"] + b"\n" for row in found] == recorded.lines()
    assert [row["source_line"] for row in found] == list(range(1, num + 1))
    for row, event in zip(found, recorded.events(), strict=True):
        same = (
            "event_id",
            "conversation_id",
            "shop_id",
            "sequence",
            "kind",
            "payload",
            "model",
            "contract",
            "arm",
        )
        assert {name: row[name] for name in same} == {name: getattr(event, name) for name in same}
        assert row["event_time"] == event.time
        assert (row["problem_code"], row["num_bytes"]) == (None, len(row["raw"]))
    assert build(lake) == {
        "events": num, "in_conversations": num, "repeated": 0, "malformed": 0,
        "conversations": 3, "refused": 0, "open": 0, "ahead": 0, "redacted": 7, "new": 3, "changed": 0,
        "warnings": 0,
    }  # fmt: skip
    first, second, third = conversations(lake)
    assert (first["activated"], first["python"], first["request_kind"]) == (True, PYTHON, "create")
    assert (second["shop_id"], second["activated"], second["problem"]) == ("shop-2", None, None)
    assert (third["request_kind"], third["actions"], third["workflow_id"]) == ("question", [], None)
    raw = b"".join(row["raw"] for row in found)
    assert b"ann@corp.com" in raw
    assert b"x-1.myshopify" in raw
    silver = repr([first, second, third]).casefold()
    assert [secret for secret in SECRETS if secret.casefold() in silver] == []
    assert second["python"].count("email_1@redacted.invalid") == 2
    assert to_python(from_python(second["python"])) == second["python"]
    before = lake.version(BRONZE_EVENTS), lake.version(SILVER_CONVERSATIONS)
    again = take(lake, recorded.folder)
    assert (again["new"], again["known"]) == (0, num)
    assert (build(lake)["new"], build(lake)["changed"]) == (0, 0)
    assert (lake.version(BRONZE_EVENTS), lake.version(SILVER_CONVERSATIONS)) == before


def test_neither_lines_nor_files_need_an_order(lake: Lake, recorded: Recorded, tmp_path: Path) -> None:
    take(lake, recorded.folder)
    build(lake)
    lines = recorded.lines()
    random.Random(3).shuffle(lines)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "b.jsonl").write_bytes(b"".join(lines[:9]))
    (mixed / "a.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[7:])))
    other = Lake(lake.spark, tmp_path / "other")
    counts = take(other, mixed)
    assert (counts["read"], counts["new"], counts["repeated"]) == (len(lines) + 2, len(lines), 2)
    build(other)
    assert conversations(other) == conversations(lake)


def test_every_bad_line_is_kept_and_holds_up_nobody(lake: Lake, recorded: Recorded) -> None:
    lines = recorded.lines()
    unknown = lines[0].replace(b'"kind":"message"', b'"kind":"shouted"').replace(b'"c1', b'"c9')
    spaced = json.dumps(json.loads(lines[1])).encode() + b"\n"
    ancient = lines[0].replace(b"2026-11-17T", b"0001-01-01T")
    other = (
        lines[2].replace(b'"c1', b'"c7').replace(b'"sequence":2', b'"sequence":0').replace(b"c7-2", b"c7-0")
    )
    (recorded.folder / "bad.jsonl").write_bytes(
        unknown + spaced + ancient + other + b"\n" + lines[3] + lines[5][:60]
    )
    counts = take(lake, recorded.folder)
    assert (counts["read"], counts["new"], counts["repeated"], counts["malformed"]) == (
        len(lines) + 7, len(lines) + 6, 1, 4,
    )  # fmt: skip
    problems = {
        row["source_line"]: (row["problem_code"], row["problem"].removeprefix(f"{recorded.folder}/"))
        for row in rows(lake, BRONZE_EVENTS, "source_line")
        if row["problem_code"]
    }
    assert {line: code for line, (code, _) in problems.items()} == {
        1: "UNKNOWN_EVENT_KIND",
        3: "INVALID_EVENT_FIELD",
        5: "EMPTY_EVENT",
        7: "INVALID_EVENT_JSON",
    }
    assert problems[1][1] == "bad.jsonl line 1 at /kind: nobody knows the kind 'shouted'"
    assert problems[3][1] == "bad.jsonl line 3 at /time: must be a time from 1970 on and before 2100"
    built = build(lake)
    assert built == {
        "events": len(lines) + 6, "in_conversations": len(lines) + 1, "repeated": 1, "malformed": 4,
        "conversations": 4, "refused": 1, "open": 1, "ahead": 0, "redacted": 7, "new": 4, "changed": 0,
        "warnings": 0,
    }  # fmt: skip
    refused = {row["conversation_id"]: row["problem_code"] for row in conversations(lake) if row["problem"]}
    assert refused == {"c7": "NO_REQUEST"}
    assert conversations(lake)[0]["num_repeated"] == 1


def test_what_comes_late_changes_one_row(lake: Lake, recorded: Recorded) -> None:
    (file,) = recorded.folder.glob("*.jsonl")
    lines = recorded.lines()
    activated = next(line for line in lines if b'"kind":"activated"' in line)
    question = [line for line in lines if b'"conversation_id":"c3"' in line]
    answered = question[-2:]  # the answer, and that it ended
    file.write_bytes(b"".join(line for line in lines if line not in (activated, *answered)))
    take(lake, recorded.folder)
    build(lake)
    assert [(row["activated"], row["problem_code"]) for row in conversations(lake)] == [
        (None, None),
        (None, None),
        (None, "UNFINISHED"),
    ]
    unchanged = conversations(lake)[1]
    with file.open("ab") as more:
        more.write(activated + b"".join(answered))
    take(lake, recorded.folder)
    built = build(lake)
    assert (built["new"], built["changed"], built["refused"]) == (0, 2, 0)
    assert [row["activated"] for row in conversations(lake)] == [True, None, None]
    assert conversations(lake)[1] == unchanged


def test_a_cut_line_stays_beside_the_whole_one(lake: Lake, recorded: Recorded) -> None:
    (file,) = recorded.folder.glob("*.jsonl")
    whole = b"".join(recorded.lines()[:-1])  # the answer is last; that it ended follows
    file.write_bytes(whole[:-40])
    assert take(lake, recorded.folder)["malformed"] == 1
    assert build(lake)["refused"] == 1
    file.write_bytes(whole[:-1])
    assert (take(lake, recorded.folder)["new"], build(lake)["refused"]) == (1, 0)
    file.write_bytes(whole)
    counts = take(lake, recorded.folder)
    assert (counts["new"], counts["malformed"]) == (0, 0)
    assert build(lake)["malformed"] == 1


def test_a_conversation_that_is_too_large_is_a_row(lake: Lake, recorded: Recorded) -> None:
    take(lake, recorded.folder)
    sizes = [sum(b'"conversation_id":"c%d"' % n in line for line in recorded.lines()) for n in (1, 2, 3)]
    built = build(lake, max_bytes=3000)
    assert (built["conversations"], built["refused"]) == (3, 2)
    assert [(row["problem_code"], row["num_events"]) for row in conversations(lake)] == [
        ("CONVERSATION_TOO_LARGE", sizes[0]),
        ("CONVERSATION_TOO_LARGE", sizes[1]),
        (None, sizes[2]),
    ]


def test_nothing_recorded_is_no_error(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    assert take(lake, folder) == NOTHING | {"skipped_files": 0}
    (folder / "events-1.jsonl").write_bytes(b"")
    (folder / "notes.md").write_text("x")
    assert take(lake, folder) == NOTHING | {"skipped_files": 2}
    assert not lake.exists(BRONZE_EVENTS)
    lake.replace(lake.spark.createDataFrame([], spark_schema(GOLD_FATES)), GOLD_FATES)
    assert set(build(lake).values()) == {0}
    assert not lake.exists(SILVER_CONVERSATIONS)
    with pytest.raises(UsageError, match=r"no such file or folder: .*gone\.$"):
        take(lake, tmp_path / "gone")


def test_a_recorder_that_writes_meanwhile_is_worth_another_try(
    lake: Lake, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = recorded.folder.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-40])
    found = find_inputs([str(recorded.folder)], LINES)
    first_lines = ingest.first_lines

    def grow(*given: Any) -> Any:
        with file.open("ab") as more:
            more.write(b'"}\n')
        return first_lines(*given)

    monkeypatch.setattr(ingest, "first_lines", grow)
    with pytest.raises(Transient, match="changed while it was read"):
        ingest.ingest(lake, found, events_form("evolve"))
    assert lake.read(BRONZE_EVENTS).count() == 0


def test_a_mistyped_lake_is_one_sentence(lake: Lake) -> None:
    with pytest.raises(UsageError, match=r"no conversations in .*; run ingest_conversations first\.$"):
        build(lake)
