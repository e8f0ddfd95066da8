"""What production told its model, kept beside the events: one file a tool contract, named by its fingerprint.

    keep_contract(Path("events"), CONTRACT)     # events/<fingerprint>.contract.json, written once

An event names its contract by the fingerprint alone; whoever compares production with training later needs
the words. The file is the contract's canonical text, so its SHA-256 is its name. It appears whole or not at
all, and one that is there is left alone. Not here yet: a place beside the events that go to Kafka.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Final

from schemas.errors import UsageError
from schemas.tools import Contract

__all__ = ["CONTRACT_SUFFIX", "keep_contract"]

CONTRACT_SUFFIX: Final = ".contract.json"


def keep_contract(folder: Path, contract: Contract) -> Path:
    """Leave the contract in a folder of events; where its file is.

    Raises:
        UsageError: where the folder does not take it.
    """
    kept = folder / f"{contract.fingerprint()}{CONTRACT_SUFFIX}"
    if kept.exists():
        return kept
    unfinished = folder / f".{kept.name}.{uuid.uuid4().hex[:8]}"  # readers of events skip hidden files
    try:
        with unfinished.open("xb") as file:
            file.write(contract.to_json().encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(kept)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise UsageError(f"cannot record in {folder}: {(error.strerror or str(error)).lower()}.") from None
    return kept
