"""The rules at their boundaries, against plain Python on random tables, and a week done again later."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from pipelines.contracts import differences, spark_schema  # noqa: E402
from pipelines.curation import CurationPolicy, curate, records_of  # noqa: E402
from pipelines.ledger import ledger  # noqa: E402
from schemas.tables import BRONZE_WORKFLOWS, GOLD_FATES, SILVER_WORKFLOWS  # noqa: E402
from schemas.weeks import Week  # noqa: E402
from tests.pipelines.curation_oracle import (  # noqa: E402
    COLUMNS,
    DAY,
    END,
    SCHEMA,
    TICK,
    WEEK,
    Record,
    id_of,
    oracle,
    random_records,
    record,
)

KIRITIMATI, NIUE = timezone(timedelta(hours=14)), timezone(timedelta(hours=-11))
LONE = CurationPolicy(min_workflows=1)
PAIR = CurationPolicy()
LENIENT = CurationPolicy(accept_unknown_runs=True)
SHORT = CurationPolicy(window_days=3)
KNOWN = CurationPolicy(min_workflows=1, min_shops=3)


def table(spark: SparkSession, records: Iterable[Record]) -> DataFrame:
    return spark.createDataFrame([tuple(each[name] for name in COLUMNS) for each in records], SCHEMA)


def fates(
    spark: SparkSession, records: Sequence[Record], policy: CurationPolicy = PAIR, week: Week = WEEK
) -> dict[str, tuple[str, str]]:
    found = curate(table(spark, records), week, policy).collect()
    assert len(found) == len(records)
    return {row.record_id: (row.fate, row.reason) for row in found}


def named(found: dict[str, tuple[str, str]], *names: str) -> dict[str, str]:
    return {name: found[id_of(name)][1] for name in names}


ACCEPTED = ("training", "accepted")
CASES: dict[str, tuple[Record, tuple[str, str]]] = {
    "6.99 days before": ({"last_run_at": END - 6.99 * DAY}, ACCEPTED),
    "7 days before": ({"last_run_at": END - 7 * DAY}, ACCEPTED),
    "a tick too early": ({"last_run_at": END - 7 * DAY - TICK}, ("rejected", "not_run_recently")),
    "7.01 days before": ({"last_run_at": END - 7.01 * DAY}, ("rejected", "not_run_recently")),
    "the week's last tick": ({"last_run_at": END - TICK}, ACCEPTED),
    "at the week's end": ({"last_run_at": END}, ("rejected", "ran_after_week")),
    "after the week": ({"last_run_at": END + DAY}, ("rejected", "ran_after_week")),
    "7 days before, far east": ({"last_run_at": (END - 7 * DAY).astimezone(KIRITIMATI)}, ACCEPTED),
    "last tick, far east": ({"last_run_at": (END - TICK).astimezone(KIRITIMATI)}, ACCEPTED),
    "at the end, far west": ({"last_run_at": END.astimezone(NIUE)}, ("rejected", "ran_after_week")),
    "ran, number unknown": ({"num_runs_7d": None}, ACCEPTED),
    "ran, none at the dump": ({"num_runs_7d": 0}, ACCEPTED),
    "never ran": ({"last_run_at": None, "num_runs_7d": 0}, ("rejected", "not_run_recently")),
    "unknown runs": ({"last_run_at": None, "num_runs_7d": None}, ("quarantine", "no_run_statistics")),
    "runs at no known time": ({"last_run_at": None, "num_runs_7d": 3}, ("quarantine", "no_run_statistics")),
    "no shop": ({"shop_id": None}, ("quarantine", "no_shop")),
    "no shop, old run": ({"shop_id": None, "last_run_at": END - 8 * DAY}, ("rejected", "not_run_recently")),
    "bare export": (
        {"shop_id": None, "last_run_at": None, "num_runs_7d": None, "updated_at": None},
        ("quarantine", "no_run_statistics"),
    ),
    "changed in the last tick": ({"updated_at": END - TICK}, ACCEPTED),
    "changed at the end": ({"updated_at": END}, ("rejected", "changed_after_week")),
    "change unknown": ({"updated_at": None}, ACCEPTED),
    "no workflow id": ({"workflow_id": None}, ("quarantine", "no_workflow_id")),
    "no workflow id either": ({"workflow_id": None}, ("quarantine", "no_workflow_id")),
    "not transpiled": ({"transpiled": None, "descriptor": None}, ("quarantine", "not_transpiled")),
    "refused": ({"refusal": "INVALID_LINK", "refusal_detail": "where."}, ("quarantine", "INVALID_LINK")),
    "no descriptor": ({"descriptor": None}, ("quarantine", "no_descriptor")),
    "bad envelope": ({"problem_code": "NOT_JSON", "problem": "line 3."}, ("rejected", "NOT_JSON")),
    "nothing known": (
        {**dict.fromkeys(COLUMNS), "record_id": id_of("nothing known"), "problem_code": "NOT_JSON"},
        ("rejected", "NOT_JSON"),
    ),
}


def test_each_record_alone_falls_or_stays_at_the_boundary(spark: SparkSession) -> None:
    found = fates(spark, [record(name, **columns) for name, (columns, _) in CASES.items()], LONE)
    assert {name: found[id_of(name)] for name in CASES} == {name: fate for name, (_, fate) in CASES.items()}


def test_unknown_runs_are_let_in_on_request_and_known_ones_still_count(spark: SparkSession) -> None:
    found = fates(spark, [record(name, **columns) for name, (columns, _) in CASES.items()], LENIENT)
    changed = dict.fromkeys(("unknown runs", "runs at no known time", "bare export"), ACCEPTED)
    below = ("rejected", "shop_below_minimum")  # no shop here has two
    strict = {name: below if fate == ACCEPTED else fate for name, (_, fate) in CASES.items()}
    assert {name: found[id_of(name)] for name in CASES} == strict | changed


def test_a_shop_needs_two_workflows_that_qualify(spark: SparkSession) -> None:
    old, low = {"last_run_at": END - 9 * DAY}, "shop_below_minimum"
    records = [
        *(record(name, shop_id="two") for name in ("a1", "a2")),
        *(record(name, shop_id="three") for name in ("b1", "b2", "b3")),
        *(record("c1", shop_id="one and an old one"), record("c2", shop_id="one and an old one", **old)),
        *(record("d1", shop_id="one twice", workflow_id="d"),),
        *(record("d2", shop_id="one twice", workflow_id="d", updated_at=END - 40 * DAY),),
        *(record("e1", shop_id="one and a refused"), record("e2", shop_id="one and a refused", refusal="X")),
        *(record(name, shop_id="two of a kind", descriptor="kind") for name in ("f1", "f2")),
        *(record(name, shop_id=None) for name in ("g1", "g2", "g3")),
    ]
    names = ["a1", "a2", "b1", "b2", "b3", "c1", "c2", "d1", "d2", "e1", "e2", "g1", "g2", "g3"]
    reasons = ["accepted"] * 5 + [low, "not_run_recently", low, "superseded", low, "X"] + ["no_shop"] * 3
    found = fates(spark, records)
    assert named(found, *names) == dict(zip(names, reasons, strict=True))
    assert sorted(named(found, "f1", "f2").values()) == ["accepted", "descriptor_taken"]
    three = fates(spark, records, CurationPolicy(min_workflows=3))
    assert {id_ for id_, fate in three.items() if fate == ACCEPTED} == {id_of(f"b{n}") for n in (1, 2, 3)}


def test_one_of_a_descriptor_is_kept_by_runs_then_change_then_the_smallest_id(spark: SparkSession) -> None:
    later = {"updated_at": END - 2 * DAY}
    records = [
        record("r1", descriptor="runs", num_runs_7d=10),
        record("r2", descriptor="runs", num_runs_7d=9, **later),
        record("r3", descriptor="runs", num_runs_7d=None, **later),
        record("u1", descriptor="change"),
        record("u2", descriptor="change", **later),
        record("u3", descriptor="change", updated_at=None),
        *(record(name, descriptor="same", record_id=name) for name in ("0a", "0b", "f0", "9f")),
        record("n1", descriptor="unknown", num_runs_7d=None),
        record("n2", descriptor="unknown", num_runs_7d=0),
    ]
    found = fates(spark, records, LONE)
    kept = {id_ for id_, fate in found.items() if fate == ACCEPTED}
    assert kept == {id_of("r1"), id_of("u2"), "0a", id_of("n2")}
    assert {reason for _, reason in found.values()} == {"accepted", "descriptor_taken"}


def test_the_newest_record_of_a_workflow_counts_as_of_the_weeks_end(spark: SparkSession) -> None:
    def version(name: str, workflow: str, updated: timedelta, ran: timedelta, runs: int | None = 5) -> Record:
        moments = {"updated_at": END + updated, "last_run_at": END + ran}
        return record(name, workflow_id=workflow, num_runs_7d=runs, **moments)

    records = [
        version("changed", "a", -2 * DAY, -DAY),
        version("before the change", "a", -3 * DAY, -TICK),
        version("changed after the week", "a", DAY, -DAY),
        version("this week's dump", "b", -30 * DAY, -DAY),
        version("last week's dump", "b", -30 * DAY, -8 * DAY),
        version("next week's dump", "b", -30 * DAY, 3 * DAY),
        version("dumped in time", "c", -30 * DAY, -DAY, 7),
        version("dumped later, no run since", "c", -30 * DAY, -DAY, 2),
        version("dumped later, runs unknown", "c", -30 * DAY, -DAY, None),
        record("newest is refused", workflow_id="d", refusal="CYCLE", updated_at=END - DAY),
        record("older one is sound", workflow_id="d"),
        record("newest has a bad envelope", workflow_id="e", problem_code="BAD", updated_at=END - DAY),
        record("older envelope is sound", workflow_id="e"),
    ]
    reasons = ["accepted", "superseded", "changed_after_week", "accepted", "superseded", "ran_after_week"]
    reasons += ["accepted", "superseded", "superseded", "CYCLE", "superseded", "BAD", "accepted"]
    found = fates(spark, records, LONE)
    assert [found[each["record_id"]][1] for each in records] == reasons


def test_a_fate_says_in_words_what_its_reason_does_not(spark: SparkSession) -> None:
    records = [
        *(record(name, workflow_id="w", shop_id="s") for name in ("1", "2")),
        record("old", last_run_at=END - 8 * DAY),
        record("never", last_run_at=None, num_runs_7d=0),
        record("late", updated_at=END + DAY),
        record("refused", refusal="CYCLE", refusal_detail="dump.jsonl line 3 at /root/links: a cycle"),
        record("bad", problem_code="NOT_JSON", problem="dump.jsonl line 4: no JSON"),
        record("x1", shop_id="x", descriptor="x"),
        record("x2", shop_id="x", descriptor="x", num_runs_7d=4),
    ]
    rows = curate(table(spark, records), WEEK, PAIR)
    assert differences(rows.schema, GOLD_FATES) == []
    found = rows.collect()
    newest, older = sorted(id_of(name) for name in ("1", "2"))
    details = {row.record_id: row.detail for row in found}
    assert details[older] == f"newer record {newest}"
    assert details[newest] == "1 of its shop's workflows qualify, 2 are needed"
    assert details[id_of("old")] == "last run 2026-11-15 00:00:00"
    assert details[id_of("never")] == "last run never"
    assert details[id_of("late")] == "changed 2026-11-24 00:00:00"
    assert details[id_of("refused")] == "dump.jsonl line 3 at /root/links: a cycle"
    assert details[id_of("bad")] == "dump.jsonl line 4: no JSON"
    assert details[id_of("x1")] is None
    assert details[id_of("x2")] == f"kept record {id_of('x1')}"
    assert {(row.week, row.policy_version) for row in found} == {("2026-W47", PAIR.version)}


def test_a_policy_that_makes_no_sense_cannot_be_made_and_each_has_its_version() -> None:
    for wrong in ({"window_days": 0}, {"window_days": 10**9}, {"min_workflows": 0}, {"min_shops": 0}):
        with pytest.raises(ValueError, match="must be"):
            CurationPolicy(**wrong)
    policies = [PAIR, LONE, LENIENT, SHORT, KNOWN]
    assert len({policy.version for policy in policies}) == len(policies)


def test_a_shape_that_few_shops_have_waits(spark: SparkSession) -> None:
    old = {"last_run_at": END - 9 * DAY}
    records = [
        *(record(f"a{n}", descriptor="three", shop_id=f"s{n}") for n in range(3)),
        *(record(f"b{n}", descriptor="two", shop_id=f"s{n % 2}") for n in range(5)),
        record("c", descriptor="three with an old one"),
        *(record(f"c{n}", descriptor="three with an old one", **old) for n in range(2)),
        record("d", descriptor="not yet three"),
        *(record(f"d{n}", descriptor="not yet three", updated_at=END + DAY) for n in range(2)),
    ]
    rows = curate(table(spark, records), WEEK, KNOWN).collect()
    found = {row.record_id: (row.fate, row.reason, row.detail) for row in rows}
    assert sorted(found[id_of(f"a{n}")][1] for n in range(3)) == ["accepted"] + ["descriptor_taken"] * 2
    rare = ("quarantine", "rare_descriptor", "its shape is seen in 2 shops, 3 are needed")
    assert {found[id_of(f"b{n}")] for n in range(5)} == {rare}
    assert found[id_of("c")][1] == "accepted"
    assert found[id_of("d")][2] == "its shape is seen in 1 shops, 3 are needed"


@pytest.mark.parametrize("policy", [PAIR, LENIENT, LONE, KNOWN], ids=lambda policy: policy.version)
def test_random_tables_end_as_plain_python_says(spark: SparkSession, policy: CurationPolicy) -> None:
    records = random_records(7, 3000)
    found = fates(spark, records, policy)
    assert found == oracle(records, END, policy)
    assert len(set(found.values())) >= 12  # every reason was met


def test_every_record_has_one_fate_whatever_the_order_and_the_number_of_tasks(spark: SparkSession) -> None:
    records = random_records(8, 400)
    expected = oracle(records, END, PAIR)
    draw = random.Random(1)
    for partitions, shuffles in ((1, "2"), (7, "5"), (3, "1")):
        draw.shuffle(records)
        spark.conf.set("spark.sql.shuffle.partitions", shuffles)
        try:
            rows = table(spark, records).repartition(partitions)
            ended = curate(rows, WEEK, PAIR).persist()
            counted = ledger(ended, rows)
            assert {row.record_id: (row.fate, row.reason) for row in ended.collect()} == expected
            assert counted["read"] == 400
        finally:
            spark.conf.set("spark.sql.shuffle.partitions", "2")


def dump_of(workflows: list[Record], moment: datetime) -> list[Record]:
    """What a dump at `moment` says of each workflow that is there by then; bytes name the record."""
    records = []
    for each in workflows:
        changes = [change for change in each["changes"] if change < moment]
        ran = [run for run in each["runs"] if run < moment]
        if changes:
            seen = {"workflow_id": each["id"], "shop_id": each["shop"], "updated_at": max(changes)}
            seen |= {"last_run_at": max(ran, default=None), "descriptor": f"d{len(changes) + each['kind']}"}
            seen["num_runs_7d"] = sum(run >= moment - 7 * DAY for run in ran)
            records.append(record("", **seen, record_id=id_of(repr(seen))))
    return records


def test_a_week_done_again_after_later_dumps_ends_as_it_did(spark: SparkSession) -> None:
    draw = random.Random(3)
    ends = [END + 7 * week * DAY for week in range(-1, 4)]

    def moments(most: int) -> list[datetime]:
        return [END + draw.uniform(-30, 21) * DAY for _ in range(draw.randrange(most))]

    workflows = [
        {"id": f"w{n}", "shop": f"s{n // 3}", "kind": n % 20, "changes": moments(4), "runs": moments(6)}
        for n in range(300)
    ]
    dumps = [{each["record_id"]: each for each in dump_of(workflows, moment)} for moment in ends]
    early = dumps[0] | dumps[1]
    everything = early | dumps[2] | dumps[3] | dumps[4]
    before = fates(spark, list(early.values()))
    after = fates(spark, list(everything.values()))
    assert {id_: after[id_] for id_ in before} == before
    assert sum(fate == ACCEPTED for fate in before.values()) > 10
    assert len(after) > len(before) + 100
    assert {fate for id_, (fate, _) in after.items() if id_ not in before} == {"rejected"}


def test_the_rules_see_every_bronze_row_once_and_never_its_bytes(spark: SparkSession) -> None:
    def rows(contract: Any, *some: Record) -> DataFrame:
        names = contract.schema.names
        return spark.createDataFrame(
            [tuple(row.get(name) for name in names) for row in some], spark_schema(contract)
        )

    bronze = rows(BRONZE_WORKFLOWS, *({"record_id": id_, "raw": b"x"} for id_ in "abc"))
    silver = rows(
        SILVER_WORKFLOWS,
        {"record_id": "a", "descriptor": "d"},
        {"record_id": "b", "problem_code": "CYCLE", "problem": "where"},
        {"record_id": "z"},
    )
    records = records_of(bronze, silver)
    assert sorted(records.columns) == sorted(COLUMNS)
    found = sorted((row.record_id, row.transpiled, row.descriptor, row.refusal) for row in records.collect())
    assert found == [("a", True, "d", None), ("b", True, None, "CYCLE"), ("c", None, None, None)]
