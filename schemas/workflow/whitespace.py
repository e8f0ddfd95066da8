"""White space of a file that was formatted by hand, after an edit that took steps or links in or out.

`jsontext` keeps the white space of such a file token by token. Each step and each link that stays takes its
own along; a new one stands where its neighbours stand, with a space after each sign.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.workflow.jsontext import JsonValue, Lexis, runs_of, spaces_between, tokens_of, unrun

_ARRAYS: Final = ("steps", "links")


@dataclass(frozen=True, slots=True)
class _Array:
    """Tokens of one array: `start` is the first one after its bracket, `counts` are those of its entries."""

    start: int
    counts: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.start + sum(self.counts) + max(0, len(self.counts) - 1)

    def place(self, number: int) -> int:
        """The first token of an entry; a comma stands between two."""
        return self.start + sum(self.counts[:number]) + number


def spans_of(document: JsonValue) -> dict[str, Any]:
    """Where the tokens of steps and links are, to be kept beside the white space of their file."""
    return {name: [found.start, list(found.counts)] for name, found in _arrays(document).items()}


def _arrays(document: dict[str, Any], at: int = 0) -> dict[str, _Array]:
    found: dict[str, _Array] = {}
    at += 1
    for key, value in document.items():
        at += 2
        if key == "root":
            found |= _arrays(value, at)
        elif key in _ARRAYS:
            found[key] = _Array(at + 1, tuple(len(tokens_of(each)) for each in value))
        at += len(tokens_of(value)) + 1
    return found


def refit(lexis: Lexis, document: dict[str, Any], sources: dict[str, Sequence[int | None]]) -> Lexis:
    """The lexis for an edited document; `sources` says which entry of its file each entry was, if any.

    Answers the lexis as it is where it keeps no single spaces, or where the edit changed more than arrays.
    """
    if lexis is None or "spans" not in lexis:
        return lexis
    old = {name: _Array(start, tuple(counts)) for name, (start, counts) in lexis["spans"].items()}
    new = _arrays(document)
    before = list(unrun(lexis["spaces"]))
    if list(old) != list(new):
        return lexis
    moved: dict[int, int] = {}  # token of the file -> token of the edited document
    spaces: list[str] = []
    done = 0
    for name in old:
        was, now = old[name], new[name]
        if now.start - len(spaces) != was.start - done:
            return lexis
        moved |= {done + number: len(spaces) + number for number in range(was.start - done)}
        spaces += before[done : was.start]
        entries = document.get("root", document)[name]
        first = before[was.place(len(was.counts) - 1)] if was.counts else ""
        for number, (entry, source) in enumerate(zip(entries, sources[name], strict=True)):
            if number:
                spaces.append(before[was.place(source) - 1] if source else "")
            start = None if source is None else was.place(source)
            if start is not None and was.counts[source or 0] == now.counts[number]:
                moved |= {start + token: len(spaces) + token for token in range(now.counts[number])}
                spaces += before[start : start + now.counts[number]]
            else:
                inside = spaces_between(json.dumps(entry, ensure_ascii=False))[1:]
                spaces += [first if start is None else before[start], *inside]
        done = was.end
    if len(tokens_of(document)) - len(spaces) != len(before) - done:
        return lexis
    moved |= {done + number: len(spaces) + number for number in range(len(before) - done)}
    spaces += before[done:]
    tokens = [[moved[number], token] for number, token in lexis["tokens"] if number in moved]
    return {**lexis, "tokens": tokens, "spaces": runs_of(spaces)}
