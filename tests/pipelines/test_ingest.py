from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import functions as F  # noqa: E402

from jobs.ingest_workflows import Config, run  # noqa: E402
from pipelines import records  # noqa: E402
from pipelines.ingest import bronze_rows, first_lines, identify_records, new_records  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.records import Split, plan_splits, record_id_of  # noqa: E402
from pipelines.storage import InputFile, find_inputs  # noqa: E402
from schemas.errors import BrokenLaw, UsageError  # noqa: E402
from schemas.tables import BRONZE_WORKFLOWS  # noqa: E402

BARE = '{"root":{"steps":[],"links":[]}}'


def envelope(number: int, **changes: Any) -> str:
    return json.dumps(
        {
            "workflow_id": f"w{number}",
            "shop_id": "7",
            "workflow": BARE,
            "created_at": None,
            "updated_at": "2026-11-20T00:00:00Z",
            "last_run_at": "2026-11-21T00:00:00Z",
            "num_runs_7d": number,
            "active": True,
            **changes,
        }
    )


def ingest(lake: Lake, *inputs: Path | str) -> dict[str, Any]:
    return dict(run(Config(inputs=tuple(map(str, inputs)), lake=lake.root)))


def bronze(lake: Lake) -> list[dict[str, Any]]:
    rows = lake.read(BRONZE_WORKFLOWS).toArrow().to_pylist()
    return sorted(rows, key=lambda row: (row["source_file"], row["source_line"]))


def version(lake: Lake) -> int | None:
    return lake.version(BRONZE_WORKFLOWS)


def test_every_kind_of_file_becomes_rows(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    (folder / "a.jsonl").write_text(envelope(1) + "\n" + envelope(2))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(envelope(3).encode() + b"\n"))
    (folder / "more/c.flow").write_text("0" * 64 + ":" + BARE)
    (folder / "more/d.json").write_text(BARE)
    (folder / "notes.md").write_text("not for us")
    assert ingest(lake, folder) == {
        "files": 4, "skipped_files": 1, "read": 5, "new": 5, "known": 0, "repeated": 0, "malformed": 0,
    }  # fmt: skip
    rows = bronze(lake)
    assert [row["workflow_id"] for row in rows[:3]] == ["w1", "w2", "w3"]
    assert [row["workflow_id"] for row in rows[3:]] == [
        f"file:{row['source_file']}@{row['record_id'][:12]}" for row in rows[3:]
    ]
    assert [row["source_file"] for row in rows[3:]] == [f"{folder}/more/c.flow", f"{folder}/more/d.json"]
    assert [row["source_line"] for row in rows] == [1, 2, 1, 0, 0]
    assert rows[1]["raw"] == envelope(2).encode()
    assert rows[1]["source_offset"] == len(envelope(1)) + 1
    assert rows[1]["num_bytes"] == len(envelope(2))
    assert rows[1]["record_id"] == record_id_of(envelope(2).encode())
    assert rows[1]["num_runs_7d"] == 2
    assert str(rows[1]["last_run_at"]) == "2026-11-21 00:00:00+00:00"
    assert (rows[3]["last_run_at"], rows[3]["shop_id"], rows[3]["num_runs_7d"]) == (None, None, None)


def test_doing_it_again_writes_nothing(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f"{envelope(1)}\n{envelope(2)}\n")
    ingest(lake, tmp_path / "a.jsonl")
    before, rows = version(lake), bronze(lake)
    again = ingest(lake, tmp_path / "a.jsonl")
    assert (again["read"], again["new"], again["known"], again["repeated"]) == (2, 0, 2, 0)
    assert (version(lake), bronze(lake)) == (before, rows)


def test_a_record_that_is_there_twice_keeps_its_first_place(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(f"{envelope(2)}\n{envelope(1)}\n{envelope(1)}\n\n\n")
    (tmp_path / "a.jsonl").write_text(f"{envelope(3)}\n{envelope(1)}\n")
    counts = ingest(lake, tmp_path / "b.jsonl", tmp_path / "a.jsonl")
    assert (counts["read"], counts["new"], counts["known"], counts["repeated"]) == (7, 4, 0, 3)
    places = {row["workflow_id"]: (Path(row["source_file"]).name, row["source_line"]) for row in bronze(lake)}
    assert places == {"w1": ("a.jsonl", 2), "w2": ("b.jsonl", 1), "w3": ("a.jsonl", 1), None: ("b.jsonl", 4)}


def test_malformed_records_stay_with_a_sentence_and_hold_up_nobody(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    good = "\n".join(envelope(number) for number in range(3)).encode()
    bad = [
        b"not json", envelope(4)[:50].encode(), b"", b"\xff\xfe", envelope(5, tenant="x").encode(),
        envelope(6, num_runs_7d="many").encode(), b"[" * 10_000,
    ]  # fmt: skip
    (folder / "a.jsonl").write_bytes(good + b"\n" + b"\n".join(bad) + b"\n" + envelope(9).encode())
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(good)[:-9])
    (folder / "c.json").write_bytes(b"\xef\xbb\xbf{}")
    (folder / "d.flow").write_bytes(b"")
    (folder / "e.json").write_bytes(b'{"root":"' + b"x" * 20_000_000 + b'"}')
    counts = ingest(lake, folder)
    assert counts == {
        "files": 5, "skipped_files": 0, "read": 15, "new": 14, "known": 0, "repeated": 1, "malformed": 10,
    }  # fmt: skip
    problems = {
        (Path(row["source_file"]).name, row["source_line"]): (row["problem_code"], row["problem"])
        for row in bronze(lake)
        if row["problem_code"]
    }
    assert {place: code for place, (code, _) in problems.items()} == {
        ("a.jsonl", 4): "INVALID_RECORD_JSON",
        ("a.jsonl", 5): "INVALID_RECORD_JSON",
        ("a.jsonl", 6): "EMPTY_RECORD",
        ("a.jsonl", 7): "INVALID_ENCODING",
        ("a.jsonl", 8): "UNKNOWN_ENVELOPE_KEY",
        ("a.jsonl", 9): "INVALID_ENVELOPE_FIELD",
        ("a.jsonl", 10): "INVALID_RECORD_JSON",
        ("b.jsonl.gz", 0): "DAMAGED_FILE",
        ("c.json", 0): "INVALID_ENCODING",
        ("e.json", 0): "RECORD_TOO_LARGE",
    }
    assert problems["a.jsonl", 8][1] == f"{folder}/a.jsonl line 8 at /tenant: nobody knows the key 'tenant'"
    assert problems["b.jsonl.gz", 0][1].startswith(f"{folder}/b.jsonl.gz: the gzip file is damaged")
    assert problems["e.json", 0][1] == f"{folder}/e.json: 20000011 bytes, the limit is 8388608"
    kept = {row["source_file"]: row for row in bronze(lake)}
    assert kept[f"{folder}/e.json"]["raw"] is None
    assert kept[f"{folder}/e.json"]["num_bytes"] == 20_000_011
    assert kept[f"{folder}/b.jsonl.gz"]["raw"] is None
    assert kept[f"{folder}/c.json"]["raw"] == b"\xef\xbb\xbf{}"


def test_lines_count_from_the_file_s_start_however_it_is_split(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(envelope(number) for number in range(40)))
    (tmp_path / "b.jsonl").write_text("\n".join(envelope(number) for number in range(40, 60)))
    (tmp_path / "c.json").write_text(BARE)
    files = find_inputs([str(tmp_path)], records.SUFFIXES).files
    tasks = plan_splits(files, 1500)
    assert len(tasks) > 8
    identified = identify_records(lake.spark, tasks).persist()
    new = new_records(identified, lake.read(BRONZE_WORKFLOWS))
    rows = bronze_rows(new, tasks, first_lines(identified, tasks)).select(
        "workflow_id", "source_line", "source_file"
    )
    found = {
        row["workflow_id"]: (Path(row["source_file"]).name, row["source_line"]) for row in rows.collect()
    }
    assert found == {
        **{f"w{number}": ("a.jsonl", number + 1) for number in range(40)},
        **{f"w{number}": ("b.jsonl", number - 39) for number in range(40, 60)},
        f"file:{tmp_path}/c.json@{record_id_of(BARE.encode())[:12]}": ("c.json", 0),
    }


def test_a_file_that_changes_between_the_passes_stops_the_job(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{envelope(1)}\n{envelope(2)}\n")
    tasks = [[Split(str(path), 0, path.stat().st_size)]]
    identified = identify_records(lake.spark, tasks).persist()
    assert identified.count() == 2
    rows = bronze_rows(new_records(identified, lake.read(BRONZE_WORKFLOWS)), tasks, {})
    path.write_text(f"{envelope(1)}\n{envelope(3)}\n")
    with pytest.raises(BrokenLaw, match=r"a\.jsonl changed while it was read"):
        lake.merge(rows, BRONZE_WORKFLOWS, insert_only=True, distinct=True)
    assert lake.read(BRONZE_WORKFLOWS).count() == 0


def test_a_missing_path_is_a_sentence_before_spark_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file or folder: .*gone\.jsonl\.$"):
        run(Config(inputs=(f"{tmp_path}/gone.jsonl",), lake=str(tmp_path / "lake")))
    assert not (tmp_path / "lake").exists()


def test_files_of_one_split_need_no_count_of_lines(lake: Lake) -> None:
    tasks = plan_splits([InputFile("a.jsonl", 10), InputFile("b.jsonl", 10)])
    nothing = lake.spark.range(0).select(F.lit(0).alias("task"), F.lit(0).alias("split"))
    assert first_lines(nothing, tasks) == {}
