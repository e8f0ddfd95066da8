"""Route conversations: each of this week and the one before, and each malformed line, to exactly one fate."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from pyspark.sql import functions as F  # noqa: N812

from jobs._lake import require_lake
from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.ledger import erased_fates, ledger, with_erased
from pipelines.quality import Publisher, QualityPolicy
from pipelines.routing import ROUTED, RoutingPolicy, route, to_route, unbuilt, weeks_to_route
from pipelines.session import spark_session
from schemas.errors import UsageError
from schemas.tables import BRONZE_EVENTS, GOLD_FATES, SILVER_CONVERSATIONS, SILVER_JUDGMENTS
from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class Config(QualityPolicy, RoutingPolicy):
    """What to route."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week to route, and the one before it, such as 2026-W47."]


def run(config: Config) -> Summary:
    """Silver to fates, which are left alone where nothing changed; they are the commit point."""
    week = Week.parse(config.week)
    lake = Lake(spark_session("route_conversations", num_bytes=unpacked_bytes(config.lake)), config.lake)
    require_lake(lake, SILVER_CONVERSATIONS, "build_conversations")
    events, conversations = lake.read(BRONZE_EVENTS), lake.read(SILVER_CONVERSATIONS)
    if num_unbuilt := unbuilt(events, conversations).count():
        raise UsageError(f"{num_unbuilt} conversations have only events; run build_conversations first.")
    stored = lake.read(GOLD_FATES)
    weeks = weeks_to_route(conversations, stored, week)
    judgments = lake.read(SILVER_JUDGMENTS)
    records = to_route(conversations, events, stored, weeks)
    kept = erased_fates(stored, weeks, ROUTED, records)
    fates = route(conversations, judgments, events, stored, week, weeks, config).unionByName(kept).persist()
    counted = ledger(fates, with_erased(records, kept))
    publisher = Publisher(lake, config)
    publisher.replace(fates, GOLD_FATES, partition={"week": weeks, "kind": ROUTED}, if_changed=True)
    num_events = fates.where(F.col("kind") == "event").count()
    return {"week": str(week), "weeks": len(weeks), "events": num_events, **counted, **publisher.counted()}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
