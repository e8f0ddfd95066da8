"""Distil the types behind Flow's paths from an introspection of the Admin GraphQL API.

Writes the package data that `schemas/catalog/environment.py` reads. Run it when the API version moves; the
same introspection gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from schemas.catalog.distil import distil
from schemas.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to read and where to write."""

    introspection: Annotated[Path, "An introspection result as JSON, gzipped."]
    output: Annotated[Path, "The file to write."] = Path("schemas/catalog/environment.json.gz")


def run(config: Config) -> Summary:
    """Read, walk, write; counts what is kept."""
    try:
        result = json.loads(gzip.decompress(config.introspection.read_bytes()))
        table = distil({entry["name"]: entry for entry in result["data"]["__schema"]["types"]})
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{config.introspection} is no gzipped introspection result: {error!r}") from error
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    config.output.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return {
        "types": len(table["types"]),
        "fields": sum(len(fields.split()) for fields in table["types"].values()),
        "bytes": config.output.stat().st_size,
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
