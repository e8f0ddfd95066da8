"""A request that patterns eat from: quoted words, addresses and URLs are set aside first."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MAX_REQUEST", "Text"]

MAX_REQUEST: Final = 2_000
"""Characters of a request that the rules read; a longer one is not a sentence or two."""
_ASIDE: Final = re.compile(
    r"(?P<t>\"[^\"\n]+\"|“[^”\n]+”|(?<!\w)'[^'\n]+'(?!\w)|‘[^’\n]+’)"
    r"|(?P<u>https?://[^\s\"'<>]+[^\s\"'<>.,;!?])"
    r"|(?P<m>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
)
_WORD: Final = re.compile(r"«?\w[\w'’$%.-]*»?|[€£$%]\d+")


class Text:
    """What is left of a request. `«t0»`, `«m0»`, `«u0»` stand for a quoted text, an address, a URL."""

    def __init__(self, request: str) -> None:
        self._aside: dict[str, str] = {}
        plain = " ".join(request.split()).replace("«", "<").replace("»", ">").replace("’", "’")
        self.seen = _ASIDE.sub(self._put_aside, plain).rstrip(" .!?")
        """The whole request with what was set aside; never eaten from."""
        self._left = self.seen
        self.last = 0
        """Where the last thing that was taken began, in `seen`."""

    def take(self, pattern: str, *, keep: int = 0) -> re.Match[str] | None:
        """The first place where a pattern fits, blanked out but for the group `keep`."""
        found = re.search(pattern, self._left, re.IGNORECASE)
        if found is None or not found[0].strip():
            return None
        start, end = found.span()
        self.last = start + len(found[0]) - len(found[0].lstrip())
        middle = " " * (end - start)
        if keep and keep <= found.re.groups and found[keep]:
            first, last = found.span(keep)
            middle = " " * (first - start) + found[keep] + " " * (end - last)
        self._left = self._left[:start] + middle + self._left[end:]
        return found

    def take_all(self, pattern: str) -> list[re.Match[str]]:
        found = []
        while one := self.take(pattern):
            found.append(one)
        return found

    def said(self, word: str) -> str:
        """The word itself, or what it stands for."""
        return self._aside.get(word, word)

    def words(self) -> list[str]:
        """What nobody has taken."""
        return [self.said(word) for word in _WORD.findall(self._left)]

    def _put_aside(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or "t"
        key = f"«{kind}{len(self._aside)}»"
        self._aside[key] = found[0][1:-1] if kind == "t" else found[0]
        return key
