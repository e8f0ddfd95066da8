"""Catalogues, and the answers that one is made from, as files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs._files import MAX_BYTES_PER_CHARACTER, read_bytes
from schemas.catalog import answers, reading
from schemas.catalog.answers import Answered, read_answers
from schemas.catalog.catalogue import Catalogue
from schemas.catalog.reading import read_catalogue
from schemas.errors import BadRecord, UsageError

__all__ = ["answers_of", "load_catalogue"]

NUM_SHOWN = 3

logger = logging.getLogger(__name__)


def load_catalogue(path: Path) -> Catalogue:
    """The catalogue that `import_catalog` wrote.

    Raises UsageError with the file, the place in it and what is wrong there.
    """
    try:
        return read_catalogue(_text(path, reading.MAX_CHARACTERS))
    except BadRecord as error:
        at = f" at {error.path}" if error.path else ""
        raise UsageError(
            f"{path} is no catalogue{at}: {error.message}; write one with import_catalog."
        ) from error


def answers_of(paths: Sequence[Path]) -> Iterator[Answered]:
    """What each file says, and each `.json` file of each folder; a line is logged for what cannot be read.

    Raises UsageError for a path that is not there or cannot be opened.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"no such file or folder: {path}.")
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            answered = _read(file)
            for said, places in (("malformed", answered.malformed), ("not understood", answered.unknown)):
                if places:
                    more = f" and {len(places) - NUM_SHOWN} more" if len(places) > NUM_SHOWN else ""
                    logger.warning("%s: %s: %s%s", file, said, "; ".join(places[:NUM_SHOWN]), more)
            yield answered


def _read(file: Path) -> Answered:
    try:
        return read_answers(_text(file, answers.MAX_CHARACTERS))
    except BadRecord as error:
        return Answered(malformed=[error.message])


def _text(path: Path, limit: int) -> str:
    """Raises UsageError for a file that cannot be opened, BadRecord for one that is no UTF-8 or too large."""
    raw = read_bytes(path, limit * MAX_BYTES_PER_CHARACTER)
    if len(raw) > limit * MAX_BYTES_PER_CHARACTER:
        raise BadRecord("TOO_LARGE", f"more than {limit} characters")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadRecord("INVALID_ENCODING", f"byte {error.start} is not UTF-8") from error
