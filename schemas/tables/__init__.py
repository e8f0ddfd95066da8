"""What the lake holds: every table as a pyarrow schema with its layer, key, partitions and one sentence.

A table's name is `layer.table`; its folder in the lake is `layer/table`. A module a layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.table import TIMESTAMP, Table
from schemas.tables.bronze import BRONZE_CONTRACTS, BRONZE_EVENTS, BRONZE_WORKFLOWS
from schemas.tables.gold import FATES, GOLD_EVALUATIONS, GOLD_FATES, KINDS
from schemas.tables.ops import OPS_ERASURES, OPS_MEASURES
from schemas.tables.silver import (
    SILVER_CONVERSATIONS,
    SILVER_JUDGMENTS,
    SILVER_SYNTHETIC,
    SILVER_WORKFLOWS,
)

__all__ = [
    "BRONZE_CONTRACTS",
    "BRONZE_EVENTS",
    "BRONZE_WORKFLOWS",
    "FATES",
    "GOLD_EVALUATIONS",
    "GOLD_FATES",
    "KINDS",
    "OPS_ERASURES",
    "OPS_MEASURES",
    "SILVER_CONVERSATIONS",
    "SILVER_JUDGMENTS",
    "SILVER_SYNTHETIC",
    "SILVER_WORKFLOWS",
    "TABLES",
    "TIMESTAMP",
    "Table",
]

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        BRONZE_WORKFLOWS,
        BRONZE_CONTRACTS,
        BRONZE_EVENTS,
        SILVER_WORKFLOWS,
        SILVER_SYNTHETIC,
        SILVER_CONVERSATIONS,
        SILVER_JUDGMENTS,
        GOLD_FATES,
        GOLD_EVALUATIONS,
        OPS_ERASURES,
        OPS_MEASURES,
    )
}
"""Every table of the lake by name."""
