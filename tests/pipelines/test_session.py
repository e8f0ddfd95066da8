"""What needs a process of its own gets one; the rest looks at the session of the tests."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

pytestmark = pytest.mark.spark

from pyspark.logger import PySparkLogger  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from pipelines.jars import DELTA_COORDINATES, find_jars  # noqa: E402
from pipelines.session import (  # noqa: E402
    INTERPRETED,
    SMALL_BYTES,
    TINY_BYTES,
    _sized,
    check_java,
    spark_session,
)
from schemas.errors import UsageError  # noqa: E402

ROOT = Path(__file__).parents[2]


def run(program: str, *, command: list[str] | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK", "SPARK"))}
    return subprocess.run(
        [*(command or [sys.executable]), program],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, "PYTHONPATH": str(ROOT), **env},
    )


def fake_java(folder: Path, script: str) -> None:
    (folder / "bin").mkdir()
    java = folder / "bin" / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)


def saying(version: str) -> str:
    return f"echo 'Picked up JAVA_TOOL_OPTIONS: -Xmx1g' >&2; echo 'openjdk version \"{version}\" 2026' >&2"


def test_a_session_lives_in_utc_with_delta_and_runs_this_interpreter(spark: SparkSession) -> None:
    assert spark_session("another name") is spark
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.sql("SELECT CAST(TIMESTAMP '2026-11-16 00:00:00' AS LONG)").first() == (1_794_787_200,)
    assert spark.conf.get("spark.sql.catalog.spark_catalog", "").endswith("DeltaCatalog")
    assert os.environ["PYSPARK_PYTHON"] == sys.executable

    def interpreter(batches):
        import pyarrow as pa

        for _ in batches:
            yield pa.RecordBatch.from_pydict({"path": [sys.executable]})

    [row] = spark.range(0, 1, 1, 1).mapInArrow(interpreter, "path string").collect()
    assert row.path == sys.executable


def test_whoever_finds_a_session_in_another_time_zone_gets_it_in_utc(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    assert spark_session("x").conf.get("spark.sql.session.timeZone") == "UTC"


def test_what_goes_to_python_at_once_is_bounded_in_bytes(spark: SparkSession) -> None:
    def sizes(batches):
        import pyarrow as pa

        for batch in batches:
            yield pa.RecordBatch.from_pydict({"num_bytes": [batch.nbytes]})

    rows = spark.range(0, 30, 1, 1).select(F.repeat(F.lit("x"), 8 << 20).alias("text"))
    seen = [row.num_bytes for row in rows.mapInArrow(sizes, "num_bytes long").collect()]
    assert sum(seen) > 30 * (8 << 20)
    assert max(seen) <= 80 << 20


def test_a_file_that_is_corrupt_is_an_error_and_not_a_gap(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "part-0.parquet").write_bytes(b"PAR1 is how it starts, and that is all")
    with pytest.raises(Exception, match=r"part-0\.parquet"):
        spark.read.schema("name string").parquet(str(tmp_path)).collect()


def test_an_error_is_raised_once_and_not_printed_as_well(spark: SparkSession) -> None:
    printed: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = printed.append  # type: ignore[method-assign]
    text = spark.createDataFrame([("shop-7731",)], "text string")
    for query in (text.select(F.col("text").cast("int")), spark.sql("SELECT CAST('shop-7731' AS INT)")):
        loggers = [
            PySparkLogger.getLogger(name) for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
        ]
        for logger in loggers:
            logger.addHandler(handler)
        with pytest.raises(Exception, match="shop-7731"):
            query.collect()
        for logger in loggers:
            logger.removeHandler(handler)
    assert printed == []


@pytest.mark.parametrize("version", ["17", "17.0.12", "21-ea", "25.0.1"])
def test_java_17_and_later_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    fake_java(tmp_path, saying(version))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert check_java() == version


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (saying("1.8.0_392"), "is 1.8.0_392"),
        (saying("11.0.2"), "is 11.0.2"),
        (saying("9"), "is 9"),
        ("echo hello >&2", "is an unknown version"),
        ("exit 3", "does not start"),
    ],
)
def test_another_java_is_refused_in_one_sentence_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, found: str
) -> None:
    fake_java(tmp_path, script)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        check_java()
    sentence = str(caught.value)
    assert f"{tmp_path}/bin/java {found}" in sentence
    assert sentence.endswith("`apt-get install openjdk-17-jre-headless`, and check JAVA_HOME")
    assert "\n" not in sentence


def test_without_java_a_job_says_one_sentence_and_exits_2(tmp_path: Path) -> None:
    gone = run(
        "from jobs.curate_workflows import main; import sys;"
        f"sys.exit(main(['--lake', {str(tmp_path)!r}, '--week', '2026-W47']))",
        command=[sys.executable, "-c"],
        PATH=str(tmp_path),
        JAVA_HOME="",
    )
    assert (gone.returncode, gone.stdout) == (2, "")
    assert gone.stderr == (
        "curate_workflows: Spark needs Java and there is none on PATH: install Java 17 or later, "
        "for example `apt-get install openjdk-17-jre-headless`\n"
    )
    moved = run(
        "from pipelines.session import spark_session; spark_session('x')",
        command=[sys.executable, "-c"],
        JAVA_HOME=str(tmp_path / "gone"),
    )
    assert f"UsageError: Spark needs Java and {tmp_path}/gone/bin/java does not start" in moved.stderr


SECOND_SESSION = """
import json
from pipelines.session import spark_session

first = spark_session("first", master="local[1]", driver_memory="1g")
jars = first.sparkContext.getConf().get("spark.jars").split(",")
first.stop()
second = spark_session("second", master="local[1]")
second.range(3).write.format("delta").save("table")
print(json.dumps({
    "jars": jars,
    "zone": second.conf.get("spark.sql.session.timeZone"),
    "rows": second.read.format("delta").load("table").count(),
    "midnight": second.sql("SELECT CAST(TIMESTAMP '1970-01-01 00:00:00' AS LONG) AS at").first().at,
    "host": second.conf.get("spark.driver.host"),
}))
"""


def test_a_session_after_a_stopped_one_has_delta_and_utc_wherever_the_machine_stands(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SECOND_SESSION)
    done = run(
        str(program),
        command=["env", "-C", str(tmp_path), sys.executable],
        TZ="Asia/Tokyo",
        PYSPARK_PYTHON="/nowhere/python",
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["zone"], said["midnight"], said["rows"]) == ("UTC", 0, 3)
    assert said["host"] in ("localhost", "127.0.0.1")
    assert said["jars"] == [path.as_uri() for path in find_jars()]
    assert "incubator" not in done.stderr


def test_spark_submit_without_delta_is_told_which_package_to_add(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from schemas.errors import UsageError\n"
        "from pipelines.session import spark_session\n"
        "try:\n    spark_session('x')\nexcept UsageError as error:\n    print(error)\n"
    )
    submit = Path(str(pyspark.__file__)).parent / "bin" / "spark-submit"
    done = run(str(program), command=[str(submit), "--master", "local[1]"], PYSPARK_PYTHON=sys.executable)
    assert done.stdout.strip() == (
        f"Spark was started without Delta: add --packages {DELTA_COORDINATES} to spark-submit"
    )


def test_a_session_is_sized_by_what_it_reads_and_only_on_one_machine() -> None:
    tiny, small, large = (_sized("local[2]", size) for size in (0, TINY_BYTES, SMALL_BYTES))
    assert int(small["spark.sql.shuffle.partitions"]) < int(large["spark.sql.shuffle.partitions"])
    assert tiny == small | INTERPRETED
    assert not INTERPRETED.keys() & (small | large).keys()
    assert _sized("spark://host:7077", 0) == _sized("yarn", SMALL_BYTES) == {}
