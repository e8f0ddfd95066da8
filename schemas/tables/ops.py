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
    about="One row per table, part, week, outcome and measure: what was counted when it was last published.",
    schema=pa.schema(
        [
            column("table_name", pa.string(), "The table that was to be published.", nullable=False),
            column(
                "part",
                pa.string(),
                "Which of its rows, such as `kind=workflow`; empty for all of them.",
                nullable=False,
            ),
            column("week", pa.string(), "ISO week of the rows; empty for all together.", nullable=False),
            column(
                "published",
                pa.bool_(),
                "Whether the rows were let through; what was stopped stands beside what was not.",
                nullable=False,
            ),
            column("measure", pa.string(), "What was counted, such as `rows`.", nullable=False),
            column("value", pa.float64(), "The count, or a share from 0 to 1."),
            column("passed", pa.bool_(), "Whether what is expected of it holds; null without a bound."),
        ]
    ),
    key=("table_name", "part", "week", "published", "measure"),
    partitions=("table_name",),
    statistics=("week",),
)
