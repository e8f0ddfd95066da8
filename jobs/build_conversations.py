"""Put the events of `bronze.conversation_events` together as `silver.conversations`, redacted and tagged.

Every conversation is looked at again, because what a merchant does comes late; only rows that changed are
written. What `check_mirror --migrate` brought to today's contract stays so while words and rules do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._lake import require_lake
from jobs._main import Summary, job
from pipelines.conversations import ConversationPolicy, build, count_conversations, settled, time_of
from pipelines.erasure import ErasedSubjects, purge_later
from pipelines.importers.exchanges import instant
from pipelines.lake import Lake, unpacked_bytes
from pipelines.mirror.stored import keep_migrated
from pipelines.quality import Publisher, QualityPolicy
from pipelines.session import spark_session
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS


@dataclass(frozen=True, kw_only=True)
class Config(QualityPolicy, ConversationPolicy):
    """Which lake, and how."""

    lake: Annotated[str, "Folder or URI of the lake."]
    as_of: Annotated[str, "Time that counts as now, with its zone; by default that of the newest event."] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.as_of and instant(self.as_of) is None:
            raise ValueError("--as-of must be a time with its zone, such as 2026-11-23T00:00:00Z.")


def run(config: Config) -> Summary:
    """Counts where every event is, and what became of the conversations."""
    lake = Lake(spark_session("build_conversations", num_bytes=unpacked_bytes(config.lake)), config.lake)
    require_lake(lake, BRONZE_EVENTS, "ingest_conversations")
    erased = ErasedSubjects.of(lake)
    bronze = lake.read(BRONZE_EVENTS)
    facts = build(bronze, config).persist()
    as_of = instant(config.as_of) or time_of(facts, config)
    built = keep_migrated(settled(facts, as_of, config), lake.read(SILVER_CONVERSATIONS)).persist()
    counted = count_conversations(bronze, built, as_of)
    if not counted["conversations"]:
        return counted | {"new": 0, "changed": 0, "warnings": 0}
    written = (publisher := Publisher(lake, config)).merge(built, SILVER_CONVERSATIONS, distinct=True)
    purge_later(lake, erased)
    changes = {"new": written.num_inserted, "changed": written.num_updated}
    return {**counted, **changes, **publisher.counted()}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
