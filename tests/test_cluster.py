"""`spark-submit --py-files` on a real standalone cluster: a master and two workers on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyspark
import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.spark]

from pyspark.sql import SparkSession  # noqa: E402

from jobs.curate_workflows import main as curate_workflows  # noqa: E402
from jobs.ingest_workflows import main as ingest_workflows  # noqa: E402
from jobs.synthesize_conversations import main as synthesize_conversations  # noqa: E402
from jobs.train_tokenizer import main as train_tokenizer  # noqa: E402
from jobs.write_shards import main as write_shards  # noqa: E402
from pipelines.adhoc import query  # noqa: E402
from pipelines.generator import Plan, write_dump  # noqa: E402
from pipelines.jars import find_jars  # noqa: E402
from schemas.workflow import LANGUAGE_VERSION  # noqa: E402

ROOT = Path(__file__).parents[1]
SPARK_HOME = Path(pyspark.__file__).parent
PACKAGES = ("schemas", "serving", "pipelines", "training", "jobs")
WEEK = "2026-W47"
WEEK_END = 1_795_392_000
SECONDS_TO_START = 60
SECONDS_TO_RUN = 900
VERSION_IN_THE_ZIP = "flow_python_of_the_zip"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(folder: Path) -> dict[str, str]:
    foreign = ("SPARK_", "PYTHON", "PYSPARK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": sys.executable,
    }


def start(stack: ExitStack, folder: Path, until: str, *arguments: str) -> None:
    """Run one of Spark's own services until the stack closes; return when it says `until`."""
    service = subprocess.Popen(
        [SPARK_HOME / "bin/spark-class", f"org.apache.spark.deploy.{arguments[0]}", *arguments[1:]],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert service.stdout is not None
    stack.enter_context(service.stdout)
    stack.callback(service.wait, timeout=30)
    stack.callback(service.terminate)
    late = threading.Timer(SECONDS_TO_START, service.kill)
    late.start()
    said = []
    for line in service.stdout:
        said.append(line)
        if until in line:
            break
    late.cancel()
    assert until in said[-1], "".join(said)
    reader = threading.Thread(target=service.stdout.read)  # so that the pipe never fills
    reader.start()
    stack.callback(reader.join, timeout=30)
    stack.callback(service.terminate)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cluster")
    port = str(free_port())
    url = f"spark://127.0.0.1:{port}"
    here = ("--host", "127.0.0.1", "--webui-port", "0")
    with ExitStack() as stack:
        start(stack, folder, "elected leader", "master.Master", *here, "--port", port)
        for _ in range(2):
            size = ("--cores", "1", "--memory", "1g")
            start(stack, folder, "Successfully registered", "worker.Worker", *here, *size, url)
        yield url


def zipped(folder: Path) -> Path:
    """The packages as `make zip` lays them out, with one word changed that every row carries."""
    path = folder / "sidewheel.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for package in PACKAGES:
            for file in sorted((ROOT / package).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    content = file.read_bytes()
                    if file.name == "inspection.py":
                        content = content.replace(LANGUAGE_VERSION.encode(), VERSION_IN_THE_ZIP.encode())
                        assert VERSION_IN_THE_ZIP.encode() in content
                    archive.writestr(str(file.relative_to(ROOT)), content)
    return path


def fates(lake: Path) -> list[dict[str, Any]]:
    sql = "SELECT record_id, fate, reason, descriptor FROM gold.fates ORDER BY record_id"
    found: list[dict[str, Any]] = query(str(lake), sql).to_pylist()
    return found


def submitted(job: str, master: str, folder: Path, *flags: str | Path) -> str:
    """What the job prints on the cluster."""
    done = subprocess.run(
        [
            *(SPARK_HOME / "bin/spark-submit", "--master", master),
            *("--py-files", zipped(folder), "--jars", ",".join(map(str, find_jars()))),
            *("--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.ui.enabled=false"),
            *(ROOT / f"jobs/{job}.py", *flags),
        ],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_RUN,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week that was curated on this machine; its records lie beside it."""
    folder = tmp_path_factory.mktemp("one_machine")
    write_dump(Plan(seed=3, num=400, week_end=WEEK_END, bad_share=0.1), folder / "in")
    assert ingest_workflows(["--inputs", str(folder / "in"), "--lake", str(folder / "lake")]) == 0
    assert curate_workflows(["--lake", str(folder / "lake"), "--week", WEEK]) == 0
    return folder / "lake"


def test_a_week_is_curated_on_two_workers_as_it_is_on_one_machine(
    lake: Path, master: str, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    assert ingest_workflows(["--inputs", str(lake.parent / "in"), "--lake", str(there)]) == 0
    printed = submitted("curate_workflows", master, tmp_path, "--lake", there, "--week", WEEK)
    assert f"curate_workflows week={WEEK} read=" in printed
    assert fates(there) == fates(lake)
    assert Counter(row["fate"] for row in fates(there)).keys() == {"training", "quarantine", "rejected"}
    (versions,) = query(str(there), "SELECT DISTINCT language_version FROM silver.workflows").to_pylist()
    assert versions == {"language_version": VERSION_IN_THE_ZIP}


def test_shards_are_the_same_bytes_on_two_workers_as_on_one_machine(
    lake: Path, master: str, tmp_path: Path
) -> None:
    tokenizer = str(tmp_path / "tokenizer.json")
    week = ("--lake", str(lake), "--week", WEEK)
    assert synthesize_conversations([*week, "--wordings", "1"]) == 0
    assert train_tokenizer([*week, "--output", tokenizer, "--num-tokens", "600"]) == 0
    there = shutil.copytree(lake, tmp_path / "there")
    flags = ("--tokenizer", tokenizer, "--rows-per-shard", "40")
    assert write_shards([*week, *flags]) == 0
    printed = submitted("write_shards", master, tmp_path, "--lake", there, "--week", WEEK, *flags)
    assert f"write_shards week={WEEK} pool=" in printed
    here, on_the_cluster = (
        {path.name: path.read_bytes() for path in (root / "gold/shards").glob("*/data/*")}
        for root in (lake, there)
    )
    assert len(here) > 2
    assert on_the_cluster == here
