"""Curate one week: every record through the round-trip gate and the filters, to one fate each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.curation import CurationPolicy, curate, records_of
from pipelines.lake import Lake, unpacked_bytes
from pipelines.ledger import erased_fates, ledger, with_erased
from pipelines.quality import Publisher, QualityPolicy
from pipelines.session import spark_session
from pipelines.transpile import transpile, untranspiled
from schemas.errors import UsageError
from schemas.tables import BRONZE_WORKFLOWS, GOLD_FATES, SILVER_WORKFLOWS
from schemas.weeks import Week


@dataclass(frozen=True, kw_only=True)
class Config(QualityPolicy, CurationPolicy):
    """What to curate."""

    lake: Annotated[str, "Folder or URI of the lake."]
    week: Annotated[str, "ISO week to curate as of its end, such as 2026-W47."]


def run(config: Config) -> Summary:
    """Bronze to silver, silver to fates; the fates are the commit point."""
    week = Week.parse(config.week)
    lake = Lake(spark_session("curate_workflows", num_bytes=unpacked_bytes(config.lake)), config.lake)
    if not lake.exists(BRONZE_WORKFLOWS):
        raise UsageError(f"There are no records in {config.lake}; run ingest_workflows first.")
    bronze = lake.read(BRONZE_WORKFLOWS)
    new = untranspiled(bronze, lake.read(SILVER_WORKFLOWS))
    publisher = Publisher(lake, config)
    publisher.merge(transpile(new), SILVER_WORKFLOWS, week=str(week), distinct=True)
    records = records_of(bronze, lake.read(SILVER_WORKFLOWS)).persist()
    kept = erased_fates(lake.read(GOLD_FATES), [str(week)], ("workflow",), records)
    fates = curate(records, week, config).unionByName(kept).persist()
    counted = ledger(fates, with_erased(records, kept))
    publisher.replace(fates, GOLD_FATES, partition={"week": str(week), "kind": "workflow"}, if_changed=True)
    return {"week": str(week), **counted, **publisher.counted()}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
