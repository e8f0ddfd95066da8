from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxBytes
from pyspark.sql.types import StructType

from pipelines import records
from pipelines.streaming import files
from pipelines.streaming.files import LinesSource
from schemas.errors import BrokenLaw, Transient

Rows = list[tuple[str, int, int, bytes | None]]


def reader_of(folder: Path, *, drains: bool = False) -> Any:
    source = LinesSource({"inputs": json.dumps([str(folder)]), "batch_bytes": "64"})
    reader: Any = source.streamReader(StructType())
    if drains:
        reader.prepareForTriggerAvailableNow()
    return reader


def rows_between(reader: Any, start: Any, end: Any) -> Rows:
    found = []
    for partition in reader.partitions(start, end):
        for batch in reader.read(partition):
            found += [
                (Path(row["source_file"]).name, row["source_offset"], row["source_line"], row["raw"])
                for row in batch.to_pylist()
            ]
    return sorted(found, key=lambda row: row[:3])


def through_json(offset: Any) -> Any:
    return json.loads(json.dumps(offset))


@pytest.mark.parametrize("seed", range(12))
def test_a_growing_folder_is_read_once_in_whole_lines_and_alike_when_read_again(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(files, "CHUNK_BYTES", draw.choice([3, 16, 4096]))
    monkeypatch.setattr(files, "_PIECE_BYTES", draw.choice([8, 40, 4096]))
    reader, offset, found = reader_of(tmp_path), {}, []
    written: dict[str, bytes] = {}
    batches: list[tuple[Any, Any, Rows]] = []
    for _ in range(30):
        name = draw.choice(["a.jsonl", "b.jsonl", "c.jsonl"])
        piece = bytes(draw.choices(b"xyz\r\n", weights=[5, 5, 5, 1, 3], k=draw.randrange(0, 60)))
        with (tmp_path / name).open("ab") as file:
            file.write(piece)
        written[name] = written.get(name, b"") + piece
        if draw.random() < 0.2:
            reader = reader_of(tmp_path)  # another run of the job
        limit = draw.choice([ReadMaxBytes(5), ReadMaxBytes(50), ReadAllAvailable()])
        end = through_json(reader.latestOffset(offset, limit))
        rows = rows_between(reader, offset, end)
        assert (rows == []) == (end == offset)
        batches.append((offset, end, rows))
        found += rows
        offset = end
    while (end := through_json(reader.latestOffset(offset, ReadMaxBytes(20)))) != offset:
        found += rows_between(reader, offset, end)
        offset = end
    expected = []
    for name, content in written.items():
        place = 0
        for number, line in enumerate(content.split(b"\n")[:-1], 1):
            expected.append((name, place, number, line.removesuffix(b"\r")))
            place += len(line) + 1
    assert sorted(found) == sorted(expected)
    again = reader_of(tmp_path)
    for start, end, rows in batches:
        assert rows_between(again, start, end) == rows


def test_a_batch_has_a_bounded_number_of_bytes_and_a_longer_line_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"12345\n" * 10 + b"x" * 100 + b"\n" + b"12345\n")
    reader, offset, sizes = reader_of(tmp_path), {}, []
    while (end := reader.latestOffset(offset, ReadMaxBytes(20))) != offset:
        sizes.append(len(rows_between(reader, offset, end)))
        offset = end
    assert sizes == [3, 3, 3, 1, 1, 1]


def test_an_unfinished_line_waits_in_a_stream_and_is_taken_as_it_stands_by_one_that_drains(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntw")
    end = reader_of(tmp_path).latestOffset({}, ReadAllAvailable())
    assert end == {str(path): [4, 1, 0]}
    drained = reader_of(tmp_path, drains=True)
    end = drained.latestOffset({}, ReadAllAvailable())
    assert end == {str(path): [4, 1, 2]}
    assert rows_between(drained, {}, end) == [("a.jsonl", 0, 1, b"one"), ("a.jsonl", 4, 2, b"tw")]
    assert drained.latestOffset(end, ReadAllAvailable()) == end
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert drained.latestOffset(end, ReadAllAvailable()) == end, "it goes no further than what was there"
    assert rows_between(reader_of(tmp_path), {}, end)[-1] == ("a.jsonl", 4, 2, b"tw")
    more = reader_of(tmp_path).latestOffset(end, ReadAllAvailable())
    assert rows_between(reader_of(tmp_path), end, more) == [
        ("a.jsonl", 4, 2, b"two"), ("a.jsonl", 8, 3, b"three"),
    ]  # fmt: skip


def test_a_line_that_the_recorder_took_back_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntw")
    end = reader_of(tmp_path, drains=True).latestOffset({}, ReadAllAvailable())
    path.write_bytes(b"one\n")
    assert rows_between(reader_of(tmp_path), {}, end)[0] == ("a.jsonl", 0, 1, b"one")
    assert reader_of(tmp_path).latestOffset(end, ReadAllAvailable()) == {str(path): [4, 1, 0]}


def test_a_file_that_lost_what_was_read_stops_the_stream_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\n")
    reader = reader_of(tmp_path)
    end = reader.latestOffset({}, ReadAllAvailable())
    path.write_bytes(b"one\n")
    with pytest.raises(BrokenLaw, match=r"a\.jsonl has 4 bytes and 8 of it were read"):
        reader.latestOffset(end, ReadAllAvailable())
    with pytest.raises(Transient, match=r"a\.jsonl lacks 4 bytes"):
        list(reader.read(reader.partitions({}, end)[0]))


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.jsonl.gz", gzip.compress),
        ("a.jsonl.zst", lambda content: pa.compress(content, codec="zstd", asbytes=True)),
    ],
)
def test_a_compressed_file_is_read_whole_once_it_no_longer_grows(
    tmp_path: Path, name: str, pack: Any
) -> None:
    packed = pack(b"one\ntwo\n" * 100)
    path = tmp_path / name
    path.write_bytes(packed[:-3])
    reader = reader_of(tmp_path)
    assert reader.latestOffset({}, ReadMaxBytes(1)) == {}
    path.write_bytes(packed)
    assert reader.latestOffset({}, ReadMaxBytes(1)) == {}
    end = reader.latestOffset({}, ReadMaxBytes(1))
    assert end == {str(path): [len(packed), 0, 0]}
    assert [row[2:] for row in rows_between(reader, {}, end)[:2]] == [(1, b"one"), (2, b"two")]
    assert len(rows_between(reader, {}, end)) == 200
    assert reader.latestOffset(end, ReadMaxBytes(1)) == end
    path.write_bytes(packed[:-3])
    drained = reader_of(tmp_path, drains=True)
    cut = drained.latestOffset(end, ReadMaxBytes(1))
    (row,) = [
        row
        for part in drained.partitions(end, cut)
        for batch in drained.read(part)
        for row in batch.to_pylist()
    ]
    assert (row["source_line"], row["record_id"]) == (0, records.record_id_of(packed[:-3]))
    assert "file is damaged (ends too early)" in row["damage"]


def test_files_that_are_gone_are_forgotten_and_their_bytes_are_not_missed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"one\n")
    (tmp_path / "b.jsonl").write_bytes(b"one\n")
    reader = reader_of(tmp_path)
    end = reader.latestOffset({}, ReadAllAvailable())
    (tmp_path / "a.jsonl").unlink()
    assert reader.latestOffset(end, ReadAllAvailable()) == end
    with (tmp_path / "b.jsonl").open("ab") as file:
        file.write(b"two\n")
    more = reader.latestOffset(end, ReadAllAvailable())
    assert more == {str(tmp_path / "b.jsonl"): [8, 2, 0]}
    assert rows_between(reader, end, more) == [("b.jsonl", 4, 2, b"two")]
