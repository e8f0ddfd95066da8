"""Landing files, shards and the scan, on files alone; and what a failing disk leaves of them."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.erasure.files import PART, Files
from pipelines.erasure.landing import clean
from pipelines.erasure.scan import scan
from pipelines.erasure.shard_rows import WAITING, contents_with, rewrite, sets_below
from pipelines.erasure.spellings import Spellings
from pipelines.erasure.subjects import SHOP, Subject
from pipelines.erasure.tainted import tainted_by
from pipelines.shard_sets import ShardSet
from schemas.errors import UsageError
from schemas.shards import MANIFEST, SHARD_SCHEMA, content_sha256
from serving.sinks import FileSink
from tests.training.shard_sets import rows, short, view_of, write_set

MARKER = "plinth-otter-4711"
SPELLINGS = Spellings([Subject(SHOP, MARKER)])
MINE = f'{{"shop_id":"{MARKER}","n":1}}'.encode()
OTHERS = [b'{"shop_id":"other"}\r', b"", b"\xff not json", b'{"last":1}']
LINES = [OTHERS[0], MINE, *OTHERS[1:3], MINE, OTHERS[3]]


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def unzst(content: bytes) -> bytes:
    return bytes(pa.CompressedInputStream(pa.BufferReader(content), "zstd").read())


PACKINGS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "jsonl": (bytes, bytes),
    "jsonl.gz": (gzip.compress, gzip.decompress),
    "jsonl.zst": (zst, unzst),
}


class Failing(Files):
    """The n-th call fails."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.failed = ""

    def call(self, what: str, uri: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = what
            raise OSError(28, "No space left on device", uri)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_only_the_lines_of_the_subject_go(suffix: str, tmp_path: Path) -> None:
    pack, unpack = PACKINGS[suffix]
    (tmp_path / f"a.{suffix}").write_bytes(pack(b"\n".join(LINES)))
    (tmp_path / f"b.{suffix}").write_bytes(pack(b"\n".join(OTHERS)))
    before = (tmp_path / f"b.{suffix}").stat().st_ino
    counted = clean(str(tmp_path), SPELLINGS, Files(), dry_run=True)
    assert (counted.num_lines, counted.num_rewritten) == (2, 0)
    done = clean(str(tmp_path), SPELLINGS, Files())
    assert (done.num_files, done.num_rewritten, done.num_lines, done.open) == (2, 1, 2, [])
    assert unpack((tmp_path / f"a.{suffix}").read_bytes()) == b"\n".join(OTHERS)
    assert (tmp_path / f"b.{suffix}").stat().st_ino == before
    assert scan([str(tmp_path)], SPELLINGS, Files()) == (2, [])
    assert clean(str(tmp_path), SPELLINGS, Files()).num_rewritten == 0


def test_a_record_by_itself_and_a_damaged_pack_go_whole(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_bytes(MINE)
    (tmp_path / "other.json").write_bytes(b"{}")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"\n".join([*LINES, b"x" * 99]))[:-12])
    done = clean(str(tmp_path), SPELLINGS, Files())
    assert done.num_removed == 2
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_a_file_that_a_recorder_appends_to_is_left_and_loses_nothing(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    sink, moment = FileSink(tmp_path), datetime(2026, 11, 24, tzinfo=UTC)
    sink.write("c", moment, MINE + b"\n")
    done = clean(str(tmp_path), SPELLINGS, Files())
    (path,) = tmp_path.iterdir()
    assert (done.open, done.num_rewritten) == ([str(path)], 0)
    sink.write("c", moment, b"{}\n")
    assert path.read_bytes() == MINE + b"\n{}\n"
    sink.close()
    assert clean(str(tmp_path), SPELLINGS, Files()).open == []
    assert path.read_bytes() == b"{}\n"


def test_a_file_that_grows_while_it_is_read_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(LINES))

    class Growing(Files):
        def call(self, what: str, uri: str) -> None:
            if what == "sync":
                return
            if what == "write":
                with path.open("ab") as file:
                    file.write(b"\nmore")

    done = clean(str(tmp_path), SPELLINGS, Growing())
    assert done.open == [str(path)]
    assert path.read_bytes() == b"\n".join(LINES) + b"\nmore"


def test_whichever_call_fails_a_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    old, new = b"\n".join(LINES), b"\n".join(OTHERS)
    path = tmp_path / "a.jsonl"
    calls = []
    for number in range(1, 100):
        path.write_bytes(old)
        files = Failing(number)
        try:
            clean(str(tmp_path), SPELLINGS, files)
        except OSError:
            calls.append(files.failed)
            assert path.read_bytes() in (old, new)
            assert not list(tmp_path.glob(f"*{PART}"))
            clean(str(tmp_path), SPELLINGS, Files())
            assert path.read_bytes() == new
        else:
            break
    assert {"open", "create", "write", "sync", "rename"} <= set(calls)


@pytest.mark.parametrize(
    "plant",
    [
        lambda path: path.write_bytes(b"x" * (4 << 20) + MINE),
        lambda path: path.write_bytes(gzip.compress(MINE)),
        lambda path: pq.write_table(
            pa.table({"a": pa.array([{"b": [MARKER.encode()]}])}), path, compression="zstd"
        ),
        lambda path: _database(path),
        lambda path: (path.parent / MARKER).mkdir() or (path.parent / MARKER / "empty").touch(),
    ],
    ids=["across a chunk", "gz", "parquet", "sqlite", "name"],
)
def test_the_scan_looks_inside(plant: Callable[[Path], None], tmp_path: Path) -> None:
    plant(tmp_path / "file")
    assert len(scan([str(tmp_path), str(tmp_path)], SPELLINGS, Files())[1]) == 1


def _database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE params (a TEXT, b TEXT, c TEXT)")
        database.execute("INSERT INTO params VALUES ('x', ?, 'y')", (MARKER,))
    database.close()


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """A set below a lake, with a token view."""
    folder = tmp_path / "gold/shards/2026-W47-abc"
    empty = {"actions": [], "operators": [], "connectors": [], "source_ids": []}
    texts = dict.fromkeys(("week", "request_kind", "request", "python", "messages", "descriptor"), "")
    made = [{**texts, **empty, "source": "recorded", **row} for row in rows(short())]
    write_set(folder, made, schema=SHARD_SCHEMA, held_out=[], num_held_out=0, held_out_sha256="")
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    for shard in manifest["shards"]:
        shard["num_bytes"] = (folder / shard["path"]).stat().st_size
    path.write_text(json.dumps(manifest | {"content_sha256": content_sha256(manifest["shards"])}))
    view_of(folder)
    return folder


def ids_of(folder: Path) -> list[str]:
    return [
        name
        for path in sorted(folder.glob("data/*"))
        for name in pq.read_table(path)["record_id"].to_pylist()
    ]


def test_a_set_without_the_erased_rows_is_whole_and_another_one(shards: Path) -> None:
    files, victim = Files(), ids_of(shards)[0]
    before = json.loads((shards / MANIFEST).read_text())
    done = rewrite(str(shards), frozenset([victim]), ["digest"], SPELLINGS, files)
    assert done is not None
    assert (done.num_rows + done.num_held_out, done.content_before) == (1, before["content_sha256"])
    after = json.loads((shards / MANIFEST).read_text())
    assert list(ShardSet(str(shards)).check()) == []
    assert victim not in ids_of(shards)
    assert after["num_rows"] + after["num_held_out"] == len(ids_of(shards))
    assert not list(shards.glob(".view-*"))
    assert view_of(shards).content_sha256 == after["content_sha256"] != before["content_sha256"]
    assert rewrite(str(shards), frozenset([victim]), ["digest"], SPELLINGS, files) is None
    # A checkpoint of before is tainted; one of the set as it is now is not.
    content = contents_with(str(shards), ["digest"], files)
    assert content == [before["content_sha256"]]
    assert contents_with(str(shards), ["other"], files) == []
    for name, made in (("old", before), ("new", after)):
        (shards.parents[2] / name).mkdir()
        told = {"made_from": {"shards": made["content_sha256"]}}
        (shards.parents[2] / name / MANIFEST).write_text(json.dumps(told))
    tainted = tainted_by(content, [str(shards.parents[2])], files)
    assert [Path(each.path).name for each in tainted] == ["old"]


def test_whichever_call_fails_a_set_is_whole_or_nobody_can_train_on_it(shards: Path) -> None:
    import shutil

    kept, calls = shards.with_name("kept"), []
    victim = ids_of(shards)[0]
    shutil.copytree(shards, kept)
    for number in range(1, 200):
        shutil.rmtree(shards)
        shutil.copytree(kept, shards)
        files = Failing(number)
        try:
            rewrite(str(shards), frozenset([victim]), ["digest"], SPELLINGS, files)
        except OSError:
            calls.append(files.failed)
            broken = any(ShardSet(str(shards)).check())
            if broken:
                with pytest.raises(UsageError):
                    view_of(shards)
            assert str(shards) in sets_below(str(shards.parents[2]), Files())
            rewrite(str(shards), frozenset([victim]), ["digest"], SPELLINGS, Files())
        assert list(ShardSet(str(shards)).check()) == []
        assert victim not in ids_of(shards)
        assert not (shards / WAITING).exists()
        if not files.failed:
            break
    assert {"create", "rename", "remove"} <= set(calls)
