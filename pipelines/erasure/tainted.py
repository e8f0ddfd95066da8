"""Which models learned from what was erased: told by the digests in their manifests, none of them opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.erasure.files import Files
from schemas.shards import MANIFEST

__all__ = ["Tainted", "tainted_by"]

_MAX_MANIFEST: Final = 64 << 20


@dataclass(frozen=True)
class Tainted:
    """A folder with a model, or whatever else has a manifest that names a shard set."""

    path: str
    manifest_sha256: str
    shards: str
    """Digest of the shard set as it was when it was trained on."""


def tainted_by(contents: Collection[str], places: Iterable[str], files: Files) -> list[Tainted]:
    """The manifests below `places` that name one of the shard sets' `contents`.

    A model is trained again or retired; nothing here takes what it learned out of it.
    """
    found = {}
    for place in places:
        for info in files.walk(place):
            if not contents or info.base_name != MANIFEST or info.size > _MAX_MANIFEST:
                continue
            raw = files.read(info.path)
            try:
                told = json.loads(raw)
            except ValueError:
                continue
            for name in sorted({*_texts(_inputs(told))} & {*contents}):
                folder = info.path.rpartition("/")[0]
                found[folder] = Tainted(folder, hashlib.sha256(raw).hexdigest(), name)
    return [found[path] for path in sorted(found)]


def _inputs(manifest: Any) -> Any:
    """What it was made from; a shard set's own manifest keeps its digest elsewhere."""
    if not isinstance(manifest, dict):
        return None
    return [manifest.get("made_from"), manifest.get("shards") if "made_from" in manifest else None]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
