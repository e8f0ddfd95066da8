"""Bring every pseudonym of a shop beyond bronze to the newest key of SIDEWHEEL_PSEUDONYM_KEYS.

Give both keys, `1:<hex>,2:<hex>`: by the old one is found what was written under it. Each table is one
commit; a run that was stopped is run again. At the end the old key may be destroyed, once `maintain_lake` has
removed the files that the old pseudonyms are in. Ids that stand as they came become pseudonyms too.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Annotated

from jobs._main import Summary, job
from pipelines.lake import Lake, unpacked_bytes
from pipelines.pseudonyms import Pseudonyms
from pipelines.session import spark_session
from pipelines.shop_pseudonyms import rotate, tables_of_pseudonyms
from schemas.errors import UsageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Which lake."""

    lake: Annotated[str, "Folder or URI of the lake."]


def run(config: Config) -> Summary:
    """Counts the rows that were given another pseudonym."""
    new = Pseudonyms.from_environment()
    lake = Lake(spark_session("rotate_pseudonyms", num_bytes=unpacked_bytes(config.lake)), config.lake)
    if not any(lake.exists(table) for table in tables_of_pseudonyms()):
        raise UsageError(
            f"No table beyond bronze in {config.lake} names shops yet; run curate_workflows first."
        )
    changed = rotate(lake, new)
    if new.epoch > 1:
        logger.info(
            "every table is at epoch %d; destroy older keys once maintain_lake has removed old files",
            new.epoch,
        )
    return {"epoch": new.epoch, "tables": len(changed), "rows": sum(changed.values())}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
