"""A table's Delta log as plain files, read without Spark: which data files are live, removed, or of nobody.

The newest complete checkpoint and the commits after it, as the protocol says; a checkpoint in parts or by
UUID counts only when it is whole. Not here yet: checkpoints with sidecars, which nothing here writes.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import orjson
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.storage import filesystem_of
from schemas.errors import BrokenLaw

__all__ = ["LOG", "DataFile", "DeltaState", "data_files", "is_version", "read_state", "was_written"]

LOG: Final = "_delta_log"

_COMMIT: Final = re.compile(r"(\d{20})\.json")
_CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?(?:\.[0-9a-f-]{36})?\.parquet")
_NOT_DATA: Final = ("_", ".")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One live file: its path below the table, its bytes, and its rows; None where nobody counted them."""

    path: str
    num_bytes: int
    num_rows: int | None
    stats: str | None


@dataclass(frozen=True)
class DeltaState:
    """A table as its log says it is now."""

    root: str
    version: int
    """Of the newest commit."""
    committed_at: int | None
    """Of the newest commit, in milliseconds since 1970; None where the commit does not say."""
    live: dict[str, DataFile]
    removed: frozenset[str]
    """Paths that a commit removed and that are not live, as far as the log remembers."""
    checkpoint: int | None
    """Version of the newest complete checkpoint."""
    pointer: int | None
    """What `_last_checkpoint` says; None where it is missing or cannot be read."""
    num_commits: int
    """Commit files that a reader replays: those after the checkpoint."""
    num_log_files: int
    """All commit files that are there."""
    properties: dict[str, str] = field(default_factory=dict)
    log_files: tuple[str, ...] = ()
    """Names of all files of the log."""

    @property
    def num_rows(self) -> int | None:
        """Rows of the live files; None where one of them does not say."""
        counts = [file.num_rows for file in self.live.values()]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def num_bytes(self) -> int:
        return sum(file.num_bytes for file in self.live.values())


def is_version(name: str) -> bool:
    """Whether a file of a log is a commit or a checkpoint, or part of one."""
    return bool(_COMMIT.fullmatch(name) or _CHECKPOINT.fullmatch(name))


def was_written(filesystem: pafs.FileSystem, root: str) -> bool:
    """Whether the folder `root` is a table.

    One whose first commit never came is none: it has an empty log and nothing else. With data it is one
    whose log was lost.
    """

    def names(folder: str) -> list[str]:
        infos = filesystem.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
        return [info.base_name for info in infos]

    if any(map(is_version, names(f"{root}/{LOG}"))):
        return True
    return any(not name.startswith(_NOT_DATA) for name in names(root))


def read_state(uri: str) -> DeltaState | None:
    """The state of the table in the folder `uri`; None where there is none.

    Raises:
        BrokenLaw: where the log has a gap, or is none.
    """
    filesystem, root = filesystem_of(uri)
    folder = f"{root}/{LOG}"
    infos = filesystem.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
    names = tuple(sorted(info.base_name for info in infos if info.type == pafs.FileType.File))
    commits = {int(found[1]): name for name in names if (found := _COMMIT.fullmatch(name))}
    checkpoints = _checkpoints(names)
    if not commits and not checkpoints:
        return None
    checkpoint = max(checkpoints, default=None)
    newest = max(commits, default=-1)
    first = 0 if checkpoint is None else checkpoint + 1
    to_replay = [number for number in sorted(commits) if number >= first]
    if to_replay != list(range(first, first + len(to_replay))):
        raise BrokenLaw(f"the log of {uri} has a gap: commits {first} to {newest} are not all there")
    live: dict[str, DataFile] = {}
    removed: set[str] = set()
    told: dict[str, Any] = {"committed_at": None, "properties": {}}
    try:
        for name in checkpoints.get(checkpoint, []) if checkpoint is not None else []:
            _replay(_of_checkpoint(filesystem, f"{folder}/{name}"), live, removed, told)
        for number in to_replay:
            _replay(_of_commit(filesystem, f"{folder}/{commits[number]}"), live, removed, told)
        if told["committed_at"] is None and newest in commits:
            _replay(_of_commit(filesystem, f"{folder}/{commits[newest]}"), {}, set(), told)
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
        raise BrokenLaw(f"the log of {uri} cannot be read: {str(error)[:200]}") from error
    return DeltaState(
        root=root,
        version=max(newest, -1 if checkpoint is None else checkpoint),
        committed_at=told["committed_at"],
        live=live,
        removed=frozenset(removed),
        checkpoint=checkpoint,
        pointer=_pointer(filesystem, f"{folder}/_last_checkpoint", names),
        num_commits=len(to_replay),
        num_log_files=len(commits),
        properties=told["properties"],
        log_files=names,
    )


def _checkpoints(names: tuple[str, ...]) -> dict[int, list[str]]:
    """Version -> files of one whole checkpoint of it."""
    parts: dict[tuple[int, int], list[str]] = {}
    for name in names:
        if found := _CHECKPOINT.fullmatch(name):
            parts.setdefault((int(found[1]), int(found[3] or 1)), []).append(name)
    return {
        version: files if count > 1 else files[:1]
        for (version, count), files in parts.items()
        if len(files) >= count
    }


def _of_commit(filesystem: pafs.FileSystem, path: str) -> Iterator[dict[str, Any]]:
    with filesystem.open_input_stream(path) as stream:
        content = stream.read()
    yield from (orjson.loads(line) for line in content.splitlines() if line.strip())


def _of_checkpoint(filesystem: pafs.FileSystem, path: str) -> Iterator[dict[str, Any]]:
    with filesystem.open_input_stream(path) as stream:
        file = pq.ParquetFile(io.BytesIO(stream.read()))
    wanted = [name for name in ("add", "remove", "metaData") if name in file.schema_arrow.names]
    for batch in file.iter_batches(columns=wanted):
        yield from batch.to_pylist()


def _replay(
    actions: Iterator[dict[str, Any]],
    live: dict[str, DataFile],
    removed: set[str],
    told: dict[str, Any],
) -> None:
    for action in actions:
        if add := action.get("add"):
            path = unquote(add["path"])
            stats = add.get("stats")
            live[path] = DataFile(path, int(add["size"]), _num_rows(stats), stats)
            removed.discard(path)
        if remove := action.get("remove"):
            path = unquote(remove["path"])
            live.pop(path, None)
            removed.add(path)
        if metadata := action.get("metaData"):
            told["properties"] = dict(metadata.get("configuration") or {})
        if "timestamp" in (info := action.get("commitInfo") or {}):
            told["committed_at"] = int(info["timestamp"])


def _num_rows(stats: str | None) -> int | None:
    found = orjson.loads(stats).get("numRecords") if stats else None
    return None if found is None else int(found)


def _pointer(filesystem: pafs.FileSystem, path: str, names: tuple[str, ...]) -> int | None:
    if "_last_checkpoint" not in names:
        return None
    try:
        with filesystem.open_input_stream(path) as stream:
            return int(json.loads(stream.read())["version"])
    except (ValueError, KeyError, TypeError, OSError):
        return None


def data_files(state: DeltaState) -> Iterator[tuple[str, pafs.FileInfo]]:
    """Every file below the table that may hold rows, live or not, with its path as the log spells it."""
    filesystem, root = filesystem_of(state.root)
    for info in filesystem.get_file_info(pafs.FileSelector(root, recursive=True, allow_not_found=True)):
        path = info.path[len(root) :].strip("/")
        # A folder of a partition is named for its column, which may begin with neither.
        is_data = not any(part.startswith(_NOT_DATA) for part in path.split("/"))
        if info.type == pafs.FileType.File and is_data:
            yield path, info
