"""Search of tasks: what merchants say is found, in Flow's order, in few bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog.catalogue import PUBLISHERS, Catalogue, Publisher
from schemas.catalog.tasks import SHIPPED, TASKS
from schemas.tools import SEARCH, canonical_json
from serving.shop import InMemoryShop
from serving.task_search import MATCHES, SUMMARY_BYTES
from serving.task_search import search as search_in
from serving.tools import Tools
from tests.serving.tool_calls import keys, search

SHEET = "b99ddae5-9dbe-4829-bbce-5d6200aa1216"
LOOKED_UP = [task for task in TASKS.values() if task.kind not in ("CONDITION", "FOREACH")]


def read(name: str) -> list[tuple[str, ...]]:
    """(what a merchant would type, the id that is meant without `shopify::`, or a label where it has none)"""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [tuple(line.split("\t")) for line in text.splitlines()]


QUERIES = read("task_queries.tsv")
"""Written before the search was tuned; every second one was held out of the tuning."""
UNSEEN = read("task_queries_unseen.tsv")
"""Written when the tuning was done, and measured once: what to expect of words that nobody thought of."""


def found_share(queries: list[tuple[str, ...]]) -> float:
    """The share of the queries whose task is among the first ten."""
    num_found = 0
    for query, wanted in queries:
        summaries = search_in(query, InMemoryShop())
        num_found += wanted in [(each["id"] or each["label"]).removeprefix("shopify::") for each in summaries]
    return num_found / len(queries)


# -- what merchants say ---------------------------------------------------------------------------------


def test_there_are_200_queries_and_each_names_a_task() -> None:
    assert len({query for query, _ in QUERIES}) == 200
    ids = {task.id.removeprefix("shopify::") for task in TASKS.values()}
    assert {wanted for _, wanted in QUERIES + UNSEEN} <= ids | {task.label for task in SHIPPED.unidentified}


def test_what_merchants_say_is_found_among_ten() -> None:
    assert found_share(QUERIES[0::2]) >= 0.95
    assert found_share(QUERIES[1::2]) >= 0.95


def test_most_of_what_nobody_thought_of_is_found_as_well() -> None:
    assert not {query for query, _ in UNSEEN} & {query for query, _ in QUERIES}
    assert found_share(UNSEEN) >= 0.85


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("ad tags to an ordr", "add_order_tags"),
        ("send emial", "send_email"),
        ("oder created", "order_created"),
    ],
)
def test_a_misspelt_word_is_found(misspelt: str, meant: str) -> None:
    assert search(misspelt)[0]["id"].endswith(meant)


# -- order ----------------------------------------------------------------------------------------------


def test_matches_are_installed_first_then_by_publisher_then_by_score() -> None:
    told: list[tuple[str, str, Publisher, bool]] = [
        ("app", "Send purple letter", "non-shopify-app", True),
        ("app", "Send purple letters", "shopify-app", True),
        ("shopify", "Send purple letter soon", "flow", True),
        ("shopify", "Send purple letter", "flow", True),
        ("shopify", "Send purple letter", "shopify", False),
        ("shopify", "Send", "shopify", True),
    ]
    email = TASKS["shopify::flow::send_email"]
    tasks = [
        replace(email, id=f"{owner}::x::{number}", label=label, publisher=publisher, known=known)
        for number, (owner, label, publisher, known) in enumerate(told)
    ]
    catalogue = Catalogue({task.id: task for task in tasks})
    found = search_in("send purple letter", InMemoryShop(frozenset({"app::x::0"})), catalogue)
    assert [task["id"].rpartition("::")[2] for task in found] == ["3", "2", "0", "4", "1"]
    assert [task["installed"] for task in found] == [True, True, True, False, False]


def test_a_weak_match_of_a_preferred_publisher_does_not_bury_what_was_meant() -> None:
    for label, publisher in (
        ("google sheets add row", "non-shopify-app"),
        ("send marketing email", "shopify-app"),
    ):
        assert search(label)[0]["publisher"] == publisher
        assert PUBLISHERS.index(publisher) > PUBLISHERS.index("flow")


# -- answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", LOOKED_UP, ids=lambda task: task.label)
def test_every_task_is_found_by_its_label(task: Any) -> None:
    assert task.id in [found["id"] for found in search(task.label.lower())]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("order created", "shopify::admin::order_created"),
        ("add tags to an order", "shopify::admin::add_order_tags"),
        ("send an email to the team", "shopify::flow::send_email"),
        ("cancelled orders", "shopify::admin::order_cancelled"),
        ("capture the payment", "shopify::admin::capture_payment"),
        ("collect authorized money", "shopify::admin::capture_payment"),
        ("new product", "shopify::admin::product_added"),
        ("every day at 9", "shopify::flow::scheduled_time"),
        ("call a web service", "shopify::flow::send_http"),
        ("run javascript", "shopify::flow::run_code"),
        ("total of amounts", "shopify::flow::sum"),
        ("fetch orders", "shopify::flow::fetch::orders"),
        ("draft order note", "shopify::admin::update_draft_order_note"),
        ("chargeback", "shopify::admin::dispute_created"),
        ("sold out", "shopify::admin::product_variant_out_of_stock"),
    ],
)
def test_what_a_person_means_comes_first(query: str, first: str) -> None:
    assert search(query)[0]["id"] == first


def test_a_summary_is_short_and_has_the_keys_of_the_contract() -> None:
    for task in TASKS.values():
        for found in search(task.label):
            assert tuple(found) == keys(SEARCH, "task")
            assert len(canonical_json(found).encode()) <= SUMMARY_BYTES
            assert found["description"].endswith(".")


def test_installed_tasks_come_first() -> None:
    shop = InMemoryShop()
    found = [task["installed"] for task in search("remove product tags from a customer", shop)]
    assert found == sorted(found, reverse=True)
    assert set(found) == {True, False}
    assert [task["installed"] for task in search("google sheets add row")][:1] != [True]
    assert search("google sheets add row", InMemoryShop(apps=frozenset({SHEET})))[0]["installed"]


def test_a_guess_is_marked_and_never_installed() -> None:
    guesses = {task.id for task in LOOKED_UP if not task.known}
    assert guesses
    for task in LOOKED_UP:
        for found in search(task.label):
            is_guess = found["id"] in guesses
            assert found["description"].startswith("Unconfirmed") == is_guess
            assert not (is_guess and found["installed"])


@pytest.mark.parametrize("query", ["slack", "a message to microsoft teams", "asana task", "loyalty tiers"])
def test_what_has_no_public_id_is_found_and_cannot_be_used(query: str) -> None:
    found = search(query)[0]
    assert (found["id"], found["version"], found["connector_id"]) == (None, None, "")
    assert found["description"].startswith("No workflow can use it")
    assert not found["installed"]
    assert tuple(found) == keys(SEARCH, "task")


def wordy(number: int) -> Any:
    email = TASKS["shopify::flow::send_email"]
    return replace(
        email,
        id=f"shopify::flow::send_{number:03}",
        label=f"Send order {number:03}",
        description='Every "order" is sent – 東京. ' * 40,
    )


def test_a_hundred_matches_stay_below_37_000_bytes_even_where_a_catalogue_is_wordy() -> None:
    catalogue = Catalogue({task.id: task for task in map(wordy, range(120))})
    queries = [f"send order{' now' * number}" for number in range(10)]
    answer = Tools(InMemoryShop(), catalogue=catalogue).call(
        SEARCH, canonical_json({"search_queries": queries})
    )
    summaries = [task for found in json.loads(answer.text)["data"]["tasks"].values() for task in found]
    assert len(summaries) == 100
    assert len({task["id"] for task in summaries}) == MATCHES
    assert all(len(canonical_json(task).encode()) <= SUMMARY_BYTES for task in summaries)
    assert all(task["description"].endswith("…") for task in summaries)
    assert sum(len(canonical_json(task).encode()) for task in summaries) <= 37_000
    assert len(answer.text.encode()) <= 38_000


@given(st.text(max_size=200))
def test_any_query_is_answered(query: str) -> None:
    assert len(search(query)) <= 10


def test_words_that_nobody_knows_find_nothing() -> None:
    assert search("zzz") == search("") == search("東京") == []
