"""Files that came from elsewhere, on a disk or behind a URI: which there are, and a stream of each.

Executors read them by Arrow's own file systems (`file`, `s3`, `gs`, `hdfs`, `abfs`), so that a record's bytes
reach Python without a detour through the JVM; Spark's `s3a` is taken for `s3`. Credentials come from where
each of them looks by itself, such as the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.fs as pafs

from schemas.errors import UsageError

_URI: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)")
_GLOB: Final = re.compile(r"[*?\[]")
_SPARK_NAMES: Final = {"s3a": "s3", "s3n": "s3"}


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file: `uri` is an absolute path or a URI, as `open_file` takes it."""

    uri: str
    num_bytes: int


@dataclass(slots=True)
class Inputs:
    """The files to read, each once and in order, and how many others the folders hold."""

    files: list[InputFile] = field(default_factory=list)
    num_skipped: int = 0

    @property
    def num_bytes(self) -> int:
        return sum(file.num_bytes for file in self.files)

    def without_empty(self) -> Inputs:
        """The same without the files that hold nothing yet; they are counted as skipped."""
        files = [file for file in self.files if file.num_bytes]
        return Inputs(files, self.num_skipped + len(self.files) - len(files))


def filesystem_of(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system behind a path or a URI, and the path inside it.

    Raises:
        UsageError: when nothing here reads that kind of URI.
    """
    place = _Place.of(uri)
    return place.filesystem, place.path


def open_file(uri: str) -> pa.NativeFile:
    """The file's bytes, from any place in it.

    Raises:
        UsageError: when it cannot be opened.
    """
    filesystem, path = filesystem_of(uri)
    try:
        return filesystem.open_input_file(path)
    except OSError as error:
        raise UsageError(f"cannot read {uri}: {_first_line(error)}.") from error


def bytes_below(uri: str) -> int:
    """How many bytes the files in a folder have; 0 when there is none.

    Raises:
        UsageError: when nothing here reads that kind of URI.
    """
    filesystem, path = filesystem_of(uri)
    found = filesystem.get_file_info(pafs.FileSelector(path, recursive=True, allow_not_found=True))
    return sum(info.size for info in found if info.type == pafs.FileType.File)


def find_inputs(inputs: Sequence[str], suffixes: Sequence[str], *, allow_none: bool = False) -> Inputs:
    """Every file that `inputs` (files, folders, globs, URIs of them) name and that ends in one of `suffixes`.

    In a folder, at any depth, other files and those whose name or folder starts with `.` or `_` are skipped
    and counted. The result does not depend on the order of `inputs`.

    Raises:
        UsageError: when an input is not there, is a file of another kind, or, unless `allow_none`, when no
            file is left.
    """
    found: dict[str, InputFile] = {}
    skipped: set[str] = set()
    for given in inputs:
        for file, wanted in _matching(given, tuple(suffixes)):
            if wanted:
                found[file.uri] = file
            else:
                skipped.add(file.uri)
    if not found and not allow_none:
        raise UsageError(
            f"no file to read in {', '.join(inputs)}: give files that end in {_one_of(suffixes)}."
        )
    return Inputs([found[uri] for uri in sorted(found)], len(skipped - found.keys()))


@dataclass(frozen=True, slots=True)
class _Place:
    """A path inside a file system, and how its paths become URIs: `base` is spelled `prefix`."""

    filesystem: pafs.FileSystem
    path: str
    base: str = ""
    prefix: str = ""

    @classmethod
    def of(cls, uri: str) -> _Place:
        found = _URI.match(uri)
        if found is None:
            return cls(pafs.LocalFileSystem(), str(Path(uri).absolute()))
        scheme, authority, rest = found["scheme"], found["authority"], uri[found.end() :]
        if scheme == "file":
            return cls(pafs.LocalFileSystem(), rest, prefix=f"file://{authority}")
        try:
            # Only the head is parsed as a URI: a key may hold what a URI may not, such as a space.
            head = f"{_SPARK_NAMES.get(scheme, scheme)}://{authority}/"
            filesystem, root = pafs.FileSystem.from_uri(head)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"cannot read {uri}: {_first_line(error)}.") from error
        base = root.rstrip("/")
        return cls(filesystem, base + rest, base, f"{scheme}://{authority}")

    def file(self, info: pafs.FileInfo) -> InputFile:
        return InputFile(self.prefix + info.path.removeprefix(self.base), info.size)


def _matching(given: str, suffixes: tuple[str, ...]) -> Iterator[tuple[InputFile, bool]]:
    """The files that one input names, each with whether it is of a kind to read."""
    place = _Place.of(given)
    path = place.path.rstrip("/") or "/"
    try:
        info = place.filesystem.get_file_info(path)
        if info.type == pafs.FileType.File:
            if not path.endswith(suffixes):
                raise UsageError(f"{given} does not end in {_one_of(suffixes)}.")
            yield place.file(info), True
        elif info.type == pafs.FileType.Directory:
            yield from _wanted(place, path, None, suffixes)
        elif not _GLOB.search(path):
            raise UsageError(f"no such file or folder: {given}.")
        else:
            steady = path[: _GLOB.search(path).start()].rpartition("/")[0]  # type: ignore[union-attr]
            if place.filesystem.get_file_info(steady).type != pafs.FileType.Directory:
                raise UsageError(f"no such file or folder: {given}.")
            found = list(_wanted(place, steady, _pattern(path), suffixes))
            if not found:
                raise UsageError(f"no file matches {given}.")
            yield from found
    except OSError as error:
        raise UsageError(f"cannot read {given}: {_first_line(error)}.") from error


def _wanted(
    place: _Place, folder: str, pattern: re.Pattern[str] | None, suffixes: tuple[str, ...]
) -> Iterator[tuple[InputFile, bool]]:
    for info in place.filesystem.get_file_info(pafs.FileSelector(folder, recursive=True)):
        if info.type == pafs.FileType.File and (pattern is None or pattern.match(info.path)):
            hidden = any(part.startswith((".", "_")) for part in info.path[len(folder) :].split("/"))
            yield place.file(info), info.path.endswith(suffixes) and not hidden


def _pattern(path: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` stay in one folder, `**` does not; folders mean files."""
    pieces = re.split(r"(\*\*/?|\*|\?|\[[^\]]+\])", path)
    spelled = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    text = "".join(
        spelled.get(piece, piece.replace("[!", "[^", 1) if number % 2 else re.escape(piece))
        for number, piece in enumerate(pieces)
    )
    return re.compile(f"{text}(?:/.*)?$", re.DOTALL)


def _one_of(suffixes: Sequence[str]) -> str:
    return ", ".join(suffixes[:-1]) + f" or {suffixes[-1]}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
