"""The five drifts of the article and others: planted in production's tools, named exactly, migrated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.conversations import ConversationPolicy, conversation_row
from pipelines.mirror.differences import contract_differences
from pipelines.mirror.folder import check_folder
from pipelines.mirror.migration import differences_in, migrated
from pipelines.mirror.stored import migrated_row
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import CONFIGURE, CONTRACT, RESOURCE_TYPES, RESOURCES, SAVE, SEARCH, Contract
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.pipelines import production as drift
from tests.pipelines.production import PREFIXED, REORDERED, STALE, Production, conversations
from tests.pipelines.test_conversations import PERSONAL, SECRETS
from tests.pipelines.test_merchants import by_conversation, events_in, run


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


# -- rows -----------------------------------------------------------------------------------------------


def row_of(there: Production) -> dict[str, Any]:
    """The silver row of the only conversation."""
    events = there.events()
    return {**BLANK, **conversation_row(events, ConversationPolicy())}


BLANK = dict.fromkeys(("problem_code", "recorded_contract", "recorded_sha256", "migration_problem"))


def test_what_is_migrated_brings_no_identifier_back(tmp_path: Path) -> None:
    there = Production(tmp_path, PREFIXED, write=drift.extra_field)
    there.had("Mail ann@corp.com, +1 415 555 0100, when ANN@corp.com buys", PERSONAL)
    row = row_of(there)
    changed = migrated_row(row, {PREFIXED.fingerprint(): PREFIXED.to_json()})
    assert row["num_redacted"] > 0
    assert (changed["migration_problem"], changed["contract"]) == (None, CONTRACT.fingerprint())
    assert changed["recorded_contract"] == PREFIXED.fingerprint()
    assert "email_1@redacted.invalid" in changed["messages"]
    assert not [secret for secret in SECRETS if secret.casefold() in changed["messages"].casefold()]
    assert migrated_row(changed, {}) == changed


@pytest.mark.parametrize(
    ("recorded", "problem"),
    [
        (replace(STALE, version="contract_v1000"), "NEWER_CONTRACT: production ran contract_v1000"),
        (STALE, "UNKNOWN_CONTRACT: nobody has the text"),
    ],
)
def test_what_cannot_be_migrated_says_why_and_keeps_its_words(
    tmp_path: Path, recorded: Contract, problem: str
) -> None:
    there = Production(tmp_path, recorded)
    there.had("Tag big orders as vip")
    row = row_of(there)
    texts = {recorded.fingerprint(): recorded.to_json()} if "NEWER" in problem else {}
    changed = migrated_row(row, texts)
    assert changed.pop("migration_problem").startswith(problem)
    assert changed.pop("recorded_sha256")
    assert changed == {key: row[key] for key in changed}
    assert migrated_row(migrated_row(row, texts), texts) == migrated_row(row, texts)


def test_simulated_merchants_show_nothing_but_the_contract(tmp_path: Path) -> None:
    """Every conversation of a week, as events and as the rows that silver makes of them."""
    run(tmp_path, num=24)
    report, counts = check_folder([str(tmp_path)])
    assert (report.seen, counts["conversations"]) == ([], 24)
    by_id = by_conversation(events_in(tmp_path))
    made = [conversation_row(events, ConversationPolicy()) for events in by_id.values()]
    sound = [BLANK | row for row in made if row["messages"]]
    assert len(sound) > 15
    assert [migrated_row(row, {}) for row in sound] == sound
