"""Ids of shops and people as keyed pseudonyms, with an epoch that says which key made them.

    pseudonyms = Pseudonyms.from_environment()       # SIDEWHEEL_PSEUDONYM_KEYS=1:<hex>,2:<hex>
    pseudonyms.of("shop", "gid://shopify/Shop/7")    # "m2_q3x7..."
    rotated(column, rotation(ids, "shop", old, new))

A pseudonym is HMAC-SHA256 (RFC 2104, FIPS 180-4) over kind and id, its first 130 bits in base32: the same id,
kind and key give the same one, and without the key nobody can try ids until one fits. Keys come from the
environment and are never written. To rotate, make the map of old to new where the ids still are, rewrite the
tables with it, then destroy the old key and the map: what had the old pseudonyms by then means nothing. Not
here yet: a key for each shop.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import UsageError

__all__ = ["KEYS_VARIABLE", "Pseudonyms", "epoch_of", "rotated", "rotation"]

KEYS_VARIABLE: Final = "SIDEWHEEL_PSEUDONYM_KEYS"
_FORM: Final = re.compile(r"m([1-9]\d{0,5})_[a-z2-7]{26}")
_LENGTH: Final = 26
_LEAST_BYTES: Final = 32
"""RFC 2104 advises a key no shorter than the hash."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Pseudonyms of one epoch under its key."""

    epoch: int
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.epoch < 10**6:
            raise ValueError(f"the epoch {self.epoch} is not from 1 to 999999")
        if len(self.key) < _LEAST_BYTES:
            raise ValueError(f"the key of epoch {self.epoch} has {len(self.key)} bytes; give {_LEAST_BYTES}")

    @classmethod
    def from_environment(
        cls, epoch: int | None = None, environment: Mapping[str, str] = os.environ
    ) -> Pseudonyms:
        """Those of `epoch`, by default the newest that the variable has a key for.

        Raises:
            UsageError: where the variable is missing, cannot be read, or has no such epoch.
        """
        keys: dict[int, bytes] = {}
        for part in environment.get(KEYS_VARIABLE, "").split(","):
            number, colon, text = part.strip().partition(":")
            if not part.strip():
                continue
            try:
                keys[int(number)] = bytes.fromhex(text)
            except ValueError:
                colon = ""
            if not colon:
                raise UsageError(
                    f"{KEYS_VARIABLE} cannot be read; set it to EPOCH:HEX, several with commas between."
                )
        wanted = max(keys, default=None) if epoch is None else epoch
        if wanted is None or wanted not in keys:
            what = "no key" if wanted is None else f"no key of epoch {wanted}"
            raise UsageError(f"{KEYS_VARIABLE} has {what}; set it to EPOCH:HEX with 64 hex digits or more.")
        try:
            return cls(wanted, keys[wanted])
        except ValueError as error:
            raise UsageError(f"{KEYS_VARIABLE}: {error}.") from None

    def of(self, kind: str, value: str) -> str:
        """`m<epoch>_<base32>` of one id; two kinds never share one."""
        said = f"{len(kind)}:{kind}:{value}".encode()
        digest = hmac.digest(self.key, said, hashlib.sha256)
        return f"m{self.epoch}_{base64.b32encode(digest).decode().lower()[:_LENGTH]}"

    def column(self, kind: str, values: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Those of a column of texts; null stays null. Each distinct id is computed once."""
        return rotated(values, {value: self.of(kind, value) for value in _distinct(values)})


def epoch_of(pseudonym: str) -> int | None:
    """The epoch whose key made it; None for what is no pseudonym."""
    found = _FORM.fullmatch(pseudonym)
    return int(found[1]) if found else None


def rotation(values: Iterable[str], kind: str, old: Pseudonyms, new: Pseudonyms) -> dict[str, str]:
    """Old pseudonym -> new one of each id.

    Raises:
        ValueError: where the epochs are the same: nobody could tell what was rotated.
    """
    if old.epoch == new.epoch:
        raise ValueError(f"both keys are of epoch {old.epoch}; a rotation needs a new one")
    return {old.of(kind, value): new.of(kind, value) for value in values}


def rotated(column: pa.Array | pa.ChunkedArray, by: Mapping[str, str]) -> pa.Array:
    """The column with each text replaced; null stays null.

    Raises:
        KeyError: with how many texts have no successor, where there are any: none is lost or kept by silence.
    """
    distinct = _distinct(column)
    missing = sum(value not in by for value in distinct)
    if missing:
        raise KeyError(f"{missing} of {len(distinct)} pseudonyms have no successor in the map")
    places = pc.index_in(column, value_set=pa.array(distinct, column.type))
    found = pa.array([by[value] for value in distinct], pa.string()).take(places)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _distinct(column: pa.Array | pa.ChunkedArray) -> list[str]:
    return [value for value in pc.unique(column).to_pylist() if value is not None]
