from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import functions as F  # noqa: E402

from pipelines.erasure import CONVERSATION, SHOP, ErasedSubjects, Subject, bury  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.tables import OPS_ERASURES  # noqa: E402

WHEN = datetime(2026, 11, 24, tzinfo=UTC)
LATER = datetime(2026, 12, 24, tzinfo=UTC)


def test_a_subject_is_held_by_its_digest_alone_and_keeps_the_time_it_was_first_asked_for(lake: Lake) -> None:
    assert not ErasedSubjects.of(lake)
    shop, conversation = Subject(SHOP, "shop-4711"), Subject(CONVERSATION, "conversation-9")
    named = bury(lake, [shop, shop], WHEN)
    assert len(named) == 1
    assert bury(lake, [shop, conversation], LATER).digests > named.digests
    held = pickle.loads(pickle.dumps(ErasedSubjects.of(lake)))
    assert (len(held), len(held.salts)) == (2, 1)
    assert held.since(named).digests == held.digests - named.digests
    assert held.holds("shop-4711")
    assert held.holds("shop-4711", "other")
    assert held.holds(None, "conversation-9")
    for other in (("shop-471", None), ("conversation-9", "shop-4711"), (None, None)):
        assert not held.holds(*other)
    assert held.named_in(b'{"shop_id":"shop-4711","kind"')
    assert held.named_in(b"shop_id:shop-4711 \xff")
    assert not held.named_in(b'{"shop_id":"shop-47111"')
    assert not held.named_in(None)
    rows = lake.read(OPS_ERASURES).collect()
    assert sorted(str(row["requested_at"])[:7] for row in rows) == ["2026-11", "2026-12"]
    assert "4711" not in repr(rows) + repr(shop) + repr(named)


def test_spark_finds_the_same_rows_as_python(lake: Lake) -> None:
    held = bury(lake, [Subject(SHOP, "ä 7"), Subject(CONVERSATION, "c1")], WHEN)
    given = [("ä 7", "c0"), ("ä 8", "c1"), ("c1", "ä 7"), (None, None), ("ä 8", None), (None, "c1")]
    rows = lake.spark.createDataFrame(given, "shop string, conversation string")
    found = rows.where(held.condition(shop=F.col("shop"), conversation=F.col("conversation"))).collect()
    assert {tuple(row) for row in found} == {pair for pair in given if held.holds(*pair)}
    assert len(found) == 3
