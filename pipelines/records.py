"""The records of a file, one by one: where each begins, its bytes, and the digest that names it.

A file is read in *splits* (ranges of bytes) so that a large one is shared among tasks: a record belongs to
the split in which it begins. A compressed file is one split. What is held in memory is bounded: of a record
over the cap only its length and its digest are known.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from pipelines.storage import InputFile, open_file
from schemas.envelope import MAX_RECORD_BYTES
from schemas.errors import Transient

WHOLE_FILE: Final = (".flow", ".json")
PACKED: Final = (".gz", ".zst")
LINES: Final = (".jsonl", ".jsonl.gz", ".jsonl.zst")
SUFFIXES: Final = (*WHOLE_FILE, *LINES)
SPLIT_BYTES: Final = 32 << 20
CHUNK_BYTES: Final = 4 << 20

_ID_BYTES: Final = 16
_BYTES_TO_OPEN_A_FILE: Final = 4096
"""To open a small file costs more than to read it."""

_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Split:
    """Bytes `start` to `end` of one file; `end` is None for all of a compressed one."""

    uri: str
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `line` counts from the split's first; it is 0 where the record is the whole file."""

    line: int
    offset: int
    num_bytes: int
    raw: bytes | None
    """None over the cap."""
    record_id: str


def plan_splits(files: Sequence[InputFile], split_bytes: int = SPLIT_BYTES) -> list[list[Split]]:
    """The work of each task: whole files and ranges of files, about `split_bytes` a task, in order."""
    tasks: list[list[Split]] = []
    room = 0
    for file in files:
        for split in _splits_of(file, split_bytes):
            size = (file.num_bytes if split.end is None else split.end) - split.start
            if not tasks or size > room:
                tasks.append([])
                room = split_bytes
            tasks[-1].append(split)
            room -= max(size, _BYTES_TO_OPEN_A_FILE)
    return tasks


def _splits_of(file: InputFile, split_bytes: int) -> Iterator[Split]:
    if file.uri.endswith(PACKED):
        yield Split(file.uri, 0, None)
        return
    step = file.num_bytes if file.uri.endswith(WHOLE_FILE) else split_bytes
    for start in range(0, max(file.num_bytes, 1), max(step, 1)):
        yield Split(file.uri, start, min(start + step, file.num_bytes))


def read_split(split: Split) -> Iterator[Record]:
    """The records that begin in `split`, in order; an empty file is one empty record.

    Raises one of `gzip.BadGzipFile`, `EOFError`, `zlib.error` where a compressed file is damaged, zstd too,
    which is known only after records before that place were given.
    """
    num_records = 0
    with open_file(split.uri) as file:
        for record in _records(file, split):
            num_records += 1
            yield record
    if not num_records and split.end in (None, 0):
        yield Record(0, 0, 0, b"", record_id_of(b""))


def read_range(uri: str, start: int, end: int) -> Iterator[Record]:
    """The records between two bytes, the first of a line and the last; a rest without a newline is one.

    Raises:
        Transient: when the file is shorter than that, after the records that are there.
    """
    with open_file(uri) as file:
        file.seek(start)
        some = _Range(file, end - start)
        yield from _lines(some, start, None)
    if some.num_left:
        raise Transient(f"{uri} lacks {some.num_left} bytes that it had: recorders only append")


def identify(split: Split) -> Iterator[tuple[int, str]]:
    """`(line, record_id)` of each record of `split`.

    A damaged file is one record, itself (line 0): a part of it must never pass for all of it.
    """
    if split.end is not None:
        yield from ((record.line, record.record_id) for record in read_split(split))
        return
    try:
        found = [(record.line, record.record_id) for record in read_split(split)]
    except _DAMAGE:
        found = [(0, whole_file(split.uri).record_id)]
    yield from found


def damage_of(split: Split) -> str | None:
    """What is wrong with a compressed file, and how much of it could have been read."""
    num_lines = 0
    try:
        for _ in read_split(split):
            num_lines += 1
    except _DAMAGE as error:
        what = "ends too early" if isinstance(error, EOFError) else str(error)
        kind = "zstd" if split.uri.endswith(".zst") else "gzip"
        return (
            f"the {kind} file is damaged ({what}); {num_lines} lines could be read and none of them is used"
        )
    return None


def whole_file(uri: str) -> Record:
    """A file as one record, compressed bytes and all."""
    with open_file(uri) as file:
        return _whole(file)


def record_id_of(raw: bytes) -> str:
    """BLAKE2b-128 of a record's bytes, in hex."""
    return hashlib.blake2b(raw, digest_size=_ID_BYTES).hexdigest()


def _records(file: pa.NativeFile, split: Split) -> Iterator[Record]:
    if split.uri.endswith(WHOLE_FILE):
        yield _whole(file)
    elif split.end is None and split.uri.endswith(".zst"):
        yield from _lines(_Zstd(file), 0, None)
    elif split.end is None:
        with gzip.GzipFile(fileobj=file) as stream:
            yield from _lines(stream, 0, None)
    else:
        _skip_to_line(file, split.start)
        yield from _lines(file, file.tell(), split.end)


class _Zstd:
    """What a zstd file holds, frame after frame."""

    def __init__(self, file: pa.NativeFile) -> None:
        self._stream = pa.CompressedInputStream(file, "zstd")

    def read(self, size: int, /) -> bytes:
        """Raises EOFError or zlib.error for damage, as a gzip file does: Arrow has one error for all."""
        try:
            return bytes(self._stream.read(size))
        except OSError as error:
            if "Truncated compressed stream" in str(error):
                raise EOFError(str(error)) from None
            if "ZSTD decompress failed" in str(error):
                raise zlib.error(str(error)) from None
            raise


class _Range:
    """The next `num_bytes` of a file and no more, whatever is appended meanwhile."""

    def __init__(self, file: pa.NativeFile, num_bytes: int) -> None:
        self._file = file
        self.num_left = num_bytes

    def read(self, size: int, /) -> bytes:
        piece = bytes(self._file.read(min(size, self.num_left)))
        self.num_left -= len(piece)
        return piece


def _whole(file: _Stream) -> Record:
    pending = _Pending()
    while chunk := file.read(CHUNK_BYTES):
        pending.add(chunk)
    return pending.record(0, 0)


def _skip_to_line(file: pa.NativeFile, start: int) -> None:
    """Go to the first line that begins at `start` or later."""
    if not start:
        return
    file.seek(start - 1)
    while chunk := file.read(CHUNK_BYTES):
        newline = chunk.find(b"\n")
        if newline >= 0:
            file.seek(file.tell() - len(chunk) + newline + 1)
            return


def _lines(stream: _Stream, offset: int, end: int | None) -> Iterator[Record]:
    """Lines that begin before `end`, without their line ends; `offset` is where the stream stands."""
    line = 1
    pending = _Pending()
    while end is None or offset < end:
        chunk = stream.read(CHUNK_BYTES)
        if not chunk:
            if pending.num_bytes:
                yield pending.record(line, offset)
            return
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            if end is not None and offset >= end:
                return
            if pending.num_bytes:
                pending.add(piece)
                size = pending.num_bytes
                yield pending.record(line, offset)
            else:
                size = len(piece)
                raw = piece[:-1] if piece.endswith(b"\r") else piece
                yield Record(line, offset, len(raw), raw, record_id_of(raw))
            line += 1
            offset += size + 1
        pending.add(rest)


class _Pending:
    """A record of which the end was not seen yet."""

    def __init__(self) -> None:
        self.num_bytes = 0
        self.pieces: list[bytes] = []
        self.digest = hashlib.blake2b(digest_size=_ID_BYTES)

    def add(self, piece: bytes) -> None:
        self.num_bytes += len(piece)
        if self.num_bytes <= MAX_RECORD_BYTES:
            self.pieces.append(piece)
            return
        for part in (*self.pieces, piece):
            self.digest.update(part)
        self.pieces = []

    def record(self, line: int, offset: int) -> Record:
        """The whole of it, and begin anew. A carriage return at a line's end belongs to the line end."""
        if self.num_bytes > MAX_RECORD_BYTES:
            record = Record(line, offset, self.num_bytes, None, self.digest.hexdigest())
        else:
            raw = b"".join(self.pieces)
            if line and raw.endswith(b"\r"):
                raw = raw[:-1]
            record = Record(line, offset, len(raw), raw, record_id_of(raw))
        self.__init__()  # type: ignore[misc]
        return record
