from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.adhoc import named_queries, query
from schemas.errors import BrokenLaw, UsageError

pytestmark = pytest.mark.spark

from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.tables import (  # noqa: E402
    GOLD_EVALUATIONS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
    SILVER_JUDGMENTS,
    SILVER_WORKFLOWS,
    TABLES,
    Table,
)


def fate(number: int, **changes: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(GOLD_FATES.schema.names),
        "record_id": f"r{number}",
        "week": "2026-W47",
        "kind": "workflow",
        "shop_id": f"s{number % 2}",
        "fate": "training",
        "reason": "accepted",
        "num_runs_7d": number,
        **changes,
    }


def workflow(number: int, tasks: list[str]) -> dict[str, Any]:
    return {
        **dict.fromkeys(SILVER_WORKFLOWS.schema.names),
        "record_id": f"r{number}",
        "trigger": "order_created",
        "descriptor": f"d{number % 2}",
        "tasks": tasks,
    }


def conversation(name: str, **columns: Any) -> dict[str, Any]:
    known = {"request_kind": "create", "arm": "champion", "model": "m", "python": "..."}
    return {"record_id": name, "trigger": "order_created", "activated": True, **known, **columns}


def judgment(name: str, facet: str, score: float | None, judge: str = "j1") -> dict[str, Any]:
    return {"record_id": name, "facet": facet, "score": score, "judge_version": judge, "detail": facet}


def evaluation(number: int, **columns: Any) -> dict[str, Any]:
    known = {"evaluation_id": "0123456789", "week": "2026-W47", "model": "m", "model_kind": "trained"}
    return {"record_id": f"e{number}", **known, "latency_seconds": float(number), **columns}


LOOP: dict[Table, list[dict[str, Any]]] = {
    SILVER_CONVERSATIONS: [
        conversation("c1", rating="up"),
        conversation("c2", activated=False),
        conversation("c3", activated=None, arm="challenger", model="n"),
        conversation("c4", activated=None, trigger="", python="", request_kind="question", rating="down"),
    ],
    SILVER_JUDGMENTS: [
        judgment("c1", "syntax", 1.0),
        judgment("c1", "syntax", 0.0, judge="j2"),
        judgment("c1", "components", 0.5),
        judgment("c2", "syntax", 0.5),
        judgment("c4", "syntax", None),
        judgment("c4", "next_steps", 1.0),
    ],
    GOLD_EVALUATIONS: [
        evaluation(1, parses=True, valid=True, equal=True),
        evaluation(2, parses=True, valid=False, equal=False),
        evaluation(6, equal=True),
    ],
}


@pytest.fixture(scope="module")
def template(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a few rows, which each test copies."""
    lake = Lake(spark, tmp_path_factory.mktemp("template"))
    rows = [fate(0), fate(1), fate(2, fate="rejected", reason="superseded"), fate(3, week="2026-W46")]
    lake.merge(lake.spark.createDataFrame(rows, spark_schema(GOLD_FATES)), GOLD_FATES)
    used = [workflow(0, ["count", "send_email"]), workflow(1, ["send_email"]), workflow(2, ["count"])]
    lake.merge(lake.spark.createDataFrame(used, spark_schema(SILVER_WORKFLOWS)), SILVER_WORKFLOWS)
    return Path(lake.root)


@pytest.fixture
def filled(spark: SparkSession, template: Path, tmp_path: Path) -> Lake:
    return Lake(spark, shutil.copytree(template, tmp_path / "lake"))


def rows(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in query(lake.root, sql).to_pylist()]


def test_each_table_is_a_view_in_the_contract_s_columns(filled: Lake) -> None:
    for name, table in TABLES.items():
        assert query(filled.root, f"FROM {name} LIMIT 1").column_names == table.schema.names
    assert rows(filled, "SELECT record_id FROM gold.fates WHERE week = '2026-W46'") == [("r3",)]


def test_a_table_that_was_never_written_has_no_rows(filled: Lake) -> None:
    assert rows(filled, "SELECT count(*), max(last_run_at) FROM bronze.workflows") == [(0, None)]


def test_what_spark_deletes_updates_and_replaces_is_seen(filled: Lake) -> None:
    path = f"delta.`{filled.uri(GOLD_FATES)}`"
    filled.spark.sql(f"DELETE FROM {path} WHERE record_id = 'r0'")
    filled.spark.sql(f"UPDATE {path} SET reason = 'changed' WHERE record_id = 'r1'")
    seen = "SELECT record_id, reason FROM gold.fates WHERE week = '2026-W47' ORDER BY 1"
    assert rows(filled, seen) == [("r1", "changed"), ("r2", "superseded")]
    only = filled.spark.createDataFrame([fate(9)], spark_schema(GOLD_FATES))
    filled.replace(only, GOLD_FATES, partition={"week": "2026-W47"})
    assert rows(filled, seen) == [("r9", "accepted")]


def test_rows_behind_a_deletion_vector_stay_deleted(filled: Lake) -> None:
    path = f"delta.`{filled.uri(SILVER_WORKFLOWS)}`"
    filled.spark.sql(f"ALTER TABLE {path} SET TBLPROPERTIES ('delta.enableDeletionVectors' = true)")
    filled.spark.read.format("delta").load(filled.uri(SILVER_WORKFLOWS)).coalesce(1).write.format(
        "delta"
    ).mode("overwrite").save(filled.uri(SILVER_WORKFLOWS))
    filled.spark.sql(f"DELETE FROM {path} WHERE record_id = 'r1'")
    assert list(Path(filled.uri(SILVER_WORKFLOWS)).glob("deletion_vector*"))
    assert rows(filled, "SELECT record_id FROM silver.workflows ORDER BY 1") == [("r0",), ("r2",)]


def test_a_column_that_the_stored_table_lacks_is_null_and_a_foreign_one_is_not_shown(filled: Lake) -> None:
    stored = filled.spark.read.format("delta").load(filled.uri(SILVER_WORKFLOWS))
    changed = stored.drop("layout").withColumn("extra", F.lit(1))
    changed.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(
        filled.uri(SILVER_WORKFLOWS)
    )
    seen = query(filled.root, "FROM silver.workflows")
    assert seen.column_names == SILVER_WORKFLOWS.schema.names
    assert seen.column("layout").null_count == seen.num_rows == 3


def test_times_are_utc(filled: Lake) -> None:
    answer = query(filled.root, "SELECT TIMESTAMPTZ '2026-11-22 01:00:00+02' AS at")
    assert answer.schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert answer.to_pylist() == [{"at": datetime(2026, 11, 21, 23, tzinfo=UTC)}]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nonsense FROM gold.fates", "nonsense"),
        ("SELECT 1 +", "syntax error"),
        ("FROM gold.nothing", "nothing does not exist"),
        ("CREATE TABLE t (a INT)", "gives no rows"),
        ("DELETE FROM gold.fates", "Can only delete from base table"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(filled: Lake, sql: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        query(filled.root, sql)


def test_a_folder_without_a_lake_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no lake in .*: ingest_workflows makes one"):
        query(str(tmp_path), "SELECT 1")


def test_a_table_of_which_nothing_was_committed_has_no_rows(filled: Lake) -> None:
    """A writer that was stopped before its first commit leaves an empty log."""
    log = Path(filled.root, SILVER_JUDGMENTS.path, "_delta_log")
    assert not log.exists()
    log.mkdir(parents=True)
    (log / ".00000000000000000000.json.crc").write_bytes(b"")
    assert query(filled.root, f"FROM {SILVER_JUDGMENTS.name}").num_rows == 0
    assert query(filled.root, f"FROM {GOLD_FATES.name}").num_rows > 0
    shutil.rmtree(log)


def test_a_table_whose_log_is_damaged_is_named(filled: Lake) -> None:
    for path in (Path(filled.uri(GOLD_FATES)) / "_delta_log").glob("*.*"):
        path.unlink()
    with pytest.raises(BrokenLaw, match="gold/fates cannot be opened"):
        query(filled.root, "SELECT 1")


def test_the_questions_that_ship_are_answered(filled: Lake) -> None:
    routed = [
        fate(0, record_id=name, kind="conversation", policy_version="r judge=j1") for name in ("c1", "c4")
    ]
    held = {"kind": "conversation", "fate": "quarantine", "reason": "held", "policy_version": "r judge=j1"}
    routed += [fate(0, record_id=name, **held) for name in ("c2", "c3")]
    routed.append(fate(0, record_id="c9", kind="conversation", week="2026-W48"))
    routed.append(fate(0, record_id="b1", kind="event", fate="rejected", reason="CUT"))
    for table, whole in {**LOOP, GOLD_FATES: routed}.items():
        complete = [{**dict.fromkeys(table.schema.names), **each} for each in whole]
        filled.merge(filled.spark.createDataFrame(complete, spark_schema(table)), table)
    answers = {name: rows(filled, sql) for name, sql in named_queries().items()}
    assert answers == {
        "conversations_by_model": [
            ("2026-W47", "challenger", "n", 1, 1, None, 0, 1, 0, 0, 0),
            ("2026-W47", "champion", "m", 3, 2, 50.0, 2, 1, 0, 1, 1),
        ],
        "conversations_by_trigger": [
            ("order_created", "create", 3, 1, 2, 50.0, 0.75, 0.5, None, None),
            ("(no workflow)", "question", 1, 1, 0, None, None, None, None, 1.0),
        ],
        "evaluation_by_model": [("2026-W47", "trained", "m", "01234567", 3, 100.0, 50.0, 66.7, 2.0)],
        "fates_by_reason": [
            ("2026-W48", "conversation", "training", "accepted", 1, 1),
            ("2026-W47", "workflow", "training", "accepted", 2, 2),
            ("2026-W47", "workflow", "rejected", "superseded", 1, 1),
            ("2026-W47", "event", "rejected", "CUT", 1, 1),
            ("2026-W47", "conversation", "quarantine", "held", 2, 1),
            ("2026-W47", "conversation", "training", "accepted", 2, 1),
            ("2026-W46", "workflow", "training", "accepted", 1, 1),
        ],
        "judgments_by_facet": [
            ("j1", "components", 1, 1, 0.5, 1, "components"),
            ("j1", "next_steps", 1, 1, 1.0, 0, None),
            ("j1", "syntax", 3, 2, 0.75, 1, "syntax"),
            ("j2", "syntax", 1, 1, 0.0, 1, "syntax"),
        ],
        "malformed_records": [],
        "popular_tasks": [("send_email", 2, 2, 1), ("count", 1, 1, 0)],
        "refusals": [],
        "slices_by_trigger": [("order_created", 3, 2, 66.7, 2)],
    }
    assert all(sql.startswith("-- ") for sql in named_queries().values())


def test_a_lake_at_a_uri_is_the_same_lake(filled: Lake) -> None:
    sql = "SELECT count(*) FROM gold.fates"
    assert query(f"file://{filled.root}/", sql).to_pylist() == query(filled.root, sql).to_pylist()
