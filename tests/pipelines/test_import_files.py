"""From a folder of logs to a folder of events: whole, once, and read by the reader of the lake."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from jobs.import_conversations import main
from pipelines.importers.exchanges import ImportPolicy
from pipelines.importers.files import SUFFIXES, import_files
from pipelines.records import LINES
from pipelines.storage import find_inputs
from schemas.conversation import messages_of, read_event
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, Contract, canonical_json
from serving.contract_files import CONTRACT_SUFFIX
from tests.pipelines.model_logs import FIFTY, POLICY, chat_pairs, chat_spans, traces, with_system
from tests.schemas.conversations import CONVERSATIONS

TOOLS = CONTRACT.openai()
TRAJECTORY = CONVERSATIONS["whole_trajectory"]


def write(path: Path, *lines: Any) -> Path:
    text = "".join(
        f"{line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)}\n" for line in lines
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())
    return path


def run(inputs: Path, output: Path, *flags: str) -> int:
    return main(["--inputs", str(inputs), "--output", str(output), "--shop", "7", *flags])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def said_in(folder: Path) -> list[list[Any]]:
    """The conversations of all files that `ingest_conversations` would read, by its own rules."""
    files = find_inputs([str(folder)], (*LINES, CONTRACT_SUFFIX)).files
    by_id: dict[str, list[Any]] = {}
    for file in files:
        if file.uri.endswith(CONTRACT_SUFFIX):
            text = Path(file.uri).read_text(encoding="utf-8")
            assert Path(file.uri).name == f"{Contract.from_json(text).fingerprint()}{CONTRACT_SUFFIX}"
            continue
        for line in Path(file.uri).read_bytes().splitlines(keepends=True):
            event = read_event(line)
            by_id.setdefault(event.conversation_id, []).append(event)
    return sorted((messages_of(events) for events in by_id.values()), key=canonical_json)


def report_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("_import-*.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def test_logs_of_every_kind_of_file_become_one_file_of_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, events = tmp_path / "logs", tmp_path / "events"
    pairs = chat_pairs(with_system(TRAJECTORY), tools=TOOLS)
    write(logs / "a.jsonl", *pairs[:2], "{cut", "", "\x00")
    write(logs / "b.jsonl.gz", *pairs[1:], *chat_pairs(FIFTY, "fifty"))
    write(logs / "c.json", json.dumps([{"messages": FIFTY[:2]}, {"messages": 7}], indent=2))
    write(logs / "notes.txt", "not a log")
    assert run(logs, events, "--format", "openai", "--time", "2026-11-22T08:30:00Z", "--model", "m") == 0
    assert said_in(events) == sorted([TRAJECTORY, FIFTY], key=canonical_json)
    report = report_of(events)
    assert [each["code"] for each in report["refused"]] == [
        "INVALID_LOG",
        "EMPTY_RECORD",
        "INVALID_LOG",
        "INVALID_LOG",
    ]
    assert report["refused"][0]["place"].endswith("a.jsonl line 3")
    assert report["refused"][3]["place"].endswith("c.json/1")
    shown = capsys.readouterr().out
    for count in (
        "files=3",
        "skipped_files=1",
        "lines=59",
        "calls=55",
        "repeated=2",
        "conversations=2",
        "events=106",
    ):
        assert f" {count} " in shown
    assert " malformed=4 " in shown
    assert (events / f"{CONTRACT.fingerprint()}{CONTRACT_SUFFIX}").read_text() == CONTRACT.to_json()


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a.jsonl", *chat_pairs(with_system(TRAJECTORY), tools=TOOLS), "{cut")
    folder = tmp_path / "events"
    assert run(tmp_path / "logs", folder, "--format", "openai") == 0
    before, times = contents(folder), {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert run(tmp_path / "logs", folder, "--format", "openai") == 0
    assert contents(folder) == before
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    assert run(tmp_path / "logs", tmp_path / "elsewhere", "--format", "openai") == 0
    assert contents(tmp_path / "elsewhere") == before


def test_spans_become_events(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    silent = [{**each, "attributes": each["attributes"][:3]} for each in chat_spans(TRAJECTORY)]
    write(tmp_path / "logs" / "trace.jsonl", traces(chat_spans(TRAJECTORY)))
    write(tmp_path / "logs" / "other.json", traces([{**each, "traceId": "e" * 32} for each in silent]))
    assert run(tmp_path / "logs", tmp_path / "events", "--format", "otel") == 0
    assert said_in(tmp_path / "events") == [TRAJECTORY]
    assert report_of(tmp_path / "events")["counts"]["without_content"] == 3
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in caplog.text


def test_a_damaged_file_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "logs" / "a.jsonl.gz", *chat_pairs(FIFTY))
    path.write_bytes(path.read_bytes()[:-9])
    write(tmp_path / "logs" / "b.jsonl", *chat_pairs(TRAJECTORY))
    assert run(tmp_path / "logs", tmp_path / "events", "--format", "openai") == 0
    assert said_in(tmp_path / "events") == [TRAJECTORY]
    (refused,) = report_of(tmp_path / "events")["refused"]
    assert (refused["place"], refused["code"]) == (str(path), "DAMAGED_FILE")


def test_a_log_without_a_sound_line_gives_a_report_and_no_events(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xff\xfe\n{"messages":[]}\n')
    assert run(tmp_path / "a.jsonl", tmp_path / "events", "--format", "openai", "--model", "m") == 0
    assert [path.name[:8] for path in (tmp_path / "events").iterdir()] == ["_import-"]
    assert [each["code"] for each in report_of(tmp_path / "events")["refused"]] == [
        "INVALID_ENCODING",
        "NO_CONTENT",
    ]


def test_a_log_stays_under_the_contract_that_lies_beside_its_events(tmp_path: Path) -> None:
    """Even when ours has moved on: otherwise a second import would contradict the first."""
    older = Contract.from_json(CONTRACT.to_json().replace(CONTRACT.version, "contract_v0"))
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / f"{older.fingerprint()}{CONTRACT_SUFFIX}").write_text(older.to_json(), encoding="utf-8")
    (folder / f"{'0' * 64}{CONTRACT_SUFFIX}").write_text("{", encoding="utf-8")
    write(tmp_path / "logs" / "a.jsonl", *chat_pairs(with_system(TRAJECTORY), tools=TOOLS))
    assert run(tmp_path / "logs", folder, "--format", "openai") == 0
    (path,) = folder.glob("events-*.jsonl")
    assert {read_event(line).contract for line in path.read_bytes().splitlines()} == {older.fingerprint()}


@pytest.mark.parametrize("number", range(1, 9))
def test_a_disk_that_fails_leaves_nothing_by_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The n-th write to the disk fails; then the import is done again."""
    write(tmp_path / "logs" / "a.jsonl", *chat_pairs(with_system(TRAJECTORY), tools=TOOLS))
    whole = tmp_path / "whole"
    assert run(tmp_path / "logs", whole, "--format", "openai") == 0
    real, calls = {name: getattr(os, name) for name in ("fsync", "replace")}, iter(range(1, 99))

    def failing(name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if next(calls) == number:
                raise OSError(28, "No space left on device")
            return real[name](*arguments)

        return call

    folder = tmp_path / "events"
    with monkeypatch.context() as patched:
        for name in real:
            patched.setattr(os, name, failing(name))
        code = run(tmp_path / "logs", folder, "--format", "openai")
    found = contents(folder)
    assert (code == 0) == (found == contents(whole))
    assert found.items() <= contents(whole).items()
    assert run(tmp_path / "logs", folder, "--format", "openai") == 0
    assert contents(folder) == contents(whole)


def test_what_cannot_be_written_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "logs" / "a.jsonl", *chat_pairs(FIFTY[:2]))
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert run(tmp_path / "logs", tmp_path / "file", "--format", "openai") == 2
    assert "cannot write in" in capsys.readouterr().err


def test_a_line_over_the_cap_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    large = json.dumps({"messages": [{"role": "user", "content": "a" * (8 << 20)}]})
    write(tmp_path / "logs" / "a.jsonl", large, *chat_pairs(FIFTY[:2]))
    found = find_inputs([str(tmp_path / "logs")], SUFFIXES)
    imported = import_files(found.files, "openai", POLICY, tmp_path / "events")
    assert [(type(bad), bad.code) for _, bad in imported.refused] == [(BadRecord, "RECORD_TOO_LARGE")]
    assert imported.counts["events"] == 2


def test_flags_are_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = ["--inputs", str(tmp_path), "--output", str(tmp_path), "--format", "openai"]
    assert main(inputs) == 2
    assert "--shop or --shop-from" in capsys.readouterr().err
    with pytest.raises(ValueError, match="--shop"):
        ImportPolicy(shop="\n")
