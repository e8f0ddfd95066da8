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

_URI: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
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


def filesystem_of(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system behind a path or a URI, and the path inside it.

    Raises:
        UsageError: when nothing here reads that kind of URI.
    """
    scheme = _URI.match(uri)
    if scheme is None:
        return pafs.LocalFileSystem(), str(Path(uri).absolute())
    known = _SPARK_NAMES.get(scheme[1], scheme[1])
    try:
        found: tuple[pafs.FileSystem, str] = pafs.FileSystem.from_uri(f"{known}{uri[len(scheme[1]) :]}")
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"cannot read {uri}: {_first_line(error)}.") from error
    return found


def open_file(uri: str) -> pa.NativeFile:
    """The file's bytes, from any place in it."""
    filesystem, path = filesystem_of(uri)
    return filesystem.open_input_file(path)


def find_inputs(inputs: Sequence[str], suffixes: Sequence[str]) -> Inputs:
    """Every file that `inputs` (files, folders, globs, URIs of them) name and that ends in one of `suffixes`.

    In a folder, at any depth, other files and those whose name or folder starts with `.` or `_` are skipped
    and counted. The result does not depend on the order of `inputs`.

    Raises:
        UsageError: when an input is not there, is a file of another kind, or when no file is left.
    """
    found: dict[str, InputFile] = {}
    skipped: set[str] = set()
    for given in inputs:
        for file, wanted in _matching(given, tuple(suffixes)):
            if wanted:
                found[file.uri] = file
            else:
                skipped.add(file.uri)
    if not found:
        raise UsageError(
            f"no file to read in {', '.join(inputs)}: give files that end in {_one_of(suffixes)}."
        )
    return Inputs([found[uri] for uri in sorted(found)], len(skipped - found.keys()))


def _matching(given: str, suffixes: tuple[str, ...]) -> Iterator[tuple[InputFile, bool]]:
    filesystem, path = filesystem_of(given)
    prefix = given[: -len(path)] if _URI.match(given) and given.endswith(path) else ""
    if _URI.match(given) and not prefix:
        prefix = f"{_URI.match(given)[1]}://"  # type: ignore[index]
    try:
        info = filesystem.get_file_info(path)
        if info.type == pafs.FileType.File:
            if not path.endswith(suffixes):
                raise UsageError(f"{given} does not end in {_one_of(suffixes)}.")
            yield InputFile(prefix + path, info.size), True
        elif info.type == pafs.FileType.Directory:
            for file in _files_below(filesystem, path):
                wanted = file.path.endswith(suffixes) and not _is_hidden(file.path[len(path) :])
                yield InputFile(prefix + file.path, file.size), wanted
        elif _GLOB.search(path):
            yield from _globbed(filesystem, given, path, prefix, suffixes)
        else:
            raise UsageError(f"no such file or folder: {given}.")
    except OSError as error:
        raise UsageError(f"cannot read {given}: {_first_line(error)}.") from error


def _globbed(
    filesystem: pafs.FileSystem, given: str, path: str, prefix: str, suffixes: tuple[str, ...]
) -> Iterator[tuple[InputFile, bool]]:
    """Files that a pattern names, and files in the folders that it names."""
    steady = path[: _GLOB.search(path).start()].rpartition("/")[0]  # type: ignore[union-attr]
    if filesystem.get_file_info(steady).type != pafs.FileType.Directory:
        raise UsageError(f"no such file or folder: {given}.")
    pattern = _pattern(path)
    matched = False
    for file in _files_below(filesystem, steady):
        hit = pattern.match(file.path)
        if hit is None:
            continue
        matched = True
        wanted = file.path.endswith(suffixes) and not _is_hidden(file.path[len(steady) :])
        yield InputFile(prefix + file.path, file.size), wanted
    if not matched:
        raise UsageError(f"no file matches {given}.")


def _pattern(path: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` stay in one folder, `**` does not; folders mean files."""
    pieces = re.split(r"(\*\*/?|\*|\?|\[[^\]]+\])", path)
    spelled = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    text = "".join(
        spelled.get(piece, piece.replace("[!", "[^", 1) if number % 2 else re.escape(piece))
        for number, piece in enumerate(pieces)
    )
    return re.compile(f"{text}(?:/.*)?$", re.DOTALL)


def _files_below(filesystem: pafs.FileSystem, path: str) -> Iterator[pafs.FileInfo]:
    for info in filesystem.get_file_info(pafs.FileSelector(path, recursive=True)):
        if info.type == pafs.FileType.File:
            yield info


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in path.split("/"))


def _one_of(suffixes: Sequence[str]) -> str:
    return ", ".join(suffixes[:-1]) + f" or {suffixes[-1]}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
