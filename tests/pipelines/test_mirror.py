"""The five drifts of the article and others: planted in production's tools, named exactly, migrated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.mirror.differences import contract_differences
from pipelines.mirror.migration import differences_in, migrated
from schemas.chat import Message
from schemas.tools import CONFIGURE, CONTRACT, SAVE, SEARCH, Contract
from serving.oracle import ScriptedOracle
from tests.pipelines import production as drift
from tests.pipelines.production import PREFIXED, REORDERED, STALE, Production
from tests.pipelines.test_conversations import PERSONAL

WITH_ERRORS = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.customer, tags=["a"])\n'
QUESTION = ScriptedOracle(None, "It tags orders.", look_up="add order tags")


def conversations(folder: Path, contract: Contract = CONTRACT, **how: Any) -> list[list[Message]]:
    """The same five conversations, whatever production told and answered."""
    there = Production(folder, contract, **how)
    there.had("Tag big orders as vip")
    there.had("Mail a person when a customer buys", PERSONAL)
    there.had("Tag an order", WITH_ERRORS)
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
