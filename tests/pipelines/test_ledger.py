from __future__ import annotations

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from pipelines.ledger import ledger  # noqa: E402
from schemas.errors import BrokenLaw  # noqa: E402


def read(spark: SparkSession, *ids: str | None) -> DataFrame:
    return spark.createDataFrame([(id_,) for id_ in ids], "record_id string")


def fates(spark: SparkSession, *rows: tuple[str | None, str | None]) -> DataFrame:
    return spark.createDataFrame(list(rows), "record_id string, fate string")


def test_the_ledger_counts_each_fate_and_what_was_read(spark: SparkSession) -> None:
    ended = fates(spark, ("a", "training"), ("b", "rejected"), ("c", "rejected"), ("d", "quarantine"))
    assert ledger(ended, read(spark, *"dcba")) == {
        "read": 4,
        "training": 1,
        "quarantine": 1,
        "rejected": 2,
        "erased": 0,
    }


def test_nothing_read_has_no_fates(spark: SparkSession) -> None:
    counted = ledger(fates(spark), read(spark))
    assert counted == {"read": 0, "training": 0, "quarantine": 0, "rejected": 0, "erased": 0}


@pytest.mark.parametrize(
    ("ids", "ended", "message"),
    [
        ("abc", [("a", "training")], "2 records, b among them, have no fate"),
        ("a", [("a", "training"), ("b", "erased")], "1 records, b among them, have a fate and were not read"),
        # Totals agree from here on.
        ("ab", [("a", "training"), ("a", "rejected")], "1 records, b among them, have no fate"),
        (
            "ab",
            [("a", "training"), ("c", "training")],
            "1 records, c among them, have a fate and were not read",
        ),
        ("aab", [("a", "training"), ("b", "erased"), ("b", "erased")], "1 records, b among them, have more"),
        ("aa", [("a", "training"), ("a", "training")], "1 records, a among them, were read more than once"),
        ("ab", [("a", "training"), ("b", "Training")], "1 records, b among them, have the fate 'Training'"),
        ("ab", [("a", "training"), ("b", None)], "1 records, b among them, have the fate 'null'"),
        ("a", [(None, "training")], "1 records, None among them, have a fate and were not read"),
    ],
)
def test_a_record_without_exactly_one_fate_stops_everything(
    spark: SparkSession, ids: str, ended: list[tuple[str | None, str | None]], message: str
) -> None:
    with pytest.raises(BrokenLaw, match=f"^conservation: {message}"):
        ledger(fates(spark, *ended), read(spark, *ids))
