"""Small files become one, the log is put in order, rows stay; statistics never name anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

pytestmark = pytest.mark.spark

from jobs import maintain_lake  # noqa: E402
from jobs.lake import age_text, lake_text, show_lake, size_text  # noqa: E402
from pipelines.delta_log import LOG, data_files, read_state  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.lake_report import report  # noqa: E402
from pipelines.upkeep import UpkeepPolicy, maintain  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.table import Table  # noqa: E402
from schemas.tables import BRONZE_EVENTS, TABLES  # noqa: E402

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=9)


def row(table: Table, number: int) -> dict[str, Any]:
    """A row with a word in every column that may hold one."""
    made: dict[pa.DataType, Any] = {
        pa.string(): f"word-{number}",
        pa.int64(): number,
        pa.bool_(): True,
        pa.float64(): 1.0,
        pa.binary(): b"word",
        table.schema.field(0).type: f"word-{number}",
    }
    filled = {each.name: made.get(each.type) for each in table.schema}
    return filled | {
        each.name: datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=number)
        for each in table.schema
        if pa.types.is_timestamp(each.type)
    }


def write(lake: Lake, table: Table, *numbers: int) -> None:
    rows = pa.Table.from_pylist([row(table, number) for number in numbers], schema=table.schema)
    lake.append(lake.spark.createDataFrame(rows), table)


def folder(lake: Lake, table: Table) -> str:
    return f"{lake.root}/{table.path}"


def test_a_table_is_put_in_order_once(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        write(lake, BRONZE_EVENTS, number)
    place = folder(lake, BRONZE_EVENTS)
    policy = UpkeepPolicy(max_commits=3, cluster=True)
    done = maintain(lake, BRONZE_EVENTS, policy, NOW)
    assert done is not None
    assert (done.files_before, done.files_after, done.vacuumed, done.orphans) == (4, 1, 0, 0)
    assert (done.checkpoint, done.commits) == ("6 commits", 0)
    commit = (Path(place) / LOG / f"{5:020}.json").read_bytes()
    assert b'"dataChange":true' not in commit
    again = maintain(lake, BRONZE_EVENTS, policy, NOW)
    assert again is not None
    assert not again.changed
    # What is old enough goes, what no commit names is counted, a pointer that is gone comes back.
    (Path(place) / "part-orphan.parquet").write_bytes(b"x")
    (Path(place) / LOG / "_last_checkpoint").write_text("{")
    mended = maintain(lake, BRONZE_EVENTS, policy, NOW)
    assert mended is not None
    assert (mended.orphans, mended.checkpoint) == (1, "missing pointer")
    state = read_state(place)
    assert state is not None
    assert (state.pointer, state.num_rows, len(list(data_files(state)))) == (5, 4, 6)
    assert lake.read(BRONZE_EVENTS).count() == 4
    assert maintain_lake.main(["--lake", lake.root, "--max-commits", "3"]) == 0
    assert "changed=0" in capsys.readouterr().out
    assert maintain_lake.main(["--lake", lake.root, "--retention-days", "1"]) == 2


def test_statistics_hold_only_what_the_contract_lets_them_and_the_report_counts(
    lake: Lake, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for table in TABLES.values():
        write(lake, table, 7)
    for table in TABLES.values():
        state = read_state(folder(lake, table))
        assert state is not None
        assert state.num_rows == 1
        (file,) = state.live.values()
        told = orjson.loads(file.stats or "{}")
        for what in ("minValues", "maxValues", "nullCount"):
            assert set(told.get(what) or {}) <= set(table.statistics), (table.name, what)
        named = Path(folder(lake, table), LOG, f"{state.version:020}.json").read_text()
        allowed = {*table.statistics, *table.partitions} & set(table.schema.names)
        assert bool(allowed) or "word-7" not in named
    found = report(lake.root)
    assert [each.rows for each in found.tables] == [1] * len(TABLES)
    assert (found.malformed_events, found.rescued_events, found.missing) == (1, 1, [])
    (events,) = [each for each in found.tables if each.name == BRONZE_EVENTS.name]
    assert str(events.newest)[:19] == "2026-11-24T07:00:00"
    assert found.fates == {"word-7 word-7": {"word-7": 1}}
    assert all(len(line) <= 100 for line in lake_text(found).splitlines())
    assert show_lake(lake.root, as_json=True) == 0
    assert orjson.loads(capsys.readouterr().out)["erasures"] == {"word-7": 1}
    assert show_lake(lake.root, as_json=False) == 0
    assert all(len(line) <= 100 for line in capsys.readouterr().out.splitlines())
    with pytest.raises(UsageError, match="there is no lake"):
        report(str(tmp_path / "nothing"))


def test_sizes_and_ages_are_for_people() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 12_345_678)] == ["0 B", "999 B", "1.0 KB", "12.3 MB"]
    ages = (timedelta(seconds=-5), timedelta(minutes=3), timedelta(hours=5), timedelta(days=3))
    assert [age_text(NOW - age, NOW) for age in ages] == [
        "just now",
        "3 min ago",
        "5 hours ago",
        "3 days ago",
    ]
    assert age_text(None, NOW) == ""
