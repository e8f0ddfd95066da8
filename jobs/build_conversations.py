"""Put the events of `bronze.conversation_events` together as `silver.conversations`, redacted and tagged.

Every conversation is looked at again, because what a merchant does comes late; rows that did not change are
not written again. What `check_mirror --migrate` brought to today's contract stays so while it was recorded
with the same words and redacted by the same rules.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._lake import require_lake
from jobs._main import Summary, job
from pipelines.conversations import ConversationPolicy, build, count_conversations
from pipelines.lake import Lake, unpacked_bytes
from pipelines.mirror.stored import keep_migrated
from pipelines.session import spark_session
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS


@dataclass(frozen=True, kw_only=True)
class Config(ConversationPolicy):
    """Which lake, and how."""

    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts where every event is, and what became of the conversations."""
    lake = Lake(spark_session("build_conversations", num_bytes=unpacked_bytes(config.lake)), config.lake)
    require_lake(lake, BRONZE_EVENTS, "ingest_conversations")
    bronze = lake.read(BRONZE_EVENTS)
    built = keep_migrated(build(bronze, config), lake.read(SILVER_CONVERSATIONS)).persist()
    counted = count_conversations(bronze, built)
    if not counted["conversations"]:
        return {**counted, "new": 0, "changed": 0}
    written = lake.merge(built, SILVER_CONVERSATIONS, distinct=True)
    return {**counted, "new": written.num_inserted, "changed": written.num_updated}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
