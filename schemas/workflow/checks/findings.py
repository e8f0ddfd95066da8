"""One finding of a rule, and the words that all rules share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.workflow.problems import Severity

__all__ = ["Finding", "cut", "did_you_mean", "listed"]

_LONGEST_NAME: Final = 80
_WORD = re.compile(r"[A-Z]?[a-z]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of a workflow. `step` is its canonical number, -1 for the workflow itself."""

    code: str
    step: int
    field: str
    message: str
    severity: Severity = "error"
    link: int = -1
    """The number of the link at fault, -1 where none is."""
    outside_loop: bool = False
    """Whether it names the item of a loop outside of it, which Flow reports by itself."""


def cut(text: str) -> str:
    """A merchant's text as a message shows it: names of a hostile file can be as long as the file."""
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x' or 'y'?` where known names are near, else nothing.

    Near is what is spelled alike; where nothing is, what shares a word: `numberOfOrders` for `orderCount`.
    """
    if len(name) > _LONGEST_NAME:
        return ""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.65)
    if not near:
        words = {word.lower() for word in _WORD.findall(name) if len(word) > 3}
        near = [other for other in names if any(word in other.lower() for word in words)][:3]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """The first names of a list, for a message."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
