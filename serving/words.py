"""The words of a text as search and the judge compare them: in lower case, and without their endings."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["split", "stem", "words"]

_WORD: Final = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The words of a text as search compares them: `Tagged orders` gives `["tag", "order"]`."""
    return [stem(word) for word in split(text)]


def split(text: str) -> list[str]:
    """The words as they are, in lower case."""
    return _WORD.findall(text.lower())


def stem(word: str) -> str:
    """`tags`, `tagged`, `tagging` to one word; crude, and the same on both sides."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
