"""Folders that recorders append to, as a source of Spark's: the offset is how far each file was read.

Spark's own source of files takes each once and never sees that it has grown. This one remembers, for every
file, the byte behind the last whole line and how many lines that were:

    {"/events/a.jsonl": [1048576, 2210, 0], "/events/b.jsonl.gz": [73211, 0, 0]}

A batch is the bytes between two such offsets, so that a batch that is done again is the same lines. Only
whole lines are read, of at most so many bytes a batch; the planning process counts them, which costs one
more reading of the bytes. What a file has behind its last newline is left for later while the stream runs; a
stream that drains and stops takes it as it stands, as reading the files in one go does: the third number is
how many bytes that were, and once the line is whole it is read again from its start. A compressed file is
read as a whole, when it no longer grows, and again when it has another size.

A file that is shorter than what was read of it, or gone before it was read, stops the stream. Not here yet:
forgetting the files of long ago, of which an offset names each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import ReadLimit, ReadMaxBytes, SupportsTriggerAvailableNow
from pyspark.sql.types import StructType

from pipelines.records import (
    CHUNK_BYTES,
    LINES,
    PACKED,
    Record,
    Split,
    damage_of,
    read_range,
    read_split,
    whole_file,
)
from pipelines.storage import find_inputs, open_file
from schemas.errors import BrokenLaw, Transient

__all__ = ["RAW_ROWS", "LinesSource"]

RAW_ROWS: Final = (
    "source_file string, source_offset long, source_line long, raw binary, num_bytes long,"
    " record_id string, damage string"
)
"""What every source gives: the bytes of a record, null over the cap, and where they were."""

_SCHEMA: Final = pa.schema(
    [
        ("source_file", pa.string()),
        ("source_offset", pa.int64()),
        ("source_line", pa.int64()),
        ("raw", pa.binary()),
        ("num_bytes", pa.int64()),
        ("record_id", pa.string()),
        ("damage", pa.string()),
    ]
)
_PIECE_BYTES: Final = 8 << 20
_ROWS_A_BATCH: Final = 1024
_BYTES_A_BATCH: Final = 1 << 20
_UNPACKED: Final = 8
"""How many bytes one of a compressed file counts for."""

Place = list[int]
"""Bytes and lines that were read of a file, and the bytes of an unfinished line behind them."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of one file; `end` is None for all of a compressed one."""

    uri: str
    start: int
    end: int | None
    num_lines_before: int
    unfinished: bool = False


class LinesSource(DataSource):
    """`spark.readStream.format("sidewheel_lines")` with `inputs` (JSON) and `batch_bytes`."""

    @classmethod
    def name(cls) -> str:
        return "sidewheel_lines"

    def __init__(self, options: MutableMapping[str, str]) -> None:
        self.options = options

    def schema(self) -> str:
        return RAW_ROWS

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: N802
        return _Reader(json.loads(self.options["inputs"]), int(self.options["batch_bytes"]))


class _Reader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    def __init__(self, inputs: Sequence[str], batch_bytes: int) -> None:
        self._inputs = inputs
        self._batch_bytes = batch_bytes
        self._goal: dict[str, int] | None = None
        """Sizes that a stream that drains goes to; None for one that goes on."""
        self._seen: dict[str, int] = {}
        self._surveys: dict[str, _Survey] = {}

    def initialOffset(self) -> dict[str, Place]:  # noqa: N802
        return {}

    def getDefaultReadLimit(self) -> ReadLimit:  # noqa: N802
        return ReadMaxBytes(self._batch_bytes)

    def prepareForTriggerAvailableNow(self) -> None:  # noqa: N802
        self._goal = self._sizes()

    def latestOffset(self, start: dict[str, Place], limit: ReadLimit) -> dict[str, Place]:  # noqa: N802
        """How far the next batch goes, file after file in the order of their names."""
        room = limit.max_bytes if isinstance(limit, ReadMaxBytes) else None
        sizes = self._sizes() if self._goal is None else self._goal
        moved: dict[str, Place] = {}
        for uri, size in sorted(sizes.items()):
            if moved and room is not None and room <= 0:
                break
            place = start.get(uri, [0, 0, 0])
            there = (
                self._packed(uri, place, size)
                if uri.endswith(PACKED)
                else self._plain(uri, place, size, room)
            )
            if there == place:
                continue
            moved[uri] = there
            if room is not None:
                weight = _UNPACKED if uri.endswith(PACKED) else 1
                room -= weight * (there[0] + there[2] - (0 if uri.endswith(PACKED) else place[0]))
        self._seen = sizes
        if not moved:
            return start
        kept = {uri: place for uri, place in start.items() if uri in sizes}
        return dict(sorted((kept | moved).items()))

    def partitions(self, start: dict[str, Place], end: dict[str, Place]) -> Sequence[InputPartition]:
        """Pieces of about equal size: large files are cut at lines, small ones share a task."""
        tasks: list[list[_Piece]] = []
        room = 0
        for uri, place in end.items():
            for piece, num_bytes in self._pieces(uri, start.get(uri, [0, 0, 0]), place):
                if not tasks or num_bytes > room:
                    tasks.append([])
                    room = _PIECE_BYTES
                tasks[-1].append(piece)
                room -= num_bytes
        return [InputPartition(tuple(task)) for task in tasks]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        return _batches(row for piece in partition.value for row in _rows(piece))

    def _sizes(self) -> dict[str, int]:
        found = find_inputs(self._inputs, LINES, allow_none=True)
        return {file.uri: file.num_bytes for file in found.files}

    def _packed(self, uri: str, place: Place, size: int) -> Place:
        grows = self._goal is None and self._seen.get(uri) != size
        return place if grows or not size else [size, 0, 0]

    def _plain(self, uri: str, place: Place, size: int, room: int | None) -> Place:
        done, num_lines, unfinished = place
        if size < done:
            raise BrokenLaw(
                f"{uri} has {size} bytes and {done} of it were read: a file of events only grows;"
                " give the changed one another name"
            )
        if size == done + unfinished:
            return place
        survey = self._surveys.get(uri)
        if survey is None or survey.start != done:
            survey = self._surveys[uri] = _Survey(uri, done, num_lines)
        survey.go_on(size if room is None else min(size, done + max(room, 1)), size)
        end, num_lines = survey.cuts[-1]
        rest = size - end if self._goal is not None and survey.seen == size else 0
        return [end, num_lines, rest]

    def _pieces(self, uri: str, start: Place, end: Place) -> Iterator[tuple[_Piece, int]]:
        if uri.endswith(PACKED):
            if start != end:
                yield _Piece(uri, 0, None, 0), _UNPACKED * end[0]
            return
        if end[0] > start[0]:
            survey = self._surveys.pop(uri, None)
            if survey is None or survey.start != start[0] or survey.cuts[-1][0] != end[0]:
                survey = _Survey(uri, start[0], start[1])
                survey.go_on(end[0], end[0])
            for (first, num_lines), (last, _) in zip(survey.cuts, survey.cuts[1:], strict=False):
                yield _Piece(uri, first, last, num_lines), last - first
        if end[2] and end != start:
            yield _Piece(uri, end[0], end[0] + end[2], end[1], unfinished=True), end[2]


class _Survey:
    """Where the lines of a file end from `start` on; a cut is the byte behind one and the lines before."""

    def __init__(self, uri: str, start: int, num_lines: int) -> None:
        self.uri = uri
        self.start = start
        self.seen = start
        """How far was looked, which is beyond the last cut where a line has no end yet."""
        self.cuts = [(start, num_lines)]
        self._end = (start, num_lines)

    def go_on(self, wanted: int, size: int) -> None:
        """Look up to `wanted`, and where no line ends before, up to the first end before `size`."""
        with open_file(self.uri) as file:
            file.seek(self.seen)
            while self.seen < wanted or (self._end[0] == self.start and self.seen < size):
                beyond = self.seen >= wanted
                chunk = bytes(file.read(min(CHUNK_BYTES, (size if beyond else wanted) - self.seen)))
                if not chunk:
                    break
                last = chunk.find(b"\n") if beyond else chunk.rfind(b"\n")
                if last >= 0:
                    self._end = (self.seen + last + 1, self._end[1] + chunk.count(b"\n", 0, last + 1))
                    if self._end[0] - self.cuts[-1][0] >= _PIECE_BYTES:
                        self.cuts.append(self._end)
                self.seen += len(chunk)
        if self.cuts[-1] != self._end:
            self.cuts.append(self._end)


def _rows(piece: _Piece) -> Iterator[tuple[Any, ...]]:
    if piece.end is None:
        split = Split(piece.uri, 0, None)
        damage = damage_of(split)
        records = iter([whole_file(piece.uri)]) if damage else read_split(split)
        for record in records:
            yield _row(piece.uri, record, record.line, damage)
        return
    try:
        for record in read_range(piece.uri, piece.start, piece.end):
            yield _row(piece.uri, record, record.line + piece.num_lines_before, None)
    except Transient:
        # A recorder takes back the line that it could not write whole; then there was none.
        if not piece.unfinished:
            raise


def _row(uri: str, record: Record, line: int, damage: str | None) -> tuple[Any, ...]:
    return uri, record.offset, line, record.raw, record.num_bytes, record.record_id, damage


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[pa.RecordBatch]:
    """Batches that are bounded in rows and in bytes."""
    some: list[tuple[Any, ...]] = []
    num_bytes = 0
    for row in rows:
        some.append(row)
        num_bytes += len(row[3] or b"")
        if len(some) == _ROWS_A_BATCH or num_bytes >= _BYTES_A_BATCH:
            yield _batch(some)
            some, num_bytes = [], 0
    if some:
        yield _batch(some)


def _batch(rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)
