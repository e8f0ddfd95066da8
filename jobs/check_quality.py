"""Hold every table of a lake to what is expected of it, and write Great Expectations' Data Docs of it.

Batch jobs do this before they publish a table. What a stream wrote is held to it here, and so is anything
else, at will. Counts and shares go to `ops.measures` and into the Data Docs; what a row says goes nowhere.
Exit 70 where something critical is wrong; nothing is changed or taken back.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.quality import QualityPolicy, judge_lake
from pipelines.session import spark_session
from schemas.errors import BrokenLaw, UsageError


@dataclass(frozen=True, kw_only=True)
class Config(QualityPolicy):
    """What to check, and where to leave the Data Docs."""

    lake: Annotated[str, "Folder or URI of the lake."]
    output: Annotated[Path | None, "Folder for Data Docs, if not ops/quality in the lake."] = None


def run(config: Config) -> Summary:
    """Counts tables and expectations, and those that do not hold."""
    output = config.output
    if output is None:
        if "://" in config.lake:
            raise UsageError("The lake is no folder: say where the Data Docs go with --output.")
        output = Path(config.lake, "ops", "quality")
    lake = Lake(spark_session("check_quality", num_bytes=unpacked_bytes(config.lake)), config.lake)
    judged = list(judge_lake(lake, config, output))
    if not judged:
        raise UsageError(f"There are no tables in {config.lake}; run ingest_workflows first.")
    failed = [(each, verdict) for each in judged for verdict in each.failed]
    critical = [pair for pair in failed if pair[1].expectation.severity == "critical"]
    if critical:
        told = "; ".join(f"{each.table.name}: {verdict}" for each, verdict in critical)
        raise BrokenLaw(f"{told}; all of it is in {output}/index.html")
    return {
        "tables": len({each.table.name for each in judged}),
        "expectations": sum(len(each.verdicts) for each in judged),
        "warnings": len(failed),
        "docs": str(output / "index.html"),
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
