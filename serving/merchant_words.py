"""What merchants say for what Flow's catalogue says: phrases and words of our own, few and in English.

    terms("When it sells out, tell me")    # [{"out": 1.0}, {"of": 1.0}, {"stock": 1.0}, {"send": 1.0}, ...]

They are in `merchant_words.txt`. Phrases stand for other words as a whole, the longest first; synonyms may
stand for others, and keep their own meaning where the catalogue uses it. All are compared without endings
(`serving.words`). Not here yet: other languages, and telling a word's meanings apart by what stands near it.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from serving.word_index import Term
from serving.words import split, stem, words

__all__ = ["telling", "terms"]

_SYNONYM: Final = 0.9
"""The strength of a word that may be meant, beside 1 for the one that was said."""

_EMPTY_WORDS: Final = (
    "a all an and any are as at be been but by can completely could did do does dont each every for from "
    "gets got had has have her his how i if in is it its just look me my myself need new no not now "
    "of on one only or our please shop should so some someone something store than that the their them "
    "then there they thing this to us want was we were what when whenever which who will with would yet "
    "you your "
)
"""Words that say nothing about a task: they count where a query has no others."""


def terms(query: str, *, with_phrases: bool = True) -> list[Term]:
    """What a query asks for, each once: its phrases and words, without those that say nothing.

    `with_phrases` is for texts in the catalogue's own words; others hold what merchants say as it is.
    """
    said = split(query)
    stems = [stem(word) for word in said]
    found: list[Term] = []
    empty: list[Term] = []
    at = 0
    while at < len(said):
        size, meant = _phrase(stems, at) if with_phrases else (0, ())
        if size:
            found += ({word: 1.0} for word in meant)
            at += size
            continue
        term = {**dict.fromkeys(_SYNONYMS.get(stems[at], ()), _SYNONYM), stems[at]: 1.0}
        (empty if said[at] in _EMPTY else found).append(term)
        at += 1
    return list({tuple(term): term for term in found or empty}.values())


def telling(text: str) -> list[str]:
    """The words of a text without those that say nothing, as `words` gives them."""
    return [stem(word) for word in split(text) if word not in _EMPTY]


def _phrase(stems: list[str], at: int) -> tuple[int, tuple[str, ...]]:
    """How many words of the longest known phrase begin at a place, and what it means; 0 for none."""
    for size in range(min(_LONGEST, len(stems) - at), 0, -1):
        meant = _PHRASES.get(tuple(stems[at : at + size]))
        if meant is not None:
            return size, meant
    return 0, ()


def _read() -> tuple[dict[tuple[str, ...], tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Phrase -> what it stands for, and word -> what it may stand for, both without endings."""
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}
    synonyms: dict[str, tuple[str, ...]] = {}
    for line in files("serving").joinpath("merchant_words.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        meant, sign, said = (part.strip() for part in re.split("([=~])", line, maxsplit=1))
        for each in said.split(","):
            if sign == "=":
                phrases[tuple(words(each))] = tuple(words(meant))
            else:
                word = stem(each.strip())
                synonyms[word] = (*synonyms.get(word, ()), *words(meant))
    return phrases, synonyms


_EMPTY: Final = frozenset(_EMPTY_WORDS.split())
_PHRASES, _SYNONYMS = _read()
_LONGEST: Final = max(map(len, _PHRASES))
