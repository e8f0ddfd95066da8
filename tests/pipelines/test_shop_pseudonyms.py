"""Beyond bronze a shop is a pseudonym while there is a key; a key is changed, killed or not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pipelines.erasure.rows import purge  # noqa: E402
from pipelines.erasure.subjects import SHOP, Subject, bury  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.pseudonyms import KEYS_VARIABLE, Pseudonyms  # noqa: E402
from pipelines.shop_pseudonyms import rotate  # noqa: E402
from schemas.errors import BrokenLaw, UsageError  # noqa: E402
from schemas.tables import BRONZE_WORKFLOWS, GOLD_FATES, SILVER_WORKFLOWS, Table  # noqa: E402

OLD, NEW = Pseudonyms(1, b"a" * 32), Pseudonyms(2, b"b" * 32)
BOTH = f"1:{OLD.key.hex()},2:{NEW.key.hex()}"
SHOPS = {"r1": "7", "r2": "8", "r3": None}


def write(lake: Lake, table: Table, **columns: Any) -> None:
    rows = [{"record_id": record, "shop_id": shop, **columns} for record, shop in SHOPS.items()]
    frame = lake.read(table)
    made = lake.spark.createDataFrame(
        [tuple(row.get(name) for name in frame.columns) for row in rows], frame.schema
    )
    lake.merge(made, table, distinct=True)


def shops(lake: Lake, table: Table) -> dict[str, str | None]:
    return {row.record_id: row.shop_id for row in lake.read(table).collect()}


def of(keyed: Pseudonyms) -> dict[str, str | None]:
    return {record: shop and keyed.of("shop", shop) for record, shop in SHOPS.items()}


def test_a_key_is_changed_although_the_first_run_was_killed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEYS_VARIABLE, f"1:{OLD.key.hex()}")
    write(lake, BRONZE_WORKFLOWS)
    write(lake, SILVER_WORKFLOWS)
    write(lake, GOLD_FATES, week="2026-W47", kind="workflow", fate="training")
    assert shops(lake, BRONZE_WORKFLOWS) == SHOPS
    assert shops(lake, SILVER_WORKFLOWS) == shops(lake, GOLD_FATES) == of(OLD)

    monkeypatch.setenv(KEYS_VARIABLE, f"2:{NEW.key.hex()}")
    with pytest.raises(UsageError, match="no key of epoch 1"):
        rotate(lake, NEW)
    monkeypatch.setenv(KEYS_VARIABLE, f"1:{'00' * 32},2:{NEW.key.hex()}")
    with pytest.raises(BrokenLaw, match=r"2 pseudonyms of silver.workflows are of no shop"):
        rotate(lake, NEW)
    assert shops(lake, SILVER_WORKFLOWS) == shops(lake, GOLD_FATES) == of(OLD)

    monkeypatch.setenv(KEYS_VARIABLE, BOTH)
    merge = Lake.merge

    def killed(self: Lake, rows: Any, table: Table, **options: Any) -> Any:
        if table is GOLD_FATES:
            raise KeyboardInterrupt
        return merge(self, rows, table, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "merge", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(lake, NEW)
    assert (shops(lake, SILVER_WORKFLOWS), shops(lake, GOLD_FATES)) == (of(NEW), of(OLD))
    assert rotate(lake, NEW) == {"silver.workflows": 0, "gold.fates": 2}
    assert shops(lake, SILVER_WORKFLOWS) == shops(lake, GOLD_FATES) == of(NEW)
    version = lake.version(GOLD_FATES)
    assert rotate(lake, NEW) == {"silver.workflows": 0, "gold.fates": 0}
    assert lake.version(GOLD_FATES) == version

    erased = bury(lake, [Subject(SHOP, "7")], datetime(2026, 11, 23, tzinfo=UTC))
    purge(lake, erased)  # by the ids of bronze: it needs no key
    monkeypatch.delenv(KEYS_VARIABLE)
    assert shops(lake, SILVER_WORKFLOWS).keys() == shops(lake, BRONZE_WORKFLOWS).keys() == {"r2", "r3"}
    assert shops(lake, GOLD_FATES) == {**of(NEW), "r1": None}
