"""Which conversations train, which are held out, and the reason of each that does neither."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from pipelines.lake import Lake  # noqa: E402
from pipelines.pool import MAX_MESSAGES_CHARACTERS, examine, read_pool, training_texts  # noqa: E402
from schemas.chat import render_text  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.shards import is_held_out  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_SYNTHETIC  # noqa: E402
from schemas.tools import CONTRACT, canonical_json  # noqa: E402
from schemas.weeks import Week  # noqa: E402
from schemas.workflow import from_python  # noqa: E402
from schemas.workflow.descriptor import descriptor_of  # noqa: E402
from tests.pipelines.pool_rows import (  # noqa: E402
    WEEK,
    Row,
    conversation,
    examined,
    fate,
    id_of,
    lake_table,
    of_workflow,
    played,
    pool_of,
    recorded,
    short,
    synthetic,
)
from tests.schemas.conversations import calls, says, user  # noqa: E402

EARLIER, LATER = "2026-W46", "2026-W48"


def by_id(rows: DataFrame) -> dict[str, Row]:
    found = [row.asDict() for row in rows.collect()]
    assert len({row["record_id"] for row in found}) == len(found)
    return {row["record_id"]: row for row in found}


def reasons(rows: DataFrame) -> dict[str, str | None]:
    return {name: row["left_out"] for name, row in by_id(rows).items()}


def test_a_workflow_brings_its_conversations_in_the_week_that_admits_it(spark: SparkSession) -> None:
    made = [synthetic("a0", of="a"), synthetic("a1", of="a"), synthetic("b"), synthetic("c"), synthetic("d")]
    refused = synthetic("a2", of="a", messages=short("a2"), problem_code="REPLAY")
    workflow = {name: id_of(f"workflow {name}") for name in "abcd"}
    fates = [
        fate(workflow["a"]),
        fate(workflow["b"], "quarantine"),
        fate(workflow["c"], week=EARLIER),
        fate(workflow["d"], kind="conversation"),
    ]
    found = by_id(pool_of(spark, [*made, refused], [], fates))
    found.pop(workflow["d"])  # a fate of another kind admits no workflow
    assert set(found) == {id_of("a0"), id_of("a1")}
    row = found[id_of("a0")]
    assert (row["source"], row["source_ids"], row["week"]) == ("synthetic", [workflow["a"]], WEEK)
    assert (row["python"], row["descriptor"]) == ("python a0", "shape a0")
    assert (row["actions"], row["operators"], row["policy_version"]) == (["a"], [], "workflow_policy_v1")


def test_a_recorded_conversation_stays_in_the_pool_of_later_weeks(spark: SparkSession) -> None:
    told = [recorded(name, week=week) for name, week in [("now", WEEK), ("old", EARLIER), ("new", LATER)]]
    told.append(recorded("bad"))
    fates = [fate(row["record_id"], kind="conversation", week=row["week"]) for row in told[:3]]
    fates += [fate(id_of("bad"), "rejected", "conversation"), fate(id_of("bad"), kind="event")]
    found = by_id(pool_of(spark, [], told, fates))
    assert {name: row["week"] for name, row in found.items()} == {id_of("now"): WEEK, id_of("old"): EARLIER}
    row = found[id_of("old")]
    assert (row["source"], row["source_ids"]) == ("recorded", [id_of("old")])


def test_nothing_that_was_admitted_vanishes(spark: SparkSession) -> None:
    workflow, gone = id_of("workflow without"), id_of("gone")
    refused = recorded("refused") | {"messages": "", "problem_code": "GAP"}
    fates = [fate(workflow), fate(gone, kind="conversation"), fate(id_of("refused"), kind="conversation")]
    found = reasons(examine(pool_of(spark, [], [refused], fates), 0.0))
    assert found == dict.fromkeys([workflow, gone, id_of("refused")], "NO_CONVERSATION")


def test_what_cannot_train_says_why(spark: SparkSession) -> None:
    changes: dict[str, tuple[Row, str | None]] = {
        "sound": ({}, None),
        "foreign": ({"contract": "0" * 64}, "OTHER_CONTRACT"),
        "nobody's": ({"contract": None}, "OTHER_CONTRACT"),
        "not to be migrated": ({"migration_problem": "TASK_GONE: it is gone"}, "OTHER_CONTRACT"),
        "cut": ({"messages": "[{"}, "INVALID_WORKFLOW_JSON"),
        "no list": ({"messages": '{"role":"user"}'}, "CONTENT"),
        "no message": ({"messages": "[1]"}, "CONTENT"),
        "empty": ({"messages": "[]"}, "CONVERSATION"),
        "system": ({"messages": '[{"role":"system","content":"be bad"}]'}, "SYSTEM_PROMPT"),
        "open call": ({"messages": canonical_json([user("a"), calls(("x", {}))])}, None),
        "no answer": ({"messages": canonical_json([user("a"), calls(("x", {})), says("b")])}, "TOOL_CALL"),
        "silent": ({"messages": canonical_json([user("a"), user("b")])}, "SILENT"),
        "long": ({"messages": f'["{"x" * MAX_MESSAGES_CHARACTERS}"]'}, "TOO_LONG"),
    }
    rows = examined(spark, [synthetic(name) | change for name, (change, _) in changes.items()])
    assert reasons(rows) == {id_of(name): reason for name, (_, reason) in changes.items()}


def test_of_equal_texts_the_smallest_id_stays(spark: SparkSession) -> None:
    again = [calls(("x", {})), says("done")]
    answers = [{"role": "tool", "content": "{}", "tool_call_id": "call_0"}]
    texts = [user("same"), again[0], *answers, again[1]]
    renamed = canonical_json(texts).replace("call_0", "id_7")  # a call's id is no part of the text
    rows = [conversation(n, messages=texts) for n in range(4)]  # type: ignore[arg-type]
    rows[2]["messages"] = renamed
    made = [{"workflow_record_id": id_of("w")} | row for row in [*rows, conversation("else")]]
    found = reasons(examined(spark, made))
    first = min(id_of(n) for n in range(4))
    assert Counter(found.values()) == {None: 2, "REPEATED": 3}
    assert found[first] is None
    assert found[id_of("else")] is None
    [digest] = {row["text_sha256"] for name, row in by_id(examined(spark, made)).items() if name == first}
    assert bytes(digest) == hashlib.sha256(render_text(texts, CONTRACT).encode()).digest()  # type: ignore[arg-type]


def test_a_side_is_chosen_by_workflow_and_for_no_workflow_by_request(spark: SparkSession) -> None:
    made = [synthetic(f"{n}-{m}", descriptor=f"d{n}") for n in range(30) for m in range(2)]
    made += [synthetic(f"q{n}", descriptor="", messages=[user(f"q{n}"), says("a")]) for n in range(30)]
    made.append(synthetic("q again", descriptor="", messages=[user("q3"), says("another answer")]))
    found = by_id(examined(spark, made, 0.5))
    for row in found.values():
        assert row["held_out"] is is_held_out(row["descriptor"] or row["request"], 0.5)
    assert {row["held_out"] for row in found.values()} == {True, False}
    assert not any(row["held_out"] for row in by_id(examined(spark, made)).values())


def shapes() -> list[tuple[str, str]]:
    """(Python, descriptor) of small workflows that differ in shape."""
    action = '    add_order_tags(order_id=order.id, tags=["vip"])\n'
    found = []
    for trigger in ("order_created", "order_paid", "order_fulfilled"):
        for count in (1, 2, 3):
            python = f"@{trigger}\ndef tag(order):\n{action * count}"
            found.append((python, descriptor_of(from_python(python))))
    assert len({descriptor for _, descriptor in found}) == len(found)
    return found


def test_a_conversation_that_passes_through_a_held_out_workflow_does_not_train(spark: SparkSession) -> None:
    held = next(python for python, shape in shapes() if is_held_out(shape, 0.5))
    free = next(python for python, shape in shapes() if not is_held_out(shape, 0.5))
    way = list(played("first", held))
    mended = [*way, user("Make it another"), *played("second", free)[1:]]
    made = [
        of_workflow("through", free, "Make it another") | {"messages": canonical_json(mended)},
        of_workflow("straight", free, "second"),
        of_workflow("held", held, "first"),
    ]
    found = by_id(examined(spark, made, 0.5))
    assert {name: (row["held_out"], row["left_out"]) for name, row in found.items()} == {
        id_of("through"): (False, "HELD_OUT_WORKFLOW"),
        id_of("straight"): (False, None),
        id_of("held"): (True, None),
    }
    assert reasons(examined(spark, made, 0.0))[id_of("through")] is None


def test_a_request_in_the_words_of_a_held_out_one_does_not_train(spark: SparkSession) -> None:
    held = next(n for n in range(99) if is_held_out(f"shape {n}", 0.5))
    free = [n for n in range(99) if not is_held_out(f"shape {n}", 0.5)]
    made = [
        synthetic(held, request="Tag  big\norders"),
        synthetic(free[0], request="tag BIG orders "),
        synthetic(free[1], request="Tag big orders", request_kind="edit"),
        synthetic(free[2], request="Tag small orders"),
    ]
    assert reasons(examined(spark, made, 0.5)) == {
        id_of(held): None,
        id_of(free[0]): "HELD_OUT_REQUEST",
        id_of(free[1]): None,
        id_of(free[2]): None,
    }
    made[0]["contract"] = "0" * 64  # what is left out keeps nothing else out
    assert reasons(examined(spark, made, 0.5))[id_of(free[0])] is None


def test_refused_python_on_the_way_is_no_workflow(spark: SparkSession) -> None:
    free = next(python for python, shape in shapes() if not is_held_out(shape, 0.5))
    refused = calls(("create_or_update_workflow", {"workflow_python": "import os"}))
    odd = calls(("create_or_update_workflow", {"workflow_python": 7}))
    tools: list[Any] = [{"role": "tool", "content": "{}", "tool_call_id": "call_0"}]
    said = [user("x"), refused, *tools, odd, *tools, *played("x", free)[1:]]
    row = of_workflow("mended", free, "x") | {"messages": canonical_json(said)}
    assert reasons(examined(spark, [row], 0.5)) == {id_of("mended"): None}


def test_texts_for_a_tokenizer_are_whole_and_none_is_held_out(spark: SparkSession) -> None:
    made = [synthetic(n) for n in range(20)]
    made.append(synthetic("again", messages=short(0), descriptor="shape 0"))
    made.append(synthetic("old", contract="0" * 64))
    rows = examined(spark, made, 0.3)
    kept = [n for n in range(20) if not is_held_out(f"shape {n}", 0.3)]
    texts = {render_text(short(n), CONTRACT) for n in kept}
    found = [row["text"] for row in training_texts(rows, 100).collect()]
    assert 5 < len(found) == len(set(found)) < 20
    assert set(found) == texts
    fewer = {row["text"] for row in training_texts(rows.repartition(3), 4).collect()}
    chosen = sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())[:4]
    assert fewer == set(chosen)


def test_a_lake_without_a_pool_is_one_sentence_on_what_to_run(spark: SparkSession, lake: Lake) -> None:
    week = Week.parse(WEEK)
    with pytest.raises(UsageError, match=f"has no fates yet; run curate_workflows --week {WEEK} first"):
        read_pool(lake, week)
    others = [fate(id_of(1), week=EARLIER), fate(id_of(2), kind="conversation", name="quarantine")]
    lake.append(lake_table(spark, GOLD_FATES, *others), GOLD_FATES)
    with pytest.raises(UsageError, match="has no fates yet"):
        read_pool(lake, week)
    lake.append(lake_table(spark, GOLD_FATES, fate(id_of("workflow 3"))), GOLD_FATES)
    with pytest.raises(UsageError, match=f"run synthesize_conversations --week {WEEK} first"):
        read_pool(lake, week)
    lake.append(lake_table(spark, SILVER_SYNTHETIC, synthetic(3)), SILVER_SYNTHETIC)
    lake.append(lake_table(spark, SILVER_CONVERSATIONS, recorded(4)), SILVER_CONVERSATIONS)
    assert set(by_id(read_pool(lake, week))) == {id_of(3)}
