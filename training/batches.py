"""Micro-batches: conversations side by side in one row, with the beginning that they share written once.

Every conversation opens with the same system prompt and tools: most of a short one. So a micro-batch is
`[shared beginning][rest of row 1][rest of row 2]...`; each rest has the positions that it had, and sees the
beginning and itself. A token's hidden state depends on what is before it, so this is exact, and several times
less work. Not here yet: attention that skips what the mask hides, which long rows without a shared beginning
would need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from training.shards import TokenView

__all__ = ["IGNORED", "Batch", "fold", "micro_batches"]

IGNORED: Final = -100


@dataclass(frozen=True, slots=True)
class Batch:
    """What a model is given, each tensor with a first dimension of 1, and what it should say."""

    ids: torch.Tensor
    positions: torch.Tensor
    visible: torch.Tensor | None
    """Which tokens each one sees; None where that is everything before it."""
    labels: torch.Tensor
    """What follows each token, IGNORED where the assistant did not write it."""

    def to(self, device: Any) -> Batch:
        visible = None if self.visible is None else self.visible.to(device)
        return Batch(self.ids.to(device), self.positions.to(device), visible, self.labels.to(device))


def micro_batches(view: TokenView, rows: Sequence[int], size: int) -> Iterator[Batch]:
    """The rows in batches of `size`, those of like length together: their order does not change a sum."""
    ordered = sorted(rows, key=lambda row: int(view.starts[row + 1] - view.starts[row]))
    for start in range(0, len(ordered), size):
        yield fold([view.row(row) for row in ordered[start : start + size]])


def fold(rows: Sequence[tuple[Any, Any]]) -> Batch:
    """One batch of rows of (ids, mask)."""
    inputs = [ids[:-1].astype(np.int64) for ids, _ in rows]
    labels = [np.where(mask[1:] == 1, ids[1:], IGNORED).astype(np.int64) for ids, mask in rows]
    shared = _num_shared(inputs, labels) if len(rows) > 1 else 0
    ids = np.concatenate([inputs[0][:shared], *(row[shared:] for row in inputs)])
    positions = np.concatenate([np.arange(shared), *(np.arange(shared, len(row)) for row in inputs)])
    wanted = np.concatenate([np.full(shared, IGNORED), *(row[shared:] for row in labels)])
    visible = None
    if len(rows) > 1:
        # Row 0 is the beginning, which everybody sees.
        lengths = [shared, *(len(row) - shared for row in inputs)]
        owner = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
        seen = (owner[:, None] == owner[None, :]) | (owner[None, :] == 0)
        visible = seen.tril()[None, None]
    return Batch(_row(ids), _row(positions), visible, _row(wanted))


def _row(values: Any) -> torch.Tensor:
    return torch.from_numpy(values)[None]


def _num_shared(inputs: Sequence[Any], labels: Sequence[Any]) -> int:
    """How long the common beginning is, up to the first label: each row keeps all of its own labels."""
    first_label = min(int(np.argmax(row != IGNORED)) for row in labels)
    shared = min(first_label, *(len(row) for row in inputs))
    for row in inputs[1:]:
        differing = np.nonzero(row[:shared] != inputs[0][:shared])[0]
        shared = int(differing[0]) if len(differing) else shared
    return shared
