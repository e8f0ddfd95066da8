"""What else may happen during an erasure: an ingest beside it, another writer, a disk that is full."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

pytestmark = [pytest.mark.faults, pytest.mark.spark]

from pyspark.sql import DataFrame  # noqa: E402

from pipelines.erasure import SHOP, ErasedSubjects, Subject, bury, purge  # noqa: E402
from pipelines.erasure.files import Files  # noqa: E402
from pipelines.erasure.scan import scan  # noqa: E402
from pipelines.erasure.spellings import Spellings  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.errors import Transient  # noqa: E402
from schemas.tables import BRONZE_EVENTS  # noqa: E402
from tests.pipelines.recordings import Recorded  # noqa: E402

MARKER = "plinth-otter-4711"
SPELLINGS = Spellings([Subject(SHOP, MARKER)])
SECONDS = 600
NUM_ROUNDS = 4


def events(lake: Lake, name: str, num: int = 1, *, shop: str = "other", size: int = 10) -> DataFrame:
    rows = [
        {"record_id": f"{name}-{n}", "shop_id": shop, "conversation_id": name, "raw": os.urandom(size)}
        for n in range(num)
    ]
    return lake.spark.createDataFrame(pa.Table.from_pylist(rows, schema=BRONZE_EVENTS.schema))


def job(name: str, *argv: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"jobs.{name}", *argv]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(name: str, *argv: str) -> int:
    with job(name, *argv) as process:
        process.communicate(timeout=SECONDS)
    return process.returncode


def test_an_ingest_beside_an_erasure_leaves_nothing(tmp_path: Path) -> None:
    """Two processes at once, several times; whoever is second sees the other."""
    told = []
    for number in range(NUM_ROUNDS):
        folder = tmp_path / str(number)
        lake, files = str(folder / "lake"), folder / "events"
        recorded = Recorded(files)
        recorded.ask("What does Flow do?", None)
        recorded.recorder.close()
        assert run("ingest_conversations", "--inputs", str(files), "--lake", lake) == 0
        more = Recorded(files)
        more.ask("Tag big orders", shop_id=MARKER)
        more.ask("What does Flow do?", None, shop_id="somebody")
        more.recorder.close()
        started = [
            job("ingest_conversations", "--inputs", str(files), "--lake", lake),
            job("erase", "--shop", MARKER, "--inputs", str(files), "--lake", lake, "--grace-hours", "0.1"),
        ]
        ended = [process.communicate(timeout=SECONDS)[0] for process in started]
        codes = [process.returncode for process in started]
        told.append(codes)
        assert codes[0] in (0, 75), ended
        assert codes[1] in (0, 75), ended
        if codes != [0, 0]:  # whoever had to give way does its work now
            again = ("ingest_conversations", "--inputs", str(files), "--lake", lake)
            assert run(*again) == 0
            erased = ("erase", "--shop", MARKER, "--inputs", str(files), "--lake", lake, "--grace-hours", "0")
            assert run(*erased) == 0
        assert scan([str(folder)], SPELLINGS, Files())[1] == []
        from pipelines.adhoc import query

        shops = query(lake, "SELECT DISTINCT shop_id FROM bronze.conversation_events").to_pylist()
        assert {row["shop_id"] for row in shops} == {"shop-1", "somebody"}
    print(f"{NUM_ROUNDS} rounds of ingest beside erase, exit codes {told}: no byte left, nothing else lost")  # noqa: T201


def test_what_an_ingest_commits_after_the_tombstone_is_purged_with_its_files(lake: Lake) -> None:
    lake.append(events(lake, "kept"), BRONZE_EVENTS)
    before = ErasedSubjects.of(lake)
    bury(lake, [Subject(SHOP, MARKER)], datetime(2026, 11, 24, tzinfo=UTC))
    lake.append(events(lake, "late", 3, shop=MARKER), BRONZE_EVENTS)
    assert scan([lake.root], SPELLINGS, Files())[1]
    meanwhile = ErasedSubjects.of(lake).since(before)
    assert purge(lake, meanwhile)[BRONZE_EVENTS.name] == 3
    assert scan([lake.root], SPELLINGS, Files())[1] == []
    assert [row["record_id"] for row in lake.read(BRONZE_EVENTS).collect()] == ["kept-0"]


def test_of_two_writers_one_wins_and_the_other_tries_again(lake: Lake) -> None:
    lake.append(events(lake, "first"), BRONZE_EVENTS)
    num_each, lost, busy = 6, [], []

    def write(name: str) -> None:
        for number in range(num_each):
            for _ in range(20):
                try:
                    # An update of the same row makes the two meet.
                    both = events(lake, "first").unionByName(events(lake, f"{name}{number}"))
                    lake.merge(both, BRONZE_EVENTS)
                    break
                except Transient as error:
                    busy.append(str(error))
            else:
                lost.append(name)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {row["record_id"] for row in lake.read(BRONZE_EVENTS).collect()}
    assert lost == []
    assert names == {"first-0", *(f"{name}{n}-0" for name in ("a", "b") for n in range(num_each))}
    print(f"2 writers, {2 * num_each} merges: {len(busy)} conflicts were Transient, no row lost")  # noqa: T201
    assert busy


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_leaves_what_was_committed_and_writes_again_with_room(lake: Lake, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        small, num_committed = Lake(lake.spark, place / "lake"), 0
        failure = ""
        while not failure and num_committed < 600:
            try:
                small.append(events(small, f"n{num_committed}", 10, size=40_000), BRONZE_EVENTS)
                num_committed += 10
            except Exception as error:  # noqa: BLE001 - whatever Spark makes of a full disk
                failure = str(error)
        assert re.search("no space left", failure, re.IGNORECASE), failure[:500]
        assert small.read(BRONZE_EVENTS).select("raw").count() == num_committed > 0
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        small.append(events(small, "again", 10, size=40_000), BRONZE_EVENTS)
        assert small.read(BRONZE_EVENTS).count() == num_committed + 10
        print(f"full after {num_committed} rows of 40 kB: all of them readable, and more with room")  # noqa: T201
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
