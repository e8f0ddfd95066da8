from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from pipelines import transpile as subject  # noqa: E402
from pipelines.contracts import differences, spark_schema  # noqa: E402
from pipelines.transpile import transpile, untranspiled  # noqa: E402
from schemas.tables import BRONZE_WORKFLOWS, SILVER_WORKFLOWS  # noqa: E402
from schemas.workflow import LANGUAGE_VERSION, Inspection, Problem, inspect  # noqa: E402

README = Path(__file__).parents[2] / "README.md"
AGENT = README.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
PYTHON = inspect(AGENT).python


def line(workflow: str, **envelope: object) -> bytes:
    """A line of a production dump."""
    known = {"workflow_id": "w1", "shop_id": "s1", "workflow": workflow, "created_at": None}
    rest = {"updated_at": None, "last_run_at": None, "num_runs_7d": None, "active": None}
    return json.dumps({**known, **rest, **envelope}).encode()


def bronze_row(raw: bytes | None, **columns: object) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(BRONZE_WORKFLOWS.schema.names)
    place = {"source_file": "dump.jsonl", "source_offset": 40, "source_line": 17}
    return {**row, "record_id": "r1", "workflow_id": "w1", "shop_id": "s1", "raw": raw, **place, **columns}


def silver_row(raw: bytes | None, **columns: object) -> dict[str, Any]:
    return subject._silver_row(bronze_row(raw, **columns))


def bronze(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    schema = spark_schema(BRONZE_WORKFLOWS)
    return spark.createDataFrame([tuple(row[name] for name in schema.names) for row in rows], schema)


REFUSED = {
    "a broken step": (
        line(AGENT.replace('"to_step_id": 4', '"to_step_id": 5')),
        "INVALID_LINK",
        "dump.jsonl line 17, workflow w1, step 5 at /root/links/2/to_step_id: ",
    ),
    "a workflow that is no JSON": (
        line('{"root": '),
        "INVALID_WORKFLOW_JSON",
        "dump.jsonl line 17, workflow w1 at /: ",
    ),
    "Python that is no workflow": (
        line("@order_created\ndef f(order):\n    import os\n"),
        "PYTHON_CONSTRUCT",
        "dump.jsonl line 17, workflow w1 at 3:5: ",
    ),
    "an empty workflow": (line(""), "INVALID_WORKFLOW_JSON", "dump.jsonl line 17, workflow w1 at /: empty"),
    "bytes that are no text": (
        b'"\xff\xfe',
        "INVALID_ENCODING",
        "dump.jsonl line 17, workflow w1 at /: byte 1 is not UTF-8",
    ),
    "no bytes": (None, "NO_BYTES", "dump.jsonl line 17, workflow w1 at /: its bytes were not kept"),
    "half a line": (b'{"workflow": "{', "INVALID_WORKFLOW_JSON", "dump.jsonl line 17, workflow w1 at /: "),
    "a line of another kind": (
        b'{"a": 1}',
        "INSPECTION_FAILED",
        "dump.jsonl line 17, workflow w1 at /: KeyE",
    ),
    "brackets without end": (
        line("[" * 100_000),
        "INVALID_WORKFLOW_JSON",
        "dump.jsonl line 17, workflow w1 at /: nested deeper than 128 levels",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_row_says_why_and_where(name: str) -> None:
    raw, code, sentence = REFUSED[name]
    row = silver_row(raw)
    assert row["problem_code"] == code
    assert row["problem"].startswith(sentence)
    assert (row["python"], row["layout"]) == ("", "")
    assert row["language_version"] == LANGUAGE_VERSION


def test_the_sentence_names_the_step_and_leaves_out_what_is_not_there() -> None:
    task = AGENT.replace(
        '"task_version": "0.1", "task_type": "ACTION"', '"task_version": 1, "task_type": "ACTION"'
    )
    row = silver_row(task.encode(), workflow_id=None, source_file="exports/a.json", source_line=0)
    assert row["problem"].startswith("exports/a.json, step 3 at /root/steps/2/task_version: ")
    assert row["problem_path"] == "/root/steps/2/task_version"


@pytest.mark.parametrize("raw", [AGENT.encode(), line(AGENT)], ids=["bare", "line"])
def test_a_sound_workflow_comes_out_as_python_that_gives_it_back(raw: bytes) -> None:
    row = silver_row(raw)
    assert (row["problem_code"], row["problem"], row["problem_path"]) == (None, None, None)
    assert (row["spelling"], row["exact"], row["semantic"]) == ("agent", True, True)
    assert row["python"] == PYTHON
    assert row["trigger"] == "order_created"
    assert row["tasks"] == ["add_customer_tags", "condition", "send_email"]
    assert row["descriptor"] == inspect(AGENT).descriptor
    assert json.loads(row["layout"])


def test_python_that_is_not_canonical_passes_as_its_canonical_text() -> None:
    row = silver_row(line(PYTHON.replace("    ", "  ")))
    assert (row["spelling"], row["exact"], row["semantic"]) == ("python", False, True)
    assert (row["problem_code"], row["python"]) == (None, PYTHON)


SOUND = Inspection("agent", exact=True, semantic=True, python="p", layout="{}", descriptor="d", trigger="t")


@pytest.mark.parametrize(
    "broken",
    [
        replace(SOUND, exact=False),
        replace(SOUND, semantic=False),
        replace(SOUND, python=""),
        replace(SOUND, descriptor=""),
        replace(SOUND, exact=False, problems=(Problem("CAPTION", "warning", "1", "", "m"),)),
        replace(SOUND, spelling="python", semantic=False),
        replace(SOUND, spelling="python", exact=False, python=""),
        Inspection(""),
    ],
)
def test_a_row_that_is_not_lossless_is_refused_though_nobody_complained(
    monkeypatch: pytest.MonkeyPatch, broken: Inspection
) -> None:
    monkeypatch.setattr(subject, "inspect", lambda _, **_flags: SOUND)
    assert silver_row(line("x"))["problem_code"] is None
    monkeypatch.setattr(subject, "inspect", lambda _, **_flags: broken)
    row = silver_row(line("x"))
    assert (row["problem_code"], row["python"], row["layout"]) == ("ROUND_TRIP", "", "")
    assert row["problem"] == "dump.jsonl line 17, workflow w1 at /: what comes back is not what went in"


def test_an_error_beside_a_lossless_verdict_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = Problem("MAX_STEPS_EXCEEDED", "error", "", "/root/steps", "too many")
    monkeypatch.setattr(subject, "inspect", lambda _, **_flags: replace(SOUND, problems=(complaint,)))
    row = silver_row(line("x"))
    assert (row["problem_code"], row["python"], row["problem_path"]) == (
        "MAX_STEPS_EXCEEDED",
        "",
        "/root/steps",
    )


@pytest.mark.parametrize("bug", [RecursionError(), KeyError("secret value"), MemoryError()])
def test_a_bug_in_the_language_costs_one_row_and_tells_no_values(
    monkeypatch: pytest.MonkeyPatch, bug: Exception
) -> None:
    def inspect_badly(_: str, **_flags: bool) -> Inspection:
        raise bug

    monkeypatch.setattr(subject, "inspect", inspect_badly)
    row = silver_row(line("x"))
    assert row["problem_code"] == "INSPECTION_FAILED"
    assert type(bug).__name__ in row["problem"]
    assert "secret" not in row["problem"]


def test_a_text_that_no_table_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "inspect", lambda _, **_flags: replace(SOUND, python="a = '\ud800'"))
    assert silver_row(line("x"))["problem_code"] == "INVALID_ENCODING"


def test_every_row_comes_out_once_whatever_it_holds(spark: SparkSession) -> None:
    raws = [AGENT.encode(), line(AGENT), *(raw for raw, _, _ in REFUSED.values())]
    ids = [f"r{number}" for number in range(len(raws))]
    rows = [bronze_row(raw, record_id=id_) for raw, id_ in zip(raws, ids, strict=True)]
    silver = transpile(bronze(spark, *rows).repartition(3))
    assert differences(silver.schema, SILVER_WORKFLOWS) == []
    stored = {row.record_id: row for row in silver.collect()}
    assert silver.count() == len(ids)
    assert sorted(stored) == sorted(ids)
    for id_, row in zip(ids, rows, strict=True):
        assert stored[id_].asDict() == subject._silver_row(row)


def test_rows_that_this_version_has_seen_or_whose_envelope_is_bad_are_left_out(spark: SparkSession) -> None:
    rows = bronze(
        spark,
        bronze_row(b"a", record_id="new"),
        bronze_row(b"b", record_id="seen"),
        bronze_row(b"c", record_id="seen by another version"),
        bronze_row(None, record_id="bad", problem_code="RECORD_TOO_LARGE"),
    )
    seen = spark.createDataFrame(
        [
            ("seen", LANGUAGE_VERSION),
            ("seen by another version", "flow_python_v0"),
            ("gone", LANGUAGE_VERSION),
        ],
        "record_id string, language_version string",
    )
    assert sorted(row.record_id for row in untranspiled(rows, seen).collect()) == [
        "new",
        "seen by another version",
    ]
    nothing = seen.where("false")
    assert untranspiled(rows, nothing).count() == 3
    assert untranspiled(rows, nothing).columns == rows.columns


def test_to_find_what_is_new_no_bytes_travel(spark: SparkSession, tmp_path: Path) -> None:
    bronze(spark, *(bronze_row(b"x" * 100, record_id=f"r{n}") for n in range(50))).write.parquet(
        str(tmp_path / "b")
    )
    rows = spark.read.parquet(str(tmp_path / "b"))
    seen = rows.limit(45).selectExpr("record_id", f"'{LANGUAGE_VERSION}' AS language_version")
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", "5k")  # the 50 rows are more, the new ids are less
    try:
        found = untranspiled(rows, seen)
        assert found.count() == 5
        plan = found._jdf.queryExecution().executedPlan().toString()
    finally:
        spark.conf.unset("spark.sql.autoBroadcastJoinThreshold")
    # The side that holds the bytes stays where it is.
    assert re.search(r"BroadcastHashJoin \[record_id#\d+\], \[record_id#\d+\], LeftSemi, BuildRight", plan)
