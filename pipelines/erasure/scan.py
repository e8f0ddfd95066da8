"""Look at every byte of every file for some ids, packed ones unpacked: what an erasure is held to.

Each file is read as it is; Parquet is decoded column by column, `.gz` and `.zst` are unpacked, and a SQLite
database (MLflow's) is read by its rows, because it stores words without a border between them. Names of files
and folders count too.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.erasure.files import Files
from pipelines.erasure.spellings import Spellings

__all__ = ["Hit", "holds", "readable", "scan", "unpacked"]

_CHUNK: Final = 4 << 20
_SMALL_CHUNK: Final = 4096
"""Of a damaged file at most what such a piece unpacks to is not seen."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_OVERLAP: Final = 4096
_SQLITE: Final = b"SQLite format 3\0"
_PARQUET: Final = b"PAR1"
_WORDS: Final = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_UNREADABLE: Final = (OSError, EOFError, zlib.error, pa.ArrowException, sqlite3.Error)


@dataclass(frozen=True)
class Hit:
    """A file that holds an id, and how it was read."""

    path: str
    how: str


def scan(places: Iterable[str], spellings: Spellings, files: Files) -> tuple[int, list[Hit]]:
    """How many files there are at and below the `places`, each once, and those that hold an id."""
    seen: set[str] = set()
    hits = []
    for place in places:
        for info in files.walk(place):
            if info.path in seen:
                continue
            seen.add(info.path)
            how = holds(info.path, spellings, files, below=place)
            if how is not None:
                hits.append(Hit(info.path, how))
    return len(seen), hits


def holds(path: str, spellings: Spellings, files: Files, *, below: str = "") -> str | None:
    """How the file holds an id (`name`, `bytes`, `parquet`, `gz`, `zst` or `sqlite`); None where it does not.

    A packed file that cannot be unpacked is judged by what could be read of it.
    """
    name = path[len(below.rstrip("/")) :] if below and path.startswith(below) else path.rpartition("/")[2]
    if spellings.pattern.search(name.encode("utf-8", "surrogateescape")):
        return "name"
    with files.open(path) as file:
        head = file.read(len(_SQLITE))
        file.seek(0)
        if _in_stream(_chunks(file), spellings.pattern):
            return "bytes"
    try:
        if head[:4] == _PARQUET and _in_parquet(path, spellings, files):
            return "parquet"
        if head[:2] == b"\x1f\x8b" and _in_packed(path, "gz", spellings, files):
            return "gz"
        if path.endswith(".zst") and _in_packed(path, "zst", spellings, files):
            return "zst"
        if head == _SQLITE and _in_sqlite(path, spellings):
            return "sqlite"
    except _UNREADABLE:
        return None
    return None


def unpacked(file: Any, kind: str) -> Any:
    """The stream inside a packed one."""
    return gzip.GzipFile(fileobj=file) if kind == "gz" else pa.CompressedInputStream(file, "zstd")


def readable(file: Any, kind: str) -> Iterator[bytes]:
    """What can be unpacked of a packed file, up to where it is damaged."""
    with contextlib.suppress(*_UNREADABLE):
        if kind == "gz":
            unpacker = zlib.decompressobj(_GZIP)
            while chunk := file.read(_SMALL_CHUNK):
                yield unpacker.decompress(chunk)
                while unpacker.eof and (chunk := unpacker.unused_data):
                    unpacker = zlib.decompressobj(_GZIP)
                    yield unpacker.decompress(chunk)
        else:
            yield from _chunks(unpacked(file, kind), _SMALL_CHUNK)


def _chunks(stream: Any, size: int = _CHUNK) -> Iterator[bytes]:
    while chunk := stream.read(size):
        yield chunk


def _in_stream(chunks: Iterable[bytes], pattern: re.Pattern[bytes]) -> bool:
    rest = b""
    for chunk in chunks:
        piece = rest + chunk
        if pattern.search(piece):
            return True
        rest = piece[-_OVERLAP:]
    return False


def _in_packed(path: str, kind: str, spellings: Spellings, files: Files) -> bool:
    with files.open(path) as file:
        return _in_stream(readable(file, kind), spellings.pattern)


def _in_parquet(path: str, spellings: Spellings, files: Files) -> bool:
    with files.open(path) as stream, pq.ParquetFile(stream) as file:
        return any(
            _in_array(name, column, spellings)
            for batch in file.iter_batches()
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        )


def _in_array(name: str, array: pa.Array, spellings: Spellings) -> bool:
    for leaf, values in _leaves(name, array):
        ids = spellings.ids.get(leaf, ())
        if pc.any(pc.match_substring_regex(values, spellings.text)).as_py():
            return True
        if ids and pc.any(pc.is_in(values, pa.array(sorted(ids), values.type))).as_py():
            return True
    return False


def _leaves(name: str, array: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """Every array of texts or bytes inside, with the name of its field."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _leaves(name, array.dictionary)
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            yield from _leaves(kind.field(number).name, array.field(number))
    elif pa.types.is_map(kind):
        yield from _leaves(name, array.keys)
        yield from _leaves(name, array.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(name, array.values)
    elif kind in _WORDS:
        yield name, array


def _in_sqlite(path: str, spellings: Spellings) -> bool:
    """By every text and blob of every table; the file is only read, whatever a tracker does with it."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        database.text_factory = bytes
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.decode().replace('"', '""')
            for row in database.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608
                if any(isinstance(value, bytes) and spellings.pattern.search(value) for value in row):
                    return True
    return False
