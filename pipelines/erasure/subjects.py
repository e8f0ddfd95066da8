"""Who asked to be forgotten, told by digests: a scan for an id finds nothing, and ingest can still ask.

A tombstone is SHA-256 over a salt of the lake's own, the kind and the id. What that is worth: nobody reads an
id off it, and two lakes cannot be compared. It is no secret to somebody who holds the table and can guess the
id: a shop's number has few digits, and all of them are tried in hours. Long random ids stay hidden.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from pipelines.lake import Lake
from schemas.tables import OPS_ERASURES

__all__ = ["CONVERSATION", "SHOP", "ErasedSubjects", "Subject", "bury", "would_bury"]

SHOP: Final = "shop"
CONVERSATION: Final = "conversation"

_SALT_BYTES: Final = 16
_REMEMBERED: Final = 65_536
_WORD: Final = re.compile(rb"[^\s\"'\\,;(){}\[\]<>=?&/]+")
"""What an id may look like inside bytes that nobody could parse."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A shop or a conversation, by its id as it came in. It is never printed or stored."""

    kind: str
    id: str = field(repr=False)


@dataclass(frozen=True)
class ErasedSubjects:
    """The tombstones of a lake, as one reading of them; cheap to send to executors and to ask there."""

    digests: frozenset[str] = frozenset()
    salts: tuple[str, ...] = ()

    @classmethod
    def of(cls, lake: Lake) -> ErasedSubjects:
        """What `ops.erasures` says now; a lake from which nobody was erased has none."""
        rows = lake.read(OPS_ERASURES).select("subject", "salt").collect()
        return cls(frozenset(row["subject"] for row in rows), tuple(sorted({row["salt"] for row in rows})))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def __len__(self) -> int:
        return len(self.digests)

    def since(self, before: ErasedSubjects) -> ErasedSubjects:
        """Those that were not there `before`."""
        return ErasedSubjects(self.digests - before.digests, self.salts)

    def holds(self, shop_id: str | None, conversation_id: str | None = None) -> bool:
        """Whether a row of this shop and conversation must not come in."""
        return bool(self.digests) and (
            (shop_id is not None and self._buried(SHOP, shop_id))
            or (conversation_id is not None and self._buried(CONVERSATION, conversation_id))
        )

    def named_in(self, raw: bytes | None) -> bool:
        """Whether any word of these bytes is one of them, for a line that nobody can parse.

        It errs on the side of forgetting: a line that only mentions the id of an erased shop goes too.
        """
        if not self.digests or raw is None:
            return False
        words = {
            word.decode("utf-8", "replace") for found in _WORD.findall(raw) for word in _spellings(found)
        }
        return any(self._buried(kind, word) for word in words for kind in (SHOP, CONVERSATION))

    def condition(self, *, shop: Column | None = None, conversation: Column | None = None) -> Column:
        """The same as `holds` for Spark, false where a column is null; only digests are in the plan."""
        asked = F.lit(False)
        digests = sorted(self.digests)
        for kind, column in ((SHOP, shop), (CONVERSATION, conversation)):
            if column is not None and digests:
                for salt in self.salts:
                    digest = F.sha2(F.concat(F.lit(f"{salt}:{kind}:"), column), 256)
                    asked = asked | F.coalesce(digest.isin(digests), F.lit(False))
        return asked

    def _buried(self, kind: str, name: str) -> bool:
        return any(_digest(salt, kind, name) in self.digests for salt in self.salts)


def bury(lake: Lake, subjects: Iterable[Subject], requested_at: datetime) -> ErasedSubjects:
    """Write the tombstones of `subjects`, each once; gives the subjects that were named.

    The first time of a request stays. Two first requests at one time may each bring a salt: both are asked.
    """
    known = ErasedSubjects.of(lake)
    salt = known.salts[0] if known.salts else secrets.token_hex(_SALT_BYTES)
    named, rows = set(), []
    for subject in subjects:
        there = [digest for digest in _digests(known.salts, subject) if digest in known.digests]
        digest = there[0] if there else _digest(salt, subject.kind, subject.id)
        if digest not in named and not there:
            rows.append({"subject": digest, "kind": subject.kind, "salt": salt, "requested_at": requested_at})
        named.add(digest)
    if rows:
        table = pa.Table.from_pylist(rows, schema=OPS_ERASURES.schema)
        lake.merge(lake.spark.createDataFrame(table), OPS_ERASURES, insert_only=True)
    return ErasedSubjects(frozenset(named), tuple(sorted({*known.salts, salt})))


def would_bury(lake: Lake, subjects: Iterable[Subject]) -> ErasedSubjects:
    """The subjects as `bury` would name them, with nothing written."""
    salt = secrets.token_hex(_SALT_BYTES)
    digests = frozenset(_digest(salt, subject.kind, subject.id) for subject in subjects)
    return ErasedSubjects(digests, (salt,))


def _digests(salts: Iterable[str], subject: Subject) -> Iterator[str]:
    return (_digest(salt, subject.kind, subject.id) for salt in salts)


@functools.lru_cache(maxsize=_REMEMBERED)
def _digest(salt: str, kind: str, name: str) -> str:
    return hashlib.sha256(f"{salt}:{kind}:{name}".encode()).hexdigest()


def _spellings(word: bytes) -> Iterator[bytes]:
    """A word, and what stands before and after its first colon: `shop_id:7` has no quotes."""
    yield word
    before, colon, after = word.partition(b":")
    if colon:
        yield before
        yield after
