"""What an erasure leaves in writing: what went from where, which models learned from it, what is not done.

No id is in it; subjects are named by their tombstones. `sha256` is over all else in it, as canonical JSON.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from pipelines.erasure.landing import Landed
from pipelines.erasure.shard_rows import Rewritten
from pipelines.erasure.spellings import Spellings
from pipelines.erasure.tainted import Tainted
from schemas.tools import canonical_json

__all__ = ["OUT_OF_REACH", "Certificate", "TableErased", "text_of"]

FORMAT: Final = "erasure_certificate_v1"

OUT_OF_REACH: Final = (
    "a topic of Kafka: its own retention ends it, or a compacted topic its tombstone",
    "backups, snapshots and versions that an object store keeps",
    "trackers, logs and caches outside the places that were scanned",
    "what models learned: those listed as tainted are to be trained again or retired",
    "a tokenizer that was learned from a pool with the subject's texts: it holds pieces of words, no rows",
    "traces of the same person or shop under another id or name",
    "the digest of a record or conversation in gold.fates, by which one who has the record can find its fate",
    "the history of the shell that this was asked from",
)


@dataclass
class TableErased:
    """What went of one table."""

    rows: int = 0
    version_before: int | None = None
    version_after: int | None = None
    data_files: int = 0
    log_files: int = 0


@dataclass
class Certificate:
    """One run of `erase`."""

    subjects: list[str]
    requested_at: datetime
    finished_at: datetime
    tables: dict[str, TableErased] = field(default_factory=dict)
    landing: Landed = field(default_factory=Landed)
    shards: list[Rewritten] = field(default_factory=list)
    tainted: list[Tainted] = field(default_factory=list)
    scanned_places: list[str] = field(default_factory=list)
    scanned_files: int = 0

    def content(self, spellings: Spellings) -> dict[str, Any]:
        """As JSON values, its digest last."""
        told: dict[str, Any] = {
            "format": FORMAT,
            "subjects": self.subjects,
            "requested_at": self.requested_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "tables": {name: asdict(each) for name, each in sorted(self.tables.items())},
            "landing": {name: value for name, value in asdict(self.landing).items() if name != "open"},
            "shards": [asdict(each) for each in self.shards],
            "tainted": [asdict(each) for each in self.tainted],
            "scanned": {"places": self.scanned_places, "files": self.scanned_files, "hits": 0},
            "out_of_reach": list(OUT_OF_REACH),
        }
        masked: dict[str, Any] = json.loads(spellings.masked(json.dumps(told)))
        digest = hashlib.sha256(canonical_json(masked).encode()).hexdigest()
        return masked | {"sha256": digest}


def text_of(content: dict[str, Any]) -> str:
    """The certificate for a person."""
    rows = {name: each["rows"] for name, each in content["tables"].items() if each["rows"]}
    landing, scanned = content["landing"], content["scanned"]
    lines = [
        f"Certificate of erasure {content['sha256'][:12]}",
        "",
        f"Asked for at {content['requested_at']}, finished at {content['finished_at']}.",
        f"Subjects, by their tombstones: {', '.join(each[:12] for each in content['subjects'])}.",
        "",
        "Removed in this run:",
        *(f"  {count} rows of {name}" for name, count in rows.items()),
        f"  {landing['num_lines']} lines of {landing['num_rewritten']} files as they came in, "
        f"and {landing['num_removed']} whole files",
        *(
            f"  {each['num_rows'] + each['num_held_out']} rows of {each['path']}"
            for each in content["shards"]
        ),
        "",
        f"Scanned afterwards, unpacked: {scanned['files']} files in {', '.join(scanned['places'])}; "
        "none holds an id.",
        "",
        "Models that learned from it, to be trained again or retired:",
        *(
            [f"  {each['path']}" for each in content["tainted"]]
            or ["  none in the places that were searched"]
        ),
        "",
        "Out of reach:",
        *(f"  {each}" for each in content["out_of_reach"]),
    ]
    return "\n".join(lines) + "\n"
