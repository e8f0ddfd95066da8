"""Evaluation without Spark and without a network: what is asked, what came of it, how sure a rate is."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.evaluation.entrants import ORACLE, Entrant, ask, evaluation_id
from pipelines.evaluation.held_out import Chosen, HeldOut, Wanted, choose, held_out_of, read_held_out
from pipelines.evaluation.report import HEADERS, table
from pipelines.evaluation.scoring import Rate, Score, quantile, score
from schemas.chat import Message
from schemas.errors import BrokenLaw, Transient, UsageError
from schemas.tools import CONFIGURE, SAVE, SEARCH, Contract
from serving.agent import Budget, Completion
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.pipelines.held_out_sets import (
    WEEK,
    create_row,
    edit_row,
    held_rows,
    question_row,
    tagging,
    write_held_out,
)
from tests.schemas.conversations import calls, says, user

BUDGET = Budget(tokens=4096, seconds=30.0)


# -- what came of a conversation ------------------------------------------------------------------------

WANTED = HeldOut("c", "create", "order_created", (), "Tag vip", Wanted(tagging("vip")))
CHANGED = dataclasses.replace(WANTED, request_kind="edit", wanted=Wanted(tagging("vip"), "workflow-1", 1))
ASKED = dataclasses.replace(WANTED, request_kind="question", trigger="", wanted=None)
UNKNOWN = '@order_created\ndef tag_orders(order):\n    add_order_tags(order_id=order.id, tag="vip")\n'
RIGHT, WRONG, NOTHING = Score(True, True, True), Score(True, True, False), Score(False, False, False)
REFUSED = Score(True, False, False)


def said(*made: tuple[str, Any], before: Sequence[str] = (), end: str = "Done.") -> list[Message]:
    """What a model did, its calls answered by the real tools of a shop that holds `before`."""
    tools = Tools(InMemoryShop())
    for python in before:
        tools.shop.create(python)
    messages: list[Message] = []
    for call in made:
        message = calls(call)
        answer = tools.call(call[0], message["tool_calls"][0]["function"]["arguments"]).text
        messages += [message, {"role": "tool", "content": answer, "tool_call_id": "call_0"}]
    return [*messages, says(end)]


def save(python: str, **more: object) -> tuple[str, dict[str, object]]:
    return SAVE, {"workflow_python": python, **more}


OVER = {"workflow_id": "workflow-1", "workflow_version": 1}
OLD = [tagging("old")]


@pytest.mark.parametrize(
    ("conversation", "messages", "expected"),
    [
        (WANTED, said(save(tagging("vip"))), RIGHT),
        (WANTED, said(save(tagging("vip").replace("    ", "  ") + "\n\n")), RIGHT),
        (WANTED, said((SEARCH, {"search_queries": ["tag"]}), save(tagging("vip"))), RIGHT),
        (WANTED, said(save(tagging("gold"))), WRONG),
        (WANTED, said(save(tagging("vip", name="other_name"))), WRONG),
        (WANTED, said(save(tagging("gold")), save(tagging("vip"))), RIGHT),
        (WANTED, said(save(tagging("vip")), save(tagging("gold"))), WRONG),
        (WANTED, said(save(tagging("vip")), save("import os")), NOTHING),
        (WANTED, said(save("import os")), NOTHING),
        (WANTED, said((SAVE, {"python": tagging("vip")})), NOTHING),
        (WANTED, said((CONFIGURE, {"workflow_python": tagging("vip")})), NOTHING),
        (WANTED, said(end=tagging("vip")), NOTHING),
        (WANTED, [], NOTHING),
        (WANTED, said(save(UNKNOWN)), REFUSED),
        (CHANGED, said(save(tagging("vip"), **OVER), before=OLD), RIGHT),
        (CHANGED, said(save(tagging("vip")), before=OLD), WRONG),
        (CHANGED, said(save(tagging("vip"), **(OVER | {"workflow_version": 9})), before=OLD), REFUSED),
        (ASKED, said(), Score(None, None, True)),
        (ASKED, said((SEARCH, {"search_queries": ["tag"]})), Score(None, None, True)),
        (ASKED, said(save(tagging("vip"))), Score(None, None, False)),
        (ASKED, said(save("import os")), Score(None, None, True)),
    ],
)
def test_a_conversation_has_one_score(
    conversation: HeldOut, messages: list[Message], expected: Score
) -> None:
    assert score(conversation, "answered", messages) == expected


def test_a_question_without_an_answer_is_not_right() -> None:
    assert not score(ASKED, "time_budget", said()[:-1]).equal
    assert not score(ASKED, "model_silent", []).equal


# -- rates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 1, 0.2065, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval_is_the_published_one(num: int, of: int, low: float, high: float) -> None:
    assert Rate(num, of).interval == pytest.approx((low, high), abs=5e-5)


def test_a_rate_is_shown_with_what_it_stands_on() -> None:
    assert str(Rate(5, 10)) == "5/10 (24-76%)"
    assert str(Rate(0, 0)) == "-"


def test_a_quantile_is_a_value_that_was_seen() -> None:
    values = [float(n) for n in range(20, 0, -1)]
    assert [quantile(values, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1.0, 10.0, 19.0, 20.0]
    assert quantile([3.0], 0.95) == 3.0


# -- what is asked --------------------------------------------------------------------------------------


def test_the_choice_is_spread_over_kinds_and_grows_at_its_end() -> None:
    kinds = {f"c{n}": "create" for n in range(50)} | {"e1": "edit", "e2": "edit"}
    kinds |= {f"q{n}": "question" for n in range(5)}
    chosen = choose(kinds, num=9, seed=0)
    assert sorted(kinds[each] for each in chosen) == ["create"] * 4 + ["edit"] * 2 + ["question"] * 3
    assert choose(dict(reversed(kinds.items())), num=9, seed=0) == chosen
    assert choose(kinds, num=30, seed=0)[:9] == chosen
    assert choose(kinds, num=9, seed=1) != chosen
    assert sorted(choose(kinds, num=100, seed=0)) == sorted(kinds)


def test_a_row_is_asked_from_its_last_request_on() -> None:
    created, edited, asked = (
        held_out_of(create_row(1)),
        held_out_of(edit_row(1)),
        held_out_of(question_row(1)),
    )
    assert (created.history, created.request) == ((), "Tag new orders vip 1")
    assert created.wanted == Wanted(tagging("vip 1"))
    assert edited.request == 'Change the tag "vip 1" to "gold 1"'
    assert edited.wanted == Wanted(tagging("gold 1"), "workflow-1", 1)
    assert edited.history[0]["content"] == "Tag new orders"
    assert edited.history[-1]["role"] == "assistant"
    assert (asked.request, asked.wanted) == ("What is 1?", None)


def test_no_workflow_is_wanted_where_the_last_request_led_to_none() -> None:
    """A recorded conversation keeps the workflow that was proposed before its last question."""
    messages = [*json.loads(create_row(1)["messages"]), user("What is Flow?"), says("It runs workflows.")]
    row = create_row(1) | {"messages": json.dumps(messages), "request_kind": "question"}
    assert held_out_of(row).wanted is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"messages": "[]"}, "MESSAGES"),
        ({"messages": '[{"role": "user"}]'}, "MESSAGES"),
        ({"messages": "{"}, "MESSAGES"),
        ({"python": "import os"}, "PYTHON_CONSTRUCT"),
        ({"messages": edit_row(1)["messages"].replace("Saved, switched off.", "Saved!")}, "REPLAY"),
    ],
)
def test_what_cannot_be_asked_has_a_reason(tmp_path: Path, changes: dict[str, str], code: str) -> None:
    rows = [*held_rows(1), create_row(7) | changes]
    found = read_held_out(str(write_held_out(tmp_path / "set", rows)), week=WEEK, num=10, seed=0)
    assert len(found.conversations) == 3
    assert found.left_out == {code: 1}


def chosen_of(tmp_path: Path, num: int = 6, **changes: Any) -> Chosen:
    folder = write_held_out(tmp_path / "set", held_rows(2), **changes)
    return read_held_out(str(folder), week=WEEK, num=num, seed=0)


def test_the_chosen_come_in_the_order_of_choice_wherever_they_lie(tmp_path: Path) -> None:
    kinds = {row["record_id"]: row["request_kind"] for row in held_rows(2)}
    found = chosen_of(tmp_path, num=5)
    assert [each.record_id for each in found.conversations] == choose(kinds, num=5, seed=0)
    assert found.left_out == {}


def refusal(folder: Path, week: str = WEEK) -> str:
    with pytest.raises(UsageError) as caught:
        read_held_out(str(folder), week=week, num=5, seed=0)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_set_that_does_not_fit_is_refused_in_a_sentence(tmp_path: Path) -> None:
    def made(name: str, **changes: Any) -> Path:
        return write_held_out(tmp_path / name, held_rows(1), **changes)

    assert "no finished shard set" in refusal(tmp_path / "nowhere")
    assert "say --week 2026-W47" in refusal(made("week"), week="2026-W48")
    assert "another contract" in refusal(made("contract", fingerprints={"contract": "x"}))
    assert "workflow_shards_v1" in refusal(made("format", format="workflow_shards_v1"))
    assert "lacks what evaluation needs" in refusal(made("old", held_out=None))
    assert "form of manifest" in refusal(made("files", held_out=[{"path": "x"}]))
    assert "holds no conversation out" in refusal(write_held_out(tmp_path / "empty", []))
    listed = [{"path": "../x.parquet", "sha256": "", "num_rows": 1}]
    assert "outside it" in refusal(made("outside", held_out=listed))
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "manifest.json").write_text('{"format": ')
    assert "cannot be read" in refusal(tmp_path / "cut")


def test_a_changed_byte_is_refused_by_the_name_of_its_file(tmp_path: Path) -> None:
    folder = write_held_out(tmp_path / "set", held_rows(1))
    path = folder / "data" / "test-00001-of-00002.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert "test-00001-of-00002.parquet is not the file" in refusal(folder)
    path.unlink()
    assert "test-00001-of-00002.parquet" in refusal(folder)


# -- asking ---------------------------------------------------------------------------------------------


class Says:
    """A model that does the same whatever it is asked."""

    def __init__(self, does: Callable[[], Completion]) -> None:
        self.name = "says"
        self.does = does

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        return self.does()


def raises(error: Exception) -> Completion:
    raise error


def endless() -> Completion:
    return Completion(calls((SEARCH, {"search_queries": ["tag"]})), num_tokens=500)


def asked(does: Callable[[], Completion], chosen: Chosen) -> list[dict[str, Any]]:
    entrant = Entrant("trained", "says", lambda conversation: Says(does))
    return list(ask(entrant, chosen, chosen.conversations, budget=BUDGET, clock=time.monotonic))


def test_the_script_is_right_everywhere(tmp_path: Path) -> None:
    chosen = chosen_of(tmp_path)
    rows = list(ask(ORACLE, chosen, chosen.conversations, budget=BUDGET, clock=time.monotonic))
    assert [row["equal"] for row in rows] == [True] * 6
    assert [row["record_id"] for row in rows] == [each.record_id for each in chosen.conversations]
    assert {row["valid"] for row in rows if row["request_kind"] != "question"} == {True}
    assert {(row["model"], row["model_kind"]) for row in rows} == {("scripted-oracle", "oracle")}
    assert all(row["num_tokens"] > 0 and row["num_turns"] > 0 and row["latency_seconds"] > 0 for row in rows)


def test_an_app_that_the_merchant_had_is_there(tmp_path: Path) -> None:
    app = "b99ddae5-9dbe-4829-bbce-5d6200aa1216"
    fields = 'spreadsheet="s", worksheet="w", row="r"'
    python = f'@order_created\ndef call_it(order):\n    task("{app}", "0.1", {fields})\n'
    folder = write_held_out(tmp_path / "set", [create_row(1, python, [app])])
    chosen = read_held_out(str(folder), week=WEEK, num=1, seed=0)
    (row,) = ask(ORACLE, chosen, chosen.conversations, budget=BUDGET, clock=time.monotonic)
    assert (row["valid"], row["equal"]) == (True, True)


@pytest.mark.parametrize(
    ("does", "reason", "turns"),
    [
        (lambda: raises(ValueError("shapes do not fit")), "model_raised", 0),
        (lambda: raises(Transient("busy")), "model_unavailable", 0),
        (lambda: Completion(says("")), "model_silent", 0),
        (lambda: Completion({"role": "user", "content": "x"}), "model_junk", 0),
        (endless, "model_repeats", 3),
        (lambda: Completion(says("I saved it."), num_tokens=4), "answered", 1),
        (lambda: Completion(says("I saved it, and"), num_tokens=4096), "token_budget", 1),
    ],
)
def test_whatever_a_model_does_is_a_row_with_its_reason(
    tmp_path: Path, does: Callable[[], Completion], reason: str, turns: int
) -> None:
    rows = asked(does, chosen_of(tmp_path))
    assert [(row["reason"], row["num_turns"]) for row in rows] == [(reason, turns)] * 6
    for row in rows:
        right = reason == "answered" and row["request_kind"] == "question"
        wanted = None if row["request_kind"] == "question" else False
        assert (row["parses"], row["valid"], row["equal"]) == (wanted, wanted, right)


def test_an_answer_that_comes_too_late_is_none(tmp_path: Path) -> None:
    seconds = iter(range(0, 10_000, 29))
    entrant = Entrant("trained", "says", lambda conversation: Says(lambda: Completion(says("Yes."))))
    chosen = chosen_of(tmp_path)
    rows = list(ask(entrant, chosen, chosen.conversations, budget=BUDGET, clock=lambda: float(next(seconds))))
    assert {(row["reason"], row["equal"]) for row in rows} == {("time_budget", False)}


def test_a_broken_law_is_no_row(tmp_path: Path) -> None:
    with pytest.raises(BrokenLaw):
        asked(lambda: raises(BrokenLaw("the template changed")), chosen_of(tmp_path))


def test_an_evaluation_is_named_by_all_that_its_rows_depend_on(tmp_path: Path) -> None:
    chosen = chosen_of(tmp_path)
    others = [
        evaluation_id(Entrant("untrained", ORACLE.name, ORACLE.model), chosen, BUDGET),
        evaluation_id(dataclasses.replace(ORACLE, name="x"), chosen, BUDGET),
        evaluation_id(ORACLE, dataclasses.replace(chosen, held_out="x"), BUDGET),
        evaluation_id(ORACLE, dataclasses.replace(chosen, shards="x"), BUDGET),
        evaluation_id(ORACLE, chosen, dataclasses.replace(BUDGET, tokens=1)),
    ]
    same = evaluation_id(ORACLE, chosen_of(tmp_path / "again", num=2), BUDGET)
    assert same == evaluation_id(ORACLE, chosen, BUDGET)
    assert len({same, *others}) == 6


# -- the table ------------------------------------------------------------------------------------------


def test_the_table_counts_what_is_not_null_and_names_the_script(tmp_path: Path) -> None:
    chosen = chosen_of(tmp_path)
    rows = asked(lambda: Completion(says("I saved it."), num_tokens=4), chosen)
    for row in rows:
        row["latency_seconds"] = 2.0
    script = list(ask(ORACLE, chosen, chosen.conversations, budget=BUDGET, clock=time.monotonic))
    lines = list(table([*rows, *script]))
    assert all(len(line) == len(HEADERS) for line in lines)
    assert lines[0] == [
        *("says", "all", "6", "0/4 (0-49%)", "0/4 (0-49%)", "2/6 (10-70%)"),
        *("2.00", "2.00", "2", "answered 6"),
    ]
    assert [line[:3] for line in lines[1:4]] == [["", kind, "2"] for kind in ("create", "edit", "question")]
    assert lines[3][3:6] == ["-", "-", "2/2 (34-100%)"]
    assert lines[4][:6] == [
        *("scripted-oracle (script)", "all", "6", "4/4 (51-100%)", "4/4 (51-100%)", "6/6 (61-100%)")
    ]
    assert lines[4][6:9] == ["-", "-", "-"]
    assert not math.isnan(float(lines[0][8]))
