"""Ids of shops beyond bronze as keyed pseudonyms: where a table is written, and when a key is changed.

    rows = pseudonymised(rows, SILVER_WORKFLOWS)          # what `Lake` writes while the environment has a key
    rotate(lake, Pseudonyms.from_environment())           # every table to the newest key

Without `SIDEWHEEL_PSEUDONYM_KEYS` ids stand as they came. Bronze keeps them in any case: by it a rotation and
an erasure find the others, so who may read bronze knows the shops. Rows join by record, never by shop, so
that a table of another epoch breaks nothing. Not here yet: ids of workflows and conversations, and a key for
each shop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from pipelines.pseudonyms import KEYS_VARIABLE, Pseudonyms, epoch_of, rotated, rotation
from schemas.errors import BrokenLaw
from schemas.tables import BRONZE_EVENTS, BRONZE_WORKFLOWS, TABLES, Table

if TYPE_CHECKING:
    from pipelines.lake import Lake

__all__ = ["KIND", "SHOP", "pseudonymised", "rotate", "tables_of_pseudonyms"]

KIND: Final = "shop"
SHOP: Final = "shop_id"
_BRONZE: Final = (BRONZE_WORKFLOWS, BRONZE_EVENTS)


def tables_of_pseudonyms() -> Iterator[Table]:
    """Every table beyond bronze that names shops."""
    for table in TABLES.values():
        if SHOP in table.schema.names and not table.name.startswith("bronze."):
            yield table


def pseudonymised(rows: DataFrame, table: Table, environment: Mapping[str, str] = os.environ) -> DataFrame:
    """The rows with pseudonyms of the newest key for the ids of shops; what is one already stays.

    Raises:
        UsageError: where the environment names keys that cannot be read; nothing is written then.
    """
    beyond = any(table is each for each in tables_of_pseudonyms())
    if not beyond or not environment.get(KEYS_VARIABLE) or SHOP not in rows.columns:
        return rows
    keyed = Pseudonyms.from_environment(environment=environment)

    def named(batch: pa.RecordBatch) -> pa.RecordBatch:
        shops = batch.column(SHOP)
        by = {shop: _named(keyed, shop) for shop in pc.unique(shops).to_pylist() if shop is not None}
        return _with_shops(batch, rotated(shops, by))

    # The key travels in the function, never as a literal: plans are shown and logged.
    return rows.mapInArrow(_each(named), rows.schema)


def _named(keyed: Pseudonyms, shop: str) -> str:
    return shop if epoch_of(shop) is not None else keyed.of(KIND, shop)


def rotate(lake: Lake, new: Pseudonyms) -> dict[str, int]:
    """Bring each table beyond bronze to the key `new`, one commit a table; gives the rows changed by table.

    What is there of older keys is found by the ids in bronze, so older keys must still be in the environment.
    A run that is killed leaves each table old or new, and the next one does the rest; one that finds nothing
    to do commits nothing.

    Raises:
        UsageError: where a key is missing that something was written under.
        BrokenLaw: where a pseudonym belongs to no shop of bronze, or is left of an older key; nothing that
            is in doubt is written.
    """
    shops = _shops(lake)
    changed: dict[str, int] = {}
    for table in tables_of_pseudonyms():
        if not lake.exists(table):
            continue
        rows = lake.read(table)
        there = {row[SHOP] for row in rows.select(SHOP).distinct().collect() if row[SHOP] is not None}
        old = {epoch for shop in there if (epoch := epoch_of(shop)) not in (None, new.epoch)}
        by: dict[str, str] = {shop: new.of(KIND, shop) for shop in there if epoch_of(shop) is None}
        for epoch in sorted(filter(None, old)):
            by |= rotation(shops, KIND, Pseudonyms.from_environment(epoch), new)
        lost = sum(epoch_of(shop) != new.epoch and shop not in by for shop in there)
        if lost:
            raise BrokenLaw(
                f"{lost} pseudonyms of {table.name} are of no shop in bronze by the keys of {KEYS_VARIABLE}"
            )
        changed[table.name] = 0
        if any(shop in by for shop in there):
            changed[table.name] = lake.merge(_moved(rows, by), table, distinct=True).num_updated
    return changed


def _moved(rows: DataFrame, by: Mapping[str, str]) -> DataFrame:
    """The rows whose shop has a successor, under it. The map travels in the function, as the key does."""

    def moved(batch: pa.RecordBatch) -> pa.RecordBatch:
        found = batch.filter(pc.is_in(batch.column(SHOP), value_set=pa.array(by, pa.string())))
        return _with_shops(found, rotated(found.column(SHOP), by))

    return rows.mapInArrow(_each(moved), rows.schema)


def _each(
    change: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from map(change, batches)

    return run


def _with_shops(batch: pa.RecordBatch, shops: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(SHOP), SHOP, shops)


def _shops(lake: Lake) -> set[str]:
    found = set()
    for table in _BRONZE:
        shops = lake.read(table).select(SHOP).distinct()
        found |= {row[SHOP] for row in shops.collect() if row[SHOP] is not None}
    return found
