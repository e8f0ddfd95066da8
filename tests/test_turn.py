"""The steps of a turn on a lake in which nobody has talked to the agent yet."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.spark

from jobs.build_conversations import main as build_conversations  # noqa: E402
from jobs.check_mirror import main as check_mirror  # noqa: E402
from jobs.judge_conversations import main as judge_conversations  # noqa: E402
from jobs.route_conversations import main as route_conversations  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS  # noqa: E402

WEEK = "2026-W47"


def test_a_curated_lake_without_conversations_goes_round(lake: Lake) -> None:
    """As after `curate_workflows`: the fates are there and no conversation is."""
    lake.replace(lake.spark.createDataFrame([], spark_schema(GOLD_FATES)), GOLD_FATES)
    version = lake.version(GOLD_FATES)
    here = ["--lake", lake.root]
    assert build_conversations.summarise(here)["conversations"] == 0
    assert not lake.exists(SILVER_CONVERSATIONS)
    gate = check_mirror.summarise([*here, "--week", WEEK, "--migrate"])
    assert (gate["rows"], gate["differences"], gate["migrated"]) == (0, 0, 0)
    assert judge_conversations.summarise(here)["conversations"] == 0
    routed = route_conversations.summarise([*here, "--week", WEEK])
    assert (routed["read"], routed["training"], routed["rejected"]) == (0, 0, 0)
    assert lake.version(GOLD_FATES) == version
