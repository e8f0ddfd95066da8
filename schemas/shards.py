"""The shard contract: columns of a training shard, its file names, its manifest.

A shard set is a folder: `data/train-00000-of-00003.parquet`, ... and `manifest.json`, which is written last.
What the manifest does not name is not part of the set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, TypedDict

import pyarrow as pa

from schemas.workflow import LANGUAGE_VERSION

FORMAT: Final = "workflow_shards_v1"
MANIFEST: Final = "manifest.json"
ROW_GROUP_ROWS: Final = 512
ZSTD_LEVEL: Final = 3

SHARD_SCHEMA: Final = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("week", pa.string(), nullable=False),
        pa.field("python", pa.string(), nullable=False),
        pa.field("descriptor", pa.string(), nullable=False),
        pa.field("trigger", pa.string(), nullable=False),
        pa.field("tasks", pa.list_(pa.string()), nullable=False),
    ]
)
"""A row is one workflow: where it came from, its Python, and the tags that slices are made of. No shop."""


class ShardFile(TypedDict):
    """One file of a set."""

    path: str
    sha256: str
    num_rows: int
    num_bytes: int


class Manifest(TypedDict):
    """What a shard set is and what it was made from."""

    format: str
    week: str
    seed: int
    num_rows: int
    content_sha256: str
    record_ids_sha256: str
    fingerprints: dict[str, str]
    lake_versions: dict[str, int | None]
    policy_version: str
    shards: list[ShardFile]


def shard_path(number: int, count: int) -> str:
    """The path of a shard inside its set, as dataset loaders expect it."""
    return f"data/train-{number:05d}-of-{count:05d}.parquet"


def content_sha256(shards: list[ShardFile]) -> str:
    """One digest over all files, in order."""
    return hashlib.sha256("".join(shard["sha256"] for shard in shards).encode()).hexdigest()


def fingerprints() -> dict[str, str]:
    """What the text in a shard depends on besides its input; a change of any of them is another shard set."""
    catalog = files("schemas.catalog")
    return {
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
