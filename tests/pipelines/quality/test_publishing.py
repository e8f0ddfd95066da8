"""What is wrong stops a publish, the last good version stays, and both are in `ops.measures`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql.types import StructField, StructType

from jobs.check_quality import main as check_quality
from pipelines.contracts import spark_schema
from pipelines.lake import Lake
from pipelines.quality import Publisher, QualityPolicy
from schemas.errors import BrokenLaw
from schemas.tables import GOLD_FATES, OPS_MEASURES

pytestmark = pytest.mark.spark

WEEKS = ("2026-W44", "2026-W45", "2026-W46")
WEEK = "2026-W47"


def fate(number: int, week: str = WEEK, **changed: Any) -> dict[str, Any]:
    """A row with planted values: an id, a shop and a text that must be seen nowhere."""
    told = {
        "record_id": f"secret-{number}",
        "week": week,
        "kind": "workflow",
        "shop_id": f"shop-of-jane-{number % 3}",
        "fate": "training",
        "detail": "jane@example.com asked",
        "num_runs_7d": number,
    }
    return {**dict.fromkeys(GOLD_FATES.schema.names), **told, **changed}


def publish(lake: Lake, rows: list[dict[str, Any]], *weeks: str) -> Publisher:
    publisher = Publisher(lake, QualityPolicy())
    schema = StructType([StructField(field.name, field.dataType) for field in spark_schema(GOLD_FATES)])
    df = lake.spark.createDataFrame(rows, schema)
    partition = {"week": weeks or (WEEK,), "kind": "workflow"}
    publisher.replace(df.repartition(2), GOLD_FATES, partition=partition)
    return publisher


def planted(num: int = 20, **changed: Any) -> list[dict[str, Any]]:
    return [fate(number) for number in range(num - 1)] + [fate(num, **changed)]


def test_what_is_wrong_stops_a_publish_and_the_last_good_version_stays(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    before = publish(lake, [fate(number, week) for week in WEEKS for number in range(20)], *WEEKS)
    assert before.counted() == {"warnings": 0}
    assert publish(lake, planted()).counted() == {"warnings": 0}
    version, rows = lake.version(GOLD_FATES), lake.read(GOLD_FATES).collect()

    stopped = {
        r"record_id\.null is 1, expected at most 0": planted(record_id=None),
        r"fate\.unknown is 1, expected at most 0 \(fate is one of training, .*; repeated is 1, ": [
            *planted(fate="lost"),
            fate(3),
        ],
        r"2026-W47 rows is 200, expected at least 5 and at most 80 \(3 weeks before": planted(200),
        r"2026-W47 rows is 0, expected at least 1 \(the week is published with rows already\)": [],
        r"2026-W47 shop_id\.null_rate is 1, expected at most": [
            fate(number, shop_id=None) for number in range(20)
        ],
    }
    for says, wrong in stopped.items():
        with pytest.raises(BrokenLaw, match=rf"^gold\.fates is not published: {says}"):
            publish(lake, wrong)
    assert lake.version(GOLD_FATES) == version
    assert lake.read(GOLD_FATES).collect() == rows

    weeks = lake.read(OPS_MEASURES).where(f"week = '{WEEK}' AND measure = 'shop_id.null_rate'").collect()
    kept = {row["published"]: (row["value"], row["passed"]) for row in weeks}
    assert kept == {True: (0.0, True), False: (1.0, False)}

    some = [fate(number, shop_id=None if number < 12 else "a") for number in range(20)]
    assert publish(lake, some).counted() == {"warnings": 1}

    assert_that_check_quality_tells_the_same(lake, capsys)


def assert_that_check_quality_tells_the_same(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert check_quality(["--lake", lake.root]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^check_quality tables=1 expectations=\d\d warnings=1 docs=\S+/index.html ", said)
    pages = list(Path(lake.root, "ops", "quality").rglob("*.html"))
    assert len(pages) > 2
    shown = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert "0.6" in shown  # the share of null that is a warning
    assert not re.search(r"secret-|jane", shown)
    measures = lake.read(OPS_MEASURES)
    assert not re.search(r"secret-|jane", str(measures.collect()))
    num_rows = measures.count()
    assert check_quality(["--lake", lake.root]) == 0
    assert lake.read(OPS_MEASURES).count() == num_rows

    lake.spark.sql(f"UPDATE delta.`{lake.uri(GOLD_FATES)}` SET fate = 'lost' WHERE record_id = 'secret-1'")
    assert check_quality(["--lake", lake.root]) == 70
    assert "gold.fates: fate.unknown is 4, expected at most 0" in capsys.readouterr().err


def test_check_quality_of_no_lake_is_a_wrong_argument(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_quality(["--lake", str(tmp_path)]) == 2
    assert "There are no tables in" in capsys.readouterr().err
    assert check_quality(["--lake", "s3://bucket/lake"]) == 2
    assert "say where the Data Docs go with --output" in capsys.readouterr().err
