"""Make conversations from the workflows that train in a week: requests in words, each with its answer."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.lake import Lake
from pipelines.quality import Publisher, QualityPolicy
from pipelines.session import spark_session
from pipelines.synthesis import admitted, counted, synthesise, unsynthesised
from schemas.errors import UsageError
from schemas.tables import GOLD_FATES, SILVER_SYNTHETIC, SILVER_WORKFLOWS
from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class Config(QualityPolicy):
    """What to make conversations from, and how many."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week whose curated workflows are taken, such as 2026-W47."]
    wordings: Annotated[int, "How many requests to word for each workflow."] = 2
    seed: Annotated[int, "Which workflows get an edit or a question too follows from it."] = 0


def run(config: Config) -> Summary:
    """Have the conversations that are not there yet; those of a known workflow and version stay."""
    week = str(Week.parse(config.week))
    lake = Lake(spark_session("synthesize_conversations"), config.lake)
    fates = lake.read(GOLD_FATES).where(f"week = '{week}' AND kind = 'workflow'")
    if fates.isEmpty():
        raise UsageError(f"No workflows of {week} are curated in {config.lake}; run curate_workflows first.")
    workflows = admitted(lake.read(SILVER_WORKFLOWS), fates, week).persist()
    new = unsynthesised(workflows, lake.read(SILVER_SYNTHETIC), config.wordings, config.seed)
    num_new = new.persist().count()
    publisher = Publisher(lake, config)
    made = synthesise(new, config.wordings, config.seed)
    publisher.merge(made, SILVER_SYNTHETIC, week=week, distinct=True)
    rows = counted(lake.read(SILVER_SYNTHETIC), workflows, config.seed)
    return {"week": week, "workflows": workflows.count(), "new": num_new, **rows, **publisher.counted()}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
