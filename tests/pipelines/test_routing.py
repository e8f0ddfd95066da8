"""Every conversation and every malformed line has exactly one fate, for the first reason that fits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from pipelines.contracts import differences, spark_schema  # noqa: E402
from pipelines.facets import FACETS  # noqa: E402
from pipelines.judge import JUDGE_VERSION, conversation_digest  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.ledger import ledger  # noqa: E402
from pipelines.routing import RoutingPolicy, route, to_route, weeks_to_route  # noqa: E402
from schemas.conversation import conversation_record_id  # noqa: E402
from schemas.errors import BrokenLaw  # noqa: E402
from schemas.tables import (  # noqa: E402
    BRONZE_EVENTS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
    SILVER_JUDGMENTS,
    Table,
)
from schemas.weeks import Week  # noqa: E402
from tests.pipelines.conversation_rows import Row, asked, row  # noqa: E402

WEEK = Week.parse("2026-W47")
WEEKS = ["2026-W46", "2026-W47"]
POLICY = RoutingPolicy()
GOOD: dict[str, float | None] = dict.fromkeys(FACETS, 1.0)
WORDS_ONLY: dict[str, float | None] = {**GOOD, "syntax": None, "components": None}


def frame(spark: SparkSession, table: Table, rows: Iterable[Row]) -> DataFrame:
    whole = [{**dict.fromkeys(table.schema.names), **each} for each in rows]
    return spark.createDataFrame(whole, spark_schema(table))


def judgments(conversations: DataFrame, scores: dict[str, dict[str, float | None]]) -> DataFrame:
    """This judge's rows over the conversations as they stand; `scores` by conversation id, else all good."""
    spark = conversations.sparkSession
    digests = conversations.select("record_id", "conversation_id", conversation_digest().alias("digest"))
    rows = [
        {
            **{"record_id": each["record_id"], "facet": facet, "score": score},
            **{"judge_version": JUDGE_VERSION, "conversation_digest": each["digest"]},
            "detail": f"about {facet}",
        }
        for each in digests.collect()
        for facet, score in scores.get(each["conversation_id"], GOOD).items()
    ]
    return frame(spark, SILVER_JUDGMENTS, rows)


def line(name: str, **columns: Any) -> Row:
    place = {"source_file": "events.jsonl", "source_line": 3, "problem": "mail a@b.example"}
    return {"record_id": name, "problem_code": "INVALID_EVENT_JSON", **place, **columns}


CASES: dict[str, tuple[Row, dict[str, float | None], tuple[str, str]]] = {
    "sound": ({}, GOOD, ("training", "activated")),
    "rated up": ({"rating": "up"}, GOOD, ("training", "activated")),
    "problem": ({"problem_code": "GAP"}, GOOD, ("rejected", "GAP")),
    "open": ({"closed": False}, GOOD, ("quarantine", "open")),
    "open, for all that is known": ({"closed": None}, GOOD, ("quarantine", "open")),
    "open, with a problem": ({"closed": False, "problem_code": "GAP"}, GOOD, ("quarantine", "open")),
    "problem of a trainer's name": ({"problem_code": "activated"}, GOOD, ("rejected", "activated")),
    "other contract": ({"contract": "0" * 64}, GOOD, ("quarantine", "other_contract")),
    "no contract": ({"contract": None}, GOOD, ("quarantine", "other_contract")),
    "not to be migrated": ({"migration_problem": "GONE"}, GOOD, ("quarantine", "other_contract")),
    "migrated": ({"recorded_contract": "0" * 64}, GOOD, ("training", "activated")),
    "a wish in words": ({"python": ""}, WORDS_ONLY, ("quarantine", "nothing_proposed")),
    "a wish without Python": ({"python": None}, WORDS_ONLY, ("quarantine", "nothing_proposed")),
    "an edit in words": (
        {"python": "", "request_kind": "edit"},
        WORDS_ONLY,
        ("quarantine", "nothing_proposed"),
    ),
    "of no kind": ({"python": "", "request_kind": None}, WORDS_ONLY, ("quarantine", "nothing_proposed")),
    "judged by nobody": ({}, {}, ("quarantine", "no_judgment")),
    "judged by half": ({}, {"syntax": 1.0, "components": 1.0}, ("quarantine", "no_judgment")),
    **{
        f"{facet} {score}": ({}, {**GOOD, facet: score}, ("quarantine", f"judge_{facet}"))
        for facet in FACETS
        for score in (None, 0.0, 0.99, math.nan, 1.01)
    },
    "rated down": ({"rating": "down"}, GOOD, ("quarantine", "rated_down")),
    "rated oddly": ({"rating": "meh"}, GOOD, ("quarantine", "rated_down")),
    "nobody knows": ({"activated": None}, GOOD, ("quarantine", "activation_unknown")),
    "left off": ({"activated": False}, GOOD, ("quarantine", "not_activated")),
    "changed": ({"edited": True}, GOOD, ("quarantine", "edited_by_merchant")),
    "perhaps changed": ({"edited": None}, GOOD, ("quarantine", "edited_by_merchant")),
    "answered": ({"question": True}, WORDS_ONLY, ("training", "answered")),
    "answered, rated down": (
        {"question": True, "rating": "down"},
        WORDS_ONLY,
        ("quarantine", "rated_down"),
    ),
    "answered after a failed try": (
        {"question": True},
        {**WORDS_ONLY, "syntax": 0.0},
        ("quarantine", "judge_syntax"),
    ),
    "answered with nothing": (
        {"question": True},
        {**WORDS_ONLY, "next_steps": None},
        ("quarantine", "judge_next_steps"),
    ),
    "a question that follows a workflow": ({"request_kind": "question"}, GOOD, ("training", "activated")),
}


def conversation(name: str, **columns: Any) -> Row:
    question = columns.pop("question", False)
    return row(name, asked(), None, **columns) if question else row(name, **columns)


def test_the_first_reason_that_fits_decides(spark: SparkSession) -> None:
    rows = [conversation(name, **columns) for name, (columns, *_) in CASES.items()]
    conversations = frame(spark, SILVER_CONVERSATIONS, rows)
    judged = judgments(conversations, {name: scores for name, (_, scores, _) in CASES.items()})
    none = frame(spark, GOLD_FATES, [])
    found = route(conversations, judged, frame(spark, BRONZE_EVENTS, []), none, WEEK, WEEKS, POLICY)
    assert differences(found.schema, GOLD_FATES) == []
    by_id = {each["record_id"]: each for each in found.collect()}
    named = {name: by_id[conversation_record_id(name)] for name in CASES}
    assert {name: (each["fate"], each["reason"]) for name, each in named.items()} == {
        name: expected for name, (*_, expected) in CASES.items()
    }
    assert {each["kind"] for each in by_id.values()} == {"conversation"}
    assert {each["policy_version"] for each in by_id.values()} == {POLICY.version}
    assert named["components 0.0"]["detail"] == "about components"
    assert named["sound"]["detail"] is None
    assert (named["sound"]["workflow_id"], named["sound"]["shop_id"]) == ("workflow-1", "shop-sound")
    shuffled = route(
        conversations.orderBy(F.rand(1)).repartition(3),
        judged.orderBy(F.rand(2)).repartition(2),
        frame(spark, BRONZE_EVENTS, []),
        none,
        WEEK,
        WEEKS,
        POLICY,
    )
    assert {each["record_id"]: each for each in shuffled.collect()} == by_id


def test_a_judgment_of_other_words_or_by_another_judge_is_no_judgment(spark: SparkSession) -> None:
    conversations = frame(spark, SILVER_CONVERSATIONS, [row("changed"), row("foreign"), row("loose")])
    judged = judgments(conversations, {})
    stale, foreign = conversation_record_id("changed"), conversation_record_id("foreign")
    here = F.col("record_id")
    judged = judged.withColumn(
        "conversation_digest", F.when(here == stale, "0").otherwise(F.col("conversation_digest"))
    ).withColumn("judge_version", F.when(here == foreign, "other").otherwise(F.col("judge_version")))
    none = frame(spark, GOLD_FATES, [])
    found = route(conversations, judged, frame(spark, BRONZE_EVENTS, []), none, WEEK, WEEKS, POLICY)
    assert {each["record_id"]: each["reason"] for each in found.collect()} == {
        stale: "no_judgment",
        foreign: "no_judgment",
        conversation_record_id("loose"): "activated",
    }


def test_thresholds_are_in_the_version_and_let_in_what_they_say(spark: SparkSession) -> None:
    policy = RoutingPolicy(min_components=0.75)
    conversations = frame(spark, SILVER_CONVERSATIONS, [row("at"), row("below")])
    judged = judgments(
        conversations, {"at": {**GOOD, "components": 0.75}, "below": {**GOOD, "components": 0.74}}
    )
    none = frame(spark, GOLD_FATES, [])
    found = route(conversations, judged, frame(spark, BRONZE_EVENTS, []), none, WEEK, WEEKS, policy)
    reasons = {each["record_id"]: each["reason"] for each in found.collect()}
    assert reasons[conversation_record_id("at")] == "activated"
    assert reasons[conversation_record_id("below")] == "judge_components"
    assert policy.version != POLICY.version
    assert f"components>=0.75 appropriateness>=1 next_steps>=1 judge={JUDGE_VERSION}" in policy.version
    for least in (0, -1, 1.1, math.nan):
        with pytest.raises(ValueError, match="--min-next-steps must be above 0 and at most 1"):
            RoutingPolicy(min_next_steps=least)


def fate(name: str, week: str, kind: str, fate: str = "training") -> Row:
    return {"record_id": name, "week": week, "kind": kind, "fate": fate}


def test_a_malformed_line_keeps_the_week_that_saw_it_first(spark: SparkSession) -> None:
    events = frame(
        spark,
        BRONZE_EVENTS,
        [line("new"), line("old"), line("now", source_line=0), {**line("ok"), "problem_code": None}],
    )
    stored = frame(spark, GOLD_FATES, [fate("old", "2026-W30", "event"), fate("now", "2026-W46", "event")])
    nothing = frame(spark, SILVER_CONVERSATIONS, [])
    found = route(nothing, judgments(nothing, {}), events, stored, WEEK, WEEKS, POLICY)
    rows = {each["record_id"]: each for each in found.collect()}
    assert {name: (each["week"], each["fate"], each["reason"]) for name, each in rows.items()} == {
        "new": ("2026-W47", "rejected", "INVALID_EVENT_JSON"),
        "now": ("2026-W46", "rejected", "INVALID_EVENT_JSON"),
    }
    assert rows["new"]["detail"] == "events.jsonl line 3: no readable event"
    assert rows["now"]["detail"] == "events.jsonl: no readable event"
    assert ledger(found, to_route(nothing, events, stored, WEEKS))["rejected"] == 2


def test_the_weeks_are_this_one_the_one_before_and_those_that_need_mending(spark: SparkSession) -> None:
    rows = [
        row("routed", week="2026-W40"),
        row("late", week="2026-W41"),
        row("moved", week="2026-W42"),
        row("later", week="2026-W48"),
        row("migrated", week="2026-W36", recorded_contract="0" * 64),
        row("not to be migrated", week="2026-W35", migration_problem="GONE"),
        row("foreign", week="2026-W34", contract="0" * 64),
    ]
    conversations = frame(spark, SILVER_CONVERSATIONS, rows)
    ids = {name: conversation_record_id(name) for name in ("routed", "moved")}
    kept = {"migrated": "2026-W36", "not to be migrated": "2026-W35", "foreign": "2026-W34"}
    stored = frame(
        spark,
        GOLD_FATES,
        [
            fate(ids["routed"], "2026-W40", "conversation"),
            fate(ids["moved"], "2026-W43", "conversation"),
            *(
                fate(conversation_record_id(name), week, "conversation") | {"reason": "other_contract"}
                for name, week in kept.items()
            ),
            fate("w", "2026-W39", "workflow"),
            fate("e", "2026-W38", "event"),
        ],
    )
    assert weeks_to_route(conversations, stored, WEEK) == [
        "2026-W36",
        "2026-W41",
        "2026-W42",
        "2026-W43",
        "2026-W46",
        "2026-W47",
    ]
    assert weeks_to_route(conversations.limit(0), stored.limit(0), Week.parse("2026-W01")) == [
        "2025-W52",
        "2026-W01",
    ]
    with pytest.raises(BrokenLaw, match="a conversation has no week"):
        weeks_to_route(frame(spark, SILVER_CONVERSATIONS, [row("lost", week=None)]), stored, WEEK)


def run(lake: Lake, week: str, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    from jobs.route_conversations import main

    assert main(["--lake", lake.root, "--week", week]) == 0
    words = capsys.readouterr().out.strip().splitlines()[-1].split()[2:-1]
    return {name: int(value) for name, value in (word.split("=") for word in words)}


def put(lake: Lake, *rows: Row) -> None:
    conversations = frame(lake.spark, SILVER_CONVERSATIONS, rows).persist()
    lake.replace(conversations, SILVER_CONVERSATIONS)
    lake.replace(judgments(conversations, {}), SILVER_JUDGMENTS)


def reasons(lake: Lake) -> dict[tuple[str, str], str]:
    return {(each["record_id"], each["week"]): each["reason"] for each in lake.read(GOLD_FATES).collect()}


def test_weeks_follow_each_other_and_every_record_keeps_one_fate(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = conversation_record_id("first"), conversation_record_id("second")
    lake.replace(frame(lake.spark, GOLD_FATES, [fate("w", "2026-W47", "workflow")]), GOLD_FATES)
    lake.append(frame(lake.spark, BRONZE_EVENTS, [line("bad")]), BRONZE_EVENTS)
    put(lake, row("first", activated=None))
    assert run(lake, "2026-W47", capsys) == {
        "weeks": 2, "events": 1, "read": 2, "training": 0, "quarantine": 1, "rejected": 1, "erased": 0,
        "warnings": 0,
    }  # fmt: skip
    version = lake.version(GOLD_FATES)
    run(lake, "2026-W47", capsys)
    assert lake.version(GOLD_FATES) == version

    # A week later the first was turned on, another came, and another bad line.
    lake.append(frame(lake.spark, BRONZE_EVENTS, [line("worse")]), BRONZE_EVENTS)
    put(lake, row("first"), row("second", week="2026-W48", activated=False))
    counted = run(lake, "2026-W48", capsys)
    assert (counted["read"], counted["training"], counted["quarantine"], counted["rejected"]) == (4, 1, 1, 2)
    bad = "INVALID_EVENT_JSON"
    routed = {
        (first, "2026-W47"): "activated",
        (second, "2026-W48"): "not_activated",
        ("bad", "2026-W47"): bad,
        ("worse", "2026-W48"): bad,
    }
    assert reasons(lake) == {**routed, ("w", "2026-W47"): None}

    # The first week again gives what it gave; what was seen first a week later stays there.
    version = lake.version(GOLD_FATES)
    counted = run(lake, "2026-W47", capsys)
    assert (counted["read"], counted["training"], counted["rejected"]) == (2, 1, 1)
    assert lake.version(GOLD_FATES) == version

    # An event of long ago moves a conversation to an earlier week: the fate moves along.
    put(lake, row("first", week="2026-W20"), row("second", week="2026-W48", activated=False))
    assert run(lake, "2026-W48", capsys)["weeks"] == 3
    moved = {**routed, (first, "2026-W20"): "activated", ("w", "2026-W47"): None}
    del moved[first, "2026-W47"]
    assert reasons(lake) == moved


def test_what_is_missing_is_said(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs.route_conversations import main

    command = ["--lake", lake.root, "--week", "2026-W47"]
    assert main(command) == 2
    assert "There are no conversations in" in capsys.readouterr().err
    lake.replace(frame(lake.spark, SILVER_CONVERSATIONS, []), SILVER_CONVERSATIONS)
    event = {"record_id": "e", "conversation_id": "c", "problem_code": None}
    lake.append(frame(lake.spark, BRONZE_EVENTS, [event]), BRONZE_EVENTS)
    assert main(command) == 2
    assert "1 conversations have only events; run build_conversations first." in capsys.readouterr().err
    assert not lake.exists(GOLD_FATES)
