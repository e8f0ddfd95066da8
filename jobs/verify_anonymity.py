"""Look again at everything that left bronze as free text, and count the identifiers that are left in it.

Above zero is a broken law: each column and kind is named, and what to run so that it is made anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.session import spark_session
from pipelines.verification import VERIFIED, verify_anonymity
from schemas.errors import BrokenLaw, UsageError
from schemas.tables import TABLES


@dataclass(frozen=True, kw_only=True)
class Config:
    """Which lake."""

    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts the tables that were looked at, their rows, and what is left in them."""
    lake = Lake(spark_session("verify_anonymity", num_bytes=unpacked_bytes(config.lake)), config.lake)
    tables = [TABLES[name] for name in VERIFIED if lake.exists(TABLES[name])]
    if not tables:
        raise UsageError(f"There is nothing in {config.lake} to look at yet; run build_conversations first.")
    left = {}
    num_rows = 0
    for table in tables:
        rows = lake.read(table)
        num_rows += rows.count()
        if found := verify_anonymity(rows, table):
            left[table.name] = found
    if left:
        raise BrokenLaw(
            f"identifiers are left in what was written: {left}; run build_conversations, "
            "synthesize_conversations and curate_workflows again, which redact anew"
        )
    return {"tables": len(tables), "rows": num_rows, "identifiers_left": 0}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
