"""Conversation shards as flat, memory-mapped tokens: verified byte by byte before a token is believed.

    view = open_view(folder, fingerprints=fingerprints, length=2048, num_tokens=4096)
    ids, mask = view.row(7)

The view is built once, below the shard folder in a folder that starts with a dot, and found again by what it
was made from. Not here yet: shards behind a URI, and a view somewhere else than beside its shards.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import BadRecord, UsageError
from schemas.shards import FORMAT, MANIFEST, ShardFile, content_sha256
from schemas.workflow.jsontext import read_json

__all__ = ["TokenView", "open_view", "require_fingerprints"]

MAX_MANIFEST: Final = 64 << 20
VIEW_FORMAT: Final = "token_view_v1"
_COLUMNS: Final = {
    "record_id": pa.string(),
    "ids": pa.list_(pa.int32()),
    "mask": pa.list_(pa.uint8()),
}
_PARTS: Final[Mapping[str, Any]] = {
    "ids": np.int32,
    "mask": np.uint8,
    "starts": np.int64,
    "num_supervised": np.int32,
}


@dataclass(frozen=True, slots=True)
class TokenView:
    """The rows of a shard set in its own order. Row n is `ids[starts[n]:starts[n + 1]]`."""

    ids: npt.NDArray[np.int32]
    mask: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    num_supervised: npt.NDArray[np.int32]
    too_long: tuple[str, ...]
    """Records that are longer than the recipe's length; they are left out whole, never cut."""
    content_sha256: str
    fingerprints: Mapping[str, str]
    seed: int

    def __len__(self) -> int:
        return len(self.num_supervised)

    def row(self, number: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        stretch = slice(self.starts[number], self.starts[number + 1])
        return self.ids[stretch], self.mask[stretch]


def require_fingerprints(found: Mapping[str, str], wanted: Mapping[str, str], of: str) -> None:
    """Law 2. Raises UsageError with the name of every fingerprint in `wanted` that `found` does not have."""
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        told = "; ".join(
            f"{name} is {str(found.get(name))[:12]} there and {wanted[name][:12]} here" for name in differing
        )
        raise UsageError(f"{of} was made for something else: {told}. Write the shards again, or use theirs.")


def open_view(folder: Path, *, fingerprints: Mapping[str, str], length: int, num_tokens: int) -> TokenView:
    """The shard set in `folder`, verified, as tokens of rows of at most `length` ids below `num_tokens`.

    Raises:
        UsageError: naming the file, the record or the fingerprint that stops it.
    """
    manifest = _manifest(folder)
    require_fingerprints(manifest["fingerprints"], fingerprints, f"The shard set {folder}")
    for shard in manifest["shards"]:
        _require_whole(folder, shard)
    content = content_sha256(manifest["shards"])
    key = hashlib.sha256(json.dumps([VIEW_FORMAT, content, length, num_tokens]).encode()).hexdigest()[:12]
    target = folder / f".view-{key}"
    if not _is_whole(target):
        _build(folder, manifest, target, length, num_tokens)
    if not _size(target, "starts") > 1:
        raise UsageError(f"No row of {folder} can be trained on: all are longer than {length} tokens.")
    parts = {name: np.memmap(target / f"{name}.bin", dtype, "r") for name, dtype in _PARTS.items()}
    told = json.loads((target / "view.json").read_text(encoding="utf-8"))
    return TokenView(
        **parts,
        too_long=tuple(told["too_long"]),
        content_sha256=content,
        fingerprints=manifest["fingerprints"],
        seed=manifest["seed"],
    )


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(f"{folder} has no {MANIFEST}: give the folder of a finished shard set.")
    try:
        manifest = read_json(path.read_text(encoding="utf-8"), limit=MAX_MANIFEST)
        held = str(manifest["format"])[:80]
        fingerprints, shards = manifest["fingerprints"], manifest["shards"]
        fits = all(isinstance(value, str) for value in fingerprints.values()) and isinstance(
            manifest["seed"], int
        )
        paths = [(folder / shard["path"]).resolve() for shard in shards]
        fits = fits and sum(shard["num_rows"] for shard in shards) == manifest["num_rows"]
    except (BadRecord, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is no manifest of shards: {str(error)[:200]}.") from None
    if held != FORMAT:
        raise UsageError(f"{folder} holds {held}, and only {FORMAT} can be trained on; run write_shards.")
    if not fits or not all(path.is_relative_to(folder.resolve()) for path in paths):
        raise UsageError(f"{path} is no manifest of shards: its counts, names and paths do not agree.")
    return cast("dict[str, Any]", manifest)


def _require_whole(folder: Path, shard: ShardFile) -> None:
    path = folder / shard["path"]
    if not path.is_file():
        raise UsageError(f"{path} is missing; the manifest names it. Write the shards again.")
    if _sha256(path) != shard["sha256"]:
        raise UsageError(
            f"{path} is not the file that the manifest names: its bytes changed. Write it again."
        )


# -- the view -------------------------------------------------------------------------------------------


def _build(folder: Path, manifest: Mapping[str, Any], target: Path, length: int, num_tokens: int) -> None:
    """Write the view under a name of this process, then give it its own. Two that build it agree."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        too_long: list[str] = []
        with contextlib.ExitStack() as stack:
            files = {name: stack.enter_context((part / f"{name}.bin").open("wb")) for name in _PARTS}
            _append(files["starts"], "starts", [0])
            end = 0
            for shard in manifest["shards"]:
                for record, ids, mask in _rows(folder / shard["path"], shard["num_rows"], num_tokens):
                    if len(ids) > length:
                        too_long.append(record)
                        continue
                    end += len(ids)
                    # The first token follows nothing, so nothing predicts it.
                    row = {"ids": ids, "mask": mask, "starts": [end], "num_supervised": [mask[1:].sum()]}
                    for name, values in row.items():
                        _append(files[name], name, values)
        told = {"too_long": too_long, "sha256": {name: _sha256(part / f"{name}.bin") for name in _PARTS}}
        (part / "view.json").write_text(json.dumps(told), encoding="utf-8")
        if target.exists() and not _is_whole(target):
            shutil.rmtree(target)
        with contextlib.suppress(FileExistsError):
            part.rename(target)
    except OSError as error:
        if not _is_whole(target):
            raise UsageError(f"The tokens of {folder} cannot be written beside it: {error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _rows(path: Path, num_rows: int, num_tokens: int) -> Iterator[tuple[str, Any, Any]]:
    """(record id, ids, mask) of every row, checked."""
    counted = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256, columns=list(_COLUMNS)):
                columns = [batch.column(name).cast(kind) for name, kind in _COLUMNS.items()]
                for record, ids, mask in zip(*columns, strict=True):
                    counted += 1
                    yield record.as_py(), *_checked(path, record, ids.values, mask.values, num_tokens)
    except (pa.ArrowException, KeyError) as error:
        raise UsageError(f"{path} holds no conversations: {str(error)[:200]}.") from error
    if counted != num_rows:
        raise UsageError(f"{path} has {counted} rows, the manifest says {num_rows}; write the shards again.")


def _checked(path: Path, record: Any, ids: Any, mask: Any, num_tokens: int) -> tuple[Any, Any]:
    """Ids and mask as numpy, or UsageError with the record's name."""
    wrong = None
    if ids is None or mask is None or len(ids) != len(mask) or ids.null_count or mask.null_count:
        wrong = "ids and a mask that do not fit each other"
    else:
        ids, mask = ids.to_numpy(), mask.to_numpy()
        if len(ids) and (ids.min() < 0 or ids.max() >= num_tokens):
            wrong = "a token that the tokenizer lacks"
        elif mask.max(initial=0) > 1:
            wrong = "a mask of more than zeros and ones"
        elif not mask[1:].any():
            wrong = "nothing that the assistant wrote"
    if wrong:
        raise UsageError(f"{path}: record {record} has {wrong}; write the shards again.")
    return ids, mask


def _append(file: BinaryIO, name: str, values: Any) -> None:
    file.write(np.asarray(values, _PARTS[name]).tobytes())


def _is_whole(target: Path) -> bool:
    try:
        told = json.loads((target / "view.json").read_text(encoding="utf-8"))["sha256"]
        return all(_sha256(target / f"{name}.bin") == told[name] for name in _PARTS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _size(target: Path, name: str) -> int:
    return int((target / f"{name}.bin").stat().st_size // np.dtype(_PARTS[name]).itemsize)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
