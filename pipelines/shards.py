"""A pool as shards: zstd Parquet files whose bytes depend on the rows, the seed and the tokenizer alone.

Order is a pure function: rows are sorted by SHA-256(seed, record id), and that hash also says in which of the
shards a row goes. So a shard can be written by any task, on any machine, in any order, to the same bytes.
Tokens are made where a shard is written and never pass through the JVM. Not here yet: shards that are cut by
tokens, so that each takes the same time to train.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.pool import messages_in
from schemas.chat import render
from schemas.errors import BadRecord, BrokenLaw, UsageError
from schemas.shards import ROW_GROUP_ROWS, SHARD_SCHEMA, TEST, TRAIN, ZSTD_LEVEL
from schemas.tokens import JsonTokenizer, Tokenizer
from schemas.tools import CONTRACT

__all__ = ["ShardPlan", "cut", "parquet_bytes", "shard_of"]

_HASH_BITS: Final = 60
_SLICE_ROWS: Final = 64
"""Rows whose tokens are held as Python objects at a time."""
_WRITTEN: Final = "shard int, num_rows long, content binary"


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """How an examined pool is cut: `count` shards that train, `count_held_out` others; `seed` orders them."""

    seed: int
    share: float
    fingerprints: Mapping[str, str]
    rows_sha256: str
    """Over id and content of all rows that are on a side, and the side."""
    num_rows: int
    num_held_out: int
    count: int
    count_held_out: int
    num_by_source: Mapping[str, int]
    left_out: Mapping[str, int]
    policy_versions: tuple[str, ...]

    @classmethod
    def of(
        cls,
        examined: DataFrame,
        seed: int,
        rows_per_shard: int,
        share: float,
        fingerprints: Mapping[str, str],
    ) -> ShardPlan:
        """Enough shards that each holds about `rows_per_shard` rows; one a side where there are none.

        Ids and digests pass through here one row at a time. Raises BrokenLaw when a record is there twice.
        """
        if rows_per_shard < 1:
            raise ValueError(f"{rows_per_shard} rows per shard; give at least 1")
        columns = ("record_id", "source", "held_out", "left_out", "row_sha256", "policy_version")
        digest, last = hashlib.sha256(), None
        sides, sources, reasons = Counter[bool](), Counter[str](), Counter[str]()
        policies = set()
        for row in examined.select(*columns).orderBy("record_id").toLocalIterator():
            if row["record_id"] == last:
                raise BrokenLaw(f"record {last} is in the pool twice")
            last = row["record_id"]
            policies.add(row["policy_version"])
            if row["left_out"] is not None:
                reasons[row["left_out"]] += 1
                continue
            sides[row["held_out"]] += 1
            sources[row["source"]] += 1
            digest.update(f"{last}:{row['held_out']:d}:{bytes(row['row_sha256']).hex()}\n".encode())
        return cls(
            seed=seed,
            share=share,
            fingerprints=fingerprints,
            rows_sha256=digest.hexdigest(),
            num_rows=sides[False],
            num_held_out=sides[True],
            count=max(1, -(-sides[False] // rows_per_shard)),
            count_held_out=max(1, -(-sides[True] // rows_per_shard)),
            num_by_source=dict(sorted(sources.items())),
            left_out=dict(sorted(reasons.items())),
            policy_versions=tuple(sorted(policies - {""})),
        )

    @property
    def key(self) -> str:
        """Names everything that the set depends on, so that one that is already there is known."""
        made_from = {
            "rows": self.rows_sha256,
            "order": [self.seed, self.count, self.count_held_out],
            "share": self.share,
            "fingerprints": dict(self.fingerprints),
            "left_out": dict(self.left_out),
            "policies": self.policy_versions,
        }
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]

    def counts(self) -> dict[str, int]:
        """What becomes of the pool: `pool` is the sum of the others but `shards`."""
        left_out = {f"left_out_{reason.lower()}": num for reason, num in self.left_out.items()}
        num_read = self.num_rows + self.num_held_out + sum(self.left_out.values())
        sides = {"rows": self.num_rows, "held_out": self.num_held_out}
        return {"pool": num_read, **sides, **left_out, "shards": self.count + self.count_held_out}

    def place(self, number: int) -> tuple[str, int, int]:
        """(side, number on that side, how many that side has) of shard `number`: the held-out come last."""
        if number < self.count:
            return TRAIN, number, self.count
        return TEST, number - self.count, self.count_held_out


def cut(examined: DataFrame, plan: ShardPlan, tokenizer_json: bytes) -> DataFrame:
    """Each shard's bytes: columns shard, num_rows, content. The rows are spread by their hash."""
    # sha2 is what Spark and every other engine have.
    digest = F.sha2(F.concat(F.lit(f"{plan.seed}:"), F.col("record_id")), 256)
    rows = examined.where(F.col("left_out").isNull()).withColumn("order", digest)
    held_out = F.lit(plan.count) + shard_of("order", plan.count_held_out)
    shard = F.when(F.col("held_out"), held_out).otherwise(shard_of("order", plan.count))
    # A partition a shard, about: the driver takes partitions one by one, and none is much of the pool.
    spread = rows.withColumn("shard", shard).repartition(plan.count + plan.count_held_out, "shard")
    return spread.groupBy("shard").applyInArrow(_writer(tokenizer_json), _WRITTEN)


def shard_of(order: str, count: int) -> Column:
    """The shard of a row whose column `order` holds its hash: `count` ranges of equal width, in order."""
    # 60 bits fit a long without sign.
    place = f"CAST(conv(substring(`{order}`, 1, {_HASH_BITS // 4}), 16, 10) AS BIGINT)"
    width = -(-(1 << _HASH_BITS) // count)
    return F.expr(f"CAST({place} DIV {width}L AS INT)")


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


# -- on the executors -----------------------------------------------------------------------------------


def _writer(tokenizer_json: bytes) -> Callable[[pa.Table], pa.Table]:
    """A function for `applyInArrow`, which carries the tokenizer to the executors."""

    def write(rows: pa.Table) -> pa.Table:
        number = rows.column("shard")[0].as_py()
        rendered = _rendered(rows.sort_by("order"), _tokenizer(tokenizer_json))
        columns = [[number], [rendered.num_rows], [parquet_bytes(rendered)]]
        types = [pa.int32(), pa.int64(), pa.binary()]
        return pa.table(
            [pa.array(values, type_) for values, type_ in zip(columns, types, strict=True)],
            names=["shard", "num_rows", "content"],
        )

    return write


@functools.lru_cache(maxsize=2)
def _tokenizer(content: bytes) -> JsonTokenizer:
    return JsonTokenizer(content)


def _rendered(rows: pa.Table, tokenizer: Tokenizer) -> pa.Table:
    """The rows in the shard's columns, a few at a time."""
    given = [name for name in SHARD_SCHEMA.names if name in rows.column_names]
    slices = []
    for start in range(0, rows.num_rows, _SLICE_ROWS):
        part = rows.select(given).slice(start, _SLICE_ROWS).to_pylist()
        slices.append(
            pa.Table.from_pylist([row | _tokens(row, tokenizer) for row in part], schema=SHARD_SCHEMA)
        )
    return pa.concat_tables(slices)


def _tokens(row: Mapping[str, Any], tokenizer: Tokenizer) -> dict[str, list[int]]:
    try:
        found = render(messages_in(row["messages"]), CONTRACT, tokenizer)
    except BadRecord as refused:  # the pool rendered its text, so this is the tokenizer's doing
        raise UsageError(
            f"This tokenizer cannot write record {row['record_id']} ({refused.code}: {refused.message}); "
            "take another."
        ) from refused
    return {"ids": found.ids, "mask": found.mask}
