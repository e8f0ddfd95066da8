"""Judge every sound conversation by program: four facets each; what was judged already is left alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from pyspark.sql import functions as F  # noqa: N812

from jobs._lake import require_lake
from jobs._main import Summary, job
from pipelines.facets import FACETS
from pipelines.judge import judge, unjudged
from pipelines.lake import Lake, unpacked_bytes
from pipelines.quality import Publisher, QualityPolicy
from pipelines.session import spark_session
from schemas.tables import SILVER_CONVERSATIONS, SILVER_JUDGMENTS


@dataclass(frozen=True, kw_only=True)
class Config(QualityPolicy):
    """What to judge."""

    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Silver to judgments: conversations = judged + unchanged + refused; four facets each of the judged."""
    lake = Lake(spark_session("judge_conversations", num_bytes=unpacked_bytes(config.lake)), config.lake)
    require_lake(lake, SILVER_CONVERSATIONS, "build_conversations")
    conversations = lake.read(SILVER_CONVERSATIONS)
    new = judge(unjudged(conversations, lake.read(SILVER_JUDGMENTS))).persist()
    num, num_refused = conversations.agg(F.count(F.lit(1)), F.count("problem_code")).collect()[0]
    num_rows, num_scores = new.agg(F.count(F.lit(1)), F.count("score")).collect()[0]
    publisher = Publisher(lake, config)
    publisher.merge(new, SILVER_JUDGMENTS, distinct=True)
    num_judged = num_rows // len(FACETS)
    return {
        "conversations": num,
        "judged": num_judged,
        "unchanged": num - num_refused - num_judged,
        "refused": num_refused,
        "scores": num_scores,
        "unscored": num_rows - num_scores,
        **publisher.counted(),
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
