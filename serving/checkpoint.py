"""A checkpoint folder, opened only where it fits: Hugging Face files, `tokenizer.json`, `manifest.json`.

The manifest is written last, so a folder without one is half written, and it names every file with its
SHA-256. Its fingerprints must be those of this house: a model that learned another contract, template or
tokenizer is refused, by the name of what differs. Not here yet: URIs.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.chat import render_fingerprints
from schemas.errors import BadRecord, UsageError
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT, Contract, diff
from schemas.workflow.jsontext import read_json

__all__ = ["Checkpoint", "open_checkpoint"]

MAX_MANIFEST: Final = 64 << 20
_MANIFEST: Final = "manifest.json"
_TOKENIZER: Final = "tokenizer.json"
_CONTRACT: Final = "contract.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder whose manifest was read and fits; `name` is made of the manifest's bytes."""

    folder: Path
    name: str
    tokenizer: JsonTokenizer
    manifest: Mapping[str, Any]


def open_checkpoint(folder: Path, contract: Contract = CONTRACT) -> Checkpoint:
    """Read the manifest, compare its fingerprints, look at every file that it names.

    Raises:
        UsageError: where there is no checkpoint, it is half written or damaged, or it fits something else.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no checkpoint: {folder} is no folder; sidewheel train_model makes one.")
    content = _bytes(folder, _MANIFEST, "it was not written to its end")
    tokenizer = JsonTokenizer(_bytes(folder, _TOKENIZER, "it cannot be served without its tokenizer"))
    try:
        manifest = read_json(content.decode(), limit=MAX_MANIFEST)
        found = {str(name): manifest["fingerprints"][name] for name in manifest["fingerprints"]}
        listed = {Path(file["path"]).name: str(file["sha256"]) for file in manifest["files"]}
    except (BadRecord, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"the manifest of {folder} cannot be read: {str(error)[:200]}.") from None
    for field, ours in render_fingerprints(contract, tokenizer).items():
        if found.get(field) != ours:
            theirs = found.get(field, "missing")
            named = _differing(folder, contract) if field == "contract" else ""
            raise UsageError(
                f"the checkpoint {folder} was trained for another {field}{named}: {_short(theirs)} in its "
                f"manifest, {_short(ours)} here; train again, or serve it with the version that made it."
            )
    for name, sha256 in listed.items():
        if _sha256(folder / name) != sha256:
            raise UsageError(f"{folder / name} is not the file that the manifest names; train again.")
    return Checkpoint(folder, f"sidewheel-{hashlib.sha256(content).hexdigest()[:12]}", tokenizer, manifest)


def _bytes(folder: Path, name: str, otherwise: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        said = "missing" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise UsageError(f"the checkpoint {folder} has no {name} ({said}): {otherwise}.") from None


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _differing(folder: Path, contract: Contract) -> str:
    """` (system_prompt, tools.order)`: what differs from the contract that lies beside the weights."""
    with contextlib.suppress(OSError, UnicodeDecodeError, BadRecord):
        theirs = Contract.from_json((folder / _CONTRACT).read_text(encoding="utf-8"))
        if names := diff(theirs, contract):
            return f" ({', '.join(names)})"
    return ""


def _short(fingerprint: object) -> str:
    return str(fingerprint)[:12]
