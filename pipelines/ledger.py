"""The row ledger: what came in has exactly one fate, or nothing is published."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from schemas.errors import BrokenLaw
from schemas.tables import FATES


def ledger(fates: DataFrame, *, num_read: int) -> dict[str, int]:
    """`{"read": ..., "training": ..., "quarantine": ..., "rejected": ..., "erased": ...}`.

    Raises:
        BrokenLaw: when the fates do not add up to what was read, or a record has two.
    """
    counted = fates.groupBy("fate").agg(F.count(F.lit(1)).alias("rows")).collect()
    totals = {row["fate"]: int(row["rows"]) for row in counted}
    unknown = sorted(set(totals) - set(FATES))
    if unknown:
        raise BrokenLaw(f"conservation: {unknown[0]!r} is not a fate")
    num_fates = sum(totals.values())
    if num_fates != num_read:
        raise BrokenLaw(f"conservation: {num_read} records were read, {num_fates} have a fate")
    return {"read": num_read, **{fate: totals.get(fate, 0) for fate in FATES}}
