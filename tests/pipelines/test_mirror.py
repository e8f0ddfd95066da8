"""The five drifts of the article and others: planted in production's tools, named exactly, migrated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import check_mirror
from pipelines.conversations import ConversationPolicy, conversation_row
from pipelines.mirror.differences import contract_differences, is_newer, unknown_contract
from pipelines.mirror.folder import check_folder
from pipelines.mirror.migration import differences_in, migrated
from pipelines.mirror.stored import migrated_row
from schemas.chat import Message
from schemas.errors import EXIT_BROKEN_LAW, BadRecord, UsageError
from schemas.tools import CONFIGURE, CONTRACT, RESOURCE_TYPES, RESOURCES, SAVE, SEARCH, Contract, Tool
from serving.contract_files import CONTRACT_SUFFIX
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.pipelines import production as drift
from tests.pipelines.production import PREFIXED, REORDERED, STALE, Production
from tests.pipelines.recordings import START
from tests.pipelines.test_conversations import PERSONAL, SECRETS
from tests.pipelines.test_merchants import by_conversation, events_in, run

QUESTION = ScriptedOracle(None, "It tags orders.", look_up="add order tags")


def conversations(folder: Path, contract: Contract = CONTRACT, **how: Any) -> list[list[Message]]:
    """The same five conversations, whatever production told and answered."""
    there = Production(folder, contract, **how)
    there.had("Tag big orders as vip")
    there.had("Mail a person when a customer buys", PERSONAL)
    there.had("Tag an order", drift.OBJECTIONABLE)
    there.had("What does Add order tags do?", oracle=QUESTION)
    there.had("Thank you", None)
    there.recorder.close()
    return there.messages()


def named(messages: list[Message], recorded: Contract = CONTRACT) -> set[str]:
    found = {str(difference) for _, (difference, _) in differences_in(messages, CONTRACT, recorded)}
    return found | set(map(str, contract_differences(recorded, CONTRACT)))


def unsorted(tool: str, *parts: str) -> list[str]:
    return [f"tools.{tool}.response.{part}: keys not sorted" for part in parts]


DRIFTS: Mapping[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, set()),
    "prefix": (
        {"contract": PREFIXED},
        {f"tools.{tool.name}: prefix flow_app_agent_" for tool in CONTRACT.tools},
    ),
    "order": (
        {"contract": REORDERED},
        {f"tools.order: other order {', '.join(tool.name for tool in REORDERED.tools)}"},
    ),
    "key order": (
        {"write": drift.other_key_order},
        {
            "envelope: keys not sorted",
            *unsorted(SEARCH, "task"),
            *unsorted(CONFIGURE, "task", "config_field", "return_field"),
            *unsorted(SAVE, "data", "validation_errors", "validation_error"),
        },
    ),
    "extra field": ({"write": drift.extra_field}, {"tools.task_search.response.task: extra field score"}),
    "stale description": ({"contract": STALE}, {"tools.task_search.description: stale description"}),
    "stale description in answers": (
        {"write": drift.stale_answers},
        {"tools.task_search.response.task.description: stale value"},
    ),
    "missing field": (
        {"write": drift.missing_field},
        {"tools.task_search.response.task: missing field publisher"},
    ),
    "spacing": (
        {"write": drift.with_spaces},
        {f"tools.{name}.response: spacing or escapes" for name in (SEARCH, CONFIGURE, SAVE)},
    ),
    "renamed argument": (
        {"contract": drift.renamed_argument(), "renames": {"search_queries": "queries"}},
        {"tools.task_search.parameters.search_queries: renamed queries"},
    ),
}  # fmt: skip
"""Name -> how production drifted, and exactly what the gate must say."""


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> list[list[Message]]:
    return conversations(tmp_path_factory.mktemp("today"))


@pytest.mark.parametrize(("how", "expected"), DRIFTS.values(), ids=DRIFTS)
def test_a_drift_is_named_exactly(tmp_path: Path, how: dict[str, Any], expected: set[str]) -> None:
    recorded = how.get("contract", CONTRACT)
    assert set().union(*(named(said, recorded) for said in conversations(tmp_path, **how))) == expected


@pytest.mark.parametrize(("how", "expected"), DRIFTS.values(), ids=DRIFTS)
def test_what_drifted_is_migrated_to_the_bytes_of_what_never_did(
    tmp_path: Path, today: list[list[Message]], how: dict[str, Any], expected: set[str]
) -> None:
    recorded = how.get("contract", CONTRACT)
    again = [migrated(messages, CONTRACT, recorded) for messages in conversations(tmp_path, **how)]
    assert again == today
    assert set().union(*map(named, again)) == set()
    assert [migrated(messages, CONTRACT) for messages in again] == again


def test_what_is_another_conversation_today_is_refused_with_the_reason(tmp_path: Path) -> None:
    there = Production(tmp_path, write=drift.accepts_anything)
    there.had("Tag an order", drift.OBJECTIONABLE)
    (messages,) = there.messages()
    assert "tools.create_or_update_workflow.response.validation_errors.configFieldErrors: other entries" in (
        named(messages)
    )
    with pytest.raises(BadRecord) as refused:
        migrated(messages, CONTRACT, CONTRACT)
    assert (refused.value.code, refused.value.path) == ("OTHER_OUTCOME", "/6")


def test_a_search_that_no_longer_shows_what_is_used_cannot_be_migrated(tmp_path: Path) -> None:
    def other_ids(answer: dict[str, Any]) -> str:
        for summary in drift.summaries(answer):
            summary["id"] = str(summary["id"]).replace("order_created", "order_made")
        for task in answer["data"]["tasks"] if answer["tool"] == CONFIGURE else ():
            task["id"] = task["id"].replace("order_created", "order_made")
        return drift.canonical_json(answer)

    there = Production(tmp_path, write=other_ids)
    there.had("Tag big orders as vip")
    (messages,) = there.messages()
    with pytest.raises(BadRecord, match="shopify::admin::order_made") as refused:
        migrated(messages, CONTRACT, CONTRACT)
    assert refused.value.code == "TASK_GONE"


def called(name: str, arguments: str, answer: str) -> list[Message]:
    function: Any = {"name": name, "arguments": arguments}
    return [
        {"role": "user", "content": "Do it"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1_0", "type": "function", "function": function}],
        },
        {"role": "tool", "content": answer, "tool_call_id": "call_1_0"},
        {"role": "assistant", "content": "Done."},
    ]


@pytest.mark.parametrize("name", ["teleport", "flow_app_agent_task_search"])
def test_a_call_that_was_rightly_refused_is_no_drift(name: str) -> None:
    said = called(name, "{}", Tools(InMemoryShop()).call(name, "{}").text)
    assert named(said) == set()
    assert migrated(said, CONTRACT, CONTRACT) == said


def test_a_refusal_that_names_other_tools_is_stale() -> None:
    older = replace(CONTRACT, tools=CONTRACT.tools[:3], version="contract_v0")
    said = called("teleport", "{}", Tools(InMemoryShop(), older).call("teleport", "{}").text)
    assert named(said) == {"refusal: stale value"}
    assert migrated(said, CONTRACT, older) == called(
        "teleport", "{}", Tools(InMemoryShop()).call("teleport", "{}").text
    )


def test_what_production_accepted_and_the_contract_would_not_is_a_difference() -> None:
    arguments = '{"limit":3,"search_queries":"orders"}'
    answer = Tools(InMemoryShop()).call(SEARCH, '{"search_queries":["orders"]}').text
    assert named(called(SEARCH, arguments, answer)) >= {
        "tools.task_search.parameters: extra argument limit",
        "tools.task_search.parameters.search_queries: other value must be of type array",
        "tools.task_search.response: other outcome accepted in production, refused today",
    }
    unsorted = called(SEARCH, '{"search_queries": ["orders"]}', answer)
    assert named(unsorted) == {"tools.task_search.arguments: not canonical"}
    assert migrated(unsorted, CONTRACT) == called(SEARCH, '{"search_queries":["orders"]}', answer)
    assert named(called("teleport", "{}", '{"data":{},"ok":true,"tool":"teleport"}')) == {
        "tools.teleport: extra tool"
    }


SHOPS_OWN = '{"data":{"resources":[{"gid":"gid://shopify/Product/9","path":"/products/9","title":"Card"}]},'


def test_what_lay_in_the_shop_keeps_its_values() -> None:
    arguments = f'{{"query":"card","resource_type":"{RESOURCE_TYPES[0]}"}}'
    answer = f'{SHOPS_OWN}"ok":true,"tool":"{RESOURCES}"}}'
    assert named(called(RESOURCES, arguments, answer)) == set()
    more = answer.replace('"title":"Card"', '"stock": 3, "title":"Card"')
    assert named(called(RESOURCES, arguments, more)) == {
        "tools.search_shop_resource.response.resource: extra field stock",
        "tools.search_shop_resource.response: spacing or escapes",
    }
    assert migrated(called(RESOURCES, arguments, more), CONTRACT) == called(RESOURCES, arguments, answer)
    less = answer.replace(',"title":"Card"', "")
    with pytest.raises(BadRecord, match="missing field title, and only the shop can answer it") as refused:
        migrated(called(RESOURCES, arguments, less), CONTRACT)
    assert refused.value.code == "MISSING_FIELD"


def test_ids_that_production_gave_stay(tmp_path: Path) -> None:
    there = Production(tmp_path, write=drift.extra_field)
    there.had("Tag big orders as vip")
    (messages,) = there.messages()
    told = json.loads(json.dumps(messages).replace("workflow-1", "gid://7"))
    again = migrated(told, CONTRACT)
    assert again[6]["content"] == told[6]["content"]
    assert "gid://7" in str(again[6]["content"])


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
    assert check_mirror.main(["--events", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "\nno difference\n" in out
    assert re.search(r"^check_mirror conversations=5 events=\d+ malformed=1 differences=0 ", out, re.M)


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


def test_simulated_merchants_show_nothing_but_the_contract(tmp_path: Path) -> None:
    """Every conversation of a week, as events and as the rows that silver makes of them."""
    run(tmp_path, num=24)
    report, counts = check_folder([str(tmp_path)])
    assert (report.seen, counts["conversations"]) == ([], 24)
    by_id = by_conversation(events_in(tmp_path))
    made = [conversation_row(events, ConversationPolicy(), START) for events in by_id.values()]
    sound = [row for row in made if row["problem_code"] is None] if "problem_code" in made[0] else made
    sound = [row for row in sound if row["messages"]]
    assert len(sound) > 15
    blank = dict.fromkeys(("recorded_contract", "recorded_sha256", "migration_problem"))
    assert [migrated_row(row | blank, {}) for row in sound] == [row | blank for row in sound]


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
