from __future__ import annotations

import pyarrow as pa
import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql.types import StructType  # noqa: E402

from pipelines.contracts import conform, differences, differs, guard_keys, spark_schema  # noqa: E402
from schemas.errors import BrokenLaw  # noqa: E402
from schemas.tables import TABLES, Table  # noqa: E402

VISITS = Table(
    name="ops.visits",
    about="A small table for tests.",
    schema=pa.schema(
        [
            pa.field("week", pa.string(), nullable=False, metadata={"doc": "Week."}),
            pa.field("name", pa.string(), nullable=False, metadata={"doc": "Name."}),
            pa.field("at", pa.timestamp("us", tz="UTC"), metadata={"doc": "When."}),
            pa.field("tags", pa.list_(pa.string()), metadata={"doc": "Tags."}),
        ]
    ),
    key=("week", "name"),
)
RIGHT = "week string, name string, at timestamp, tags array<string>"


def schema(ddl: str) -> StructType:
    return StructType.fromDDL(ddl)


def keyed(spark: SparkSession, *keys: tuple[str | None, str | None]) -> DataFrame:
    return spark.createDataFrame([(*key, None, None) for key in keys], RIGHT)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_contract_in_sparks_words_keeps_order_nulls_and_sentences(table: Table) -> None:
    spelled = spark_schema(table)
    assert spelled.names == table.schema.names
    assert [field.nullable for field in spelled] == [field.nullable for field in table.schema]
    assert [field.metadata["comment"] for field in spelled] == [table.doc(name) for name in spelled.names]
    assert differences(spelled, table) == []


@pytest.mark.parametrize(
    ("ddl", "phrases"),
    [
        (RIGHT, []),
        ("tags array<string>, at timestamp, name string, week string", []),
        ("week string not null, name string, at timestamp, tags array<string>", []),
        ("week string, name string, tags array<string>", ["column at is missing"]),
        (f"{RIGHT}, size int", ["column size is not in the contract"]),
        (f"{RIGHT}, at timestamp", ["column at is there twice"]),
        (RIGHT.replace("name", "Name"), ["column name is missing", "column Name is not in the contract"]),
        (RIGHT.replace("at timestamp", "at timestamp_ntz"), ["column at is timestamp_ntz, not timestamp"]),
        (RIGHT.replace("array<string>", "array<int>"), ["column tags is array<int>, not array<string>"]),
        (RIGHT.replace("array<string>", "string"), ["column tags is string, not array<string>"]),
        ("", [f"column {name} is missing" for name in ("week", "name", "at", "tags")]),
    ],
)
def test_each_column_that_differs_gets_a_phrase(spark: SparkSession, ddl: str, phrases: list[str]) -> None:
    assert differences(schema(ddl) if ddl else StructType(), VISITS) == phrases


def test_rows_that_conform_come_in_the_contracts_order(spark: SparkSession) -> None:
    assert conform(keyed(spark).select("tags", "name", "at", "week"), VISITS).columns == VISITS.schema.names
    with pytest.raises(BrokenLaw) as caught:
        conform(keyed(spark).drop("at", "tags"), VISITS)
    assert str(caught.value) == (
        "rows for ops.visits break its contract: column at is missing; column tags is missing"
    )


def test_sound_keys_pass_the_guard_with_every_row(spark: SparkSession) -> None:
    keys = [("w1", "a"), ("w1", "b"), ("w2", "a"), ("w2", "")]
    for unique in (True, False):
        guarded = guard_keys(keyed(spark, *keys), VISITS, unique=unique)
        assert sorted((row.week, row.name) for row in guarded.collect()) == sorted(keys)
        assert guarded.columns == VISITS.schema.names
    repeated = guard_keys(keyed(spark, ("w1", "a"), ("w1", "a")), VISITS, unique=False)
    assert repeated.count() == 2


@pytest.mark.parametrize(
    ("keys", "unique", "words"),
    [
        ([("w1", "a"), ("w2", None)], False, "a null table key in rows for ops.visits: week=w2, name=null"),
        ([(None, "a")], True, "a null table key in rows for ops.visits: week=null, name=a"),
        ([("w1", "a"), ("w1", "a")], True, "a repeated table key in rows for ops.visits: week=w1, name=a"),
        ([(None, None), (None, None)], True, "a null table key in rows for ops.visits: week=null, name=null"),
    ],
)
def test_the_guard_stops_at_a_broken_key_and_names_it(
    spark: SparkSession, keys: list[tuple[str | None, str | None]], unique: bool, words: str
) -> None:
    with pytest.raises(Exception, match=words):
        guard_keys(keyed(spark, *keys), VISITS, unique=unique).collect()


def test_a_count_cannot_optimise_the_guard_away(spark: SparkSession) -> None:
    rows = guard_keys(keyed(spark, ("w1", "a"), ("w1", "a")), VISITS, unique=True)
    with pytest.raises(Exception, match="a repeated table key"):
        rows.select("tags").count()


def test_null_equals_null_and_nothing_else_when_rows_are_compared(spark: SparkSession) -> None:
    pairs = [
        (1, ["a"], 1, ["a"]),
        (None, None, None, None),
        (None, ["a"], 1, ["a"]),
        (1, ["a"], 1, ["a", "b"]),
    ]
    both = spark.createDataFrame(
        [({"x": x, "y": y}, {"x": z, "y": w}) for x, y, z, w in pairs],
        "here struct<x:int,y:array<string>>, there struct<x:int,y:array<string>>",
    )
    found = both.select(differs(["x", "y"], "here", "there").alias("differs")).collect()
    assert [row.differs for row in found] == [False, False, True, True]
    assert both.where(differs([], "here", "there")).count() == 0
