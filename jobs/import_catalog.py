"""Make a shop's own task catalogue: what the real tools answered, over the catalogue that ships.

Reads JSON answers of task_search and task_configuration. What cannot be read is counted and its file is named
on standard error; it stops nothing. The same answers give the same bytes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._catalogue import answers_of, load_catalogue
from jobs._main import Summary, job
from schemas.catalog import tasks
from schemas.catalog.merging import merge
from schemas.errors import BrokenLaw, UsageError


@dataclass(frozen=True, kw_only=True)
class Config:
    """Which answers to read and where to write."""

    answers: Annotated[tuple[Path, ...], "JSON files of answers, and folders of such files."]
    output: Annotated[Path, "The catalogue to write; keep it out of the folders of answers."]


def run(config: Config) -> Summary:
    """Read, merge, write, and read what was written."""
    answered = list(answers_of(config.answers))
    if not any(each.found or each.configured or each.missing for each in answered):
        raise UsageError("there is no answer of task_search or task_configuration in --answers.")
    merged = merge(tasks.SHIPPED, answered)
    try:
        config.output.write_text(merged.catalogue.to_json(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {config.output}: {(error.strerror or '').lower()}.") from error
    fingerprint = merged.catalogue.fingerprint()
    if load_catalogue(config.output).fingerprint() != fingerprint:
        raise BrokenLaw(f"{config.output} does not hold what was written to it.")
    return {
        "files": len(answered),
        "malformed": sum(len(each.malformed) for each in answered),
        "unknown": sum(len(each.unknown) for each in answered),
        "confirmed": merged.confirmed,
        "contradicted": merged.contradicted,
        "updated": merged.updated,
        "added": merged.added,
        "identified": merged.identified,
        "guessed": sum(not task.known for task in merged.catalogue.tasks.values()),
        "fingerprint": fingerprint[:12],
    }


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
