"""Shard sets without the rows of erased records: same files, fewer rows, another digest, and a note of it.

While a set is rewritten it has no manifest, so that nobody trains on half of it: the old one waits under
another name until the new one is written, and a killed run is finished from it. Token views go.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.erasure.files import Files
from pipelines.erasure.spellings import Spellings
from pipelines.shards import parquet_bytes
from pipelines.storage import filesystem_of
from schemas.errors import BrokenLaw
from schemas.shards import FORMAT, MANIFEST, SHARD_SCHEMA, Erased, Manifest, ShardFile, content_sha256
from schemas.tools import canonical_json

__all__ = ["Rewritten", "contents_with", "rewrite", "sets_below"]

WAITING: Final = "manifest.erasing.json"
"""The manifest of a set that is being rewritten."""
_BEGUN: Final = "erasing"
"""Its key for the tombstones of those whose rows are being taken out."""
_SIDES: Final = ("shards", "held_out")
_DIGESTED: Final = tuple(name for name in SHARD_SCHEMA.names if name not in ("ids", "mask"))


@dataclass(frozen=True)
class Rewritten:
    """What was taken out of one set."""

    path: str
    num_rows: int
    num_held_out: int
    content_before: str
    content_after: str


def sets_below(lake: str, files: Files) -> list[str]:
    """Folders of the lake's shard sets that were finished, or are being rewritten."""
    below = f"{lake.rstrip('/')}/gold/shards"
    manifests = {info.path for info in files.walk(below) if info.base_name in (MANIFEST, WAITING)}
    return sorted({path.rpartition("/")[0] for path in manifests})


def rewrite(
    folder: str,
    records: frozenset[str],
    subjects: Sequence[str],
    spellings: Spellings,
    files: Files,
    *,
    dry_run: bool = False,
) -> Rewritten | None:
    """Take out the rows that are of `records`, were made from them, or hold an id; None where there are none.

    `subjects` are the digests that the manifest notes. Raises BrokenLaw where the files are no shard set.
    """
    waiting = files.exists(f"{folder}/{WAITING}")
    manifest = _manifest(f"{folder}/{WAITING if waiting else MANIFEST}", files)
    if manifest is None:
        return None
    sides = {
        side: [_Part.of(folder, file, records, spellings, files) for file in manifest[side]]
        for side in _SIDES
    }
    gone = {
        side: sum(part.file["num_rows"] - part.kept.num_rows for part in parts)
        for side, parts in sides.items()
    }
    if not (waiting or any(gone.values())):
        return None
    begun = manifest.pop(_BEGUN, [])
    after = _after(manifest, sides, sorted({*begun, *subjects}))
    found = Rewritten(
        folder, gone["shards"], gone["held_out"], manifest["content_sha256"], after["content_sha256"]
    )
    if dry_run:
        return found
    if not waiting:
        files.replace(f"{folder}/{WAITING}", [_json({**manifest, _BEGUN: sorted(subjects)})])
    files.remove(f"{folder}/{MANIFEST}")
    for part in (part for parts in sides.values() for part in parts):
        if part.content is not None:
            files.replace(f"{folder}/{part.file['path']}", [part.content])
            files.drop_checksum(f"{folder}/{part.file['path']}")
    for view in _views(folder, files):
        files.remove_folder(view)
    files.replace(f"{folder}/{MANIFEST}", [_json(after)])
    files.remove(f"{folder}/{WAITING}")
    return found


def contents_with(folder: str, subjects: Sequence[str], files: Files) -> list[str]:
    """Digests that the set's training side had while it held any of the `subjects`, the oldest first."""
    manifest = _manifest(f"{folder}/{MANIFEST}", files)
    notes = [] if manifest is None else manifest.get("erased", [])
    last = max(
        (n for n, note in enumerate(notes) if {*note["subjects"]} & {*subjects} and note["num_rows"]),
        default=-1,
    )
    return [note["content_sha256"] for note in notes[: last + 1]]


@dataclass(frozen=True)
class _Part:
    """One file of a set: what is kept of it, and its new bytes where they differ from what is there."""

    file: ShardFile
    kept: pa.Table
    content: bytes | None
    now: ShardFile

    @classmethod
    def of(
        cls, folder: str, file: ShardFile, records: frozenset[str], spellings: Spellings, files: Files
    ) -> _Part:
        raw = files.read(f"{folder}/{file['path']}")
        try:
            rows = pq.read_table(io.BytesIO(raw))
        except pa.ArrowException as error:
            raise BrokenLaw(f"{folder}/{file['path']} is no shard: {str(error)[:200]}") from error
        kept = rows.filter(pa.array(_is_kept(rows, records, spellings), pa.bool_()))
        content = None if kept.num_rows == rows.num_rows else parquet_bytes(kept.cast(SHARD_SCHEMA))
        now = content if content is not None else raw
        made = ShardFile(
            path=file["path"],
            sha256=hashlib.sha256(now).hexdigest(),
            num_rows=kept.num_rows,
            num_bytes=len(now),
        )
        return cls(file, kept, content, made)


def _is_kept(rows: pa.Table, records: frozenset[str], spellings: Spellings) -> Iterator[bool]:
    texts = [column for column in rows.columns if pa.types.is_string(column.type)]
    named = [False] * rows.num_rows
    for column in texts:
        found = pc.match_substring_regex(column, spellings.text).to_pylist()
        named = [one or bool(other) for one, other in zip(named, found, strict=True)]
    ids, sources = rows.column("record_id").to_pylist(), rows.column("source_ids").to_pylist()
    for name, source, mentioned in zip(ids, sources, named, strict=True):
        yield not (mentioned or name in records or any(each in records for each in source or ()))


def _after(manifest: Manifest, sides: dict[str, list[_Part]], subjects: Sequence[str]) -> Manifest:
    """The manifest of what is kept."""
    rows = {side: sum(part.kept.num_rows for part in parts) for side, parts in sides.items()}
    sources = Counter(
        source
        for parts in sides.values()
        for part in parts
        for source in part.kept.column("source").to_pylist()
    )
    shards, held_out = ([part.now for part in sides[side]] for side in _SIDES)
    note = Erased(
        subjects=sorted(subjects),
        content_sha256=manifest["content_sha256"],
        held_out_sha256=manifest["held_out_sha256"],
        num_rows=manifest["num_rows"] - rows["shards"],
        num_held_out=manifest["num_held_out"] - rows["held_out"],
    )
    return {
        **manifest,
        "num_rows": rows["shards"],
        "num_held_out": rows["held_out"],
        "num_by_source": dict(sorted(sources.items())),
        "content_sha256": content_sha256(shards),
        "held_out_sha256": content_sha256(held_out),
        "rows_sha256": _rows_sha256(sides),
        "shards": shards,
        "held_out": held_out,
        "erased": [*manifest.get("erased", []), note],
    }


def _rows_sha256(sides: dict[str, list[_Part]]) -> str:
    """What `ShardPlan` makes of the rows that are kept."""
    digest = hashlib.sha256()
    told: list[tuple[str, bool, str]] = []
    for side, parts in sides.items():
        for part in parts:
            for row in part.kept.select(_DIGESTED).to_pylist():
                content = canonical_json([row[name] for name in _DIGESTED])
                told.append(
                    (row["record_id"], side == "held_out", hashlib.sha256(content.encode()).hexdigest())
                )
    for name, held_out, sha256 in sorted(told):
        digest.update(f"{name}:{held_out:d}:{sha256}\n".encode())
    return digest.hexdigest()


def _manifest(path: str, files: Files) -> Any:
    if not files.exists(path):
        return None
    try:
        manifest = json.loads(files.read(path))
    except ValueError:
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("format") == FORMAT else None


def _views(folder: str, files: Files) -> list[str]:
    """Folders of tokens that training keeps beside the files."""
    _, root = filesystem_of(folder)
    names = {info.path[len(root) :].strip("/").split("/")[0] for info in files.walk(folder)}
    return [f"{folder}/{name}" for name in sorted(names) if name.startswith(".view-")]


def _json(manifest: Any) -> bytes:
    return json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n"
