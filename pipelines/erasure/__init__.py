"""Forget a shop or a conversation: its tombstone, its rows, its bytes in every file, and a certificate.

`ErasedSubjects` is what ingest asks before it lets a row in. Order makes that safe without a lock: `erase`
writes the tombstone and then deletes; ingest commits and then looks at the tombstones again. Whichever comes
second sees what the other did, and removes it.
"""

from __future__ import annotations

from pipelines.erasure.rows import purge, purge_later
from pipelines.erasure.subjects import CONVERSATION, SHOP, ErasedSubjects, Subject, bury

__all__ = ["CONVERSATION", "SHOP", "ErasedSubjects", "Subject", "bury", "purge", "purge_later"]
