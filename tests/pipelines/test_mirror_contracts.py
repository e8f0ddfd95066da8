"""Contracts compared part by part, and a folder of events compared without a lake."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import check_mirror
from pipelines.mirror.differences import contract_differences, is_newer, unknown_contract
from pipelines.mirror.folder import check_folder
from schemas.errors import EXIT_BROKEN_LAW, EXIT_USAGE, UsageError
from schemas.tools import CONTRACT, SEARCH, Contract, Tool
from serving.contract_files import CONTRACT_SUFFIX
from tests.pipelines import production as drift
from tests.pipelines.production import REORDERED, conversations
from tests.pipelines.test_conversations import SECRETS

# -- contracts ------------------------------------------------------------------------------------------


def changed_schema(change: Callable[[dict[str, Any]], None]) -> Contract:
    def with_schema(tool: Tool) -> Tool:
        schema = tool.schema
        change(schema["properties"])
        return replace(tool, parameters=drift.canonical_json(schema))

    return drift.changed_tool(CONTRACT, SEARCH, with_schema)


def without(part: str, key: str) -> Contract:
    def change(tool: Tool) -> Tool:
        response = json.loads(tool.response)
        response[part].remove(key)
        return replace(tool, response=drift.canonical_json(response))

    return drift.changed_tool(CONTRACT, SEARCH, change)


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (CONTRACT, []),
        (replace(CONTRACT, version="contract_v0"), ["version: other version contract_v0"]),
        (replace(CONTRACT, system_prompt="Hello."), ["system_prompt: stale text"]),
        (replace(CONTRACT, envelope=("data", "ok")), ["envelope: missing field tool"]),
        (replace(CONTRACT, refusal=(*CONTRACT.refusal, "way_out")), ["refusal: extra field way_out"]),
        (replace(CONTRACT, tools=CONTRACT.tools[1:]), ["tools.task_search: missing tool"]),
        (
            replace(CONTRACT, tools=(*CONTRACT.tools, replace(CONTRACT.tools[0], name="teleport"))),
            ["tools.teleport: extra tool"],
        ),
        (without("task", "label"), ["tools.task_search.response.task: missing field label"]),
        (
            changed_schema(lambda properties: properties.update(limit={"type": "integer"})),
            ["tools.task_search.parameters: extra argument limit"],
        ),
        (
            changed_schema(lambda properties: properties["search_queries"].update(maxItems=3)),
            ["tools.task_search.parameters.search_queries: other schema"],
        ),
        (
            changed_schema(lambda properties: properties["search_queries"].update(description="Words.")),
            ["tools.task_search.parameters.search_queries: stale description"],
        ),
    ],
)
def test_each_part_of_a_contract_has_its_name(recorded: Contract, expected: list[str]) -> None:
    assert list(map(str, contract_differences(recorded, CONTRACT))) == expected
    assert bool(expected) == (recorded.fingerprint() != CONTRACT.fingerprint())


@pytest.mark.parametrize(
    ("version", "newer"),
    [("contract_v1000", True), ("contract_v1", False), (CONTRACT.version, False), ("next", False)],
)
def test_a_newer_contract_is_told_by_its_number(version: str, newer: bool) -> None:
    assert is_newer(replace(CONTRACT, version=version), CONTRACT) == newer


# -- a folder of events ---------------------------------------------------------------------------------


def test_a_folder_is_compared_without_a_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, told = tmp_path / "events", tmp_path / "report.json"
    conversations(events, write=drift.extra_field)
    assert check_mirror.main(["--events", str(events), "--json", str(told)]) == EXIT_BROKEN_LAW
    out, err = capsys.readouterr()
    assert "\ntools.task_search.response.task: extra field score\n  4 conversations, 4 events, 0 that" in out
    assert "c1 event 2: connector_id, description, id, installed, label, publisher, score" in out
    assert err == (
        "check_mirror: mirror: 1 differences are in what was recorded (stopped; nothing is published)\n"
    )
    (found,) = json.loads(told.read_text())["differences"]
    assert (found["name"], found["kind"], found["detail"]) == (
        "tools.task_search.response.task",
        "extra field",
        "score",
    )
    assert found["first"] < found["last"]
    assert len(found["examples"]) == 3
    assert not [secret for secret in SECRETS if secret.casefold() in (out + told.read_text()).casefold()]


def test_a_folder_in_line_is_exit_0_and_damaged_lines_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversations(tmp_path)
    (tmp_path / "more.jsonl").write_text("{\n")
    (tmp_path / "events.log").write_text("not looked at")
    assert check_mirror.main(["--events", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "\nno difference\n" in out
    assert re.search(
        r"^check_mirror files=3 skipped_files=1 conversations=5 events=\d+ malformed=1 differences=0 ",
        out,
        re.M,
    )


@pytest.mark.parametrize("content", [b"", b"{}\n{}\n", b"\x00\xff\x1f\x8b\n"])
def test_a_folder_without_a_conversation_was_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (tmp_path / "events.jsonl").write_bytes(content)
    assert check_mirror.main(["--events", str(tmp_path)]) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert "no difference" not in out
    num = max(1, content.count(b"\n"))
    assert f"so nothing was compared: 1 files read, 0 skipped, {num} lines that are no event" in err


def test_a_folder_without_the_text_of_a_contract_is_out_of_line(tmp_path: Path) -> None:
    conversations(tmp_path, REORDERED)
    for kept in tmp_path.glob(f"*{CONTRACT_SUFFIX}"):
        kept.unlink()
    report, _ = check_folder([str(tmp_path)])
    assert [str(each.difference) for each in report.seen] == [str(unknown_contract(REORDERED.fingerprint()))]


def test_a_key_that_is_a_persons_is_not_told(tmp_path: Path) -> None:
    def personal(answer: dict[str, Any]) -> str:
        for summary in drift.summaries(answer):
            summary["ann@corp.com"] = True
        return drift.canonical_json(answer)

    conversations(tmp_path, write=personal)
    report, _ = check_folder([str(tmp_path)])
    assert report.seen
    assert "ann@corp.com" not in report.text() + report.json()


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--lake", "l"],
        ["--events", "e", "--lake", "l", "--week", "2026-W47"],
        ["--events", "e", "--migrate"],
    ],
)
def test_a_lake_and_a_week_or_events(argv: list[str]) -> None:
    with pytest.raises(UsageError, match="Give --lake and --week, or --events alone"):
        check_mirror.main.check(argv)
