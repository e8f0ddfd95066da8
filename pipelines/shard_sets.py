"""A shard set on disk or behind a URI: written file by file, whole when its manifest is there, and checked.

Not here yet: sets whose files are kept in several places.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Final, cast

import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.shards import ShardPlan, parquet_bytes
from pipelines.storage import filesystem_of
from pipelines.verification import VERIFIED_COLUMNS, left_in_shard
from schemas.errors import BrokenLaw
from schemas.shards import (
    FORMAT,
    MANIFEST,
    SHARD_SCHEMA,
    Manifest,
    ShardFile,
    content_sha256,
    keys_of,
    shard_path,
)

__all__ = ["ShardSet"]

_KEYED_BY: Final = ["descriptor", "request", "request_kind"]


class ShardSet:
    """A shard set under way: files first, each under a temporary name, the manifest last."""

    def __init__(self, uri: str) -> None:
        self.filesystem, self.root = filesystem_of(uri)
        self.files: dict[int, ShardFile] = {}

    def manifest(self) -> Manifest | None:
        """The manifest, or None where the set is not finished."""
        path = f"{self.root}/{MANIFEST}"
        if self.filesystem.get_file_info(path).type != pafs.FileType.File:
            return None
        with self.filesystem.open_input_stream(path) as stream:
            content = stream.read()
        try:
            return cast("Manifest", json.loads(content))
        except ValueError:
            return None

    def add(self, number: int, plan: ShardPlan, num_rows: int, content: bytes) -> None:
        """Write shard `number`.

        Raises:
            BrokenLaw: when an identifier is left in any conversation; nothing is written then.
        """
        side, place, count = plan.place(number)
        path = shard_path(place, count, side)
        left = left_in_shard(pq.read_table(io.BytesIO(content), columns=list(VERIFIED_COLUMNS)))
        if left:
            raise BrokenLaw(
                f"{path} would hold identifiers: {left}; run build_conversations and "
                "synthesize_conversations, which redact anew, and check_mirror --migrate, "
                "and write the shards again"
            )
        self._write(path, content)
        self.files[number] = ShardFile(
            path=path, sha256=hashlib.sha256(content).hexdigest(), num_rows=num_rows, num_bytes=len(content)
        )

    def finish(self, plan: ShardPlan, week: str, lake_versions: dict[str, int | None]) -> Manifest:
        """Write the manifest; shards that no row went into get their empty file here.

        Raises:
            BrokenLaw: when the files do not hold the rows of the plan, or both sides hold one key.
        """
        count = plan.count + plan.count_held_out
        for number in range(count):
            if number not in self.files:
                self.add(number, plan, 0, parquet_bytes(SHARD_SCHEMA.empty_table()))
        files = [self.files[number] for number in range(count)]
        shards, held_out = files[: plan.count], files[plan.count :]
        written = [sum(file["num_rows"] for file in side) for side in (shards, held_out)]
        if written != [plan.num_rows, plan.num_held_out] or len(self.files) != count:
            raise BrokenLaw(
                f"the pool has {plan.num_rows} rows and {plan.num_held_out} held out, "
                f"the shards have {written[0]} and {written[1]}"
            )
        self._require_apart(shards, held_out)
        manifest = Manifest(
            format=FORMAT,
            week=week,
            seed=plan.seed,
            held_out_share=plan.share,
            num_rows=plan.num_rows,
            num_held_out=plan.num_held_out,
            num_by_source=dict(plan.num_by_source),
            left_out=dict(plan.left_out),
            content_sha256=content_sha256(shards),
            held_out_sha256=content_sha256(held_out),
            rows_sha256=plan.rows_sha256,
            fingerprints=dict(plan.fingerprints),
            lake_versions=lake_versions,
            policy_versions=list(plan.policy_versions),
            shards=shards,
            held_out=held_out,
        )
        self._write(MANIFEST, json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")
        return manifest

    def check(self) -> Iterator[str]:
        """What is wrong with a finished set: files that are missing or not what the manifest says."""
        manifest = self.manifest()
        if manifest is None:
            yield f"{self.root} has no {MANIFEST} that can be read: it was never finished"
            return
        for file in (*manifest["shards"], *manifest["held_out"]):
            path = f"{self.root}/{file['path']}"
            if self.filesystem.get_file_info(path).type != pafs.FileType.File:
                yield f"{file['path']} is missing"
                continue
            with self.filesystem.open_input_stream(path) as stream:
                if hashlib.sha256(stream.read()).hexdigest() != file["sha256"]:
                    yield f"{file['path']} is not the file that the manifest names"

    def _require_apart(self, shards: list[ShardFile], held_out: list[ShardFile]) -> None:
        """No workflow and no request is on both sides, by what the written files say."""
        kept = {key for file in held_out for key in self._keys(file)}
        for file in shards:
            for key in self._keys(file):
                if key in kept:
                    raise BrokenLaw(f"{file['path']} trains on what is held out: {key[:200]}")

    def _keys(self, file: ShardFile) -> Iterator[str]:
        with (
            self.filesystem.open_input_file(f"{self.root}/{file['path']}") as stream,
            pq.ParquetFile(stream) as rows,
        ):
            for batch in rows.iter_batches(columns=_KEYED_BY):
                columns = (batch[name].to_pylist() for name in _KEYED_BY)
                for descriptor, request, kind in zip(*columns, strict=True):
                    yield from keys_of(descriptor, request, kind)

    def _write(self, path: str, content: bytes) -> None:
        target = f"{self.root}/{path}"
        self.filesystem.create_dir(target.rpartition("/")[0], recursive=True)
        with self.filesystem.open_output_stream(f"{target}.part") as stream:
            stream.write(content)
        self.filesystem.move(f"{target}.part", target)
