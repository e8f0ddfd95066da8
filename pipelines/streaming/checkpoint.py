"""Whose batches those are: the folder in which Spark keeps its offsets, and the name its commits carry.

Batches of a checkpoint are counted from 0, and Delta skips a number that it has seen under the same name. So
the name belongs to the checkpoint and goes with it: it is drawn when the folder is made, and where the folder
is lost, the next one has another name and nothing new is ever taken for old.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from typing import Final

import pyarrow.fs as pafs

from pipelines.lake import lake_root
from pipelines.storage import filesystem_of
from schemas.errors import UsageError
from schemas.table import Table

__all__ = ["Checkpoint"]

_NOTE: Final = "_sidewheel.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One folder, and the application that it stands for."""

    uri: str
    application: str

    @classmethod
    def of(cls, uri: str | None, lake: str, source: str, table: Table) -> Checkpoint:
        """The checkpoint at `uri`, by default one below the lake that is named by source and table.

        Raises:
            UsageError: when the folder is another source's or another table's, or cannot be written.
        """
        digest = hashlib.blake2b(f"{source}\n{table.name}".encode(), digest_size=8).hexdigest()
        uri = lake_root(uri or f"{lake}/ops/checkpoints/{digest}")
        filesystem, folder = filesystem_of(uri)
        path = f"{folder}/{_NOTE}"
        try:
            note = _read(filesystem, path)
            if note is None:
                note = {"application": uuid.uuid4().hex, "source": source, "table": table.name}
                filesystem.create_dir(folder, recursive=True)
                with filesystem.open_output_stream(path) as file:
                    file.write(json.dumps(note).encode())
        except OSError as error:
            raise UsageError(f"cannot write the checkpoint {uri}: {error}.") from error
        if (note["source"], note["table"]) != (source, table.name):
            raise UsageError(
                f"the checkpoint {uri} is of {note['source']} into {note['table']};"
                " give --checkpoint another folder."
            )
        return cls(uri, note["application"])


def _read(filesystem: pafs.FileSystem, path: str) -> dict[str, str] | None:
    """The note; None where there is none, or one that was never finished."""
    if filesystem.get_file_info(path).type != pafs.FileType.File:
        return None
    with filesystem.open_input_stream(path) as file:
        text = file.read()
    try:
        note = {str(key): str(value) for key, value in json.loads(text).items()}
        whole = re.fullmatch(r"[0-9a-f]{32}", note["application"]) and note.keys() >= {"source", "table"}
    except (ValueError, KeyError, AttributeError):
        return None
    return note if whole else None
