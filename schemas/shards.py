"""The shard contract: columns of a shard of conversations, its file names, its manifest, what is held out.

A shard set is a folder: `data/train-00000-of-00003.parquet`, ..., `data/test-00000-of-00001.parquet`, ... and
`manifest.json`, which is written last. What the manifest does not name is not part of the set. What is held
out is decided by workflow, never by row. Not here yet: a third side that is looked at while a model trains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, NotRequired, TypedDict

import pyarrow as pa

from schemas.chat import render_fingerprints
from schemas.tokens import Tokenizer
from schemas.tools import Contract
from schemas.workflow import LANGUAGE_VERSION

__all__ = [
    "FORMAT",
    "HELD_OUT_SHARE",
    "MANIFEST",
    "RECORDED",
    "ROW_GROUP_ROWS",
    "SHARD_SCHEMA",
    "SYNTHETIC",
    "TEST",
    "TRAIN",
    "ZSTD_LEVEL",
    "Erased",
    "Manifest",
    "ShardFile",
    "content_sha256",
    "differences",
    "fingerprints",
    "is_held_out",
    "keys_of",
    "shard_path",
    "split_key",
]

FORMAT: Final = "conversation_shards_v1"
MANIFEST: Final = "manifest.json"
ROW_GROUP_ROWS: Final = 512
ZSTD_LEVEL: Final = 3

TRAIN: Final = "train"
TEST: Final = "test"
"""The two sides, by the names that dataset loaders look for; the second is what is held out."""
HELD_OUT_SHARE: Final = 0.1
SYNTHETIC: Final = "synthetic"
RECORDED: Final = "recorded"

_TEXTS: Final = pa.list_(pa.string())

SHARD_SCHEMA: Final = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("week", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_ids", _TEXTS, nullable=False),
        pa.field("request_kind", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("python", pa.string(), nullable=False),
        pa.field("messages", pa.string(), nullable=False),
        pa.field("ids", pa.list_(pa.int32()), nullable=False),
        pa.field("mask", pa.list_(pa.uint8()), nullable=False),
        pa.field("descriptor", pa.string(), nullable=False),
        pa.field("trigger", pa.string(), nullable=False),
        pa.field("actions", _TEXTS, nullable=False),
        pa.field("operators", _TEXTS, nullable=False),
        pa.field("connectors", _TEXTS, nullable=False),
    ]
)
"""A row is one conversation: where it came from, its messages as canonical JSON, its tokens with a mask of
what the assistant wrote, and the tags that slices are made of. No shop, no id of production."""


class ShardFile(TypedDict):
    """One file of a set."""

    path: str
    sha256: str
    num_rows: int
    num_bytes: int


class Erased(TypedDict):
    """Rows that were taken out because somebody asked to be forgotten, and the digests of before."""

    subjects: list[str]
    """Their tombstones; never an id."""
    content_sha256: str
    held_out_sha256: str
    num_rows: int
    num_held_out: int


class Manifest(TypedDict):
    """What a shard set is and what it was made from. `shards` trains; `held_out` must never."""

    format: str
    week: str
    seed: int
    held_out_share: float
    num_rows: int
    num_held_out: int
    num_by_source: dict[str, int]
    """Both sides together."""
    left_out: dict[str, int]
    """Reason -> how many of the pool are on neither side."""
    content_sha256: str
    """Over the files that train."""
    held_out_sha256: str
    rows_sha256: str
    fingerprints: dict[str, str]
    lake_versions: dict[str, int | None]
    policy_versions: list[str]
    shards: list[ShardFile]
    held_out: list[ShardFile]
    erased: NotRequired[list[Erased]]
    """What `erase` took out since, the oldest first."""


def is_held_out(key: str, share: float) -> bool:
    """Whether a workflow is for evaluation alone: by its key, whatever else is in the pool."""
    place = int.from_bytes(hashlib.sha256(f"held-out:{key}".encode()).digest()[:6])
    return place < share * (1 << 48)


def split_key(descriptor: str, request: str) -> str:
    """What a conversation is held out by: its workflow's shape, or the request where it has none."""
    return descriptor or request


def keys_of(descriptor: str, request: str, request_kind: str) -> list[str]:
    """What of a conversation must not be on both sides: the workflow's shape, and a request that says all.

    An edit is no such request: it means little without the workflow before it.
    """
    asked = " ".join(request.casefold().split())
    keys = [f"shape {descriptor}"] if descriptor else []
    return [*keys, f"request {asked}"] if request_kind == "create" or not keys else keys


def shard_path(number: int, count: int, side: str = TRAIN) -> str:
    """The path of a shard inside its set, as dataset loaders expect it."""
    return f"data/{side}-{number:05d}-of-{count:05d}.parquet"


def content_sha256(shards: list[ShardFile]) -> str:
    """One digest over all files, in order."""
    return hashlib.sha256("".join(shard["sha256"] for shard in shards).encode()).hexdigest()


def fingerprints(contract: Contract, tokenizer: Tokenizer) -> dict[str, str]:
    """What a shard depends on besides its rows; a change of any of them is another shard set."""
    catalog = files("schemas.catalog")
    return render_fingerprints(contract, tokenizer) | {
        "format": FORMAT,
        "language": LANGUAGE_VERSION,
        "tasks": _sha256(catalog.joinpath("tasks.json").read_bytes()),
        "environment": _sha256(catalog.joinpath("environment.json.gz").read_bytes()),
        "pyarrow": pa.__version__,
    }


def differences(manifest: Mapping[str, Any], now: Mapping[str, str]) -> list[str]:
    """Names of the fingerprints that differ between a manifest and this installation."""
    then: Mapping[str, str] = manifest.get("fingerprints", {})
    return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
