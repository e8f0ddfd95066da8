"""A write of which one file-system call fails, whichever, leaves the table as it was or as it should be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyspark
import pytest

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent / "failing_files"
SECONDS = 3000


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file system that fails, compiled against Spark's own Hadoop."""
    if shutil.which("javac") is None:
        pytest.skip("the failing file system is Java, and there is no compiler: install a JDK")
    folder = tmp_path_factory.mktemp("classes")
    jars = Path(str(pyspark.__file__)).parent / "jars" / "*"
    command = ["javac", "-nowarn", "-cp", str(jars), "-d", str(folder)]
    subprocess.run([*command, *map(str, sorted(HERE.glob("*.java")))], check=True)
    return folder


@pytest.mark.parametrize("operation", ["insert", "update", "replace", "create"])
def test_whichever_call_fails_the_rows_are_the_old_ones_or_the_new_ones(
    operation: str, classes: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.failing_files.program", str(classes), str(tmp_path), operation]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    *calls, end = told
    kinds = Counter((call["failed"].split()[0], bool(call["raised"]), call["left"]) for call in calls)
    print(f"\n{operation}: {end['calls']} calls, of which each failed once: {dict(kinds)}")  # noqa: T201
    assert len(calls) == end["calls"] > 10
    assert [call for call in calls if call["left"] not in ("old", "new")] == []
    assert [call for call in calls if not call["raised"] and call["left"] == "old"] == [], "a silent loss"
    assert [call for call in calls if call["again"] != "new"] == []
