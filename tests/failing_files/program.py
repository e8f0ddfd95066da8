"""Writes to a table of which the n-th file-system call fails, for every n until none does.

`python -m tests.failing_files.program CLASSES FOLDER OPERATION` prints a line of JSON for each n: which call
failed, whether the writer said so, what the table held then (`old` or `new` rows, or something `other`), and
what it held once a writer that was stopped had tried again. The JVM gets a local file system that can fail.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from pipelines.adhoc import query
from pipelines.delta_log import was_written
from pipelines.lake import Lake
from pipelines.retries import retried
from pipelines.session import spark_session
from pipelines.storage import filesystem_of
from schemas.tables import BRONZE_EVENTS, GOLD_FATES, Table

WEEK: Final = "2026-W47"
MOST: Final = 2000


def events(lake: Lake, names: str) -> Any:
    rows = [{"record_id": name, "conversation_id": name, "raw": name.encode() * 50} for name in names]
    return lake.spark.createDataFrame(pa.Table.from_pylist(rows, schema=BRONZE_EVENTS.schema))


def fates(lake: Lake, names: str, fate: str) -> Any:
    rows = [{"record_id": name, "week": WEEK, "kind": "workflow", "fate": fate} for name in names]
    return lake.spark.createDataFrame(pa.Table.from_pylist(rows, schema=GOLD_FATES.schema))


def insert(lake: Lake) -> None:
    lake.merge(events(lake, "bcd"), BRONZE_EVENTS, insert_only=True, txn=("application", 1))


def update(lake: Lake) -> None:
    lake.merge(fates(lake, "bcd", "training"), GOLD_FATES)


def replace(lake: Lake) -> None:
    lake.replace(fates(lake, "xyz", "training"), GOLD_FATES, partition={"week": WEEK, "kind": "workflow"})


def create(lake: Lake) -> None:
    lake.merge(events(lake, "klm"), BRONZE_EVENTS, insert_only=True)


OPERATIONS: Final[dict[str, tuple[Table, Callable[[Lake], None], bool]]] = {
    "insert": (BRONZE_EVENTS, insert, True),
    "update": (GOLD_FATES, update, True),
    "replace": (GOLD_FATES, replace, True),
    "create": (BRONZE_EVENTS, create, False),
}
"""The table, what is done to it, and whether it was there before."""


def held(lake: Lake, table: Table) -> list[str]:
    """What the table holds, as readers see it who have nothing to do with this JVM."""
    filesystem, root = filesystem_of(lake.root)
    if not was_written(filesystem, f"{root}/{table.path}"):
        return []
    return sorted(map(repr, query(lake.root, f"FROM {table.name}").to_pylist()))


def main(classes: str, folder: str, operation: str) -> None:
    conf = {
        "spark.driver.extraClassPath": classes,
        "spark.hadoop.fs.file.impl": "sidewheel.FailingFileSystem",
        "spark.hadoop.fs.AbstractFileSystem.file.impl": "sidewheel.FailingLocalFs",
    }
    spark = spark_session("failing", master="local[2]", driver_memory="1g", conf=conf)
    failing = spark._jvm.sidewheel.FailingFileSystem  # type: ignore[union-attr]
    table, work, is_there = OPERATIONS[operation]
    base = Lake(spark, Path(folder, "base"))
    Path(base.root).mkdir(parents=True)
    if is_there:
        base.append(events(base, "ab"), BRONZE_EVENTS)
        base.append(fates(base, "ab", "quarantine"), GOLD_FATES)
    old = held(base, table)
    new: list[str] = []
    for number in range(-1, MOST):  # none fails of the first, which says what is new
        lake = Lake(spark, Path(folder, f"lake{number}"))
        shutil.copytree(base.root, lake.root)
        failing.plant(number, lake.root)
        raised = ""
        try:
            work(lake)
        except Exception as error:  # noqa: BLE001
            raised = type(error).__name__
        failed = failing.clear()
        left = held(lake, table)
        if number < 0:
            new = left
            assert new != old
            continue
        if failed is None:
            print(json.dumps({"calls": number}), flush=True)  # noqa: T201
            break
        if raised:
            retried(partial(work, lake), attempts=7, first_seconds=0.4, what=operation)
        names = {repr(old): "old", repr(new): "new"}
        told = {"number": number, "failed": failed, "raised": raised}
        told |= {"left": names.get(repr(left), "other"), "again": names.get(repr(held(lake, table)), "other")}
        print(json.dumps(told), flush=True)  # noqa: T201
        shutil.rmtree(lake.root)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
