"""What a sentence of several clauses leaves open: a rule that would have to guess says so instead.

Flow's steps follow one condition, and so do the rules': two clauses with a condition or with things of their
own would both be done under both. Numbers that a Python number does not hold are refused here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["unclear"]

_MAX_DIGITS: Final = 15
"""Digits that every number of a JSON reader holds exactly."""
_THINGS: Final = r"(?:draft orders|orders|customers|buyers|shoppers|clients|products|items|refunds)\b"
_ANEW: Final = (
    rf"(?:(?:all|every|each|any) (?:the |of the )?\w+\b|(?<!the )(?<!those )(?<!these )(?<!such )\b{_THINGS})"
)
"""Things that a second clause begins anew with, unlike "them", "the order" or "those orders"."""
_AND: Final = re.compile(
    rf"(?:\band|\bthen|\balso|\bplus|[,;&])\s+(?:(?!when|if)\w+ )?{_ANEW}", re.IGNORECASE
)
_PARTED: Final = re.compile(r"(?:\b(?:and|then|but)|[,;])\s*$", re.IGNORECASE)
_SPLIT: Final = "I build one workflow with one condition at a time; ask for each part by itself"


def unclear(seen: str, acts: Sequence[int], waits: Sequence[int], tests: Sequence[int]) -> str:
    """Why the rules cannot be sure what belongs to what, or an empty text.

    `acts`, `waits` and `tests` are where the actions, waits and conditions begin in `seen`, in order.
    """
    return _numbers(seen) or _conditions(seen, acts, tests) or _waits(seen, acts, waits)


def _conditions(seen: str, acts: Sequence[int], tests: Sequence[int]) -> str:
    if not acts:
        return ""
    if _AND.search(seen, acts[0]):
        return _SPLIT
    if len(acts) > 1 and tests:
        before = any(test < acts[0] for test in tests)
        within = any(acts[0] <= test < acts[1] for test in tests)
        behind = any(test >= acts[1] for test in tests)
        if behind or (before and within) or re.search(_ANEW, seen[acts[1] :], re.IGNORECASE):
            return _SPLIT
    return ""


def _waits(seen: str, acts: Sequence[int], waits: Sequence[int]) -> str:
    for wait in waits:
        own = _PARTED.search(seen[:wait]) or re.match(r"wait\b", seen[wait:], re.IGNORECASE)
        behind = acts and acts[0] < wait
        if behind and own and acts[-1] < wait:
            return "say what should happen after the wait"
        if behind and not own and len(acts) > 1:
            return "I cannot tell which action is to wait; write: do this, then wait 2 days, then do that"
    return ""


def _numbers(seen: str) -> str:
    for found in re.finditer(r"(?<![\w«.])(\d[\d.,]*\d|\d)(k)?( ?%)?", seen):
        text = found[1]
        if found[3]:
            return f"I compare no percentages ({found[0]})"
        if not re.fullmatch(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d{1,2})?", text) and "," in text:
            return f"I cannot read the number {text[:40]}; write it like 1234.56"
        if re.fullmatch(r"\d{1,3}(?:\.\d{3})+", text):
            return f"{text[:40]} may be a thousand or a fraction; write it like 1234.56"
        if len(re.sub(r"\D", "", text).lstrip("0")) > _MAX_DIGITS:
            return f"the number {text[:40]} has more digits than I carry exactly"
    return ""
