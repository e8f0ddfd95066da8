"""An index of short texts by words: which of them an asking means, and how well.

    index = WordIndex([{"order": 1.0, "creat": 1.0}, {"order": 1.0, "tag": 1.0, "add": 1.0}])
    index.scores([{"order": 1.0}, {"tag": 1.0, "label": 1.0}])    # {0: ..., 1: ...}

A term of an asking is a word with what may stand for it (`tag` or `label`); each has a strength from 0 to 1,
as the words of a text have. With `w` the weight of a term, which is the logarithm of 1 + texts / texts that
have any of its words,

    coverage = sum of w * best strength of the term in the text / sum of w
    precision = weight of the text's strongest words that a term explains / weight of all of them
    score = coverage * (0.75 + 0.25 * precision)

A word that no text has is taken for one that differs from it by one letter added, lost, changed or moved,
with less strength; where there is none either, its term asks for nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

__all__ = ["PRECISION", "STRONGEST", "Term", "WordIndex"]

Term = Mapping[str, float]
"""Words that stand for one thing, each with the strength that it does so with."""

PRECISION: Final = 0.25
_MISSPELT: Final = 0.8
_SHORTEST_MISSPELT: Final = 4
STRONGEST: Final = 1.0


class WordIndex:
    """Texts by their words. A text is word -> strength; the words of strength 1 are what it is called."""

    def __init__(self, texts: Sequence[Mapping[str, float]]) -> None:
        self._num_texts = len(texts)
        self._found: dict[str, dict[int, float]] = defaultdict(dict)
        for number, text in enumerate(texts):
            for word, strength in text.items():
                self._found[word][number] = strength
        self._weights = {word: self._weight(found) for word, found in self._found.items()}
        self._called = [
            sum(self._weights[word] for word, strength in text.items() if strength == STRONGEST) or 1.0
            for text in texts
        ]
        self._near: dict[str, list[str]] = defaultdict(list)
        for word in self._found:
            for shorter in _one_less(word):
                self._near[shorter].append(word)

    def scores(self, terms: Iterable[Term]) -> dict[int, float]:
        """Number of each text that has a word of any term -> its score, from 0 to 1."""
        coverage: dict[int, float] = defaultdict(float)
        explained: dict[int, dict[str, float]] = defaultdict(dict)
        total = 0.0
        for term in terms:
            found, named = self._texts_with(term)
            if not found:
                continue
            weight = self._weight(found)
            total += weight
            for number, strength in found.items():
                coverage[number] += weight * strength
            for number, word in named:
                explained[number][word] = self._weights[word]
        return {
            number: covered
            / total
            * (1 - PRECISION + PRECISION * sum(explained[number].values()) / self._called[number])
            for number, covered in coverage.items()
        }

    def _texts_with(self, term: Term) -> tuple[dict[int, float], list[tuple[int, str]]]:
        """Text -> the strength of the term in it; and which texts are called by which of its words."""
        known: Term = {word: strength for word, strength in term.items() if word in self._found}
        known = known or self.misspelt(term)
        found: dict[int, float] = {}
        named = []
        for word, strength in known.items():
            for number, told in self._found[word].items():
                found[number] = max(found.get(number, 0.0), strength * told)
                if told == STRONGEST:
                    named.append((number, word))
        return found, named

    def misspelt(self, term: Term) -> Term:
        """The words that may be meant by a term of which no text has a word."""
        return {near: strength * _MISSPELT for word, strength in term.items() for near in self.near(word)}

    def near(self, word: str) -> list[str]:
        """The words that a misspelt one may be, sorted; none for short ones."""
        if len(word) < _SHORTEST_MISSPELT:
            return []
        return sorted({near for shorter in _one_less(word) for near in self._near.get(shorter, ())})

    def _weight(self, found: Mapping[int, float]) -> float:
        """The fewer texts, the more it says."""
        return math.log(1 + self._num_texts / len(found))


def _one_less(word: str) -> set[str]:
    """The word, and the word without each of its letters: two words one letter apart share one of these."""
    if len(word) < _SHORTEST_MISSPELT:
        return set()
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}
