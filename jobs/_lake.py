"""What the jobs of conversations ask of a lake before they start."""

from __future__ import annotations

from pipelines.lake import Lake
from schemas.errors import UsageError
from schemas.table import Table
from schemas.tables import GOLD_FATES

__all__ = ["require_lake"]


def require_lake(lake: Lake, table: Table, first: str) -> None:
    """Raise UsageError where neither `table` nor a fate is there, naming the job to run `first`.

    A lake that was curated may have no conversations yet; one without either is likely misspelled.
    """
    if not (lake.exists(table) or lake.exists(GOLD_FATES)):
        raise UsageError(f"There are no conversations in {lake.root}; run {first} first.")
