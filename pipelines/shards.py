"""The training pool as shards: zstd Parquet files whose bytes depend on the rows and the seed alone.

Order is a pure function: rows are sorted by SHA-256(seed, record id), and that hash also says in which of the
shards a row goes. So a shard can be written by any task, on any machine, in any order, to the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.storage import filesystem_of
from schemas.errors import BrokenLaw, UsageError
from schemas.shards import (
    FORMAT,
    MANIFEST,
    ROW_GROUP_ROWS,
    SHARD_SCHEMA,
    ZSTD_LEVEL,
    Manifest,
    ShardFile,
    content_sha256,
    fingerprints,
    shard_path,
)
from schemas.workflow import LANGUAGE_VERSION

_HASH_BITS: Final = 60
_WRITTEN: Final = "shard int, num_rows long, content binary"


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """How a pool is cut: `count` shards, ordered by `seed`."""

    num_rows: int
    record_ids_sha256: str
    seed: int
    count: int

    @classmethod
    def of(cls, rows: DataFrame, *, seed: int, rows_per_shard: int) -> ShardPlan:
        """Enough shards that each holds about `rows_per_shard` of the `rows`; one when there are none.

        Ids pass through here one at a time. Raises UsageError when a row has no text.
        """
        if rows_per_shard < 1:
            raise ValueError(f"{rows_per_shard} rows per shard; give at least 1")
        ids = rows.select("record_id", F.col("python").isNull().alias("textless")).orderBy("record_id")
        digest, num_rows, last = hashlib.sha256(), 0, None
        for row in ids.toLocalIterator():
            if row["textless"]:
                raise UsageError(
                    f"Record {row['record_id']} is in the pool and has no text in {LANGUAGE_VERSION}; "
                    "run curate_workflows for the week again."
                )
            if row["record_id"] == last:
                raise BrokenLaw(f"record {last} is in the pool twice")
            last = row["record_id"]
            digest.update(last.encode())
            num_rows += 1
        count = max(1, -(-num_rows // rows_per_shard))
        return cls(num_rows=num_rows, record_ids_sha256=digest.hexdigest(), seed=seed, count=count)

    @property
    def key(self) -> str:
        """Names everything that the bytes depend on, so that a set that is already there is known."""
        made_from = [self.record_ids_sha256, self.seed, self.count, sorted(fingerprints().items())]
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:12]


def pool(fates: DataFrame, silver: DataFrame) -> DataFrame:
    """The rows that train: what the fates of one week admitted, with their text in this language version.

    A row whose text is not there keeps its place, without one.
    """
    admitted = fates.where(F.col("fate") == "training").select("record_id", "week")
    texts = silver.where(F.col("language_version") == LANGUAGE_VERSION)
    return admitted.join(texts.drop("week"), "record_id", "left").select(*SHARD_SCHEMA.names)


def render(rows: DataFrame, plan: ShardPlan) -> DataFrame:
    """Each shard's bytes: columns shard, num_rows, content. The rows are spread by their hash."""
    # sha2 is what Spark and every other engine have.
    digest = F.sha2(F.concat(F.lit(f"{plan.seed}:"), F.col("record_id")), 256)
    spread = rows.withColumn("order", digest).withColumn("shard", shard_of("order", plan.count))
    # A partition a shard, about: the driver takes partitions one by one, and none is much of the pool.
    return spread.repartition(plan.count, "shard").groupBy("shard").applyInArrow(_render_shard, _WRITTEN)


def shard_of(order: str, count: int) -> Column:
    """The shard of a row whose column `order` holds its hash: `count` ranges of equal width, in order."""
    # 60 bits fit a long without sign.
    place = f"CAST(conv(substring(`{order}`, 1, {_HASH_BITS // 4}), 16, 10) AS BIGINT)"
    width = -(-(1 << _HASH_BITS) // count)
    return F.expr(f"CAST({place} DIV {width}L AS INT)")


def _render_shard(table: pa.Table) -> pa.Table:
    shard = table.column("shard")[0].as_py()
    ordered = table.sort_by("order").select(SHARD_SCHEMA.names).cast(SHARD_SCHEMA)
    content = parquet_bytes(ordered)
    columns = [[shard], [ordered.num_rows], [content]]
    types = [pa.int32(), pa.int64(), pa.binary()]
    return pa.table(
        [pa.array(values, type_) for values, type_ in zip(columns, types, strict=True)],
        names=["shard", "num_rows", "content"],
    )


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as one zstd Parquet file."""
    sink = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(None).combine_chunks(),
        sink,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        row_group_size=ROW_GROUP_ROWS,
        store_schema=False,
    )
    return sink.getvalue()


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

    def add(self, number: int, count: int, num_rows: int, content: bytes) -> None:
        path = shard_path(number, count)
        self._write(path, content)
        self.files[number] = ShardFile(
            path=path, sha256=hashlib.sha256(content).hexdigest(), num_rows=num_rows, num_bytes=len(content)
        )

    def finish(
        self, plan: ShardPlan, *, week: str, lake_versions: dict[str, int | None], policy_version: str
    ) -> Manifest:
        """Write the manifest; shards that no row went into get their empty file here.

        Raises:
            BrokenLaw: when the files do not hold the rows of the plan.
        """
        for number in range(plan.count):
            if number not in self.files:
                self.add(number, plan.count, 0, parquet_bytes(SHARD_SCHEMA.empty_table()))
        shards = [self.files[number] for number in range(plan.count)]
        written = sum(shard["num_rows"] for shard in shards)
        if written != plan.num_rows or len(self.files) != plan.count:
            raise BrokenLaw(f"the pool has {plan.num_rows} rows, the shards have {written}")
        manifest = Manifest(
            format=FORMAT,
            week=week,
            seed=plan.seed,
            num_rows=plan.num_rows,
            content_sha256=content_sha256(shards),
            record_ids_sha256=plan.record_ids_sha256,
            fingerprints=fingerprints(),
            lake_versions=lake_versions,
            policy_version=policy_version,
            shards=shards,
        )
        self._write(MANIFEST, json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")
        return manifest

    def check(self) -> Iterator[str]:
        """What is wrong with a finished set: files that are missing or not what the manifest says."""
        manifest = self.manifest()
        if manifest is None:
            yield f"{self.root} has no {MANIFEST} that can be read: it was never finished"
            return
        for shard in manifest["shards"]:
            path = f"{self.root}/{shard['path']}"
            if self.filesystem.get_file_info(path).type != pafs.FileType.File:
                yield f"{shard['path']} is missing"
                continue
            with self.filesystem.open_input_stream(path) as stream:
                if hashlib.sha256(stream.read()).hexdigest() != shard["sha256"]:
                    yield f"{shard['path']} is not the file that the manifest names"

    def _write(self, path: str, content: bytes) -> None:
        target = f"{self.root}/{path}"
        self.filesystem.create_dir(target.rpartition("/")[0], recursive=True)
        with self.filesystem.open_output_stream(f"{target}.part") as stream:
            stream.write(content)
        self.filesystem.move(f"{target}.part", target)
