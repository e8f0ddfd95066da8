"""Files as they came in, without the lines of erased subjects; every other line keeps its bytes.

A recorder locks the file that it appends to (`serving.sinks`): such a file is left alone and reported,
because what is appended to a file that was replaced is lost. A file that grew while it was read is left too.
Other writers that take no lock must have left their files.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as pafs

from pipelines.erasure.files import Files
from pipelines.erasure.scan import readable, unpacked
from pipelines.erasure.spellings import Spellings
from pipelines.records import WHOLE_FILE
from pipelines.storage import filesystem_of

__all__ = ["Landed", "clean"]

_PACKED: Final = {".gz": "gz", ".zst": "zst"}
_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile, OSError, pa.ArrowException)
_ZST: Final = "zst"
_CHUNK: Final = 1 << 20


@dataclass
class Landed:
    """What became of the files of one place."""

    num_files: int = 0
    num_rewritten: int = 0
    num_removed: int = 0
    """Files that went as a whole: a record by itself, or a packed file that cannot be unpacked."""
    num_lines: int = 0
    """Lines that were taken out."""
    open: list[str] = field(default_factory=list)
    """Files that hold the subject and are still being written."""


def clean(place: str, spellings: Spellings, files: Files, *, dry_run: bool = False) -> Landed:
    """Take the lines that hold an id out of every file at or below `place`, which is no lake."""
    done = Landed()
    for info in files.walk(place):
        if info.path.endswith((".erasing", ".crc")) or "/_delta_log/" in info.path:
            continue
        done.num_files += 1
        _clean_file(info.path, spellings, files, done, dry_run)
    return done


def _clean_file(path: str, spellings: Spellings, files: Files, done: Landed, dry_run: bool) -> None:
    before = _fingerprint(path)
    try:
        num_found = sum(1 for line in _lines(path, files) if spellings.pattern.search(line))
        damaged = False
    except _DAMAGE:
        if _packing(path) is None:
            raise
        num_found, damaged = _readable(path, spellings, files), True
    if not num_found:
        return
    if dry_run:
        done.num_lines += num_found
        return
    with _alone(path) as alone:
        if not alone:
            done.open.append(path)
        elif damaged or path.endswith(WHOLE_FILE):
            files.remove(path)
            done.num_removed += 1
        else:
            kept = (line for line in _lines(path, files) if not spellings.pattern.search(line))
            pieces = _pack(kept, _packing(path))
            if _replace_unless_grown(path, pieces, before, files):
                done.num_rewritten += 1
                done.num_lines += num_found
            else:
                done.open.append(path)


class _GrownError(Exception):
    pass


def _replace_unless_grown(
    path: str, pieces: Iterator[bytes], before: tuple[int, int] | None, files: Files
) -> bool:
    def guarded() -> Iterator[bytes]:
        yield from pieces
        if _fingerprint(path) != before:
            raise _GrownError

    try:
        files.replace(path, guarded())
    except _GrownError:
        return False
    return True


def _lines(path: str, files: Files) -> Iterator[bytes]:
    """The file's lines with their ends, unpacked; a record that is a whole file is one line."""
    with files.open(path) as file:
        if path.endswith(WHOLE_FILE):
            yield file.read()
            return
        kind = _packing(path)
        stream = unpacked(file, kind) if kind else file
        yield from _split(iter(lambda: stream.read(_CHUNK), b""))


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = io.BytesIO()
    for chunk in chunks:
        *complete, last = chunk.split(b"\n")
        for piece in complete:
            rest.write(piece)
            rest.write(b"\n")
            yield rest.getvalue()
            rest = io.BytesIO()
        rest.write(last)
    if rest.tell():
        yield rest.getvalue()


def _readable(path: str, spellings: Spellings, files: Files) -> int:
    """Lines with an id before the damage."""
    with files.open(path) as file:
        lines = _split(readable(file, _packing(path) or ""))
        return sum(1 for line in lines if spellings.pattern.search(line))


def _packing(path: str) -> str | None:
    return next((kind for suffix, kind in _PACKED.items() if path.endswith(suffix)), None)


def _pack(lines: Iterator[bytes], kind: str | None) -> Iterator[bytes]:
    """The lines packed as the file was; the same lines give the same bytes, so no time is in them."""
    if kind is None:
        yield from lines
        return
    sink = _Kept()
    packer: Any = (
        pa.CompressedOutputStream(sink, "zstd")
        if kind == _ZST
        else gzip.GzipFile(fileobj=sink, mode="wb", mtime=0, filename="")
    )
    with packer:
        for line in lines:
            packer.write(line)
            yield from _taken(sink)
    yield from _taken(sink)


class _Kept(io.BytesIO):
    """Arrow closes what it wrote into, and its last bytes are still to be taken."""

    def close(self) -> None:
        pass


def _taken(sink: io.BytesIO) -> Iterator[bytes]:
    if sink.tell():
        yield sink.getvalue()
        sink.seek(0)
        sink.truncate()


def _fingerprint(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


@contextlib.contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Whether no recorder holds the file, and none takes it meanwhile; behind a URI nobody appends."""
    filesystem, local = filesystem_of(path)
    if not isinstance(filesystem, pafs.LocalFileSystem):
        yield True
        return
    descriptor = os.open(local, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
