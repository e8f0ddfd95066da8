"""Files of a log in, a file of events and a report out: both whole or not there at all.

    imported = import_files(found.files, "openai", policy, folder)

The names are digests of what is inside, so an import that is done again leaves everything as it is. The
report's name begins with `_`: those who read a folder of events pass over it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pipelines.importers.exchanges import INVALID, ImportPolicy
from pipelines.importers.imports import Format, Imported, Line, import_lines
from pipelines.importers.told import Contracts
from pipelines.records import LINES, PACKED, Record, Split, damage_of, read_split
from pipelines.storage import InputFile
from schemas.conversation import ENCODING
from schemas.envelope import DAMAGED_FILE, EMPTY, MAX_RECORD_BYTES, place_of, too_large
from schemas.errors import BadRecord, UsageError
from schemas.tools import CONTRACT, Contract
from schemas.workflow.jsontext import read_json
from serving.contract_files import CONTRACT_SUFFIX, keep_contract

__all__ = ["SUFFIXES", "import_files", "lines_of"]

SUFFIXES: Final = (".json", *LINES)
"""A file of `.json` is one value; of the others each line is one."""


def import_files(files: Sequence[InputFile], form: Format, policy: ImportPolicy, folder: Path) -> Imported:
    """Import the files into a folder; what was written there is named by its content.

    Contracts that lie in the folder are known: a log that was imported under one stays under it.

    Raises:
        UsageError: where the folder does not take it, or a file cannot be opened.
    """
    contracts = Contracts([*_kept(folder), CONTRACT])
    imported = import_lines((line for file in files for line in lines_of(file)), form, policy, contracts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for contract in contracts.written.values():
            keep_contract(folder, contract)
        _write(folder, "_import-", ".json", [imported.report().encode(), b"\n"])
        if imported.events:  # last: who finds events finds their contracts too
            _write(folder, "events-imported-", ".jsonl", imported.events)
    except OSError as error:
        raise UsageError(f"cannot write in {folder}: {(error.strerror or str(error)).lower()}.") from None
    return imported


def lines_of(file: InputFile) -> Iterator[Line]:
    """The values of one file, each with its place; a value that cannot be read is the reason.

    A list of requests in one value is as many lines; of a damaged file nothing is used.
    """
    split = Split(file.uri, 0, None if file.uri.endswith(PACKED) else file.num_bytes)
    if split.end is None and (damage := damage_of(split)):
        yield file.uri, BadRecord(DAMAGED_FILE, damage)
        return
    for record in read_split(split):
        place = place_of(file.uri, record.line)
        try:
            value = _value(record)
        except BadRecord as refused:
            yield place, refused
            continue
        parts = value if isinstance(value, list) else ()
        if parts and not any(isinstance(part, dict) and "role" in part for part in parts):
            yield from ((f"{place}/{number}", part) for number, part in enumerate(parts))
        else:
            yield place, value


def _value(record: Record) -> object:
    if record.raw is None:
        raise too_large(record.num_bytes)
    if not record.raw.strip():
        raise BadRecord(EMPTY, "there is nothing in it")
    try:
        return read_json(record.raw.decode(), limit=MAX_RECORD_BYTES)
    except UnicodeDecodeError as error:
        raise BadRecord(ENCODING, f"byte {error.start} is not UTF-8") from None
    except BadRecord as refused:
        raise BadRecord(INVALID, refused.message, path=refused.path) from None


def _kept(folder: Path) -> Iterator[Contract]:
    """The contracts that lie in a folder, in the order of their names."""
    for path in sorted(folder.glob(f"*{CONTRACT_SUFFIX}")):
        with contextlib.suppress(OSError, UnicodeDecodeError, BadRecord):
            contract = Contract.from_json(path.read_text(encoding="utf-8"))
            if path.name == f"{contract.fingerprint()}{CONTRACT_SUFFIX}":
                yield contract


def _write(folder: Path, prefix: str, suffix: str, pieces: Iterable[bytes]) -> None:
    """Write a file named by its content, whole or not at all; one that is there is left alone."""
    unfinished = folder / f".{prefix}{uuid.uuid4().hex[:8]}"
    digest = hashlib.blake2b(digest_size=16)
    try:
        with unfinished.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        target = folder / f"{prefix}{digest.hexdigest()}{suffix}"
        if not target.exists():
            unfinished.replace(target)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
