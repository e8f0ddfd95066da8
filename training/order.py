"""In which order rows are trained on: a pure function of seed and position, whatever the number of ranks.

The epochs' permutations, end to end, are one endless sequence. A step takes the next rows of it, and rank r
of w takes rows r, r + w, ... of the step. So a cursor (seed, epoch, position) is all that a run must
remember, and four ranks read what one would have read.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Cursor", "permutation", "share", "take"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a run stands: how many rows of which epoch are behind it."""

    seed: int
    epoch: int = 0
    position: int = 0


@functools.lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, num_rows: int) -> npt.NDArray[np.int64]:
    """The order of one epoch. Raw bits of PCG64 do not change between versions of numpy; its shuffles may."""
    bits = np.random.PCG64(np.random.SeedSequence((seed, epoch))).random_raw(num_rows)
    order = np.argsort(bits, kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


def take(cursor: Cursor, num_rows: int, count: int) -> tuple[list[int], Cursor]:
    """The next `count` rows of the sequence, and where it stands after them."""
    assert num_rows > 0
    rows: list[int] = []
    epoch, position = cursor.epoch, cursor.position
    while len(rows) < count:
        order = permutation(cursor.seed, epoch, num_rows)[position : position + count - len(rows)]
        rows += order.tolist()
        position += len(order)
        if position == num_rows:
            epoch, position = epoch + 1, 0
    return rows, Cursor(seed=cursor.seed, epoch=epoch, position=position)


def share(rows: list[int], rank: int, num_ranks: int) -> list[int]:
    """What one rank takes of the rows of a step."""
    return rows[rank::num_ranks]
