"""Recall and precision, a kind, of whatever finds identifiers in labelled messages.

A label is found when finds of its kind cover every character of it, and met when one overlaps it. A find is
right when it overlaps a label of its kind. Both are counted over all messages, never averaged over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.labelled_messages import Label, LabelledMessage

__all__ = ["Score", "scores"]


@dataclass(slots=True)
class Score:
    """Counts of one kind."""

    num_labels: int = 0
    num_found: int = 0
    """Labels that are covered by finds of their kind."""
    num_met: int = 0
    """Labels that a find of their kind overlaps."""
    num_masked: int = 0
    """Labels that finds of any kinds cover."""
    num_finds: int = 0
    num_right: int = 0

    @property
    def recall(self) -> float:
        return self.num_found / self.num_labels if self.num_labels else 1.0

    @property
    def precision(self) -> float:
        return self.num_right / self.num_finds if self.num_finds else 1.0

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both else 0.0


def scores(
    messages: Sequence[LabelledMessage], finds: Iterable[Sequence[Label]], kinds: Iterable[str]
) -> dict[str, Score]:
    """Kind -> score; `finds` holds one sequence a message, in the same order."""
    found = {kind: Score() for kind in kinds}
    for message, finds_here in zip(messages, finds, strict=True):
        for label in message.labels:
            score = found.setdefault(label.kind, Score())
            of_kind = [find for find in finds_here if find.kind == label.kind]
            score.num_labels += 1
            score.num_found += _covered(label, of_kind)
            score.num_masked += _covered(label, finds_here)
            score.num_met += any(_overlap(label, find) for find in of_kind)
        for find in finds_here:
            score = found.setdefault(find.kind, Score())
            score.num_finds += 1
            score.num_right += any(
                label.kind == find.kind and _overlap(label, find) for label in message.labels
            )
    return found


def _overlap(one: Label, other: Label) -> bool:
    return one.start < other.end and other.start < one.end


def _covered(label: Label, finds: Iterable[Label]) -> bool:
    position = label.start
    for find in sorted(finds, key=lambda one: one.start):
        if find.start <= position < find.end:
            position = find.end
    return position >= label.end
