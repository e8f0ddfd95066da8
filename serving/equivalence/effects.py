"""What of a run leaves the workflow, and when two runs did the same.

Each leaving effect carries its causal past: the leaving effects right before it on the same path, and by them
all that came before those. Runs did the same when they left the same effects with the same pasts, each as
often. Effects of parallel branches have no order between them, so none is compared.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.tools import canonical_json
from serving.simulator.durations import duration_of
from serving.simulator.trace import Effect, Trace

__all__ = ["Left", "left_by", "parted"]


@dataclass(frozen=True, slots=True)
class Left:
    """One leaving effect of a run."""

    effect: Effect
    content: str
    """What somebody outside would notice: of an error its code, of a wait how long it lasts, of all others
    every rendered value."""
    key: bytes
    """Content and past, so that two effects are the same exactly where their keys are."""


def left_by(trace: Trace) -> tuple[Left, ...]:
    """The leaving effects of a run, in its order."""
    fronts: list[frozenset[int]] = []
    """For each effect the leaving ones that whatever follows it comes right after."""
    pasts: list[int] = []
    """For each effect all leaving ones before it, as bits."""
    keys: dict[int, bytes] = {}
    found = []
    for number, effect in enumerate(trace.effects):
        front: frozenset[int] = frozenset().union(*(fronts[place] for place in effect.after))
        if len(front) > 1:  # what came before another of them is no longer right before
            front = frozenset(each for each in front if not any(pasts[other] >> each & 1 for other in front))
        past = 0
        for place in effect.after:
            past |= pasts[place]
        if effect.leaves:
            content = _content(effect)
            before = b"".join(sorted(keys[each] for each in front))
            keys[number] = hashlib.blake2b(content.encode() + b"\0" + before, digest_size=16).digest()
            found.append(Left(effect, content, keys[number]))
            front, past = frozenset([number]), past | 1 << number
        fronts.append(front)
        pasts.append(past)
    return tuple(found)


def parted(a: Sequence[Left], b: Sequence[Left]) -> tuple[list[Left], list[Left]]:
    """What only the first run left, and what only the second did; both empty where they did the same."""
    return _beyond(a, b), _beyond(b, a)


def _beyond(a: Sequence[Left], b: Sequence[Left]) -> list[Left]:
    spare = Counter(each.key for each in b)
    found = []
    for each in a:
        if spare[each.key]:
            spare[each.key] -= 1
        else:
            found.append(each)
    return found


def _content(effect: Effect) -> str:
    values = effect.values
    if effect.kind == "error":
        values = str(json.loads(values)["code"])  # its message names paths and steps, which are free
    elif effect.kind == "wait":
        # P1D lasts as long as PT24H
        found = json.loads(values)
        found["duration"] = duration_of(found["duration"]).total_seconds()
        values = canonical_json(found)
    return f"{effect.kind}\n{effect.task_id}\n{values}"
