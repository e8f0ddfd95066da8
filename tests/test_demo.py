"""The demo: it prints what the README shows, ends whatever kills it, and changes nothing when done again."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.adhoc import query
from schemas.tables import TABLES

pytestmark = [pytest.mark.demo, pytest.mark.spark]

ROOT = Path(__file__).parents[1]
SMALL = ("--num", "160", "--steps", "1", "--num-merchants", "16", "--num-evaluated", "3")
SECONDS_TO_RUN = 1800
NUM_KILLS = 5
SEED = 20_261_125

# What a float of a trained model decides, and the machine's speed.
VARYING = re.compile(
    r"\b((?:seconds|loss|tokens_per_second)=|sidewheel-|(?<=  )(?=[0-9a-f]{8}  ))[0-9a-z.]+|[0-9.]+$"
)

# What a busy machine changes: a model that is asked has 30 seconds.
HASTE = {"gold.evaluations": ("latency_seconds", "num_tokens", "num_turns", "reason")}


def demo(folder: Path, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "demo", *flags],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, *flags: str) -> str:
    """What a whole demo prints."""
    folder.mkdir(exist_ok=True)
    process = demo(folder, *flags)
    try:
        out, err = process.communicate(timeout=SECONDS_TO_RUN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, err[-2000:]
    return out


def contents(folder: Path) -> dict[str, str]:
    """Digests of every table's rows whatever the machine's speed, of every shard, checkpoint and event."""
    digests = {}
    for name in TABLES:
        rows = query(str(folder / "demo/lake"), f"FROM {name}").to_pylist()
        told = sorted(
            repr({key: value for key, value in row.items() if key not in HASTE.get(name, ())}).replace(
                str(folder), "here"
            )
            for row in rows
        )
        digests[name] = hashlib.sha256("\n".join(told).encode()).hexdigest()
    for pattern in ("**/*.safetensors", "lake/gold/shards/*/data/*.parquet", "events/**/*.jsonl"):
        for path in sorted((folder / "demo").glob(pattern)):
            digests[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def lines(text: str) -> list[str]:
    return [VARYING.sub(r"\1", line.rstrip()) for line in text.strip().splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder, *SMALL)


def test_the_demo_goes_round_and_ends_with_what_it_brought_home(finished: tuple[Path, str]) -> None:
    folder, shown = finished
    parts = re.findall(r"^== (.*) ==$", shown, re.MULTILINE)
    assert len(parts) == 7
    ledger = shown[shown.index(f"== {parts[-1]} ==") :]
    sums = re.findall(r"^(workflows|conversations|pool): +(\d+) = (.*)$", ledger, re.MULTILINE)
    assert [name for name, _, _ in sums] == ["workflows", "conversations", "pool"]
    for name, whole, added in sums:
        assert int(whole) == sum(map(int, re.findall(r"(?:^|\+ )(\d+) ", added))) > 0, name
    assert "Merchants are simulated" in ledger
    conversation = shown[shown.index("== one conversation in full ==") :]
    assert re.search(r"^merchant   \S", conversation, re.MULTILINE)
    assert "calls      create_or_update_workflow" in conversation
    assert '"workflow_name": ' in conversation
    sql = "SELECT source FROM read_parquet('{}/demo/lake/gold/shards/2026-W48-*/data/*.parquet')"
    sources = set(query(str(folder / "demo/lake"), sql.format(folder)).column(0).to_pylist())
    assert sources == {"synthetic", "recorded"}


def test_doing_the_demo_again_changes_nothing(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    before = contents(folder)
    assert "made=false" in run(folder, *SMALL)
    assert contents(folder) == before


def test_a_demo_that_is_killed_anywhere_is_finished_by_running_it_again(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    random.seed(SEED)
    num_killed = 0
    for _ in range(NUM_KILLS):
        process = demo(tmp_path, *SMALL)
        try:
            process.communicate(timeout=random.uniform(8, 90))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            num_killed += 1
    assert num_killed >= 3
    run(tmp_path, *SMALL)
    assert contents(tmp_path) == contents(finished[0])
    shutil.rmtree(tmp_path / "demo")


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = readme[readme.index("prints this, with longer tables") :]
    shown = told[told.index("```text\n") + len("```text\n") : told.index("\n```\n")]
    printed = "\n".join(lines(run(tmp_path)))
    at = 0
    for part in shown.split("\n...\n"):  # some rows of each table are left out
        expected = "\n".join(lines(part))
        assert expected in printed[at:]
        at = printed.index(expected, at) + len(expected)
