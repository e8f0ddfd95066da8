"""Ops: what the lake's keepers did and measured."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas.table import TIMESTAMP, Table, column

__all__ = ["OPS_ERASURES", "OPS_MEASURES"]

OPS_ERASURES: Final = Table(
    name="ops.erasures",
    about="One row per shop or conversation that asked to be forgotten; what is theirs never comes in again.",
    schema=pa.schema(
        [
            column("subject", pa.string(), "Salted digest of kind and id, in hex.", nullable=False),
            column("kind", pa.string(), "`shop` or `conversation`.", nullable=False),
            column("salt", pa.string(), "What the digest is salted with, in hex.", nullable=False),
            column("requested_at", TIMESTAMP, "When it was asked for first."),
        ]
    ),
    key=("subject",),
)

OPS_MEASURES: Final = Table(
    name="ops.measures",
    about="One row per publish of a table and measure: what was counted, and whether it was let through.",
    schema=pa.schema(
        [
            column("table_name", pa.string(), "The table that was to be published.", nullable=False),
            column("publish_id", pa.string(), "Digest of what was to be published.", nullable=False),
            column("measure", pa.string(), "What was counted, such as `rows`.", nullable=False),
            column("week", pa.string(), "ISO week that was published; null for a table without weeks."),
            column("value", pa.float64(), "The count or share."),
            column("passed", pa.bool_(), "Whether the expectation of it holds; null without one."),
            column("published", pa.bool_(), "Whether the table was published."),
        ]
    ),
    key=("table_name", "publish_id", "measure"),
    statistics=("table_name", "week"),
)
