"""Files behind `s3://` are found and read as files on a disk are: whole, in splits, compressed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.records import Record, damage_of, plan_splits, read_split
from pipelines.shard_sets import ShardSet
from pipelines.storage import InputFile, bytes_below, find_inputs
from schemas.errors import UsageError
from tests.s3_server import BUCKET, put, running_s3

LINES = [f"line {number} of many".encode() for number in range(200)]


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, running_s3(patch):
        put("events/a/one.jsonl", b"\n".join(LINES))
        put("events/b/two words.jsonl.gz", gzip.compress(b"x\ny\n"))
        put("events/_hidden/three.jsonl", b"z\n")
        put("events/four.txt", b"no\n")
        yield f"s3://{BUCKET}"


def records(files: list[InputFile], split_bytes: int) -> list[Record]:
    return [
        record for task in plan_splits(files, split_bytes) for split in task for record in read_split(split)
    ]


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_a_folder_of_a_bucket_is_listed(bucket: str, scheme: str) -> None:
    found = find_inputs([f"{scheme}://{BUCKET}/events"], (".jsonl", ".jsonl.gz"))
    names = [file.uri.removeprefix(f"{scheme}://{BUCKET}/events/") for file in found.files]
    assert names == ["a/one.jsonl", "b/two words.jsonl.gz"]
    assert found.num_skipped == 2
    assert bytes_below(f"{bucket}/events") == found.num_bytes + len(b"z\nno\n")


def test_a_glob_of_a_bucket_is_what_matches(bucket: str) -> None:
    (file,) = find_inputs([f"{bucket}/events/*/t*.gz"], (".jsonl.gz",)).files
    assert file.uri == f"{bucket}/events/b/two words.jsonl.gz"


@pytest.mark.parametrize("split_bytes", [173, 500, 1 << 20])
def test_each_line_is_read_once_however_it_is_split(bucket: str, split_bytes: int) -> None:
    files = find_inputs([f"{bucket}/events/a"], (".jsonl",)).files
    assert [record.raw for record in records(files, split_bytes)] == LINES


def test_a_compressed_object_is_read_and_a_cut_one_is_named(bucket: str) -> None:
    files = find_inputs([f"{bucket}/events/b"], (".jsonl.gz",)).files
    assert [record.raw for record in records(files, 1 << 20)] == [b"x", b"y"]
    cut = put("cut/one.jsonl.gz", gzip.compress(b"some text\n" * 50)[:-9])
    ((split,),) = plan_splits([InputFile(cut, 10)], 1 << 20)
    assert "ends too early" in str(damage_of(split))


def test_what_is_not_there_is_one_sentence(bucket: str) -> None:
    with pytest.raises(UsageError, match="no such file or folder: s3://sidewheel/nowhere"):
        find_inputs([f"{bucket}/nowhere"], (".jsonl",))


def test_a_shard_set_that_was_never_finished_is_known_there_too(bucket: str, tmp_path: Path) -> None:
    put("shards/2026-W47-x/data/train-00000-of-00001.parquet", b"PAR1")
    shards = ShardSet(f"{bucket}/shards/2026-W47-x")
    assert shards.manifest() is None
    assert list(shards.check()) == [
        f"{BUCKET}/shards/2026-W47-x has no manifest.json that can be read: it was never finished"
    ]
