"""Forget a shop or a conversation: its rows, lines, shards and words in the logs, with a certificate.

Exit 0 only if a scan of every byte, packed files unpacked, finds the id nowhere; 75 where a recorder or a job
still holds a file (run it again); 70 with the files named where something is left.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from jobs._main import Summary, job
from pipelines.erasure import CONVERSATION, SHOP, Subject
from pipelines.erasure.erase import Request, count, erase
from pipelines.lake import Lake, unpacked_bytes
from pipelines.session import spark_session
from schemas.errors import UsageError
from schemas.tables import TABLES


@dataclass(frozen=True, kw_only=True)
class Config:
    """Whom to forget, and where."""

    lake: Annotated[str, "Folder or URI of the lake."]
    shop: Annotated[tuple[str, ...], "Ids of shops."] = ()
    conversation: Annotated[tuple[str, ...], "Ids of conversations."] = ()
    inputs: Annotated[tuple[str, ...], "What was ingested; by default the files that bronze names."] = ()
    checkpoints: Annotated[tuple[str, ...], "Folders of models and trackers, to search and scan."] = ()
    also: Annotated[
        tuple[str, ...], "Further places to scan: a stream's checkpoints, Data Docs, caches."
    ] = ()
    output: Annotated[str | None, "File of the certificate; by default it is in the lake."] = None
    grace_hours: Annotated[float, "A data file of no commit is of no running job after this long."] = 24.0
    dry_run: Annotated[bool, "Only count what there is."] = False

    def __post_init__(self) -> None:
        if not (self.shop or self.conversation) or not all((*self.shop, *self.conversation)):
            raise ValueError("give --shop ID or --conversation ID, or several.")
        if self.grace_hours < 0:
            raise ValueError("--grace-hours must be at least 0.")


def run(config: Config) -> Summary:
    """The counts of the certificate; an id is never printed."""
    lake = Lake(spark_session("erase", num_bytes=unpacked_bytes(config.lake)), config.lake)
    if not any(lake.exists(table) for table in TABLES.values()):
        raise UsageError(f"There is no lake in {config.lake}.")
    given = (*((SHOP, each) for each in config.shop), *((CONVERSATION, each) for each in config.conversation))
    now = datetime.now(UTC)  # a request has a time, and a file an age: the only clock of the lake
    request = Request(
        subjects=tuple(Subject(kind, name) for kind, name in given),
        inputs=config.inputs,
        checkpoints=config.checkpoints,
        also=config.also,
        output=config.output,
        requested_at=now,
        now=now,
        grace=timedelta(hours=config.grace_hours),
    )
    if config.dry_run:
        return {"dry_run": True, **count(lake, request)}
    where, told = erase(lake, request)
    rows = sum(each["rows"] for each in told["tables"].values())
    shard_rows = sum(each["num_rows"] + each["num_held_out"] for each in told["shards"])
    counted = {"subjects": len(told["subjects"]), "rows": rows, "lines": told["landing"]["num_lines"]}
    scanned = {"tainted": len(told["tainted"]), "scanned": told["scanned"]["files"], "left": 0}
    return {**counted, "shard_rows": shard_rows, **scanned, "certificate": where}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
