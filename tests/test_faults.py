"""A job that is killed at any moment and run again leaves the tables of a job that was never killed."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.adhoc import query
from pipelines.generator import Plan, write_dump
from pipelines.shard_sets import ShardSet
from schemas.tables import TABLES

pytestmark = pytest.mark.faults

WEEK = "2026-W47"
WEEK_END = 1_795_392_000
SEED = 20_261_124
NUM_MOMENTS = 10
JOBS = (
    "ingest_workflows",
    "curate_workflows",
    "synthesize_conversations",
    "train_tokenizer",
    "write_shards",
)
SECONDS_TO_RUN = 300


def command(job: str, records: Path, lake: Path) -> list[str]:
    tokenizer = str(lake / "tokenizer.json")  # in the lake's folder, so that it is copied and removed with it
    flags = {
        "ingest_workflows": ["--inputs", str(records)],
        "synthesize_conversations": ["--week", WEEK, "--wordings", "1"],
        "train_tokenizer": ["--week", WEEK, "--output", tokenizer, "--num-tokens", "1024"],
        "write_shards": ["--week", WEEK, "--tokenizer", tokenizer],
    }.get(job, ["--week", WEEK])
    return [sys.executable, "-m", f"jobs.{job}", *flags, "--lake", str(lake)]


def run(job: str, records: Path, lake: Path) -> float:
    """Let the job finish; gives its seconds."""
    started = time.monotonic()
    subprocess.run(command(job, records, lake), check=True, timeout=SECONDS_TO_RUN, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def killed(job: str, records: Path, lake: Path, after: float) -> bool:
    """Start the job and SIGKILL all of it `after` seconds; whether it was still running then."""
    started = subprocess.Popen(
        command(job, records, lake),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        started.wait(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    return started.returncode == -signal.SIGKILL


def contents(lake: Path) -> dict[str, str]:
    """Digests of the rows of each table, whatever their order, of the tokenizer and of finished shards."""
    digests = {"tokenizer": hashlib.sha256((lake / "tokenizer.json").read_bytes()).hexdigest()}
    for name in TABLES:
        rows = sorted(repr(row) for row in query(str(lake), f"FROM {name}").to_pylist())
        digests[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    for folder in sorted((lake / "gold/shards").glob("*")):
        assert list(ShardSet(str(folder)).check()) == []
        for path in sorted(folder.rglob("*.parquet")):
            digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    write_dump(Plan(seed=5, num=800, week_end=WEEK_END, bad_share=0.05), folder, num_files=2)
    return folder


@pytest.fixture(scope="module")
def whole(
    records: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Path], dict[str, float], dict[str, str]]:
    """The lake before each job, the seconds that each takes, and what the tables hold in the end."""
    folder = tmp_path_factory.mktemp("whole")
    lake, before, seconds = folder / "lake", {}, {}
    for job in JOBS:
        before[job] = folder / f"before_{job}"
        if lake.exists():
            shutil.copytree(lake, before[job])
        seconds[job] = run(job, records, lake)
    return before, seconds, contents(lake)


@pytest.mark.parametrize("moment", range(NUM_MOMENTS))
def test_a_killed_job_that_runs_again_leaves_the_same_tables(
    moment: int,
    records: Path,
    whole: tuple[dict[str, Path], dict[str, float], dict[str, str]],
    tmp_path: Path,
) -> None:
    before, seconds, expected = whole
    chance = random.Random(f"{SEED}-{moment}")
    job = JOBS[moment % len(JOBS)]
    lake = tmp_path / "lake"
    if before[job].exists():
        shutil.copytree(before[job], lake)
    for attempt in range(3):
        # Most of a job is the start of its JVM; what matters comes after.
        after = seconds[job] * chance.uniform(0.3, 0.95)
        if killed(job, records, lake, after):
            break
        assert attempt < 2, "the job was never caught alive"
        shutil.rmtree(lake)
        if before[job].exists():
            shutil.copytree(before[job], lake)
    for following in JOBS[JOBS.index(job) :]:
        run(following, records, lake)
    assert contents(lake) == expected
