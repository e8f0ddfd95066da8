"""Distil the types behind Flow's paths, and the mutations, from an introspection of the Admin GraphQL API.

Writes the package data that `schemas/catalog/environment.py` and `schemas/catalog/mutations.py` read. Run it
when the API version moves, or a task of the catalogue gains a root; the same introspection gives the same
bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from schemas.catalog.distil import distil, distil_mutations
from schemas.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to read and where to write."""

    introspection: Annotated[Path, "An introspection result as JSON, gzipped."]
    output: Annotated[Path, "The folder for environment.json.gz and mutations.json.gz."] = Path(
        "schemas/catalog"
    )


def run(config: Config) -> Summary:
    """Read, walk, write; counts what is kept."""
    try:
        result = json.loads(gzip.decompress(config.introspection.read_bytes()))
        schema = {entry["name"]: entry for entry in result["data"]["__schema"]["types"]}
        tables = {"environment": distil(schema), "mutations": distil_mutations(schema)}
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{config.introspection} is no gzipped introspection result: {error!r}") from error
    size = 0
    for name, table in tables.items():
        text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        size += (config.output / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    types = tables["environment"]["types"]
    return {
        "types": len(types),
        "fields": sum(len(fields.split()) for fields in types.values()),
        "mutations": len(tables["mutations"]["mutations"]),
        "bytes": size,
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
