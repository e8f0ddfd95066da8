from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake, Merged, lake_root  # noqa: E402
from schemas.errors import BrokenLaw, Transient  # noqa: E402
from schemas.tables import BRONZE_WORKFLOWS, Table  # noqa: E402

POLICIES = Table(
    name="ops.policies",
    about="A small table for tests.",
    schema=pa.schema(
        [
            pa.field("name", pa.string(), nullable=False, metadata={"doc": "Name."}),
            pa.field("week", pa.string(), nullable=False, metadata={"doc": "Week."}),
            pa.field("score", pa.int64(), metadata={"doc": "Score."}),
            pa.field("tags", pa.list_(pa.string()), metadata={"doc": "Tags."}),
        ]
    ),
    key=("name",),
    partitions=("week",),
    statistics=("score",),
)


def policies(spark: SparkSession, *rows: tuple[str | None, str, int | None]) -> DataFrame:
    return spark.createDataFrame(
        [(*row, ["a"]) for row in rows], "name string, week string, score long, tags array<string>"
    )


def stored(lake: Lake, table: Table = POLICIES) -> list[tuple[object, ...]]:
    return sorted(
        tuple(row)
        for row in lake.read(table).select("name", "week", "score").toArrow().to_pylist()
        for row in [row.values()]
    )


def actions(lake: Lake, table: Table, kind: str) -> list[dict[str, object]]:
    log = Path(lake.uri(table)) / "_delta_log"
    lines = [
        json.loads(line) for path in sorted(log.glob("*.json")) for line in path.read_text().splitlines()
    ]
    return [line[kind] for line in lines if kind in line]


def test_a_table_that_is_not_there_reads_as_no_rows_of_its_schema(lake: Lake) -> None:
    empty = lake.read(BRONZE_WORKFLOWS)
    assert empty.schema == spark_schema(BRONZE_WORKFLOWS)
    assert empty.count() == 0
    assert lake.version(BRONZE_WORKFLOWS) is None
    assert not lake.exists(BRONZE_WORKFLOWS)


def test_a_table_whose_first_commit_never_came_is_made_once_nobody_can_be_at_it(
    spark: SparkSession, lake: Lake
) -> None:
    log = Path(lake.root, POLICIES.path, "_delta_log")
    (log / "_staged_commits").mkdir(parents=True)
    rows = policies(spark, ("a", "w1", 1))
    assert not lake.exists(POLICIES)
    assert stored(lake) == []
    with pytest.raises(Transient, match=r"ops\.policies is being made"):
        lake.append(rows, POLICIES)
    assert log.exists(), "another writer may be at its first commit"
    for folder in (log / "_staged_commits", log):
        os.utime(folder, (time.time() - 60,) * 2)
    lake.append(rows, POLICIES)
    assert stored(lake) == [("a", "w1", 1)]


def test_appended_rows_come_back(spark: SparkSession, lake: Lake) -> None:
    lake.append(policies(spark, ("a", "w1", 1)), POLICIES)
    lake.append(policies(spark, ("b", "w1", None)), POLICIES)
    assert stored(lake) == [("a", "w1", 1), ("b", "w1", None)]
    assert lake.exists(POLICIES)


def test_an_append_with_a_known_transaction_adds_nothing(spark: SparkSession, lake: Lake) -> None:
    for app, version in (("app", 1), ("app", 1), ("app", 2), ("app", 1), ("other", 1)):
        lake.append(policies(spark, (app, "w1", version)), POLICIES, txn=(app, version))
    assert stored(lake) == [("app", "w1", 1), ("app", "w1", 2), ("other", "w1", 1)]


def test_a_merge_inserts_new_keys_and_updates_changed_rows(spark: SparkSession, lake: Lake) -> None:
    first = lake.merge(policies(spark, ("a", "w1", 1), ("b", "w1", 2)), POLICIES)
    second = lake.merge(policies(spark, ("a", "w1", 1), ("b", "w1", None), ("c", "w2", 3)), POLICIES)
    assert first == Merged(num_inserted=2, num_updated=0)
    assert second == Merged(num_inserted=1, num_updated=1)
    assert stored(lake) == [("a", "w1", 1), ("b", "w1", None), ("c", "w2", 3)]


def test_an_insert_only_merge_leaves_what_is_there(spark: SparkSession, lake: Lake) -> None:
    lake.merge(policies(spark, ("a", "w1", 1)), POLICIES)
    done = lake.merge(policies(spark, ("a", "w1", 9), ("b", "w1", 2)), POLICIES, insert_only=True)
    assert done == Merged(num_inserted=1, num_updated=0)
    assert stored(lake) == [("a", "w1", 1), ("b", "w1", 2)]


@pytest.mark.parametrize("insert_only", [True, False])
def test_a_merge_that_changes_nothing_commits_nothing(
    spark: SparkSession, lake: Lake, insert_only: bool
) -> None:
    rows = policies(spark, ("a", "w1", 1), ("b", "w1", None))
    lake.merge(rows, POLICIES)
    before = lake.version(POLICIES)
    lake.merge(rows, POLICIES, insert_only=insert_only)
    assert lake.version(POLICIES) == before


def test_a_merge_of_one_key_twice_writes_nothing(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(BrokenLaw, match=r"a repeated table key in rows for ops\.policies: name=a"):
        lake.merge(policies(spark, ("a", "w1", 1), ("a", "w2", 2), ("b", "w1", 1)), POLICIES)
    assert stored(lake) == []


def test_replacing_rows_by_the_same_rows_is_no_commit_where_that_is_asked(
    spark: SparkSession, lake: Lake
) -> None:
    lake.append(policies(spark, ("a", "w1", 1), ("b", "w2", 2)), POLICIES)
    version = lake.version(POLICIES)
    here = {"partition": {"week": "w2"}, "if_changed": True}
    lake.replace(policies(spark, ("b", "w2", 2)), POLICIES, **here)
    lake.replace(policies(spark, ("b", "w2", 2), ("a", "w1", 1)), POLICIES, if_changed=True)
    assert lake.version(POLICIES) == version
    with pytest.raises(BrokenLaw, match="a repeated"):
        lake.replace(policies(spark, ("b", "w2", 2), ("b", "w2", 2)), POLICIES, **here)
    lake.replace(policies(spark, ("b", "w2", 3)), POLICIES, **here)
    assert stored(lake) == [("a", "w1", 1), ("b", "w2", 3)]
    lake.replace(policies(spark), POLICIES, **here)
    assert stored(lake) == [("a", "w1", 1)]


def test_replacing_a_partition_leaves_the_others(spark: SparkSession, lake: Lake) -> None:
    lake.append(policies(spark, ("a", "w1", 1), ("b", "w2", 2)), POLICIES)
    lake.replace(policies(spark, ("c", "w2", 3)), POLICIES, partition={"week": "w2"})
    assert stored(lake) == [("a", "w1", 1), ("c", "w2", 3)]
    lake.replace(policies(spark), POLICIES, partition={"week": "w2"})
    assert stored(lake) == [("a", "w1", 1)]
    lake.replace(policies(spark, ("e", "w1", 5)), POLICIES, partition={"week": ("w1", "w2")})
    assert stored(lake) == [("e", "w1", 5)]
    lake.replace(policies(spark, ("d", "w3", 4)), POLICIES)
    assert stored(lake) == [("d", "w3", 4)]


def test_replacing_a_partition_with_rows_of_another_writes_nothing(spark: SparkSession, lake: Lake) -> None:
    lake.append(policies(spark, ("a", "w1", 1)), POLICIES)
    with pytest.raises(BrokenLaw, match=r"ops\.policies"):
        lake.replace(policies(spark, ("c", "w2", 3)), POLICIES, partition={"week": "it's w1"})
    assert stored(lake) == [("a", "w1", 1)]
    with pytest.raises(ValueError, match="not partitioned by score"):
        lake.replace(policies(spark, ("c", "w2", 3)), POLICIES, partition={"score": "3"})


def test_a_null_key_writes_nothing(spark: SparkSession, lake: Lake) -> None:
    for write in (lake.append, lake.merge, lake.replace):
        with pytest.raises(BrokenLaw, match=r"a null table key in rows for ops\.policies: name=null"):
            write(policies(spark, (None, "w1", 1)), POLICIES)
    assert stored(lake) == []


def test_rows_that_break_the_contract_are_refused_by_column(spark: SparkSession, lake: Lake) -> None:
    rows = (
        policies(spark, ("a", "w1", 1))
        .drop("week")
        .withColumn("score", F.lit("x"))
        .withColumn("size", F.lit(1))
    )
    with pytest.raises(BrokenLaw) as caught:
        lake.append(rows, POLICIES)
    assert str(caught.value) == (
        "rows for ops.policies break its contract: column week is missing; "
        "column size is not in the contract; column score is string, not bigint"
    )


def test_a_column_that_the_contract_gained_reads_as_null_and_is_added_by_the_next_write(
    spark: SparkSession, lake: Lake
) -> None:
    lake.append(policies(spark, ("a", "w1", 1)), POLICIES)
    grade = pa.field("grade", pa.string(), metadata={"doc": "A grade, the teacher's."})
    grown = Table(
        name=POLICIES.name,
        about=POLICIES.about,
        schema=POLICIES.schema.append(grade),
        key=POLICIES.key,
        partitions=POLICIES.partitions,
        statistics=("score", "grade"),
    )
    assert [row.grade for row in lake.read(grown).collect()] == [None]
    lake.merge(policies(spark, ("b", "w1", 2)).withColumn("grade", F.lit("good")), grown)
    assert {row.name: row.grade for row in lake.read(grown).collect()} == {"a": None, "b": "good"}
    statistics = [json.loads(str(added["stats"])) for added in actions(lake, grown, "add")]
    assert [each["minValues"] for each in statistics] == [{"score": 1}, {"score": 2, "grade": "good"}]
    assert "A grade, the teacher's." in str(actions(lake, grown, "metaData")[-1]["schemaString"])
    assert stored(lake) == [("a", "w1", 1), ("b", "w1", 2)]  # a reader of the older contract


def test_a_stored_table_of_another_type_is_not_written(spark: SparkSession, lake: Lake) -> None:
    policies(spark, ("a", "w1", 1)).withColumn("score", F.lit("x")).write.format("delta").save(
        lake.uri(POLICIES)
    )
    with pytest.raises(BrokenLaw, match="column score is string, not bigint"):
        lake.append(policies(spark, ("b", "w1", 2)), POLICIES)


def test_every_reader_of_delta_reads_the_tables(spark: SparkSession, lake: Lake) -> None:
    lake.append(policies(spark, ("a", "w1", 1)), POLICIES)
    [protocol] = actions(lake, POLICIES, "protocol")
    assert protocol == {"minReaderVersion": 1, "minWriterVersion": 2}


def test_the_log_keeps_no_statistics_of_ids(spark: SparkSession, lake: Lake) -> None:
    lake.append(policies(spark, ("secret-name", "w1", 7)), POLICIES)
    [added] = actions(lake, POLICIES, "add")
    statistics = json.loads(str(added["stats"]))
    assert statistics["minValues"] == {"score": 7}
    assert "secret-name" not in json.dumps(actions(lake, POLICIES, "commitInfo")) + str(added)


@pytest.mark.parametrize("write", ["merge", "replace"])
def test_a_writer_that_was_overtaken_is_told_to_try_again(
    spark: SparkSession, lake: Lake, write: str
) -> None:
    lake.append(policies(spark, ("a", "w1", 1)), POLICIES)
    [added] = actions(lake, POLICIES, "add")
    folder = lake.uri(POLICIES)

    def commit_something_else(batches):
        copy = {**added, "path": "week=w1/other.parquet"}
        shutil.copy(f"{folder}/{added['path']}", f"{folder}/{copy['path']}")
        Path(folder, "_delta_log", f"{2:020}.json").write_text(json.dumps({"add": copy}))
        yield from batches

    rows = policies(spark, ("b", "w1", 2)).coalesce(1)
    with pytest.raises(Transient, match=r"another writer changed ops\.policies"):
        getattr(lake, write)(rows.mapInArrow(commit_something_else, rows.schema), POLICIES)
    assert stored(lake) == [("a", "w1", 1), ("a", "w1", 1)]


def test_times_are_kept_to_the_microsecond_in_utc(spark: SparkSession, lake: Lake) -> None:
    moment = datetime(2026, 11, 22, 23, 59, 59, 123456, tzinfo=UTC)
    arrow = pa.table(
        {
            name: pa.array([None], type_)
            for name, type_ in zip(BRONZE_WORKFLOWS.schema.names, BRONZE_WORKFLOWS.schema.types, strict=True)
        }
    )
    arrow = arrow.set_column(0, "record_id", pa.array(["r1"])).set_column(8, "created_at", pa.array([moment]))
    lake.append(spark.createDataFrame(arrow), BRONZE_WORKFLOWS)
    assert lake.read(BRONZE_WORKFLOWS).toArrow()["created_at"].to_pylist() == [moment]


def test_a_root_is_a_folder_or_a_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert lake_root("lake/") == str(tmp_path / "lake")
    assert lake_root("s3a://bucket/lake/") == "s3a://bucket/lake"
    assert lake_root(f"file://{tmp_path}") == f"file://{tmp_path}"
    assert lake_root(f"file:{tmp_path}") == f"file://{tmp_path}"
    assert lake_root("/") == "/"


def test_a_lake_behind_a_uri_is_the_same_lake(spark: SparkSession, tmp_path: Path) -> None:
    root = tmp_path / "a lake"
    lake = Lake(spark, f"file://{root}")
    lake.merge(policies(spark, ("a", "w1", 1)), POLICIES)
    lake.replace(policies(spark, ("b", "w2", 2)), POLICIES, partition={"week": "w2"})
    assert stored(lake) == stored(Lake(spark, root)) == [("a", "w1", 1), ("b", "w2", 2)]
    assert (root / "ops" / "policies" / "_delta_log").is_dir()


def test_a_table_and_its_columns_carry_their_sentences(spark: SparkSession, lake: Lake) -> None:
    lake.append(lake.read(BRONZE_WORKFLOWS), BRONZE_WORKFLOWS)
    [metadata] = actions(lake, BRONZE_WORKFLOWS, "metaData")
    assert metadata["description"] == BRONZE_WORKFLOWS.about
    comments = {
        each["name"]: each["metadata"]["comment"] for each in json.loads(metadata["schemaString"])["fields"]
    }
    assert comments == {name: BRONZE_WORKFLOWS.doc(name) for name in BRONZE_WORKFLOWS.schema.names}
