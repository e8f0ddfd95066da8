"""The whole way as a person runs it, on generated records whose damage is known line by line."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from jobs.curate_workflows import main as curate_workflows  # noqa: E402
from jobs.ingest_workflows import main as ingest_workflows  # noqa: E402
from jobs.synthesize_conversations import main as synthesize_conversations  # noqa: E402
from jobs.train_tokenizer import main as train_tokenizer  # noqa: E402
from jobs.write_shards import main as write_shards  # noqa: E402
from pipelines.adhoc import query  # noqa: E402
from pipelines.generator import KINDS, Plan, write_dump  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.shard_sets import ShardSet  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_WORKFLOWS, TABLES  # noqa: E402
from schemas.workflow import canonical, from_python, read  # noqa: E402
from schemas.workflow.descriptor import descriptor_of  # noqa: E402
from tests.schemas.conversations import tokenizer_json  # noqa: E402

WEEK = "2026-W47"
WEEK_END = 1_795_392_000

# What becomes of each kind of planted damage: the reasons that are right for it. A kind whose record stays
# sound (`repeated`, `large`, `superseded`) has no entry: the filters decide.
REASONS: dict[str, set[str]] = {
    "truncated_line": {"INVALID_RECORD_JSON"},
    "not_json": {"INVALID_RECORD_JSON"},
    "duplicate_envelope_key": {"INVALID_RECORD_JSON"},
    "nan_envelope": {"INVALID_RECORD_JSON"},
    "blank_line": {"EMPTY_RECORD"},
    "invalid_utf8": {"INVALID_ENCODING"},
    "byte_order_mark": {"INVALID_ENCODING"},
    "unknown_envelope_key": {"UNKNOWN_ENVELOPE_KEY"},
    "missing_envelope_key": {"MISSING_ENVELOPE_KEY"},
    "deep_nesting": {"INVALID_RECORD_JSON", "INVALID_WORKFLOW_JSON", "WORKFLOW_STRUCTURE_INVALID"},
    "unknown_key": {"WORKFLOW_FIELD_NOT_ALLOWED", "WORKFLOW_STRUCTURE_INVALID"},
    "unknown_condition_key": {"WORKFLOW_FIELD_NOT_ALLOWED", "INVALID_CONDITION_VALUE"},
    "missing_step": {"INVALID_LINK"},
    "two_triggers": {"MULTIPLE_TRIGGER_STEPS"},
    "no_trigger": {"WORKFLOW_STRUCTURE_INVALID"},
    "duplicate_step_id": {"INVALID_STEP_ID"},
    "truncated_workflow": {"INVALID_WORKFLOW_JSON"},
    "duplicate_workflow_key": {"INVALID_WORKFLOW_JSON"},
    "nan_workflow": {"INVALID_WORKFLOW_JSON"},
}
SOUND_KINDS = {"repeated", "large", "superseded"}


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("dump")
    plan = Plan(seed=11, num=1500, week_end=WEEK_END, bad_share=0.06)
    return folder, write_dump(plan, folder, num_files=2)


@pytest.fixture(scope="module")
def lake(
    spark: SparkSession, dump: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("lakes") / "lake"
    assert ingest_workflows(["--inputs", str(dump[0]), "--lake", str(root)]) == 0
    assert curate_workflows(["--lake", str(root), "--week", WEEK]) == 0
    lake = Lake(spark, root)
    make_shards(lake)
    yield lake
    shutil.rmtree(root)


def shard_argv(lake: Lake) -> list[str]:
    """What `write_shards` is told; the tokenizer lies beside the lake."""
    return ["--lake", lake.root, "--week", WEEK, "--tokenizer", f"{lake.root}-tokenizer.json"]


def make_shards(lake: Lake) -> None:
    """The steps after curation."""
    assert synthesize_conversations(["--lake", lake.root, "--week", WEEK, "--wordings", "1"]) == 0
    *week, _, tokenizer = shard_argv(lake)
    assert train_tokenizer([*week, "--output", tokenizer, "--num-tokens", "1024"]) == 0
    assert write_shards(shard_argv(lake)) == 0


def fates_by_line(lake: Lake) -> dict[tuple[str, int], dict[str, Any]]:
    sql = """
        SELECT source_file, source_line, fate, reason, detail, read.problem_code AS refusal, read.problem
        FROM gold.fates JOIN bronze.workflows USING (record_id)
        LEFT JOIN silver.workflows AS read USING (record_id)"""
    return {
        (Path(row["source_file"]).name, row["source_line"]): row for row in query(lake.root, sql).to_pylist()
    }


def contents(lake: Lake) -> dict[str, str]:
    """One digest over the rows of each table, whatever their order and files, and over each shard file."""
    digests = {}
    for table in TABLES.values():
        rows = sorted(repr(sorted(row.items())) for row in lake.read(table).toArrow().to_pylist())
        digests[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    for path in sorted(Path(lake.root, "gold/shards").rglob("*.*")):
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def test_each_planted_damage_ends_with_its_own_reason_at_its_own_line(
    lake: Lake, dump: tuple[Path, dict[str, Any]]
) -> None:
    fates = fates_by_line(lake)
    planted = dump[1]["planted_lines"]
    assert set(planted) == set(KINDS) == set(REASONS) | SOUND_KINDS
    num_checked = 0
    for kind, reasons in REASONS.items():
        for name, lines in planted[kind].items():
            for line in lines:
                if (name, line) not in fates:  # the same bytes stand in an earlier line
                    assert kind in ("blank_line", "not_json")
                    continue
                fate = fates[name, line]
                assert fate["fate"] in ("rejected", "quarantine")
                if (
                    fate["reason"] == "ran_after_week"
                ):  # the week comes first: what it says of later is nothing
                    assert fate["refusal"] in reasons, (kind, fate)
                else:
                    assert fate["reason"] in reasons, (kind, fate)
                    assert f"{name} line {line}" in fate["detail"]
                num_checked += 1
    assert num_checked > 60


def test_no_sound_record_is_refused(lake: Lake, dump: tuple[Path, dict[str, Any]]) -> None:
    bad = {
        (name, line)
        for kind in REASONS
        for name, lines in dump[1]["planted_lines"][kind].items()
        for line in lines
    }
    sound = Counter(fate["reason"] for place, fate in fates_by_line(lake).items() if place not in bad)
    assert set(sound) == {
        "accepted", "not_run_recently", "shop_below_minimum", "descriptor_taken", "ran_after_week",
        "superseded",
    }  # fmt: skip
    assert min(sound.values()) > 0


def test_records_in_are_training_plus_quarantine_plus_rejected(lake: Lake) -> None:
    fates = query(lake.root, "SELECT fate, count(*) AS n FROM gold.fates GROUP BY fate").to_pylist()
    totals = {row["fate"]: row["n"] for row in fates}
    assert set(totals) == {"training", "quarantine", "rejected"}
    (bronze,) = query(lake.root, "SELECT count(*) AS n FROM bronze.workflows").to_pylist()
    assert sum(totals.values()) == bronze["n"] > 1400


def test_what_trains_means_what_came_in(lake: Lake) -> None:
    sql = """
        SELECT raw, python FROM gold.fates
        JOIN bronze.workflows USING (record_id) JOIN silver.workflows USING (record_id)
        WHERE fate = 'training'"""
    pool = query(lake.root, sql).to_pylist()
    assert len(pool) > 100
    for row in pool:
        meant = read(json.loads(row["raw"])["workflow"]).workflow
        assert canonical(from_python(row["python"])) == canonical(meant)


def rows_of(folder: Path, side: str) -> list[dict[str, Any]]:
    names = [str(path) for path in sorted(folder.glob(f"data/{side}-*"))]
    return [row for name in names for row in pq.read_table(name).to_pylist()]


def test_the_shards_hold_the_pool_and_nothing_else(lake: Lake) -> None:
    (folder,) = Path(lake.root, "gold/shards").iterdir()
    assert list(ShardSet(str(folder)).check()) == []
    sql = """
        SELECT made.record_id, workflow_record_id, made.problem_code FROM gold.fates AS fates
        JOIN silver.synthetic_conversations AS made ON workflow_record_id = fates.record_id
        WHERE fate = 'training' AND kind = 'workflow'"""
    made = {row["record_id"]: row for row in query(lake.root, sql).to_pylist() if not row["problem_code"]}
    train, test = rows_of(folder, "train"), rows_of(folder, "test")
    left_out = json.loads((folder / "manifest.json").read_text())["left_out"]
    assert len(train) + len(test) + sum(left_out.values()) == len(made)
    assert left_out.keys() <= {"REPEATED"}
    assert {row["record_id"] for row in (*train, *test)} <= set(made)
    for row in (*train, *test):
        assert row["source_ids"] == [made[row["record_id"]]["workflow_record_id"]]
    admitted = query(lake.root, "SELECT record_id FROM gold.fates WHERE fate = 'training'")
    sources = {name for row in (*train, *test) for name in row["source_ids"]}
    assert sources == set(admitted.column(0).to_pylist())


def test_what_is_held_out_shares_no_workflow_with_what_trains(lake: Lake) -> None:
    (folder,) = Path(lake.root, "gold/shards").iterdir()
    train, test = rows_of(folder, "train"), rows_of(folder, "test")
    assert len(test) > 20
    assert not {row["descriptor"] for row in test} & {row["descriptor"] for row in train} - {""}
    assert not {row["request"] for row in test} & {row["request"] for row in train if not row["descriptor"]}
    for row in test:
        assert descriptor_of(from_python(row["python"])) == row["descriptor"] or not row["python"]


def test_doing_everything_again_changes_nothing(lake: Lake, dump: tuple[Path, dict[str, Any]]) -> None:
    before = contents(lake)
    assert ingest_workflows(["--inputs", str(dump[0]), "--lake", lake.root]) == 0
    assert curate_workflows(["--lake", lake.root, "--week", WEEK]) == 0
    make_shards(lake)
    assert contents(lake) == before


def test_a_mismatch_that_is_put_into_silver_never_reaches_a_shard(lake: Lake) -> None:
    victim = lake.read(GOLD_FATES).where("fate = 'training'").orderBy("record_id").first()
    assert victim is not None
    chosen = F.col("record_id") == victim["record_id"]
    silver = lake.read(SILVER_WORKFLOWS)
    damaged = silver.where(chosen).withColumn("problem_code", F.lit("ROUND_TRIP"))
    before = {*Path(lake.root, "gold/shards").iterdir()}
    lake.merge(damaged.withColumn("exact", F.lit(False)), SILVER_WORKFLOWS)
    try:
        assert curate_workflows(["--lake", lake.root, "--week", WEEK]) == 0
        fate = lake.read(GOLD_FATES).where(chosen).first()
        assert fate is not None
        assert (fate["fate"], fate["reason"]) == ("quarantine", "ROUND_TRIP")
        assert write_shards(shard_argv(lake)) == 0
        (added,) = {*Path(lake.root, "gold/shards").iterdir()} - before
        assert not any(victim["record_id"] in row["source_ids"] for row in rows_of(added, "*"))
        (full,) = before
        assert any(victim["record_id"] in row["source_ids"] for row in rows_of(full, "*"))
        shutil.rmtree(added)
    finally:
        lake.merge(
            silver.where(chosen).withColumn("problem_code", F.lit(None).cast("string")), SILVER_WORKFLOWS
        )


def test_a_lake_without_records_is_one_sentence(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = str(tmp_path / "mistyped")
    assert curate_workflows(["--lake", lake, "--week", WEEK]) == 2
    (tmp_path / "tokenizer.json").write_bytes(tokenizer_json())
    tokenizer = ("--tokenizer", str(tmp_path / "tokenizer.json"))
    assert write_shards(["--lake", lake, "--week", WEEK, *tokenizer]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"curate_workflows: There are no records in {lake}; run ingest_workflows first.",
        f"write_shards: Week {WEEK} has no fates yet; run curate_workflows --week {WEEK} first.",
    ]
    assert not (tmp_path / "mistyped").exists()
