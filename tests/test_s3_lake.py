"""A lake in a bucket holds what a lake on a disk holds (`make test-s3`, which fetches 650 MB once)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.generator import Plan, write_dump
from pipelines.jars import DELTA_COORDINATES
from tests.pipelines.recordings import Recorded
from tests.s3_server import BUCKET, put, running_s3

pytestmark = pytest.mark.s3

ROOT = Path(__file__).parents[1]
HADOOP_AWS = "org.apache.hadoop:hadoop-aws:3.5.0"
"""Of the Hadoop that Spark ships."""
SECONDS_TO_RUN = 900

# All in one JVM: what a start with these jars costs is most of it.
JOBS = """
import hashlib, json, sys
from jobs import build_conversations, curate_workflows, ingest_conversations, ingest_workflows
from pipelines.lake import Lake
from pipelines.session import spark_session
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_WORKFLOWS

records, events, root = sys.argv[1:]
assert ingest_workflows.main(["--inputs", records, "--lake", root]) == 0
assert curate_workflows.main(["--lake", root, "--week", "2026-W47"]) == 0
for _ in range(2):
    assert ingest_conversations.main(["--inputs", events, "--lake", root]) == 0
assert build_conversations.main(["--lake", root]) == 0
lake = Lake(spark_session("s3"), root)
held = {}
for table in (SILVER_WORKFLOWS, GOLD_FATES, SILVER_CONVERSATIONS):
    rows = sorted(repr(row).replace(records, "") for row in lake.read(table).collect())
    held[table.name] = [len(rows), hashlib.sha256("".join(rows).encode()).hexdigest()]
print("held:", json.dumps(held))
"""


def held(records: str, events: str, lake: str, submit: str) -> dict[str, list[object]]:
    """How many rows each table has, and a digest of them."""
    done = subprocess.run(
        [sys.executable, "-c", JOBS, records, events, lake],
        cwd=ROOT,
        env={**os.environ, "PYSPARK_SUBMIT_ARGS": submit},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_TO_RUN,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("held: "))
    found: dict[str, list[object]] = json.loads(line.removeprefix("held: "))
    return found


def test_a_lake_in_a_bucket_is_the_lake_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dump(Plan(seed=5, num=60, week_end=1_795_392_000, bad_share=0.1), tmp_path / "records")
    recorded = Recorded(tmp_path / "events")
    recorded.ask("Tag big orders")
    usual = f"--packages {DELTA_COORDINATES} --driver-memory 2g pyspark-shell"
    here = held(str(tmp_path / "records"), str(tmp_path / "events"), str(tmp_path / "lake"), usual)
    with running_s3(monkeypatch) as url:
        for folder in ("records", "events"):
            for path in sorted((tmp_path / folder).rglob("*.json*")):
                put(f"{folder}/{path.name}", path.read_bytes())
        settings = {"endpoint": url, "path.style.access": "true", "endpoint.region": "us-east-1"}
        flags = " ".join(f"--conf spark.hadoop.fs.s3a.{name}={value}" for name, value in settings.items())
        there = held(
            f"s3://{BUCKET}/records",
            f"s3://{BUCKET}/events",
            f"s3a://{BUCKET}/lake",
            f"--packages {DELTA_COORDINATES},{HADOOP_AWS} {flags} --driver-memory 2g pyspark-shell",
        )
    assert there == here
    assert all(num for num, _ in here.values())
