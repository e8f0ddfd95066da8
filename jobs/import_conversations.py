"""Turn logs of a model into files of events, which `ingest_conversations` takes.

Reads OpenAI's requests and responses, stored `messages` and fine-tuning files (`--format openai`), and spans
and log records of OpenTelemetry's GenAI conventions (`--format otel`), as `.json`, `.jsonl` and `.jsonl.gz`.
What each request repeats is taken off. The report, `_import-*.json`, has the reason of every line that could
not be read and counts the fields that are in no event. The same log gives the same bytes.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from jobs._main import Summary, job
from pipelines.importers.exchanges import ImportPolicy
from pipelines.importers.files import SUFFIXES, import_files
from pipelines.importers.imports import Format
from pipelines.storage import find_inputs

logger = logging.getLogger(__name__)

NOT_CAPTURED = (
    "%d spans hold no content: instrumentations capture it only where they are told to "
    "(OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT); there is nothing in them to import"
)


@dataclass(frozen=True, kw_only=True)
class Config(ImportPolicy):
    """What to read, and where to write."""

    inputs: Annotated[tuple[str, ...], "Files, folders, globs or URIs of them."]
    format: Annotated[Format, "What kind of log it is."]
    output: Annotated[Path, "Folder for the events; keep it out of the inputs."]


def run(config: Config) -> Summary:
    """Counts every line and call: new, repeated, without content, malformed; and the fields left out."""
    found = find_inputs(config.inputs, SUFFIXES).without_empty()
    imported = import_files(found.files, config.format, config, config.output)
    if imported.counts["without_content"]:
        logger.warning(NOT_CAPTURED, imported.counts["without_content"])
    for field, number in imported.unread.most_common(10):
        logger.info("%d values of %s are in no event", number, field)
    files = {"files": len(found.files), "skipped_files": found.num_skipped}
    return {**files, **imported.counts, "path": str(config.output)}


main = job(Config, run)

if __name__ == "__main__":
    sys.exit(main())
