from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from pipelines import records
from pipelines.records import Split, damage_of, identify, plan_splits, read_split, record_id_of
from pipelines.storage import InputFile


def lines_of(path: Path, split_bytes: int) -> list[tuple[int, bytes | None]]:
    """Offset and bytes of every record of a file that is read in splits."""
    tasks = plan_splits([InputFile(str(path), path.stat().st_size)], split_bytes)
    return [(r.offset, r.raw) for task in tasks for split in task for r in read_split(split)]


def expected_lines(content: bytes) -> list[tuple[int, bytes]]:
    """What a plain reader sees: split at line feeds, no record after the last one."""
    found, offset = [], 0
    for piece in content.split(b"\n")[: None if not content.endswith(b"\n") else -1]:
        found.append((offset, piece.removesuffix(b"\r")))
        offset += len(piece) + 1
    return found


@pytest.mark.parametrize("seed", range(40))
def test_every_record_is_read_once_however_a_file_is_split(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    pieces = [bytes(chance.choices(b"ab\r{}", k=chance.choice((0, 1, 3, 40)))) for _ in range(30)]
    content = b"\n".join(pieces) + chance.choice((b"", b"\n", b"\r\n"))
    (tmp_path / "x.jsonl").write_bytes(content)
    for chunk_bytes in (1, 7, 64, 4096):
        monkeypatch.setattr(records, "CHUNK_BYTES", chunk_bytes)
        for split_bytes in (1, 5, 33, 10_000):
            assert lines_of(tmp_path / "x.jsonl", split_bytes) == expected_lines(content)


def test_lines_are_numbered_from_each_split(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"one\ntwo\n\nfour")
    size = (tmp_path / "x.jsonl").stat().st_size
    first, second = Split(str(tmp_path / "x.jsonl"), 0, 5), Split(str(tmp_path / "x.jsonl"), 5, size)
    assert [(r.line, r.raw) for r in read_split(first)] == [(1, b"one"), (2, b"two")]
    assert [(r.line, r.raw) for r in read_split(second)] == [(1, b""), (2, b"four")]


def test_a_compressed_file_gives_the_same_records(tmp_path: Path) -> None:
    content = b"one\r\ntwo\nthree"
    (tmp_path / "x.jsonl").write_bytes(content)
    (tmp_path / "y.jsonl.gz").write_bytes(gzip.compress(content[:5]) + gzip.compress(content[5:]))
    plain = list(read_split(Split(str(tmp_path / "x.jsonl"), 0, len(content))))
    packed = list(read_split(Split(str(tmp_path / "y.jsonl.gz"), 0, None)))
    assert plain == packed
    assert [r.raw for r in packed] == [b"one", b"two", b"three"]
    assert [(r.line, r.record_id) for r in packed] == list(
        identify(Split(str(tmp_path / "y.jsonl.gz"), 0, None))
    )


@pytest.mark.parametrize("name", ["a.flow", "b.json"])
def test_a_whole_file_is_one_record_with_every_byte(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"{\r\n}\r\n")
    ((split,),) = plan_splits([InputFile(str(tmp_path / name), 6)], split_bytes=2)
    (found,) = read_split(split)
    assert (found.line, found.offset, found.num_bytes, found.raw) == (0, 0, 6, b"{\r\n}\r\n")
    assert found.record_id == record_id_of(b"{\r\n}\r\n")


@pytest.mark.parametrize("name", ["a.flow", "b.json", "c.jsonl", "d.jsonl.gz"])
def test_an_empty_file_is_one_empty_record(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    ((split,),) = plan_splits([InputFile(str(tmp_path / name), 0)])
    assert [(r.line, r.raw) for r in read_split(split)] == [(0, b"")]


@pytest.mark.parametrize("name", ["a.flow", "c.jsonl", "d.jsonl.gz"])
def test_a_record_over_the_cap_is_known_by_length_and_digest_alone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 50)
    monkeypatch.setattr(records, "CHUNK_BYTES", 16)
    content = b"x" * 51
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    ((split,),) = plan_splits([InputFile(str(tmp_path / name), 51)])
    (found,) = read_split(split)
    assert (found.num_bytes, found.raw, found.record_id) == (51, None, record_id_of(content))


def test_after_a_long_line_the_next_ones_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 50)
    monkeypatch.setattr(records, "CHUNK_BYTES", 16)
    (tmp_path / "x.jsonl").write_bytes(b"a\n" + b"x" * 500 + b"\nb\n" + b"y" * 50 + b"\n")
    found = list(read_split(Split(str(tmp_path / "x.jsonl"), 0, 1000)))
    assert [(r.num_bytes, r.raw) for r in found] == [(1, b"a"), (500, None), (1, b"b"), (50, b"y" * 50)]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda packed: packed[: len(packed) // 2], "ends too early"),
        (lambda packed: packed[:-6], "ends too early"),
        (lambda packed: packed[:-8] + b"\0" * 8, "CRC check failed"),
        (lambda packed: packed + b"trailing", "Not a gzipped file"),
        (lambda packed: b"plain text", "Not a gzipped file"),
        (lambda packed: packed[:200] + bytes(byte ^ 0xFF for byte in packed[200:260]) + packed[260:], ""),
    ],
    ids=["half", "no trailer", "wrong sum", "trailing", "not gzip", "flipped"],
)
def test_a_damaged_file_is_one_record_and_none_of_its_lines(
    damage: object, said: str, tmp_path: Path
) -> None:
    chance = random.Random(1)
    lines = b"".join(b"%d\n" % chance.getrandbits(64) for _ in range(5000))
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(damage(gzip.compress(lines)))  # type: ignore[operator]
    split = Split(str(path), 0, None)
    assert list(identify(split)) == [(0, record_id_of(path.read_bytes()))]
    told = damage_of(split)
    assert told is not None
    assert said in told
    assert told.endswith("none of them is used")


def test_a_sound_file_has_no_damage(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b"one\n"))
    assert damage_of(Split(str(tmp_path / "x.jsonl.gz"), 0, None)) is None


def test_tasks_are_of_about_one_size_and_hold_everything_in_order() -> None:
    files = [
        InputFile("a.flow", 10),
        InputFile("b.flow", 90_000),
        InputFile("c.jsonl", 250_000),
        InputFile("d.jsonl.gz", 500_000),
        InputFile("e.flow", 10),
    ]
    tasks = plan_splits(files, 100_000)
    flat = [split for task in tasks for split in task]
    assert [split.uri for split in flat] == ["a.flow", "b.flow", *["c.jsonl"] * 3, "d.jsonl.gz", "e.flow"]
    assert [(s.start, s.end) for s in flat if s.uri == "c.jsonl"] == [
        (0, 100_000),
        (100_000, 200_000),
        (200_000, 250_000),
    ]
    assert Split("d.jsonl.gz", 0, None) in flat
    assert tasks[0] == [Split("a.flow", 0, 10), Split("b.flow", 0, 90_000)]
    assert all(tasks)


def test_many_small_files_share_a_task() -> None:
    tasks = plan_splits([InputFile(f"{number}.flow", 5) for number in range(10_000)], 1 << 20)
    assert 30 < len(tasks) < 50
